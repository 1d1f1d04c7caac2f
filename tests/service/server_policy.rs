//! What an operator can turn off: registration, and the difference between the two reasons of a failed login.

use std::time::{Duration, Instant};

use authscope::accounts::{Hasher, Scheme, Stored};

use crate::programs::Place;

#[test]
fn registration_can_be_closed() {
    let place = Place::new();
    place.start(&[]).register("alice", "x");
    let server = place.start(&["--no-registration"]);
    assert_eq!(server.register("bob", "x"), "no: registration is closed");
    assert_eq!(server.register("alice", "x"), "no: registration is closed");
    assert_eq!(server.login("alice", "x"), "yes: login successful");
    assert_eq!(crate::programs::users(&place.passwd()), ["alice"]);
}

#[test]
fn failures_can_be_made_alike() {
    let place = Place::new();
    let server = place.start(&[
        "--uniform-failures",
        "--hash-threads",
        "1",
        "--hash-queue",
        "1",
        "--argon2-passes",
        "6",
    ]);
    server.register("alice", "x");
    let alike = "no: wrong user name or password";
    assert_eq!(server.login("alice", "y"), alike);
    assert_eq!(server.login("nobody", "y"), alike);
    assert_eq!(server.login("alice", "x"), "yes: login successful");
    // An unknown user takes a hash as well: with one thread and a queue of one, many at once are told
    // that the server is busy, which a bare look-up never is.
    let answers: Vec<String> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..30)
            .map(|n| {
                scope.spawn({
                    let server = &server;
                    move || server.login(&format!("no{n}"), "y")
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    assert!(
        answers
            .iter()
            .any(|answer| answer == "no: server busy, try again"),
        "{answers:?}"
    );
    assert!(answers.iter().any(|answer| answer == alike), "{answers:?}");
}

#[test]
fn a_disabled_user_is_not_told_from_one_that_fails() {
    let place = Place::new();
    place.start(&[]).register("alice", "x");
    assert!(place.users(&["disable", "alice"], "").status.success());
    let mut server = place.start(&[]);
    assert_eq!(server.login("alice", "x"), "no: this user is disabled");
    server.stop();
    let server = place.start(&["--uniform-failures", "--max-failures", "2"]);
    let alike = "no: wrong user name or password";
    assert_eq!(server.login("alice", "x"), alike);
    // It counts as a failure, as every other one does.
    assert_eq!(server.login("alice", "y"), alike);
    let answer = server.login("alice", "z");
    assert!(answer.starts_with("no: too many failed logins"), "{answer}");
}

#[test]
fn alike_means_in_the_time_of_the_slowest_scheme() {
    // A few times what new hashes cost.
    let slow = Scheme::Argon2id {
        memory_kib: 19_456,
        passes: 6,
        lanes: 1,
    };
    let mut hasher = Hasher::new(slow);
    let slow = hasher.hash(b"right").unwrap();
    let quick = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    let place = Place::new();
    place.write(format!("slow:{slow}\nquick:{quick}\n"));
    // Waiting costs nobody anything here: one at a time is asked for.
    let server = place.start(&["--uniform-failures", "--max-failures", "0"]);
    assert_eq!(server.login("slow", "x"), "no: wrong user name or password");
    // Whatever else the machine has to do makes these longer, never shorter.
    let stored = Stored::parse(&slow).unwrap();
    let costs = (0..5).map(|_| {
        let started = Instant::now();
        assert!(!hasher.verify(b"x", &stored).unwrap());
        started.elapsed()
    });
    let cost = costs.min().unwrap();
    assert!(cost > Duration::from_millis(1));
    for name in ["quick", "nobody", "slow"] {
        let started = Instant::now();
        let answer = server.login(name, "x");
        let took = started.elapsed();
        assert_eq!(answer, "no: wrong user name or password");
        assert!(took >= cost, "{name}: {took:?}, less than {cost:?}");
    }
}
