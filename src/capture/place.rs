//! Writes a file beside its final path and moves it there when it is complete, so that an existing file stays unchanged
//! until then.

use std::fs::{File, Metadata};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::input::identified;
use super::writer::WriteError;
use crate::platform::file::{
    Identity, identity, identity_at, is_device, is_known_by_name, is_regular, own_like, replace,
    standard_output,
};

/// Files that must not be written because they are being read. They are identified by the system, not by name, because
/// a file can have several names.
#[derive(Debug, Clone, Default)]
pub struct Inputs(Vec<Identity>);

impl Inputs {
    /// The files at these paths; `-` is standard input.
    #[must_use]
    pub fn of<P: AsRef<Path>>(paths: &[P]) -> Self {
        let found = paths.iter().map(|path| identified(path.as_ref()));
        Self(found.filter_map(Result::ok).collect())
    }

    /// Whether a file is one of them.
    fn has(&self, found: io::Result<Identity>) -> bool {
        found.is_ok_and(|found| self.0.contains(&found))
    }

    /// Whether standard output is one of these files. Writing to it would destroy the input, or never end.
    #[must_use]
    pub fn has_standard_output(&self) -> bool {
        let is_file = |file: &File| is_regular(file).unwrap_or(false);
        !self.0.is_empty()
            && standard_output()
                .filter(is_file)
                .is_some_and(|file| self.has(identity(&file)))
    }
}

/// A file that is being written. If it is dropped before [`finish`](Self::finish), the file beside the final path is
/// removed.
pub struct Place {
    file: File,
    beside: Option<Beside>,
}

/// A file beside its final path.
struct Beside {
    path: PathBuf,
    place: PathBuf,
    /// Metadata of the file at the final path.
    existed: Option<Metadata>,
}

impl Place {
    /// Opens a file for writing `path`: a file beside it, or `path` itself if that is a pipe or a device.
    ///
    /// # Errors
    ///
    /// If `path` is one of `inputs`, before anything is opened; or if the file cannot be created.
    pub fn beside(path: &Path, inputs: &Inputs) -> io::Result<Self> {
        let existed = refuse(path, inputs)?;
        if existed.as_ref().is_some_and(|found| !found.is_file()) || is_device(path) {
            let file = File::options().write(true).open(path)?;
            return Ok(Self { file, beside: None });
        }
        // For a link, the file that it points to is replaced.
        let place = if existed.is_some() {
            dunce::canonicalize(path)?
        } else {
            path.to_owned()
        };
        let (file, path) = create_beside(&place)?;
        if let Some(existed) = &existed {
            own_like(&file, existed)?;
        }
        Ok(Self {
            file,
            beside: Some(Beside {
                path,
                place,
                existed,
            }),
        })
    }

    /// Opens a file for writing `path` while other programs may already read it, as in a live capture: `path` itself if
    /// no file exists there, otherwise a file beside it.
    ///
    /// # Errors
    ///
    /// As for [`beside`](Self::beside).
    pub fn growing(path: &Path, inputs: &Inputs) -> io::Result<Self> {
        if is_known_by_name(path) || refuse(path, inputs)?.is_some() {
            return Self::beside(path, inputs);
        }
        let file = File::options().write(true).create_new(true).open(path)?;
        Ok(Self { file, beside: None })
    }

    /// Writes the whole content of `path`, as with [`beside`](Self::beside).
    ///
    /// # Errors
    ///
    /// If the file cannot be created or written, or is one of `inputs`.
    pub fn write_whole(path: &Path, inputs: &Inputs, octets: &[u8]) -> Result<(), WriteError> {
        let written = Self::beside(path, inputs).and_then(|mut place| {
            place.write_all(octets)?;
            place.finish()
        });
        let path = path.to_owned();
        written.map_err(|error| WriteError { path, error })
    }

    /// The path where the file is until it is complete; `None` if that is the final path.
    #[must_use]
    pub fn path_beside(&self) -> Option<&Path> {
        self.beside.as_ref().map(|beside| beside.path.as_path())
    }

    /// Opens `path` itself, for the files of a ring, which are read while it is written.
    ///
    /// # Errors
    ///
    /// If `path` is one of `inputs` or cannot be created.
    pub fn at(path: &Path, inputs: &Inputs) -> io::Result<Self> {
        refuse(path, inputs)?;
        let file = File::create(path)?;
        Ok(Self { file, beside: None })
    }

    /// Whether a file existed at the final path.
    #[must_use]
    pub fn replaces(&self) -> bool {
        self.beside
            .as_ref()
            .is_some_and(|beside| beside.existed.is_some())
    }

    /// Moves the complete file to its final path.
    ///
    /// # Errors
    ///
    /// If the file cannot be synced or moved.
    pub fn finish(&mut self) -> io::Result<()> {
        self.file.flush()?;
        let Some(beside) = &self.beside else {
            return Ok(());
        };
        if beside.existed.is_some() {
            // Otherwise a crash could destroy both the old and the new content.
            self.file.sync_all()?;
        }
        replace(&beside.path, &beside.place)?;
        self.beside = None;
        Ok(())
    }

