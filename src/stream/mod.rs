//! TCP connections: assigns segments to streams, and reassembles each direction's bytes as its receiver got them.
//!
//! Input: segments with their payload. Output, through a [`Handler`]: bytes in order, each with the frame that carried
//! it; gaps, conflicts and ends. Stream numbers are Wireshark's `tcp.stream`. Closed and idle flows are dropped by
//! capture time; every buffer is bounded.

#![expect(
    clippy::cast_possible_truncation,
    reason = "offsets in a chunk of a frame"
)]

mod ahead;
mod analysis;
mod closed;
mod delivery;
mod direction;
mod dispute;
mod entry;
mod expiry;
mod flow;
mod history;
pub(crate) mod index;
mod key;
mod lane;
mod limits;
mod out_of_order;
mod plain;
pub(crate) mod slab;
mod table;
mod unusual;

use std::fmt;

use crate::capture::Timestamp;
use crate::packet::{Segment, SeqNumber};
pub(crate) use ahead::{LookAhead, fetch};
pub use analysis::{Analysis, Analyzer, Findings};
pub(crate) use direction::OVERTAKEN_BY;
pub(crate) use dispute::SETTLED_AFTER;
pub use flow::{Flow, Role, Roles, Side};
pub(crate) use history::MAX_STEPS;

pub use expiry::{SWEEP_EVERY, Unfinished};
pub use index::Hint;
pub use key::{FlowHasher, FlowKey};
pub use limits::{StreamLimits, Totals};
pub use plain::{PlainCarried, Taken};
pub use table::{FlowTable, Placement, StreamNumbers};

/// A segment and the frame that carried it.
#[derive(Debug, Clone, Copy)]
pub struct Carried<'a> {
    /// Number of the frame, from 1.
    pub number: u64,
    /// When it was captured.
    pub time: Timestamp,
    /// Length of the frame on the wire, in bytes.
    pub wire: u32,
    /// The segment.
    pub segment: &'a Segment,
    /// The segment's payload as far as it was captured.
    pub payload: &'a [u8],
    /// The bytes that the segment's offsets refer to.
    pub packet: &'a [u8],
}

/// A run of bytes of one direction, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chunk<'a> {
    /// The bytes; never empty.
    pub octets: &'a [u8],
    /// Frame that carried them. They may become available only with a later frame.
    pub frame: u64,
    /// Number and time of the frame with which the bytes became readable: `frame` itself or, for encrypted bytes, the
    /// one that completed their record.
    pub readable: (u64, Timestamp),
    /// Offset of the first byte in the packet of `frame`.
    pub offset: u32,
    /// Sequence number of the first byte.
    pub seq: SeqNumber,
    /// Acknowledgement number of the segment that carried them, if it has one.
    pub ack: Option<SeqNumber>,
}

impl Chunk<'_> {
    /// The chunk without its first `octets` bytes.
    ///
    /// # Panics
    ///
    /// If the chunk has fewer.
    #[must_use]
    pub fn behind(self, octets: usize) -> Self {
        Self {
            octets: &self.octets[octets..],
            offset: self.offset + octets as u32,
            seq: self.seq.plus(octets as u32),
            ..self
        }
    }

    /// Splits the chunk after its first `octets` bytes.
    ///
    /// # Panics
    ///
    /// If the chunk has fewer.
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
    /// The flow was dropped: the capture ended, the flow was idle for too long, or its ports were used again.
    Dropped,
}

/// Retransmitted bytes that differ from the first copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conflict {
    /// Frame with the second copy.
    pub frame: u64,
    /// Offset of the first differing byte, from the start of the direction's data.
    pub from: u64,
    /// Offset after the last differing byte.
    pub to: u64,
}

/// A remark on a direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remark<'a> {
    /// A retransmission differs from the first copy. The first copy counts.
    Conflict(Conflict),
    /// This many bytes held out of order were given up waiting because a limit was reached. They follow after a gap.
    GivenUp(u64),
    /// Text in the payload of a reset, its cause (RFC 1122 section 4.2.2.12).
    ResetCause(&'a [u8]),
    /// A reset that the receiver ignored.
    ResetIgnored {
        /// The reset's frame.
        frame: u64,
        /// Why it is ignored.
        why: Ignored,
    },
    /// Data after an accepted reset.
    AfterReset {
        /// The reset's frame.
        reset: u64,
    },
    /// A SYN that the receiver ignored: the connection continues.
    SynIgnored {
        /// The SYN's frame.
        frame: u64,
        /// Why it is ignored.
        why: Ignored,
    },
}

/// Why a receiver ignored a segment, as far as an observer can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ignored {
    /// Its sequence number is outside the receiver's window (RFC 9293 section 3.5.3).
    OutOfWindow,
    /// Its checksum is wrong, while those of the sender's other segments are right.
    Checksum,
    /// It answers a SYN and does not acknowledge it (RFC 9293 section 3.10.7.3).
    AnswersNoSyn,
    /// Later segments show it: both sides, or its sender, continue the connection.
    GoesOn,
}

/// An event of one side of a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamEvent<'a> {
    /// Bytes that are next in order.
    Octets(Chunk<'a>),
    /// This many bytes were never captured. The next bytes follow after them.
    Gap(u64),
    /// A remark on what this side sent.
    Remark(Remark<'a>),
    /// No more bytes come from this side. If bytes still come after a reset, they are delivered, followed by another
    /// `Ended`.
    Ended(End),
}

/// What a handler needs of a flow. Less is less work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interest {
    /// The flow's bytes, in order. Without them the handler gets only ends and some remarks.
    pub octets: bool,
    /// Comparison of retransmitted bytes with the first copy, which is remembered for that.
    pub comparison: bool,
}

/// A handler's state of a flow.
pub trait HandlerState: Default {
    /// What is left of it when both sides of the flow have ended.
    type Remains: Copy + fmt::Debug;

    /// What is left of it if both sides have ended with a FIN, so that no more bytes come: all that remarks on the flow and
    /// its end need. `None` if they need more, and the state must be kept.
    fn remains(&self) -> Option<Self::Remains>;

    /// A state that serves remarks on the flow and its end.
    fn of_remains(remains: Self::Remains) -> Self;
}

/// For a handler without state.
impl HandlerState for () {
    type Remains = ();

    fn remains(&self) -> Option<()> {
        Some(())
    }

    fn of_remains((): ()) {}
}

/// Receives events from the flow table. `S` is the handler's state for each flow.
pub trait Handler<S> {
    /// What the handler needs of this flow. Changes only while the handler processes an event of the flow, or in
    /// [`FlowTable::flows`].
    fn interest(&self, flow: &Flow<S>) -> Interest;
    /// Processes an event of the flow; `from` is the side whose bytes it concerns.
    fn take(&mut self, flow: &mut Flow<S>, from: Side, event: StreamEvent<'_>);
    /// Called once for each flow, when a segment opens it at this place. Places are small numbers, and used again after a
    /// flow is dropped.
    fn opened(&mut self, place: u32) {
        let _ = place;
    }
    /// Called once for each flow, when it is dropped from its place. Both sides have ended by then.
    fn dropped(&mut self, flow: &mut Flow<S>, place: u32);
    /// Has the processor fetch what its state of this flow refers to and bytes will need.
    fn fetch_referred(&self, _flow: &Flow<S>) {}
}
