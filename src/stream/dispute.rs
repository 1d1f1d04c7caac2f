//! Resets and SYNs that their receivers may not have accepted: the segments after them say.
//!
//! Both can be forged or stray. A receiver judges a reset by its sequence number and ignores a SYN
//! on a connection that it has (RFC 9293 section 3.10.7, RFC 5961 sections 3 and 4). An observer
//! knows the receiver's state about, not to the byte: what may have been accepted is held in
//! abeyance, and undone where its sender goes on.

use super::Ignored;
use super::entry::Entry;
use super::flow::Side;
use crate::capture::Timestamp;
use crate::packet::{Flags, Segment, SeqNumber};

/// Nanoseconds of capture time without contradiction after which a reset is taken for accepted: a
/// second, as long as a lost segment waits to be sent again (RFC 6298 section 2.4).
pub(crate) const SETTLED_AFTER: i64 = Timestamp::SECOND;

/// A reset that its receiver may have accepted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reset {
    /// Who sent it.
    pub from: Side,
    pub frame: u64,
    pub time: Timestamp,
    pub seq: SeqNumber,
    /// Its sender's next byte when it came.
    pub next: SeqNumber,
    /// Whether it is taken for accepted.
    pub settled: bool,
    /// Whether data after it was told of.
    pub told: bool,
}

/// A connection that a SYN would open in place of one that is still there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rival {
    /// Where it stands in the flow table.
    pub slot: u32,
    /// Who sent the SYN.
    pub client: Side,
    /// The SYN's frame.
    pub frame: u64,
    /// Why the SYN is ignored, if it is.
    pub why: Ignored,
    /// Whether it was told that it is.
    pub told: bool,
}

/// What is open about a flow.
#[derive(Debug, Default)]
pub(super) struct Dispute {
    pub reset: Option<Reset>,
    pub rival: Option<Rival>,
}

/// Where a segment belongs while a rival is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Choice {
    /// To the connection that was there; `shows` says that the SYN was ignored.
    Old {
        /// Whether it shows that the connection goes on.
        shows: bool,
    },
    /// To the rival, which is the connection from now on.
    Accepted,
    /// To the rival, which is not accepted by that.
    Rival,
    /// To neither: another SYN.
    New,
}

/// Says by sequence and acknowledgement numbers where a segment belongs.
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
