//! Passwords are wiped from the server's memory once they are answered.

use std::io::{Read, Seek, SeekFrom, Write};
use std::time::Instant;

use crate::need::skip;
use crate::programs::{PATIENCE, Place, Server, described, receive, request};
use authscope::protocol::Action;

/// The part of each password that is looked for. The test's own copies are in another process.
const MARK: &str = "mark-4kV9z";

/// How often the mark stands in what the server can write to; nothing where the system does not let us look.
fn copies(server: &Server) -> Option<usize> {
    let process = format!("/proc/{}", server.pid());
    let mut memory = std::fs::File::open(format!("{process}/mem")).ok()?;
    let maps = std::fs::read_to_string(format!("{process}/maps")).ok()?;
    let mut found = 0;
    for line in maps.lines() {
        let mut words = line.split_whitespace();
        let (range, rights) = (words.next()?, words.next()?);
        if !rights.starts_with("rw") {
            continue;
        }
        let (from, to) = range.split_once('-')?;
        let [from, to] = [from, to].map(|at| u64::from_str_radix(at, 16).expect("an address"));
        let mut octets = vec![0; usize::try_from(to - from).expect("a size")];
        // A mapping can go, or have no memory behind it, between the two looks.
        if memory.seek(SeekFrom::Start(from)).is_ok() && memory.read_exact(&mut octets).is_ok() {
            found += memchr::memmem::find_iter(&octets, MARK.as_bytes()).count();
        }
    }
    Some(found)
}

fn wait_until(server: &Server, what: &str, done: impl Fn(usize) -> bool) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let found = copies(server).expect("it could be read before");
        if done(found) {
            return;
        }
        assert!(Instant::now() < deadline, "{what}: {found} copies");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

#[test]
fn no_answered_password_stays_in_memory() {
    let place = Place::new();
    let server = place.start(&["--max-failures", "2"]);
    if copies(&server).is_none() {
        skip("root", "the memory of a process that is not dumpable");
        return;
    }
    let right = format!("{MARK}-right");
    // A request that is not whole is held: the search finds what is there.
    let whole = request(Action::Register, "alice", &right);
    let (most, last) = whole.as_ref().split_at(57);
    let mut stream = server.connect();
    stream.write_all(most).unwrap();
    wait_until(&server, "a request that waits", |found| found > 0);
    stream.write_all(last).unwrap();
    assert_eq!(described(&receive(&mut stream)), "yes: registered");
    wait_until(&server, "a registration, connection open", |found| {
        found == 0
    });

    let mut answers = Vec::new();
    for password in ["right", "wrong", "other", "third", "fourth"] {
        let request = request(Action::Login, "alice", &format!("{MARK}-{password}"));
        stream.write_all(request.as_ref()).unwrap();
        answers.push(described(&receive(&mut stream)));
    }
    assert_eq!(answers[0], "yes: login successful");
    assert_eq!(answers[1], "no: wrong password");
    assert!(answers[4].contains("try again"), "{answers:?}");
    wait_until(&server, "logins, connection open", |found| found == 0);

    // Given up half-way.
    let request = request(Action::Login, "alice", &right);
    stream.write_all(&request.as_ref()[..57]).unwrap();
    wait_until(&server, "a second request that waits", |found| found > 0);
    drop(stream);
    wait_until(&server, "a connection closed half-way", |found| found == 0);
}
