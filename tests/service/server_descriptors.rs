//! If the system has no more file descriptors, accepting pauses and resumes. The server neither exits nor spins.

use std::io::Write;
use std::time::Instant;

use crate::programs::{PATIENCE, Place, Server, described, page, receive, request};
use authscope::protocol::Action;
use rustix::process::{Pid, Resource, Rlimit, prlimit};

/// Clock ticks of processor time that the process has used.
fn ticks(pid: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("the process's times");
    let fields: Vec<&str> = stat
        .rsplit(')')
        .next()
        .expect("fields")
        .split_whitespace()
        .collect();
    fields[11].parse::<u64>().expect("user time") + fields[12].parse::<u64>().expect("system time")
}

/// Leaves a running server with `descriptors` at most.
fn limit_to(server: &Server, descriptors: u64) {
    let pid = i32::try_from(server.pid()).ok().and_then(Pid::from_raw);
    let limit = Rlimit {
        current: Some(descriptors),
        maximum: Some(descriptors),
    };
    prlimit(pid, Resource::Nofile, limit).expect("the limit is set");
}

/// Where the server offers its metrics.
fn metrics(server: &Server) -> String {
    let log = server.log();
    let metrics = log.split("metrics on http://").nth(1).expect("an address");
    metrics
        .split("/metrics")
        .next()
        .expect("its end")
        .to_owned()
}

#[test]
fn a_low_limit_lowers_the_number_of_connections() {
    let place = Place::new();
    let mut server = place.start_under("ulimit -n 50", &["--metrics", "127.0.0.1:0"]);
    let metrics = metrics(&server);
    assert!(
        server
            .log()
            .contains("wanted=10000 connections=10 descriptors=50"),
        "{}",
        server.log()
    );
    let login = request(Action::Login, "a", "x");
    // More than there is room for: they take turns.
    let mut streams: Vec<_> = (0..30).map(|_| server.connect()).collect();
    for stream in &mut streams {
        stream.write_all(login.as_ref()).unwrap();
    }
    for mut stream in streams.drain(..) {
        assert_ne!(described(&receive(&mut stream)), "");
    }
    // With as many connections as there may be, the page has descriptors of its own.
    let _silent: Vec<_> = (0..30).map(|_| server.connect()).collect();
    let deadline = Instant::now() + PATIENCE;
    loop {
        let (status, text) = page(&metrics, "/metrics");
        assert_eq!(status, "HTTP/1.1 200 OK");
        if text.contains("authscope_connections_open 10\n") {
            break;
        }
        assert!(Instant::now() < deadline, "{text}");
    }
    // Those that ask nothing give way.
    assert_eq!(server.login("a", "x"), "no: no such user");
    assert!(
        !server.log().contains("accepting pauses"),
        "{}",
        server.log()
    );
    assert_eq!(server.stop().code(), Some(0));
}

#[test]
fn a_limit_below_what_the_server_needs_does_not_refuse_the_start() {
    let place = Place::new();
    let mut server = place.start_under("ulimit -n 24", &[]);
    assert_eq!(server.register("alice", "x"), "yes: registered");
    assert_eq!(server.stop().code(), Some(0));
}

#[test]
fn accepting_pauses_and_goes_on() {
    let place = Place::new();
    let mut server = place.start(&["--metrics", "127.0.0.1:0"]);
    let metrics = metrics(&server);
    limit_to(&server, 40);
    let mut streams: Vec<_> = (0..60).map(|_| server.connect()).collect();
    server.wait_for("accepting pauses");
    // A scrape finds no descriptor either, and waits in the backlog.
    let scrape = std::thread::spawn(move || page(&metrics, "/metrics").0);
    let before = ticks(server.pid());
    std::thread::sleep(std::time::Duration::from_secs(1));
    let used = ticks(server.pid()) - before;
    assert!(used < 50, "{used} ticks in a second of pause");
    assert!(server.log().len() < 10_000, "{}", server.log());
    // Who is connected is served.
    let login = request(Action::Login, "a", "x");
    streams[0].write_all(login.as_ref()).unwrap();
    assert_eq!(described(&receive(&mut streams[0])), "no: no such user");
    // Who waits is served when others go.
    let mut last = streams.pop().unwrap();
    drop(streams);
    last.write_all(login.as_ref()).unwrap();
    assert_eq!(described(&receive(&mut last)), "no: no such user");
    assert_eq!(scrape.join().unwrap(), "HTTP/1.1 200 OK");
    server.wait_for("accepting again");
    let pauses = server.log().matches("accepting pauses").count();
    assert!(pauses < 10, "{pauses} pauses");
    assert_eq!(server.stop().code(), Some(0));
}
