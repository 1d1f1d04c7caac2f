//! Sockets: whether an address is reused, and what errors of accepting mean.

use std::io;

use tokio::net::TcpSocket;

// Of winerror.h: ERROR_NOT_ENOUGH_MEMORY, WSAEBADF, WSAEINVAL, WSAEMFILE, WSAENOTSOCK, WSAEAFNOSUPPORT, WSAEADDRNOTAVAIL,
// WSAENOBUFS.
const NOT_ENOUGH_MEMORY: i32 = 8;
const BAD_HANDLE: i32 = 10_009;
const INVALID: i32 = 10_022;
const TOO_MANY_SOCKETS: i32 = 10_024;
const NO_SOCKET: i32 = 10_038;
const NO_SUCH_FAMILY: i32 = 10_047;
const NO_SUCH_ADDRESS: i32 = 10_049;
const NO_BUFFERS: i32 = 10_055;

/// Nothing: a new server can have the address of an old one's connections at once, and SO_REUSEADDR would let any program
/// of this user's take the port beside this one.
#[allow(clippy::unnecessary_wraps, reason = "as on other systems")]
pub const fn share_address(_: &TcpSocket) -> io::Result<()> {
    Ok(())
}

/// Whether the system has no more handles or memory for a connection.
#[must_use]
pub fn is_out_of_room(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(NOT_ENOUGH_MEMORY | TOO_MANY_SOCKETS | NO_BUFFERS)
    )
}

/// Whether it is the listening socket itself that cannot be used.
#[must_use]
pub fn is_of_listener(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(BAD_HANDLE | INVALID | NO_SOCKET))
}

/// Whether this machine does not have such an address.
#[must_use]
pub fn is_missing_address(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(NO_SUCH_FAMILY | NO_SUCH_ADDRESS))
}
