//! A login replaces an old or weak hash on disk with a better one.

use crate::need::skip;
use crate::programs::{Place, stderr, users};

const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

#[test]
fn a_plain_digest_becomes_argon2id_at_the_next_login() {
    let place = Place::new();
    place.write(format!("alice:{ABC}\nbob:{ABC}\n"));
    let mut server = place.start(&[]);
    assert_eq!(server.login("alice", "wrong"), "no: wrong password");
    assert!(
        place
            .text()
            .starts_with(&format!("alice:{ABC}\nbob:{ABC}\n:c 0 "))
    );
    assert_eq!(server.login("alice", "abc"), "yes: login successful");
    assert!(
        place
            .text()
            .contains("alice:$argon2id$v=19$m=19456,t=2,p=1$")
    );
    // The old hash does not stay long, though nothing else happens.
    let text = place.wait_for(|text| text.matches(ABC).count() == 1);
    assert!(
        text.contains("\nalice:$argon2id$v=19$m=19456,t=2,p=1$"),
        "{text}"
    );
    assert_eq!(server.login("alice", "wrong"), "no: wrong password");
    assert_eq!(server.login("alice", "abc"), "yes: login successful");
    assert_eq!(place.text(), text, "a hash that is good enough stays");
    assert_eq!(server.register("carol", "x"), "yes: registered");
    assert_eq!(server.register("alice", "x"), "no: user name taken");
    server.kill();
    let server = place.start(&[]);
    for (name, password) in [("alice", "abc"), ("bob", "abc"), ("carol", "x")] {
        assert_eq!(server.login(name, password), "yes: login successful");
    }
    let mut names = users(&place.passwd());
    names.sort();
    assert_eq!(names, ["alice", "bob", "carol"]);
    place.wait_for(|text| !text.contains(ABC));
}

#[test]
fn the_file_that_is_written_anew_has_the_old_ones_mode_and_owner() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
    let place = Place::new();
    place.write(format!("alice:{ABC}\n"));
    let mode = std::fs::Permissions::from_mode(0o640);
    std::fs::set_permissions(place.passwd(), mode).unwrap();
    if let Err(error) = chown(place.passwd(), Some(1234), Some(4321)) {
        skip("root", format!("a file cannot be given away: {error}"));
        return;
    }
    let server = place.start(&[]);
    assert_eq!(server.login("alice", "abc"), "yes: login successful");
    place.wait_for(|text| !text.contains(ABC));
    let file = std::fs::metadata(place.passwd()).unwrap();
    assert_eq!((file.uid(), file.gid()), (1234, 4321));
    assert_eq!(file.mode() & 0o7777, 0o640);
    // The lock is on the file that stands there now.
    let second = place.refused(&[]);
    assert_eq!(second.status.code(), Some(2));
    let holder = format!("process {} holds it", server.pid());
    assert!(stderr(&second).contains(&holder), "{}", stderr(&second));
}

#[test]
fn weaker_parameters_and_other_schemes_are_replaced() {
    let place = Place::new();
    let weak: &[&str] = &["--argon2-memory", "7168", "--argon2-passes", "5"];
    let mut server = place.start(weak);
    assert_eq!(server.register("alice", "x"), "yes: registered");
    assert!(place.text().contains("$m=7168,t=5,p=1$"));
    server.stop();
    for (arguments, scheme) in [
        (&[][..], "alice:$argon2id$v=19$m=19456,t=2,p=1$"),
        (weak, "alice:$argon2id$v=19$m=19456,t=2,p=1$"),
        (
            &["--hash", "pbkdf2-sha256"],
            "alice:$pbkdf2-sha256$i=600000,l=32$",
        ),
        (
            &["--hash", "pbkdf2-sha256", "--pbkdf2-rounds", "650000"],
            "alice:$pbkdf2-sha256$i=650000,l=32$",
        ),
        (&[], "alice:$argon2id$v=19$m=19456,t=2,p=1$"),
    ] {
        let mut server = place.start(arguments);
        assert_eq!(server.login("alice", "x"), "yes: login successful");
        server.stop();
        let text = place.text();
        assert!(
            text.lines().any(|line| line.starts_with(scheme)),
            "{scheme}: {text}"
        );
        assert_eq!(
            text.matches('$').count(),
            scheme.matches('$').count() + 1,
            "{text}"
        );
        assert_eq!(users(&place.passwd()), ["alice"]);
    }
}

#[test]
fn what_the_earlier_format_left_half_done_is_finished() {
    // The four states that a file of the earlier format goes through, and each with the next step
    // half done.
    let new = format!("alice:{}", ABC.to_uppercase());
    let old = format!("alice:{ABC}");
    let dead: String = ":".repeat(old.len());
    for (text, alive) in [
        (format!("{old}\n:={new}"), 1),
        (format!("{old}\n:={new}\n"), 1),
        (format!(":{}\n:={new}\n", &old[1..]), 1),
        (format!(":::::::{}\n:={new}\n", &old[7..]), 1),
        (format!(":{}\n:\n{new}\n", &old[1..]), 1),
        (format!("{dead}\n:={new}\n"), 1),
        (format!("{dead}\n:\n{new}\n"), 1),
        // The machine stopped, and that the old line is out of use did not reach the disk.
        (format!("{old}\n:\n{new}\n"), 1),
    ] {
        let place = Place::new();
        place.write(&text);
        let mut server = place.start(&[]);
        assert_eq!(
            server.register("alice", "y"),
            "no: user name taken",
            "{text}"
        );
        assert_eq!(
            server.login("alice", "abc"),
            "yes: login successful",
            "{text}"
        );
        server.stop();
        assert_eq!(users(&place.passwd()).len(), alive, "{text}");
        let text = place.text();
        assert!(!text.contains(":=") && !text.contains("::"), "{text}");
    }
}

#[test]
fn many_upgrades_at_once() {
    let place = Place::new();
    let lines: Vec<String> = (0..40).map(|n| format!("user{n}:{ABC}\n")).collect();
    place.write(lines.concat());
    let mut server = place.start(&[]);
    std::thread::scope(|scope| {
        for n in 0..40 {
            let server = &server;
            // Two logins of each user at the same time: one of them replaces the hash.
            for _ in 0..2 {
                scope.spawn(move || {
                    assert_eq!(
                        server.login(&format!("user{n}"), "abc"),
                        "yes: login successful"
                    );
                });
            }
        }
    });
    server.stop();
    assert_eq!(place.text().matches("$argon2id$").count(), 40);
    assert!(!place.text().contains(ABC));
    let server = place.start(&[]);
    assert!(server.log().contains("users=40"), "{}", server.log());
}
