//! When users logged in last: a file beside the passwd file, a line a login, `name:SECONDS` since 1970. Of two lines for one name
//! the later one holds; `name:` says that the user was removed.
//!
//! The file may lose its last lines, or be removed at any time: nothing but a list depends on it. So lines are appended
//! without being synced, and where one could not be written, the file is written anew from what can be read of it. That
//! is done as well when a server first adds to it, and when it has grown to twice what it needs.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::index::Index;
use super::open::{MODE, PasswdError, Place};
use super::scan::scan;
use crate::platform::file;
use crate::protocol::UserName;

/// The suffix of its name, after the passwd file's.
const SUFFIX: &str = ".logins";
/// The suffix of a copy's name.
const COPY: &str = ".logins.compacting";
/// Bytes by which the file may grow beyond twice what it needs.
const SLACK: u64 = 1 << 20;
/// Bytes written to a copy at once.
const BUFFER: usize = 1 << 16;

/// The file, which may be missing.
#[derive(Debug)]
pub struct Logins {
    path: PathBuf,
    copy: PathBuf,
    /// The file that this process has rewritten and appends to.
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    file: File,
    /// Bytes written.
    len: u64,
    /// Size in bytes at which it is rewritten.
    most: u64,
}

/// The passwd file, for what is beside it.
pub struct Users<'a> {
    /// Whether there may be a user of this name: only users' logins are kept.
    pub have: &'a dyn Fn(&str) -> bool,
    /// The file whose owner and permissions are copied.
    pub file: &'a File,
}

/// When each user logged in last. Holds no names, only their keyed hashes.
#[derive(Debug, Default)]
pub struct LastLogins {
    key: RandomState,
    times: HashMap<u64, i64>,
}

impl LastLogins {
    /// In seconds since 1970.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<i64> {
        self.times.get(&self.key.hash_one(name)).copied()
    }
}

impl Logins {
    /// Those beside the passwd file. Nothing is opened yet.
    pub fn beside(place: &Place) -> Self {
        Self {
            path: place.beside(SUFFIX),
            copy: place.beside(COPY),
            open: None,
        }
    }

    /// Records these logins, by name and seconds since 1970.
    pub fn add(
        &mut self,
        users: &Users<'_>,
        logins: &[(UserName, i64)],
    ) -> Result<(), PasswdError> {
        let mut lines = Vec::new();
        for (name, seconds) in logins {
            // Writing to memory does not fail.
            let _ = writeln!(lines, "{name}:{seconds}");
        }
        self.append(users, &lines)
    }

    /// Forgets the logins of a user who was removed, as somebody else may register the name.
    pub fn forget(&mut self, users: &Users<'_>, name: &UserName) -> Result<(), PasswdError> {
        if self.open.is_none() && !self.path.exists() {
            return Ok(());
        }
        self.append(users, format!("{name}:\n").as_bytes())
    }

    /// When each user logged in last.
    pub fn read(&self) -> Result<LastLogins, PasswdError> {
        let mut last = LastLogins::default();
        let Some(file) = existing(&self.path)? else {
            return Ok(last);
        };
        scan(&file, &self.path, &mut |_| {}, &mut |line| {
            if let Some((name, time)) = parsed(line.bytes) {
                let name = last.key.hash_one(name);
                match time {
                    Some(time) => last.times.insert(name, time),
                    None => last.times.remove(&name),
                };
            }
            Ok(())
        })?;
        Ok(last)
    }

    fn append(&mut self, users: &Users<'_>, lines: &[u8]) -> Result<(), PasswdError> {
        let mut open = match self.open.take() {
            Some(open) if open.len <= open.most && names(&self.path, &open.file) => open,
            _ => self.write_anew(users)?,
        };
        file::write_all_at(&open.file, lines, open.len)
            .map_err(PasswdError::io("write", &self.path))?;
        open.len += lines.len() as u64;
        self.open = Some(open);
        Ok(())
    }

