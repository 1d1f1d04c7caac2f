//! Registers users and logs them in: the store of users, and password hashing. No sockets.
//!
//! Takes a user name and a password, and returns the result.

mod coming;
mod crypt;
pub(crate) mod failures;
mod hash;
mod judge;
mod memory;
mod meters;
mod passwd;
mod pool;
#[cfg(feature = "postgres")]
mod postgres;
mod scheme;
mod store;
mod turns;
mod uniform;

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;

pub use failures::{Count, Failures, LocalFailures, Seen, Whom};
pub use hash::{DISABLED, Hasher, Stored, marked};
pub use meters::describe_meters;
pub use passwd::{
    Check, Editor, End, LastLogins, LineError, OpenReport, PasswdError, PasswdFile, Progress, Torn,
};
pub use pool::{Done, HashPool, Hashing, HashingError, Job, Work};
#[cfg(feature = "postgres")]
pub use postgres::{Postgres, PostgresError, Settings as PostgresSettings};
pub use scheme::{HashError, MIN_MEMORY_KIB, MIN_ROUNDS, MIN_WORK_KIB, Scheme};
pub use store::{
    Answer, Arriving, Entry, Found, LoggedIn, Reason, Store, StoreCounts, StoreError, Version,
};
pub use turns::Caller;

use crate::protocol::{Password, TextError, UserName};
use coming::Coming;
use uniform::EqualTime;

/// Why a request has no result.
#[derive(Debug, thiserror::Error)]
pub enum AccountsError {
    /// No hash.
    #[error(transparent)]
    Hashing(#[from] HashingError),
    /// A registration was not stored, or it is not known whether it was.
    #[error(transparent)]
    Store(StoreError),
    /// A user could not be looked up.
    #[error("cannot look a user up: {0}")]
    LookUp(StoreError),
}

/// The result of a registration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Registration {
    /// The user is on disk.
    Registered,
    /// Another user has the name.
    NameTaken,
    /// Nobody can have the name.
    NameRefused(TextError),
}

/// The result of a login.
#[derive(Debug)]
pub enum Login {
    /// The password is right.
    Successful {
        /// The name, as it is stored.
        name: UserName,
        /// Whether the stored hash is replaced.
        upgrade: Upgrade,
    },
    /// There is no user of that name.
    NoSuchUser,
    /// The user has another password.
    WrongPassword,
    /// The password is right, and the user may not log in.
    Disabled,
}

/// Whether a successful login replaced the stored hash by a better one.
#[derive(Debug)]
pub enum Upgrade {
    /// The stored one is good enough, or another login has replaced it.
    NotNeeded,
    /// It was replaced, on disk.
    Done,
    /// It is being replaced: the task returns the result.
    Begun(JoinHandle<Result<bool, StoreError>>),
    /// It could not be replaced.
    Failed(StoreError),
}

/// The most hashes that are replaced at the same time after their logins were answered; others wait for the user's
/// next login.
const UPGRADES: usize = 4;

/// The users: their store, and the pool that hashes passwords.
pub struct Accounts {
    store: Arc<dyn Store>,
    /// Limits the replacements after answered logins.
    upgrades: Arc<Semaphore>,
    hashing: Arc<dyn Hashing>,
    /// Registrations in progress.
    coming: Coming,
    /// If set, all failed logins take the same time.
    uniform: Option<EqualTime>,
}

impl Accounts {
    /// Opens the passwd file at `path`; see [`OpenReport`] for what may have been mended.
    pub fn open(
        path: &Path,
        hashing: Arc<dyn Hashing>,
        uniform: bool,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(Self, OpenReport), PasswdError> {
        let (store, report) = PasswdFile::open(path, progress)?;
        Ok((Self::new(Arc::new(store), hashing, uniform), report))
    }

    /// The users that `store` holds.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, hashing: Arc<dyn Hashing>, uniform: bool) -> Self {
        Self {
            store,
            upgrades: Arc::new(Semaphore::new(UPGRADES)),
            uniform: uniform.then(|| EqualTime::new(hashing.cost())),
            coming: Coming::default(),
            hashing,
        }
    }

