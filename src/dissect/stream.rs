//! A stream as its dissector sees it.

use super::dissector::DissectState;
use crate::packet::Endpoint;
use crate::stream::{Flow, Roles, Side};

/// What is known of a stream from below, and what its dissector keeps of it.
#[derive(Debug)]
pub struct Stream<'a> {
    /// Its number.
    pub number: u32,
    /// Whether one of its ports is one where a protocol is expected.
    pub watched: bool,
    /// Who is client and who is server. The dissector learns it from messages; whoever calls it keeps what it learned.
    pub roles: Roles,
    /// What the dissector keeps.
    pub state: &'a mut DissectState,
    ends: [Endpoint; 2],
    from_start: [bool; 2],
}

impl<'a> Stream<'a> {
    /// A flow's stream. `split` gives what the dissector keeps of it, out of all that is kept, and the rest.
    pub fn of<S, R>(
        flow: &'a mut Flow<S>,
        split: impl FnOnce(&'a mut S) -> (&'a mut DissectState, R),
    ) -> (Self, R) {
        let ends = Side::BOTH.map(|side| flow.end(side));
        let from_start = Side::BOTH.map(|side| flow.starts_with_syn(side));
        let (number, watched, roles) = (flow.stream, flow.is_watched(), flow.roles);
        let (state, rest) = split(&mut flow.state);
        let stream = Self {
            number,
            watched,
            roles,
            state,
            ends,
            from_start,
        };
        (stream, rest)
    }

    /// The address of one side.
    #[must_use]
    pub const fn end(&self, side: Side) -> Endpoint {
        self.ends[side.index()]
    }

    /// Whether the capture holds the start of what this side sent.
    #[must_use]
    pub const fn from_start(&self, side: Side) -> bool {
        self.from_start[side.index()]
    }
}
