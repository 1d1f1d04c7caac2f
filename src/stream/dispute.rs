//! Resets and SYNs that their receiver may have ignored: later segments decide.
//!
//! Both can be forged or stray. A receiver checks a reset's sequence number, and ignores a SYN on an open connection
//! (RFC 9293 section 3.10.7, RFC 5961 sections 3 and 4). An observer knows the receiver's state only approximately. So
//! the effect of a reset or SYN that may have been accepted is postponed, and dropped if later segments show that the
//! connection continues.

use super::Ignored;
use super::entry::Entry;
use super::flow::Side;
use crate::capture::Timestamp;
use crate::packet::{Flags, Segment, SeqNumber};

/// If nothing contradicts a reset for this many nanoseconds of capture time, it counts as accepted: one second, the
/// least time after which a lost segment is retransmitted (RFC 6298 section 2.4).
pub(crate) const SETTLED_AFTER: i64 = Timestamp::SECOND;

/// A reset that its receiver may have accepted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reset {
    /// Its sender.
    pub from: Side,
    pub frame: u64,
    pub time: Timestamp,
    pub seq: SeqNumber,
    /// The sender's next sequence number in order when the reset came.
    pub next: SeqNumber,
    /// Whether it counts as accepted.
    pub settled: bool,
    /// Whether data after it was reported.
    pub reported: bool,
}

/// A connection that a SYN opens, if accepted, in place of one that is still open between the same ends.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rival {
    /// Its slot in the flow table.
    pub slot: u32,
    /// The SYN's sender.
    pub client: Side,
    /// The SYN's frame.
    pub frame: u64,
    /// Why the SYN is ignored, if it turns out to be.
    pub why: Ignored,
    /// Whether it was reported that the SYN is ignored.
    pub reported: bool,
}

/// What is undecided about a flow.
#[derive(Debug, Default)]
pub(super) struct Dispute {
    pub reset: Option<Reset>,
    pub rival: Option<Rival>,
}

/// Which of the two connections a segment belongs to while there is a rival.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Choice {
    /// The connection that was open before.
    Old {
        /// Whether the segment shows that this connection continues, so that the SYN was ignored.
        shows: bool,
    },
    /// The rival, which thereby replaces the other connection.
    Accepted,
    /// The rival, without showing that it was accepted.
    Rival,
    /// Neither: it is another SYN.
    New,
}

/// Decides by sequence and acknowledgement numbers which connection a segment belongs to. `old` is the open connection,
/// `new` the rival, `client` the side that sent the rival's SYN, and `from` the segment's sender.
pub(super) fn choose<S>(
    old: &Entry<S>,
    new: &Entry<S>,
    client: Side,
    segment: &Segment,
    from: Side,
) -> Choice {
    let (old, new) = (old.direction(client), new.direction(client));
    let is_new = |number: SeqNumber| {
        number.since(new.next()).unsigned_abs() < number.since(old.next()).unsigned_abs()
    };
    let flags = segment.flags;
    if flags.opens() {
        return match from == client {
            true if segment.seq == new.base => Choice::Rival,
            true if segment.seq == old.base => Choice::Old { shows: false },
            _ => Choice::New,
        };
    }
    let of_new = if from == client {
        is_new(segment.seq)
    } else {
        segment.acknowledges().is_some_and(is_new)
    };
    match of_new {
        true if flags.has(Flags::RST) => Choice::Rival,
        true => Choice::Accepted,
        false => Choice::Old {
            shows: !flags.has(Flags(Flags::RST.0 | Flags::SYN.0))
                && (from != client || segment.payload_len > 0),
        },
    }
}
