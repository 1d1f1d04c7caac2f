//! However much one address has waiting, another is served in its turn; what nobody waits for is
//! not computed.

use std::io::Write;
use std::net::{Shutdown, TcpListener, TcpStream};

use crate::programs::{PATIENCE, Place, described, receive, request};
use crate::proxied::{PROXIED, connect, from};
use authscope::protocol::Action;

#[test]
fn an_address_with_one_request_does_not_wait_for_one_with_many() {
    let place = Place::new();
    let server = place.start(&[&PROXIED[..], &["--hash-threads", "1"]].concat());
    let home = "198.51.100.7";
    let registered = from(&server, home, Action::Register, "alice", "x");
    assert_eq!(registered, "yes: registered");
    let login = request(Action::Login, "alice", "x");
    let mut flood: Vec<_> = (0..100).map(|_| connect(&server, "192.0.2.1")).collect();
    for stream in &mut flood {
        stream.write_all(login.as_ref()).unwrap();
    }
    // Ready to be asked, but for what is asked.
    let mut honest = connect(&server, home);
    receive(&mut flood[0]);
    honest.write_all(login.as_ref()).unwrap();
    assert_eq!(described(&receive(&mut honest)), "yes: login successful");
    let answered = answered(&flood[1..]);
    assert!(answered < 50, "{answered} of 99 before the one");
}

/// How many of the connections have an answer.
fn answered(streams: &[TcpStream]) -> usize {
    let has_one = |stream: &&TcpStream| {
        stream.set_nonblocking(true).unwrap();
        stream.peek(&mut [0]).is_ok_and(|octets| octets > 0)
    };
    streams.iter().filter(has_one).count()
}

#[test]
fn who_closes_one_side_early_is_answered_and_does_not_wait_for_strangers() {
    let place = Place::new();
    let server = place.start(&[&PROXIED[..], &["--hash-threads", "1"]].concat());
    let home = "198.51.100.7";
    let registered = from(&server, home, Action::Register, "alice", "x");
    assert_eq!(registered, "yes: registered");
    let login = request(Action::Login, "alice", "x");
    let ask = |client| {
        let mut stream = connect(&server, client);
        stream.write_all(login.as_ref()).unwrap();
        stream
    };
    let mut flood: Vec<_> = (0..100).map(|_| ask("192.0.2.1")).collect();
    receive(&mut flood[0]);
    // As `nc -N` does: nothing more will be sent, and the answer is waited for.
    let mut half = ask(home);
    half.shutdown(Shutdown::Write).unwrap();
    assert_eq!(described(&receive(&mut half)), "yes: login successful");
    let others = answered(&flood[1..]);
    assert!(others < 50, "{others} of 99 before the one");
    for stream in &mut flood[1..] {
        stream.set_nonblocking(false).unwrap();
        assert_eq!(described(&receive(stream)), "yes: login successful");
    }
}

#[test]
fn a_full_queue_is_full_for_those_who_filled_it() {
    let place = Place::new();
    let arguments = ["--hash-threads", "1", "--hash-queue", "16"];
    let server = place.start(&[&PROXIED[..], &arguments].concat());
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
    let answers: Vec<_> = flood.iter_mut().map(|s| described(&receive(s))).collect();
    assert!(answers.contains(&"no: server busy, try again".into()));
}

#[test]
fn what_nobody_waits_for_is_not_computed() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let metrics = free.local_addr().unwrap().to_string();
    drop(free);
    let place = Place::new();
    let server = place.start(&["--hash-threads", "1", "--metrics", &metrics]);
    assert_eq!(server.register("alice", "x"), "yes: registered");
    let login = request(Action::Login, "alice", "x");
    for _ in 0..200 {
        let mut stream = server.connect();
        stream.write_all(login.as_ref()).unwrap();
        // Closing resets the connection.
        rustix::net::sockopt::set_socket_linger(&stream, Some(std::time::Duration::ZERO)).unwrap();
    }
    assert_eq!(server.login("alice", "x"), "yes: login successful");
    let deadline = std::time::Instant::now() + PATIENCE;
    let hashes = loop {
        let page = page(&metrics);
        if number(&page, "authscope_hash_queue_depth") == 0 {
            break number(&page, "authscope_hash_seconds_count");
        }
        assert!(std::time::Instant::now() < deadline, "{page}");
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
