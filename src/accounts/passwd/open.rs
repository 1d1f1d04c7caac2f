//! Opens the passwd file for one writer: creates it if it is missing, locks it, and checks that it is the file that
//! the path names.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use super::line::LineError;
use crate::platform::file::{self, alone, identity, identity_at, identity_of_link, with_mode};
use crate::text::trouble::Trouble;

/// Permissions of a new passwd file: read and write for its owner only.
pub const MODE: u32 = 0o600;

/// Why the passwd file cannot be used. Its content has not been changed.
#[derive(Debug, thiserror::Error)]
pub enum PasswdError {
    /// The system refused.
    #[error("cannot {doing} \"{}\": {}", path.display(), Trouble(source))]
    Io {
        /// What was being done.
        doing: &'static str,
        /// To what.
        path: PathBuf,
        /// What went wrong.
        source: io::Error,
    },
    /// It is a directory, a device or a pipe.
    #[error("cannot use \"{}\": it is not a regular file; name one with --passwd", path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// Another process has it open for writing.
    #[error("cannot use \"{}\": {} holds it; stop that process first, or name another file with --passwd", path.display(), holder(*pid))]
    Held {
        /// The path.
        path: PathBuf,
        /// The other process, where the system tells.
        pid: Option<u32>,
    },
    /// A line that is not as it should be.
    #[error("cannot use \"{}\": line {line}: {reason}; correct or remove the line (nothing was changed)", path.display())]
    BadLine {
        /// The path.
        path: PathBuf,
        /// Its number, from 1.
        line: u64,
        /// What is wrong with it.
        reason: LineError,
    },
    /// A name that an earlier line has already.
    #[error("cannot use \"{}\": line {line}: the user name \"{name}\" stands on line {first} already; remove one of the two (nothing was changed)", path.display())]
    Duplicate {
        /// The path.
        path: PathBuf,
        /// The second line's number, from 1.
        line: u64,
        /// The name.
        name: String,
        /// The first line's number.
        first: u64,
    },
    /// The path names another file than the one that was opened, or none.
    #[error("\"{}\" was removed or replaced while it was in use; put the file back, or restart the server to use what is there now", path.display())]
    Replaced {
        /// The path.
        path: PathBuf,
    },
    /// Its size is not what was left.
    #[error("\"{}\" was changed by another program while it was in use: it has {found} bytes, expected {expected}; restart the server to use it as it is now", path.display())]
    Changed {
        /// The path.
        path: PathBuf,
        /// Bytes in the file.
        found: u64,
        /// Bytes that should be there.
        expected: u64,
    },
    /// A user's line is not what it was when the file was opened.
    #[error("the line of user \"{name}\" in \"{}\" has changed while it was in use: {reason}", path.display())]
    UserChanged {
        /// The path.
        path: PathBuf,
        /// The user name.
        name: String,
        /// What is wrong with the line now.
        reason: String,
    },
}

fn holder(pid: Option<u32>) -> String {
    match pid {
        Some(pid) => format!("process {pid}"),
        None => "another process".into(),
    }
}

impl PasswdError {
    /// From an error of the system, while it was being asked to do that to `path`.
    pub fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io {
            doing,
            path,
            source,
        }
    }
}

/// An open passwd file that no other process writes while this value lives.
#[derive(Debug)]
pub struct Passwd {
    /// Open for reading and writing, locked.
    pub file: File,
    /// Where it is.
    pub place: Place,
    /// Whether the file was made just now.
    pub created: bool,
}

impl Passwd {
    /// Opens and locks the file at `path`; with `create`, makes it where it is missing.
    pub fn open(path: &Path, create: bool) -> Result<Self, PasswdError> {
        // Between opening and locking, another process may put a file in this one's place; then
        // the lock is on a file that nobody sees any more.
        file::mend_replacement(path).map_err(PasswdError::io("mend", path))?;
        loop {
            let (file, created) = open_or_create(path, create)?;
            let metadata = file.metadata().map_err(PasswdError::io("examine", path))?;
            if !metadata.is_file() {
                return Err(PasswdError::NotAFile { path: path.into() });
            }
            lock(&file, path)?;
            let real = dunce::canonicalize(path).map_err(PasswdError::io("find", path))?;
            let place = Place {
                given: path.into(),
                real,
            };
            if place
                .names(&file)
                .map_err(PasswdError::io("examine", &place.real))?
            {
                return Ok(Self {
                    file,
                    place,
                    created,
                });
            }
        }
    }
}

