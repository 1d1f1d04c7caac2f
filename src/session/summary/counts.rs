//! Counts of a user and of a client address.

use crate::capture::Timestamp;
use crate::protocol::Action;
use crate::session::{Outcome, Resolution};

use super::window::Window;

/// Registration and login: the order of every array indexed by action.
pub const ACTIONS: [Action; 2] = [Action::Register, Action::Login];

/// Index of an action in [`ACTIONS`].
pub(super) const fn index(action: Action) -> usize {
    match action {
        Action::Register => 0,
        Action::Login => 1,
    }
}

/// Requests by action and outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Accepted by the server, for each action.
    pub successes: [u64; 2],
    /// Refused by the server, for each action.
    pub failures: [u64; 2],
    /// Without a response.
    pub unanswered: u64,
    /// Answered with neither success nor failure.
    pub unclear: u64,
}

impl Counts {
    /// Counts a request.
    pub fn add(&mut self, action: Action, resolution: &Resolution) {
        let action = index(action);
        match resolution.outcome {
            Outcome::Success => self.successes[action] += 1,
            Outcome::Failure(_) => self.failures[action] += 1,
            Outcome::Unclear => self.unclear += 1,
            Outcome::Unanswered => self.unanswered += 1,
        }
    }

    /// Number of all requests.
    #[must_use]
    pub fn requests(&self) -> u64 {
        let answered: u64 = self.successes.iter().chain(&self.failures).sum();
        answered + self.unanswered + self.unclear
    }

    /// Number of requests that the server refused.
    #[must_use]
    pub fn all_failures(&self) -> u64 {
        self.failures.iter().sum()
    }
}

/// Counts of a user.
#[derive(Debug, Default)]
pub struct User {
    /// Requests with this name.
    pub counts: Counts,
    /// Failed logins; present after the first one.
    pub(super) window: Option<Box<Window>>,
}

/// Counts of a client's address.
#[derive(Debug, Default)]
pub struct Address {
    /// Requests from this address.
    pub counts: Counts,
    /// Failed logins; present after the first one.
    pub(super) failed: Option<Box<FailedLogins>>,
}

/// Failed logins from one address.
#[derive(Debug, Default)]
pub struct FailedLogins {
    /// How fast they follow each other.
    pub window: Window,
    /// Those for which the server said that there is no such user.
    pub unknown: Tried,
    /// All others.
    pub tried: Tried,
    /// Number of different passwords in `tried`.
    pub passwords: u64,
}

/// Attempts with different user names.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tried {
    /// Number of attempts.
    pub attempts: u64,
    /// Number of different names.
    pub names: u64,
    /// Times of the first and the last attempt.
    pub times: [Timestamp; 2],
    /// Frame of the first attempt.
    pub frame: u64,
}

impl Tried {
    /// Counts an attempt. `new_name` says that this name was not tried before.
    pub fn add(&mut self, resolution: &Resolution, new_name: bool) {
        if self.attempts == 0 {
            self.times[0] = resolution.time;
            self.frame = resolution.frame;
        }
        self.attempts += 1;
        self.names += u64::from(new_name);
        self.times[1] = resolution.time;
    }
}
