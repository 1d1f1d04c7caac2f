//! A stream as the dissector sees it.

use super::dissector::DissectState;
use crate::packet::Endpoint;
use crate::stream::{Flow, Roles, Side};

/// What is known of a stream, and the dissector's state of it.
#[derive(Debug)]
pub struct Stream<'a> {
    /// Its number (`tcp.stream`).
    pub number: u32,
    /// Whether a protocol is expected on one of its ports.
    pub watched: bool,
    /// Which side is the client. The dissector learns this from messages; the caller keeps the result.
    pub roles: Roles,
    /// The dissector's state.
    pub state: &'a mut DissectState,
    ends: [Endpoint; 2],
    from_start: [bool; 2],
}

impl<'a> Stream<'a> {
    /// The stream of a flow. `split` returns the dissector's part of the flow's state, and the rest.
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

    /// Address and port of a side.
    #[must_use]
    pub const fn end(&self, side: Side) -> Endpoint {
        self.ends[side.index()]
    }

    /// Whether the start of what this side sent was captured.
    #[must_use]
    pub const fn from_start(&self, side: Side) -> bool {
        self.from_start[side.index()]
    }
}
