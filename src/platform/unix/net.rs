//! Sockets: who may have an address, and what errors of accepting mean.

use std::io;

use rustix::io::Errno;
use tokio::net::TcpSocket;

/// Lets a restarted server use the port without waiting for the old server's connections to expire. Other programs
/// cannot take the port of a listener.
pub fn claim_address(socket: &TcpSocket) -> io::Result<()> {
    socket.set_reuseaddr(true)
}

/// Whether the system has no more descriptors or memory for a connection.
#[must_use]
pub fn is_out_of_room(error: &io::Error) -> bool {
    matches!(
        Errno::from_io_error(error),
        Some(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM)
    )
}

/// Whether it is the listening socket itself that cannot be used.
#[must_use]
pub fn is_of_listener(error: &io::Error) -> bool {
    matches!(
        Errno::from_io_error(error),
        Some(Errno::BADF | Errno::INVAL | Errno::NOTSOCK)
    )
}

/// Whether this machine does not have such an address.
#[must_use]
pub fn is_missing_address(error: &io::Error) -> bool {
    matches!(
        Errno::from_io_error(error),
        Some(Errno::ADDRNOTAVAIL | Errno::AFNOSUPPORT)
    )
}
