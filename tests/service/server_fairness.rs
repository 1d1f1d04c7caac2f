//! However many requests of one address wait, other addresses are served in turn. Nothing is computed for clients that
//! have gone.

use std::io::Write;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use crate::programs::{PATIENCE, Place, Server, described, receive, request};
use crate::proxied::{PROXIED, connect, from, header};
use authscope::protocol::Action;
use serde_json::Value;

/// One hash after the other, each of some 200 ms: a test whose thread gets its turn late finds the server with
/// enough left to do all the same.
const DEAR: [&str; 4] = ["--hash-threads", "1", "--argon2-passes", "12"];

/// Requests of the address that has many.
const FLOOD: usize = 100;

/// A server that tells in its log, in their order, who came and who was answered.
fn start(place: &Place) -> Server {
    let log = [
        "--log-format",
        "json",
        "--log-level",
        "debug",
        "--log-rate",
        "0",
    ];
    let server = place.start(&[&PROXIED[..], &DEAR, &log].concat());
    let registered = from(&server, "198.51.100.7", Action::Register, "alice", "x");
    assert_eq!(registered, "yes: registered");
    server
}

/// Connects from `client` and asks for a login in one go.
fn ask(server: &Server, client: &str) -> TcpStream {
    let mut stream = server.connect();
    let login = request(Action::Login, "alice", "x");
    let octets = [&header(1, client), login.as_ref()].concat();
    stream.write_all(&octets).unwrap();
    stream
}

/// Many requests of one address, of which the server has answered the first that it came to.
fn flood(server: &Server) -> Vec<TcpStream> {
    let flood = (0..FLOOD).map(|_| ask(server, "192.0.2.1")).collect();
    let deadline = Instant::now() + PATIENCE;
    while !server.log().contains(r#""message":"login""#) {
        assert!(Instant::now() < deadline, "{}", server.log());
        std::thread::sleep(Duration::from_millis(5));
    }
    flood
}

/// How many logins of others were answered between the connection from `client`, which asks for one, and its answer, as
/// the server's log tells.
fn answered_before(server: &Server, client: &str) -> usize {
    let of = |value: &Value| {
        value
            .as_str()
            .is_some_and(|address| address.starts_with(client))
    };
    let deadline = Instant::now() + PATIENCE;
    loop {
        let log = server.log();
        let lines: Vec<Value> = log
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let came = lines.iter().rposition(|line| of(&line["client"]));
        let since = lines[came.unwrap_or(0)..].iter();
        let logins: Vec<_> = since.filter(|line| line["message"] == "login").collect();
        if let Some(before) = logins.iter().position(|login| of(&login["peer"])) {
            return before;
        }
        assert!(Instant::now() < deadline, "{log}");
    }
}

/// A server that serves in order of arrival answers what is left of the flood first: nearly all of it.
const FEW: usize = 10;

#[test]
fn an_address_with_one_request_does_not_wait_for_one_with_many() {
    let place = Place::new();
    let server = start(&place);
    let _flood = flood(&server);
    let mut honest = ask(&server, "198.51.100.7");
    assert_eq!(described(&receive(&mut honest)), "yes: login successful");
    let before = answered_before(&server, "198.51.100.7");
    assert!(before <= FEW, "{before} of {FLOOD} before the one");
}

#[test]
fn who_closes_one_side_early_is_answered_and_does_not_wait_for_strangers() {
    let place = Place::new();
    let server = start(&place);
    let _flood = flood(&server);
    // As `nc -N` does: nothing more will be sent, and the answer is waited for.
    let mut half = ask(&server, "198.51.100.7");
    half.shutdown(Shutdown::Write).unwrap();
    assert_eq!(described(&receive(&mut half)), "yes: login successful");
    let before = answered_before(&server, "198.51.100.7");
    assert!(before <= FEW, "{before} of {FLOOD} before the one");
}

#[test]
fn a_full_queue_is_full_for_those_who_filled_it() {
    let place = Place::new();
    let queue = ["--hash-queue", "16"];
    let server = place.start(&[&PROXIED[..], &DEAR, &queue].concat());
    let home = "198.51.100.7";
    let registered = from(&server, home, Action::Register, "alice", "x");
    assert_eq!(registered, "yes: registered");
    let login = request(Action::Login, "alice", "x");
    let mut flood: Vec<_> = (0..60).map(|_| connect(&server, "192.0.2.1")).collect();
    for stream in &mut flood {
        stream.write_all(login.as_ref()).unwrap();
    }
    for _ in 0..3 {
        let answer = from(&server, home, Action::Login, "alice", "x");
        assert_eq!(answer, "yes: login successful");
    }
    let mut answers = flood.iter_mut().rev().map(|s| described(&receive(s)));
    assert!(answers.any(|answer| answer == "no: server busy, try again"));
}

#[test]
fn what_nobody_waits_for_is_not_computed() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let metrics = free.local_addr().unwrap().to_string();
    drop(free);
    let place = Place::new();
    let server = place.start(&[&DEAR[..], &["--metrics", &metrics]].concat());
    assert_eq!(server.register("alice", "x"), "yes: registered");
    let login = request(Action::Login, "alice", "x");
    for _ in 0..200 {
        let mut stream = server.connect();
        stream.write_all(login.as_ref()).unwrap();
        // Closing resets the connection.
        rustix::net::sockopt::set_socket_linger(&stream, Some(std::time::Duration::ZERO)).unwrap();
    }
    assert_eq!(server.login("alice", "x"), "yes: login successful");
    let deadline = Instant::now() + PATIENCE;
    let hashes = loop {
        let page = page(&metrics);
        if number(&page, "authscope_hash_queue_depth") == 0 {
            break number(&page, "authscope_hash_seconds_count");
        }
        assert!(Instant::now() < deadline, "{page}");
    };
    assert!(
        hashes < 100,
        "{hashes} hashes for 2 requests that were waited for"
    );
}

fn page(address: &str) -> String {
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    stream
        .write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        .unwrap();
    let mut text = String::new();
    std::io::Read::read_to_string(&mut stream, &mut text).unwrap();
    text
}

fn number(page: &str, name: &str) -> u64 {
    let line = page
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.expect(name).parse().unwrap()
}
