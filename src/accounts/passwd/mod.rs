//! The passwd file as a store of users: finding them, and handing changes to the one writer.
//!
//! Nothing in the file is ever overwritten: changes are lines at its end, and from time to time it
//! is written anew. So whoever has the file and a place in it may read there at any time.

mod append;
mod compact;
#[cfg(test)]
mod crash_test;
mod edit;
mod index;
mod line;
mod load;
mod logins;
mod open;
mod report;
mod scan;
mod start;
mod writer;

use std::fs::File;
use std::future::ready;
use std::hash::BuildHasher;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, RwLock, RwLockReadGuard, mpsc};
use std::thread::JoinHandle;
use std::time::SystemTime;

use foldhash::fast::RandomState;
use tokio::sync::oneshot;

use super::scheme::HashError;
use super::store::{
    Answer, Arriving, Entry, Found, LoggedIn, Store, StoreCounts, StoreError, Version,
};
use crate::locks::{lock, read};
use crate::platform::file::read_at_hand;
use crate::protocol::UserName;
pub use edit::{Check, Editor, End};
use index::{Candidates, Index};
pub use line::LineError;
use line::MAX_LINE;
pub use load::Torn;
pub use logins::LastLogins;
use logins::{Logins, Users};
pub use open::PasswdError;
use open::Place;
pub use report::OpenReport;
pub use scan::Progress;
use writer::Change;

/// The passwd file, open and locked, with its writer's thread.
pub struct PasswdFile {
    shared: Arc<Shared>,
    /// `None` only while the store is being dropped.
    sender: Option<mpsc::Sender<Change>>,
    thread: Option<JoinHandle<()>>,
}

/// State shared by look-ups and the writer.
struct Shared {
    current: RwLock<Current>,
    /// The path without symbolic links.
    path: PathBuf,
    logins: Mutex<Logins>,
    /// Makes versions out of hashes. Nobody chooses these, so it may be a fast one.
    versions: RandomState,
    /// Registrations that are about to reach the writer, or are with it.
    arriving: Arc<AtomicUsize>,
    stored: AtomicU64,
    replaced: AtomicU64,
    syncs: AtomicU64,
    /// Why the last change could not be stored, until one can.
    trouble: Mutex<Option<StoreError>>,
}

/// The file that the path names, and the positions of its users. A compaction replaces it.
struct Current {
    file: Arc<File>,
    index: Index,
}

/// Positions in a file where a user's line may be.
struct Places {
    file: Arc<File>,
    at: Candidates,
}

impl Shared {
    fn new(file: Arc<File>, index: Index, place: &Place) -> Self {
        Self {
            current: RwLock::new(Current { file, index }),
            path: place.real.clone(),
            logins: Mutex::new(Logins::beside(place)),
            versions: RandomState::default(),
            arriving: Arc::default(),
            stored: AtomicU64::new(0),
            replaced: AtomicU64::new(0),
            syncs: AtomicU64::new(0),
            trouble: Mutex::new(None),
        }
    }

