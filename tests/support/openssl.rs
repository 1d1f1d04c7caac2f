//! TLS sessions between OpenSSL's server and client, with the bytes on the wire.
#![allow(dead_code)] // Each test crate uses its own part.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::wire::relay;

/// How long a test waits for something that has to happen.
const PATIENCE: Duration = Duration::from_mins(1);

pub use crate::wire::{End, Flights};

/// Whether OpenSSL is there.
pub fn is_there() -> bool {
    let version = Command::new("openssl").arg("version").output();
    let why = match version {
        Ok(output) if output.status.success() => return true,
        Ok(output) => String::from_utf8_lossy(&output.stderr).into_owned(),
        Err(error) => error.to_string(),
    };
    crate::need::skip("openssl", why);
    false
}

/// A directory with keys and certificates, where servers and clients meet.
pub struct Place {
    directory: TempDir,
}

impl Place {
    pub fn new() -> Self {
        let place = Self {
            directory: tempfile::tempdir().expect("a temporary directory"),
        };
        for (name, algorithm) in [
            ("rsa", &["rsa:2048"][..]),
            ("ec", &["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]),
        ] {
            let output = Command::new("openssl")
                .args([
                    "req",
                    "-x509",
                    "-nodes",
                    "-days",
                    "2",
                    "-subj",
                    "/CN=auth.example",
                ])
                .arg("-newkey")
                .args(algorithm)
                .arg("-keyout")
                .arg(place.path(&format!("{name}.key")))
                .arg("-out")
                .arg(place.path(&format!("{name}.pem")))
                .output()
                .expect("openssl runs");
            assert!(output.status.success(), "{output:?}");
        }
        place
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Starts a server with these further arguments for so many connections one after the other.
    pub fn serve(&self, arguments: &[&str], connections: u32) -> Server {
        let socket = self.path("server");
        let _ = std::fs::remove_file(&socket);
        let mut child = Command::new("openssl")
            .args(["s_server", "-quiet", "-unix"])
            .arg(&socket)
            .args([
                "-cert", "rsa.pem", "-key", "rsa.key", "-dcert", "ec.pem", "-dkey", "ec.key",
            ])
            .arg("-naccept")
            .arg(connections.to_string())
            .args(arguments)
            .current_dir(self.directory.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("s_server starts");
        let received = collect(child.stdout.take().expect("piped"));
        let errors = collect(child.stderr.take().expect("piped"));
        Server {
            input: child.stdin.take(),
            child,
            received,
            errors,
            socket,
        }
    }

    /// Connects a client with these further arguments; its secrets are added to the file `keys`.
    pub fn connect(&self, server: &Server, arguments: &[&str]) -> Client {
        let socket = self.path("relay");
        let _ = std::fs::remove_file(&socket);
        let listener = UnixListener::bind(&socket).expect("a socket");
        let mut child = Command::new("openssl")
            .args([
                "s_client",
                "-servername",
                "auth.example",
                "-keylogfile",
                "keys",
                "-unix",
                "relay",
            ])
            .args(arguments)
            .current_dir(self.directory.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("s_client starts");
        let (near, _) = listener.accept().expect("s_client connects");
        let far = wait("s_server accepts", || {
            UnixStream::connect(&server.socket).ok()
        });
        let flights = Arc::new(Mutex::new(Flights::new()));
        let pairs = [(End::Client, &near, &far), (End::Server, &far, &near)];
        let relays = pairs.map(|(from, reader, writer)| {
            let (reader, writer) = (reader.try_clone(), writer.try_clone());
            let flights = Arc::clone(&flights);
            {
                let (reader, writer) = (reader.expect("open"), writer.expect("open"));
                let end = writer.try_clone().expect("open");
                thread::spawn(move || {
                    relay(from, reader, writer, &flights, || {
                        let _ = end.shutdown(std::net::Shutdown::Write);
                    });
                })
            }
        });
        Client {
            input: child.stdin.take(),
            received: collect(child.stdout.take().expect("piped")),
            errors: collect(child.stderr.take().expect("piped")),
            child,
            flights,
            relays: relays.into(),
        }
    }

    /// The secrets of all clients so far.
    pub fn keys(&self) -> String {
        std::fs::read_to_string(self.path("keys")).unwrap_or_default()
    }

    pub fn directory(&self) -> &Path {
        self.directory.path()
    }
}

/// Says something to a server through s_client, and waits for so many bytes of content that it answers
/// with, or where that is none until it closes the connection. The secrets are added to `key_log`.
pub fn ask(server: SocketAddr, arguments: &[&str], content: &[u8], answers: usize, key_log: &Path) {
    let mut child = Command::new("openssl")
        .args(["s_client", "-quiet", "-no_ign_eof", "-connect"])
        .arg(server.to_string())
        .arg("-keylogfile")
        .arg(key_log)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("s_client starts");
    let mut input = child.stdin.take().expect("piped");
    input.write_all(content).expect("s_client reads");
    input.flush().expect("s_client reads");
    let received = collect(child.stdout.take().expect("piped"));
    if answers > 0 {
        wait("the server answers", || {
            (received.lock().expect("no panic").len() >= answers).then_some(())
        });
    } else {
        wait("the server closes", || child.try_wait().expect("a child"));
    }
    drop(input);
    wait("s_client ends", || child.try_wait().expect("a child"));
}

/// What was read so far.
pub type Collected = Arc<Mutex<Vec<u8>>>;

/// Reads to the end, on a thread of its own.
pub fn collect(mut from: impl Read + Send + 'static) -> Collected {
    let collected = Collected::default();
    let into = Arc::clone(&collected);
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(len) = from.read(&mut buffer) {
            if len == 0 {
                break;
            }
            into.lock()
                .expect("no panic")
                .extend_from_slice(&buffer[..len]);
        }
    });
    collected
}

#[track_caller]
fn wait<T>(what: &str, mut ready: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(value) = ready() {
            return value;
        }
        assert!(begun.elapsed() < PATIENCE, "{what}");
        thread::sleep(Duration::from_millis(5));
    }
}

pub struct Server {
    child: Child,
    input: Option<ChildStdin>,
    received: Collected,
    errors: Collected,
    socket: PathBuf,
}

impl Server {
    /// Sends content to the client that is connected.
    pub fn say(&mut self, content: &[u8]) {
        let input = self.input.as_mut().expect("open");
        input.write_all(content).expect("s_server reads");
        input.flush().expect("s_server reads");
    }

    /// Waits until so many bytes of content came from clients.
    pub fn hears(&self, bytes: usize) {
        wait("the server hears", || {
            (self.received.lock().expect("no panic").len() >= bytes).then_some(())
        });
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let errors = String::from_utf8_lossy(&self.errors.lock().expect("no panic")).into_owned();
        if thread::panicking() {
            eprintln!("s_server: {errors}");
        }
    }
}

pub struct Client {
    child: Child,
    input: Option<ChildStdin>,
    received: Collected,
    errors: Collected,
    flights: Arc<Mutex<Flights>>,
    relays: Vec<thread::JoinHandle<()>>,
}

impl Client {
    /// Sends content, or a command where it is one letter and s_client takes them.
    pub fn say(&mut self, content: &[u8]) {
        let input = self.input.as_mut().expect("open");
        input.write_all(content).expect("s_client reads");
        input.flush().expect("s_client reads");
    }

    /// Waits until so many bytes of content, and whatever else s_client prints, came.
    pub fn hears(&self, content: &[u8]) {
        wait("the client hears", || {
            let received = self.received.lock().expect("no panic");
            received
                .windows(content.len())
                .any(|window| window == content)
                .then_some(())
        });
    }

    /// Bytes that went over the wire so far from an end.
    pub fn sent(&self, from: End) -> usize {
        let flights = self.flights.lock().expect("no panic");
        let own = flights.iter().filter(|(end, _)| *end == from);
        own.map(|(_, bytes)| bytes.len()).sum()
    }

    /// Waits until more than so many bytes went over the wire from an end.
    pub fn sends_beyond(&self, from: End, bytes: usize) {
        wait("bytes are sent", || (self.sent(from) > bytes).then_some(()));
    }

    /// Ends the connection and gives what went over it.
    pub fn end(mut self) -> Flights {
        drop(self.input.take());
        let status = wait("s_client ends", || self.child.try_wait().expect("a child"));
        let errors = String::from_utf8_lossy(&self.errors.lock().expect("no panic")).into_owned();
        assert!(status.success(), "s_client: {errors}");
        for relay in self.relays.drain(..) {
            relay.join().expect("no panic");
        }
        std::mem::take(&mut *self.flights.lock().expect("no panic"))
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
