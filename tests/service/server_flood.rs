//! A flood of logins takes no more memory than a few of them.

use std::io::Write;

use crate::programs::{Place, Server, described, receive, request};
use authscope::protocol::Action;

/// KiB that the server has in use.
fn memory(server: &Server) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

fn flood(server: &Server, connections: usize, each: usize) -> usize {
    let login = request(Action::Login, "alice", "x");
    let mut streams: Vec<_> = (0..connections).map(|_| server.connect()).collect();
    let mut answered = 0;
    for stream in &mut streams {
        for _ in 0..each {
            stream.write_all(login.as_ref()).unwrap();
        }
    }
    for stream in &mut streams {
        for _ in 0..each {
            let answer = described(&receive(stream));
            assert!(
                ["yes: login successful", "no: server busy, try again"].contains(&&*answer),
                "{answer}"
            );
            answered += 1;
        }
    }
    answered
}

#[test]
fn memory_stays_flat() {
    let place = Place::new();
    let server = place.start(&["--hash-threads", "2", "--hash-queue", "50"]);
    assert_eq!(server.register("alice", "x"), "yes: registered");
    // The hashing threads get their memory, 19 MiB each, and keep it.
    flood(&server, 100, 1);
    let before = memory(&server);
    assert_eq!(flood(&server, 100, 8), 800);
    let after = memory(&server);
    assert!(after < before + 8 * 1024, "{before} KiB, then {after} KiB");
}
