//! Guessing passwords leads to waits, from whatever address it comes, and does not affect other users.

use std::io::Write;
use std::time::{Duration, Instant};

use crate::programs::{Place, described, receive, request};
use crate::proxied::{PROXIED, from};
use authscope::protocol::Action;

const WAITS: &str = "no: too many failed logins, try again in ";

#[test]
fn after_five_failures_the_answer_is_to_wait() {
    let place = Place::new();
    let server = place.start(&[]);
    assert_eq!(server.register("alice", "right"), "yes: registered");
    assert_eq!(server.register("bob", "right"), "yes: registered");
    for n in 0..5 {
        let answer = server.login("alice", &format!("wrong{n}"));
        assert_eq!(answer, "no: wrong password");
    }
    // The wait may be over before the next guess comes, should the machine be that slow: then it doubles.
    let started = Instant::now();
    let mut waits = 0;
    for n in 0..4 {
        let answer = server.login("alice", &format!("further{n}"));
        if answer.starts_with(WAITS) {
            waits += 1;
        } else {
            assert!(started.elapsed() >= Duration::from_secs(1), "{answer}");
        }
    }
    assert!(waits > 0, "four guesses took the time of four waits");
    let answer = server.login("alice", "right");
    assert!(
        answer.starts_with(WAITS) || started.elapsed() >= Duration::from_secs(1),
        "the right password waits as well: {answer}"
    );
    assert_eq!(server.login("bob", "right"), "yes: login successful");
    // When the time is over, a success makes everything as before.
    let mut answer = WAITS.to_owned();
    while answer.starts_with(WAITS) {
        std::thread::sleep(Duration::from_millis(50));
        answer = server.login("alice", "right");
    }
    assert_eq!(answer, "yes: login successful");
    for n in 0..5 {
        let answer = server.login("alice", &format!("wrong again {n}"));
        assert_eq!(answer, "no: wrong password");
    }
}

#[test]
fn the_same_wrong_password_is_no_further_guess() {
    let place = Place::new();
    let server = place.start(&["--max-address-failures", "10"]);
    assert_eq!(server.register("alice", "right"), "yes: registered");
    let started = Instant::now();
    for _ in 0..12 {
        assert_eq!(server.login("alice", "old"), "no: wrong password");
        assert_eq!(server.login("removed", "old"), "no: no such user");
    }
    // Yet it is answered later and later.
    assert!(started.elapsed() >= Duration::from_secs(1));
    assert_eq!(server.login("alice", "right"), "yes: login successful");
    assert_eq!(server.login("another", "x"), "no: no such user");
}

#[test]
fn guessing_on_many_connections_at_once_does_not_help() {
    let place = Place::new();
    let server = place.start(&[]);
    assert_eq!(server.register("alice", "right"), "yes: registered");
    let mut streams: Vec<_> = (0..40).map(|_| server.connect()).collect();
    let started = Instant::now();
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
    // One more each time the wait is over, should the machine be that slow: after 1 s, then 2 s, then 4 s more.
    let over = (started.elapsed().as_secs() + 1).ilog2() as usize + 1;
    assert!((5..=5 + over).contains(&told), "{answers:?}");
}

#[test]
fn guessing_over_many_names_waits_too_but_not_for_those_known_there() {
    let place = Place::new();
    let server = place.start(&["--max-address-failures", "10"]);
    assert_eq!(server.register("alice", "right"), "yes: registered");
    assert_eq!(server.login("alice", "right"), "yes: login successful");
    for n in 0..10 {
        assert_eq!(server.login(&format!("user{n}"), "x"), "no: no such user");
    }
    assert!(server.login("another", "x").starts_with("no: too many"));
    assert_eq!(server.login("alice", "right"), "yes: login successful");
    // What fails for her there is hers alone.
    drop(server);
    let server = place.start(&["--max-address-failures", "10"]);
    assert_eq!(server.login("alice", "right"), "yes: login successful");
    for n in 0..20 {
        let answer = server.login("alice", &format!("wrong{n}"));
        assert!(answer.starts_with("no: "), "{answer}");
    }
    assert_eq!(server.login("another", "x"), "no: no such user");
}

#[test]
fn an_exempt_network_never_waits() {
    let place = Place::new();
    let server = place.start(&["--throttle-exempt", "127.0.0.0/8"]);
    for n in 0..150 {
        let answer = server.login("nobody", &format!("wrong{n}"));
        assert_eq!(answer, "no: no such user");
    }
}

