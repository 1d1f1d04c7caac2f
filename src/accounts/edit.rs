//! The passwd file while no server runs: list, check, remove a user, set a password. A change
//! writes the whole file anew beside the old one, syncs it, and puts it in the old one's place.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::hash::Stored;
use super::line::{Line, PENDING, parse_user, write_user};
use super::load::{Loaded, Tail, for_each_line, load, name_at};
use super::open::{OpenError, Passwd, sync_directory};
use crate::protocol::UserName;

/// The passwd file, open and locked, to be read or changed by hand.
pub struct Editor {
    passwd: Passwd,
    loaded: Loaded,
    faults: Vec<OpenError>,
}

/// What a check found.
#[derive(Debug)]
pub struct Check<'a> {
    /// Users.
    pub users: usize,
    /// Lines out of use.
    pub dead: u64,
    /// Replacements that the next start of a server will finish.
    pub unfinished: usize,
    /// What follows the last line break; the next start of a server mends it.
    pub tail: Option<&'a Tail>,
    /// Why a server would not start.
    pub faults: &'a [OpenError],
}

impl Editor {
    /// Opens the file for a change; refuses a file with a bad line.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        Self::open_with(path, &mut Err)
    }

    /// Opens the file to check it; bad lines are collected.
    pub fn check(path: &Path) -> Result<Self, OpenError> {
        let mut faults = Vec::new();
        let mut editor = Self::open_with(path, &mut |fault| match fault {
            OpenError::BadLine { .. } | OpenError::Duplicate { .. } => {
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
        on_fault: &mut dyn FnMut(OpenError) -> Result<(), OpenError>,
    ) -> Result<Self, OpenError> {
        let passwd = Passwd::open(path, false)?;
        let loaded = load(&passwd.file, &passwd.path, &mut |_| {}, on_fault)?;
        Ok(Self {
            passwd,
            loaded,
            faults: Vec::new(),
        })
    }

    /// What was found on the way through the file.
    #[must_use]
    pub fn report(&self) -> Check<'_> {
        Check {
            users: self.loaded.index.len(),
            dead: self.loaded.dead,
            unfinished: self.loaded.pending.len(),
            tail: self.loaded.tail.as_ref(),
            faults: &self.faults,
        }
    }

    /// Whether there is a user of that name.
    pub fn has(&self, name: &UserName) -> Result<bool, OpenError> {
        let candidates = self.loaded.index.candidates(name);
        name_at(&self.passwd.file, name, &candidates)
            .map(|found| found.is_some())
            .map_err(OpenError::io("read", &self.passwd.path))
    }

    /// Hands each user to `visit`, in the order of the file.
    pub fn for_each_user(
        &self,
        visit: &mut dyn FnMut(UserName, Stored) -> io::Result<()>,
    ) -> Result<(), OpenError> {
        self.live_lines(&mut |octets| match parse_user(octets) {
            Ok((name, stored)) => visit(name, stored),
            Err(error) => Err(io::Error::new(io::ErrorKind::InvalidData, error)),
        })
    }

    /// Removes a user; false where there is none of that name.
    pub fn remove(self, name: &UserName) -> Result<bool, OpenError> {
        self.change(name, None)
    }

    /// Gives a user another hash; false where there is none of that name.
    pub fn set_hash(self, name: &UserName, hash: &str) -> Result<bool, OpenError> {
        self.change(name, Some(hash))
    }

    /// The lines that count, each as `name:hash` without its line break.
    fn live_lines(&self, visit: &mut dyn FnMut(&[u8]) -> io::Result<()>) -> Result<(), OpenError> {
        let Passwd { file, path, .. } = &self.passwd;
        let mut visit_line = |place: super::load::Place, line: &[u8]| {
            let (name, start) = match Line::parse(line) {
                Ok(Line::User(name, _)) => (name, 0),
                Ok(Line::Pending(name)) => (name, PENDING.len()),
                Ok(Line::Dead) | Err(_) => return Ok(()),
            };
            // A line that a replacement stands for has another place in the index.
            let offset = place.offset + start as u64;
            if !self.loaded.index.candidates(&name).contains(&offset) {
                return Ok(());
            }
            visit(&line[start..]).map_err(OpenError::io("go through", path))
        };
        for_each_line(file, path, &mut |_| {}, &mut visit_line)?;
        Ok(())
    }

    fn change(self, name: &UserName, hash: Option<&str>) -> Result<bool, OpenError> {
        if !self.has(name)? {
            return Ok(false);
        }
        let path = &self.passwd.path;
        let (file, fresh) = fresh_file(&self.passwd)?;
        let written = self
            .write(file, name, hash)
            .and_then(|()| std::fs::rename(&fresh, path).map_err(OpenError::io("replace", path)));
        if let Err(error) = written {
            // The old file is as it was; what is left of the other one is of no use.
            let _ = std::fs::remove_file(&fresh);
            return Err(error);
        }
        sync_directory(path)?;
        Ok(true)
    }

    fn write(&self, file: File, name: &UserName, hash: Option<&str>) -> Result<(), OpenError> {
        let prefix = [name.as_str().as_bytes(), b":"].concat();
        let mut out = BufWriter::new(file);
        let mut line = Vec::new();
        self.live_lines(&mut |octets| {
            line.clear();
            match hash {
                _ if !octets.starts_with(&prefix) => {
                    line.extend_from_slice(octets);
                    line.push(b'\n');
                }
                Some(hash) => write_user(&mut line, name, hash),
                None => {}
            }
            out.write_all(&line)
        })?;
        out.into_inner()
            .map_err(io::IntoInnerError::into_error)
            .and_then(|file| file.sync_all())
            .map_err(OpenError::io(
                "write the changed copy of",
                &self.passwd.path,
            ))
    }
}

/// An empty file beside the passwd file, with its owner and permissions.
fn fresh_file(passwd: &Passwd) -> Result<(File, PathBuf), OpenError> {
    let mut name = passwd.path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    let fresh = passwd.path.with_file_name(name);
    let create = || {
        let old = passwd.file.metadata()?;
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(super::open::MODE)
            .open(&fresh)?;
        let made = file.metadata()?;
        if (made.uid(), made.gid()) != (old.uid(), old.gid()) {
            std::os::unix::fs::fchown(&file, Some(old.uid()), Some(old.gid()))?;
        }
        file.set_permissions(old.permissions())?;
        io::Result::Ok(file)
    };
    match create() {
        Ok(file) => Ok((file, fresh)),
        Err(error) => Err(OpenError::io("write a changed copy beside", &passwd.path)(
            error,
        )),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const HEX: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    fn with_text(text: &str) -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("passwd");
        std::fs::write(&path, text).unwrap();
        (directory, path)
    }

    #[test]
    fn a_change_keeps_the_others_and_drops_lines_out_of_use() {
        let (_directory, path) = with_text(&format!("a:{HEX}\n:::\nb:{HEX}\n:=a:{HEX}\nc:{HEX}\n"));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        let b = UserName::new("b").unwrap();
        assert!(Editor::open(&path).unwrap().remove(&b).unwrap());
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text, format!("a:{HEX}\nc:{HEX}\n"));
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o640);
        assert!(!Editor::open(&path).unwrap().remove(&b).unwrap());
    }

    #[test]
    fn a_check_tells_every_fault() {
        let (_directory, path) = with_text(&format!("a:{HEX}\nb\na:{HEX}\nc:{HEX}\nd:"));
        let editor = Editor::check(&path).unwrap();
        let report = editor.report();
        assert_eq!((report.users, report.faults.len()), (2, 2));
        assert!(report.tail.is_some_and(|tail| !tail.whole));
        assert!(Editor::open(&path).is_err());
    }
}
