//! Registering users and logging them in: what holds them, and password hashing. No sockets.
//!
//! A user name and a password enter; what became of them leaves.

mod hash;
mod memory;
mod meters;
mod passwd;
mod pool;
mod scheme;
mod store;

use std::path::Path;
use std::sync::Arc;

pub use hash::{Hasher, Stored};
pub use meters::describe_meters;
pub use passwd::{
    Check, Editor, End, LineError, OpenReport, PasswdError, PasswdFile, Progress, Torn,
};
pub use pool::{Done, HashPool, Hashing, HashingError, Job, Work};
pub use scheme::{HashError, MIN_MEMORY_KIB, MIN_ROUNDS, MIN_WORK_KIB, Scheme};
pub use store::{Answer, Arriving, Found, Reason, Store, StoreCounts, StoreError, Version};

use crate::protocol::{Password, UserName};

/// Why a request could be answered neither with yes nor with no.
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

/// What became of a registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registration {
    /// The user is on disk.
    Registered,
    /// Another user has the name.
    NameTaken,
}

/// What became of a login.
#[derive(Debug)]
pub enum Login {
    /// The password is right.
    Successful(Upgrade),
    /// There is no user of that name.
    NoSuchUser,
    /// The user has another password.
    WrongPassword,
}

/// Whether a successful login put a better hash in the place of the stored one.
#[derive(Debug)]
pub enum Upgrade {
    /// The stored one is good enough, or another login has replaced it.
    NotNeeded,
    /// It did, on disk.
    Done,
    /// It could not.
    Failed(StoreError),
}

/// The users: what holds them and what hashes their passwords.
pub struct Accounts {
    store: Box<dyn Store>,
    hashing: Arc<dyn Hashing>,
    /// Whether a login of a user that does not exist takes as long as one with a wrong password.
    uniform: bool,
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
        Ok((Self::new(Box::new(store), hashing, uniform), report))
    }

    /// The users that `store` holds.
    #[must_use]
    pub fn new(store: Box<dyn Store>, hashing: Arc<dyn Hashing>, uniform: bool) -> Self {
        Self {
            store,
            hashing,
            uniform,
        }
    }

    /// Registers a user. `Registered` is said when the user is on disk.
    pub async fn register(
        &self,
        name: UserName,
        password: Password,
    ) -> Result<Registration, AccountsError> {
        let taken = self.store.is_taken(&name).await;
        if taken.map_err(AccountsError::LookUp)? {
            return Ok(Registration::NameTaken);
        }
        let arriving = self.store.announce();
        let done = pool::compute(&*self.hashing, Work::Hash, password).await?;
        let Done::Hashed(hash) = done else {
            return Err(HashingError::Stopped.into());
        };
        // The store looks again: of two registrations of one name, one comes first.
        let added = self.store.add(name, hash).await;
        let added = added.map_err(AccountsError::Store)?;
        drop(arriving);
        Ok(if added {
            Registration::Registered
        } else {
            Registration::NameTaken
        })
    }

    /// Checks a user's password. A hash that is old or weaker than those made now is replaced, on
    /// disk, before the login is answered; where that fails the login stands all the same.
    pub async fn log_in(&self, name: UserName, password: Password) -> Result<Login, AccountsError> {
        let found = self.store.find(&name).await;
        let Some(found) = found.map_err(AccountsError::LookUp)? else {
            if self.uniform {
                pool::compute(&*self.hashing, Work::Pretend, password).await?;
            }
            return Ok(Login::NoSuchUser);
        };
        let work = Work::Verify(Box::new(found.stored));
        match pool::compute(&*self.hashing, work, password).await? {
            Done::Right(None) => Ok(Login::Successful(Upgrade::NotNeeded)),
            Done::Right(Some(hash)) => {
                let replaced = self.store.replace(name, found.version, hash).await;
                Ok(Login::Successful(match replaced {
                    Ok(true) => Upgrade::Done,
                    Ok(false) => Upgrade::NotNeeded,
                    Err(error) => Upgrade::Failed(error),
                }))
            }
            Done::Wrong | Done::Hashed(_) => Ok(Login::WrongPassword),
        }
    }

    /// Users.
    #[must_use]
    pub fn users(&self) -> usize {
        self.store.counts().users
    }

    /// Whether changes can be stored, as far as the last one tells.
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
