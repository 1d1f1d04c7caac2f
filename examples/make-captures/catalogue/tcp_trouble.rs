//! TCP in trouble: segments reordered, lost, retransmitted and overlapping, connections reset.

use authscope::protocol::Command::{
    LoginRequest, LoginResponse, RegistrationRequest, RegistrationResponse,
};
use authscope::synth::Side::{Client, Server};
use authscope::synth::{Conversation, Segment, SynthError};

use super::tcp::{one, opened};
use super::{
    Case, Message, login_request, login_response, registration_request, registration_response,
};

/// A request in three segments of 20, 20 and 18 bytes, which are not sent yet.
fn three(talk: &mut Conversation) -> Result<[Segment; 3], SynthError> {
    let request = registration_request()?;
    Ok([0..20, 20..40, 40..58].map(|range| {
        let segment = talk.segment(Client, &request[range]);
        talk.hold(Client, segment)
    }))
}

/// Adds ACK, response, ACK and close.
fn finish(talk: &mut Conversation) -> &mut Conversation {
    talk.ack(Server)
        .deliver(Server, &registration_response())
        .close(Client)
}

/// The messages if the request is complete in frame `at`, and its response two frames after frame `last`.
fn pair(at: usize, last: usize) -> [Message; 2] {
    [
        (at, 0, Client, RegistrationRequest),
        (last + 2, 0, Server, RegistrationResponse),
    ]
}

pub fn add(cases: &mut Vec<Case>) -> Result<(), SynthError> {
    order(cases)?;
    again(cases)?;
    overlap(cases)?;
    gaps(cases)?;
    broken_off(cases)
}

fn order(cases: &mut Vec<Case>) -> Result<(), SynthError> {
    let mut talk = opened(40_401);
    let [first, second, third] = three(&mut talk)?;
    talk.put(third).put(first).put(second);
    finish(&mut talk);
    one(
        cases,
        "tcp-out-of-order.pcap",
        [
            "The request's three segments come as third, first, second.",
            "The request is complete in frame 6, which has its middle.",
        ],
        &talk,
        &pair(6, 6),
    )?;
    let mut talk = opened(40_402);
    let [first, second, third] = three(&mut talk)?;
    talk.put(third).put(second).put(first);
    finish(&mut talk);
    one(
        cases,
        "tcp-backwards.pcap",
        [
            "The request's three segments come last one first.",
            "The request is complete in frame 6, which has its beginning.",
        ],
        &talk,
        &pair(6, 6),
    )?;
    let mut talk = opened(40_403);
    let first = talk.segment(Client, &registration_request()?);
    let first = talk.hold(Client, first);
    talk.send(Client, &login_request()?).put(first).ack(Server);
    talk.deliver(
        Server,
        &[registration_response(), login_response()].concat(),
    )
    .close(Client);
    one(
        cases,
        "tcp-messages-out-of-order.pcap",
        [
            "The second request's segment comes before the first's.",
            "The first request is in frame 5, and only then is the second one known, which is in frame 4.",
        ],
        &talk,
        &[
            (5, 0, Client, RegistrationRequest),
            (4, 0, Client, LoginRequest),
            (7, 0, Server, RegistrationResponse),
            (7, 0, Server, LoginResponse),
        ],
    )
}

fn again(cases: &mut Vec<Case>) -> Result<(), SynthError> {
    let mut talk = opened(40_404);
    let [first, second, third] = three(&mut talk)?;
    talk.put(first.clone()).put(second.clone());
    talk.wait(200_000_000).put(first).put(second).put(third);
    finish(&mut talk);
    one(
        cases,
        "tcp-retransmission.pcap",
        [
            "Two of the request's three segments are retransmitted as they were.",
            "One request, complete in frame 8.",
        ],
        &talk,
        &pair(8, 8),
    )?;
    let mut talk = opened(40_405);
    let request = registration_request()?;
    let base = talk.segment(Client, &request[..25]);
    talk.put(base.clone());
    talk.wait(200_000_000);
    let mut longer = base.clone();
    longer.payload = request[..45].to_vec();
    talk.put(longer);
    talk.wait(200_000_000);
    let mut late = base;
    late.sequence = late.sequence.wrapping_add(10);
    late.payload = request[10..].to_vec();
    talk.emit(Client, late);
    finish(&mut talk);
    one(
        cases,
        "tcp-retransmission-other-boundaries.pcap",
        [
            "The request's bytes are sent as 0 to 24, then again as 0 to 44, then as 10 to 57.",
            "One request, complete in frame 6.",
        ],
        &talk,
        &pair(6, 6),
    )?;
    let mut talk = opened(40_406);
    let [first, second, third] = three(&mut talk)?;
    talk.put(first).put(third);
    talk.wait(300_000_000).put(second);
    finish(&mut talk);
    one(
        cases,
        "tcp-lost-then-sent-again.pcap",
        [
            "The request's second segment is lost on its way to the capture and retransmitted.",
            "The request is complete in frame 6.",
        ],
        &talk,
        &pair(6, 6),
    )?;
    let mut talk = opened(40_407);
    talk.deliver(Client, &registration_request()?)
        .deliver(Server, &registration_response())
        .close(Client);
    let twice: Vec<_> = talk
        .segments()
        .iter()
        .flat_map(|timed| [timed.clone(), timed.clone()])
        .collect();
    cases.push(Case::new(
        "tcp-captured-twice.pcap",
        [
            "Every frame is there twice, as where two mirrored ports feed one capture.",
            "One registration.",
        ],
        super::ethernet(&twice)?,
        [22, 1],
        &[
            (7, 0, Client, RegistrationRequest),
            (11, 0, Server, RegistrationResponse),
        ],
    ));
    Ok(())
}

