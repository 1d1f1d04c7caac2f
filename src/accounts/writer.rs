//! The one writer of the passwd file: a thread that takes changes as they come, puts as many as
//! wait on disk with one sync, and answers only then.
//!
//! Users are added at the end. A hash is replaced in four steps, each on disk before the next:
//! the replacement is added as a line that is marked as one (`:=name:hash`); the old line's
//! first octet becomes `:`, which puts it out of use; the rest of the old line is overwritten;
//! and the mark's second octet becomes a line break, which leaves `name:hash` on a line of its
//! own. Whenever the machine stops, exactly one of the two counts.

use std::collections::HashSet;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::line::{DEAD, MAX_LINE, PENDING, write_user};
use super::load::Pending;
use super::meters;
use super::open::is_in_place;
use super::store::{Shared, StoreError};
use crate::protocol::UserName;

/// Most changes that share one sync.
const MAX_BATCH: usize = 1024;

/// The writer waits until one in this many of the registrations that are known to be coming is
/// there: that adds an eighth at the most to the time that each waits for its hash, and the disk
/// is spared a sync for each. With fewer than twice as many it does not wait at all.
const SHARE: usize = 8;
/// However long hashing takes, it waits no longer than this.
const GATHER: Duration = Duration::from_millis(250);

type Reply = oneshot::Sender<Result<bool, StoreError>>;

/// A change to the file.
pub(super) enum Write {
    /// A registration.
    Add {
        name: UserName,
        hash: String,
        reply: Reply,
    },
    /// Another hash for the user whose line is at `offset`.
    Replace {
        name: UserName,
        offset: u64,
        hash: String,
        reply: Reply,
    },
}

impl Write {
    fn answer(self, result: Result<bool, StoreError>) {
        let (Self::Add { reply, .. } | Self::Replace { reply, .. }) = self;
        // Whoever asked may be gone; the change stands all the same.
        let _ = reply.send(result);
    }
}

pub(super) struct Writer {
    shared: Arc<Shared>,
    /// Octets in the file that are as they should be; the next line is written there.
    len: u64,
    /// Whether something may stand behind `len` that a failed write left.
    dirty: bool,
}

impl Writer {
    pub fn new(shared: Arc<Shared>, len: u64) -> Self {
        Self {
            shared,
            len,
            dirty: false,
        }
    }

    /// Works until every sender is gone.
    pub fn run(mut self, changes: &Receiver<Write>) {
        while let Ok(first) = changes.recv() {
            let batch = self.gather(first, changes);
            self.commit(batch);
        }
    }

