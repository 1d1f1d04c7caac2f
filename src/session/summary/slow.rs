//! The slowest answers, and requests without a response.

use std::net::IpAddr;

use crate::capture::Timestamp;
use crate::protocol::Action;
use crate::session::{Name, Resolution};

/// Most exchanges of each kind that are kept as examples.
pub const EXAMPLES: usize = 5;

/// A slow exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlowAnswer {
    /// Nanoseconds from request to response.
    pub elapsed: i64,
    /// The request's frame.
    pub frame: u64,
    /// The request's time.
    pub time: Timestamp,
    /// User name of the request.
    pub user: Name,
    /// Address of the client.
    pub client: IpAddr,
}

/// The few slowest exchanges, the slowest first.
#[derive(Debug, Default)]
pub struct Slowest(Vec<SlowAnswer>);

impl Slowest {
    /// Keeps an exchange if it is one of the slowest. `elapsed` is in nanoseconds.
    pub fn add(&mut self, elapsed: i64, resolution: &Resolution) {
        let is_full = self.0.len() == EXAMPLES;
        if is_full && self.0.last().is_some_and(|last| last.elapsed >= elapsed) {
            return;
        }
        if is_full {
            self.0.pop();
        }
        let at = self.0.partition_point(|kept| kept.elapsed >= elapsed);
        self.0.insert(
            at,
            SlowAnswer {
                elapsed,
                frame: resolution.frame,
                time: resolution.time,
                user: resolution.user,
                client: resolution.client.address,
            },
        );
    }

    /// The kept exchanges, the slowest first.
    #[must_use]
    pub fn answers(&self) -> &[SlowAnswer] {
        &self.0
    }
}

/// Requests without a response.
#[derive(Debug, Default)]
pub struct UnansweredRequests {
    /// Number for each action of [`ACTIONS`](super::ACTIONS).
    pub counts: [u64; 2],
    /// Earliest and latest time of such a request; `None` if there is none.
    pub times: Option<[Timestamp; 2]>,
    /// Frames of the first few that were found.
    pub frames: Vec<u64>,
}

impl UnansweredRequests {
    /// Counts a request.
    pub fn add(&mut self, action: Action, resolution: &Resolution) {
        self.counts[super::counts::index(action)] += 1;
        let [first, last] = self.times.get_or_insert([resolution.time; 2]);
        *first = resolution.time.min(*first);
        *last = resolution.time.max(*last);
        if self.frames.len() < EXAMPLES {
            self.frames.push(resolution.frame);
        }
    }

    /// Number of all unanswered requests.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }
}
