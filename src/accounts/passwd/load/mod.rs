//! Loads the passwd file: every line checked, the index built, and the end of what was
//! written whole told from what an interrupted write left. Changes nothing.
//!
//! What is written at once ends in a commit line, and is synced before anything else is written.
//! What an interrupted write can leave ([`tail`]) is cut off when a server starts. Any other line
//! that is not right stops the start. A commit line that does not match the bytes before it was left
//! by somebody who edited the file; then each line is judged by itself, as in a file without commit
//! lines.

mod earlier;
mod tail;

use std::fs::File;
use std::io;
use std::path::Path;

use crc32fast::Hasher as Crc;

use super::append::Uncommitted;
use super::index::{Candidates, Index};
use super::line::{Commit, Line, LineError, MAX_LINE, Named};
use super::open::PasswdError;
use super::scan::{Progress, RawLine, line_number, scan};
use crate::platform::file::read_exact_at;
use crate::protocol::layout::USER_NAME;
use earlier::{Doubt, Earlier};
use tail::{End, is_torn, parse};

pub use tail::Torn;

/// Bytes in a line with an Argon2id hash and a name of usual length; for a first guess at the
/// number of lines.
const USUAL_LINE: u64 = 110;

/// Bytes of which the CRC is computed at once.
const MUCH: usize = 1 << 14;

/// Most bytes in a user name and the `:` after it.
const NAME_AND_COLON: usize = USER_NAME.width + 1;

/// The content of the file.
pub struct Loaded {
    /// The position of each user's name, on the line that counts.
    pub index: Index,
    /// Bytes that count: all but a torn end.
    pub len: u64,
    /// The number of the last line, where it is whole and only its line break is missing.
    pub unended: Option<u64>,
    /// Bytes that no valid commit line covers.
    pub uncommitted: Uncommitted,
    /// What an interrupted write left.
    pub torn: Option<Torn>,
    /// Lines of users whose hash was replaced.
    pub replaced: u64,
    /// Lines out of use.
    pub unused: u64,
    /// Replacements of the earlier format.
    pub pending: u64,
    /// Commit lines that are right.
    pub commits: u64,
    /// Whether a commit line does not match the bytes before it.
    pub edited: bool,
}

impl Loaded {
    /// Whether compaction would remove enough from the file.
    #[must_use]
    pub fn is_worth_compacting(&self) -> bool {
        let users = self.index.len() as u64;
        self.replaced + self.unused + self.pending > 0
            || self.edited
            || self.commits > 1 + users / 4
    }
}

/// Handles a bad line: an error ends the loading.
pub type OnFault<'a> = dyn FnMut(PasswdError) -> Result<(), PasswdError> + 'a;

/// Reads the file from start to end. `on_fault` receives each bad line and decides whether to continue.
pub fn load(
    file: &File,
    path: &Path,
    progress: &mut dyn FnMut(Progress),
    on_fault: &mut OnFault<'_>,
) -> Result<Loaded, PasswdError> {
    let metadata = file.metadata().map_err(PasswdError::io("examine", path))?;
    let mut loader = Loader::new(file, path, metadata.len(), on_fault);
    scan(file, path, progress, &mut |line| loader.take(line))?;
    if let Some(line) = loader.end.as_ref().and_then(End::fault) {
        // Each of its lines is a bad one. Those before it have been judged.
        let mut strict = Loader::new(file, path, metadata.len(), on_fault);
        strict.strict_from = Some(line);
        scan(file, path, progress, &mut |line| strict.take(line))?;
        return strict.finish();
    }
    loader.finish()
}