    /// Replaces the file by one with only the lines that count.
    fn write_anew(&self, users: &Users<'_>) -> Result<Open, PasswdError> {
        // One that was not finished. As a rule there is none.
        let _ = std::fs::remove_file(&self.copy);
        let written = self.write_copy(users).and_then(|open| {
            file::replace(&self.copy, &self.path)
                .map_err(PasswdError::io("replace", &self.path))?;
            Ok(open)
        });
        written.inspect_err(|_| {
            let _ = std::fs::remove_file(&self.copy);
        })
    }

    fn write_copy(&self, users: &Users<'_>) -> Result<Open, PasswdError> {
        let failed = || PasswdError::io("write", &self.copy);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        let copy = file::with_mode(&mut options, MODE)
            .open(&self.copy)
            .map_err(failed())?;
        let passwd = users.file.metadata().map_err(failed())?;
        file::own_like(&copy, &passwd).map_err(failed())?;
        let mut len = 0;
        if let Some(old) = existing(&self.path)? {
            let mut last = Index::default();
            scan(&old, &self.path, &mut |_| {}, &mut |line| {
                let name = parsed(line.bytes).map(|(name, _)| name);
                if let Some(name) = name.filter(|name| (users.have)(name)) {
                    match last.candidates(name).first() {
                        Some(before) => drop(last.repoint(name, *before, line.offset)),
                        None => last.insert(name, line.offset),
                    }
                }
                Ok(())
            })?;
            let mut out = BufWriter::with_capacity(BUFFER, &copy);
            scan(&old, &self.path, &mut |_| {}, &mut |line| {
                let Some((name, Some(time))) = parsed(line.bytes) else {
                    return Ok(());
                };
                if last.is_at(last.key(name), line.offset) {
                    let line = format!("{name}:{time}\n");
                    out.write_all(line.as_bytes()).map_err(failed())?;
                    len += line.len() as u64;
                }
                Ok(())
            })?;
            out.flush().map_err(failed())?;
        }
        copy.sync_all().map_err(failed())?;
        Ok(Open {
            file: copy,
            len,
            most: 2 * len + SLACK,
        })
    }
}

/// The file at `path`, if it is a regular one; anything else is ignored.
fn existing(path: &Path) -> Result<Option<File>, PasswdError> {
    let opened = match path.symlink_metadata() {
        Ok(found) if !found.is_file() => return Ok(None),
        Ok(_) => File::open(path),
        Err(error) => Err(error),
    };
    match opened {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(PasswdError::io("open", path)(error)),
    }
}

/// Whether the path names this file.
fn names(path: &Path, file: &File) -> bool {
    let named = file::identity_of_link(path).ok();
    named.is_some() && named == file::identity(file).ok()
}

