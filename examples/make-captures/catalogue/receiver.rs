//! Resets, SYNs and gaps that a receiver treats differently than a careless observer.

use authscope::protocol::Action::Login;
use authscope::protocol::Command::{
    LoginRequest, LoginResponse, RegistrationRequest, RegistrationResponse,
};
use authscope::synth::Side::{Client, Server};
use authscope::synth::messages::{request, response};
use authscope::synth::{Checksum, Conversation, Segment, SynthError};

use super::tcp::{one, opened};
use super::{
    Case, Message, login_request, login_response, registration_request, registration_response,
};

/// A reset from `side` that is `ahead` of its next byte, with nothing acknowledged.
fn reset(talk: &Conversation, side: authscope::synth::Side, ahead: u32) -> Segment {
    let mut reset = talk.segment(side, b"");
    reset.flags.rst = true;
    reset.acknowledgment = None;
    reset.sequence = reset.sequence.wrapping_add(ahead);
    reset
}

/// The messages of two exchanges, in these frames.
fn two(frames: [usize; 4]) -> [Message; 4] {
    let [a, b, c, d] = frames;
    [
        (a, 0, Client, RegistrationRequest),
        (b, 0, Server, RegistrationResponse),
        (c, 0, Client, LoginRequest),
        (d, 0, Server, LoginResponse),
    ]
}

/// Adds the rest of two exchanges after the first request, and the close.
fn go_on(talk: &mut Conversation) -> Result<(), SynthError> {
    talk.send(Server, &registration_response())
        .send(Client, &login_request()?)
        .send(Server, &login_response())
        .fin(Client, b"")
        .fin(Server, b"")
        .ack(Client);
    Ok(())
}

pub fn add(cases: &mut Vec<Case>) -> Result<(), SynthError> {
    ignored_resets(cases)?;
    accepted_resets(cases)?;
    syns(cases)?;
    gaps(cases)
}

fn ignored_resets(cases: &mut Vec<Case>) -> Result<(), SynthError> {
    for (file, ahead, checksum, words) in [
        (
            "rst-out-of-window.pcap",
            100_000,
            Checksum::Right,
            [
                "A reset 100,000 bytes ahead of its sender's next.",
                "Four messages; the reset is noted as out of the window.",
            ],
        ),
        (
            "rst-wrong-checksum.pcap",
            0,
            Checksum::Wrong,
            [
                "A reset with the right sequence number and a wrong checksum, alone in that.",
                "Four messages; the reset is noted for its checksum.",
            ],
        ),
        (
            "rst-not-next.pcap",
            10,
            Checksum::Right,
            [
                "A reset in the window, but not with the next sequence number (RFC 5961 section 3).",
                "Four messages; the reset is noted, as the connection goes on.",
            ],
        ),
        (
            "rst-forged.pcap",
            0,
            Checksum::Right,
            [
                "A reset that is right in all, after which both sides go on.",
                "Four messages; the reset is noted, as the connection goes on.",
            ],
        ),
    ] {
        // Windows are not scaled: 65,535 bytes.
        let mut talk = super::conversation(40_430).syn_options(Vec::new());
        talk.handshake().send(Client, &registration_request()?);
        let mut forged = reset(&talk, Server, ahead);
        forged.checksum = checksum;
        talk.put(forged);
        go_on(&mut talk)?;
        one(cases, file, words, &talk, &two([4, 6, 7, 8]))?;
    }
    let mut talk = super::conversation(40_431);
    let syn = talk.syn_segment(Client, false, b"");
    talk.emit(Client, syn);
    let mut stray = reset(&talk, Server, 0);
    stray.acknowledgment = Some(77);
    talk.put(stray);
    let answer = talk.syn_segment(Server, true, b"");
    talk.emit(Server, answer);
    talk.ack(Client).send(Client, &registration_request()?);
    go_on(&mut talk)?;
    one(
        cases,
        "rst-answers-no-syn.pcap",
        [
            "A reset in answer to a SYN that acknowledges another number than the SYN's.",
            "Four messages; the reset is noted.",
        ],
        &talk,
        &two([5, 6, 7, 8]),
    )?;
    let mut talk = opened(40_432);
    let request = registration_request()?;
    talk.send(Client, &request[..20]);
    talk.put(reset(&talk, Client, 0));
    talk.send(Client, &request[20..]);
    go_on(&mut talk)?;
    one(
        cases,
        "rst-forged-in-message.pcap",
        [
            "A reset that is right in all, in the middle of a request that goes on behind it.",
            "Four messages, the first of them whole; the reset is noted.",
        ],
        &talk,
        &two([6, 7, 8, 9]),
    )
}

