//! Works on the passwd file while no server runs: lists and checks users, removes a user, sets a password. A change
//! writes the whole file again beside the old one, syncs it, and replaces the old one.

use std::io;
use std::path::Path;

use super::compact::{Change, compact};
use super::line::{name_in, parse_user};
use super::load::{Loaded, Torn, load, name_at};
use super::logins::{LastLogins, Logins, Users};
use super::open::{Passwd, PasswdError};
use super::scan::scan;
use super::start::keep;
use crate::accounts::hash::Stored;
use crate::protocol::UserName;

/// The passwd file, open and locked, to be read or changed by hand.
pub struct Editor {
    passwd: Passwd,
    loaded: Loaded,
    faults: Vec<PasswdError>,
}

/// What a check found.
#[derive(Debug)]
pub struct Check<'a> {
    /// Users.
    pub users: usize,
    /// Lines out of use.
    pub unused: u64,
    /// Lines of users whose hash was replaced; they vanish at the next start of a server.
    pub replaced: u64,
    /// How the file ends.
    pub end: End<'a>,
    /// Whether lines were changed since a server wrote them.
    pub edited: bool,
    /// Why a server would not start.
    pub faults: &'a [PasswdError],
}

/// How the file ends.
#[derive(Debug)]
pub enum End<'a> {
    /// As it should.
    Complete,
    /// With a whole line, of this number, that has no line break.
    Unended(u64),
    /// With what an interrupted write left; the next start of a server cuts it off.
    Torn(&'a Torn),
}

impl Editor {
    /// Opens the file for a change; refuses a file with a bad line.
    pub fn open(path: &Path) -> Result<Self, PasswdError> {
        Self::open_with(path, &mut Err)
    }

    /// Opens the file to check it; bad lines are collected.
    pub fn check(path: &Path) -> Result<Self, PasswdError> {
        let mut faults = Vec::new();
        let mut editor = Self::open_with(path, &mut |fault| match fault {
            PasswdError::BadLine { .. } | PasswdError::Duplicate { .. } => {
                faults.push(fault);
                Ok(())
            }
            other => Err(other),
        })?;
        editor.faults = faults;
        Ok(editor)
    }

    fn open_with(
        path: &Path,
        on_fault: &mut dyn FnMut(PasswdError) -> Result<(), PasswdError>,
    ) -> Result<Self, PasswdError> {
        let passwd = Passwd::open(path, false)?;
        let loaded = load(&passwd.file, &passwd.place.real, &mut |_| {}, on_fault)?;
        Ok(Self {
            passwd,
            loaded,
            faults: Vec::new(),
        })
    }

