//! Registering users and logging them in: the passwd file and password hashing. No sockets.
//!
//! A user name and a password enter; what became of them leaves.

mod edit;
mod hash;
mod index;
mod line;
mod load;
mod meters;
mod open;
mod pool;
mod scheme;
mod store;
mod writer;

use std::path::Path;
use std::sync::Arc;

pub use edit::{Check, Editor};
pub use hash::{Hasher, Stored};
pub use line::LineError;
pub use load::{Progress, Tail};
pub use meters::describe_meters;
pub use open::OpenError;
pub use pool::{Done, HashPool, Hashing, HashingError, Job, Work};
pub use scheme::{HashError, MIN_MEMORY_KIB, MIN_ROUNDS, MIN_WORK_KIB, Scheme};
pub use store::{OpenReport, StoreCounts, StoreError};

use crate::protocol::{Password, UserName};
use store::Store;

/// Why a request could be answered neither with yes nor with no.
#[derive(Debug, thiserror::Error)]
pub enum AccountsError {
    /// No hash.
    #[error(transparent)]
    Hashing(#[from] HashingError),
    /// Not put on disk.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Not read from disk.
    #[error("cannot look a user up: {0}")]
    Read(#[from] std::io::Error),
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

/// The users: the passwd file and what hashes their passwords.
pub struct Accounts {
    store: Store,
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
    ) -> Result<(Self, OpenReport), OpenError> {
        let (store, report) = Store::open(path, progress)?;
        let accounts = Self {
            store,
            hashing,
            uniform,
        };
        Ok((accounts, report))
    }

    /// Registers a user. `Registered` is said when the user is on disk.
    pub async fn register(
        &self,
        name: UserName,
        password: Password,
    ) -> Result<Registration, AccountsError> {
        if self.store.find(&name)?.is_some() {
            return Ok(Registration::NameTaken);
        }
        let arriving = self.store.announce();
        let done = pool::compute(&*self.hashing, Work::Hash, password).await?;
        let Done::Hashed(hash) = done else {
            return Err(HashingError::Stopped.into());
        };
        // The writer looks again: of two registrations of one name, one comes first.
        let added = self.store.add(name, hash).await?;
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
        let Some(found) = self.store.find(&name)? else {
            if self.uniform {
                pool::compute(&*self.hashing, Work::Pretend, password).await?;
            }
            return Ok(Login::NoSuchUser);
        };
        let work = Work::Verify(Box::new(found.stored));
        match pool::compute(&*self.hashing, work, password).await? {
            Done::Right(None) => Ok(Login::Successful(Upgrade::NotNeeded)),
            Done::Right(Some(hash)) => {
                let replaced = self.store.replace(name, found.offset, hash).await;
                Ok(Login::Successful(match replaced {
                    Ok(true) => Upgrade::Done,
                    Ok(false) => Upgrade::NotNeeded,
                    Err(error) => Upgrade::Failed(error),
                }))
            }
            Done::Wrong | Done::Hashed(_) => Ok(Login::WrongPassword),
        }
    }

    /// Users in the passwd file.
    #[must_use]
    pub fn users(&self) -> usize {
        self.store.users()
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
