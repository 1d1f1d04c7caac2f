//! When users logged in last: what the store has not been told yet, and telling it now and then, behind the answers.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use crate::accounts::{Accounts, LoggedIn};
use crate::protocol::UserName;

/// Users whose login the store has not been told of, at most; further ones wait until it has.
const UNTOLD: usize = 65_536;
/// Between a login and the store's hearing of it, with all that came meanwhile.
const EVERY: Duration = Duration::from_secs(2);
/// After the store could not take note.
const AFTER_FAILURE: Duration = Duration::from_secs(10);

/// Logins that the store has not been told of.
#[derive(Default)]
pub struct Logins {
    untold: Mutex<HashMap<UserName, Instant>>,
    came: Notify,
    /// Whether it is known that the store cannot take note.
    failing: AtomicBool,
}

impl Logins {
    fn untold(&self) -> MutexGuard<'_, HashMap<UserName, Instant>> {
        self.untold.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A user of this stored name has logged in.
    pub fn note(&self, name: UserName) {
        let mut untold = self.untold();
        if untold.len() < UNTOLD || untold.contains_key(&name) {
            untold.insert(name, Instant::now());
            self.came.notify_one();
        }
    }

    /// When a user logged in, in seconds since 1970, where the store has not been told of it.
    pub fn untold_of(&self, name: &str) -> Option<i64> {
        let name = UserName::new(name).ok()?;
        let ago = self.untold().get(&name)?.elapsed();
        let at = jiff::Timestamp::now().as_second();
        Some(at.saturating_sub_unsigned(ago.as_secs()))
    }

    /// A user was removed.
    pub fn forget(&self, name: &UserName) {
        let mut untold = self.untold();
        untold.remove(name);
        if let Some(composed) = name.composed() {
            untold.remove(&composed);
        }
    }

    /// Tells the store of logins for as long as the server runs.
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

    /// Tells the store what it has not been told; false where it could not take note, and will be told again.
    pub async fn tell(&self, accounts: &Accounts) -> bool {
        let told = self.untold().clone();
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
            // Those who logged in once more meanwhile stay.
            Ok(()) => self.untold().retain(|name, at| told.get(name) != Some(at)),
            Err(error) if !known => {
                tracing::warn!(%error, "last logins are not kept for now");
            }
            Err(_) => {}
        }
        !failed
    }
}
