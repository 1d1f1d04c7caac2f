//! Sockets: who may have an address, and what errors of accepting mean.

use std::io;
use std::os::windows::io::AsRawSocket;

use tokio::net::TcpSocket;
use windows_sys::Win32::Networking::WinSock::{SO_EXCLUSIVEADDRUSE, SOL_SOCKET, setsockopt};

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

/// Keeps every other program from taking the port beside this one (`SO_EXCLUSIVEADDRUSE`). A server that starts again need
/// not wait for the old one's connections here.
#[allow(
    unsafe_code,
    reason = "no crate sets this option by a safe function; without it, any program that asks for SO_REUSEADDR gets the \
              port and with it passwords"
)]
pub fn claim_address(socket: &TcpSocket) -> io::Result<()> {
    let on = 1_u32.to_ne_bytes();
    let handle = usize::try_from(socket.as_raw_socket()).map_err(io::Error::other)?;
    // SAFETY: the handle is an open socket, which `socket` keeps open; the value is four readable bytes, and that is the
    // length which is given.
    let result = unsafe { setsockopt(handle, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, on.as_ptr(), 4) };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
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
