//! Faulty messages, each followed by a correct registration on the same connection.

use authscope::protocol::Action;
use authscope::protocol::Command::{
    LoginRequest, LoginResponse, RegistrationRequest, RegistrationResponse,
};
use authscope::synth::Side::{Client, Server};
use authscope::synth::messages::{raw, raw_request, raw_response, response};
use authscope::synth::{Side, SynthError};

use super::tcp::{one, opened};
use super::{Case, Message, login_request, registration_request, registration_response};

/// A login request and its response, the first messages of a connection.
const LOGIN: [Message; 2] = [(4, 0, Client, LoginRequest), (6, 0, Server, LoginResponse)];

/// Frames of the correct messages at the end: a request and a response, each with its ACK, then four
/// frames to close the connection.
const AFTER: usize = 2 + 2 + 4;

pub fn add(cases: &mut Vec<Case>) -> Result<(), SynthError> {
    headers(cases)?;
    senders(cases)?;
    request_fields(cases)?;
    response_fields(cases)
}

/// A case with the messages of `first`, then a correct registration. `listed`: those of the first
/// messages whose length and command agree.
fn wrong(
    cases: &mut Vec<Case>,
    file: &'static str,
    text: [&'static str; 2],
    first: &[(Side, &[u8])],
    listed: &[Message],
) -> Result<(), SynthError> {
    let mut talk = opened(40_501 + cases.len() as u16);
    for (side, octets) in first {
        talk.deliver(*side, octets);
    }
    talk.deliver(Client, &registration_request()?)
        .deliver(Server, &registration_response())
        .close(Client);
    let request = talk.segments().len() - AFTER + 1;
    let after = [
        (request, 0, Client, RegistrationRequest),
        (request + 2, 0, Server, RegistrationResponse),
    ];
    let messages: Vec<Message> = listed.iter().copied().chain(after).collect();
    one(cases, file, text, &talk, &messages)
}

fn headers(cases: &mut Vec<Case>) -> Result<(), SynthError> {
    let request = registration_request()?;
    let body = &request[8..];
    let longer = [body, b"!"].concat();
    for (file, holds, answer, octets) in [
        (
            "wrong-length-0.pcap",
            "A registration request whose totalLength is 0.",
            "An error at totalLength; the right messages after it are found.",
            raw(0, 1, body),
        ),
        (
            "wrong-length-7.pcap",
            "A registration request whose totalLength is 7, shorter than the header.",
            "An error at totalLength; the right messages after it are found.",
            raw(7, 1, body),
        ),
        (
            "wrong-length-57.pcap",
            "A registration request of 57 bytes that says so.",
            "An error at totalLength; the right messages after it are found.",
            raw(57, 1, &body[..49]),
        ),
        (
            "wrong-length-59.pcap",
            "A registration request of 59 bytes that says so.",
            "An error at totalLength; the right messages after it are found.",
            raw(59, 1, &longer),
        ),
        (
            "wrong-length-57-of-58.pcap",
            "A registration request of 58 bytes that says 57.",
            "An error at totalLength; the right messages after it are found.",
            raw(57, 1, body),
        ),
        (
            "wrong-length-59-of-58.pcap",
            "A registration request of 58 bytes that says 59.",
            "An error at totalLength; the message after it does not lose its first byte.",
            raw(59, 1, body),
        ),
        (
            "wrong-length-4294967295.pcap",
            "A registration request whose totalLength is 0xFFFFFFFF.",
            "An error at totalLength; nobody waits for 4 GiB, the right messages after it are \
             found.",
            raw(u32::MAX, 1, body),
        ),
        (
            "wrong-length-of-response.pcap",
            "A registration request of 58 bytes whose totalLength is 73, a response's.",
            "An error at totalLength; the right messages after it are found.",
            raw(73, 1, body),
        ),
        (
            "wrong-command-0.pcap",
            "A message of 58 bytes with commandID 0.",
            "An error at commandID; the right messages after it are found.",
            raw(58, 0, body),
        ),
        (
            "wrong-command-5.pcap",
            "A message of 58 bytes with commandID 5.",
            "An error at commandID; the right messages after it are found.",
            raw(58, 5, body),
        ),
        (
            "wrong-command-little-endian.pcap",
            "A registration request with its header in little-endian order.",
            "An error at totalLength and commandID; the right messages after it are found.",
            raw(58_u32.swap_bytes(), 1_u32.swap_bytes(), body),
        ),
    ] {
        wrong(cases, file, [holds, answer], &[(Client, &octets)], &[])?;
    }
    Ok(())
}

fn senders(cases: &mut Vec<Case>) -> Result<(), SynthError> {
    wrong(
        cases,
        "wrong-sender-client.pcap",
        [
            "A registration response from the client.",
            "A warning: the side that opened the connection sends no responses.",
        ],
        &[(Client, &registration_response())],
        &[(4, 0, Client, RegistrationResponse)],
    )?;
    wrong(
        cases,
        "wrong-sender-server.pcap",
        [
            "A registration request from the server.",
            "A warning: the side that was connected to sends no requests.",
        ],
        &[(Server, &registration_request()?)],
        &[(4, 0, Server, RegistrationRequest)],
    )
}

fn request_fields(cases: &mut Vec<Case>) -> Result<(), SynthError> {
    let request = |name: &[u8], password: &[u8]| raw_request(LoginRequest, name, password, 0);
    for (file, holds, answer, octets) in [
        (
            "wrong-name-empty.pcap",
            "A login request with an empty user name.",
            "A warning at the user name.",
            request(b"", b"secret"),
        ),
        (
            "wrong-password-empty.pcap",
            "A login request with an empty password.",
            "A warning at the password.",
            request(b"alice", b""),
        ),
        (
            "wrong-octets-after-nul.pcap",
            "A login request with bytes after the first NUL of both fields, as a C program leaves \
             them that fills nothing up.",
            "User alice; a note at each field on the bytes after its NUL.",
            request(b"alice\0obody\0\x7f\x01", b"secret\0stack rubbish"),
        ),
        (
            "wrong-text-not-utf8.pcap",
            "A login request in ISO 8859-1: the user name is `J\\xfcrgen`.",
            "A note at the user name; U+FFFD stands for the bad byte, the bytes are given in hex.",
            request(b"J\xfcrgen", b"secret"),
        ),
        (
            "wrong-text-control-characters.pcap",
            "A login request whose user name clears a terminal, rings and breaks lines.",
            "A note at the user name; nothing of it reaches a terminal unescaped.",
            request(b"\x1b[2J\x1b]0;x\x07\r\n\ta", b"\x1b[31mred"),
        ),
        (
            "wrong-text-bidirectional.pcap",
            "A login request whose user name holds U+202E (right-to-left override) and U+009B.",
            "A note at the user name; neither reaches a terminal unescaped.",
            request("a\u{202e}b\u{9b}c".as_bytes(), b"secret"),
        ),
        (
            "wrong-name-colon-and-spaces.pcap",
            "A login request with user name ` root:x: `, which no server accepts.",
            "A note at the user name.",
            request(b" root:x: ", b"secret"),
        ),
        (
            "filled-with-zero-digits.pcap",
            "A login request filled up with ASCII '0', as old clients do.",
            "Values of 20 and 30 bytes; a note at each that the field seems filled up with '0'.",
            raw_request(LoginRequest, b"alice", b"secret", b'0'),
        ),
        (
            "filled-with-spaces.pcap",
            "A login request filled up with spaces.",
            "Values of 20 and 30 bytes; a note that the user name ends with a space.",
            raw_request(LoginRequest, b"alice", b"secret", b' '),
        ),
        (
            "full-fields.pcap",
            "A login request whose fields are full to the last byte: no NUL anywhere.",
            "Nothing is wrong: values of 20 and 30 bytes.",
            request(b"abcdefghijklmnopqrst", b"ABCDEFGHIJKLMNOPQRSTUVWXYZ1234"),
        ),
        (
            "full-fields-utf8.pcap",
            "A login request whose user name is 10 characters of 2 bytes each.",
            "Nothing is wrong: a user name of 20 bytes.",
            request("éàüöñçøåßþ".as_bytes(), "pässwörd".as_bytes()),
        ),
    ] {
        let refusal = response(Action::Login, false, "no such user");
        let first = [(Client, octets.as_slice()), (Server, refusal.as_slice())];
        wrong(cases, file, [holds, answer], &first, &LOGIN)?;
    }
    Ok(())
}

fn response_fields(cases: &mut Vec<Case>) -> Result<(), SynthError> {
    let request = login_request()?;
    let response = |status, description: &[u8]| raw_response(LoginResponse, status, description, 0);
    for (file, holds, answer, octets) in [
        (
            "wrong-status-2.pcap",
            "A login response whose status is 2.",
            "A warning at the status.",
            response(2, b"maybe"),
        ),
        (
            "wrong-status-255.pcap",
            "A login response whose status is 255.",
            "A warning at the status.",
            response(255, b"no"),
        ),
        (
            "wrong-status-digit.pcap",
            "A login response whose status is ASCII '1'.",
            "A warning at the status.",
            response(b'1', b"login successful"),
        ),
        (
            "wrong-description-octets-after-nul.pcap",
            "A login response with bytes after the description's first NUL.",
            "A note at the description.",
            response(0, b"wrong password\0old text"),
        ),
        (
            "description-empty.pcap",
            "A login response with an empty description.",
            "Nothing is wrong: a description may be empty.",
            response(1, b""),
        ),
        (
            "description-full.pcap",
            "A login response whose description is full: 64 bytes, no NUL.",
            "Nothing is wrong.",
            response(
                0,
                b"this description has sixty-four octets and so it has no NUL here",
            ),
        ),
    ] {
        let first = [(Client, request.as_slice()), (Server, octets.as_slice())];
        wrong(cases, file, [holds, answer], &first, &LOGIN)?;
    }
    Ok(())
}
