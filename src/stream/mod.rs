//! TCP connections: assigns segments to streams, and reassembles each direction's bytes as its receiver got them.
//!
//! Input: segments with their payload. Output, through a [`Handler`]: bytes in order, with the frame that carried them; gaps,
//! conflicts and ends. Stream numbers are Wireshark's `tcp.stream`. Closed and idle flows are dropped by capture time; every
//! buffer is bounded.

#![expect(
    clippy::cast_possible_truncation,
    reason = "places in a chunk of a frame"
)]

mod analysis;
mod delivery;
mod direction;
mod dispute;
mod entry;
mod flow;
mod history;
mod index;
mod key;
mod letting_go;
mod limits;
mod out_of_order;
mod plain;
pub(crate) mod slab;
mod table;
mod unusual;

use crate::capture::Timestamp;
use crate::packet::{Segment, SeqNumber};
pub use analysis::{Analysis, Analyzer, Findings};
pub(crate) use direction::OVERTAKEN_BY;
pub(crate) use dispute::SETTLED_AFTER;
pub use flow::{Flow, Role, Roles, Side};
pub(crate) use history::MAX_STEPS;

pub use key::{FlowHasher, FlowKey};
pub use limits::{StreamLimits, Totals};
pub use plain::{PlainCarried, Taken};
pub use table::{FlowTable, Hint, Placement, StreamNumbers};

/// A segment and the frame that carried it.
#[derive(Debug, Clone, Copy)]
pub struct Carried<'a> {
    /// Number of the frame.
    pub number: u64,
    /// When it was captured.
    pub time: Timestamp,
    /// Bytes it had on the wire.
    pub wire: u32,
    /// The segment.
    pub segment: &'a Segment,
    /// The segment's payload as far as it was captured.
    pub payload: &'a [u8],
    /// The bytes that the segment's offsets count in.
    pub packet: &'a [u8],
}

/// A run of bytes of one direction, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chunk<'a> {
    /// The bytes; never none.
    pub octets: &'a [u8],
    /// Frame that carried them. The frame that made them available is the one being pushed.
    pub frame: u64,
    /// The frame with which they can be read, and its time: the same frame, or if they
    /// were encrypted the one that completed their record.
    pub readable: (u64, Timestamp),
    /// Offset of the first byte in that frame's packet.
    pub offset: u32,
    /// Sequence number of the first byte.
    pub seq: SeqNumber,
    /// The acknowledgement number of the segment that carried them, if it has one.
    pub ack: Option<SeqNumber>,
}

impl Chunk<'_> {
    /// The chunk without its first so many bytes.
    ///
    /// # Panics
    ///
    /// If there are fewer.
    #[must_use]
    pub fn behind(self, octets: usize) -> Self {
        Self {
            octets: &self.octets[octets..],
            offset: self.offset + octets as u32,
            seq: self.seq.plus(octets as u32),
            ..self
        }
    }

    /// The first so many bytes, and the rest.
    ///
    /// # Panics
    ///
    /// If there are fewer.
    #[must_use]
    pub fn split_at(self, octets: usize) -> (Self, Self) {
        let first = Self {
            octets: &self.octets[..octets],
            ..self
        };
        (first, self.behind(octets))
    }
}

/// What ended a direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Its sender closed it (FIN).
    Fin,
    /// The connection was reset (RST).
    Reset,
    /// The capture ended, the flow was idle for too long, or its ports were used again.
    LetGo,
}

/// A second copy of bytes that differs from the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conflict {
    /// Frame with the second copy.
    pub frame: u64,
    /// Offset of the first differing byte from the start of the direction's data.
    pub from: u64,
    /// Offset after the last differing byte.
    pub to: u64,
}

/// A remark on a direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remark<'a> {
    /// A second copy differs from the first, which counts.
    Conflict(Conflict),
    /// This many bytes held out of order could not wait any longer because a bound was reached;
    /// they follow behind a gap.
    GivenUp(u64),
    /// The words that came with a reset (RFC 1122 section 4.2.2.12).
    ResetCause(&'a [u8]),
    /// A reset that its receiver ignores.
    ResetIgnored {
        /// Its frame.
        frame: u64,
        /// Why it is ignored.
        why: Ignored,
    },
    /// Data that came although the connection had been reset.
    AfterReset {
        /// The reset's frame.
        reset: u64,
    },
    /// A SYN that its receiver ignores: the connection that is there goes on.
    SynIgnored {
        /// Its frame.
        frame: u64,
        /// Why it is ignored.
        why: Ignored,
    },
}

/// Why a receiver ignores a segment, as far as an observer can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ignored {
    /// Its sequence number is outside of the receiver's window (RFC 9293 section 3.5.3).
    OutOfWindow,
    /// Its checksum is wrong, while those of the sender's other segments are right.
    Checksum,
    /// It answers a SYN and does not acknowledge it (RFC 9293 section 3.10.7.3).
    AnswersNoSyn,
    /// The segments after it say so: both sides, or its sender, go on.
    GoesOn,
}

/// An event of one side of a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamEvent<'a> {
    /// Bytes that are next in order.
    Octets(Chunk<'a>),
    /// This many bytes were never captured; what comes next follows behind them.
    Gap(u64),
    /// A remark on what this side sent.
    Remark(Remark<'a>),
    /// No more bytes come from this side. If some do after a reset, they are delivered, and the end is
    /// told again.
    Ended(End),
}

/// What a handler needs of a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interest {
    /// Its bytes, in order. Without them it gets only the ends and some remarks.
    pub octets: bool,
    /// A comparison of second copies of bytes with the first, which are remembered for that.
    pub comparison: bool,
}

/// Receives what the flow table finds. `S` is the handler's state of a flow.
pub trait Handler<S> {
    /// What it needs of this flow.
    fn interest(&self, flow: &Flow<S>) -> Interest;
    /// Receives an event of one side of a flow.
    fn take(&mut self, flow: &mut Flow<S>, from: Side, event: StreamEvent<'_>);
    /// Called once per flow, when it is dropped and both sides have ended.
    fn let_go(&mut self, flow: &mut Flow<S>);
}
