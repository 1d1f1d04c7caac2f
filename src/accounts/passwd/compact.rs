//! Compacts the passwd file, so that replaced hashes disappear: writes the lines that count to a copy beside it,
//! which is synced, locked, and renamed to the file's name.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use super::append::Uncommitted;
use super::index::Index;
use super::line::{MAX_LINE, name_in, write_user};
use super::open::{MODE, PasswdError, Place, sync_directory};
use super::scan::scan;
use crate::platform::file;
use crate::protocol::UserName;

/// The suffix of the copy's name. The process that has locked the file owns the copy.
const SUFFIX: &str = ".compacting";

/// Bytes written to the copy at once.
const BUFFER: usize = 1 << 18;

/// A change that is made during compaction.
#[derive(Clone, Copy)]
pub enum Change<'a> {
    /// Nothing.
    Nothing,
    /// A user is left out.
    Remove(&'a UserName),
    /// A user has another hash.
    SetHash(&'a UserName, &'a str),
}

/// The file after it was compacted.
pub struct Compacted {
    /// The file, locked.
    pub file: File,
    /// The positions of its users.
    pub index: Index,
    /// Its bytes, all of them on disk.
    pub len: u64,
    /// Whether it is certain, on disk, that the name refers to this file now.
    pub renamed: Result<(), PasswdError>,
}

/// Replaces `file` by a compacted copy; `index` has the positions of its users. If that fails, the file is unchanged.
pub fn compact(
    file: &File,
    place: &Place,
    index: &Index,
    change: Change<'_>,
) -> Result<Compacted, PasswdError> {
    remove_copy(place);
    let copy = place.beside(SUFFIX);
    let put_in_place = || {
        let new =
            create(&copy, file).map_err(PasswdError::io("write a copy beside", &place.real))?;
        let (index, len) = write(&new, file, &place.real, index, change)?;
        file::take(&new).map_err(PasswdError::io("lock", &copy))?;
        if !place
            .names(file)
            .map_err(PasswdError::io("examine", &place.real))?
        {
            return Err(PasswdError::Replaced {
                path: place.real.clone(),
            });
        }
        file::replace(&copy, &place.real).map_err(PasswdError::io("replace", &place.real))?;
        Ok(Compacted {
            file: new,
            index,
            len,
            renamed: sync_directory(&place.real),
        })
    };
    put_in_place().inspect_err(|_| remove_copy(place))
}

/// Removes a copy that an interrupted compaction left.
pub fn remove_copy(place: &Place) {
    // As a rule there is none.
    let _ = std::fs::remove_file(place.beside(SUFFIX));
}

/// An empty file with the owner and the permissions of `old`.
fn create(copy: &Path, old: &File) -> io::Result<File> {
    let mut options = OpenOptions::new();
    file::alone(options.read(true).write(true).create_new(true));
    let new = file::with_mode(&mut options, MODE).open(copy)?;
    file::own_as(&new, old)?;
    Ok(new)
}

/// Writes the lines that count, and syncs.
fn write(
    new: &File,
    old: &File,
    path: &Path,
    index: &Index,
    change: Change<'_>,
) -> Result<(Index, u64), PasswdError> {
    let mut out = Out {
        file: new,
        octets: Vec::with_capacity(BUFFER + MAX_LINE + 1),
        len: 0,
        covered: Uncommitted::default(),
    };
    let mut placed = index.emptied();
    let mut found = 0;
    scan(old, path, &mut |_| {}, &mut |raw| {
        let Some((start, name)) = name_in(raw.bytes) else {
            return Ok(());
        };
        let at = raw.offset + start as u64;
        let key = index.key(name);
        if !index.is_at(key, at) {
            return Ok(());
        }
        found += 1;
        let place = out.len();
        match change {
            Change::Remove(removed) if removed.as_str() == name => return Ok(()),
            Change::SetHash(user, hash) if user.as_str() == name => {
                write_user(&mut out.octets, user, hash);
            }
            _ => {
                out.octets.extend_from_slice(&raw.bytes[start..]);
                out.octets.push(b'\n');
            }
        }
        if !placed.insert_first(key, place) {
            placed.insert(name, place);
        }
        out.write_much()
            .map_err(PasswdError::io("write a copy of", path))
    })?;
    if found != index.len() {
        let text = format!("{found} of {} users are left in it", index.len());
        let error = io::Error::new(io::ErrorKind::InvalidData, text);
        return Err(PasswdError::io("write a copy of", path)(error));
    }
    let len = out
        .finish()
        .map_err(PasswdError::io("write a copy of", path))?;
    Ok((placed, len))
}

/// The copy as it is written.
struct Out<'a> {
    file: &'a File,
    /// Lines that are to be written.
    octets: Vec<u8>,
    /// Bytes written.
    len: u64,
    /// These bytes.
    covered: Uncommitted,
}

impl Out<'_> {
    /// Bytes of the copy so far.
    fn len(&self) -> u64 {
        self.len + self.octets.len() as u64
    }

    /// Writes the lines if there are many.
    fn write_much(&mut self) -> io::Result<()> {
        if self.octets.len() < BUFFER {
            return Ok(());
        }
        self.write()
    }

    fn write(&mut self) -> io::Result<()> {
        self.covered.crc.update(&self.octets);
        self.file.write_all(&self.octets)?;
        self.len += self.octets.len() as u64;
        self.octets.clear();
        Ok(())
    }

    /// Writes what is left and a commit line, and syncs. Returns all bytes of the copy.
    fn finish(mut self) -> io::Result<u64> {
        self.write()?;
        if self.len > 0 {
            self.covered.commit().write(&mut self.octets);
            self.write()?;
        }
        self.file.sync_all()?;
        Ok(self.len)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::super::load::load;
    use super::super::open::Passwd;
    use super::*;

    const HEX: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn what_counts_is_kept_beside_the_real_file_with_its_permissions() {
        let directory = tempfile::tempdir().unwrap();
        let (path, link) = (
            directory.path().join("passwd"),
            directory.path().join("link"),
        );
        let text = format!(
            "a:{HEX}\n:::\nb:{HEX}\n:replace:a:{}\nc:{HEX}",
            HEX.to_uppercase()
        );
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        let Passwd { file, place, .. } = Passwd::open(&link, false).unwrap();
        let loaded = load(&file, &place.real, &mut |_| {}, &mut Err).unwrap();
        let compacted = compact(&file, &place, &loaded.index, Change::Nothing).unwrap();
        compacted.renamed.unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let users = format!("b:{HEX}\na:{}\nc:{HEX}\n", HEX.to_uppercase());
        let crc = crc32fast::hash(users.as_bytes());
        assert_eq!(text, format!("{users}:c 0 {crc:08x}\n"));
        assert_eq!(compacted.len, text.len() as u64);
        let mode = path.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o640);
        assert!(link.is_symlink());
        // Both the file that was and the one that is are held.
        assert!(matches!(
            Passwd::open(&link, false),
            Err(PasswdError::Held { .. })
        ));
        let loaded = load(&compacted.file, &place.real, &mut |_| {}, &mut Err).unwrap();
        assert!(!loaded.is_worth_compacting());
        for name in ["a", "b", "c"] {
            let place = loaded.index.candidates(name);
            assert_eq!(compacted.index.candidates(name), place);
        }
        let names: Vec<_> = directory.path().read_dir().unwrap().collect();
        assert_eq!(names.len(), 2, "no copy stays: {names:?}");
    }
}
