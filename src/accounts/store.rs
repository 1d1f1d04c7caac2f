//! What holds the users: what `accounts` asks of it, whether it is the passwd file or a database.

use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::mpsc;

use super::hash::Stored;
use crate::protocol::UserName;

/// An answer that may take a while.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// Users and their hashes. What is answered with `true` is on disk.
pub trait Store: Send + Sync {
    /// Looks a user up.
    fn find<'a>(&'a self, name: &'a UserName) -> Answer<'a, Option<Found>>;

    /// Whether a registration of this name will be refused: what can be told without reading the
    /// user. [`add`](Self::add) decides.
    fn is_taken<'a>(&'a self, name: &'a UserName) -> Answer<'a, bool>;

    /// Says that [`add`](Self::add) will be called soon, so that it shares a sync with others.
    fn announce(&self) -> Arriving {
        Arriving::default()
    }

    /// Adds a user. False where the name is taken: of several with one name, one is added.
    fn add(&self, name: UserName, hash: String) -> Answer<'_, bool>;

    /// Gives a user who was found with this version another hash. False where another change came
    /// first.
    fn replace(&self, name: UserName, version: Version, hash: String) -> Answer<'_, bool>;

    /// Whether a replaced hash may be stored after the login that asked for it is answered, as where storing waits for
    /// other machines.
    fn replaces_later(&self) -> bool {
        false
    }

    /// Removes a user. False where there is none of that name.
    fn remove(&self, name: UserName) -> Answer<'_, bool>;

    /// Takes note of logins, of which no two are one user's. A crash may lose what it was told last.
    fn note_logins(&self, logins: Vec<LoggedIn>) -> Answer<'_, ()>;

    /// Hands every user to `users`, in no order; those that come or go meanwhile may be among them or not.
    fn list(&self, users: mpsc::Sender<Entry>) -> Answer<'_, ()>;

    /// What it has done and holds.
    fn counts(&self) -> StoreCounts;

    /// Whether changes can be stored, as far as the last one tells.
    fn ready(&self) -> Result<(), StoreError>;
}

/// A user found.
#[derive(Debug, Clone)]
pub struct Found {
    /// The hash, and whether the user may log in.
    pub stored: Stored,
    /// The same as it is stored.
    pub hash: String,
    /// Which of the hashes that the user has had it is.
    pub version: Version,
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

/// Tells a user's hash from those before and after it. Only the store that gave it knows more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version(pub(super) u64);

/// Why a store did not do what it was asked to. Never holds a hash or a password.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// It has more to do than it can. Nothing was changed.
    #[error("the store of users is busy")]
    Busy,
    /// It cannot now. Nothing was changed.
    #[error("{0}")]
    Unavailable(Reason),
    /// The change may have been made or not; the next start tells.
    #[error("it is not known whether the change was stored: {0}")]
    OutcomeUnknown(Reason),
    /// What is stored for this user cannot be used.
    #[error("{0}")]
    Corrupt(Reason),
    /// It has stopped and will not do anything any more.
    #[error("the store of users has stopped")]
    Stopped,
}

/// What went wrong, in the store's own terms.
pub type Reason = Arc<dyn Error + Send + Sync>;

/// What a store has done since it was opened, and what it holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StoreCounts {
    /// Users.
    pub users: usize,
    /// Registrations put on disk.
    pub stored: u64,
    /// Hashes replaced.
    pub replaced: u64,
    /// Times that something was synced for registrations and replacements.
    pub syncs: u64,
}

/// Says that a registration is coming, for as long as it lives; the default one says it to nobody.
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
