//! The passwd file while a server runs: finding users, and handing changes to the one writer.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock, mpsc};
use std::thread::JoinHandle;

use tokio::sync::oneshot;

use super::hash::Stored;
use super::index::Index;
use super::line::{MAX_LINE, parse_user};
use super::load::{Progress, Tail, load, name_at};
use super::open::{OpenError, Passwd};
use super::writer::{Write, Writer};
use crate::protocol::UserName;

/// Why a change could not be put on disk. The file is as it was, or is made so before the next
/// change.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// The system said no.
    #[error("cannot {doing} \"{}\": {source}", path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// To what.
        path: PathBuf,
        /// What went wrong.
        source: Arc<io::Error>,
    },
    /// The path names another file now, or none.
    #[error("\"{}\" was removed or replaced while it was in use; put the file back, or restart the server to use what is there now", path.display())]
    Replaced {
        /// The path.
        path: PathBuf,
    },
    /// Its size is not what the writer left.
    #[error("\"{}\" was changed by another program while it was in use: it has {found} octets, expected {expected}; restart the server to use it as it is now", path.display())]
    Changed {
        /// The path.
        path: PathBuf,
        /// Octets in the file.
        found: u64,
        /// Octets that should be there.
        expected: u64,
    },
    /// The writer is gone.
    #[error("the writer of the passwd file has stopped")]
    Stopped,
}

/// What was found and mended when the file was opened.
#[derive(Debug, Clone)]
pub struct OpenReport {
    /// The path without symbolic links.
    pub path: PathBuf,
    /// Users in the file.
    pub users: usize,
    /// Whether the file was made just now.
    pub created: bool,
    /// What followed the last line break: ended with a line break where it was whole, cut off
    /// otherwise.
    pub tail: Option<Tail>,
    /// Replacements that were finished.
    pub finished: usize,
    /// The file's permission bits.
    pub mode: u32,
    /// Octets of memory that the index takes.
    pub index_octets: usize,
}

/// A user found in the file.
#[derive(Debug, Clone)]
pub struct Found {
    /// The hash.
    pub stored: Stored,
    /// Where the name stands.
    pub offset: u64,
}

/// What the store has done since it was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreCounts {
    /// Registrations put on disk.
    pub stored: u64,
    /// Hashes replaced.
    pub replaced: u64,
    /// Times that the file was synced for registrations.
    pub syncs: u64,
}

/// What finding and writing share.
pub(super) struct Shared {
    pub file: File,
    pub path: PathBuf,
    pub index: RwLock<Index>,
    /// Registrations that are on their way to the writer or with it.
    pub arriving: AtomicUsize,
    pub stored: AtomicU64,
    pub replaced: AtomicU64,
    pub syncs: AtomicU64,
}

impl Shared {
    /// Where the line of `name` is.
    pub fn locate(&self, name: &UserName) -> io::Result<Option<u64>> {
        let candidates = self
            .index
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .candidates(name);
        name_at(&self.file, name, &candidates)
    }
}

/// The passwd file, open and locked, with its writer's thread.
pub struct Store {
    shared: Arc<Shared>,
    /// `None` only while the store is being dropped.
    sender: Option<mpsc::Sender<Write>>,
    thread: Option<JoinHandle<()>>,
}

/// Says that a registration is coming, for as long as it lives. The writer waits a moment for
/// those that it knows are coming, so that they share one sync.
pub struct Arriving<'a>(&'a Shared);

