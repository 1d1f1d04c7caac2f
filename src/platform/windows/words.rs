//! What the system's errors are called, and what its users do about them.

use std::io::{self, ErrorKind};

/// ERROR_SHARING_VIOLATION.
const IN_USE: i32 = 32;

/// The words of an error, those of other systems: Windows has whole sentences, in the language of its user.
#[must_use]
pub fn of(error: &io::Error) -> Option<&'static str> {
    if error.raw_os_error() == Some(IN_USE) {
        return Some("another program has it open");
    }
    Some(match error.kind() {
        ErrorKind::NotFound => "no such file or directory",
        ErrorKind::PermissionDenied => "permission denied",
        ErrorKind::AlreadyExists => "file exists",
        ErrorKind::AddrInUse => "address already in use",
        ErrorKind::AddrNotAvailable => "cannot assign requested address",
        ErrorKind::ConnectionRefused => "connection refused",
        ErrorKind::ConnectionReset => "connection reset by peer",
        ErrorKind::ConnectionAborted => "connection aborted",
        ErrorKind::NetworkUnreachable => "network is unreachable",
        ErrorKind::HostUnreachable => "no route to host",
        ErrorKind::NotADirectory => "not a directory",
        ErrorKind::DirectoryNotEmpty => "directory not empty",
        ErrorKind::StorageFull => "no space left on device",
        ErrorKind::BrokenPipe => "broken pipe",
        _ => return None,
    })
}

/// What to do about an access that was denied.
pub const DENIED: &str = "its owner gives the right to it, or is it open in another program?";
