//! Failed logins make the next ones for that name from that address wait, and nobody else.

use std::io::Write;

use crate::programs::{Place, described, receive, request};
use authscope::protocol::Action;

#[test]
fn after_five_failures_the_answer_is_to_wait() {
    let place = Place::new();
    let server = place.start(&[]);
    assert_eq!(server.register("alice", "right"), "yes: registered");
    assert_eq!(server.register("bob", "right"), "yes: registered");
    for _ in 0..5 {
        assert_eq!(server.login("alice", "wrong"), "no: wrong password");
    }
    let wait = "no: too many failed logins, try again in 1 s";
    assert_eq!(server.login("alice", "wrong"), wait);
    assert_eq!(
        server.login("alice", "right"),
        wait,
        "the right password waits as well"
    );
    assert_eq!(server.login("bob", "right"), "yes: login successful");
    // When the time is over, a success makes everything as before.
    let mut answer = wait.to_owned();
    while answer == wait {
        std::thread::sleep(std::time::Duration::from_millis(50));
        answer = server.login("alice", "right");
    }
    assert_eq!(answer, "yes: login successful");
    for _ in 0..5 {
        assert_eq!(server.login("alice", "wrong"), "no: wrong password");
    }
}

#[test]
fn guessing_on_many_connections_at_once_does_not_help() {
    let place = Place::new();
    let server = place.start(&[]);
    assert_eq!(server.register("alice", "right"), "yes: registered");
    let mut streams: Vec<_> = (0..40).map(|_| server.connect()).collect();
    for (n, stream) in streams.iter_mut().enumerate() {
        let guess = request(Action::Login, "alice", &format!("guess{n}"));
        stream.write_all(guess.as_ref()).unwrap();
    }
    let answers: Vec<String> = streams.iter_mut().map(|s| described(&receive(s))).collect();
    let told = answers
        .iter()
        .filter(|a| *a == "no: wrong password")
        .count();
    let waits = answers
        .iter()
        .filter(|a| a.starts_with("no: too many failed logins"))
        .count();
    assert_eq!(told + waits, 40, "{answers:?}");
    // One more each time the wait is over, should the machine be that slow.
    assert!((5..=8).contains(&told), "{answers:?}");
}

#[test]
fn guessing_over_many_names_waits_too() {
    let place = Place::new();
    let server = place.start(&["--max-address-failures", "10"]);
    for n in 0..10 {
        assert_eq!(server.login(&format!("user{n}"), "x"), "no: no such user");
    }
    let answer = server.login("another", "x");
    assert!(answer.starts_with("no: too many failed logins"), "{answer}");
}
