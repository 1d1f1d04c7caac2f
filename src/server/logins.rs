//! Times of last logins: those that the store has not recorded yet. They are passed to the store from time to time,
//! after requests were answered.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use crate::accounts::{Accounts, LoggedIn};
use crate::locks::lock;
use crate::protocol::UserName;

/// Users whose login the store has not been told of, at most; further ones wait until it has.
const UNTOLD: usize = 65_536;
/// Time between a login and its recording in the store, together with all logins in the meantime.
const EVERY: Duration = Duration::from_secs(2);
/// Time to wait after the store could not record logins.
const AFTER_FAILURE: Duration = Duration::from_secs(10);

/// Logins that the store has not recorded yet.
#[derive(Default)]
pub struct Logins {
    untold: Mutex<HashMap<UserName, Instant>>,
    came: Notify,
    /// Whether it was logged that the store cannot record logins.
    failing: AtomicBool,
}

impl Logins {
    /// A user of this stored name has logged in with a request that came at `at`.
    pub fn note(&self, name: UserName, at: Instant) {
        let mut untold = lock(&self.untold);
        if untold.len() < UNTOLD || untold.contains_key(&name) {
            let last = untold.entry(name).or_insert(at);
            *last = at.max(*last);
            self.came.notify_one();
        }
    }

    /// When a user logged in, in seconds since 1970, if the store has not recorded it yet.
    pub fn untold_of(&self, name: &str) -> Option<i64> {
        let name = UserName::new(name).ok()?;
        let ago = lock(&self.untold).get(&name)?.elapsed();
        let at = jiff::Timestamp::now().as_second();
        Some(at.saturating_sub_unsigned(ago.as_secs()))
    }

    /// A user was removed.
    pub fn forget(&self, name: &UserName) {
        let mut untold = lock(&self.untold);
        untold.remove(name);
        if let Some(composed) = name.composed() {
            untold.remove(&composed);
        }
    }

    /// Passes logins to the store as long as the server runs.
    pub async fn keep(&self, accounts: &Accounts) {
        loop {
            self.came.notified().await;
            tokio::time::sleep(EVERY).await;
            if !self.tell(accounts).await {
                tokio::time::sleep(AFTER_FAILURE).await;
                self.came.notify_one();
            }
        }
    }

    /// Passes waiting logins to the store; false if it could not record them, and they will be passed again.
    pub async fn tell(&self, accounts: &Accounts) -> bool {
        let told = lock(&self.untold).clone();
        if told.is_empty() {
            return true;
        }
        let logins = told.iter().map(|(name, at)| LoggedIn {
            name: name.clone(),
            ago: at.elapsed(),
        });
        let noted = accounts.note_logins(logins.collect()).await;
        let failed = noted.is_err();
        let known = self.failing.swap(failed, Ordering::Relaxed);
        match noted {
            // Users who logged in again in the meantime stay.
            Ok(()) => lock(&self.untold).retain(|name, at| told.get(name) != Some(at)),
            Err(error) if !known => {
                tracing::warn!(%error, "last logins are not kept for now");
            }
            Err(_) => {}
        }
        !failed
    }
}