#[test]
fn networks_of_ipv6_count_as_one_at_three_sizes() {
    let place = Place::new();
    let server = place.start(&PROXIED);
    let (mut looked_at, mut waits) = (0, 0);
    for network in 0..60 {
        for guess in 0..4 {
            let source = format!("2001:db8:1:{network:x}::1");
            let guess = format!("{network}-{guess}");
            let answer = from(&server, &source, Action::Login, "victim", &guess);
            match &*answer {
                "no: no such user" => looked_at += 1,
                _ => waits += 1,
            }
            assert!(waits == 0 || answer != "yes: login successful");
        }
    }
    // One more each time a wait is over, should the machine be that slow.
    assert!((10..30).contains(&looked_at), "{looked_at} of 240 guesses");
    let elsewhere = from(&server, "2001:db8:2::1", Action::Login, "victim", "x");
    assert_eq!(elsewhere, "no: no such user");
    let ipv4 = from(&server, "192.0.2.1", Action::Login, "victim", "x");
    assert_eq!(ipv4, "no: no such user");
}

#[test]
fn guessing_one_account_from_everywhere_is_delayed_and_locks_nobody_out() {
    let place = Place::new();
    let server = place.start(&[&PROXIED[..], &["--max-failures", "1"]].concat());
    assert_eq!(server_register(&server), "yes: registered");
    let home = "198.51.100.7";
    let login = |source: &str| from(&server, source, Action::Login, "alice", "right");
    assert_eq!(login(home), "yes: login successful");
    for n in 0..16 {
        let source = format!("203.0.113.{n}");
        let answer = from(&server, &source, Action::Login, "alice", "guess");
        assert_eq!(answer, "no: wrong password");
    }
    // From elsewhere she is let in, later; the delay is 4 s by now.
    let started = Instant::now();
    assert_eq!(login("192.0.2.200"), "yes: login successful");
    assert!(started.elapsed() >= Duration::from_secs(4));
    assert_eq!(login(home), "yes: login successful");
}

fn server_register(server: &crate::programs::Server) -> String {
    from(server, "198.51.100.7", Action::Register, "alice", "right")
}

#[test]
fn registrations_are_limited_after_a_burst_and_tell_no_names_at_speed() {
    let place = Place::new();
    let server = place.start(&["--registration-rate", "1"]);
    assert_eq!(server.register("alice", "x"), "yes: registered");
    let mut stream = server.connect();
    let mut ask = || {
        let register = request(Action::Register, "alice", "x");
        stream.write_all(register.as_ref()).unwrap();
        described(&receive(&mut stream))
    };
    let mut told = 0;
    let refusal = loop {
        match ask() {
            answer if answer == "no: user name taken" => told += 1,
            answer => break answer,
        }
        assert!(told < 1000, "no limit");
    };
    assert_eq!(refusal, "no: too many registrations, try again in 1 s");
    assert!(told >= 499, "{told}");
    for unlimited in [
        ["--registration-rate", "0"],
        ["--throttle-exempt", "127.0.0.1"],
    ] {
        let place = Place::new();
        let server = place.start(&unlimited);
        assert_eq!(server.register("alice", "x"), "yes: registered");
        let mut stream = server.connect();
        for _ in 0..700 {
            let register = request(Action::Register, "alice", "x");
            stream.write_all(register.as_ref()).unwrap();
            assert_eq!(described(&receive(&mut stream)), "no: user name taken");
        }
    }
}

#[test]
fn who_does_not_take_no_for_an_answer_is_slowed_and_sent_away() {
    let place = Place::new();
    let server = place.start(&["--no-registration"]);
    let refused = "no: registration is closed";
    let mut stream = server.connect();
    let register = request(Action::Register, "alice", "x");
    for _ in 0..10 {
        stream.write_all(register.as_ref()).unwrap();
        assert_eq!(described(&receive(&mut stream)), refused);
    }
    assert_eq!(
        std::io::Read::read(&mut stream, &mut [0]).unwrap(),
        0,
        "closed"
    );
    let started = Instant::now();
    for _ in 0..10 {
        assert_eq!(server.register("alice", "x"), refused);
    }
    // 50 ms, 100 ms and so on; some of it is forgotten in between.
    assert!(started.elapsed() >= Duration::from_millis(500));
    // Others, and requests that are looked at, are as fast as ever: nothing else was refused.
    assert_eq!(server.login("alice", "x"), "no: no such user");
}