    /// Takes what waits, and waits a moment where many more are known to be coming.
    fn gather(&self, first: Write, changes: &Receiver<Write>) -> Vec<Write> {
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

    fn error(&self, doing: &'static str) -> impl FnOnce(io::Error) -> StoreError {
        let path = self.shared.path.clone();
        move |source| StoreError::Io {
            doing,
            path,
            source: Arc::new(source),
        }
    }

    fn commit(&mut self, batch: Vec<Write>) {
        if let Err(error) = self.prepare() {
            return refuse(batch, &error);
        }
        let mut lines = Vec::new();
        let mut names = HashSet::new();
        let (mut adds, mut replacements, mut accepted) = (Vec::new(), Vec::new(), Vec::new());
        for change in batch {
            match self.add_line(&change, &mut lines, &mut names) {
                Ok(Some(place)) => {
                    match &change {
                        Write::Add { name, .. } => adds.push((name.clone(), place)),
                        Write::Replace { name, offset, .. } => replacements.push(Pending {
                            name: name.clone(),
                            old: Some(*offset),
                            new: place,
                        }),
                    }
                    accepted.push(change);
                }
                Ok(None) => change.answer(Ok(false)),
                Err(error) => refuse(vec![change], &error),
            }
        }
        if accepted.is_empty() {
            return;
        }
        if let Err(error) = self.write(&lines) {
            return refuse(accepted, &error);
        }
        let shared = &self.shared;
        let users = {
            let mut index = shared.index.write().unwrap_or_else(PoisonError::into_inner);
            for (name, place) in &adds {
                index.insert(name, *place);
            }
            for Pending { name, old, new } in &replacements {
                if let Some(old) = old {
                    index.repoint(name, *old, *new);
                }
            }
            index.len()
        };
        meters::stored(adds.len(), replacements.len(), users);
        shared
            .stored
            .fetch_add(adds.len() as u64, Ordering::Relaxed);
        shared
            .replaced
            .fetch_add(replacements.len() as u64, Ordering::Relaxed);
        if let Err(error) = self.finish(&replacements) {
            tracing::warn!(
                path = %shared.path.display(),
                %error,
                "an old hash could not be overwritten; the next start tries again"
            );
        }
        for change in accepted {
            change.answer(Ok(true));
        }
    }

    /// Makes sure that the file is the one that the path names and ends where it should.
    fn prepare(&mut self) -> Result<(), StoreError> {
        let shared = &self.shared;
        if !is_in_place(&shared.file, &shared.path).map_err(self.error("examine"))? {
            return Err(StoreError::Replaced {
                path: shared.path.clone(),
            });
        }
        if self.dirty {
            self.cut_back().map_err(self.error("restore the end of"))?;
        }
        let found = self
            .shared
            .file
            .metadata()
            .map_err(self.error("examine"))?
            .len();
        if found != self.len {
            return Err(StoreError::Changed {
                path: self.shared.path.clone(),
                found,
                expected: self.len,
            });
        }
        Ok(())
    }

    /// Removes what a failed write left.
    fn cut_back(&mut self) -> io::Result<()> {
        self.shared.file.set_len(self.len)?;
        self.shared.file.sync_data()?;
        self.dirty = false;
        Ok(())
    }

    /// Adds the line of `change` to `lines`; returns where its name will stand, or `None` where
    /// the name is taken or the line to be replaced is not there any more.
    fn add_line(
        &self,
        change: &Write,
        lines: &mut Vec<u8>,
        names: &mut HashSet<UserName>,
    ) -> Result<Option<u64>, StoreError> {
        let (Write::Add { name, hash, .. } | Write::Replace { name, hash, .. }) = change;
        if names.contains(name) {
            return Ok(None);
        }
        let stands = self.shared.locate(name).map_err(self.error("read"))?;
        let mut place = self.len + lines.len() as u64;
        match change {
            Write::Add { .. } => {
                if stands.is_some() {
                    return Ok(None);
                }
            }
            Write::Replace { offset, .. } => {
                if stands != Some(*offset) {
                    return Ok(None);
                }
                lines.extend_from_slice(PENDING);
                place += PENDING.len() as u64;
            }
        }
        write_user(lines, name, hash);
        names.insert(name.clone());
        Ok(Some(place))
    }

    /// Puts `lines` at the end of the file, on disk. Where that fails nothing of them is left.
    fn write(&mut self, lines: &[u8]) -> Result<(), StoreError> {
        let started = Instant::now();
        let file = &self.shared.file;
        let written = file
            .write_all_at(lines, self.len)
            .map_err(self.error("write to"));
        let result = written.and_then(|()| {
            self.shared.syncs.fetch_add(1, Ordering::Relaxed);
            file.sync_data().map_err(self.error("sync"))
        });
        match result {
            Ok(()) => {
                meters::synced(started.elapsed());
                self.len += lines.len() as u64;
                Ok(())
            }
            Err(error) => {
                self.dirty = true;
                // Where this fails too, the next change tries again before it writes.
                let _ = self.cut_back();
                Err(error)
            }
        }
    }

    /// Puts replacements whose lines are on disk in place of the lines that they replace.
    pub fn finish(&self, replacements: &[Pending]) -> io::Result<()> {
        if replacements.is_empty() {
            return Ok(());
        }
        let file = &self.shared.file;
        let olds = || replacements.iter().filter_map(|pending| pending.old);
        for old in olds() {
            // The old line may itself be a replacement that was never put in place.
            file.write_all_at(&[DEAD], old)?;
        }
        file.sync_data()?;
        for old in olds() {
            let mut line = [0; MAX_LINE];
            let read = file.read_at(&mut line, old)?;
            let end = memchr::memchr(b'\n', &line[..read]).unwrap_or(read);
            file.write_all_at(&vec![DEAD; end], old)?;
        }
        for pending in replacements {
            file.write_all_at(b"\n", pending.new - 1)?;
        }
        file.sync_data()
    }
}

fn refuse(changes: Vec<Write>, error: &StoreError) {
    meters::failed(changes.len());
    tracing::error!(changes = changes.len(), %error, "could not store");
    for change in changes {
        change.answer(Err(error.clone()));
    }
}
