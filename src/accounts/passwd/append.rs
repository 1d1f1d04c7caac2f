//! Appends lines to the passwd file: each time with a commit line after them and one sync. If that fails, restores
//! the file.

use std::fs::File;
use std::io;
use std::sync::Arc;

use crc32fast::Hasher as Crc;

use super::line::Commit;
use crate::platform::file::write_all_at;

/// Bytes that no commit line covers.
#[derive(Debug, Clone, Default)]
pub struct Uncommitted {
    /// The first of them, counted from the start of the file.
    pub start: u64,
    /// Their CRC-32.
    pub crc: Crc,
}

impl Uncommitted {
    /// None: a commit line ends there.
    #[must_use]
    pub fn after(start: u64) -> Self {
        Self {
            start,
            crc: Crc::new(),
        }
    }

    /// What a commit line for them says.
    #[must_use]
    pub fn commit(&self) -> Commit {
        Commit {
            offset: self.start,
            crc: self.crc.clone().finalize(),
        }
    }
}

/// Why lines were not added.
#[derive(Debug)]
pub struct AppendError {
    /// What was being done.
    pub doing: &'static str,
    /// What went wrong.
    pub source: io::Error,
    /// Whether it is certain, on disk, that nothing of them is left. If not, they may be there after the next start.
    pub undone: bool,
}

/// The end of the file, where lines are added.
#[derive(Debug)]
pub struct Appender {
    file: Arc<File>,
    /// Bytes that are on disk; the next line is written behind them.
    len: u64,
    uncommitted: Uncommitted,
    /// Whether a failed write may have left something after `len`.
    dirty: bool,
}

impl Appender {
    /// Adds behind the first `len` bytes of `file`, which end in a line break and are on disk.
    pub const fn new(file: Arc<File>, len: u64, uncommitted: Uncommitted) -> Self {
        Self {
            file,
            len,
            uncommitted,
            dirty: false,
        }
    }

    /// Bytes that are on disk.
    pub const fn len(&self) -> u64 {
        self.len
    }

    /// The file.
    pub fn file(&self) -> &Arc<File> {
        &self.file
    }

    /// Whether a failed write may have left something.
    pub const fn is_dirty(&self) -> bool {
        self.dirty
    }

    /// Puts a commit line on disk if lines have none.
    pub fn cover(&mut self) -> Result<(), AppendError> {
        if self.len == self.uncommitted.start {
            return Ok(());
        }
        self.append(Vec::new())
    }

    /// Puts `lines`, each with its line break, and a commit line on disk.
    pub fn append(&mut self, mut lines: Vec<u8>) -> Result<(), AppendError> {
        let mut covered = self.uncommitted.clone();
        covered.crc.update(&lines);
        covered.commit().write(&mut lines);
        self.dirty = true;
        let result = match write_all_at(&self.file, &lines, self.len) {
            Ok(()) => self.file.sync_data().map_err(|error| ("sync", error)),
            Err(error) => Err(("write to", error)),
        };
        match result {
            Ok(()) => {
                self.dirty = false;
                self.len += lines.len() as u64;
                self.uncommitted = Uncommitted::after(self.len);
                Ok(())
            }
            // After a failed sync the system may consider the blocks written. They are given up, not synced again.
            Err((doing, source)) => Err(AppendError {
                doing,
                source,
                undone: self.cut_back().is_ok(),
            }),
        }
    }

    /// Removes, on disk, what a failed write left.
    pub fn cut_back(&mut self) -> io::Result<()> {
        if self.dirty {
            self.file.set_len(self.len)?;
            self.file.sync_data()?;
            self.dirty = false;
        }
        Ok(())
    }
}