    fn current(&self) -> RwLockReadGuard<'_, Current> {
        read(&self.current)
    }

    /// The positions where a user's line may be, usually one, and the file. Reads nothing.
    fn places(&self, name: &UserName) -> Places {
        let current = self.current();
        let at = current.index.candidates(name.as_str());
        let file = Arc::clone(&current.file);
        Places { file, at }
    }

    /// Reads the user whose line is at one of `places`, with its position. Usually the line is in the page cache; if
    /// the disk does not answer, this may take any time.
    fn read(&self, name: &UserName, places: &Places) -> Result<Option<(u64, Found)>, StoreError> {
        for place in &places.at {
            if let Some(found) = self.read_user(&places.file, name, *place)? {
                return Ok(Some((*place, found)));
            }
        }
        if places.at.is_empty() {
            return Ok(None);
        }
        Err(self.corrupt(name, &"it names another user now"))
    }

    /// Looks a user up.
    fn find(&self, name: &UserName) -> Result<Option<(u64, Found)>, StoreError> {
        self.read(name, &self.places(name))
    }

    /// The user, if `name` is at offset `place`.
    fn read_user(
        &self,
        file: &File,
        name: &UserName,
        place: u64,
    ) -> Result<Option<Found>, StoreError> {
        let mut line = [0; MAX_LINE + 1];
        let read = read_up_to(file, &mut line, place).map_err(|source| {
            let error = PasswdError::io("read", &self.path)(source);
            StoreError::Unavailable(Arc::new(error))
        })?;
        let end = memchr::memchr(b'\n', &line[..read]).unwrap_or(read);
        self.user_in(&line[..end], name)
    }

    /// The user, read without waiting for a disk; `None` if that is not possible, or the user is not at the one place known.
    fn read_at_hand(&self, name: &UserName, places: &Places) -> Option<Result<Found, StoreError>> {
        let [place] = places.at[..] else {
            return None;
        };
        let mut line = [0; MAX_LINE + 1];
        let read = read_at_hand(&places.file, &mut line, place)?;
        // Where only its beginning is in memory, its end is not seen.
        let end = memchr::memchr(b'\n', &line[..read])?;
        self.user_in(&line[..end], name).transpose()
    }

    /// The user of a line, if it is `name`.
    fn user_in(&self, line: &[u8], name: &UserName) -> Result<Option<Found>, StoreError> {
        let hash = line
            .strip_prefix(name.as_str().as_bytes())
            .and_then(|rest| rest.strip_prefix(b":"));
        let Some(hash) = hash else {
            return Ok(None);
        };
        let version = Version(self.versions.hash_one(hash));
        let hash = String::from_utf8(hash.to_vec()).map_err(|error| self.corrupt(name, &error))?;
        Ok(Some(Found { hash, version }))
    }

    /// Sends every user to `users`, whether the current hash is on the user's own line or on a replacement.
    fn list(&self, users: &tokio::sync::mpsc::Sender<Entry>) -> Result<(), StoreError> {
        let file = Arc::clone(&self.current().file);
        // Without them the list is still useful.
        let last = lock(&self.logins).read().unwrap_or_default();
        let listed = scan::scan(&file, &self.path, &mut |_| {}, &mut |line| {
            let Some((0, name)) = line::name_in(line.bytes) else {
                return Ok(());
            };
            let Ok(name) = UserName::new(name) else {
                return Ok(());
            };
            if let Ok(Some((_, found))) = self.find(&name) {
                let entry = Entry {
                    name: name.to_string(),
                    hash: found.hash,
                    created: None,
                    last_login: last.get(name.as_str()),
                };
                // The receiver is gone: the rest is read in vain.
                let _ = users.blocking_send(entry);
            }
            Ok(())
        });
        listed.map_err(|error| StoreError::Unavailable(Arc::new(error)))
    }

    /// Changes the recorded logins.
    fn keep_logins(
        &self,
        change: impl FnOnce(&mut Logins, &Users<'_>) -> Result<(), PasswdError>,
    ) -> Result<(), StoreError> {
        let file = Arc::clone(&self.current().file);
        let have = |name: &str| self.current().index.probably_has(name);
        let users = Users {
            have: &have,
            file: &file,
        };
        let changed = change(&mut lock(&self.logins), &users);
        changed.map_err(|error| StoreError::Unavailable(Arc::new(error)))
    }

    fn corrupt(&self, name: &UserName, reason: &dyn std::fmt::Display) -> StoreError {
        StoreError::Corrupt(Arc::new(PasswdError::UserChanged {
            path: self.path.clone(),
            name: name.to_string(),
            reason: reason.to_string(),
        }))
    }
}

impl PasswdFile {
    /// Opens the file at `path`, made where it is missing, and reads all of it. What an
    /// interrupted write left at its end is cut off; any other fault is an error, and then nothing
    /// has been changed. What is kept is on disk when this returns.
    pub fn open(
        path: &Path,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(Self, OpenReport), PasswdError> {
        let (writer, shared, report) = start::start(path, progress)?;
        let (sender, receiver) = mpsc::channel();
        let thread = std::thread::Builder::new()
            .name("passwd-writer".into())
            .spawn(move || writer.run(&receiver))
            .map_err(PasswdError::io("start the writer of", path))?;
        let store = Self {
            shared,
            sender: Some(sender),
            thread: Some(thread),
        };
        Ok((store, report))
    }

    // The channel is unbounded, but each sender waits for its answer, so it holds at most one change for each
    // connection.
    fn send(&self, change: impl FnOnce(writer::Reply) -> Change) -> Answer<'_, bool> {
        let (reply, answer) = oneshot::channel();
        let sent = match &self.sender {
            Some(sender) => sender.send(change(reply)).is_ok(),
            None => false,
        };
        Box::pin(async move {
            if !sent {
                return Err(StoreError::Stopped);
            }
            answer.await.unwrap_or(Err(StoreError::Stopped))
        })
    }
}

impl Store for PasswdFile {
    fn find<'a>(&'a self, name: &'a UserName) -> Answer<'a, Option<Found>> {
        let places = self.shared.places(name);
        if places.at.is_empty() {
            return Box::pin(ready(Ok(None)));
        }
        if let Some(found) = self.shared.read_at_hand(name, &places) {
            return Box::pin(ready(found.map(Some)));
        }
        // A disk that does not answer delays only the caller, not the worker and all its connections.
        let (shared, name) = (Arc::clone(&self.shared), name.clone());
        let reading = tokio::task::spawn_blocking(move || shared.read(&name, &places));
        Box::pin(async {
            let found = reading.await.map_err(|_| StoreError::Stopped)??;
            Ok(found.map(|(_, found)| found))
        })
    }