fn accepted_resets(cases: &mut Vec<Case>) -> Result<(), SynthError> {
    let pair = [
        (4, 0, Client, RegistrationRequest),
        (5, 0, Server, RegistrationResponse),
    ];
    let mut talk = opened(40_433);
    talk.send(Client, &registration_request()?)
        .send(Server, &registration_response());
    let mut words = talk.segment(Server, b"idle timeout");
    words.flags.rst = true;
    talk.put(words);
    one(
        cases,
        "rst-with-text.pcap",
        [
            "A reset that says `idle timeout` (RFC 1122 section 4.2.2.12).",
            "Two messages, and the cause of the reset.",
        ],
        &talk,
        &pair,
    )?;
    let mut talk = opened(40_434);
    talk.send(Client, &registration_request()?)
        .send(Server, &registration_response())
        .reset(Server)
        .send(Client, &login_request()?);
    let again = reset(&talk, Server, 0);
    talk.put(again);
    one(
        cases,
        "rst-then-data.pcap",
        [
            "The server resets; a request that was under way comes after that.",
            "Three messages; it is noted that data came after the reset.",
        ],
        &talk,
        &[pair[0], pair[1], (7, 0, Client, LoginRequest)],
    )?;
    let mut talk = opened(40_435);
    talk.send(Client, &registration_request()?)
        .send(Server, &registration_response()[..40])
        .reset(Server);
    let mut segments = talk.segments().to_vec();
    for timed in &mut segments {
        timed.segment.checksum = Checksum::Wrong;
    }
    cases.push(Case::new(
        "rst-all-checksums-wrong.pcap",
        [
            "A reset in the middle of a response, where all checksums are wrong, as on loopback.",
            "The response as far as it goes: the connection was reset.",
        ],
        super::ethernet(&segments)?,
        [segments.len(), 1],
        &pair,
    ));
    Ok(())
}

fn syns(cases: &mut Vec<Case>) -> Result<(), SynthError> {
    let mut talk = opened(40_436);
    talk.send(Client, &registration_request()?)
        .send(Server, &registration_response());
    let mut stray = talk.syn_segment(Client, false, b"");
    stray.sequence = 700_000_000;
    // The server answers with the sequence number that it expects (RFC 5961 section 4).
    talk.put(stray).ack(Server);
    talk.send(Client, &login_request()?)
        .send(Server, &login_response())
        .fin(Client, b"")
        .fin(Server, b"")
        .ack(Client);
    one(
        cases,
        "syn-stray.pcap",
        [
            "A SYN on a connection that goes on.",
            "Four messages on stream 0; the SYN has a stream of its own, and is noted.",
        ],
        &talk,
        &two([4, 5, 8, 9]),
    )?;
    if let Some(case) = cases.last_mut() {
        case.streams = 2;
    }
    let mut first = opened(40_437);
    first
        .send(Client, &registration_request()?)
        .send(Server, &registration_response());
    let mut second = super::conversation(40_437)
        .at(first.now())
        .initial(700_000_000, 900_000_000);
    second
        .handshake()
        .send(Client, &login_request()?)
        .send(Server, &login_response());
    let segments = [first.segments(), second.segments()].concat();
    cases.push(Case::new(
        "syn-accepted.pcap",
        [
            "A connection whose end was not captured, and another one between the same ends.",
            "Two messages on each of two streams.",
        ],
        super::ethernet(&segments)?,
        [segments.len(), 2],
        &[
            (4, 0, Client, RegistrationRequest),
            (5, 0, Server, RegistrationResponse),
            (9, 1, Client, LoginRequest),
            (10, 1, Server, LoginResponse),
        ],
    ));
    Ok(())
}

fn gaps(cases: &mut Vec<Case>) -> Result<(), SynthError> {
    // A password that contains the header of a registration request.
    let decoy = "ab\0\0\0:\0\0\0\u{1}mallory";
    let mut forged = request(Login, "alice", "x")?;
    forged[28..28 + decoy.len()].copy_from_slice(decoy.as_bytes());
    let mut talk = opened(40_438);
    talk.send(Client, &registration_request()?)
        .send(Server, &registration_response());
    let lost = talk.segment(Client, &forged[..20]);
    talk.hold(Client, lost);
    talk.send(Client, &forged[20..])
        .send(Server, &response(Login, false, "wrong password"))
        .send(Client, &login_request()?)
        .send(Server, &login_response())
        .fin(Client, b"")
        .fin(Server, b"")
        .ack(Client);
    one(
        cases,
        "gap-decoy-header.pcap",
        [
            "The first 20 bytes of a request were never captured; its password holds a header.",
            "The header is not believed: by the messages' sizes the next one begins 38 bytes \
             behind the gap.",
        ],
        &talk,
        &[
            (4, 0, Client, RegistrationRequest),
            (5, 0, Server, RegistrationResponse),
            (7, 0, Server, LoginResponse),
            (8, 0, Client, LoginRequest),
            (9, 0, Server, LoginResponse),
        ],
    )
}