struct Loader<'a, 'f> {
    file: &'a File,
    path: &'a Path,
    on_fault: &'a mut OnFault<'f>,
    loaded: Loaded,
    /// The CRC of all bytes before `uncommitted.start`.
    committed: Crc,
    /// Lines of which `loaded.uncommitted` does not know yet: the CRC of many at once costs a tenth.
    uncovered: Vec<u8>,
    /// Whether every commit line so far is right, or one behind it covers what it does not.
    intact: bool,
    /// Replacements of the earlier format, before the first commit line.
    earlier: Earlier,
    /// Whether the line before is `:` alone, which the earlier format left before a replacement
    /// that was put in place.
    after_mark: bool,
    end: Option<End>,
    /// The first line of an end that no interrupted write can have left: from there, torn lines are bad ones, and
    /// faults before it have been reported.
    strict_from: Option<u64>,
}

impl<'a, 'f> Loader<'a, 'f> {
    fn new(file: &'a File, path: &'a Path, len: u64, on_fault: &'a mut OnFault<'f>) -> Self {
        let lines = usize::try_from(len / USUAL_LINE).unwrap_or(0);
        Self {
            file,
            path,
            on_fault,
            loaded: Loaded {
                index: Index::with_capacity(lines),
                len: 0,
                unended: None,
                uncommitted: Uncommitted::default(),
                torn: None,
                replaced: 0,
                unused: 0,
                pending: 0,
                commits: 0,
                edited: false,
            },
            committed: Crc::new(),
            uncovered: Vec::with_capacity(MUCH + MAX_LINE + 2),
            intact: true,
            earlier: Earlier::default(),
            after_mark: false,
            end: None,
            strict_from: None,
        }
    }

    fn take(&mut self, line: RawLine<'_>) -> Result<(), PasswdError> {
        if let Some(end) = &mut self.end {
            end.take(line);
            return Ok(());
        }
        let parsed = parse(line);
        if self.strict_from.is_none() && is_torn(line, &parsed) {
            self.end = Some(End::at(line));
            return Ok(());
        }
        self.loaded.len = line.offset + line.len + u64::from(line.ended);
        self.loaded.unended = (!line.ended).then_some(line.number);
        if let Ok(Line::Commit(commit)) = parsed {
            return self.commit(line, commit);
        }
        self.cover(line.bytes);
        let after_mark = std::mem::replace(&mut self.after_mark, line.bytes == b":");
        match parsed {
            Ok(parsed) => self.add(line, parsed, after_mark),
            Err(reason) => self.fault(line.number, reason),
        }
    }

    /// Adds a line, without its line break, to those that no commit line covers.
    fn cover(&mut self, line: &[u8]) {
        self.uncovered.extend_from_slice(line);
        self.uncovered.push(b'\n');
        if self.uncovered.len() >= MUCH {
            self.settle_cover();
        }
    }

    fn settle_cover(&mut self) {
        self.loaded.uncommitted.crc.update(&self.uncovered);
        self.uncovered.clear();
    }

    fn fault(&mut self, line: u64, reason: LineError) -> Result<(), PasswdError> {
        let path = self.path.into();
        self.tell(line, PasswdError::BadLine { path, line, reason })
    }

    fn tell(&mut self, line: u64, fault: PasswdError) -> Result<(), PasswdError> {
        match self.strict_from {
            Some(first) if line < first => Ok(()),
            _ => (self.on_fault)(fault),
        }
    }

    fn commit(&mut self, line: RawLine<'_>, commit: Commit) -> Result<(), PasswdError> {
        self.settle_earlier()?;
        self.settle_cover();
        let uncommitted = std::mem::take(&mut self.loaded.uncommitted);
        let start = uncommitted.start;
        let since = commit == uncommitted.commit();
        self.committed.combine(&uncommitted.crc);
        let whole = commit.offset == 0 && commit.crc == self.committed.clone().finalize();
        let right = since || whole;
        self.loaded.commits += u64::from(right);
        self.intact = right && (self.intact || whole || start == 0);
        self.committed.update(line.bytes);
        self.committed.update(b"\n");
        self.loaded.uncommitted.start = line.offset + line.len + 1;
        Ok(())
    }

