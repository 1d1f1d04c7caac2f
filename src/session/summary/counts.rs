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
pub type User = Tally<Window>;

/// Counts of a client's address.
pub type Address = Tally<FailedLogins>;

/// Counts of requests, and the failed logins among them. Small, because there can be many users: what few of them have
/// is in a box.
#[derive(Debug)]
pub struct Tally<F> {
    successes: [u64; 2],
    failures: [u64; 2],
    rest: Option<Box<Rest<F>>>,
}

/// What most users and addresses do not have.
#[derive(Debug)]
struct Rest<F> {
    unanswered: u64,
    unclear: u64,
    /// Present after the first failed login.
    failed: Option<F>,
}

impl<F> Default for Tally<F> {
    fn default() -> Self {
        Self {
            successes: [0; 2],
            failures: [0; 2],
            rest: None,
        }
    }
}

impl<F> Default for Rest<F> {
    fn default() -> Self {
        Self {
            unanswered: 0,
            unclear: 0,
            failed: None,
        }
    }
}

impl<F> Tally<F> {
    /// Counts of requests by action and outcome.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let rest = self.rest.as_ref();
        Counts {
            successes: self.successes,
            failures: self.failures,
            unanswered: rest.map_or(0, |rest| rest.unanswered),
            unclear: rest.map_or(0, |rest| rest.unclear),
        }
    }

    /// Counts a request.
    #[inline]
    pub(super) fn add(&mut self, action: Action, outcome: Outcome) {
        let action = index(action);
        match outcome {
            Outcome::Success => self.successes[action] += 1,
            Outcome::Failure(_) => self.failures[action] += 1,
            Outcome::Unclear => self.rest().unclear += 1,
            Outcome::Unanswered => self.rest().unanswered += 1,
        }
    }

    fn rest(&mut self) -> &mut Rest<F> {
        self.rest.get_or_insert_default()
    }

    /// The failed logins, if there were any.
    pub(super) fn failed(&self) -> Option<&F> {
        self.rest.as_ref()?.failed.as_ref()
    }

    /// The failed logins, if there were at least so many. Looks nowhere else if there were fewer.
    #[inline]
    pub(super) fn failed_at_least(&self, least: usize) -> Option<&F> {
        if self.failures[index(Action::Login)] < least as u64 {
            return None;
        }
        self.failed()
    }

    /// The same, to change them.
    #[inline]
    pub(super) fn failed_often(&mut self, least: usize) -> Option<&mut F> {
        self.failed_at_least(least)?;
        self.rest.as_mut()?.failed.as_mut()
    }
}

impl<F: Default> Tally<F> {
    /// The failed logins, to add one.
    pub(super) fn failed_mut(&mut self) -> &mut F {
        self.rest().failed.get_or_insert_default()
    }
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
