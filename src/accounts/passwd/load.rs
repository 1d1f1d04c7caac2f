//! What stands in the passwd file: every line checked, the index built, and the end of what was
//! written whole told from what an interrupted write left. Changes nothing.
//!
//! What is written at once ends in a commit line, and is synced before anything else is written.
//! So only what follows the last right commit line can be the rest of an interrupted write, and of
//! that only what has the shape of one: from a line that is torn (it has NULs, which stand where
//! blocks did not reach the disk, or no line break) to the end, with no commit line but at the very
//! end. That is cut off when a server starts. Any other line that is not right stops the start.
//! A commit line that does not fit what stands before it was left by somebody who edited the file;
//! then each line is judged by itself, as in a file without commit lines.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use crc32fast::Hasher as Crc;

use super::append::Uncommitted;
use super::index::{Candidates, Index};
use super::line::{Commit, Line, LineError, name_in};
use super::open::PasswdError;
use super::scan::{Progress, RawLine, line_number, scan};
use super::writer::MAX_BATCH;
use crate::protocol::UserName;
use crate::protocol::layout::USER_NAME;

/// Bytes in a line with an Argon2id hash and a name of usual length; for a first guess at the
/// number of lines.
const USUAL_LINE: u64 = 110;

/// Most bytes in a user name and the `:` after it.
const NAME_AND_COLON: usize = USER_NAME.width + 1;

/// What stands in the file.
pub struct Loaded {
    /// Where each user's name stands on the line that counts.
    pub index: Index,
    /// Bytes that count: all but a torn end.
    pub len: u64,
    /// The number of the last line, where it is whole and only its line break is missing.
    pub unended: Option<u64>,
    /// What no right commit line covers.
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
    /// Whether a commit line does not fit what stands before it.
    pub edited: bool,
}

/// What an interrupted write left at the end of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Torn {
    /// The number of its first line, from 1.
    pub line: u64,
    /// Bytes before it.
    pub offset: u64,
    /// Lines, the last one also where it has no line break.
    pub lines: u64,
    /// Bytes.
    pub octets: u64,
    /// The user name on its first line, where one is whole.
    pub name: Option<UserName>,
}

impl Loaded {
    /// Whether the file would be another one after it is compacted.
    #[must_use]
    pub fn is_worth_compacting(&self) -> bool {
        let users = self.index.len() as u64;
        self.replaced + self.unused + self.pending > 0
            || self.edited
            || self.commits > 1 + users / 4
            || self.len > self.uncommitted.start
    }
}

/// What is done about a bad line: an error ends the loading.
pub type OnFault<'a> = dyn FnMut(PasswdError) -> Result<(), PasswdError> + 'a;

/// Reads the file from start to end. `on_fault` is told each bad line and says whether to go on.
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

/// The end of the file from the first torn line on.
struct End {
    torn: Torn,
    /// Commit lines in it.
    commits: u64,
    /// Whether the last line is a commit line.
    ends_in_commit: bool,
    /// Whether a line in it is neither right nor torn.
    bad: bool,
}

impl End {
    fn at(line: RawLine<'_>) -> Self {
        let name = name_in(line.bytes).and_then(|(_, name)| UserName::new(name).ok());
        Self {
            torn: Torn {
                line: line.number,
                offset: line.offset,
                lines: 1,
                octets: line.len + u64::from(line.ended),
                name,
            },
            commits: 0,
            ends_in_commit: false,
            bad: false,
        }
    }

    fn take(&mut self, line: RawLine<'_>) {
        let parsed = parse(line);
        self.torn.lines += 1;
        self.torn.octets += line.len + u64::from(line.ended);
        self.ends_in_commit = matches!(parsed, Ok(Line::Commit(_)));
        self.commits += u64::from(self.ends_in_commit);
        self.bad |= parsed.is_err() && !is_torn(line, &parsed);
    }

    /// The first line's number, where an interrupted write cannot have left all of it.
    fn fault(&self) -> Option<u64> {
        let interrupted = !self.bad
            && self.torn.lines <= MAX_BATCH as u64 + 1
            && self.commits == u64::from(self.ends_in_commit);
        (!interrupted).then_some(self.torn.line)
    }
}

fn parse(line: RawLine<'_>) -> Result<Line, LineError> {
    match Line::parse(line.bytes) {
        Err(LineError::Nul) => Err(LineError::Nul),
        _ if line.len > line.bytes.len() as u64 => Err(LineError::TooLong),
        parsed => parsed,
    }
}

