//! The log never stops the service: a reader that has gone, a pipe that nobody reads and a full disk lose log lines,
//! which are counted, and nothing else.

use std::io::{BufRead, BufReader, PipeReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::need::skip;
use crate::programs::{PATIENCE, Place, Server, described, mounted, page, receive, request, wait};
use authscope::protocol::Action;
use rustix::process::{Pid, Signal, kill_process};

/// A server whose log is read up to the line that says where it listens, and no further.
struct Unread {
    child: Child,
    address: SocketAddr,
    metrics: String,
    /// Dropping it closes the pipe.
    log: Option<BufReader<PipeReader>>,
}

impl Unread {
    fn start(place: &Place, arguments: &[&str]) -> Self {
        let (reader, writer) = std::io::pipe().unwrap();
        let child = place
            .command()
            .args(["--metrics", "127.0.0.1:0"])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(writer)
            .spawn()
            .unwrap();
        let mut log = BufReader::with_capacity(1, reader);
        let mut said = |what: &str| {
            let mut line = String::new();
            while !line.contains(what) {
                line.clear();
                assert_ne!(log.read_line(&mut line).unwrap(), 0, "it has ended");
            }
            line.trim_end().split(what).nth(1).unwrap().to_owned()
        };
        let metrics = said("metrics on http://").replace("/metrics", "");
        let address = said("listening on ").parse().unwrap();
        Self {
            child,
            address,
            metrics,
            log: Some(log),
        }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// Asks `times` times on one connection; all the answers.
    fn ask(&self, action: Action, name: &str, times: usize) -> Vec<String> {
        let mut stream = self.connect();
        let mut answers = Vec::new();
        for _ in 0..times {
            stream
                .write_all(request(action, name, "secret").as_ref())
                .unwrap();
            answers.push(described(&receive(&mut stream)));
        }
        answers
    }

    /// A counter on the metrics page.
    fn count(&self, name: &str) -> u64 {
        let page = page(&self.metrics, "/metrics").1;
        let line = page.lines().find_map(|line| line.strip_prefix(name));
        line.map_or(0, |value| value.trim().parse().unwrap())
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    fn end(&mut self) -> ExitStatus {
        wait(&mut self.child)
    }
}

impl Drop for Unread {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// More than a pipe (64 KiB) and the log's queue (8,192 lines) hold together.
const LINES: usize = 10_000;
const UNTHROTTLED: [&str; 4] = ["--max-failures", "0", "--log-rate", "0"];

#[test]
fn a_log_that_nobody_reads_holds_nobody_up() {
    let place = Place::new();
    let mut server = Unread::start(&place, &UNTHROTTLED);
    for _ in 0..10 {
        let answers = server.ask(Action::Login, "nobody", LINES / 10);
        assert!(answers.iter().all(|answer| answer == "no: no such user"));
    }
    assert_eq!(
        server.ask(Action::Register, "alice", 1),
        ["yes: registered"]
    );
    assert_eq!(
        server.ask(Action::Login, "alice", 1),
        ["yes: login successful"]
    );
    let lost = server.count("authscope_log_lines_lost_total{reason=\"queue_full\"}");
    assert!(lost > 0, "the queue was never full");
    // Whoever reads again is told how many lines there would have been.
    let mut log = server.log.take().unwrap().into_inner();
    let mut text = Vec::new();
    let deadline = Instant::now() + PATIENCE;
    while !String::from_utf8_lossy(&text).contains(&format!("queue_full={lost}")) {
        assert!(Instant::now() < deadline, "not said that {lost} were lost");
        let mut octets = [0; 4096];
        let read = log.read(&mut octets).unwrap();
        text.extend_from_slice(&octets[..read]);
    }
    server.log = Some(BufReader::new(log));
    server.signal(Signal::TERM);
    assert_eq!(server.end().code(), Some(0));
}

#[test]
fn sigterm_works_while_nobody_reads_the_log() {
    let place = Place::new();
    let mut server = Unread::start(&place, &UNTHROTTLED);
    for _ in 0..10 {
        server.ask(Action::Login, "nobody", LINES / 10);
    }
    server.signal(Signal::TERM);
    assert_eq!(server.end().code(), Some(0));
}

#[test]
fn a_second_sigterm_ends_at_once_while_nobody_reads_the_log() {
    let place = Place::new();
    let long = ["--drain-timeout", "3600", "--request-timeout", "3600"];
    let mut server = Unread::start(&place, &[&UNTHROTTLED[..], &long].concat());
    for _ in 0..10 {
        server.ask(Action::Login, "nobody", LINES / 10);
    }
    // A request that never ends would be waited for.
    let mut half = server.connect();
    half.write_all(&request(Action::Login, "a", "x").as_ref()[..58])
        .unwrap();
    let _ = receive(&mut half);
    let _hog = hog(&server);
    server.signal(Signal::TERM);
    let deadline = Instant::now() + PATIENCE;
    while TcpStream::connect(server.address).is_ok() {
        assert!(Instant::now() < deadline, "it goes on accepting");
        std::thread::sleep(Duration::from_millis(10));
    }
    server.signal(Signal::TERM);
    assert_eq!(server.end().code(), Some(143));
}

/// A client that sends requests and never reads, until the server waits for it.
fn hog(server: &Unread) -> TcpStream {
    let mut stream = server.connect();
    stream
        .set_write_timeout(Some(Duration::from_millis(500)))
        .unwrap();
    let requests = request(Action::Login, "a", "x").as_ref().repeat(1000);
    for _ in 0..10_000 {
        if stream.write_all(&requests).is_err() {
            return stream;
        }
    }
    panic!("the server took everything");
}

#[test]
fn a_reader_of_the_log_that_has_gone_holds_nobody_up() {
    let place = Place::new();
    let mut server = Unread::start(&place, &["--max-per-address", "3"]);
    server.log = None;
    for n in 0..20 {
        let name = format!("user{n}");
        assert_eq!(server.ask(Action::Register, &name, 1), ["yes: registered"]);
    }
    // Refused in the accept loop, which logs it.
    let kept: Vec<_> = (0..3)
        .map(|_| {
            let mut stream = server.connect();
            let login = request(Action::Login, "user1", "secret");
            stream.write_all(login.as_ref()).unwrap();
            assert_eq!(described(&receive(&mut stream)), "yes: login successful");
            stream
        })
        .collect();
    for _ in 0..5 {
        assert_eq!(server.connect().read(&mut [0]).unwrap_or(0), 0);
    }
    drop(kept);
    let deadline = Instant::now() + PATIENCE;
    while server.count("authscope_connections_open") > 0 {
        assert!(Instant::now() < deadline);
    }
    assert_eq!(
        server.ask(Action::Login, "user1", 1),
        ["yes: login successful"]
    );
    assert!(server.count("authscope_log_lines_lost_total{reason=\"unwritten\"}") > 20);
    server.signal(Signal::TERM);
    assert_eq!(server.end().code(), Some(0));
}

#[test]
fn a_log_disk_that_is_full_and_has_room_again() {
    let place = Place::new();
    let Some(mount) = mounted(&place, "64k") else {
        skip("mount", "a file system in memory cannot be mounted");
        return;
    };
    let log = mount.path.join("log");
    let mut server = Server::start_with_log_file(&place, &log);
    // The file is there, and standard error says nothing more.
    let ballast = mount.path.join("ballast");
    let _ = std::fs::write(&ballast, vec![0; 128 * 1024]);
    for n in 0..40 {
        let name = format!("user{n}");
        assert_eq!(server.register(&name, "x"), "yes: registered");
    }
    std::fs::remove_file(ballast).unwrap();
    assert_eq!(server.login("user1", "x"), "yes: login successful");
    wait_for(&log, "log lines were lost");
    assert_eq!(server.login("user2", "x"), "yes: login successful");
    wait_for(&log, "user=\"user2\" outcome=\"login successful\"");
    let text = std::fs::read_to_string(&log).unwrap();
    assert!(text.contains("unwritten="), "{text}");
    for line in text.lines() {
        let whole = line.starts_with("20");
        // One line may have been cut when the disk was full.
        assert!(whole || line.is_empty(), "{line:?}");
    }
    assert_eq!(server.stop().code(), Some(0));
}

pub fn wait_for(log: &Path, part: &str) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let text = std::fs::read_to_string(log).unwrap_or_default();
        if text.contains(part) {
            return;
        }
        assert!(Instant::now() < deadline, "no {part:?} in\n{text}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn sighup_never_ends_the_server() {
    let place = Place::new();
    let mut server = place.start(&[]);
    for n in 1..=3 {
        server.signal(Signal::HUP);
        let deadline = Instant::now() + PATIENCE;
        while server.log().matches("reloaded").count() < n {
            assert!(Instant::now() < deadline, "{}", server.log());
            std::thread::sleep(Duration::from_millis(10));
        }
        assert_eq!(server.login("a", "x"), "no: no such user");
    }
    assert_eq!(server.stop().code(), Some(0));
}

#[test]
fn nothing_is_made_before_the_arguments_are_right_and_the_port_is_there() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    for (arguments, said) in [
        (&["--listen", &taken][..], "cannot listen on"),
        (&["--metrics", &taken], "cannot offer metrics on"),
        (&["--listen", "8888x"], "PORT for this machine only"),
        (&["--listen", "localhost"], "it takes HOST:PORT"),
        (&["--listen", "::1:8888"], "in brackets"),
        (&["--tls", "required"], "give --tls-cert and --tls-key"),
        (&["--argon2-memory", "1"], "7168"),
    ] {
        let place = Place::new();
        let log = place.path("log");
        let log = ["--log-file", log.to_str().unwrap()];
        let output = place.refused(&[&log, arguments].concat());
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let text = crate::programs::stderr(&output);
        assert!(text.contains(said), "{text}");
        assert!(!place.passwd().exists(), "{arguments:?}");
        assert!(!place.path("log").exists(), "{arguments:?}");
    }
    // A log file that cannot be is said before the passwd file is made.
    let place = Place::new();
    let output = place.refused(&["--log-file", "/nowhere/log"]);
    assert_eq!(output.status.code(), Some(2));
    let text = crate::programs::stderr(&output);
    assert!(
        text.contains("cannot open the log file \"/nowhere/log\""),
        "{text}"
    );
    assert!(!place.passwd().exists());
}

/// Makes every sync of a server take an hour from now on; `None` without the right to.
fn hang_disk(server: &Unread) -> Option<(Helper, BufReader<ChildStderr>)> {
    let mut strace = Command::new("strace")
        .args(["-f", "-e", "trace=fsync,fdatasync"])
        .args(["-e", "inject=fsync,fdatasync:delay_enter=3600000000", "-p"])
        .arg(server.child.id().to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .ok()?;
    let mut said = BufReader::new(strace.stderr.take()?);
    let strace = Helper(strace);
    let mut line = String::new();
    said.read_line(&mut line).ok()?;
    line.contains("attached").then_some((strace, said))
}

#[test]
fn a_hung_disk_does_not_hold_up_the_end() {
    // The second signal ends it at once; without one it ends itself when its time is up.
    for (drain, signals, code) in [("3600", 2, 143), ("1", 1, 2)] {
        let place = Place::new();
        let mut server = Unread::start(&place, &["--drain-timeout", drain]);
        let Some((strace, mut said)) = hang_disk(&server) else {
            skip("strace", "it cannot be attached to a process");
            return;
        };
        let mut stream = server.connect();
        stream
            .write_all(request(Action::Register, "alice", "x").as_ref())
            .unwrap();
        // The line ends when the call does, so it is read byte by byte.
        let mut traced = Vec::new();
        while !traced.ends_with(b"sync(") {
            let mut octet = [0];
            said.read_exact(&mut octet).expect("a sync is traced");
            traced.extend(octet);
        }
        server.signal(Signal::TERM);
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect(server.address).is_ok() {
            assert!(Instant::now() < deadline, "it goes on accepting");
            std::thread::sleep(Duration::from_millis(10));
        }
        if signals == 2 {
            let running = server.child.try_wait().unwrap();
            assert_eq!(running, None, "it waits for the disk");
            server.signal(Signal::TERM);
        }
        // Every thread has ended but the one that the tracer holds.
        let stat = format!("/proc/{}/stat", server.child.id());
        while !std::fs::read_to_string(&stat).unwrap().contains(") Z ") {
            assert!(Instant::now() < deadline, "it does not end");
            std::thread::sleep(Duration::from_millis(10));
        }
        drop(strace);
        assert_eq!(server.end().code(), Some(code));
    }
}

/// A program that is ended with the test.
struct Helper(Child);

impl Drop for Helper {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
