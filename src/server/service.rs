//! The parts that answer requests: the users, the limits, the log and the audit stream.

use std::net::IpAddr;
use std::sync::Arc;

use super::accept::Config;
use super::address::SourceAddress;
use super::health::Health;
use super::limits::Policy;
use super::log::ClientLines;
use super::log::audit::{Audit, Event};
use super::logins::Logins;
use super::rules::PasswordRules;
use super::throttle::{Guesses, Throttle};
use crate::accounts::{Accounts, AccountsError, Caller, StoreError};

/// Answers requests: the users, and who may request what and how often.
pub struct Service {
    pub(super) accounts: Arc<Accounts>,
    pub(super) policy: Policy,
    pub(super) guesses: Guesses,
    pub(super) rules: Arc<PasswordRules>,
    pub(super) audit: Option<Audit>,
    pub(super) lines: Arc<ClientLines>,
    pub(super) health: Arc<Health>,
    pub(super) logins: Logins,
}

impl Service {
    /// A service for these users.
    pub fn new(accounts: Arc<Accounts>, config: &Config) -> Self {
        Self {
            accounts,
            policy: config.policy,
            guesses: Guesses::new(Throttle::new(&config.limits), config.failures.clone()),
            rules: Arc::clone(&config.rules),
            audit: config.audit.clone(),
            lines: Arc::clone(&config.lines),
            health: Arc::clone(&config.health),
            logins: Logins::default(),
        }
    }

    /// Whether the server can take more clients now, and if not, why; the store of users knows that best.
    pub fn ready(&self) -> Result<(), String> {
        let store = self.accounts.ready().map_err(|error| error.to_string());
        store.and_then(|()| self.health.ready().map_err(str::to_owned))
    }

    /// Records whether users can be looked up.
    pub(super) fn note<T>(&self, asked: Result<T, AccountsError>) -> Result<T, AccountsError> {
        match &asked {
            Ok(_) => self.health.looked_up(true),
            Err(AccountsError::LookUp(StoreError::Unavailable(_) | StoreError::Stopped)) => {
                self.health.looked_up(false);
            }
            Err(_) => {}
        }
        asked
    }

    /// Adds to the audit stream, if there is one.
    pub fn audit(&self, event: &Event<'_>) {
        if let Some(audit) = &self.audit {
            audit.add(event);
        }
    }

    /// For whom passwords are hashed that come from `address`.
    pub fn caller(&self, address: IpAddr) -> Caller {
        let source = SourceAddress::from(address);
        Caller::new(
            source.nearest().bits,
            self.guesses.throttle.is_exempt(address),
        )
    }
}
