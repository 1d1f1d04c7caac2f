//! Counters and times on a Prometheus page, on an address of its own, only where it was asked for.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use crate::programs::Place;

fn page(address: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream
        .write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        .unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    assert!(text.starts_with("HTTP/1.1 200"), "{text}");
    text
}

#[test]
fn what_happened_is_on_the_page() {
    // A port that was free a moment ago.
    let address = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .to_string();
    let place = Place::new();
    let server = place.start(&["--metrics", &address]);
    server.register("alice", "x");
    server.login("alice", "x");
    server.login("alice", "y");
    server.login("bob", "y");
    let open = server.connect();
    server.wait_for("connection opened conn=5");
    server.wait_for("connection closed conn=4");
    let text = page(&address);
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