/// The name on a line, and when its user logged in; nothing for lines that make no sense.
fn parsed(line: &[u8]) -> Option<(&str, Option<i64>)> {
    let line = std::str::from_utf8(line).ok()?;
    match line.split_once(':')? {
        ("", _) => None,
        (name, "") => Some((name, None)),
        (name, seconds) => Some((name, Some(seconds.parse().ok()?))),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::super::open::Passwd;
    use super::*;

    struct Scene {
        directory: tempfile::TempDir,
        passwd: Passwd,
    }

    impl Scene {
        fn new() -> Self {
            let directory = tempfile::tempdir().unwrap();
            let passwd = Passwd::open(&directory.path().join("passwd"), true).unwrap();
            Self { directory, passwd }
        }

        fn logins(&self) -> Logins {
            Logins::beside(&self.passwd.place)
        }

        fn add(&self, logins: &mut Logins, name: &str, seconds: i64) {
            let name = UserName::new(name).unwrap();
            let users = self.users(&|_| true);
            logins.add(&users, &[(name, seconds)]).unwrap();
        }

        fn users<'a>(&'a self, have: &'a dyn Fn(&str) -> bool) -> Users<'a> {
            let file = &self.passwd.file;
            Users { have, file }
        }

        fn path(&self) -> PathBuf {
            self.directory.path().join("passwd.logins")
        }

        fn text(&self) -> String {
            std::fs::read_to_string(self.path()).unwrap()
        }
    }

    #[test]
    fn the_last_login_holds_and_is_there_after_a_restart() {
        let scene = Scene::new();
        let mut logins = scene.logins();
        assert_eq!(logins.read().unwrap().get("alice"), None);
        for (name, seconds) in [("alice", 5), ("bob", 6), ("alice", 7)] {
            scene.add(&mut logins, name, seconds);
        }
        assert_eq!(scene.text(), "alice:5\nbob:6\nalice:7\n");
        let last = logins.read().unwrap();
        assert_eq!((last.get("alice"), last.get("bob")), (Some(7), Some(6)));
        let mut logins = scene.logins();
        scene.add(&mut logins, "carol", 8);
        assert_eq!(scene.text(), "bob:6\nalice:7\ncarol:8\n");
        let mode = scene.path().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, MODE);
    }

    #[test]
    fn who_was_removed_is_forgotten() {
        let scene = Scene::new();
        let mut logins = scene.logins();
        let bob = UserName::new("bob").unwrap();
        logins.forget(&scene.users(&|_| true), &bob).unwrap();
        assert!(!scene.path().exists(), "there is nothing to forget");
        for name in ["alice", "bob", "carol"] {
            scene.add(&mut logins, name, 5);
        }
        logins.forget(&scene.users(&|_| true), &bob).unwrap();
        let last = logins.read().unwrap();
        assert_eq!((last.get("alice"), last.get("bob")), (Some(5), None));
        // As an administrator removes one, with an editor.
        let mut logins = scene.logins();
        let without = scene.users(&|name| name != "carol");
        let dave = UserName::new("dave").unwrap();
        logins.add(&without, &[(dave, 6)]).unwrap();
        assert_eq!(scene.text(), "alice:5\ndave:6\n");
    }

    #[test]
    fn it_is_written_anew_before_it_grows_too_long() {
        let scene = Scene::new();
        let mut logins = scene.logins();
        let many: Vec<_> = (0..10_000)
            .map(|n| (UserName::new(format!("user{n}")).unwrap(), 1_700_000_000))
            .collect();
        for _ in 0..20 {
            logins.add(&scene.users(&|_| true), &many).unwrap();
            let len = scene.path().metadata().unwrap().len();
            assert!(len < 3 * 210_000 + SLACK, "{len} bytes");
        }
        assert_eq!(logins.read().unwrap().times.len(), 10_000);
    }

    #[test]
    fn what_others_did_to_it_is_no_trouble() {
        let scene = Scene::new();
        let mut logins = scene.logins();
        scene.add(&mut logins, "alice", 5);
        std::fs::remove_file(scene.path()).unwrap();
        scene.add(&mut logins, "bob", 6);
        assert_eq!(scene.text(), "bob:6\n");
        let nonsense = "\n:\n:c 0 1\nalice:$argon2\nalice\nbob:7\ncarol:-1\nda\u{301}ve:9";
        std::fs::write(scene.path(), nonsense).unwrap();
        std::fs::write(scene.directory.path().join("passwd.logins.compacting"), "x").unwrap();
        let mut logins = scene.logins();
        scene.add(&mut logins, "eve", 8);
        assert_eq!(scene.text(), "bob:7\ncarol:-1\nda\u{301}ve:9\neve:8\n");
        // A link is replaced, and what it names is neither read nor written.
        let other = scene.directory.path().join("other");
        std::fs::write(&other, "alice:1\n").unwrap();
        std::fs::remove_file(scene.path()).unwrap();
        symlink(&other, scene.path()).unwrap();
        assert_eq!(logins.read().unwrap().get("alice"), None);
        scene.add(&mut logins, "bob", 10);
        assert_eq!(scene.text(), "bob:10\n");
        assert!(!scene.path().is_symlink());
        assert_eq!(std::fs::read_to_string(other).unwrap(), "alice:1\n");
        // Where it cannot be made, that is said, and the next try may succeed.
        std::fs::remove_file(scene.path()).unwrap();
        std::fs::create_dir(scene.path()).unwrap();
        let name = UserName::new("alice").unwrap();
        let users = scene.users(&|_| true);
        assert!(logins.add(&users, &[(name.clone(), 11)]).is_err());
        std::fs::remove_dir(scene.path()).unwrap();
        logins.add(&users, &[(name, 11)]).unwrap();
        assert_eq!(scene.text(), "alice:11\n");
    }
}
