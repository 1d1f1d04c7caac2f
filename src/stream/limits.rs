//! Limits on the memory for streams, and counts of what was given up because of them.

use std::ops::Add;

use crate::capture::Timestamp;

/// Limits on memory. What is given up because of them is counted in [`Totals`] or reported as a
/// [`Remark`](super::Remark).
#[derive(Debug, Clone, Copy)]
pub struct StreamLimits {
    /// Bytes of memory for out-of-order data of all flows, approximately.
    pub buffer: usize,
    /// Bytes of memory for out-of-order data of one direction, approximately.
    pub buffer_per_direction: usize,
    /// Bytes of delivered data of all flows that are remembered for comparison with retransmissions. Few, because what is
    /// written there displaces flows from the processor's cache: with four times as many, statistics take up to a tenth longer.
    pub history: usize,
    /// Nanoseconds of capture time without a frame after which an open flow is dropped. Longer than the two hours that
    /// are usual between keep-alives (RFC 9293 section 3.8.4).
    pub idle: i64,
    /// Nanoseconds of capture time for which a closed flow is kept for late segments.
    pub linger: i64,
    /// Most closed flows that are kept.
    pub closed: usize,
    /// How many of them, the latest, are kept as they were. Others take less memory, and more time if a segment comes.
    pub whole: usize,
}

impl Default for StreamLimits {
    fn default() -> Self {
        Self {
            buffer: 64 << 20,
            buffer_per_direction: 1 << 20,
            history: 1 << 20,
            idle: 4 * 3600 * Timestamp::SECOND,
            linger: 120 * Timestamp::SECOND,
            closed: 1 << 16,
            whole: 1 << 9,
        }
    }
}

impl StreamLimits {
    /// The limits of each of `parts` tables that share them. What is remembered of delivered data is twice the share, because
    /// one flow may send most of it.
    pub(super) const fn part(self, parts: usize) -> Self {
        Self {
            buffer: self.buffer / parts,
            history: 2 * self.history / parts,
            closed: self.closed / parts,
            whole: self.whole / parts,
            ..self
        }
    }

    /// Whether each of `parts` tables would have enough for one direction.
    pub(super) const fn can_be_part(&self, parts: usize) -> bool {
        self.buffer / parts >= self.buffer_per_direction
    }
}

/// Counts over all flows so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Stream numbers given.
    pub streams: u64,
    /// Flows that are open.
    pub open: u64,
    /// Flows dropped because they were idle.
    pub idle: u64,
    /// Flows dropped earlier after their end than `linger`, because too many were closed.
    pub closed_early: u64,
    /// Bytes out of order that were given up because a limit was reached.
    pub given_up: u64,
    /// Retransmitted bytes that were not compared: their first copy was no longer remembered.
    pub uncompared: u64,
}

impl Add for Totals {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            streams: self.streams + other.streams,
            open: self.open + other.open,
            idle: self.idle + other.idle,
            closed_early: self.closed_early + other.closed_early,
            given_up: self.given_up + other.given_up,
            uncompared: self.uncompared + other.uncompared,
        }
    }
}
