//! The capture that started the project, rebuilt from the lab report's facts.

use std::net::{Ipv4Addr, SocketAddr};

use authscope::protocol::Command;
use authscope::synth::messages::{raw_request, raw_response};
use authscope::synth::{
    ByteOrder, Conversation, IpForm, Link, Side, SynthError, TcpOption, frames, merge, start_time,
};

use super::{Case, usual};

/// User name and password of the reconstruction. The name has at most 4 bytes, so that bytes 4
/// to 7 of the field, where SMPP has its sequence number, are all padding: 0x30303030.
const NAME: &[u8] = b"user";
const PASSWORD: &[u8] = b"password";
const FILLING: u8 = b'0';

/// Window of the lab's hosts after the handshake: 10233 times the scale of 256, 2619648.
const WINDOW: u16 = 10_233;

fn connection(port: u16, begins: i64, request: &[u8], response: &[u8]) -> Conversation {
    let host = Ipv4Addr::LOCALHOST;
    let mut lab = Conversation::new(
        SocketAddr::from((host, port)),
        SocketAddr::from((host, 8888)),
    )
    .at(start_time())
    .syn_options(vec![
        TcpOption::MaximumSegmentSize(65_495),
        TcpOption::Noop,
        TcpOption::WindowScale(8),
        TcpOption::Noop,
        TcpOption::Noop,
        TcpOption::SelectiveAcknowledgementPermitted,
    ]);
    lab.wait(begins);
    let syn = lab.syn_segment(Side::Client, false, b"");
    lab.emit(Side::Client, syn);
    let answer = lab.syn_segment(Side::Server, true, b"");
    lab.emit(Side::Server, answer);
    lab.window(Side::Client, WINDOW)
        .window(Side::Server, WINDOW)
        .ack(Side::Client)
        .deliver(Side::Client, request)
        .deliver(Side::Server, response)
        .close(Side::Client);
    lab
}

pub fn add(cases: &mut Vec<Case>) -> Result<(), SynthError> {
    use Command::{LoginRequest, LoginResponse, RegistrationRequest, RegistrationResponse};
    let registration = connection(
        5893,
        0,
        &raw_request(RegistrationRequest, NAME, PASSWORD, FILLING),
        &raw_response(RegistrationResponse, 1, b"Registration successful", 0),
    );
    let login = connection(
        5894,
        5_000_000_000,
        &raw_request(LoginRequest, NAME, PASSWORD, FILLING),
        &raw_response(LoginResponse, 1, b"Login successful", 0),
    );
    let link = Link::Null {
        order: ByteOrder::Little,
        ipv6: 24,
    };
    let frames = frames(&merge(&[&registration, &login]), &link, &IpForm::default())?;
    cases.push(Case::new(
        "lab-report.pcap",
        [
            "The lab report's capture, rebuilt: a registration and a login on loopback, the client \
             fills its fields up with ASCII '0'.",
            "Four messages, both responses say success; a note on each user name and password \
             that seems filled up with '0'.",
        ],
        usual(link.link_type(), &frames),
        [22, 2],
        &[
            (4, 0, Side::Client, RegistrationRequest),
            (6, 0, Side::Server, RegistrationResponse),
            (15, 1, Side::Client, LoginRequest),
            (17, 1, Side::Server, LoginResponse),
        ],
    ));
    Ok(())
}
