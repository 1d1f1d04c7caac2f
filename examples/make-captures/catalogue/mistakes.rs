//! Common mistakes of new implementations, and a client that writes a message in two parts.

use authscope::protocol::Command::{
    LoginRequest, LoginResponse, RegistrationRequest, RegistrationResponse,
};
use authscope::protocol::layout::{HEADER_LEN, PASSWORD, USER_NAME};
use authscope::protocol::{Action, Fault};
use authscope::synth::Side::{Client, Server};
use authscope::synth::SynthError;
use authscope::synth::messages::{raw, raw_request, response};

use super::tcp::{one, opened};
use super::{Case, login_request, login_response, registration_request, registration_response};

const NAME: &[u8] = b"alice";
const SECRET: &[u8] = b"secret1";

pub fn add(cases: &mut Vec<Case>) -> Result<(), SynthError> {
    numbers_as_text(cases)?;
    password_first(cases)?;
    password_zeroes(cases)?;
    waiting(cases)?;
    in_two_parts(cases)
}

/// A field's bytes: its text, padded with NULs.
fn filled(text: &[u8], width: usize) -> Vec<u8> {
    let mut octets = text.to_vec();
    octets.resize(width, 0);
    octets
}

fn numbers_as_text(cases: &mut Vec<Case>) -> Result<(), SynthError> {
    let body = [
        filled(NAME, USER_NAME.width),
        filled(SECRET, PASSWORD.width),
    ]
    .concat();
    let mut talk = opened(41_901);
    talk.deliver(Client, &[&b"00580001"[..], &body].concat())
        .deliver(Client, &registration_request()?)
        .deliver(Server, &registration_response())
        .close(Client);
    one(
        cases,
        "mistake-numbers-as-text.pcap",
        [
            "A registration request whose numbers are digits, `0058` and `0001`, and one that is right.",
            "Length and command are said to be text; the right request after it is found.",
        ],
        &talk,
        &[
            (6, 0, Client, RegistrationRequest),
            (8, 0, Server, RegistrationResponse),
        ],
    )
}

fn password_first(cases: &mut Vec<Case>) -> Result<(), SynthError> {
    let body = [
        filled(SECRET, PASSWORD.width),
        filled(NAME, USER_NAME.width),
    ]
    .concat();
    let request = raw(58, RegistrationRequest.code(), &body);
    let at = (HEADER_LEN + PASSWORD.width) as u8;
    let said = Fault::SecondText { at }.summary();
    let mut talk = opened(41_902);
    talk.deliver(Client, &request)
        .deliver(Server, &response(Action::Register, false, &said))
        .close(Server);
    one(
        cases,
        "mistake-password-first.pcap",
        [
            "A registration request with the password before the user name.",
            "Asked whether the password was sent first; neither text is shown.",
        ],
        &talk,
        &[
            (4, 0, Client, RegistrationRequest),
            (6, 0, Server, RegistrationResponse),
        ],
    )
}

fn password_zeroes(cases: &mut Vec<Case>) -> Result<(), SynthError> {
    let mut password = SECRET.to_vec();
    password.resize(PASSWORD.width, b'0');
    let request = raw_request(LoginRequest, NAME, &password, 0);
    let mut talk = opened(41_903);
    talk.deliver(Client, &request)
        .deliver(Server, &response(Action::Login, false, "wrong password"))
        .close(Client);
    one(
        cases,
        "mistake-password-zeroes.pcap",
        [
            "A login request whose password is filled up with ASCII '0'.",
            "The filling is noted at the password.",
        ],
        &talk,
        &[(4, 0, Client, LoginRequest), (6, 0, Server, LoginResponse)],
    )
}

fn waiting(cases: &mut Vec<Case>) -> Result<(), SynthError> {
    let mut talk = opened(41_904);
    talk.deliver(
        Client,
        &raw(58, LoginRequest.code(), &[NAME, SECRET].concat()),
    );
    one(
        cases,
        "mistake-still-waiting.pcap",
        [
            "A login request of 20 bytes, fields not filled up, of which the server waits for the rest.",
            "The frame says 20 of 58 bytes so far, and asks whether both fields are filled up.",
        ],
        &talk,
        &[(4, 0, Client, LoginRequest)],
    )
}

fn in_two_parts(cases: &mut Vec<Case>) -> Result<(), SynthError> {
    let mut talk = opened(41_905);
    talk.send_cut(Client, &login_request()?, &[HEADER_LEN])
        .ack(Server)
        .send_cut(Server, &login_response(), &[4, HEADER_LEN])
        .ack(Client)
        .close(Client);
    one(
        cases,
        "tcp-header-first.pcap",
        [
            "Client and server write header and body apart, the server its two numbers as well.",
            "Each part says how much there is of its message and in which frame it goes on.",
        ],
        &talk,
        &[(5, 0, Client, LoginRequest), (9, 0, Server, LoginResponse)],
    )
}
