//! Files: positioned reads, identity, and permissions.

use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::time::Duration;

use rustix::buffer::spare_capacity;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FlockOperation, OFlags};
use rustix::io::Errno;
use rustix::process::{Flock, FlockType};

/// Reads at a position; the file's own position does not change.
pub fn read_at(file: &File, octets: &mut [u8], place: u64) -> io::Result<usize> {
    file.read_at(octets, place)
}

/// Reads at a position what is in memory already; `None` where a disk would have to be waited for, or the system cannot tell.
#[must_use]
pub fn read_at_hand(file: &File, octets: &mut [u8], place: u64) -> Option<usize> {
    #[cfg(target_os = "linux")]
    {
        use rustix::io::{ReadWriteFlags, preadv2};
        let mut into = [io::IoSliceMut::new(octets)];
        preadv2(file, &mut into, place, ReadWriteFlags::NOWAIT).ok()
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = (file, octets, place);
        None
    }
}

/// Reads at a position until `octets` is full.
pub fn read_exact_at(file: &File, octets: &mut [u8], place: u64) -> io::Result<()> {
    file.read_exact_at(octets, place)
}

/// Writes all of `octets` at a position.
pub fn write_all_at(file: &File, octets: &[u8], place: u64) -> io::Result<()> {
    file.write_all_at(octets, place)
}

/// Reads once into the spare capacity of `buffer`, at a position if one is given.
pub fn append(file: &File, place: Option<u64>, buffer: &mut Vec<u8>) -> io::Result<usize> {
    Ok(match place {
        None => rustix::io::read(file, spare_capacity(buffer))?,
        Some(place) => rustix::io::pread(file, spare_capacity(buffer), place)?,
    })
}