/// Whether a write that was interrupted can have left the line.
fn is_torn(line: RawLine<'_>, parsed: &Result<Line, LineError>) -> bool {
    match parsed {
        Err(reason) => *reason == LineError::Nul || !line.ended,
        Ok(parsed) => !line.ended && !parsed.is_whole(),
    }
}

struct Loader<'a, 'f> {
    file: &'a File,
    path: &'a Path,
    on_fault: &'a mut OnFault<'f>,
    loaded: Loaded,
    /// The CRC of all bytes before `uncommitted.start`.
    committed: Crc,
    /// Whether every commit line so far is right, or one behind it covers what it does not.
    intact: bool,
    /// Replacements of the earlier format, before the first commit line.
    pending: Vec<Pending>,
    /// Whether the line before is `:` alone, which the earlier format left before a replacement
    /// that was put in place.
    after_mark: bool,
    end: Option<End>,
    /// The first line of an end that no interrupted write left: there, torn lines are bad ones,
    /// and faults before it have been told.
    strict_from: Option<u64>,
}

/// A replacement of the earlier format, or what it left of another user's line.
struct Pending {
    line: u64,
    name: UserName,
    /// Where the name stands.
    place: u64,
    /// The number of a later line of a user of this name.
    later: Option<u64>,
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
            intact: true,
            pending: Vec::new(),
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
        self.loaded.uncommitted.add(line.bytes);
        let after_mark = std::mem::replace(&mut self.after_mark, line.bytes == b":");
        match parsed {
            Ok(parsed) => self.add(line, parsed, after_mark),
            Err(reason) => self.fault(line.number, reason),
        }
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
        self.settle_pending()?;
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
        parsed: Line,
        after_mark: bool,
    ) -> Result<(), PasswdError> {
        let start = name_in(line.bytes).map_or(0, |(start, _)| start);
        let place = line.offset + start as u64;
        // The earlier format ends where the first commit line stands.
        let earlier = self.loaded.uncommitted.start == 0;
        match parsed {
            Line::Unused => self.loaded.unused += 1,
            // Judged where it stands.
            Line::Commit(_) => {}
            Line::User(name, _) => match self.find(&name)? {
                None => self.loaded.index.insert(name.as_str(), place),
                // A machine that stopped may have lost that the replaced line was overwritten.
                Some(old) if earlier && after_mark => self.replace(&name, old, place),
                Some(old) => {
                    let pending = self.pending.iter_mut().find(|pending| pending.place == old);
                    if let Some(pending) = pending {
                        pending.later.get_or_insert(line.number);
                        return Ok(());
                    }
                    let fault = PasswdError::Duplicate {
                        path: self.path.into(),
                        line: line.number,
                        name: name.to_string(),
                        first: line_number(self.file, self.path, old)?,
                    };
                    self.tell(line.number, fault)?;
                }
            },
            Line::Replacement(name, _) => match self.find(&name)? {
                Some(old) => self.replace(&name, old, place),
                // Somebody removed the user's line by hand.
                None => self.loaded.unused += 1,
            },
            Line::Pending(name, _) => {
                match self.find(&name)? {
                    Some(old) => self.replace(&name, old, place),
                    None => self.loaded.index.insert(name.as_str(), place),
                }
                self.loaded.pending += 1;
                let line = line.number;
                self.pending.push(Pending {
                    line,
                    name,
                    place,
                    later: None,
                });
            }
        }
        Ok(())
    }

    fn replace(&mut self, name: &UserName, old: u64, new: u64) {
        self.loaded.index.repoint(name.as_str(), old, new);
        self.loaded.replaced += 1;
    }

    fn find(&self, name: &UserName) -> Result<Option<u64>, PasswdError> {
        name_at(
            self.file,
            name,
            &self.loaded.index.candidates(name.as_str()),
        )
        .map_err(PasswdError::io("read", self.path))
    }

    /// Tells replacements of the earlier format that may also be what it left of the line of
    /// another user: one whose name has one character and `=` more at its start. Her line would
    /// stand in the file too, for the earlier format overwrote a line only when its replacement
    /// was on disk.
    fn settle_pending(&mut self) -> Result<(), PasswdError> {
        for pending in std::mem::take(&mut self.pending) {
            let Pending { line, name, .. } = pending;
            let mut others = (b'!'..=b'~')
                .map(char::from)
                .filter_map(|first| UserName::new(format!("{first}={name}")).ok());
            let other = others.find_map(|other| match self.find(&other) {
                Ok(place) => place.map(|_| Ok(other)),
                Err(error) => Some(Err(error)),
            });
            let name = name.to_string();
            if let Some(other) = other.transpose()? {
                let other = other.to_string();
                self.fault(line, LineError::Ambiguous { name, other })?;
            } else if let Some(later) = pending.later {
                let path = self.path.into();
                let fault = PasswdError::Duplicate {
                    path,
                    line: later,
                    name,
                    first: line,
                };
                self.tell(later, fault)?;
            }
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Loaded, PasswdError> {
        self.settle_pending()?;
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

/// The one of `candidates` at which `name` and a `:` stand.
pub fn name_at(file: &File, name: &UserName, candidates: &Candidates) -> io::Result<Option<u64>> {
    let name = name.as_str().as_bytes();
    let mut bytes = [0; NAME_AND_COLON];
    let bytes = &mut bytes[..=name.len()];
    for offset in candidates {
        match file.read_exact_at(bytes, *offset) {
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
mod tests {
    use std::io::Write;

    use super::*;

    const HEX: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    fn load_text(text: impl AsRef<[u8]>) -> Result<Loaded, PasswdError> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(text.as_ref()).unwrap();
        load(&file, Path::new("passwd"), &mut |_| {}, &mut Err)
    }

    fn users(names: &[&str]) -> String {
        names
            .iter()
            .flat_map(|name| [*name, ":", HEX, "\n"])
            .collect()
    }

    /// `text` and a commit line that covers it from `start` on.
    fn committed(text: &str, start: usize) -> String {
        let crc = crc32fast::hash(&text.as_bytes()[start..]);
        format!("{text}:c {start} {crc:08x}\n")
    }

    #[test]
    fn every_user_is_found_at_its_line() {
        let loaded = load_text(users(&["alice", "bob"])).unwrap();
        assert_eq!(loaded.index.len(), 2);
        assert_eq!(loaded.index.candidates("bob")[..], [6 + 64 + 1]);
        assert_eq!((loaded.torn.as_ref(), loaded.unended), (None, None));
        assert!(loaded.is_worth_compacting(), "it has no commit line");
    }

    #[test]
    fn lines_that_commit_lines_cover_need_nothing_done() {
        let first = committed(&users(&["alice", "bob"]), 0);
        let both = committed(&(first.clone() + &users(&["carol"])), first.len());
        for text in [&first, &both] {
            let loaded = load_text(text).unwrap();
            assert!(!loaded.edited, "{text}");
            assert_eq!(loaded.uncommitted.start, text.len() as u64);
        }
        assert!(!load_text(&first).unwrap().is_worth_compacting());
    }

    #[test]
    fn a_commit_line_may_cover_what_an_earlier_one_does_not() {
        let edited = committed(&users(&["alice", "bob"]), 0).replace("bob", "rob");
        let loaded = load_text(&edited).unwrap();
        assert!(loaded.edited);
        assert_eq!((loaded.index.len(), loaded.uncommitted.start), (2, 0));
        let local = committed(&(edited.clone() + &users(&["carol"])), edited.len());
        assert!(load_text(&local).unwrap().edited);
        let whole = committed(&(local + &users(&["dave"])), 0);
        let loaded = load_text(&whole).unwrap();
        assert!(!loaded.edited);
        assert_eq!(loaded.index.len(), 4);
    }

    #[test]
    fn a_replacement_counts_and_the_line_before_does_not() {
        let text = users(&["alice", "bob"]) + &format!(":replace:alice:{HEX}\n");
        let loaded = load_text(committed(&text, 0)).unwrap();
        assert_eq!((loaded.index.len(), loaded.replaced), (2, 1));
        let place = users(&["alice", "bob"]).len() + ":replace:".len();
        assert_eq!(loaded.index.candidates("alice")[..], [place as u64]);
        // Somebody removed the user and overlooked the replacement.
        let loaded = load_text(format!(":replace:alice:{HEX}\n")).unwrap();
        assert_eq!((loaded.index.len(), loaded.unused), (0, 1));
    }

    #[test]
    fn a_bad_line_is_named_by_its_number() {
        let text = users(&["alice"]) + "bob\n" + &users(&["carol"]);
        let error = load_text(text).err().unwrap().to_string();
        assert!(
            error.contains("\"passwd\": line 2: there is no ':'"),
            "{error}"
        );
    }

    #[test]
    fn a_long_line_is_refused_or_torn() {
        let long = "x".repeat(3 << 20);
        let error = load_text(users(&["a"]) + &long + "\n").err().unwrap();
        let PasswdError::BadLine { line, reason, .. } = error else {
            panic!("{error}");
        };
        assert_eq!((line, reason), (2, LineError::TooLong));
        let torn = load_text(users(&["a"]) + &long).unwrap().torn.unwrap();
        assert_eq!((torn.line, torn.octets), (2, long.len() as u64));
    }

    #[test]
    fn a_name_twice_is_refused_with_both_lines() {
        let error = load_text(users(&["alice", "bob", "alice"])).err().unwrap();
        assert!(
            matches!(&error, PasswdError::Duplicate { line: 3, first: 1, name, .. } if name == "alice"),
            "{error}"
        );
    }

    #[test]
    fn a_torn_line_is_told_from_a_whole_one() {
        let argon = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHRzb21l$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        let whole = format!("bob:{argon}");
        let before = users(&["alice"]);
        for cut in 1..whole.len() {
            let loaded = load_text(before.clone() + &whole[..cut]).unwrap();
            let torn = loaded.torn.unwrap();
            assert_eq!((torn.line, torn.octets), (2, cut as u64));
            assert_eq!(torn.name.is_some(), cut > 3, "{cut}");
            assert_eq!(loaded.len, before.len() as u64);
        }
        let loaded = load_text(before + &whole).unwrap();
        assert_eq!((loaded.torn, loaded.unended), (None, Some(2)));
        assert_eq!(loaded.index.len(), 2);
    }

    #[test]
    fn blocks_that_did_not_reach_the_disk_are_torn_only_at_the_end() {
        let before = committed(&users(&["alice"]), 0);
        let batch = committed(
            &(before.clone() + &users(&["bob", "carol", "dave"])),
            before.len(),
        );
        let mut lost = batch.clone().into_bytes();
        lost[before.len() + 75..][..40].fill(0);
        let loaded = load_text(&lost).unwrap();
        assert_eq!(loaded.index.len(), 2, "alice and bob");
        let torn = loaded.torn.unwrap();
        assert_eq!((torn.line, torn.lines), (4, 3));
        // With another batch behind it, it was on disk once.
        let mut text = batch.clone() + &users(&["eve"]);
        text = committed(&text, batch.len());
        let mut lost = text.into_bytes();
        lost[before.len() + 75..][..40].fill(0);
        let error = load_text(&lost).err().unwrap();
        assert!(
            matches!(error, PasswdError::BadLine { line: 4, .. }),
            "{error}"
        );
    }

    #[test]
    fn a_replacement_of_the_earlier_format_counts() {
        let text = format!("bob:{HEX}\n:=bob:{HEX}\n:\n");
        let loaded = load_text(text).unwrap();
        let new = (4 + 64 + 1) + 2;
        assert_eq!(loaded.index.candidates("bob")[..], [new]);
        assert_eq!(
            (loaded.index.len(), loaded.pending, loaded.unused),
            (1, 1, 1)
        );
        // Put in place, and the machine stopped before it was on disk that the old line is dead.
        let loaded = load_text(format!("bob:{HEX}\n:\nbob:{HEX}\n")).unwrap();
        assert_eq!((loaded.index.len(), loaded.replaced), (1, 1));
    }

    #[test]
    fn what_may_be_left_of_anothers_line_is_ambiguous() {
        for other in ["x=bob", "!=bob"] {
            let text = format!(":=bob:{HEX}\n{other}:{HEX}\n");
            let error = load_text(text).err().unwrap();
            let PasswdError::BadLine {
                line: 1, reason, ..
            } = error
            else {
                panic!("{error}");
            };
            let (name, other) = ("bob".into(), other.into());
            assert_eq!(reason, LineError::Ambiguous { name, other });
        }
        // Also where the line of `bob` comes later.
        let text = format!(":=bob:{HEX}\nbob:{HEX}\nx=bob:{HEX}\n");
        let error = load_text(text).err().unwrap();
        assert!(matches!(
            error,
            PasswdError::BadLine {
                line: 1,
                reason: LineError::Ambiguous { .. },
                ..
            }
        ));
        let error = load_text(format!(":=bob:{HEX}\nbob:{HEX}\n"))
            .err()
            .unwrap();
        assert!(
            matches!(
                error,
                PasswdError::Duplicate {
                    line: 2,
                    first: 1,
                    ..
                }
            ),
            "{error}"
        );
        for other in ["xx=bob", "=bob", "x=bobby", "\u{e9}=bob"] {
            let text = format!(":=bob:{HEX}\n{other}:{HEX}\n");
            assert_eq!(load_text(text).unwrap().index.len(), 2, "{other}");
        }
        // Whoever registers later cannot make a line ambiguous.
        let text = committed(&format!(":=bob:{HEX}\n"), 0) + &users(&["x=bob"]);
        assert_eq!(load_text(text).unwrap().index.len(), 2);
    }
}
