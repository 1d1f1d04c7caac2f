//! Counts outcomes of logins for the user and for the client's address.

use super::capped::Seen;
use super::counts::{Address, User};
use super::findings::Thresholds;
use crate::session::{Name, Outcome, PasswordTag, Refusal, Resolution};

/// Pairs of an address and a name or password that are remembered to count different ones.
const KEPT_PAIRS: usize = 1 << 18;

/// The other part of a pair with an address.
#[derive(Hash)]
enum Pair<'a> {
    UnknownName(&'a Name),
    TriedName(&'a Name),
    Password(PasswordTag),
}

/// Login statistics that belong to no single user or address.
#[derive(Debug)]
pub(super) struct Logins {
    pub thresholds: Thresholds,
    pairs: Seen,
    /// Failed logins for which the server said that there is no such user.
    unknown_users: u64,
    /// All other failed logins.
    others: u64,
}

impl Logins {
    pub fn new(thresholds: Thresholds) -> Self {
        Self {
            thresholds,
            pairs: Seen::new(KEPT_PAIRS),
            unknown_users: 0,
            others: 0,
        }
    }

    /// Whether there were failed logins, and none of them said that the user is unknown.
    pub const fn hide_unknown_users(&self) -> bool {
        self.others > 0 && self.unknown_users == 0
    }

    /// Whether more pairs were tried than are remembered.
    pub const fn overflowed(&self) -> bool {
        self.pairs.overflowed()
    }

    /// Counts a login that was answered in frame `answer`. `user` and `address` are `None` if they are not counted one
    /// by one.
    pub fn answered(
        &mut self,
        login: &Resolution,
        answer: u64,
        user: Option<&mut User>,
        address: Option<&mut Address>,
    ) {
        match login.outcome {
            Outcome::Success => self.succeeded(login, answer, user, address),
            // A server with a problem says nothing about the password.
            Outcome::Failure(Refusal::Unavailable) | Outcome::Unclear | Outcome::Unanswered => {}
            Outcome::Failure(refusal) => self.failed(login, refusal, user, address),
        }
    }

    fn succeeded(
        &self,
        login: &Resolution,
        answer: u64,
        user: Option<&mut User>,
        address: Option<&mut Address>,
    ) {
        let (time, thresholds) = (login.ended(), self.thresholds);
        // A run has as many failures as the pace needs.
        let pace = thresholds.user_pace();
        if let Some(window) = user.and_then(|user| user.failed_often(pace.failures)) {
            window.success(time, answer, pace);
        }
        let pace = thresholds.address_pace();
        if let Some(failed) = address.and_then(|address| address.failed_often(pace.failures)) {
            failed.window.success(time, answer, pace);
        }
    }

    fn failed(
        &mut self,
        login: &Resolution,
        refusal: Refusal,
        user: Option<&mut User>,
        address: Option<&mut Address>,
    ) {
        let unknown = refusal == Refusal::UnknownUser;
        if unknown {
            self.unknown_users += 1;
        } else {
            self.others += 1;
        }
        let (time, frame, from) = (login.ended(), login.frame, login.client.address);
        let name = if unknown {
            self.pairs.ask((from, Pair::UnknownName(&login.user)))
        } else {
            self.pairs.ask((from, Pair::TriedName(&login.user)))
        };
        let password = (!unknown && login.password.is_some())
            .then(|| self.pairs.ask((from, Pair::Password(login.password))));
        if let Some(user) = user {
            let window = user.failed_mut();
            window.failure(time, frame, from, self.thresholds.user_pace());
        }
        let Some(address) = address else { return };
        let failed = address.failed_mut();
        let pace = self.thresholds.address_pace();
        failed.window.failure(time, frame, from, pace);
        let new = self.pairs.is_new(name);
        if unknown {
            failed.unknown.add(login, new);
        } else {
            failed.tried.add(login, new);
        }
        failed.passwords += password.map_or(0, |password| u64::from(self.pairs.is_new(password)));
    }
}
