//! If more passwords wait to be hashed than the queue holds, clients are told at once.

use std::io::Write;

use crate::programs::{Place, described, receive, request};
use authscope::protocol::Action;

#[test]
fn a_full_queue_is_said_at_once_and_counted() {
    let place = Place::new();
    // One hash takes some 200 ms, so that the queue is full however late the test's thread sends the last request.
    let mut server = place.start(&[
        "--hash-threads",
        "1",
        "--hash-queue",
        "2",
        "--argon2-passes",
        "12",
    ]);
    assert_eq!(server.register("alice", "x"), "yes: registered");
    let mut streams: Vec<_> = (0..40).map(|_| server.connect()).collect();
    let login = request(Action::Login, "alice", "x");
    for stream in &mut streams {
        stream.write_all(login.as_ref()).unwrap();
    }
    let answers: Vec<String> = streams.iter_mut().map(|s| described(&receive(s))).collect();
    let busy = answers
        .iter()
        .filter(|a| *a == "no: server busy, try again")
        .count();
    let good = answers
        .iter()
        .filter(|a| *a == "yes: login successful")
        .count();
    assert_eq!(busy + good, 40, "{answers:?}");
    assert!(busy >= 1 && good >= 2, "{answers:?}");
    // The connections are still good for another try.
    for stream in &mut streams {
        stream.write_all(login.as_ref()).unwrap();
        assert_ne!(described(&receive(stream)), "");
    }
    drop(streams);
    server.stop();
    server.wait_for("stopped");
    assert!(server.log().contains("busy="), "{}", server.log());
    assert!(!server.log().contains("busy=0"), "{}", server.log());
}
