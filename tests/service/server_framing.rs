//! Requests may be split, joined and pipelined in any way. What is not a request is refused with the reason, and the
//! server keeps running.

use std::io::{Read, Write};
use std::net::Shutdown;

use crate::programs::{Place, described, receive, request};
use authscope::protocol::Action;

fn conversation() -> (Vec<u8>, Vec<&'static str>) {
    let mut octets = Vec::new();
    for (action, name, password) in [
        (Action::Register, "alice", "secret"),
        (Action::Login, "alice", "secret"),
        (Action::Login, "bob", "secret"),
    ] {
        octets.extend_from_slice(request(action, name, password).as_ref());
    }
    (
        octets,
        vec![
            "yes: registered",
            "yes: login successful",
            "no: no such user",
        ],
    )
}

#[test]
fn octet_by_octet() {
    let (octets, answers) = conversation();
    let server = Place::new();
    let server = server.start(&[]);
    let mut stream = server.connect();
    stream.set_nodelay(true).unwrap();
    for octet in octets {
        stream.write_all(&[octet]).unwrap();
    }
    for answer in answers {
        assert_eq!(described(&receive(&mut stream)), answer);
    }
}

#[test]
fn all_at_once_and_then_the_end() {
    let (octets, answers) = conversation();
    let place = Place::new();
    let server = place.start(&[]);
    let mut stream = server.connect();
    stream.write_all(&octets).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    for answer in answers {
        assert_eq!(described(&receive(&mut stream)), answer);
    }
    assert_eq!(stream.read(&mut [0]).unwrap(), 0);
}