/// Writes some of `octets` to a file or, without one, to standard error, not through the standard library's handle, whose
/// lock others may hold. Waits where somebody who shares a pipe or a terminal has made it non-blocking.
pub fn write_log(file: Option<&File>, octets: &[u8]) -> io::Result<usize> {
    use std::os::fd::AsFd;
    let descriptor = match file {
        Some(file) => file.as_fd(),
        None => rustix::stdio::stderr(),
    };
    loop {
        match rustix::io::write(descriptor, octets) {
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => {
                let mut ready = [PollFd::from_borrowed_fd(descriptor, PollFlags::OUT)];
                match poll(&mut ready, None) {
                    Ok(_) | Err(Errno::INTR) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            done => return Ok(done?),
        }
    }
}

/// A separate file handle for standard input.
pub fn standard_input() -> io::Result<File> {
    Ok(File::from(rustix::io::dup(io::stdin())?))
}

/// Whether it is a regular file: not a pipe, device or folder.
pub fn is_regular(file: &File) -> io::Result<bool> {
    Ok(file.metadata()?.is_file())
}

/// Waits until a pipe has data or `limit` is over; returns whether it has data.
pub fn wait_readable(file: &File, limit: Duration) -> io::Result<bool> {
    let limit = Timespec::try_from(limit).map_err(io::Error::other)?;
    let mut waited = [PollFd::new(file, PollFlags::IN)];
    match poll(&mut waited, Some(&limit)) {
        Ok(0) | Err(Errno::INTR) => Ok(false),
        Ok(_) => Ok(true),
        Err(error) => Err(error.into()),
    }
}

/// Opens a named pipe without waiting for a writer: the first read waits. `None` if the path names something else.
pub fn open_named_pipe(path: &Path) -> io::Result<Option<File>> {
    if !std::fs::metadata(path).is_ok_and(|found| found.file_type().is_fifo()) {
        return Ok(None);
    }
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    let file = File::options().read(true).custom_flags(flags).open(path)?;
    rustix::fs::fcntl_setfl(&file, OFlags::empty())?;
    Ok(Some(file))
}

/// Whether a path must not be examined before it is opened, because examining it would open it: never on Unix.
#[must_use]
pub const fn is_known_by_name(_: &Path) -> bool {
    false
}

/// Whether a path can only be a device or a pipe.
#[must_use]
pub fn is_device(path: &Path) -> bool {
    path.starts_with("/dev") || path.starts_with("/proc")
}

/// Identifies a file, whatever its names: its device and its inode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity(u64, u64);

fn identified(found: &Metadata) -> Identity {
    Identity(found.dev(), found.ino())
}

/// Which file this is.
pub fn identity(file: &File) -> io::Result<Identity> {
    Ok(identified(&file.metadata()?))
}

/// Which file a path names. Nothing is opened.
pub fn identity_at(path: &Path) -> io::Result<Identity> {
    Ok(identified(&path.metadata()?))
}

/// Which file a path names; for a link, the link itself.
pub fn identity_of_link(path: &Path) -> io::Result<Identity> {
    Ok(identified(&path.symlink_metadata()?))
}

/// Which file standard output is.
#[must_use]
pub fn standard_output() -> Option<File> {
    use std::os::fd::AsFd;
    let copy = io::stdout().as_fd().try_clone_to_owned().ok()?;
    Some(File::from(copy))
}

/// New files get the permissions `mode`, as in `chmod`.
pub fn with_mode(options: &mut OpenOptions, mode: u32) -> &mut OpenOptions {
    options.mode(mode)
}

/// The permission bits of an open file.
pub fn mode(file: &File) -> io::Result<Option<u32>> {
    Ok(Some(file.metadata()?.mode() & 0o7777))
}

/// The warning about who may use the passwd file at this path, if permission bits do not tell.
#[must_use]
pub const fn unknown_readers(_: &Path) -> Option<String> {
    None
}

/// Whether others than its owner can read a file that holds a key. One that belongs to root may be readable by a group,
/// as keys that several services share are.
pub fn is_exposed(key: &Path) -> io::Result<bool> {
    let metadata = File::open(key)?.metadata()?;
    let harmless = if metadata.uid() == 0 { 0o740 } else { 0o700 };
    Ok(metadata.mode() & 0o777 & !harmless != 0)
}

/// Gives a file the owner and the permissions of another.
pub fn own_as(file: &File, other: &File) -> io::Result<()> {
    let (made, other) = (file.metadata()?, other.metadata()?);
    if (made.uid(), made.gid()) != (other.uid(), other.gid()) {
        std::os::unix::fs::fchown(file, Some(other.uid()), Some(other.gid()))?;
    }
    file.set_permissions(other.permissions())
}

/// Gives a file the permissions of another, and its owner where the user may: only the superuser can, for others the file
/// is theirs.
pub fn own_like(file: &File, other: &Metadata) -> io::Result<()> {
    file.set_permissions(other.permissions())?;
    let _ = std::os::unix::fs::fchown(file, Some(other.uid()), Some(other.gid()));
    Ok(())
}

/// Gives a new file the owner of its folder, if this user may: a file that root creates in a service's folder belongs
/// to the service.
pub fn own_as_folder(file: &File, path: &Path) {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    if let Ok(folder) = folder.metadata() {
        let _ = std::os::unix::fs::fchown(file, Some(folder.uid()), None);
    }
}

/// Options for exclusive writing: on Unix the locks of [`take`] ensure it.
pub fn alone(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

/// Takes two locks: `flock`, which belongs to the open file, and a record lock, which the system releases with the
/// process and which tells the process ID. If another process has the first, the error is one that [`is_held`]
/// recognises.
pub fn take(file: &File) -> io::Result<()> {
    rustix::fs::flock(file, FlockOperation::NonBlockingLockExclusive)?;
    // Some file systems have no record locks; the first lock is enough to keep others out.
    let _ = rustix::fs::fcntl_lock(file, FlockOperation::NonBlockingLockExclusive);
    Ok(())
}

/// Whether an error of opening or locking a file means that another process has it.
#[must_use]
pub fn is_held(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock
}

/// The process that has the record lock. The holder takes it a moment after the first lock, so this is tried several
/// times.
#[must_use]
pub fn holder(file: &File) -> Option<u32> {
    for _ in 0..20 {
        let wanted = Flock::from(FlockType::WriteLock);
        if let Ok(Some(found)) = rustix::process::fcntl_getlk(file, &wanted) {
            return found
                .pid
                .and_then(|pid| u32::try_from(pid.as_raw_nonzero().get()).ok());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    None
}

/// Replaces a file by another, atomically.
pub fn replace(file: &Path, place: &Path) -> io::Result<()> {
    std::fs::rename(file, place)
}

/// Cleans up after an interrupted [`replace`]: nothing to do on Unix.
#[allow(clippy::unnecessary_wraps, reason = "as on other systems")]
pub const fn mend_replacement(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Puts a directory's entries on disk.
pub fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

/// Frees the space of a file's bytes before `place`, as far as the file system can; the file's size does not change.
pub fn let_go(file: &File, place: u64) {
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{FallocateFlags, fallocate};
        let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
        let _ = fallocate(file, flags, 0, place);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (file, place);
}
