//! The control channel between a server and its operator: a named pipe. Its access list is the system's usual one: its
//! owner, administrators and the system may write to it, and who cannot write cannot ask.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::windows::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::net::windows::named_pipe::{NamedPipeServer, ServerOptions};

use crate::text::escape::Hex;

/// SECURITY_IDENTIFICATION: whoever listens may learn who asks, and may not act for them.
const IDENTIFICATION: u32 = 0x0001_0000;
/// ERROR_PIPE_BUSY: another conversation has just begun.
const BUSY: i32 = 231;
/// ERROR_ACCESS_DENIED: of a pipe's first instance, that there is one already.
const DENIED: i32 = 5;
/// How often a busy pipe is tried, and how long one waits in between.
const TRIES: u32 = 40;
const BETWEEN: Duration = Duration::from_millis(50);

/// Whoever asked, as far as the system tells.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Peer {
    /// The user, who has no number here.
    pub uid: Option<u32>,
    /// The process.
    pub pid: Option<i32>,
}

/// The pipe that stands for a path: one that is a pipe's name is that pipe, and any other is one of its own, by a digest
/// since a pipe's name has no folders.
fn name(path: &Path) -> io::Result<OsString> {
    if path.as_os_str().to_string_lossy().starts_with(r"\\.\pipe\") {
        return Ok(path.into());
    }
    let whole = std::path::absolute(path)?;
    let digest = Sha256::digest(whole.to_string_lossy().to_lowercase().as_bytes());
    let digits = Hex(&digest[..16]);
    Ok(format!(r"\\.\pipe\authscope-{digits}").into())
}

/// An operator's side.
pub type Connection = File;

/// The user whose server this is, where that may be a stranger: a pipe does not tell.
#[allow(clippy::unnecessary_wraps, reason = "as on other systems")]
pub const fn stranger(_: &Connection, _: &Path) -> io::Result<Option<u32>> {
    Ok(None)
}

/// Reaches the server whose channel has this path.
pub fn connect(path: &Path) -> io::Result<Connection> {
    let name = name(path)?;
    let mut options = File::options();
    options
        .read(true)
        .write(true)
        .security_qos_flags(IDENTIFICATION);
    for _ in 1..TRIES {
        match options.open(&name) {
            Err(error) if error.raw_os_error() == Some(BUSY) => std::thread::sleep(BETWEEN),
            done => return done,
        }
    }
    options.open(&name)
}

/// A server's side of one conversation.
pub type Stream = NamedPipeServer;

/// Takes conversations.
#[derive(Debug)]
pub struct Listener {
    name: OsString,
    /// The instance that the next one connects to, so that there is always one.
    next: NamedPipeServer,
}

impl Listener {
    /// Makes the pipe. Has to be called inside the runtime.
    pub fn bind(path: &Path) -> io::Result<Self> {
        let name = name(path)?;
        let mut options = ServerOptions::new();
        options
            .first_pipe_instance(true)
            .reject_remote_clients(true);
        let next = options
            .create(&name)
            .map_err(|error| match error.raw_os_error() {
                Some(DENIED) => io::ErrorKind::AddrInUse.into(),
                _ => error,
            })?;
        Ok(Self { name, next })
    }

    /// The next conversation.
    pub async fn accept(&mut self) -> io::Result<(Stream, Peer)> {
        let connected = self.next.connect().await;
        let next = ServerOptions::new()
            .reject_remote_clients(true)
            .create(&self.name)?;
        let stream = std::mem::replace(&mut self.next, next);
        // One who has gone again leaves an instance that is of no more use.
        connected?;
        Ok((stream, Peer::default()))
    }
}
