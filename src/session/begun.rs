//! Messages that are not whole yet with a frame, and where they go on.
//!
//! A frame that carries the beginning of a message says how much there is of it by then. In which
//! frame it goes on is known only when the message is there; whoever can wait for it is told here.

use std::collections::HashMap;

use super::FrameRecord;
use super::found::{FlowEnd, StreamNote};
use crate::dissect::{Goes, Message, Note};

/// Messages waited for at most: one for each of a million connections, at 40 bytes each.
const MOST_OPEN: usize = 1 << 20;

/// What became of an incomplete message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begun {
    /// It was a message, and this is how it goes on.
    Goes(Goes),
    /// The stream ended as something else: the beginning was none.
    NoMessage,
}

/// A frame whose note waits for the rest of a message.
#[derive(Debug, Clone, Copy)]
struct Open {
    frame: u64,
    /// Bytes of the message that there were with the frame.
    have: usize,
}

/// The incomplete messages, by stream.
#[derive(Debug, Default)]
pub struct Beginnings {
    open: HashMap<u32, Vec<Open>>,
    count: usize,
}

impl Beginnings {
    /// Takes a record: tells by frame what became of messages that earlier frames began. Gives how
    /// many notes of the record are going to be told of.
    #[inline]
    pub fn see(&mut self, record: &FrameRecord<'_>, tell: &mut impl FnMut(u64, Begun)) -> u32 {
        if self.count == 0 && record.notes.is_empty() {
            return 0;
        }
        self.end_all(record.messages, record.ended_flows, tell);
        self.begin(record.frame.number, record.notes)
    }

    /// Takes messages, and streams that ended.
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

/// How a message goes on behind the bytes that there were of it with a frame; `None` if it is
/// not the one that the frame began.
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

/// Puts what became of it into the notes of the frame that began a message.
pub fn put(begun: Begun, notes: &mut Vec<StreamNote>) {
    match begun {
        Begun::Goes(told) => {
            for noted in notes {
                if let Note::Begun { goes, .. } = &mut noted.note {
                    *goes = told;
                }
            }
        }
        Begun::NoMessage => notes.retain(|noted| !matches!(noted.note, Note::Begun { .. })),
    }
}