impl Drop for Arriving<'_> {
    fn drop(&mut self) {
        self.0.arriving.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Store {
    /// Opens the file at `path`, made where it is missing, and reads all of it. A torn last line
    /// is mended; any other fault is an error, and then nothing has been changed.
    pub fn open(
        path: &Path,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(Self, OpenReport), OpenError> {
        let passwd = Passwd::open(path, true)?;
        let loaded = load(&passwd.file, &passwd.path, progress, &mut Err)?;
        let metadata = passwd
            .file
            .metadata()
            .map_err(OpenError::io("examine", path))?;
        let mut report = OpenReport {
            path: passwd.path.clone(),
            users: loaded.index.len(),
            created: passwd.created,
            tail: loaded.tail.clone(),
            finished: loaded.pending.len(),
            mode: metadata.permissions().mode() & 0o7777,
            index_octets: loaded.index.allocation(),
        };
        let mut len = loaded.len;
        let mut index = loaded.index;
        if let Some(tail) = loaded.tail {
            len = mend(&passwd, &mut index, len, &tail)?;
            report.users = index.len();
        }
        let shared = Arc::new(Shared {
            file: passwd.file,
            path: passwd.path,
            index: RwLock::new(index),
            arriving: AtomicUsize::new(0),
            stored: AtomicU64::new(0),
            replaced: AtomicU64::new(0),
            syncs: AtomicU64::new(0),
        });
        let (sender, receiver) = mpsc::channel();
        let writer = Writer::new(Arc::clone(&shared), len);
        writer
            .finish(&loaded.pending)
            .map_err(OpenError::io("finish a replacement in", path))?;
        let thread = std::thread::Builder::new()
            .name("passwd-writer".into())
            .spawn(move || writer.run(&receiver))
            .map_err(OpenError::io("start the writer of", path))?;
        let store = Self {
            shared,
            sender: Some(sender),
            thread: Some(thread),
        };
        Ok((store, report))
    }

    /// Looks a user up. Reads one line, as a rule from the page cache.
    pub fn find(&self, name: &UserName) -> io::Result<Option<Found>> {
        let candidates = || {
            let index = self.shared.index.read();
            let index = index.unwrap_or_else(PoisonError::into_inner);
            index.candidates(name)
        };
        let mut places = candidates();
        loop {
            for offset in &places {
                if let Some(stored) = self.read_user(name, *offset)? {
                    let offset = *offset;
                    return Ok(Some(Found { stored, offset }));
                }
            }
            // A hash that was replaced in between has moved; then the index knows where to.
            let again = candidates();
            if again == places {
                return Ok(None);
            }
            places = again;
        }
    }

    /// The hash of `name`, if its line starts at `offset`.
    fn read_user(&self, name: &UserName, offset: u64) -> io::Result<Option<Stored>> {
        let mut line = [0; MAX_LINE + 1];
        let read = read_up_to(&self.shared.file, &mut line, offset)?;
        let line = &line[..memchr::memchr(b'\n', &line[..read]).unwrap_or(read)];
        let rest = line.strip_prefix(name.as_str().as_bytes());
        if rest.is_none_or(|rest| rest.first() != Some(&b':')) {
            return Ok(None);
        }
        let user = parse_user(line).map_err(|reason| {
            let path = self.shared.path.display();
            let text = format!("the line of user \"{name}\" in \"{path}\" has changed: {reason}");
            io::Error::new(io::ErrorKind::InvalidData, text)
        })?;
        Ok(Some(user.1))
    }

    /// Says that [`add`](Self::add) will be called soon.
    #[must_use]
    pub fn announce(&self) -> Arriving<'_> {
        self.shared.arriving.fetch_add(1, Ordering::Relaxed);
        Arriving(&self.shared)
    }

    /// Puts a user on disk. False where the name is taken. True is said when it is on disk.
    pub async fn add(&self, name: UserName, hash: String) -> Result<bool, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.send(Write::Add { name, hash, reply })?;
        answer.await.unwrap_or(Err(StoreError::Stopped))
    }

    /// Puts `hash` in the place of the one that was found at `offset`, on disk. False where
    /// another change came first.
    pub async fn replace(
        &self,
        name: UserName,
        offset: u64,
        hash: String,
    ) -> Result<bool, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.send(Write::Replace {
            name,
            offset,
            hash,
            reply,
        })?;
        answer.await.unwrap_or(Err(StoreError::Stopped))
    }

    // The channel has no bound of its own: each sender waits for its answer, so it holds at most
    // one change for each connection.
    fn send(&self, write: Write) -> Result<(), StoreError> {
        let sender = self.sender.as_ref().ok_or(StoreError::Stopped)?;
        sender.send(write).map_err(|_| StoreError::Stopped)
    }

    /// Users in the file.
    #[must_use]
    pub fn users(&self) -> usize {
        let index = self.shared.index.read();
        index.unwrap_or_else(PoisonError::into_inner).len()
    }

    /// What has been done so far.
    #[must_use]
    pub fn counts(&self) -> StoreCounts {
        StoreCounts {
            stored: self.shared.stored.load(Ordering::Relaxed),
            replaced: self.shared.replaced.load(Ordering::Relaxed),
            syncs: self.shared.syncs.load(Ordering::Relaxed),
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.sender = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Cuts a torn last line off, or ends a whole one with its line break. Returns the file's length.
fn mend(passwd: &Passwd, index: &mut Index, len: u64, tail: &Tail) -> Result<u64, OpenError> {
    let file = &passwd.file;
    let mended = match (&tail.name, tail.whole) {
        (Some(name), true) => {
            index.insert(name, len);
            file.write_all_at(b"\n", len + tail.len)
                .map(|()| len + tail.len + 1)
        }
        _ => file.set_len(len).map(|()| len),
    };
    let len = mended.map_err(OpenError::io("mend the last line of", &passwd.path))?;
    file.sync_data()
        .map_err(OpenError::io("sync", &passwd.path))?;
    Ok(len)
}

fn read_up_to(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    loop {
        match file.read_at(buffer, offset) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    fn name(n: usize) -> UserName {
        UserName::new(format!("user{n}")).unwrap()
    }

    #[tokio::test]
    async fn registrations_that_come_together_share_a_sync() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("passwd");
        let (store, _) = Store::open(&path, &mut |_| {}).unwrap();
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
        assert_eq!(counts.stored, 64);
        assert!(counts.syncs <= 32, "{} syncs for 64 users", counts.syncs);
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), 64);
    }

    #[tokio::test]
    async fn one_name_twice_in_one_batch() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("passwd");
        let (store, _) = Store::open(&path, &mut |_| {}).unwrap();
        let (one, two) = tokio::join!(
            store.add(name(1), HEX.into()),
            store.add(name(1), HEX.into())
        );
        assert_eq!((one.unwrap(), two.unwrap()), (true, false));
        assert_eq!(store.users(), 1);
    }

    #[tokio::test]
    async fn a_replacement_leaves_plain_lines() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("passwd");
        std::fs::write(&path, format!("user1:{HEX}\nuser2:{HEX}\n")).unwrap();
        let (store, _) = Store::open(&path, &mut |_| {}).unwrap();
        let found = store.find(&name(1)).unwrap().unwrap();
        let other = HEX.to_uppercase();
        let replaced = store.replace(name(1), found.offset, other.clone()).await;
        assert!(replaced.unwrap());
        // Whoever looked the user up before comes too late.
        let late = store.replace(name(1), found.offset, HEX.into()).await;
        assert!(!late.unwrap());
        let dead = ":".repeat("user1:".len() + HEX.len());
        assert_eq!(
            std::fs::read_to_string(&path).unwrap(),
            format!("{dead}\nuser2:{HEX}\n:\nuser1:{other}\n")
        );
        assert_eq!(
            store.find(&name(1)).unwrap().unwrap().stored.scheme_name(),
            "plain SHA-256"
        );
    }
}
