//! The store of users: what `accounts` needs from it, whether it is the passwd file or a database.

use std::collections::HashSet;
use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::mpsc;

use super::hash::DISABLED;
use super::scheme::HashError;
use crate::protocol::UserName;

/// An answer that may take a while.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// Users and their hashes. What is answered with `true` is on disk.
pub trait Store: Send + Sync {
    /// Looks a user up.
    fn find<'a>(&'a self, name: &'a UserName) -> Answer<'a, Option<Found>>;

    /// The error for a user whose stored hash cannot be used.
    fn unusable(&self, name: &UserName, reason: &HashError) -> StoreError;

    /// Whether a registration of this name will be refused, as far as can be told without reading the user.
    /// [`add`](Self::add) decides.
    fn is_taken<'a>(&'a self, name: &'a UserName) -> Answer<'a, bool>;

    /// Says that [`add`](Self::add) will be called soon, so that it shares a sync with others.
    fn announce(&self) -> Arriving {
        Arriving::default()
    }

    /// Adds a user. False if the name is taken: of several with one name, one is added.
    fn add(&self, name: UserName, hash: String) -> Answer<'_, bool>;

    /// Adds those of these users whose names are free. Returns how many were added, and the names that now have the given
    /// hash. A name must not occur twice.
    fn add_all<'a>(
        &'a self,
        users: &'a [(UserName, String)],
    ) -> Answer<'a, (usize, HashSet<String>)> {
        Box::pin(async move {
            // All are handed over before the first result is awaited, so that they can share a sync.
            let adding = users
                .iter()
                .map(|(name, hash)| self.add(name.clone(), hash.clone()));
            let adding: Vec<_> = adding.collect();
            let (mut added, mut same) = (0, HashSet::new());
            for ((name, hash), adding) in users.iter().zip(adding) {
                let is_added = adding.await?;
                added += usize::from(is_added);
                if is_added
                    || self
                        .find(name)
                        .await?
                        .is_some_and(|found| found.hash == *hash)
                {
                    same.insert(name.to_string());
                }
            }
            Ok((added, same))
        })
    }

    /// Replaces the hash of a user found with this version. False if another change came first.
    fn replace(&self, name: UserName, version: Version, hash: String) -> Answer<'_, bool>;

    /// Whether a replaced hash may be stored after its login was answered, because storing waits for other machines.
    fn replaces_later(&self) -> bool {
        false
    }

    /// Removes a user. False if the name does not exist.
    fn remove(&self, name: UserName) -> Answer<'_, bool>;

    /// Records logins; no two are of the same user. A crash may lose the latest ones.
    fn note_logins(&self, logins: Vec<LoggedIn>) -> Answer<'_, ()>;

    /// Sends every user to `users`, in any order; users that are added or removed meanwhile may be included or not.
    fn list(&self, users: mpsc::Sender<Entry>) -> Answer<'_, ()>;

    /// Its counters.
    fn counts(&self) -> StoreCounts;

    /// Whether changes can be stored, judging by the last one.
    fn ready(&self) -> Result<(), StoreError>;
}

/// A user found.
#[derive(Debug, Clone)]
pub struct Found {
    /// The hash as it is stored, which whoever uses it parses.
    pub hash: String,
    /// Which of the user's successive hashes it is.
    pub version: Version,
}

impl Found {
    /// Whether the user may not log in.
    #[must_use]
    pub fn is_disabled(&self) -> bool {
        self.hash.starts_with(DISABLED)
    }
}

/// A user in a list.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The name.
    pub name: String,
    /// The hash as it is stored.
    pub hash: String,
    /// When the user registered, in seconds since 1970, where the store keeps it.
    pub created: Option<i64>,
    /// When the user last logged in, in seconds since 1970, as far as the store was told.
    pub last_login: Option<i64>,
}

/// A login that succeeded.
#[derive(Debug, Clone)]
pub struct LoggedIn {
    /// The name, as it is stored.
    pub name: UserName,
    /// How long ago that was.
    pub ago: Duration,
}

/// Distinguishes a user's hash from earlier and later ones. Only the store that issued it can interpret it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version(pub(super) u64);

/// Why a store did not do what it was asked to. Never holds a hash or a password.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// It is overloaded. Nothing was changed.
    #[error("the store of users is busy")]
    Busy,
    /// It is unavailable now. Nothing was changed.
    #[error("{0}")]
    Unavailable(Reason),
    /// The change may have been made or not; the next start tells.
    #[error("it is not known whether the change was stored: {0}")]
    OutcomeUnknown(Reason),
    /// What is stored for this user cannot be used.
    #[error("{0}")]
    Corrupt(Reason),
    /// It has stopped for good.
    #[error("the store of users has stopped")]
    Stopped,
}

/// What went wrong, in the store's own terms.
pub type Reason = Arc<dyn Error + Send + Sync>;

/// Counters of a store since it was opened, and its size.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StoreCounts {
    /// Users.
    pub users: usize,
    /// Registrations put on disk.
    pub stored: u64,
    /// Hashes replaced.
    pub replaced: u64,
    /// How often it synced for registrations and replacements.
    pub syncs: u64,
}

/// Announces a registration as long as it exists; the default value announces nothing.
#[derive(Debug, Default)]
pub struct Arriving(Option<Arc<AtomicUsize>>);

impl Arriving {
    /// One more for this count.
    #[must_use]
    pub fn count(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(Some(Arc::clone(count)))
    }
}

impl Drop for Arriving {
    fn drop(&mut self) {
        if let Some(count) = &self.0 {
            count.fetch_sub(1, Ordering::Relaxed);
        }
    }
}
