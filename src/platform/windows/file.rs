//! Files: positioned reads, identity, and permissions.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read, Write};
use std::os::windows::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::os::windows::io::AsHandle;
use std::path::{Path, PathBuf};
use std::time::Duration;

use winapi_util::{Handle, file as system};

/// Others may read a file (FILE_SHARE_READ) and rename or remove it (FILE_SHARE_DELETE), and may not write it.
const NO_OTHER_WRITER: u32 = 0x1 | 0x4;
/// ERROR_SHARING_VIOLATION: somebody has the file open in a way that excludes this one.
const SHARING_VIOLATION: i32 = 32;
/// FILE_ATTRIBUTE_REPARSE_POINT: a link.
const LINK: u32 = 0x400;
/// FILE_FLAG_OPEN_REPARSE_POINT and FILE_FLAG_BACKUP_SEMANTICS: the link itself, also one to a folder.
const LINK_ITSELF: u32 = 0x0020_0000 | 0x0200_0000;

/// Reads at a position.
pub fn read_at(file: &File, octets: &mut [u8], place: u64) -> io::Result<usize> {
    file.seek_read(octets, place)
}

/// Reads at a position what is in memory already, where the system can tell: here it cannot.
#[must_use]
pub const fn read_at_hand(_: &File, _: &mut [u8], _: u64) -> Option<usize> {
    None
}

