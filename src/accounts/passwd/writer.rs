//! The only writer of the passwd file: a thread that takes changes as they arrive, writes all that wait with one
//! sync, and then answers them. Between changes it removes what a failed write left, and compacts the file when
//! hashes were replaced.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::append::{Appender, Uncommitted};
use super::compact::{self, Compacted, compact};
use super::line::{write_replacement, write_user};
use super::open::{PasswdError, Place, sync_directory};
use super::report::log_not_compacted;
use super::{Current, Shared};
use crate::accounts::meters;
use crate::accounts::store::{StoreError, Version};
use crate::locks::{lock, write};
use crate::protocol::UserName;

/// Most changes that share one sync.
pub const MAX_BATCH: usize = 1024;

/// The writer waits until one in this many of the registrations that are known to be coming has arrived. That adds at
/// most an eighth to the time that each waits for its hash, and saves the disk a sync for each. With fewer than twice
/// as many it does not wait at all.
const SHARE: usize = 8;
/// However long hashing takes, it waits no longer than this.
const GATHER: Duration = Duration::from_millis(250);

/// The least time that a replaced hash stays in the file, so that hashes replaced shortly after it disappear with it.
const COMPACT_AFTER: Duration = Duration::from_secs(1);
/// The next compaction comes this many times its duration after the last, so that compaction takes at most a
/// hundredth of the writer's time.
const COMPACT_SHARE: u32 = 100;
/// When a failed compaction is tried again.
const COMPACT_AGAIN: Duration = Duration::from_mins(10);
/// When removing the remains of a failed write is tried again, if that failed too.
const CUT_AGAIN: Duration = Duration::from_secs(1);

pub type Reply = oneshot::Sender<Result<bool, StoreError>>;

/// A change to the file.
pub enum Change {
    /// A registration.
    Add {
        name: UserName,
        hash: String,
        reply: Reply,
    },
    /// Another hash for a user.
    Replace {
        name: UserName,
        version: Version,
        hash: String,
        reply: Reply,
    },
    /// Removes a user: the file is written again without that user.
    Remove { name: UserName, reply: Reply },
}

impl Change {
    const fn name(&self) -> &UserName {
        let (Self::Add { name, .. } | Self::Replace { name, .. } | Self::Remove { name, .. }) =
            self;
        name
    }

    const fn is_removal(&self) -> bool {
        matches!(self, Self::Remove { .. })
    }

    fn answer(self, result: Result<bool, StoreError>) {
        let (Self::Add { reply, .. } | Self::Replace { reply, .. } | Self::Remove { reply, .. }) =
            self;
        // The caller may be gone; the change is kept nevertheless.
        let _ = reply.send(result);
    }
}

/// Changes that are written at once.
#[derive(Default)]
struct Batch {
    lines: Vec<u8>,
    names: HashSet<UserName>,
    /// The position of each new user.
    added: Vec<(UserName, u64)>,
    /// The old and the new position of each user with another hash.
    replaced: Vec<(UserName, u64, u64)>,
    accepted: Vec<Change>,
    /// Changes that must follow another one in this batch.
    late: Vec<Change>,
}

pub struct Writer {
    shared: Arc<Shared>,
    appender: Appender,
    place: Place,
    /// Whether a compaction may be lost when the machine stops.
    unsynced_rename: bool,
    /// When the file is to be compacted; `None` while it contains no replaced hash.
    compact_at: Option<Instant>,
    /// No compaction before that.
    compact_from: Instant,
    /// Whether the last compaction failed, which has been logged.
    compact_failed: bool,
}

impl Writer {
    pub fn new(shared: Arc<Shared>, appender: Appender, place: Place) -> Self {
        Self {
            shared,
            appender,
            place,
            unsynced_rename: false,
            compact_at: None,
            compact_from: Instant::now(),
            compact_failed: false,
        }
    }

    /// Tries a compaction again that could not be done at the start.
    pub fn compact_later(&mut self) {
        self.compact_failed = true;
        self.compact_at = Some(Instant::now() + COMPACT_AGAIN);
    }

