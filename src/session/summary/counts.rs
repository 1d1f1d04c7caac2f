//! What is counted of a user and of a client address.

use crate::capture::Timestamp;
use crate::protocol::Action;
use crate::session::{Outcome, Resolution};

use super::window::Window;

/// Registration and login, in the order of every array here.
pub const ACTIONS: [Action; 2] = [Action::Register, Action::Login];

/// An action's place in [`ACTIONS`].
pub(super) const fn index(action: Action) -> usize {
    match action {
        Action::Register => 0,
        Action::Login => 1,
    }
}

/// Requests by action and by what became of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// The server said yes.
    pub successes: [u64; 2],
    /// The server said no.
    pub failures: [u64; 2],
    /// No response came.
    pub unanswered: u64,
    /// The response says neither yes nor no.
    pub unclear: u64,
}

impl Counts {
    /// Counts a request for an action.
    pub fn add(&mut self, action: Action, resolution: &Resolution) {
        let action = index(action);
        match resolution.outcome {
            Outcome::Success => self.successes[action] += 1,
            Outcome::Failure(_) => self.failures[action] += 1,
            Outcome::Unclear => self.unclear += 1,
            Outcome::Unanswered => self.unanswered += 1,
        }
    }

    /// All requests.
    #[must_use]
    pub fn requests(&self) -> u64 {
        let answered: u64 = self.successes.iter().chain(&self.failures).sum();
        answered + self.unanswered + self.unclear
    }

    /// Requests that the server said no to.
    #[must_use]
    pub fn all_failures(&self) -> u64 {
        self.failures.iter().sum()
    }
}

/// What is kept of a user.
#[derive(Debug, Default)]
pub struct User {
    /// Requests with the name.
    pub counts: Counts,
    /// Failed logins, from the first on.
    pub(super) window: Option<Box<Window>>,
}

/// What is kept of a client's address.
#[derive(Debug, Default)]
pub struct Address {
    /// Requests from there.
    pub counts: Counts,
    /// Failed logins, from the first on.
    pub(super) failed: Option<Box<FailedLogins>>,
}

/// Failed logins from one address.
#[derive(Debug, Default)]
pub struct FailedLogins {
    /// How fast they follow each other.
    pub window: Window,
    /// Those of which the server said that it has no such user.
    pub unknown: Tried,
    /// All others: different names and different passwords among them.
    pub tried: Tried,
    /// Different passwords in `tried`.
    pub passwords: u64,
}

/// Attempts with different user names.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tried {
    /// Attempts.
    pub attempts: u64,
    /// Different names.
    pub names: u64,
    /// Time of the first and the last attempt.
    pub times: [Timestamp; 2],
    /// Frame of the first attempt.
    pub frame: u64,
}

impl Tried {
    /// Counts an attempt; `new_name` says that the name was not tried before.
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
