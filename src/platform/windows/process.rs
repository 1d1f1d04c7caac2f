//! The process: its limits, its user, and the service manager that started it.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::{Command, ExitStatus};

/// Nothing: Windows Error Reporting writes no memory of a process unless an administrator has asked for that.
#[must_use]
pub const fn discourage_dumps() -> Vec<(&'static str, io::Error)> {
    Vec::new()
}

/// None: the system limits handles by memory only.
#[must_use]
pub const fn allow_open_files(_: u64) -> Option<u64> {
    None
}

/// Nothing: threads have their usual priority.
pub const fn hurry_this_thread() {}

/// Two halves of the processors; none here, as the system distributes threads by itself.
#[derive(Debug, Clone, Copy)]
pub struct Halves(std::convert::Infallible);

impl Halves {
    /// None.
    #[must_use]
    pub const fn of_this_thread() -> Option<Self> {
        None
    }

    /// Never called.
    #[must_use]
    pub const fn keep(&self) -> Self {
        *self
    }

    /// Never called.
    pub const fn cross(&self) {}
}

/// None: users have no numbers.
#[must_use]
pub const fn user_id() -> Option<u32> {
    None
}

/// Ends the process.
pub fn exit_at_once(code: i32) -> ! {
    std::process::exit(code)
}

/// What captures on this system.
pub const CAPTURE_LIBRARY: &str = "Npcap";

/// Where to get it.
pub const GET_CAPTURE_LIBRARY: &str =
    "Install it from https://npcap.com, with its support for loopback traffic";

/// How else to capture.
pub const CAPTURE_OTHERWISE: &str =
    "or capture with Wireshark, whose installer brings Npcap, and read what it saved";

/// Npcap's own folder in Windows'.
const NPCAP: &str = r"System32\Npcap";

/// STATUS_DLL_NOT_FOUND, which a process ends with that lacks a library.
const NO_LIBRARY: u32 = 0xc000_0135;

/// Whether a program did not start since it lacks that library, which is the only one that Windows may lack.
#[must_use]
pub fn lacks_capture_library(status: ExitStatus, _: &str) -> bool {
    status.code().map(i32::cast_unsigned) == Some(NO_LIBRARY)
}

/// Where that library may be: in Npcap's folder, which is not in the path, or where Windows looks by itself.
fn capture_library_folders() -> Vec<PathBuf> {
    let root = std::env::var_os("SystemRoot").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    root.iter()
        .flat_map(|root| [root.join(NPCAP), root.join("System32")])
        .chain(std::env::split_paths(&path))
        .collect()
}

/// Whether that library is there. A program that is started without it opens a window that waits for a click.
#[must_use]
pub fn has_capture_library() -> bool {
    capture_library_folders()
        .iter()
        .any(|folder| folder.join("wpcap.dll").is_file())
}

/// Lets a program find that library.
pub fn let_find_capture_library(command: &mut Command) {
    if let Ok(path) = std::env::join_paths(capture_library_folders()) {
        command.env("PATH", path);
    }
}

/// Runs another program to its end, and ends as it did. Ctrl-C is for that one, which is on the same console.
pub fn become_it(command: &mut Command, _: OsString) -> io::Error {
    if let Err(error) = super::signals::leave_to_others() {
        return error;
    }
    match command.status() {
        Ok(status) => std::process::exit(status.code().unwrap_or(2)),
        Err(error) => error,
    }
}

/// What a service manager is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServiceState {
    /// It serves.
    Ready,
    /// It reads its files anew; [`Ready`](Self::Ready) follows.
    Reloading,
    /// It was told to stop.
    Stopping,
}

/// Nothing: the programs are started by hand or by a task.
#[allow(clippy::unnecessary_wraps, reason = "as on other systems")]
pub const fn tell_service_manager(_: ServiceState) -> io::Result<()> {
    Ok(())
}