    /// Registers a user for `caller`. Returns `Registered` once the user is on disk. The name is registered in NFC;
    /// see [`UserName::registrable`].
    pub async fn register(
        &self,
        name: &UserName,
        password: Password,
        caller: Caller,
    ) -> Result<Registration, AccountsError> {
        let composed = match name.registrable() {
            Ok(name) => name,
            Err(error) => return Ok(Registration::NameRefused(error)),
        };
        let entered = self.coming.enter(&composed);
        let taken = async {
            let _turn = entered.turn().await;
            let mut taken = self.store.is_taken(&composed).await;
            if matches!(taken, Ok(false)) && composed != *name {
                // It may be stored as sent, by a version that did not normalise names to NFC.
                taken = self.store.is_taken(name).await;
            }
            taken
        };
        let taken = tokio::select! {
            biased;
            () = entered.taken() => Ok(true),
            taken = taken => taken,
        };
        if taken.map_err(AccountsError::LookUp)? {
            entered.tell();
            return Ok(Registration::NameTaken);
        }
        let arriving = self.store.announce();
        let computed = tokio::select! {
            biased;
            computed = pool::compute(&*self.hashing, Work::Hash, password, caller) => computed?,
            // Another registration was faster: the place in the queue is free for others.
            () = entered.taken() => return Ok(Registration::NameTaken),
        };
        let Done::Hashed(hash) = computed.done else {
            return Err(HashingError::Stopped.into());
        };
        // The store checks again: of two registrations of one name, one comes first.
        let added = self.store.add(composed, hash).await;
        let added = added.map_err(AccountsError::Store)?;
        entered.tell();
        drop(arriving);
        Ok(if added {
            Registration::Registered
        } else {
            Registration::NameTaken
        })
    }

    /// Checks a user's password for `caller`. A hash that is old or weaker than those made now is
    /// replaced: in the passwd file, on disk, before the login is answered; in a store that
    /// [`replaces_later`](Store::replaces_later), behind it. Where that fails the login stands all the same. Dropping
    /// the future withdraws the login while its password waits to be verified.
    pub async fn log_in(
        &self,
        name: &UserName,
        password: Password,
        caller: Caller,
    ) -> Result<Login, AccountsError> {
        let started = self.uniform.as_ref().map(|_| Instant::now());
        let found = self.find(name).await.map_err(AccountsError::LookUp)?;
        let disabled = matches!(&found, Some((_, found)) if found.is_disabled());
        let (user, work) = match found {
            Some((name, found)) => (Some((name, found.version)), Work::Verify(found.hash)),
            None if self.uniform.is_some() => (None, Work::Pretend),
            None => return Ok(Login::NoSuchUser),
        };
        let computed = match pool::compute(&*self.hashing, work, password, caller).await {
            Err(HashingError::Unusable(reason)) => {
                return Err(AccountsError::LookUp(self.store.unusable(name, &reason)));
            }
            computed => computed?,
        };
        if let (Some(uniform), Some(started)) = (&self.uniform, started) {
            uniform.observe(&computed);
            if computed.done == Done::Wrong || disabled {
                uniform.make_up(started, &computed).await;
            }
        }
        let Some((name, version)) = user else {
            return Ok(Login::NoSuchUser);
        };
        let upgrade = match computed.done {
            Done::Right(_) if disabled => return Ok(Login::Disabled),
            Done::Right(None) => Upgrade::NotNeeded,
            Done::Right(Some(hash)) => self.upgrade(name.clone(), version, hash).await,
            Done::Wrong | Done::Hashed(_) => return Ok(Login::WrongPassword),
        };
        Ok(Login::Successful { name, upgrade })
    }