#[test]
fn in_two_parts_at_every_place() {
    let (octets, answers) = conversation();
    let place = Place::new();
    let server = place.start(&["--max-failures", "0"]);
    assert_eq!(server.register("alice", "secret"), answers[0]);
    let octets = &octets[58..];
    for cut in 1..octets.len() {
        let mut stream = server.connect();
        stream.set_nodelay(true).unwrap();
        stream.write_all(&octets[..cut]).unwrap();
        if cut % 8 == 0 {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        stream.write_all(&octets[cut..]).unwrap();
        for answer in &answers[1..] {
            assert_eq!(described(&receive(&mut stream)), *answer);
        }
    }
}

#[test]
fn more_pipelined_requests_than_are_read_ahead() {
    let place = Place::new();
    let server = place.start(&["--max-failures", "0"]);
    let mut stream = server.connect();
    let mut writer = stream.try_clone().unwrap();
    std::thread::spawn(move || {
        for n in 0..200 {
            let request = request(Action::Login, &format!("user{n}"), "x");
            writer.write_all(request.as_ref()).unwrap();
        }
    });
    for _ in 0..200 {
        assert_eq!(described(&receive(&mut stream)), "no: no such user");
    }
}

#[test]
fn wrong_messages_are_refused_with_the_reason() {
    let place = Place::new();
    let server = place.start(&[]);
    let good = request(Action::Register, "alice", "secret");
    let good = good.as_ref();
    let with = |at: usize, octets: &[u8]| {
        let mut message = good.to_vec();
        message[at..at + octets.len()].copy_from_slice(octets);
        message
    };
    for (message, reason) in [
        (
            with(3, &[57]),
            "total length is 57, but a registration request has 58 bytes",
        ),
        (
            with(0, &[255; 4]),
            "total length is 4294967295, a registration request has 58 bytes",
        ),
        (
            with(3, &[57])[..8].to_vec(),
            "total length is 57, but a registration request has 58 bytes",
        ),
        (
            with(8, &[0; 20]),
            "the user name is empty; it takes 1 to 20 bytes",
        ),
        (with(9, b":"), "the user name has a colon at its offset 1"),
        (
            with(9, &[0xff]),
            "the user name is not valid UTF-8 from its offset 1 on",
        ),
        (
            with(27, b"x"),
            "leftovers after the text (offset 27 of the message, user name)",
        ),
        (
            with(28, &[0; 30]),
            "the password is empty; it takes 1 to 30 bytes",
        ),
    ] {
        let mut stream = server.connect();
        stream.write_all(&message).unwrap();
        // More that arrives behind it must not keep the response from being read.
        let _ = stream.write_all(&[0x55; 4000]);
        let answer = described(&receive(&mut stream));
        let reason = authscope::protocol::Description::cut(reason);
        assert_eq!(answer, format!("no: {reason}"));
        assert_eq!(
            stream.read(&mut [0]).unwrap_or(0),
            0,
            "the connection is closed"
        );
    }
    for start in [
        &[0, 0, 0, 58, 0, 0, 0, 2][..],
        &[0, 0, 0, 73, 0, 0, 0, 4],
        b"GET / HT",
        &[0xff; 8],
    ] {
        let mut stream = server.connect();
        stream.write_all(start).unwrap();
        assert_eq!(
            stream.read(&mut [0]).unwrap(),
            0,
            "{start:?} gets no response"
        );
    }
    assert_eq!(server.login("alice", "secret"), "no: no such user");
}

#[test]
fn every_reason_is_said_whole() {
    let place = Place::new();
    let server = place.start(&[]);
    let good = request(Action::Register, "abcdefghijklmnopqrst", "secret");
    let changed = |changes: &[(usize, &[u8])]| {
        let mut octets = good.as_ref().to_vec();
        for (offset, new) in changes {
            octets[*offset..offset + new.len()].copy_from_slice(new);
        }
        octets
    };
    let nothing: &[u8] = &[0; 30];
    let mut wrong = vec![
        (
            changed(&[(0, &[255; 4])]),
            "total length is 4294967295, a registration request has 58 bytes".to_owned(),
        ),
        (
            changed(&[(8, &nothing[..20])]),
            "the user name is empty; it takes 1 to 20 bytes".to_owned(),
        ),
        (
            changed(&[(28, nothing)]),
            "the password is empty; it takes 1 to 30 bytes".to_owned(),
        ),
        (
            changed(&[(20, &[0])]),
            "leftovers after the text (offset 21 of the message, user name)".to_owned(),
        ),
        (
            changed(&[(57, &[1])]),
            "leftovers after the text (offset 57 of the message, password)".to_owned(),
        ),
        (
            changed(&[(8, b" ")]),
            "the user name has a leading space at its offset 0".to_owned(),
        ),
        (
            changed(&[(27, b" ")]),
            "the user name has a trailing space at its offset 19".to_owned(),
        ),
    ];
    for offset in [0, 9, 10, 19] {
        for (octet, words) in [
            (
                b':',
                format!("the user name has a colon at its offset {offset}"),
            ),
            (
                7,
                format!("the user name has a control character at its offset {offset}"),
            ),
            (
                0xff,
                format!("the user name is not valid UTF-8 from its offset {offset} on"),
            ),
        ] {
            wrong.push((changed(&[(8 + offset, &[octet])]), words));
        }
    }
    for (octets, words) in wrong {
        let mut stream = server.connect();
        stream.write_all(&octets).unwrap();
        assert_eq!(described(&receive(&mut stream)), format!("no: {words}"));
    }
}

#[test]
fn the_end_in_the_middle_of_a_request_gets_no_response() {
    let place = Place::new();
    let server = place.start(&["--log-level", "debug"]);
    let octets = request(Action::Login, "alice", "secret");
    let (whole, begun) = (octets.as_ref(), &octets.as_ref()[..40]);
    let mut stream = server.connect();
    stream.write_all(&[whole, begun].concat()).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(described(&receive(&mut stream)), "no: no such user");
    assert_eq!(stream.read(&mut [0]).unwrap(), 0);
    server.wait_for("closed by the client in the middle of a request");
    // Fields that are not filled up: the log asks for it in the inspector's words.
    let mut stream = server.connect();
    stream.write_all(&whole[..8]).unwrap();
    stream.write_all(b"alicesecret1").unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(stream.read(&mut [0]).unwrap(), 0);
    server.wait_for("20 of 58 bytes so far: are both fields filled with NUL to 20 and 30?");
}
