//! Limits on connections and on time.

use std::io::{Read, Write};

use crate::programs::{Place, described, receive, request};
use authscope::protocol::Action;

#[test]
fn connections_past_the_limit_wait_for_a_place() {
    let place = Place::new();
    let server = place.start(&["--max-connections", "2", "--log-level", "debug"]);
    let one = server.connect();
    let two = server.connect();
    server.wait_for("conn=2");
    let mut three = server.connect();
    three
        .write_all(request(Action::Login, "a", "x").as_ref())
        .unwrap();
    three
        .set_read_timeout(Some(std::time::Duration::from_millis(300)))
        .unwrap();
    assert!(three.read(&mut [0]).is_err(), "nobody answers yet");
    three
        .set_read_timeout(Some(crate::programs::PATIENCE))
        .unwrap();
    drop(one);
    assert_eq!(described(&receive(&mut three)), "no: no such user");
    drop(two);
}

#[test]
fn connections_past_an_addresss_limit_are_closed() {
    let place = Place::new();
    let mut server = place.start(&["--max-per-address", "2", "--log-level", "debug"]);
    let mut one = server.connect();
    let two = server.connect();
    server.wait_for("conn=2");
    let mut three = server.connect();
    assert_eq!(three.read(&mut [0]).unwrap_or(0), 0, "closed");
    server.wait_for("too many from this address");
    one.write_all(request(Action::Login, "a", "x").as_ref())
        .unwrap();
    assert_eq!(described(&receive(&mut one)), "no: no such user");
    drop(two);
    server.wait_for("connection closed conn=2");
    assert_eq!(server.login("a", "x"), "no: no such user");
    server.stop();
    server.wait_for("refused=1");
}

#[test]
fn an_exempt_address_has_as_many_connections_as_it_wants() {
    let place = Place::new();
    let arguments = ["--max-per-address", "1", "--throttle-exempt", "127.0.0.0/8"];
    let server = place.start(&arguments);
    let login = request(Action::Login, "a", "x");
    let mut streams: Vec<_> = (0..5).map(|_| server.connect()).collect();
    for stream in &mut streams {
        stream.write_all(login.as_ref()).unwrap();
        assert_eq!(described(&receive(stream)), "no: no such user");
    }
}

#[test]
fn idle_and_slow_clients_are_dropped_and_counted() {
    let place = Place::new();
    let mut server = place.start(&[
        "--idle-timeout",
        "2",
        "--request-timeout",
        "0.5",
        "--log-level",
        "debug",
    ]);
    let mut idle = server.connect();
    assert_eq!(idle.read(&mut [0]).unwrap(), 0);
    server.wait_for("idle for too long");
    let mut slow = server.connect();
    let octets = request(Action::Login, "a", "x");
    slow.write_all(&octets.as_ref()[..30]).unwrap();
    assert_eq!(
        described(&receive(&mut slow)),
        "no: request not complete in time"
    );
    assert_eq!(slow.read(&mut [0]).unwrap(), 0);
    // One byte now and then does not help: the time is for the whole request.
    let mut trickle = server.connect();
    let mut writer = trickle.try_clone().unwrap();
    std::thread::spawn(move || {
        // The header at once, so that the server knows what is asked; the rest takes 2 s.
        let (header, rest) = octets.as_ref().split_at(8);
        let portions = std::iter::once(header).chain(rest.chunks(1));
        for portion in portions {
            if writer.write_all(portion).is_err() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(40));
        }
    });
    assert_eq!(
        described(&receive(&mut trickle)),
        "no: request not complete in time"
    );
    server.stop();
    server.wait_for("slow=2");
}

#[test]
fn a_client_that_does_not_read_is_dropped() {
    let place = Place::new();
    let mut server = place.start(&[
        "--request-timeout",
        "0.5",
        "--max-failures",
        "0",
        "--log-rate",
        "0",
    ]);
    let stream = server.connect();
    let mut writer = stream.try_clone().unwrap();
    let requests: Vec<u8> = (0..1000)
        .flat_map(|_| request(Action::Login, "a", "x").as_ref().to_vec())
        .collect();
    // Until the server no longer reads because its responses are not read, or closes.
    writer
        .set_write_timeout(Some(crate::programs::PATIENCE))
        .unwrap();
    while writer.write_all(&requests).is_ok() {}
    server.wait_for("does not read its response");
    server.stop();
    server.wait_for("slow=1");
}

#[test]
fn every_limit_is_in_the_help_with_its_default() {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_authscope-server"))
        .arg("--help")
        .output()
        .unwrap();
    let help = crate::programs::stdout(&output)
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    for (option, default) in [
        ("--listen", "127.0.0.1:8888"),
        ("--passwd", "./passwd"),
        ("--max-connections", "10000"),
        ("--max-per-address", "1000"),
        ("--read-ahead", "16"),
        ("--idle-timeout", "300"),
        ("--request-timeout", "10"),
        ("--drain-timeout", "10"),
        ("--max-failures", "5"),
        ("--max-address-failures", "100"),
        ("--registration-rate", "10"),
        ("--hash-threads", "one for each core"),
        ("--hash-queue", "256 for each thread"),
        ("--argon2-memory", "19456"),
        ("--argon2-passes", "2"),
        ("--pbkdf2-rounds", "600000"),
    ] {
        let text = help.split_once(&format!("{option} <")).expect(option).1;
        assert!(
            text.split("[default: ")
                .nth(1)
                .is_some_and(|text| text.starts_with(default)),
            "{option}: {text}"
        );
    }
}