    fn add(
        &mut self,
        line: RawLine<'_>,
        parsed: Line<'_>,
        after_mark: bool,
    ) -> Result<(), PasswdError> {
        let place = line.offset + parsed.start();
        // The earlier format ends at the first commit line.
        let earlier = self.loaded.uncommitted.start == 0;
        match parsed {
            Line::Unused => self.loaded.unused += 1,
            // `commit` has handled it.
            Line::Commit(_) => {}
            Line::User(Named { name, .. }) => {
                let key = self.loaded.index.key(name);
                if !self.loaded.index.insert_first(key, place) {
                    self.add_another(line.number, name, place, earlier && after_mark)?;
                }
            }
            Line::Replacement(Named { name, .. }) => match self.find(name)? {
                Some(old) => self.replace(name, old, place),
                // An administrator removed the user's line by hand.
                None => self.loaded.unused += 1,
            },
            Line::Pending(Named { name, .. }) => {
                match self.find(name)? {
                    Some(old) => self.replace(name, old, place),
                    None => self.loaded.index.insert(name, place),
                }
                self.loaded.pending += 1;
                self.earlier.add(line.number, name, place);
            }
        }
        Ok(())
    }

    /// Adds a user whose name has the key of one before.
    fn add_another(
        &mut self,
        line: u64,
        name: &str,
        place: u64,
        in_place: bool,
    ) -> Result<(), PasswdError> {
        match self.find(name)? {
            None => self.loaded.index.insert(name, place),
            // A machine that stopped may have lost that the replaced line was overwritten.
            Some(old) if in_place => self.replace(name, old, place),
            Some(old) if self.earlier.comes_later(old, line) => {}
            Some(old) => {
                let fault = PasswdError::Duplicate {
                    path: self.path.into(),
                    line,
                    name: name.to_owned(),
                    first: line_number(self.file, self.path, old)?,
                };
                self.tell(line, fault)?;
            }
        }
        Ok(())
    }

    fn replace(&mut self, name: &str, old: u64, new: u64) {
        self.loaded.index.repoint(name, old, new);
        self.loaded.replaced += 1;
    }

    fn find(&self, name: &str) -> Result<Option<u64>, PasswdError> {
        name_at(self.file, name, &self.loaded.index.candidates(name))
            .map_err(PasswdError::io("read", self.path))
    }

    fn settle_earlier(&mut self) -> Result<(), PasswdError> {
        let earlier = std::mem::take(&mut self.earlier);
        for doubt in earlier.doubts(|name| self.find(name))? {
            match doubt {
                Doubt::Ambiguous { line, name, other } => {
                    self.fault(line, LineError::Ambiguous { name, other })?;
                }
                Doubt::Twice { line, name, first } => {
                    let path = self.path.into();
                    let fault = PasswdError::Duplicate {
                        path,
                        line,
                        name,
                        first,
                    };
                    self.tell(line, fault)?;
                }
            }
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Loaded, PasswdError> {
        self.settle_earlier()?;
        self.settle_cover();
        let loaded = &mut self.loaded;
        loaded.torn = self.end.take().map(|end| end.torn);
        loaded.edited = !self.intact;
        if !self.intact {
            // The next commit line covers the file from its start.
            self.committed.combine(&loaded.uncommitted.crc);
            loaded.uncommitted.start = 0;
            loaded.uncommitted.crc = self.committed;
        }
        Ok(self.loaded)
    }
}

/// The one of `candidates` that has `name` and a `:`.
pub fn name_at(file: &File, name: &str, candidates: &Candidates) -> io::Result<Option<u64>> {
    let name = name.as_bytes();
    let mut bytes = [0; NAME_AND_COLON];
    let bytes = &mut bytes[..=name.len()];
    for offset in candidates {
        match read_exact_at(file, bytes, *offset) {
            Ok(()) if bytes.starts_with(name) && bytes.ends_with(b":") => {
                return Ok(Some(*offset));
            }
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests;
