//! TCP connections: which stream a segment belongs to, and each direction's octets in order as
//! its receiver got them.
//!
//! Enters: segments with their payload. Leaves, through a [`Handler`]: octets in order, each run
//! knowing its frame; gaps, conflicts and ends. Streams are numbered as Wireshark's `tcp.stream`.
//! Open flows are kept, closed and idle ones are let go by capture time; every buffer is bounded.

mod ahead;
mod analysis;
mod direction;
mod entry;
mod flow;
mod history;
mod key;
mod table;

use crate::capture::Timestamp;
use crate::packet::{Segment, SeqNumber};
pub use analysis::{Analysis, Analyzer, Findings};
pub use flow::{Flow, Role, Side};

pub use key::{FlowHasher, FlowKey};
pub use table::{FlowTable, Hint, Limits, Placement, Totals};

/// A segment and the frame that carried it.
#[derive(Debug, Clone, Copy)]
pub struct Carried<'a> {
    /// Number of the frame.
    pub number: u64,
    /// When it was captured.
    pub time: Timestamp,
    /// Octets it had on the wire.
    pub wire: u32,
    /// The segment.
    pub segment: &'a Segment,
    /// The segment's payload as far as it was captured.
    pub payload: &'a [u8],
}

/// A run of octets of one direction, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chunk<'a> {
    /// The octets; never none.
    pub octets: &'a [u8],
    /// Frame that carried them. The frame that made them available is the one being pushed.
    pub frame: u64,
    /// Offset of the first octet in that frame's packet.
    pub offset: u32,
    /// Sequence number of the first octet.
    pub seq: SeqNumber,
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

/// A second copy of octets that differs from the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conflict {
    /// Frame with the second copy.
    pub frame: u64,
    /// Offset of the first differing octet from the start of the direction's data.
    pub from: u64,
    /// Offset after the last differing octet.
    pub to: u64,
}

/// Takes what a direction's receiver got. `S` is what the handler keeps with each flow.
pub trait Handler<S> {
    /// Whether delivered octets of this flow are to be remembered, so that second copies can be
    /// held against them.
    fn remembers(&self, flow: &Flow<S>) -> bool;
    /// Whether this flow's octets are of interest. Those of a flow that is not are not put in
    /// order; its ends are told all the same.
    fn wants(&self, flow: &Flow<S>) -> bool {
        let _ = flow;
        true
    }
    /// Octets came in order.
    fn octets(&mut self, flow: &mut Flow<S>, from: Side, chunk: Chunk<'_>);
    /// This many octets were never captured; what comes next follows behind them.
    fn gap(&mut self, flow: &mut Flow<S>, from: Side, octets: u64);
    /// A second copy differs from the first, which counts.
    fn conflict(&mut self, flow: &mut Flow<S>, from: Side, conflict: Conflict);
    /// Octets held out of order were given up because a bound was reached; the gap follows.
    fn given_up(&mut self, flow: &mut Flow<S>, from: Side, octets: u64);
    /// No more octets come from this side. Called once a side.
    fn ended(&mut self, flow: &mut Flow<S>, from: Side, end: End);
    /// The flow is let go; both sides have ended. Called once a flow.
    fn let_go(&mut self, flow: &mut Flow<S>);
}