    /// What was found on the way through the file.
    #[must_use]
    pub fn report(&self) -> Check<'_> {
        let Loaded { torn, unended, .. } = &self.loaded;
        Check {
            users: self.loaded.index.len(),
            unused: self.loaded.unused,
            replaced: self.loaded.replaced,
            end: match (torn, unended) {
                (Some(torn), _) => End::Torn(torn),
                (None, Some(line)) => End::Unended(*line),
                (None, None) => End::Complete,
            },
            edited: self.loaded.edited,
            faults: &self.faults,
        }
    }

    /// Whether there is a user of that name.
    pub fn has(&self, name: &UserName) -> Result<bool, PasswdError> {
        let candidates = self.loaded.index.candidates(name.as_str());
        name_at(&self.passwd.file, name.as_str(), &candidates)
            .map(|found| found.is_some())
            .map_err(PasswdError::io("read", &self.passwd.place.real))
    }

    /// Hands each user to `visit`, in the order of the file: the name, the hash, and the hash as it is written.
    pub fn for_each_user(
        &self,
        visit: &mut dyn FnMut(UserName, Stored, &str) -> io::Result<()>,
    ) -> Result<(), PasswdError> {
        let Passwd { file, place, .. } = &self.passwd;
        let path = &place.real;
        scan(file, path, &mut |_| {}, &mut |line| {
            let Some((start, name)) = name_in(line.bytes) else {
                return Ok(());
            };
            // The line of a replaced user has another position in the index.
            let at = line.offset + start as u64;
            let index = &self.loaded.index;
            if !index.is_at(index.key(name), at) {
                return Ok(());
            }
            let (name, stored) =
                parse_user(&line.bytes[start..]).map_err(|reason| PasswdError::BadLine {
                    path: path.clone(),
                    line: line.number,
                    reason,
                })?;
            let text = String::from_utf8_lossy(&line.bytes[start..]);
            let (_, hash) = text.split_once(':').unwrap_or_default();
            visit(name, stored, hash).map_err(PasswdError::io("go through", path))
        })
    }

    /// Times of last logins, as far as they are recorded.
    #[must_use]
    pub fn last_logins(&self) -> LastLogins {
        let logins = Logins::beside(&self.passwd.place);
        logins.read().unwrap_or_default()
    }

    /// Removes a user; false if the name does not exist.
    pub fn remove(self, name: &UserName) -> Result<bool, PasswdError> {
        if !self.change(name, Change::Remove(name))? {
            return Ok(false);
        }
        let users = Users {
            have: &|name| self.loaded.index.probably_has(name),
            file: &self.passwd.file,
        };
        // If that fails, the list may show the old login for a new user of the same name, until that user logs in.
        let _ = Logins::beside(&self.passwd.place).forget(&users, name);
        Ok(true)
    }

    /// Replaces a user's hash; false if the name does not exist.
    pub fn set_hash(self, name: &UserName, hash: &str) -> Result<bool, PasswdError> {
        self.change(name, Change::SetHash(name, hash))
    }

    fn change(&self, name: &UserName, change: Change<'_>) -> Result<bool, PasswdError> {
        if !self.has(name)? {
            return Ok(false);
        }
        let Passwd { file, place, .. } = &self.passwd;
        // The change cuts torn lines off.
        if let Some(torn) = &self.loaded.torn {
            keep(file, place, torn)?;
        }
        compact(file, place, &self.loaded.index, change)?.renamed?;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::path::PathBuf;

    use super::*;

    const HEX: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    fn with_text(text: &str) -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("passwd");
        std::fs::write(&path, text).unwrap();
        (directory, path)
    }

    fn names(path: &Path) -> Vec<String> {
        let mut names = Vec::new();
        let editor = Editor::open(path).unwrap();
        editor
            .for_each_user(&mut |name, _, _| {
                names.push(name.to_string());
                Ok(())
            })
            .unwrap();
        names
    }

    #[test]
    fn a_change_keeps_the_others_and_drops_lines_out_of_use() {
        let (_directory, path) = with_text(&format!("a:{HEX}\n:::\nb:{HEX}\n:=a:{HEX}\nc:{HEX}\n"));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        let b = UserName::new("b").unwrap();
        assert!(Editor::open(&path).unwrap().remove(&b).unwrap());
        let text = std::fs::read_to_string(&path).unwrap();
        let crc = crc32fast::hash(format!("a:{HEX}\nc:{HEX}\n").as_bytes());
        assert_eq!(text, format!("a:{HEX}\nc:{HEX}\n:c 0 {crc:08x}\n"));
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o640);
        assert!(!Editor::open(&path).unwrap().remove(&b).unwrap());
    }

    #[test]
    fn a_last_line_without_line_break_is_a_user() {
        let (_directory, path) = with_text(&format!("a:{HEX}\nb:{HEX}\nc:{HEX}"));
        assert_eq!(names(&path), ["a", "b", "c"]);
        let [a, c] = ["a", "c"].map(|name| UserName::new(name).unwrap());
        assert!(Editor::open(&path).unwrap().remove(&a).unwrap());
        assert_eq!(names(&path), ["b", "c"]);
        assert!(Editor::open(&path).unwrap().set_hash(&c, HEX).unwrap());
        assert_eq!(names(&path), ["b", "c"]);
        assert!(Editor::open(&path).unwrap().remove(&c).unwrap());
        assert_eq!(names(&path), ["b"]);
    }

    #[test]
    fn torn_lines_are_kept_beside_the_file() {
        let (directory, path) = with_text(&format!("a:{HEX}\nb:{HEX}\nc:12"));
        let a = UserName::new("a").unwrap();
        assert!(Editor::open(&path).unwrap().remove(&a).unwrap());
        assert_eq!(names(&path), ["b"]);
        let torn = directory.path().join("passwd.torn");
        assert_eq!(std::fs::read_to_string(&torn).unwrap(), "c:12");
        let mode = std::fs::metadata(torn).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_check_tells_every_fault() {
        let (_directory, path) = with_text(&format!("a:{HEX}\nb\na:{HEX}\nc:{HEX}\nd:"));
        let editor = Editor::check(&path).unwrap();
        let report = editor.report();
        assert_eq!((report.users, report.faults.len()), (2, 2));
        assert!(matches!(report.end, End::Torn(_)));
        assert!(Editor::open(&path).is_err());
    }
}
