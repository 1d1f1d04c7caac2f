//! Counters and times on a Prometheus page, on an address of its own, only on request.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Instant;

use crate::programs::{PATIENCE, Place, Server, page};

fn metrics(address: &str) -> String {
    let (status, text) = page(address, "/metrics");
    assert_eq!(status, "HTTP/1.1 200 OK", "{text}");
    text
}

/// Where a server offers its metrics.
pub fn address(server: &Server) -> String {
    let log = server.log();
    let rest = log.split("metrics on http://").nth(1).unwrap();
    rest.split("/metrics").next().unwrap().to_owned()
}

#[test]
fn what_happened_is_on_the_page() {
    let place = Place::new();
    let server = place.start(&["--metrics", "127.0.0.1:0", "--log-level", "debug"]);
    let address = address(&server);
    server.register("alice", "x");
    server.login("alice", "x");
    server.login("alice", "y");
    server.login("bob", "y");
    let open = server.connect();
    server.wait_for("connection opened conn=5");
    server.wait_for("connection closed conn=4");
    let text = metrics(&address);
    for line in [
        "authscope_connections_accepted_total 5",
        "authscope_connections_open 1",
        "authscope_connections_closed_total{reason=\"client\"} 4",
        "authscope_requests_total{action=\"registration\",outcome=\"registered\"} 1",
        "authscope_requests_total{action=\"login\",outcome=\"login successful\"} 1",
        "authscope_requests_total{action=\"login\",outcome=\"wrong password\"} 1",
        "authscope_requests_total{action=\"login\",outcome=\"no such user\"} 1",
        "authscope_hash_seconds_count 3",
        "authscope_sync_seconds_count 1",
        "authscope_registrations_stored_total 1",
        "authscope_users 1",
        "authscope_hash_queue_depth 0",
        "authscope_request_seconds_count{action=\"login\"} 3",
        "# HELP authscope_hash_queue_depth Passwords that wait to be hashed",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
    assert!(!text.contains("alice"), "no names: {text}");
    drop(open);
}

#[test]
fn an_address_in_use_is_said() {
    let place = Place::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let output = place.refused(&["--metrics", &taken.local_addr().unwrap().to_string()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        crate::programs::stderr(&output).contains("cannot offer metrics on"),
        "{}",
        crate::programs::stderr(&output)
    );
}

#[test]
fn health_and_readiness_mean_something() {
    let place = Place::new();
    let mut server = place.start(&["--metrics", "127.0.0.1:0"]);
    let address = address(&server);
    // "Listening" is said a moment before the first connection can be accepted.
    let deadline = Instant::now() + PATIENCE;
    while page(&address, "/readyz").1.ends_with("starting\n") {
        assert!(Instant::now() < deadline, "it goes on starting");
    }
    for path in ["/healthz", "/readyz"] {
        let (status, text) = page(&address, path);
        assert_eq!(status, "HTTP/1.1 200 OK");
        assert!(text.ends_with("\r\n\r\nok\n"), "{text}");
    }
    for path in ["/", "/metricsx", "/metrics/", "/health"] {
        assert_eq!(page(&address, path).0, "HTTP/1.1 404 Not Found", "{path}");
    }
    let mut stream = TcpStream::connect(&address).unwrap();
    write!(
        stream,
        "POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"
    )
    .unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    assert!(text.starts_with("HTTP/1.1 405"), "{text}");
    // A file that somebody else has put in place of the passwd file: nothing can be stored.
    assert_eq!(server.register("alice", "x"), "yes: registered");
    let aside = place.path("aside");
    std::fs::rename(place.passwd(), &aside).unwrap();
    assert!(server.register("bob", "x").starts_with("no: "));
    let (status, text) = page(&address, "/readyz");
    assert_eq!(status, "HTTP/1.1 503 Service Unavailable");
    assert!(text.ends_with("registrations cannot be stored\n"), "{text}");
    assert_eq!(page(&address, "/healthz").0, "HTTP/1.1 200 OK");
    std::fs::rename(&aside, place.passwd()).unwrap();
    assert_eq!(server.register("bob", "x"), "yes: registered");
    assert_eq!(page(&address, "/readyz").0, "HTTP/1.1 200 OK");
    assert_eq!(server.stop().code(), Some(0));
}

#[test]
fn a_server_that_stops_is_not_ready_and_still_tells() {
    let place = Place::new();
    let mut server = place.start(&[
        "--metrics",
        "127.0.0.1:0",
        "--request-timeout",
        "60",
        "--drain-timeout",
        "60",
    ]);
    let address = address(&server);
    let mut half = server.connect();
    half.write_all(&[0, 0, 0, 58]).unwrap();
    let mut hog = server.connect();
    hog.set_write_timeout(Some(std::time::Duration::from_millis(500)))
        .unwrap();
    let login = crate::programs::request(authscope::protocol::Action::Login, "a", "x");
    while hog.write_all(&login.as_ref().repeat(1000)).is_ok() {}
    server.signal(rustix::process::Signal::TERM);
    let deadline = Instant::now() + PATIENCE;
    loop {
        let (status, text) = page(&address, "/readyz");
        if status.contains("503") {
            assert!(text.ends_with("stopping\n"), "{text}");
            break;
        }
        assert!(Instant::now() < deadline, "{text}");
    }
    drop((half, hog));
    assert_eq!(server.stop_status(), Some(0));
}

#[test]
fn idle_connections_do_not_keep_the_page_from_others() {
    let place = Place::new();
    let server = place.start(&["--metrics", "127.0.0.1:0"]);
    let address = address(&server);
    let descriptors = || {
        let path = format!("/proc/{}/fd", server.pid());
        std::fs::read_dir(path).unwrap().count()
    };
    let before = descriptors();
    let mut idle: Vec<_> = (0..100)
        .map(|_| TcpStream::connect(&address).unwrap())
        .collect();
    let deadline = Instant::now() + PATIENCE;
    while descriptors() < before + 8 {
        assert!(Instant::now() < deadline);
    }
    assert_eq!(descriptors(), before + 8, "8 at once");
    // Those that say nothing are closed after a while, and make room.
    let mut first = idle.remove(0);
    first.set_read_timeout(Some(PATIENCE)).unwrap();
    let _ = first.read(&mut [0]);
    drop(idle);
    assert!(metrics(&address).contains("authscope_users 0"));
}
