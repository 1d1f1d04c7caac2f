//! Bounds on what is kept of streams, and counts of what was given up because of them.

use crate::capture::Timestamp;

/// Bounds on what is kept. Whatever is given up because of them is said.
#[derive(Debug, Clone, Copy)]
pub struct StreamLimits {
    /// Bytes of out-of-order data of all flows, about.
    pub buffer: usize,
    /// Bytes of out-of-order data of one direction, about.
    pub buffer_per_direction: usize,
    /// Bytes of delivered data remembered for comparison with retransmissions, of all flows.
    pub history: usize,
    /// Nanoseconds of capture time without a frame after which an open flow is dropped. Longer
    /// than the two hours after which keep-alives are usual (RFC 9293 section 3.8.4).
    pub idle: i64,
    /// Nanoseconds of capture time for which a closed flow is kept for late segments.
    pub linger: i64,
    /// Closed flows kept at most.
    pub closed: usize,
}

impl Default for StreamLimits {
    fn default() -> Self {
        Self {
            buffer: 64 << 20,
            buffer_per_direction: 1 << 20,
            history: 4 << 20,
            idle: 4 * 3600 * Timestamp::SECOND,
            linger: 120 * Timestamp::SECOND,
            closed: 1 << 16,
        }
    }
}

/// Counts over all flows so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Streams numbered.
    pub streams: u64,
    /// Flows open now.
    pub open: u64,
    /// Flows let go because they were idle.
    pub idle: u64,
    /// Flows forgotten soon after they had closed, as there were too many.
    pub closed_early: u64,
    /// Bytes out of order that were given up because a bound was reached.
    pub given_up: u64,
    /// Bytes sent again whose first copy was not kept so long.
    pub uncompared: u64,
}