    fn unusable(&self, name: &UserName, reason: &HashError) -> StoreError {
        self.shared.corrupt(name, reason)
    }

    fn is_taken<'a>(&'a self, name: &'a UserName) -> Answer<'a, bool> {
        let taken = self.shared.current().index.probably_has(name.as_str());
        Box::pin(ready(Ok(taken)))
    }

    fn announce(&self) -> Arriving {
        Arriving::count(&self.shared.arriving)
    }

    fn add(&self, name: UserName, hash: String) -> Answer<'_, bool> {
        self.send(|reply| Change::Add { name, hash, reply })
    }

    fn replace(&self, name: UserName, version: Version, hash: String) -> Answer<'_, bool> {
        self.send(|reply| Change::Replace {
            name,
            version,
            hash,
            reply,
        })
    }

    fn remove(&self, name: UserName) -> Answer<'_, bool> {
        let gone = name.clone();
        let removing = self.send(|reply| Change::Remove { name, reply });
        let shared = Arc::clone(&self.shared);
        Box::pin(async move {
            let removed = removing.await?;
            if removed {
                // If that fails, the list may show the old login for a new user of the same name, until that user
                // logs in.
                let forget = move || {
                    let _ = shared.keep_logins(|logins, users| logins.forget(users, &gone));
                };
                let _ = tokio::task::spawn_blocking(forget).await;
            }
            Ok(removed)
        })
    }

    fn note_logins(&self, noted: Vec<LoggedIn>) -> Answer<'_, ()> {
        let shared = Arc::clone(&self.shared);
        let now = SystemTime::now();
        let note = move || {
            let noted: Vec<_> = noted
                .into_iter()
                .map(|login| (login.name, seconds(now - login.ago)))
                .collect();
            shared.keep_logins(|logins, users| logins.add(users, &noted))
        };
        Box::pin(async {
            let noting = tokio::task::spawn_blocking(note);
            noting.await.map_err(|_| StoreError::Stopped)?
        })
    }

    fn list(&self, users: tokio::sync::mpsc::Sender<Entry>) -> Answer<'_, ()> {
        let shared = Arc::clone(&self.shared);
        Box::pin(async move {
            let listing = tokio::task::spawn_blocking(move || shared.list(&users));
            listing.await.map_err(|_| StoreError::Stopped)?
        })
    }

    fn counts(&self) -> StoreCounts {
        StoreCounts {
            users: self.shared.current().index.len(),
            stored: self.shared.stored.load(Ordering::Relaxed),
            replaced: self.shared.replaced.load(Ordering::Relaxed),
            syncs: self.shared.syncs.load(Ordering::Relaxed),
        }
    }

    fn ready(&self) -> Result<(), StoreError> {
        if self.thread.as_ref().is_none_or(JoinHandle::is_finished) {
            return Err(StoreError::Stopped);
        }
        lock(&self.shared.trouble).clone().map_or(Ok(()), Err)
    }
}

impl Drop for PasswdFile {
    fn drop(&mut self) {
        self.sender = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Since 1970.
fn seconds(time: SystemTime) -> i64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).ok();
    since.map_or(0, |since| {
        i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
    })
}

