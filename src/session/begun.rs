//! Notes on messages that are incomplete with a frame, completed later with the frame where they continue.
//!
//! A frame that carries the beginning of a message says how much of the message there is by then. Where the message
//! continues is known only when it is complete. Outputs that can hold rows back learn it from here.

use std::collections::HashMap;

use super::FrameRecord;
use super::found::{FlowEnd, StreamNote};
use crate::dissect::{Goes, Message, Note};

/// Most incomplete messages that are tracked: one for each of a million connections, at 40 bytes each.
const MOST_OPEN: usize = 1 << 20;

/// What became of an incomplete message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begun {
    /// It was a message, and continues there.
    Goes(Goes),
    /// The stream turned out to be something else: there was no message.
    NoMessage,
}

/// A frame whose note waits for the rest of a message.
#[derive(Debug, Clone, Copy)]
struct Open {
    frame: u64,
    /// Bytes of the message that had been captured with the frame.
    have: usize,
}

/// The incomplete messages, by stream.
#[derive(Debug, Default)]
pub struct Beginnings {
    open: HashMap<u32, Vec<Open>>,
    count: usize,
}

impl Beginnings {
    /// Processes a record: calls `tell` with the number of each earlier frame whose message is complete or turned out
    /// to be none. Returns how many notes of this record wait.
    #[inline]
    pub fn see(&mut self, record: &FrameRecord<'_>, tell: &mut impl FnMut(u64, Begun)) -> u32 {
        if self.count == 0 && record.notes.is_empty() {
            return 0;
        }
        self.end_all(record.messages, record.ended_flows, tell);
        self.begin(record.frame.number, record.notes)
    }

    /// Processes messages and ended streams, like [`see`](Self::see).
    pub fn end_all(
        &mut self,
        messages: &[Message],
        ended: &[FlowEnd],
        tell: &mut impl FnMut(u64, Begun),
    ) {
        if self.count == 0 {
            return;
        }
        for message in messages
            .iter()
            .filter(|message| message.described.is_none())
        {
            self.message(message, tell);
        }
        for flow in ended {
            for open in self.open.remove(&flow.stream).unwrap_or_default() {
                self.count -= 1;
                tell(open.frame, Begun::NoMessage);
            }
        }
    }

    fn begin(&mut self, frame: u64, notes: &[StreamNote]) -> u32 {
        let mut begun = 0;
        for noted in notes {
            if let Note::Begun { have, .. } = noted.note
                && self.count < MOST_OPEN
            {
                let open = Open { frame, have };
                self.open.entry(noted.stream).or_default().push(open);
                self.count += 1;
                begun += 1;
            }
        }
        begun
    }

    fn message(&mut self, message: &Message, tell: &mut impl FnMut(u64, Begun)) {
        let Some(waiting) = self.open.get_mut(&message.stream) else {
            return;
        };
        let before = waiting.len();
        waiting.retain(|open| match goes(message, *open) {
            Some(goes) => {
                tell(open.frame, Begun::Goes(goes));
                false
            }
            None => true,
        });
        self.count -= before - waiting.len();
        if waiting.is_empty() {
            self.open.remove(&message.stream);
        }
    }
}

/// Where a message continues after the bytes that there were with a frame; `None` if it is not the message that the
/// frame began.
fn goes(message: &Message, open: Open) -> Option<Goes> {
    let sources = &message.sources;
    if !sources.iter().any(|source| source.frame == open.frame) {
        return None;
    }
    if message.octets.len() <= open.have {
        return Some(Goes::Nowhere);
    }
    let next = sources
        .iter()
        .find(|source| source.start as usize == open.have)?;
    (next.frame != open.frame).then_some(Goes::In(next.frame))
}

/// Updates the notes of the frame that began a message.
pub fn put(begun: Begun, notes: &mut Vec<StreamNote>) {
    match begun {
        Begun::Goes(on) => {
            for noted in notes {
                if let Note::Begun { goes, .. } = &mut noted.note {
                    *goes = on;
                }
            }
        }
        Begun::NoMessage => notes.retain(|noted| !matches!(noted.note, Note::Begun { .. })),
    }
}