fn overlap(cases: &mut Vec<Case>) -> Result<(), SynthError> {
    let mut talk = opened(40_408);
    let request = registration_request()?;
    let first = talk.segment(Client, &request[..30]);
    let mut second = first.clone();
    second.sequence = second.sequence.wrapping_add(20);
    second.payload = request[20..].to_vec();
    talk.put(first).emit(Client, second);
    finish(&mut talk);
    one(
        cases,
        "tcp-overlap.pcap",
        [
            "Two segments that overlap by 10 bytes, which are the same in both.",
            "One request, complete in frame 5; nothing to warn of.",
        ],
        &talk,
        &pair(5, 5),
    )?;
    let mut talk = opened(40_409);
    let first = talk.segment(Client, &request[..30]);
    let mut second = first.clone();
    second.sequence = second.sequence.wrapping_add(8);
    second.payload = request[8..].to_vec();
    second.payload[..5].copy_from_slice(b"mally");
    talk.put(first).emit(Client, second);
    finish(&mut talk);
    one(
        cases,
        "tcp-overlap-conflict.pcap",
        [
            "The second segment overlaps the first and says `mally` where the first said `alice`.",
            "The first copy wins: user alice; a warning shows where both differ.",
        ],
        &talk,
        &pair(5, 5),
    )?;
    let mut talk = opened(40_410);
    let [first, second, third] = three(&mut talk)?;
    let mut other = second.clone();
    other.payload.fill(b'Z');
    talk.put(third).put(second).put(other).put(first);
    finish(&mut talk);
    one(
        cases,
        "tcp-overlap-conflict-while-waiting.pcap",
        [
            "Of bytes 20 to 39, which wait for the beginning, two copies come that differ.",
            "The first copy wins; a warning shows where both differ. Complete in frame 7.",
        ],
        &talk,
        &pair(7, 7),
    )
}

fn gaps(cases: &mut Vec<Case>) -> Result<(), SynthError> {
    let mut talk = opened(40_411);
    let [first, _, third] = three(&mut talk)?;
    talk.put(first).put(third).ack(Server);
    talk.deliver(Server, &registration_response())
        .deliver(Client, &login_request()?)
        .deliver(Server, &login_response())
        .close(Client);
    one(
        cases,
        "tcp-lost-segment.pcap",
        [
            "The request's second segment was never captured; the server acknowledges all of it.",
            "The request as far as it was captured, a gap of 20 bytes, noted once; then the \
             response, and a login that succeeds.",
        ],
        &talk,
        &[
            (4, 0, Client, RegistrationRequest),
            (7, 0, Server, RegistrationResponse),
            (9, 0, Client, LoginRequest),
            (11, 0, Server, LoginResponse),
        ],
    )?;
    let mut talk = opened(40_412);
    talk.deliver(Client, &registration_request()?);
    let lost = talk.segment(Server, &registration_response());
    talk.hold(Server, lost);
    talk.ack(Client)
        .deliver(Client, &login_request()?)
        .deliver(Server, &login_response())
        .close(Client);
    one(
        cases,
        "tcp-lost-message.pcap",
        [
            "The first response was never captured; the client acknowledges it.",
            "A gap of 73 bytes, noted once; the login is answered, the registration's answer is \
             not known.",
        ],
        &talk,
        &[
            (4, 0, Client, RegistrationRequest),
            (7, 0, Client, LoginRequest),
            (9, 0, Server, LoginResponse),
        ],
    )
}

fn broken_off(cases: &mut Vec<Case>) -> Result<(), SynthError> {
    let request = registration_request()?;
    let mut talk = opened(40_413);
    talk.deliver(Client, &request[..33]).reset(Client);
    one(
        cases,
        "tcp-reset-in-message.pcap",
        [
            "RST after 33 bytes of a request.",
            "The request is shown as far as it goes: user alice, 5 bytes of the password.",
        ],
        &talk,
        &[(4, 0, Client, RegistrationRequest)],
    )?;
    let mut talk = opened(40_414);
    talk.deliver(Client, &request)
        .deliver(Server, &registration_response()[..40])
        .close(Server);
    one(
        cases,
        "tcp-fin-in-message.pcap",
        [
            "The server closes after 40 bytes of its response.",
            "The response is shown as far as it goes.",
        ],
        &talk,
        &[
            (4, 0, Client, RegistrationRequest),
            (6, 0, Server, RegistrationResponse),
        ],
    )?;
    let mut talk = opened(40_415);
    talk.send(Client, &request[..50]);
    one(
        cases,
        "capture-ends-in-message.pcap",
        [
            "The capture ends after 50 bytes of a request.",
            "The request is shown as far as it goes.",
        ],
        &talk,
        &[(4, 0, Client, RegistrationRequest)],
    )
}
