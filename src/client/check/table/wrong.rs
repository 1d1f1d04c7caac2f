//! Bytes that are no legal request.

#![expect(
    clippy::cast_possible_truncation,
    reason = "sizes of messages, at most 73 bytes"
)]

use super::super::cast::Cast;
use super::super::script::{Script, Sent, Then};
use super::{Check, PLAIN};
use crate::protocol::layout::{
    COMMAND, Field, HEADER_LEN, LENGTH, PASSWORD, REQUEST_LEN, RESPONSE_LEN, USER_NAME,
};
use crate::protocol::{Action, Command, Description, Response};

const CLOSES: &str = "What closes a connection, and what does not";

/// The login request of a user whom nobody registered, with other bytes at the start of a field.
fn with(cast: &Cast, field: &Field, octets: &[u8]) -> Vec<u8> {
    at(cast, field.offset, octets)
}

/// The same, with other bytes at an offset of the message.
fn at(cast: &Cast, offset: usize, octets: &[u8]) -> Vec<u8> {
    let mut request = cast.nobody().logs_in();
    request[offset..offset + octets.len()].copy_from_slice(octets);
    request
}

fn length(cast: &Cast, length: u32) -> Vec<u8> {
    with(cast, &LENGTH, &length.to_be_bytes())
}

/// A login request that is refused with a response, and ends the connection.
fn refused(octets: impl Into<Vec<u8>>) -> Script {
    Script::new().send(octets).does_not_log_in(Then::Ends)
}

/// Bytes that end the connection without a response.
fn no_request(octets: impl Into<Vec<u8>>) -> Script {
    Script::new().send(octets).ends()
}

pub(super) static CHECKS: &[Check] = &[
    Check {
        name: "wrong-length",
        promise: "totalLength 57: a failure, and the end",
        section: CLOSES,
        script: |cast| refused(length(cast, REQUEST_LEN as u32 - 1)),
        ..PLAIN
    },
    Check {
        name: "length-of-the-body",
        promise: "totalLength 50, no header: a failure, the end",
        section: CLOSES,
        script: |cast| refused(length(cast, (REQUEST_LEN - HEADER_LEN) as u32)),
        ..PLAIN
    },
    Check {
        name: "huge-length",
        promise: "4 GiB is refused once the header is there",
        section: CLOSES,
        script: |cast| refused(&length(cast, u32::MAX)[..HEADER_LEN]),
        ..PLAIN
    },
    Check {
        name: "zero-length",
        promise: "totalLength 0 is refused with the header",
        section: CLOSES,
        script: |cast| refused(&length(cast, 0)[..HEADER_LEN]),
        ..PLAIN
    },
    Check {
        name: "empty-name",
        promise: "no user name: a failure, and the end",
        section: CLOSES,
        script: |cast| refused(with(cast, &USER_NAME, &[0; USER_NAME.width])),
        ..PLAIN
    },
    Check {
        name: "empty-password",
        promise: "no password: a failure, and the end",
        section: CLOSES,
        script: |cast| refused(with(cast, &PASSWORD, &[0; PASSWORD.width])),
        ..PLAIN
    },
    Check {
        name: "dirty-name",
        promise: "leftovers after the name: a failure, the end",
        section: CLOSES,
        script: |cast| refused(at(cast, USER_NAME.end() - 1, b"x")),
        ..PLAIN
    },
    Check {
        name: "dirty-password",
        promise: "leftovers after the password: the same",
        section: CLOSES,
        script: |cast| refused(at(cast, PASSWORD.end() - 1, b"x")),
        ..PLAIN
    },
    Check {
        name: "name-not-utf8",
        promise: "a name that is not UTF-8: a failure, the end",
        section: CLOSES,
        script: |cast| refused(with(cast, &USER_NAME, b"\xff")),
        ..PLAIN
    },
    Check {
        name: "name-with-colon",
        promise: "a name with ':': a failure, and the end",
        section: CLOSES,
        script: |cast| refused(with(cast, &USER_NAME, b":")),
        ..PLAIN
    },
    Check {
        name: "name-with-control",
        promise: "a control character: a failure, and the end",
        section: CLOSES,
        script: |cast| refused(with(cast, &USER_NAME, b"\x07")),
        ..PLAIN
    },
    Check {
        name: "name-with-space",
        promise: "a space before the name: a failure, and the end",
        section: CLOSES,
        script: |cast| refused(with(cast, &USER_NAME, b" ")),
        ..PLAIN
    },
    Check {
        name: "not-registered",
        promise: "what is refused is not registered",
        section: CLOSES,
        script: |cast| {
            let user = cast.user("n");
            let mut dirty = user.registers();
            dirty[PASSWORD.end() - 1] = b'x';
            Script::new()
                .send(dirty)
                .does_not_register(&user.name, Then::Ends)
                .does(Sent::Connection)
                .send(user.logs_in())
                .does_not_log_in(Then::StaysOpen)
        },
        ..PLAIN
    },
    Check {
        name: "unknown-command",
        promise: "commandID 9: the end, after 8 bytes",
        section: CLOSES,
        script: |cast| {
            let code = Command::Unknown(9).code().to_be_bytes();
            no_request(&with(cast, &COMMAND, &code)[..HEADER_LEN])
        },
        ..PLAIN
    },
    Check {
        name: "a-response",
        promise: "a response from a client: the end",
        section: CLOSES,
        script: |_| {
            let response = Response {
                action: Action::Register,
                success: true,
                description: Description::cut("registered"),
            };
            let octets: [u8; RESPONSE_LEN] = response.encode();
            no_request(octets)
        },
        ..PLAIN
    },
    Check {
        name: "little-endian",
        promise: "numbers in little-endian order: the end",
        section: CLOSES,
        script: |cast| {
            let mut octets = cast.nobody().logs_in();
            octets[LENGTH.range()].reverse();
            octets[COMMAND.range()].reverse();
            no_request(octets)
        },
        ..PLAIN
    },
    Check {
        name: "http",
        promise: "another protocol: the end",
        section: CLOSES,
        script: |_| no_request(*b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        ..PLAIN
    },
    Check {
        name: "tls-record",
        promise: "a broken TLS handshake: the end",
        section: "TLS on the same port",
        script: |_| {
            // A handshake record of 5 bytes with a type of message that TLS does not have.
            Script::new()
                .send(*b"\x16\x03\x01\x00\x05\xee\x00\x00\x01\x00")
                .ends_without_message()
        },
        plain_only: true,
        ..PLAIN
    },
    Check {
        name: "readable-refusal",
        promise: "a refusal arrives though more is being sent",
        section: CLOSES,
        script: |cast| {
            let more = [0x55; 4000];
            refused([&length(cast, 0)[..], &more].concat())
        },
        ..PLAIN
    },
    Check {
        name: "nothing-behind",
        promise: "behind a wrong request none is answered",
        section: CLOSES,
        script: |cast| {
            let wrong = length(cast, REQUEST_LEN as u32 + 1);
            refused([wrong, cast.nobody().logs_in()].concat())
        },
        ..PLAIN
    },
];

#[cfg(test)]
mod tests {
    use super::super::super::script::Step;
    use super::*;
    use crate::protocol::Request;

    #[test]
    fn none_begins_with_a_legal_request() {
        let cast = Cast::new();
        for check in CHECKS {
            let script = (check.script)(&cast);
            let Some(Step::Send(Sent::Octets(octets))) = script.0.first() else {
                panic!("{} sends nothing", check.name);
            };
            let message = &octets[..octets.len().min(REQUEST_LEN)];
            assert!(Request::decode(message).is_err(), "{}", check.name);
        }
    }
}
