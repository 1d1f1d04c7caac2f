//! Lanes of a flow table: parts of its flows, each with its part of the limits.

use std::collections::VecDeque;

use super::closed::{Closed, ClosedFlows, Dated};
use super::dispute::SETTLED_AFTER;
use super::entry::Memory;
use super::history::History;
use super::limits::StreamLimits;
use crate::capture::Timestamp;

/// What the flows of a lane share. `R` is what is left of the handler's state of a buried flow.
#[derive(Debug)]
pub(super) struct Lane<R> {
    pub memory: Memory,
    /// Flows with a reset that is not settled, in the order of the resets.
    pub resets: VecDeque<Dated>,
    pub closed: ClosedFlows<R>,
}

impl<R: Copy> Lane<R> {
    /// The lane of this index in its table.
    pub fn new(index: usize, limits: StreamLimits) -> Self {
        Self {
            memory: Memory {
                limits,
                history: History::new(limits.history),
                held: 0,
                given_up: 0,
                uncompared: 0,
            },
            resets: VecDeque::new(),
            closed: ClosedFlows::of_lane(index, limits.closed),
        }
    }

    /// Capture time after which one of its flows is due.
    pub fn due(&self) -> Timestamp {
        let Self { closed, resets, .. } = self;
        let StreamLimits {
            linger,
            closed: most,
            ..
        } = self.memory.limits;
        if closed.len() > most {
            return Timestamp::FIRST;
        }
        let after = |first: Option<Timestamp>, nanoseconds: i64| {
            first.map_or(Timestamp::LAST, |first| first.plus(nanoseconds))
        };
        let (closed, reset) = (closed.first(), resets.front());
        let closed = after(closed.map(Closed::time), linger);
        closed.min(after(reset.map(|reset| reset.time), SETTLED_AFTER))
    }
}

/// The index of a flow's lane among those of its table, which are consecutive.
#[inline]
pub(super) const fn lane_index<R>(lanes: &[Lane<R>], lane: u8) -> usize {
    lane as usize & (lanes.len() - 1)
}
