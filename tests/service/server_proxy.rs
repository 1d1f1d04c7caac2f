//! Behind a proxy: clients are told apart by the addresses that a trusted proxy sends. No other sender's addresses are
//! believed.

use std::io::{Read, Write};

use crate::programs::{Place, described, receive, request};
use crate::proxied::{PROXIED, connect, from, header};
use authscope::protocol::Action;

#[test]
fn a_trusted_proxy_says_who_asks() {
    let place = Place::new();
    let server = place.start(&PROXIED);
    for (version, client) in [
        (1, "192.0.2.1"),
        (2, "192.0.2.2"),
        (1, "2001:db8::1"),
        (2, "2001:db8::2"),
    ] {
        let mut stream = server.connect();
        let login = request(Action::Login, "alice", "x");
        // In two portions, cut within the header.
        let octets = [&header(version, client)[..], login.as_ref()].concat();
        let (one, other) = octets.split_at(9);
        stream.write_all(one).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(20));
        stream.write_all(other).unwrap();
        assert_eq!(described(&receive(&mut stream)), "no: no such user");
        server.wait_for(client);
    }
    // Byte by byte.
    for version in [1, 2] {
        let client = format!("192.0.2.{}", 10 + version);
        let mut stream = server.connect();
        stream.set_nodelay(true).unwrap();
        for octet in header(version, &client) {
            stream.write_all(&[octet]).unwrap();
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        let login = request(Action::Login, "alice", "x");
        stream.write_all(login.as_ref()).unwrap();
        assert_eq!(described(&receive(&mut stream)), "no: no such user");
        server.wait_for(&format!("peer={client}:"));
    }
    // A health check of the proxy's own.
    let mut stream = server.connect();
    stream.write_all(b"PROXY UNKNOWN\r\n").unwrap();
    let login = request(Action::Login, "alice", "x");
    stream.write_all(login.as_ref()).unwrap();
    assert_eq!(described(&receive(&mut stream)), "no: no such user");
}

#[test]
fn limits_hold_for_the_client_and_not_for_the_proxy() {
    let place = Place::new();
    let server = place.start(&[&PROXIED[..], &["--max-per-address", "1"]].concat());
    let ask = |client| from(&server, client, Action::Login, "alice", "x");
    let mut held = connect(&server, "192.0.2.1");
    let login = request(Action::Login, "alice", "x");
    held.write_all(login.as_ref()).unwrap();
    assert_eq!(described(&receive(&mut held)), "no: no such user");
    assert_eq!(ask("192.0.2.2"), "no: no such user");
    let mut second = connect(&server, "192.0.2.1");
    assert_eq!(second.read(&mut [0]).unwrap_or(0), 0, "closed");
    server.wait_for("too many");
}

#[test]
fn without_a_header_a_trusted_proxy_is_refused() {
    let place = Place::new();
    let server = place.start(&PROXIED);
    for octets in [
        request(Action::Login, "alice", "x").as_ref(),
        b"PROXY TCP4 nonsense\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
    ] {
        let mut stream = server.connect();
        stream.write_all(octets).unwrap();
        assert_eq!(stream.read(&mut [0]).unwrap_or(0), 0, "closed, unanswered");
    }
}

#[test]
fn a_header_that_does_not_come_to_its_end_has_the_time_of_a_request() {
    let place = Place::new();
    let server = place.start(&[&PROXIED[..], &["--request-timeout", "0.5"]].concat());
    for version in [1, 2] {
        let mut stream = server.connect();
        let whole = header(version, "192.0.2.1");
        stream.write_all(&whole[..whole.len() - 1]).unwrap();
        assert_eq!(stream.read(&mut [0]).unwrap_or(0), 0, "closed, unanswered");
    }
    server.wait_for("request not complete in time");
}

#[test]
fn nobody_else_is_believed() {
    let place = Place::new();
    let server = place.start(&["--trusted-proxy", "192.0.2.0/24"]);
    let mut stream = server.connect();
    stream.write_all(&header(1, "192.0.2.1")).unwrap();
    assert_eq!(stream.read(&mut [0]).unwrap_or(0), 0, "closed, unanswered");
    assert_eq!(server.login("alice", "x"), "no: no such user");
    let refused = place.refused(&["--trusted-proxy", "lab"]);
    assert_eq!(refused.status.code(), Some(2));
    let said = crate::programs::stderr(&refused);
    assert!(said.contains("192.0.2.0/24"), "{said}");
}
