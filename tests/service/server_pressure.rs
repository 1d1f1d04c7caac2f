//! Idle connections are closed for active ones, and the server's memory for a client that does not read is bounded.

use std::io::{Read, Write};
use std::net::TcpStream;

use crate::programs::{Place, described, receive, request};
use authscope::protocol::Action;

fn ask(stream: &mut TcpStream) -> String {
    let login = request(Action::Login, "alice", "x");
    stream.write_all(login.as_ref()).unwrap();
    described(&receive(stream))
}

#[test]
fn silent_connections_give_way_the_oldest_first() {
    let place = Place::new();
    let server = place.start(&["--max-connections", "4"]);
    let mut asked = server.connect();
    assert_eq!(ask(&mut asked), "no: no such user");
    let mut silent: Vec<_> = (0..3).map(|_| server.connect()).collect();
    // One after the other, they all find a place.
    let mut late = Vec::new();
    for _ in 0..2 {
        let mut stream = server.connect();
        assert_eq!(ask(&mut stream), "no: no such user");
        late.push(stream);
    }
    for stream in &mut silent[..2] {
        assert_eq!(stream.read(&mut [0]).unwrap_or(0), 0, "closed");
    }
    assert_eq!(ask(&mut asked), "no: no such user");
    server.wait_for("80 % of all connections are open");
}

#[test]
fn the_first_request_has_little_time_under_pressure() {
    let place = Place::new();
    let server = place.start(&["--max-connections", "5"]);
    let mut asked = server.connect();
    assert_eq!(ask(&mut asked), "no: no such user");
    // Nobody else wants a place; yet they go long before the 300 s of --idle-timeout.
    let mut silent: Vec<_> = (0..3).map(|_| server.connect()).collect();
    for stream in &mut silent {
        assert_eq!(stream.read(&mut [0]).unwrap_or(0), 0, "closed");
    }
    assert_eq!(ask(&mut asked), "no: no such user");
}

#[test]
fn an_exempt_connection_stays() {
    let place = Place::new();
    let server = place.start(&["--max-connections", "2", "--throttle-exempt", "127.0.0.1"]);
    let mut silent = [server.connect(), server.connect()];
    std::thread::sleep(std::time::Duration::from_secs(6));
    for stream in &mut silent {
        assert_eq!(ask(stream), "no: no such user");
    }
}

/// Bytes that the system holds for the peer of the connection between these ports, from
/// `/proc/net/tcp`.
fn unsent(local: u16, remote: u16) -> Option<usize> {
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let ends = (format!(":{local:04X}"), format!(":{remote:04X}"));
    table.lines().find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let here = fields.get(1)?.ends_with(&ends.0) && fields.get(2)?.ends_with(&ends.1);
        let queue = fields.get(4)?.split(':').next()?;
        here.then(|| usize::from_str_radix(queue, 16).unwrap())
    })
}

#[test]
fn little_is_held_for_a_client_that_does_not_read() {
    let place = Place::new();
    let server = place.start(&["--max-failures", "0", "--request-timeout", "20"]);
    let stream = server.connect();
    let mut writer = stream.try_clone().unwrap();
    let requests: Vec<u8> = (0..1000)
        .flat_map(|_| request(Action::Login, "a", "x").as_ref().to_vec())
        .collect();
    // Until nothing can be sent for a second, because the server has stopped reading.
    let second = std::time::Duration::from_secs(1);
    writer.set_write_timeout(Some(second)).unwrap();
    while writer.write_all(&requests).is_ok() {}
    let held = unsent(server.address.port(), stream.local_addr().unwrap().port());
    let held = held.expect("the connection is open");
    assert!((1..256 * 1024).contains(&held), "{held} bytes");
}
