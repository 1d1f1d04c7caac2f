//! Captures of attacks, as an operator looks for them.

use authscope::capture::Timestamp;
use authscope::protocol::{Action, Command};
use authscope::synth::messages::{request, response};
use authscope::synth::{Conversation, Side, SynthError, merge, start_time};

use super::{Case, EXCHANGE_FRAMES, client, ethernet, server};

/// Wrong guesses. One more is right.
const WRONG: usize = 12;
/// Nanoseconds from one guess to the next.
const PAUSE: i64 = 2_000_000_000;

pub fn add(cases: &mut Vec<Case>) -> Result<(), SynthError> {
    let mut conversations = Vec::new();
    let mut messages = Vec::new();
    let mut time = start_time();
    for (stream, port) in (40_700..).take(WRONG + 1).enumerate() {
        let is_right = stream == WRONG;
        let password = if is_right {
            "correct horse".to_owned()
        } else {
            format!("guess {stream}")
        };
        let words = if is_right {
            "login successful"
        } else {
            "wrong password"
        };
        let mut guess = Conversation::new(client(port), server()).at(time);
        guess
            .handshake()
            .deliver(Side::Client, &request(Action::Login, "alice", &password)?)
            .deliver(Side::Server, &response(Action::Login, is_right, words))
            .close(Side::Client);
        conversations.push(guess);
        let before = stream * EXCHANGE_FRAMES;
        messages.push((before + 4, stream, Side::Client, Command::LoginRequest));
        messages.push((before + 6, stream, Side::Server, Command::LoginResponse));
        time = Timestamp(time.0 + PAUSE);
    }
    let all: Vec<&Conversation> = conversations.iter().collect();
    cases.push(Case::new(
        "password-guessing.pcap",
        [
            "Twelve logins as alice with wrong passwords, one every two seconds, then one with the \
             right one.",
            "12 failures and a success; statistics find that a password was guessed.",
        ],
        ethernet(&merge(&all))?,
        [(WRONG + 1) * EXCHANGE_FRAMES, WRONG + 1],
        &messages,
    ));
    Ok(())
}