    /// Keeps the file beside its final path, and returns its path; `None` if it was written at the final path.
    pub fn keep(&mut self) -> Option<PathBuf> {
        self.beside.take().map(|beside| beside.path)
    }
}

impl Write for Place {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.file.write(octets)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for Place {
    /// Removes a file that was not completed.
    fn drop(&mut self) {
        if let Some(beside) = &self.beside {
            let _ = std::fs::remove_file(&beside.path);
        }
    }
}

/// Metadata of the file at a path, if there is one. Fails if it is one of the inputs.
fn refuse(path: &Path, inputs: &Inputs) -> io::Result<Option<Metadata>> {
    if is_known_by_name(path) {
        return Ok(None);
    }
    match std::fs::metadata(path) {
        Ok(found) if found.is_file() && inputs.has(identity_at(path)) => Err(is_input()),
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

pub(super) fn is_input() -> io::Error {
    io::Error::other("it is the file that is being read. Choose another name")
}

/// Creates a file that does not exist yet: `NAME.partial`, or with a number if that exists.
fn create_beside(place: &Path) -> io::Result<(File, PathBuf)> {
    const MOST: u32 = 1000;
    let name = place.file_name().ok_or(io::ErrorKind::IsADirectory)?;
    let mut number = 1;
    loop {
        let mut beside = name.to_owned();
        beside.push(match number {
            1 => ".partial".to_owned(),
            number => format!(".partial-{number}"),
        });
        let path = place.with_file_name(beside);
        match File::options().write(true).create_new(true).open(&path) {
            Ok(file) => return Ok((file, path)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && number < MOST => {
                number += 1;
            }
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_is_replaced_when_it_is_whole_and_not_before() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("saved");
        std::fs::write(&path, "old").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        let read = || std::fs::read_to_string(&path).unwrap();
        {
            let mut place = Place::beside(&path, &Inputs::default()).unwrap();
            place.write_all(b"half").unwrap();
            assert_eq!((read(), place.replaces()), ("old".into(), true));
        }
        assert_eq!(read(), "old");
        assert_eq!(names(folder.path()), ["saved"]);
        let mut place = Place::beside(&path, &Inputs::default()).unwrap();
        place.write_all(b"whole").unwrap();
        place.finish().unwrap();
        drop(place);
        assert_eq!(read(), "whole");
        assert_eq!(names(folder.path()), ["saved"]);
        let mode = path.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o640);
    }

    #[test]
    fn a_growing_file_is_at_its_final_path_unless_one_existed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("saved");
        let mut place = Place::growing(&path, &Inputs::default()).unwrap();
        assert_eq!(place.path_beside(), None);
        place.write_all(b"first").unwrap();
        assert_eq!(names(folder.path()), ["saved"]);
        place.finish().unwrap();
        drop(place);
        let mut other = Place::growing(&path, &Inputs::default()).unwrap();
        assert_eq!(
            other.path_beside(),
            Some(&*folder.path().join("saved.partial"))
        );
        other.write_all(b"other").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"first");
        other.finish().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"other");
    }

    #[test]
    fn two_at_once_have_files_of_their_own_and_what_is_kept_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("saved");
        let mut one = Place::beside(&path, &Inputs::default()).unwrap();
        let other = Place::beside(&path, &Inputs::default()).unwrap();
        assert_eq!(names(folder.path()), ["saved.partial", "saved.partial-2"]);
        drop(other);
        let kept = one.keep().unwrap();
        drop(one);
        assert_eq!(kept, folder.path().join("saved.partial"));
        assert_eq!(names(folder.path()), ["saved.partial"]);
    }

    #[test]
    fn a_link_keeps_pointing_and_an_input_is_refused_by_any_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("input"), "input").unwrap();
        std::fs::hard_link(path("input"), path("hard")).unwrap();
        std::os::unix::fs::symlink("input", path("soft")).unwrap();
        let inputs = Inputs::of(&[path("input")]);
        for name in ["input", "hard", "soft"] {
            assert!(Place::beside(&path(name), &inputs).is_err(), "{name}");
            assert!(Place::at(&path(name), &inputs).is_err(), "{name}");
        }
        assert_eq!(std::fs::read_to_string(path("input")).unwrap(), "input");
        let mut place = Place::beside(&path("soft"), &Inputs::default()).unwrap();
        place.write_all(b"other").unwrap();
        place.finish().unwrap();
        assert!(path("soft").is_symlink());
        assert_eq!(std::fs::read_to_string(path("input")).unwrap(), "other");
        // The other name of the replaced file keeps the old content.
        assert_eq!(std::fs::read_to_string(path("hard")).unwrap(), "input");
    }
}