    async fn upgrade(&self, name: UserName, version: Version, hash: String) -> Upgrade {
        if !self.store.replaces_later() {
            return match self.store.replace(name, version, hash).await {
                Ok(true) => Upgrade::Done,
                Ok(false) => Upgrade::NotNeeded,
                Err(error) => Upgrade::Failed(error),
            };
        }
        let Ok(permit) = Arc::clone(&self.upgrades).try_acquire_owned() else {
            return Upgrade::NotNeeded;
        };
        let store = Arc::clone(&self.store);
        Upgrade::Begun(tokio::spawn(async move {
            let replaced = store.replace(name, version, hash).await;
            drop(permit);
            replaced
        }))
    }

    /// Sets a user's password, for `caller`. False if the name does not exist.
    pub async fn set_password(
        &self,
        name: &UserName,
        password: Password,
        caller: Caller,
    ) -> Result<bool, AccountsError> {
        let computed = pool::compute(&*self.hashing, Work::Hash, password, caller).await?;
        let Done::Hashed(hash) = computed.done else {
            return Err(HashingError::Stopped.into());
        };
        let changed = self.change(name, |found| Some(hash::marked(&hash, found.is_disabled())));
        changed.await.map_err(AccountsError::Store)
    }

    /// Enables or disables a user. False if the name does not exist.
    pub async fn set_disabled(&self, name: &UserName, disabled: bool) -> Result<bool, StoreError> {
        self.change(name, |found| {
            let changes = found.is_disabled() != disabled;
            changes.then(|| hash::marked(&found.hash, disabled))
        })
        .await
    }

    /// Replaces a user's hash by the result of `change`; `None` means no change. False if the name does not exist.
    async fn change(
        &self,
        name: &UserName,
        change: impl Fn(&Found) -> Option<String>,
    ) -> Result<bool, StoreError> {
        loop {
            let Some((name, found)) = self.find(name).await? else {
                return Ok(false);
            };
            let Some(hash) = change(&found) else {
                return Ok(true);
            };
            // If a login replaced it in the meantime, tries again.
            if self.store.replace(name, found.version, hash).await? {
                return Ok(true);
            }
        }
    }

    /// Whether there is a user of that name.
    pub async fn has(&self, name: &UserName) -> Result<bool, StoreError> {
        match self.find(name).await {
            // The stored hash cannot be used, but the user exists.
            Err(StoreError::Corrupt(_)) => Ok(true),
            found => Ok(found?.is_some()),
        }
    }

    /// Removes a user. False if the name does not exist.
    pub async fn remove(&self, name: &UserName) -> Result<bool, StoreError> {
        match self.find(name).await {
            Ok(Some((name, _))) => self.store.remove(name).await,
            Ok(None) => Ok(false),
            // The stored hash cannot be used, but the name can be removed.
            Err(StoreError::Corrupt(_)) => self.store.remove(name.clone()).await,
            Err(error) => Err(error),
        }
    }

    /// Records logins; no two are of the same user.
    pub async fn note_logins(&self, logins: Vec<LoggedIn>) -> Result<(), StoreError> {
        self.store.note_logins(logins).await
    }

    /// Sends every user to `users`.
    pub async fn list(&self, users: mpsc::Sender<Entry>) -> Result<(), StoreError> {
        self.store.list(users).await
    }

    /// The user with this name, and the name as it is stored: with exactly these bytes, or otherwise with the name in
    /// NFC.
    async fn find(&self, name: &UserName) -> Result<Option<(UserName, Found)>, StoreError> {
        if let Some(found) = self.store.find(name).await? {
            return Ok(Some((name.clone(), found)));
        }
        let Some(composed) = name.composed().filter(|composed| composed != name) else {
            return Ok(None);
        };
        let found = self.store.find(&composed).await?;
        Ok(found.map(|found| (composed, found)))
    }

    /// Users.
    #[must_use]
    pub fn users(&self) -> usize {
        self.store.counts().users
    }

    /// Whether changes can be stored, judging by the last one.
    pub fn ready(&self) -> Result<(), StoreError> {
        self.store.ready()
    }

    /// What the store has done so far.
    #[must_use]
    pub fn counts(&self) -> StoreCounts {
        self.store.counts()
    }

    /// Passwords that wait to be hashed.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.hashing.waiting()
    }
}
