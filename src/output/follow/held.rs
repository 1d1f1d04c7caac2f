//! A queue of a followed stream's bytes, which wait until it is known which of them belong to a password.

use std::collections::VecDeque;

use arrayvec::ArrayVec;

use crate::capture::Timestamp;
use crate::dissect::{Message, Protocol};
use crate::protocol::layout::HEADER_LEN;
use crate::session::{Content, Piece};
use crate::stream::{Role, Side};
use crate::text::secret::{begins_like_message, clear_of, is_open, is_open_at_end};

/// Bytes in the queue at most. A message has at most 73 bytes, but everything after an incomplete one waits for it.
const MAX_HELD: usize = 1 << 20;

/// What is known of a byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Veil {
    /// Nothing: it may be part of an incomplete message.
    Unknown,
    Shown,
    Secret,
}

/// A part of the stream that can be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Who sent it.
    pub sender: Role,
    /// Frame that carried it; 0 for a gap.
    pub frame: u64,
    /// Time of the frame that made it available.
    pub time: Timestamp,
    /// The bytes; empty for a gap.
    pub octets: Vec<u8>,
    /// For each of them, whether it is masked.
    pub masked: Vec<bool>,
    /// Length of a gap in bytes.
    pub missing: u64,
}

#[derive(Debug)]
struct Run {
    from: Side,
    part: Part,
    offset: u32,
    veils: Vec<Veil>,
}

/// What is known of the stream so far.
#[derive(Debug, Clone, Copy)]
pub struct State {
    /// Its protocol.
    pub protocol: Protocol,
    /// Whether RegLogin is expected on one of its ports.
    pub watched: bool,
    /// Which side is the client.
    pub client: Side,
}

/// The queue. Parts leave it in the order in which they came.
#[derive(Debug)]
pub struct Held {
    runs: VecDeque<Run>,
    octets: usize,
    shows: bool,
    /// The first bytes of each direction.
    openings: [ArrayVec<u8, HEADER_LEN>; 2],
    /// Whether a part began like a message: the stream may contain a password although its port is not watched.
    suspected: bool,
}

impl Held {
    /// An empty queue. `show_passwords`: nothing is masked, and nothing waits.
    pub fn new(show_passwords: bool) -> Self {
        Self {
            runs: VecDeque::new(),
            octets: 0,
            shows: show_passwords,
            openings: Default::default(),
            suspected: false,
        }
    }

    /// Adds a piece that became available at this time.
    pub fn push(&mut self, piece: &Piece, time: Timestamp) {
        let (octets, frame, offset, missing) = match &piece.content {
            Content::Octets {
                octets,
                frame,
                offset,
            } => (octets.clone(), *frame, *offset, 0),
            Content::Gap(octets) => (Vec::new(), 0, 0, *octets),
        };
        self.octets += octets.len();
        let opening = &mut self.openings[usize::from(piece.from == Side::B)];
        let room = opening.remaining_capacity();
        opening.extend(octets.iter().take(room).copied());
        self.suspected |= begins_like_message(&octets) || begins_like_message(opening);
        let veil = if self.shows {
            Veil::Shown
        } else {
            Veil::Unknown
        };
        self.runs.push_back(Run {
            veils: vec![veil; octets.len()],
            offset,
            from: piece.from,
            part: Part {
                sender: Role::Client,
                frame,
                time,
                masked: Vec::new(),
                octets,
                missing,
            },
        });
    }

    /// Learns from a message which of the waiting bytes may be shown.
    pub fn learn(&mut self, message: &Message) {
        let clear = clear_of(message, false);
        for source in &message.sources {
            let from = source.offset as usize;
            let to = from + source.len as usize;
            let runs = self.runs.iter_mut();
            for run in runs.filter(|run| run.part.frame == source.frame) {
                let start = run.offset as usize;
                for (at, veil) in run.veils.iter_mut().enumerate() {
                    let place = start + at;
                    if !(from..to).contains(&place) || *veil != Veil::Unknown {
                        continue;
                    }
                    let in_message = (source.start as usize) + place - from;
                    *veil = if clear.has(in_message) {
                        Veil::Shown
                    } else {
                        Veil::Secret
                    };
                }
            }
        }
    }

    /// Removes the oldest part if it need not wait: all its bytes are known, the stream has another protocol, the queue is
    /// too long, or it is the `end`. Unknown bytes are masked if they may belong to a password.
    pub fn pop(&mut self, state: State, end: bool) -> Option<Part> {
        let State {
            protocol,
            watched,
            client,
        } = state;
        let foreign = if end || self.octets > MAX_HELD {
            is_open_at_end(protocol, watched || self.suspected)
        } else {
            is_open(protocol)
        };
        let is_known = |run: &Run| !run.veils.contains(&Veil::Unknown);
        let front = self.runs.front()?;
        if !(end || foreign || self.octets > MAX_HELD || is_known(front)) {
            return None;
        }
        let Run {
            from,
            mut part,
            veils,
            ..
        } = self.runs.pop_front()?;
        if from != client {
            part.sender = Role::Server;
        }
        self.octets -= part.octets.len();
        let masked = veils.iter().map(|veil| match veil {
            Veil::Unknown => !foreign,
            Veil::Shown => false,
            Veil::Secret => true,
        });
        part.masked = masked.collect();
        Some(part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: usize = 1 << 16;

    /// A piece that may be part of a message that never becomes complete.
    fn piece(number: usize) -> Piece {
        Piece {
            stream: 0,
            from: Side::A,
            content: Content::Octets {
                octets: vec![b'x'; SIZE],
                frame: number as u64,
                offset: 0,
            },
        }
    }

    #[test]
    fn no_more_than_a_mebibyte_waits_and_what_goes_is_masked() {
        let mut held = Held::new(false);
        let state = State {
            protocol: Protocol::RegLogin,
            watched: true,
            client: Side::A,
        };
        let fitting = (1 << 20) / SIZE;
        for number in 1..=fitting {
            held.push(&piece(number), Timestamp::default());
            assert_eq!(held.pop(state, false), None);
        }
        held.push(&piece(fitting + 1), Timestamp::default());
        let part = held.pop(state, false).expect("the oldest goes");
        assert_eq!((part.frame, part.octets.len()), (1, SIZE));
        assert!(part.masked.iter().all(|masked| *masked));
        assert_eq!(held.pop(state, false), None);
    }
}
