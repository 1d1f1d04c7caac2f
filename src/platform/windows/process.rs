//! The process: its limits, its user, and the service manager that started it.

use std::io;

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

/// None: users have no numbers.
#[must_use]
pub const fn user_id() -> Option<u32> {
    None
}

/// Ends the process.
pub fn exit_at_once(code: i32) -> ! {
    std::process::exit(code)
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
