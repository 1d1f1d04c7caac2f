//! The control channel between a server and its operator: a Unix socket that its owner alone can open.

use std::io;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

use rustix::fs::Mode;
use tokio::net::{UnixListener, UnixStream};

/// Whoever asked, as far as the system tells.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Peer {
    /// The user.
    pub uid: Option<u32>,
    /// The process.
    pub pid: Option<i32>,
}

/// An operator's side.
pub type Connection = std::os::unix::net::UnixStream;

/// Reaches the server whose channel has this path.
pub fn connect(path: &Path) -> io::Result<Connection> {
    Connection::connect(path)
}

/// A server's side of one conversation.
pub type Stream = UnixStream;

/// Takes conversations.
#[derive(Debug)]
pub struct Listener(UnixListener);

impl Listener {
    /// Makes the socket. One that a server left which is gone is replaced. Has to be called inside the runtime.
    pub fn bind(path: &Path) -> io::Result<Self> {
        if let Ok(metadata) = path.symlink_metadata() {
            if !metadata.file_type().is_socket() || connect(path).is_ok() {
                return Err(io::ErrorKind::AddrInUse.into());
            }
            std::fs::remove_file(path)?;
        }
        // Its permissions are right from the first moment on.
        let usual = rustix::process::umask(Mode::from_raw_mode(0o177));
        let bound = UnixListener::bind(path);
        rustix::process::umask(usual);
        bound.map(Self)
    }

    /// The next conversation.
    pub async fn accept(&mut self) -> io::Result<(Stream, Peer)> {
        let (stream, _) = self.0.accept().await?;
        let by = stream.peer_cred().ok();
        let peer = Peer {
            uid: by.as_ref().map(tokio::net::unix::UCred::uid),
            pid: by.as_ref().and_then(tokio::net::unix::UCred::pid),
        };
        Ok((stream, peer))
    }
}

/// Takes away what is left of a channel that nobody listens on any more.
pub fn remove(path: &Path) {
    let _ = std::fs::remove_file(path);
}
