//! One RegLogin message as the inspector holds it: its octets, where they came from, and what is
//! to be said about them.

use arrayvec::ArrayVec;
use smallvec::SmallVec;

use super::note::{Note, Severity};
use crate::capture::Timestamp;
use crate::packet::{Endpoint, SeqNumber};
use crate::protocol::layout::MAX_LEN;
use crate::protocol::{Command, MessageView};
use crate::stream::Role;

/// Where a run of a message's octets stood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source {
    /// Frame that carried them.
    pub frame: u64,
    /// Offset of the first of them in the frame's packet: in the frame's octets, or in the
    /// payload of the datagram put together from fragments.
    pub offset: u32,
    /// TCP sequence number of the first of them.
    pub seq: SeqNumber,
    /// What the segment that carried them acknowledges, where it does.
    pub ack: Option<SeqNumber>,
    /// First octet in the message.
    pub start: u8,
    /// How many octets.
    pub len: u8,
}

/// The other half of an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// Frame of the request that this responds to, or of the response to this.
    pub frame: u64,
    /// Nanoseconds from the request to the response.
    pub elapsed: i64,
}

/// A message of at most [`MAX_LEN`] octets. What a wrong `totalLength` claims beyond that is not
/// part of it.
#[derive(Debug, PartialEq, Eq)]
pub struct Message {
    /// Number of the frame that carried the last of its octets to be captured. Where others had to
    /// be waited for, the message is found later than that.
    pub frame: u64,
    /// Time of that frame.
    pub time: Timestamp,
    /// TCP connection, from 0 in order of first frame.
    pub stream: u32,
    /// Which side sent it.
    pub sender: Role,
    /// Where it came from.
    pub source: Endpoint,
    /// Where it went.
    pub destination: Endpoint,
    /// The octets there are, from the first octet of `totalLength`.
    pub octets: ArrayVec<u8, MAX_LEN>,
    /// Which frames carried them, in order of the octets, which they cover.
    pub sources: SmallVec<[Source; 1]>,
    /// What is to be said about it.
    pub notes: SmallVec<[Note; 1]>,
    /// Whether it was encrypted: its octets are not those of the frames that carried them.
    pub encrypted: bool,
    /// The request of a response, or the response to a request where it is known already.
    pub peer: Option<Peer>,
}

/// The lists copied whole: element by element, as they clone themselves, takes ten times as long.
impl Clone for Message {
    fn clone(&self) -> Self {
        let mut octets = ArrayVec::new_const();
        // Both have the same capacity.
        let _ = octets.try_extend_from_slice(&self.octets);
        Self {
            octets,
            sources: SmallVec::from_slice(&self.sources),
            notes: if self.notes.is_empty() {
                SmallVec::new_const()
            } else {
                self.notes.clone()
            },
            ..*self
        }
    }
}

impl Message {
    /// The octets read through the layout table.
    #[must_use]
    pub fn view(&self) -> MessageView<'_> {
        MessageView::new(&self.octets)
    }

    /// `commandID`; an unknown 0 where it is cut off.
    #[must_use]
    pub fn command(&self) -> Command {
        self.view().command().unwrap_or(Command::Unknown(0))
    }

    /// The most serious of the notes.
    #[must_use]
    pub fn severity(&self) -> Option<Severity> {
        self.notes.iter().map(Note::severity).max()
    }

    /// TCP sequence number of its first octet.
    #[must_use]
    pub fn start(&self) -> Option<SeqNumber> {
        self.sources.first().map(|source| source.seq)
    }

    /// TCP sequence number after its last octet.
    #[must_use]
    pub fn end(&self) -> Option<SeqNumber> {
        let last = self.sources.last()?;
        Some(last.seq.plus(u32::from(last.len)))
    }

    /// Whether the octets came in more than one frame.
    #[must_use]
    pub fn is_reassembled(&self) -> bool {
        self.sources.len() > 1
    }
}
