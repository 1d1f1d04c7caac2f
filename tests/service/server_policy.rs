//! What an operator can close: registration, and the difference between the two ways to fail.

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
