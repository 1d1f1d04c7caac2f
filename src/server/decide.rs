//! Decides what a request gets: policy, limits, and the users.

use std::borrow::Cow;
use std::time::Instant;

use super::answer::Peer;
use super::service::Service;
use super::words;
use crate::accounts::{AccountsError, Caller, Login, Registration, Upgrade};
use crate::protocol::{Password, UserName};

/// What was decided of a request.
pub struct Decision {
    /// Whether it is yes.
    pub success: bool,
    /// What the client is told.
    pub words: Cow<'static, str>,
    /// What becomes of a stored hash.
    pub upgrade: Upgrade,
}

impl Decision {
    fn new(success: bool, words: impl Into<Cow<'static, str>>) -> Self {
        Self {
            success,
            words: words.into(),
            upgrade: Upgrade::NotNeeded,
        }
    }

    fn yes(words: impl Into<Cow<'static, str>>) -> Self {
        Self::new(true, words)
    }

    /// It is no.
    pub fn no(words: impl Into<Cow<'static, str>>) -> Self {
        Self::new(false, words)
    }
}

impl Service {
    /// Registers a user; the request came at `now`.
    pub async fn register(
        &self,
        peer: Peer,
        name: &UserName,
        password: Password,
        caller: &Caller,
        now: Instant,
    ) -> Result<Decision, AccountsError> {
        if self.policy.registration_closed {
            return Ok(Decision::no(words::REGISTRATION_CLOSED));
        }
        if let Some(wait) = self.guesses.throttle.register(peer.address.ip(), now) {
            return Ok(Decision::no(words::wait_to_register(wait)));
        }
        if let Err(reason) = self.rules.judge(&password) {
            return Ok(Decision::no(reason));
        }
        let registration = self.accounts.register(name, password, caller.clone());
        Ok(match self.note(registration.await)? {
            Registration::Registered => Decision::yes(words::REGISTERED),
            Registration::NameTaken => Decision::no(words::NAME_TAKEN),
            Registration::NameRefused(error) => Decision::no(error.to_string()),
        })
    }

    /// Logs a user in; the request came at `now`.
    pub async fn log_in(
        &self,
        peer: Peer,
        name: &UserName,
        password: Password,
        caller: &Caller,
        now: Instant,
    ) -> Result<Decision, AccountsError> {
        let attempt = self
            .guesses
            .throttle
            .attempt(peer.address.ip(), name, &password);
        let standing = self.guesses.standing(&attempt).await;
        if let Some(wait) = standing.wait {
            return Ok(Decision::no(words::wait(wait)));
        }
        if !standing.delay.is_zero() {
            tokio::time::sleep(standing.delay).await;
        }
        let login = self.accounts.log_in(name, password, caller.clone());
        let outcome = self.note(login.await)?;
        // Many simultaneous logins can pass the first check together. Those that are verified after the last allowed
        // failure are not told whether they were right.
        let standing = self.guesses.standing(&attempt).await;
        if let Some(wait) = standing.wait {
            return Ok(Decision::no(words::wait(wait)));
        }
        let words = match outcome {
            Login::Successful {
                name: stored,
                upgrade,
            } => {
                self.logins.note(stored, now);
                self.guesses.succeeded(&attempt, standing).await;
                return Ok(Decision {
                    upgrade,
                    ..Decision::yes(words::LOGIN_SUCCESSFUL)
                });
            }
            Login::Disabled if !self.policy.uniform_failures => {
                return Ok(Decision::no(words::DISABLED));
            }
            _ if self.policy.uniform_failures => words::LOGIN_FAILED,
            Login::NoSuchUser => words::NO_SUCH_USER,
            Login::WrongPassword | Login::Disabled => words::WRONG_PASSWORD,
        };
        if self.guesses.failed(&attempt).await {
            let late = self
                .guesses
                .throttle
                .refused(peer.address.ip(), Instant::now());
            tokio::time::sleep(late).await;
        }
        Ok(Decision::no(words))
    }
}