/// Where a passwd file is.
#[derive(Debug, Clone)]
pub struct Place {
    /// The path as it was given; a symbolic link in it may come to name another file.
    given: PathBuf,
    /// The path without symbolic links.
    pub real: PathBuf,
}

impl Place {
    /// Whether both paths name the file that is open as `file`.
    pub fn names(&self, file: &File) -> io::Result<bool> {
        let open = identity(file)?;
        for named in [identity_at(&self.given), identity_of_link(&self.real)] {
            match named {
                Ok(named) if named == open => {}
                Ok(_) => return Ok(false),
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    /// The file beside this one whose name is longer by `suffix`.
    pub fn beside(&self, suffix: &str) -> PathBuf {
        let mut name = self.real.file_name().unwrap_or_default().to_owned();
        name.push(suffix);
        self.real.with_file_name(name)
    }
}

fn open_or_create(path: &Path, create: bool) -> Result<(File, bool), PasswdError> {
    let mut options = OpenOptions::new();
    alone(options.read(true).write(true));
    loop {
        match options.open(path) {
            Ok(file) => return Ok((file, false)),
            Err(error) if create && error.kind() == io::ErrorKind::NotFound => {}
            Err(error) if file::is_held(&error) => return Err(held(path, None)),
            Err(error) => return Err(PasswdError::io("open", path)(error)),
        }
        match with_mode(options.clone().create_new(true), MODE).open(path) {
            Ok(file) => {
                // Root may add the first user before the service has started.
                file::own_as_folder(&file, path);
                file.sync_all().map_err(PasswdError::io("sync", path))?;
                sync_directory(path)?;
                return Ok((file, true));
            }
            // Another process made it in between, or the path is a link to nothing.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && !path.is_symlink() => {}
            Err(error) => return Err(PasswdError::io("create", path)(error)),
        }
    }
}

/// Puts the directory entry of `path` on disk.
pub fn sync_directory(path: &Path) -> Result<(), PasswdError> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    file::sync_directory(directory).map_err(PasswdError::io("sync the directory", directory))
}

fn lock(file: &File, path: &Path) -> Result<(), PasswdError> {
    file::take(file).map_err(|error| {
        if file::is_held(&error) {
            return held(path, file::holder(file));
        }
        PasswdError::io("lock", path)(error)
    })
}

fn held(path: &Path, pid: Option<u32>) -> PasswdError {
    PasswdError::Held {
        path: path.into(),
        pid,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_missing_file_is_made_for_its_owner_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("passwd");
        assert!(Passwd::open(&path, false).is_err());
        let passwd = Passwd::open(&path, true).unwrap();
        assert!(passwd.created);
        let mode = passwd.file.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, MODE);
    }

    #[test]
    fn one_file_has_one_holder() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("passwd");
        let first = Passwd::open(&path, true).unwrap();
        assert!(matches!(
            Passwd::open(&path, true),
            Err(PasswdError::Held { .. })
        ));
        drop(first);
        assert!(Passwd::open(&path, true).is_ok());
    }

    #[test]
    fn a_replaced_file_is_noticed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("passwd");
        let passwd = Passwd::open(&path, true).unwrap();
        let in_place = || passwd.place.names(&passwd.file).unwrap();
        assert!(in_place());
        std::fs::rename(&path, directory.path().join("aside")).unwrap();
        assert!(!in_place());
        std::fs::write(&path, "").unwrap();
        assert!(!in_place());
        std::fs::rename(directory.path().join("aside"), &path).unwrap();
        assert!(in_place());
    }

    #[test]
    fn a_link_that_names_another_file_is_noticed() {
        let directory = tempfile::tempdir().unwrap();
        let [one, two, link] = ["one", "two", "link"].map(|name| directory.path().join(name));
        std::fs::write(&one, "").unwrap();
        std::fs::write(&two, "").unwrap();
        std::os::unix::fs::symlink(&one, &link).unwrap();
        let passwd = Passwd::open(&link, true).unwrap();
        assert!(passwd.place.names(&passwd.file).unwrap());
        std::fs::remove_file(&link).unwrap();
        std::os::unix::fs::symlink(&two, &link).unwrap();
        assert!(!passwd.place.names(&passwd.file).unwrap());
    }

    #[test]
    fn a_directory_is_no_passwd_file() {
        let directory = tempfile::tempdir().unwrap();
        assert!(Passwd::open(directory.path(), true).is_err());
    }
}