    /// Works until every sender is gone.
    pub fn run(mut self, changes: &Receiver<Change>) {
        loop {
            let first = match self.wakes_in() {
                Some(time) => changes.recv_timeout(time),
                None => changes.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            match first {
                Ok(first) => {
                    let batch = self.gather(first, changes);
                    self.commit(batch);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            self.tidy(Instant::now());
        }
        if self.compact_at.is_some() && !self.compact_failed {
            self.compact();
        }
    }

    /// Time until there is work even without changes.
    fn wakes_in(&self) -> Option<Duration> {
        let compact = self
            .compact_at
            .map(|at| at.saturating_duration_since(Instant::now()));
        let cut = self.appender.is_dirty().then_some(CUT_AGAIN);
        compact.into_iter().chain(cut).min()
    }

    /// Takes all waiting changes, and waits a moment if many more are known to be coming.
    fn gather(&self, first: Change, changes: &Receiver<Change>) -> Vec<Change> {
        let deadline = Instant::now() + GATHER;
        let mut batch = vec![first];
        while batch.len() < MAX_BATCH {
            batch.extend(changes.try_iter().take(MAX_BATCH - batch.len()));
            let arriving = self.shared.arriving.load(Ordering::Relaxed);
            if batch.len() >= arriving / SHARE {
                break;
            }
            match changes.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(change) => batch.push(change),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
            }
        }
        batch
    }

    /// Stores changes and answers them; removals come last.
    pub fn commit(&mut self, mut changes: Vec<Change>) {
        let removals: Vec<Change> = changes
            .extract_if(.., |change| change.is_removal())
            .collect();
        if !changes.is_empty() {
            self.append(changes);
        }
        for removal in removals {
            let removed = self.remove(removal.name());
            if let Err(error) = &removed {
                tracing::error!(%error, "could not remove a user");
            }
            removal.answer(removed);
        }
    }

    /// Writes the file again without a user.
    fn remove(&mut self, name: &UserName) -> Result<bool, StoreError> {
        let unavailable = |error: PasswdError| StoreError::Unavailable(Arc::new(error));
        self.prepare().map_err(unavailable)?;
        if !self.shared.current().index.probably_has(name.as_str()) {
            return Ok(false);
        }
        let started = Instant::now();
        let without = self.written_anew(compact::Change::Remove(name));
        let users = self.shared.current().index.len();
        let renamed = self.put_in_place(without.map_err(unavailable)?, started);
        let now = self.shared.current().index.len();
        meters::stored(0, 0, now);
        renamed.map_err(|error| StoreError::OutcomeUnknown(Arc::new(error)))?;
        Ok(now < users)
    }

    fn append(&mut self, changes: Vec<Change>) {
        if let Err(error) = self.prepare() {
            return self.refuse(changes, &StoreError::Unavailable(Arc::new(error)));
        }
        let mut batch = Batch::default();
        for change in changes {
            self.take(change, &mut batch);
        }
        if batch.accepted.is_empty() {
            return;
        }
        if let Err(error) = self.write(std::mem::take(&mut batch.lines)) {
            self.refuse(batch.accepted, &error);
            return self.refuse(batch.late, &error);
        }
        let users = {
            let index = &mut write(&self.shared.current).index;
            for (name, place) in &batch.added {
                index.insert(name.as_str(), *place);
            }
            for (name, old, new) in &batch.replaced {
                index.repoint(name.as_str(), *old, *new);
            }
            index.len()
        };
        let (added, replaced) = (batch.added.len(), batch.replaced.len());
        meters::stored(added, replaced, users);
        let shared = &self.shared;
        shared.stored.fetch_add(added as u64, Ordering::Relaxed);
        shared
            .replaced
            .fetch_add(replaced as u64, Ordering::Relaxed);
        self.set_trouble(None);
        for change in batch.accepted {
            change.answer(Ok(true));
        }
        for change in batch.late {
            change.answer(Ok(false));
        }
        if replaced > 0 && self.compact_at.is_none() {
            let soon = Instant::now() + COMPACT_AFTER;
            self.compact_at = Some(soon.max(self.compact_from));
        }
    }

    /// Makes sure that the file is the one that the path names and ends where it should.
    fn prepare(&mut self) -> Result<(), PasswdError> {
        let path = &self.shared.path;
        let file = self.appender.file();
        let named = self.place.names(file);
        if !named.map_err(PasswdError::io("examine", path))? {
            return Err(PasswdError::Replaced { path: path.clone() });
        }
        if self.unsynced_rename {
            sync_directory(path)?;
            self.unsynced_rename = false;
        }
        self.appender
            .cut_back()
            .map_err(PasswdError::io("restore the end of", path))?;
        let metadata = self.appender.file().metadata();
        let found = metadata.map_err(PasswdError::io("examine", path))?.len();
        let expected = self.appender.len();
        if found != expected {
            return Err(PasswdError::Changed {
                path: path.clone(),
                found,
                expected,
            });
        }
        Ok(())
    }

    /// Adds `change` to the batch, or answers it if the name is taken, the hash is not the one that was seen, or the
    /// user cannot be read.
    fn take(&self, change: Change, batch: &mut Batch) {
        let name = change.name().clone();
        if batch.names.contains(&name) {
            return batch.late.push(change);
        }
        let end = self.appender.len() + batch.lines.len() as u64;
        match &change {
            Change::Add { hash, .. } => {
                if self.shared.current().index.probably_has(name.as_str()) {
                    return change.answer(Ok(false));
                }
                write_user(&mut batch.lines, &name, hash);
                batch.added.push((name.clone(), end));
            }
            Change::Replace { version, hash, .. } => match self.shared.find(&name) {
                Ok(Some((old, found))) if found.version == *version => {
                    let start = write_replacement(&mut batch.lines, &name, hash);
                    let new = end + start as u64;
                    batch.replaced.push((name.clone(), old, new));
                }
                Ok(_) => return change.answer(Ok(false)),
                Err(error) => return change.answer(Err(error)),
            },
            // Nothing is appended for it.
            Change::Remove { .. } => return change.answer(Ok(false)),
        }
        batch.names.insert(name);
        batch.accepted.push(change);
    }

    fn write(&mut self, lines: Vec<u8>) -> Result<(), StoreError> {
        let started = Instant::now();
        self.shared.syncs.fetch_add(1, Ordering::Relaxed);
        let appended = self.appender.append(lines);
        appended.map_err(|error| {
            let undone = error.undone;
            let error = PasswdError::io(error.doing, &self.shared.path)(error.source);
            if undone {
                StoreError::Unavailable(Arc::new(error))
            } else {
                StoreError::OutcomeUnknown(Arc::new(error))
            }
        })?;
        meters::synced(started.elapsed());
        Ok(())
    }

    fn refuse(&self, changes: Vec<Change>, error: &StoreError) {
        if changes.is_empty() {
            return;
        }
        meters::failed(changes.len());
        tracing::error!(changes = changes.len(), %error, "could not store");
        self.set_trouble(Some(error.clone()));
        for change in changes {
            change.answer(Err(error.clone()));
        }
    }

    fn set_trouble(&self, trouble: Option<StoreError>) {
        *lock(&self.shared.trouble) = trouble;
    }

    /// Work between changes.
    fn tidy(&mut self, now: Instant) {
        // Where it is gone or replaced, that is told with the next change.
        if self.appender.is_dirty() && self.prepare().is_ok() {
            tracing::info!(path = %self.path(), "removed what a failed write had left");
        }
        if self.compact_at.is_some_and(|at| now >= at) {
            self.compact();
        }
    }

    fn path(&self) -> std::path::Display<'_> {
        self.shared.path.display()
    }

    /// Compacts the file, so that replaced hashes disappear. Logins continue meanwhile; changes wait.
    pub fn compact(&mut self) {
        let started = Instant::now();
        let compacted = self.prepare();
        let compacted = compacted.and_then(|()| self.written_anew(compact::Change::Nothing));
        match compacted {
            Ok(compacted) => {
                // Where it may be lost when the machine stops, that is mended with the next change.
                let _ = self.put_in_place(compacted, started);
                let octets = self.appender.len();
                tracing::debug!(path = %self.path(), octets, "wrote the passwd file anew");
            }
            Err(error) => {
                if !self.compact_failed {
                    log_not_compacted(&error);
                }
                self.compact_failed = true;
                self.compact_at = Some(Instant::now() + COMPACT_AGAIN);
            }
        }
    }

    fn written_anew(&self, change: compact::Change<'_>) -> Result<Compacted, PasswdError> {
        let current = self.shared.current();
        compact(&current.file, &self.place, &current.index, change)
    }

    /// Continues with the new file; an error if its name may not be on disk.
    fn put_in_place(&mut self, compacted: Compacted, started: Instant) -> Result<(), PasswdError> {
        self.unsynced_rename = compacted.renamed.is_err();
        let file = Arc::new(compacted.file);
        let len = compacted.len;
        self.appender = Appender::new(Arc::clone(&file), len, Uncommitted::after(len));
        let index = compacted.index;
        *write(&self.shared.current) = Current { file, index };
        self.compact_at = None;
        self.compact_from = Instant::now() + started.elapsed() * COMPACT_SHARE;
        self.compact_failed = false;
        compacted.renamed
    }
}
