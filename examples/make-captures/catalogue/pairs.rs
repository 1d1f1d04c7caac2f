//! Requests and responses that were captured in another order than they were sent.

use authscope::protocol::Action::{Login, Register};
use authscope::protocol::Command::{
    LoginRequest, LoginResponse, RegistrationRequest, RegistrationResponse,
};
use authscope::synth::Side::{Client, Server};
use authscope::synth::messages::{request, response};
use authscope::synth::{Conversation, SynthError, Timed};

use super::{Case, Message};

/// Each exchange: the action, the user's name, whether it succeeds, and the response's text.
const EXCHANGES: [(authscope::protocol::Action, &str, bool, &str); 6] = [
    (Register, "alice", true, "registered"),
    (Login, "alice", false, "wrong password"),
    (Register, "bob", false, "the name is taken"),
    (Login, "bob", true, "login successful"),
    (Register, "carol", true, "registered"),
    (Login, "carol", true, "login successful"),
];

const SECOND: i64 = 1_000_000_000;
/// Nanoseconds that the clock of one capture point is behind the other's.
const CLOCK: i64 = 300_000;

/// Six exchanges, one a second. The request of exchange `n` is segment `3 + 2 * n`.
fn six() -> Result<Conversation, SynthError> {
    let mut talk = super::conversation(40_420);
    talk.handshake();
    for (at, (action, name, success, words)) in EXCHANGES.into_iter().enumerate() {
        if at > 0 {
            talk.wait(SECOND);
        }
        talk.send(Client, &request(action, name, "correct horse")?);
        talk.send(Server, &response(action, success, words));
    }
    talk.wait(SECOND);
    talk.fin(Client, b"").fin(Server, b"").ack(Client);
    Ok(talk)
}

/// The messages of [`six`] for which `of` is true, in these frames.
fn messages(frames: &[usize], of: impl Fn(usize) -> bool) -> Vec<Message> {
    let kinds = EXCHANGES.iter().flat_map(|(action, ..)| match action {
        Register => [
            (Client, RegistrationRequest),
            (Server, RegistrationResponse),
        ],
        Login => [(Client, LoginRequest), (Server, LoginResponse)],
    });
    let chosen = kinds.enumerate().filter(|(at, _)| of(*at));
    frames
        .iter()
        .zip(chosen)
        .map(|(frame, (_, (side, command)))| (*frame, 0, side, command))
        .collect()
}

/// A case of these segments, whose messages are in these frames.
fn case(
    cases: &mut Vec<Case>,
    file: &'static str,
    words: [&'static str; 2],
    segments: &[Timed],
    messages: &[Message],
) -> Result<(), SynthError> {
    let octets = super::ethernet(segments)?;
    cases.push(Case::new(
        file,
        words,
        octets,
        [segments.len(), 1],
        messages,
    ));
    Ok(())
}

pub fn add(cases: &mut Vec<Case>) -> Result<(), SynthError> {
    let talk = six()?;
    let segments = talk.segments();
    let in_order: Vec<usize> = (4..16).collect();
    case(
        cases,
        "in-order.pcap",
        [
            "Six exchanges on one connection, one a second.",
            "Each response answers the request right before it.",
        ],
        segments,
        &messages(&in_order, |_| true),
    )?;
    for (file, pairs, words) in [
        (
            "one-pair-swapped.pcap",
            &[0][..],
            "The same; the first response stands in the file one frame before its request.",
        ),
        (
            "every-pair-swapped.pcap",
            &[0, 1, 2, 3, 4, 5],
            "The same; each response stands in the file one frame before its request.",
        ),
    ] {
        let mut swapped = segments.to_vec();
        let mut found = messages(&in_order, |_| true);
        for pair in pairs {
            let (asks, answers) = (3 + 2 * pair, 4 + 2 * pair);
            swapped.swap(asks, answers);
            found.swap(asks - 3, answers - 3);
            found[asks - 3].0 = asks + 1;
            found[answers - 3].0 = answers + 1;
        }
        let answer = "The same pairs and the same times.";
        case(cases, file, [words, answer], &swapped, &found)?;
    }
    let mut late = segments.to_vec();
    // Without the handshake, the first response is the connection's first frame.
    late.drain(..3);
    late.swap(0, 1);
    let mut found = messages(&(1..13).collect::<Vec<_>>(), |_| true);
    found.swap(0, 1);
    found[0].0 = 1;
    found[1].0 = 2;
    case(
        cases,
        "one-pair-swapped-mid-stream.pcap",
        [
            "The same without the handshake: the first response is the first frame.",
            "The same pairs and the same times.",
        ],
        &late,
        &found,
    )?;
    taps(cases, segments)
}

/// Adds captures of two capture points, each of which sees one direction of the conversation.
fn taps(cases: &mut Vec<Case>, segments: &[Timed]) -> Result<(), SynthError> {
    let client = segments[0].segment.source;
    let of = |own: bool| -> Vec<Timed> {
        let sent = segments.iter();
        sent.filter(|timed| (timed.segment.source == client) == own)
            .cloned()
            .collect()
    };
    case(
        cases,
        "tap-client-side.pcap",
        [
            "What the client of `in-order.pcap` sent, as a capture point at its side saw it.",
            "Six requests. Read together with either of the next two it gives six exchanges.",
        ],
        &of(true),
        &messages(&[3, 4, 5, 6, 7, 8], |at| at % 2 == 0),
    )?;
    let responses = messages(&[2, 3, 4, 5, 6, 7], |at| at % 2 == 1);
    let answers = of(false);
    case(
        cases,
        "tap-server-side-clock-right.pcap",
        [
            "What the server sent, as a capture point at its side saw it.",
            "Six responses.",
        ],
        &answers,
        &responses,
    )?;
    let early: Vec<Timed> = answers
        .iter()
        .map(|timed| Timed {
            time: authscope::capture::Timestamp(timed.time.0 - CLOCK),
            segment: timed.segment.clone(),
        })
        .collect();
    case(
        cases,
        "tap-server-side-clock-early.pcap",
        [
            "The same, by a clock that is 0.3 ms behind.",
            "Read together with the client's side: the pairs of the right clock, with negative \
             times that are noted.",
        ],
        &early,
        &responses,
    )
}
