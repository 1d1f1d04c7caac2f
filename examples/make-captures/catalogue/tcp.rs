//! TCP in everyday use: messages split and joined, connections opened, closed and kept alive.

use authscope::protocol::Command::{
    LoginRequest, LoginResponse, RegistrationRequest, RegistrationResponse,
};
use authscope::synth::Side::{Client, Server};
use authscope::synth::{Conversation, SynthError, merge};

use super::{
    Case, EXCHANGE, Message, conversation, ethernet, exchange, login_request, login_response,
    registration_request, registration_response,
};

/// Adds a capture of one conversation.
pub(super) fn one(
    cases: &mut Vec<Case>,
    file: &'static str,
    text: [&'static str; 2],
    talk: &Conversation,
    messages: &[Message],
) -> Result<(), SynthError> {
    let frames = talk.segments().len();
    cases.push(Case::new(
        file,
        text,
        ethernet(talk.segments())?,
        [frames, 1],
        messages,
    ));
    Ok(())
}

/// A conversation after its handshake.
pub(super) fn opened(port: u16) -> Conversation {
    let mut talk = conversation(port);
    talk.handshake();
    talk
}

pub fn add(cases: &mut Vec<Case>) -> Result<(), SynthError> {
    cuts(cases)?;
    open_and_close(cases)?;
    probes(cases)?;
    numbers(cases)?;
    beginnings(cases)
}

fn cuts(cases: &mut Vec<Case>) -> Result<(), SynthError> {
    let request = registration_request()?;
    let mut talk = opened(40_301);
    let everywhere: Vec<usize> = (1..request.len()).collect();
    talk.send_cut(Client, &request, &everywhere)
        .ack(Server)
        .deliver(Server, &registration_response())
        .close(Client);
    one(
        cases,
        "tcp-one-octet-segments.pcap",
        [
            "The request comes in 58 segments of one byte.",
            "The request is complete in frame 61.",
        ],
        &talk,
        &[
            (61, 0, Client, RegistrationRequest),
            (63, 0, Server, RegistrationResponse),
        ],
    )?;
    let mut talk = opened(40_302);
    let requests = [request.clone(), login_request()?].concat();
    let responses = [registration_response(), login_response()].concat();
    talk.deliver(Client, &requests)
        .deliver(Server, &responses)
        .close(Client);
    one(
        cases,
        "tcp-pipelined.pcap",
        [
            "Two requests in one segment, two responses in one segment.",
            "Two messages in each of the two frames.",
        ],
        &talk,
        &[
            (4, 0, Client, RegistrationRequest),
            (4, 0, Client, LoginRequest),
            (6, 0, Server, RegistrationResponse),
            (6, 0, Server, LoginResponse),
        ],
    )?;
    let mut talk = opened(40_303);
    talk.send_cut(Client, &requests, &[5, 70])
        .ack(Server)
        .send_cut(Server, &responses, &[100])
        .ack(Client)
        .close(Client);
    one(
        cases,
        "tcp-cut-anywhere.pcap",
        [
            "Two requests in segments of 5, 65 and 46 bytes, two responses in 100 and 46.",
            "A message is complete in the frame that has its last byte.",
        ],
        &talk,
        &[
            (5, 0, Client, RegistrationRequest),
            (6, 0, Client, LoginRequest),
            (8, 0, Server, RegistrationResponse),
            (9, 0, Server, LoginResponse),
        ],
    )
}

fn open_and_close(cases: &mut Vec<Case>) -> Result<(), SynthError> {
    let request = registration_request()?;
    let response = registration_response();
    let mut talk = conversation(40_304);
    let syn = talk.syn_segment(Client, false, &request);
    talk.emit(Client, syn);
    let answer = talk.syn_segment(Server, true, b"");
    talk.emit(Server, answer)
        .ack(Client)
        .deliver(Server, &response)
        .close(Client);
    one(
        cases,
        "tcp-data-on-syn.pcap",
        [
            "The request comes on the SYN (TCP Fast Open) and is acknowledged by the SYN/ACK.",
            "The request is complete in frame 1.",
        ],
        &talk,
        &[
            (1, 0, Client, RegistrationRequest),
            (4, 0, Server, RegistrationResponse),
        ],
    )?;
    let mut talk = opened(40_305);
    talk.fin(Client, &request)
        .ack(Server)
        .fin(Server, &response)
        .ack(Client);
    one(
        cases,
        "tcp-data-on-fin.pcap",
        [
            "Request and response come on the segments with FIN; the server answers after the \
             client has closed its side.",
            "A registration that succeeds.",
        ],
        &talk,
        &EXCHANGE,
    )?;
    let mut talk = opened(40_306);
    talk.deliver(Client, &request).deliver(Server, &response);
    let fin = |talk: &Conversation, side| {
        let mut segment = talk.segment(side, b"");
        segment.flags.fin = true;
        segment
    };
    let (one_fin, other_fin) = (fin(&talk, Client), fin(&talk, Server));
    talk.emit(Client, one_fin)
        .emit(Server, other_fin)
        .ack(Server)
        .ack(Client);
    one(
        cases,
        "tcp-simultaneous-close.pcap",
        [
            "Both sides send FIN at once, then both acknowledge.",
            "A registration that succeeds.",
        ],
        &talk,
        &EXCHANGE,
    )?;
    let mut talk = conversation(40_307);
    let syn = talk.syn_segment(Client, false, b"");
    talk.put(syn.clone());
    talk.wait(1_000_000_000).put(syn.clone());
    talk.wait(2_000_000_000).put(syn);
    one(
        cases,
        "tcp-syn-unanswered.pcap",
        [
            "A SYN, sent three times, that nobody answers.",
            "One stream, no message.",
        ],
        &talk,
        &[],
    )?;
    let mut talk = opened(40_308);
    talk.deliver(Client, &request);
    talk.wait(60_000_000_000);
    let again = talk.segment(Client, &login_request()?);
    talk.emit(Client, again);
    let mut reset = talk.segment(Server, b"");
    reset.flags.rst = true;
    reset.acknowledgment = None;
    talk.put(reset);
    one(
        cases,
        "tcp-half-open.pcap",
        [
            "The server goes away after the first request and comes back knowing nothing: it \
             answers the second request with RST.",
            "Two requests, neither answered.",
        ],
        &talk,
        &[
            (4, 0, Client, RegistrationRequest),
            (6, 0, Client, LoginRequest),
        ],
    )
}

fn probes(cases: &mut Vec<Case>) -> Result<(), SynthError> {
    let request = registration_request()?;
    let mut talk = opened(40_309);
    talk.deliver(Client, &request)
        .deliver(Server, &registration_response());
    talk.wait(7_200_000_000_000);
    for octets in [&b""[..], b"\0"] {
        let mut probe = talk.segment(Client, octets);
        probe.sequence = probe.sequence.wrapping_sub(1);
        probe.flags.psh = false;
        talk.put(probe).ack(Server);
        talk.wait(75_000_000_000);
    }
    talk.deliver(Client, &login_request()?)
        .deliver(Server, &login_response())
        .close(Client);
    one(
        cases,
        "tcp-keep-alive.pcap",
        [
            "Keep-alives between two exchanges, one without data and one with one byte, each one \
             number before the next byte.",
            "Four messages; the byte is no data.",
        ],
        &talk,
        &[
            (4, 0, Client, RegistrationRequest),
            (6, 0, Server, RegistrationResponse),
            (12, 0, Client, LoginRequest),
            (14, 0, Server, LoginResponse),
        ],
    )?;
    let mut talk = opened(40_310);
    talk.send(Client, &request[..20])
        .window(Server, 0)
        .ack(Server);
    let probe = talk.segment(Client, &request[20..21]);
    talk.wait(500_000_000).put(probe.clone()).ack(Server);
    talk.wait(1_000_000_000);
    talk.emit(Client, probe).window(Server, 65_535).ack(Server);
    talk.deliver(Client, &request[21..])
        .deliver(Server, &registration_response())
        .close(Client);
    one(
        cases,
        "tcp-zero-window-probe.pcap",
        [
            "The server closes its window after 20 bytes; the client probes with the next byte, \
             which is refused, then taken at the second probe.",
            "The request is complete in frame 10.",
        ],
        &talk,
        &[
            (10, 0, Client, RegistrationRequest),
            (12, 0, Server, RegistrationResponse),
        ],
    )
}

fn numbers(cases: &mut Vec<Case>) -> Result<(), SynthError> {
    let request = registration_request()?;
    let mut talk = conversation(40_311).initial(u32::MAX - 20, u32::MAX - 40);
    talk.handshake()
        .send_cut(Client, &request, &[10, 40])
        .ack(Server)
        .deliver(Server, &registration_response())
        .close(Client);
    one(
        cases,
        "tcp-sequence-wrap.pcap",
        [
            "Both sides' sequence numbers pass 2^32 within a message.",
            "A registration that succeeds.",
        ],
        &talk,
        &[
            (6, 0, Client, RegistrationRequest),
            (8, 0, Server, RegistrationResponse),
        ],
    )?;
    let first = exchange(40_312)?;
    let mut second = conversation(40_312)
        .at(authscope::capture::Timestamp(first.now().0 + 1_000_000_000))
        .initial(900_000, 700_000);
    second
        .handshake()
        .deliver(Client, &login_request()?)
        .deliver(Server, &login_response())
        .close(Client);
    cases.push(Case::new(
        "tcp-port-reuse.pcap",
        [
            "The same addresses and ports are used again for a second connection.",
            "Two streams, 0 and 1, as tshark numbers them.",
        ],
        ethernet(&merge(&[&first, &second]))?,
        [22, 2],
        &[
            (4, 0, Client, RegistrationRequest),
            (6, 0, Server, RegistrationResponse),
            (15, 1, Client, LoginRequest),
            (17, 1, Server, LoginResponse),
        ],
    ));
    Ok(())
}

fn beginnings(cases: &mut Vec<Case>) -> Result<(), SynthError> {
    let mut talk = conversation(40_313);
    talk.already_open()
        .deliver(Client, &login_request()?)
        .deliver(Server, &login_response())
        .close(Client);
    let pair: [Message; 2] = [(1, 0, Client, LoginRequest), (3, 0, Server, LoginResponse)];
    one(
        cases,
        "tcp-mid-stream.pcap",
        [
            "The capture begins when the connection has long been open.",
            "The port tells who is the server.",
        ],
        &talk,
        &pair,
    )?;
    let mut talk = conversation(40_314);
    talk.already_open();
    talk.deliver(Server, &registration_response()[30..])
        .deliver(Client, &login_request()?)
        .deliver(Server, &login_response())
        .close(Client);
    one(
        cases,
        "tcp-mid-message.pcap",
        [
            "The capture begins in the middle of a response.",
            "43 bytes are skipped and noted; then a login that succeeds.",
        ],
        &talk,
        &[(3, 0, Client, LoginRequest), (5, 0, Server, LoginResponse)],
    )?;
    let mut talk = Conversation::new(super::client(40_315), ([192, 0, 2, 1], 40_316).into());
    talk.already_open()
        .deliver(Client, &login_request()?)
        .deliver(Server, &login_response())
        .close(Client);
    one(
        cases,
        "tcp-mid-stream-other-port.pcap",
        [
            "The capture begins in mid-stream on a port that says nothing.",
            "The messages tell who is the server.",
        ],
        &talk,
        &pair,
    )
}
