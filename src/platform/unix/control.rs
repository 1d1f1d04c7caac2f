//! The control channel between a server and its operator: a Unix socket that its owner alone can open.

use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use rustix::fs::Mode;
use tokio::net::{UnixListener, UnixStream};

/// The client, as far as the system tells.
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
    Connection::connect(path).map_err(too_long)
}

/// Rust's error text for a path that is too long for a socket is meant for programmers.
fn too_long(error: io::Error) -> io::Error {
    if error.kind() == ErrorKind::InvalidInput {
        return io::Error::new(
            ErrorKind::InvalidInput,
            "its path is too long for a Unix socket",
        );
    }
    error
}

/// The user whose server this is, if it may be a stranger's: anybody can create a socket in the folder, and the
/// server belongs neither to this user nor to root nor to the folder's owner. Such a server could receive a password.
pub fn stranger(connection: &Connection, path: &Path) -> io::Result<Option<u32>> {
    const WRITABLE_BY_ALL: u32 = 0o002;
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let folder = folder.metadata()?;
    if folder.mode() & WRITABLE_BY_ALL == 0 {
        return Ok(None);
    }
    let server = server(connection, path)?;
    let own = rustix::process::geteuid().as_raw();
    Ok((![0, own, folder.uid()].contains(&server)).then_some(server))
}

/// The user whose server this is.
#[cfg(target_os = "linux")]
fn server(connection: &Connection, _: &Path) -> io::Result<u32> {
    Ok(rustix::net::sockopt::socket_peercred(connection)?
        .uid
        .as_raw())
}

/// The same, by the owner of the socket's file.
#[cfg(not(target_os = "linux"))]
fn server(_: &Connection, path: &Path) -> io::Result<u32> {
    Ok(path.symlink_metadata()?.uid())
}

/// A server's side of one conversation.
pub type Stream = UnixStream;

/// Accepts conversations. Dropping it removes the socket, before anybody else can have created another in its place.
#[derive(Debug)]
pub struct Listener {
    socket: UnixListener,
    path: PathBuf,
}

impl Drop for Listener {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

impl Listener {
    /// Creates the socket. Replaces one left by a server that is gone. Must be called inside the runtime.
    pub fn bind(path: &Path) -> io::Result<Self> {
        let in_use = |words: &'static str| Err(io::Error::new(ErrorKind::AddrInUse, words));
        if let Ok(metadata) = path.symlink_metadata() {
            if !metadata.file_type().is_socket() {
                return in_use("there is something else");
            }
            match connect(path) {
                Ok(_) => return in_use("another server takes commands there"),
                Err(error) if error.kind() == ErrorKind::ConnectionRefused => {}
                Err(error) => return Err(error),
            }
            std::fs::remove_file(path)?;
        }
        // Its permissions are right from the start.
        let usual = rustix::process::umask(Mode::from_raw_mode(0o177));
        let bound = UnixListener::bind(path);
        rustix::process::umask(usual);
        Ok(Self {
            socket: bound.map_err(too_long)?,
            path: path.into(),
        })
    }

    /// The next conversation.
    pub async fn accept(&mut self) -> io::Result<(Stream, Peer)> {
        let (stream, _) = self.socket.accept().await?;
        let by = stream.peer_cred().ok();
        let peer = Peer {
            uid: by.as_ref().map(tokio::net::unix::UCred::uid),
            pid: by.as_ref().and_then(tokio::net::unix::UCred::pid),
        };
        Ok((stream, peer))
    }
}