fn read_up_to(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    loop {
        match crate::platform::file::read_at(file, buffer, offset) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::{Accounts, Caller, HashPool, Login, Scheme};
    use crate::protocol::Password;

    const HEX: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    fn name(n: usize) -> UserName {
        UserName::new(format!("user{n}")).unwrap()
    }

    fn with_text(text: &str) -> (tempfile::TempDir, PathBuf, PasswdFile) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("passwd");
        std::fs::write(&path, text).unwrap();
        let (store, _) = PasswdFile::open(&path, &mut |_| {}).unwrap();
        (directory, path, store)
    }

    #[cfg(unix)]
    #[test]
    fn a_file_written_by_hand_gets_a_commit_line_and_is_not_written_again() {
        use std::os::unix::fs::MetadataExt;
        let lines = format!("user1:{HEX}\nuser2:{HEX}");
        let (_directory, path, store) = with_text(&lines);
        let inode = path.metadata().unwrap().ino();
        drop(store);
        let lines = lines + "\n";
        let crc = crc32fast::hash(lines.as_bytes());
        let text = format!("{lines}:c 0 {crc:08x}\n");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        assert_eq!(path.metadata().unwrap().ino(), inode);
        let (store, report) = PasswdFile::open(&path, &mut |_| {}).unwrap();
        assert!(!report.edited);
        drop(store);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    }

    #[tokio::test]
    async fn a_line_in_memory_reads_as_one_from_the_disk() {
        let lines: Vec<String> = (0..300).map(|n| format!("user{n}:{HEX}\n")).collect();
        let (_directory, _, store) = with_text(&lines.concat());
        for n in [0, 1, 60, 299] {
            let name = name(n);
            let places = store.shared.places(&name);
            let (_, waited) = store.shared.read(&name, &places).unwrap().unwrap();
            // Not every file system can tell what is in memory.
            if let Some(found) = store.shared.read_at_hand(&name, &places) {
                assert_eq!(found.unwrap().hash, waited.hash);
            }
            assert_eq!(store.find(&name).await.unwrap().unwrap().hash, waited.hash);
        }
    }

    #[tokio::test]
    async fn that_a_name_is_taken_is_told_without_reading_the_file() {
        let (_directory, _, store) = with_text(&format!("user1:{HEX}\n"));
        store.shared.current().file.set_len(0).unwrap();
        assert!(store.find(&name(1)).await.is_err());
        assert!(store.is_taken(&name(1)).await.unwrap());
    }

    #[tokio::test]
    async fn registrations_that_come_together_share_a_sync() {
        let (_directory, path, store) = with_text("");
        let store = Arc::new(store);
        let tasks: Vec<_> = (0..64)
            .map(|n| {
                let store = Arc::clone(&store);
                tokio::spawn(async move {
                    let arriving = store.announce();
                    let added = store.add(name(n), HEX.into()).await.unwrap();
                    drop(arriving);
                    added
                })
            })
            .collect();
        for task in tasks {
            assert!(task.await.unwrap());
        }
        let counts = store.counts();
        assert_eq!((counts.stored, counts.users), (64, 64));
        assert!(counts.syncs <= 32, "{} syncs for 64 users", counts.syncs);
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text.matches(HEX).count(), 64);
    }

    #[tokio::test]
    async fn one_name_twice_in_one_batch() {
        let (_directory, _, store) = with_text("");
        let (one, two) = tokio::join!(
            store.add(name(1), HEX.into()),
            store.add(name(1), HEX.into())
        );
        assert_eq!((one.unwrap(), two.unwrap()), (true, false));
        assert_eq!(store.counts().users, 1);
        assert!(store.is_taken(&name(1)).await.unwrap());
        assert!(!store.is_taken(&name(2)).await.unwrap());
    }

    #[tokio::test]
    async fn a_hash_is_replaced_by_whoever_saw_the_last_one() {
        let (_directory, path, store) = with_text(&format!("user1:{HEX}\nuser2:{HEX}\n"));
        let seen = store.find(&name(1)).await.unwrap().unwrap().version;
        let other = HEX.to_uppercase();
        assert!(store.replace(name(1), seen, other.clone()).await.unwrap());
        // Whoever looked the user up before comes too late.
        assert!(!store.replace(name(1), seen, HEX.into()).await.unwrap());
        let now = store.find(&name(1)).await.unwrap().unwrap().version;
        assert_ne!(now, seen);
        // A store that is closed in order leaves plain lines.
        drop(store);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(
            text.starts_with(&format!("user2:{HEX}\nuser1:{other}\n:c 0 ")),
            "{text}"
        );
    }

    #[tokio::test]
    async fn a_line_that_changed_under_the_store_is_that_users_fault() {
        let lines: Vec<String> = (1..=3).map(|n| format!("user{n}:{HEX}\n")).collect();
        let (_directory, path, store) = with_text(&lines.concat());
        let text = std::fs::read_to_string(&path).unwrap();
        let text = text.replacen("user1:ba78", "user1:ba7x", 1);
        std::fs::write(&path, text.replacen("user2:", "userX:", 1)).unwrap();
        let error = store.find(&name(2)).await.unwrap_err();
        assert!(matches!(error, StoreError::Corrupt(_)), "{error}");
        assert!(store.find(&name(4)).await.unwrap().is_none());
        let scheme = Scheme::Pbkdf2Sha256 { rounds: 1000 };
        let pool = Arc::new(HashPool::start(scheme, 1, 8).unwrap());
        let accounts = Accounts::new(Arc::new(store), pool, false);
        let log_in = async |n| {
            // Of which the hash is one.
            let password = Password::new("abc").unwrap();
            accounts
                .log_in(&name(n), password, Caller::operator())
                .await
        };
        let error = log_in(1).await.unwrap_err().to_string();
        assert!(!error.contains("78"), "no part of a hash: {error}");
        assert!(log_in(2).await.is_err());
        assert!(matches!(log_in(3).await, Ok(Login::Successful { .. })));
    }
}