/// Reads at a position until `octets` is full.
pub fn read_exact_at(file: &File, mut octets: &mut [u8], mut place: u64) -> io::Result<()> {
    while !octets.is_empty() {
        match file.seek_read(octets, place) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(read) => {
                octets = &mut octets[read..];
                place += read as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Writes all of `octets` at a position.
pub fn write_all_at(file: &File, mut octets: &[u8], mut place: u64) -> io::Result<()> {
    while !octets.is_empty() {
        match file.seek_write(octets, place) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => {
                octets = &octets[written..];
                place += written as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Reads once into the spare capacity of `buffer`, at a place where one is given.
pub fn append(mut file: &File, place: Option<u64>, buffer: &mut Vec<u8>) -> io::Result<usize> {
    let before = buffer.len();
    buffer.resize(buffer.capacity(), 0);
    let read = match place {
        None => file.read(&mut buffer[before..]),
        Some(place) => file.seek_read(&mut buffer[before..], place),
    };
    buffer.truncate(before + read.as_ref().map_or(0, |&read| read));
    read
}

/// Writes some of `octets` to a file or, without one, to standard error.
pub fn write_log(file: Option<&File>, octets: &[u8]) -> io::Result<usize> {
    match file {
        Some(mut file) => file.write(octets),
        None => io::stderr().write(octets),
    }
}

/// A file of its own for standard input.
pub fn standard_input() -> io::Result<File> {
    Ok(File::from(io::stdin().as_handle().try_clone_to_owned()?))
}

/// Whether it is a regular file: not a pipe, device or folder. A pipe only tells that it is one.
pub fn is_regular(file: &File) -> io::Result<bool> {
    Ok(system::typ(file)?.is_disk() && file.metadata()?.is_file())
}

/// Always returns at once that a pipe has data, because it cannot be awaited with a limit. A read then ends with the
/// pipe's writer, or with the process.
#[allow(clippy::unnecessary_wraps, reason = "as on other systems")]
pub const fn wait_readable(_: &File, _: Duration) -> io::Result<bool> {
    Ok(true)
}

/// Nothing: a pipe of a program that makes one is there to be opened as files are.
#[allow(clippy::unnecessary_wraps, reason = "as on other systems")]
pub const fn open_named_pipe(_: &Path) -> io::Result<Option<File>> {
    Ok(None)
}

/// Whether a path must not be examined before it is opened, because examining it would open it: opening a named pipe
/// makes this process its only client.
#[must_use]
pub fn is_known_by_name(path: &Path) -> bool {
    is_device(path)
}

/// Whether a path can only be a device or a pipe.
#[must_use]
pub fn is_device(path: &Path) -> bool {
    let name = path.as_os_str().to_string_lossy();
    name.starts_with(r"\\.\")
        || name.eq_ignore_ascii_case("NUL")
        || name.eq_ignore_ascii_case("CON")
}

/// Identifies a file, whatever its names: its volume's serial number and its index there.
#[derive(Debug, Clone, Copy)]
pub struct Identity {
    /// 0 where the system does not know: of a network's volume, or, in wine, of a file that was renamed since it was opened.
    volume: u64,
    index: u64,
}

impl PartialEq for Identity {
    fn eq(&self, other: &Self) -> bool {
        let may_be_one = |volume| volume == 0 || volume == other.volume || other.volume == 0;
        self.index == other.index && may_be_one(self.volume)
    }
}

impl Identity {
    fn of(found: &system::Information) -> Self {
        Self {
            volume: found.volume_serial_number(),
            index: found.file_index(),
        }
    }
}

/// Which file this is.
pub fn identity(file: &File) -> io::Result<Identity> {
    Ok(Identity::of(&system::information(file)?))
}

/// Which file a path names.
pub fn identity_at(path: &Path) -> io::Result<Identity> {
    if is_device(path) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let file = Handle::from_path_any(path)?;
    Ok(Identity::of(&system::information(file)?))
}

/// Which file a path names; for a link, the link itself.
pub fn identity_of_link(path: &Path) -> io::Result<Identity> {
    if path.symlink_metadata()?.file_attributes() & LINK == 0 {
        return identity_at(path);
    }
    identity(
        &File::options()
            .access_mode(0)
            .custom_flags(LINK_ITSELF)
            .open(path)?,
    )
}

/// Which file standard output is.
#[must_use]
pub fn standard_output() -> Option<File> {
    let copy = io::stdout().as_handle().try_clone_to_owned().ok()?;
    Some(File::from(copy))
}

/// Does nothing: the folder's access list decides who may use a new file.
pub const fn with_mode(options: &mut OpenOptions, _: u32) -> &mut OpenOptions {
    options
}

/// None: there are no permission bits.
#[allow(clippy::unnecessary_wraps, reason = "as on other systems")]
pub const fn mode(_: &File) -> io::Result<Option<u32>> {
    Ok(None)
}

/// The warning about who may use the passwd file at this path. In a user's profile these are the user, administrators
/// and the system; elsewhere, as in a folder on `C:\`, usually every user of the machine may read it.
#[must_use]
pub fn unknown_readers(path: &Path) -> Option<String> {
    let plain = |path: &Path| {
        let path = path.to_string_lossy().to_lowercase();
        path.strip_prefix(r"\\?\").unwrap_or(&path).to_owned()
    };
    let profile = std::env::home_dir()?;
    if Path::new(&plain(path)).starts_with(plain(&profile)) {
        return None;
    }
    let path = path.display().to_string();
    let path = path.strip_prefix(r"\\?\").unwrap_or(&path);
    Some(format!(
        "other users of this machine may be able to read the passwd file, which is not in your profile folder; \
         to be the only one: icacls \"{path}\" /inheritance:r /grant:r \"%USERNAME%:F\""
    ))
}

/// False: permission bits, which would tell, are not there.
pub fn is_exposed(key: &Path) -> io::Result<bool> {
    File::open(key).map(|_| false)
}

/// Leaves owner and permissions to the folder, which gave them to both files.
#[allow(clippy::unnecessary_wraps, reason = "as on other systems")]
pub const fn own_as(_: &File, _: &File) -> io::Result<()> {
    Ok(())
}

/// The same.
#[allow(clippy::unnecessary_wraps, reason = "as on other systems")]
pub const fn own_like(_: &File, _: &Metadata) -> io::Result<()> {
    Ok(())
}

/// Nothing: who may use a file is inherited from its folder.
pub const fn own_as_folder(_: &File, _: &Path) {}

/// Options for exclusive writing: others may only read. A byte-range lock would keep readers out too.
pub fn alone(options: &mut OpenOptions) -> &mut OpenOptions {
    options.share_mode(NO_OTHER_WRITER)
}

/// Nothing: how the file was opened keeps others out.
#[allow(clippy::unnecessary_wraps, reason = "as on other systems")]
pub const fn take(_: &File) -> io::Result<()> {
    Ok(())
}

/// Whether an error of opening or taking a file says that another process has it.
#[must_use]
pub fn is_held(error: &io::Error) -> bool {
    error.raw_os_error() == Some(SHARING_VIOLATION)
}

/// None: the system does not tell.
#[must_use]
pub const fn holder(_: &File) -> Option<u32> {
    None
}

/// The suffix of a file that is being replaced, if that takes two steps.
const REPLACED: &str = ".replaced";

fn aside(place: &Path) -> PathBuf {
    let mut name = place.file_name().unwrap_or_default().to_owned();
    name.push(REPLACED);
    place.with_file_name(name)
}

/// Replaces a file by another: atomically if the file system can, as NTFS does. Otherwise an open file cannot be
/// replaced, but it can be moved: it is moved aside first, and [`mend_replacement`] moves it back if no other file
/// took its place.
pub fn replace(file: &Path, place: &Path) -> io::Result<()> {
    match std::fs::rename(file, place) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied && place.is_file() => {
            let aside = aside(place);
            std::fs::rename(place, &aside).map_err(|_| error)?;
            std::fs::rename(file, place).inspect_err(|_| {
                let _ = std::fs::rename(&aside, place);
            })?;
            // It is removed when it is closed.
            let _ = std::fs::remove_file(aside);
            Ok(())
        }
        done => done,
    }
}

/// Completes an interrupted [`replace`]: restores the old file, or removes it if another one took its place.
pub fn mend_replacement(place: &Path) -> io::Result<()> {
    let aside = aside(place);
    if !aside.is_file() {
        return Ok(());
    }
    if place.exists() {
        std::fs::remove_file(aside)
    } else {
        std::fs::rename(aside, place)
    }
}

/// Nothing: NTFS has its own log of what stands in folders.
#[allow(clippy::unnecessary_wraps, reason = "as on other systems")]
pub const fn sync_directory(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Nothing: a file that is not sparse keeps its space until the end.
pub const fn let_go(_: &File, _: u64) {}
