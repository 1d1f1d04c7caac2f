//! Connections from a proxy that sends its client's address: the PROXY protocol's header before the first message.

use authscope::protocol::Command::{RegistrationRequest, RegistrationResponse};
use authscope::synth::Side::{Client, Server};
use authscope::synth::SynthError;

use super::{Case, ethernet, registration_request, registration_response};

/// The signature of a header of version 2.
const VERSION_2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// A header of version 2 with this command, family and content.
fn version_2(command: u8, family: u8, content: &[u8]) -> Vec<u8> {
    let len = (content.len() as u16).to_be_bytes();
    [VERSION_2, &[0x20 | command, family], &len, content].concat()
}

/// A registration whose client sends these bytes before the request, split into segments at these offsets.
fn case(
    cases: &mut Vec<Case>,
    file: &'static str,
    words: [&'static str; 2],
    header: &[u8],
    cuts: &[usize],
) -> Result<(), SynthError> {
    let mut talk = super::conversation(40_450);
    talk.handshake();
    let sent = [header, &registration_request()?].concat();
    let mut at = 0;
    for cut in cuts.iter().chain([&sent.len()]) {
        talk.deliver(Client, &sent[at..*cut]);
        at = *cut;
    }
    talk.deliver(Server, &registration_response()).close(Client);
    let segments = talk.segments();
    let asked = 4 + 2 * cuts.len();
    let messages = [
        (asked, 0, Client, RegistrationRequest),
        (asked + 2, 0, Server, RegistrationResponse),
    ];
    let octets = ethernet(segments)?;
    cases.push(Case::new(
        file,
        words,
        octets,
        [segments.len(), 1],
        &messages,
    ));
    Ok(())
}

pub fn add(cases: &mut Vec<Case>) -> Result<(), SynthError> {
    let line = b"PROXY TCP4 198.51.100.7 192.0.2.1 56324 8888\r\n";
    case(
        cases,
        "proxy-v1.pcap",
        [
            "A registration by way of a proxy, whose PROXY header of version 1 has a segment of its own.",
            "The header is skipped and noted with the client's address, 198.51.100.7:56324.",
        ],
        line,
        &[line.len()],
    )?;
    let mut content = Vec::new();
    for last in [7, 1] {
        content.extend([0x20, 1, 0xd, 0xb8]);
        content.resize(content.len() + 11, 0);
        content.push(last);
    }
    content.extend(56_324u16.to_be_bytes());
    content.extend(8888u16.to_be_bytes());
    // PP2_TYPE_UNIQUE_ID: values after the addresses are skipped too.
    content.extend([5, 0, 3, b'a', b'b', b'c']);
    let header = version_2(1, 0x21, &content);
    case(
        cases,
        "proxy-v2.pcap",
        [
            "The same with a header of version 2, IPv6, and the request in one segment with it.",
            "The header is skipped and noted with the client's address, [2001:db8::7]:56324.",
        ],
        &header,
        &[],
    )?;
    let local = version_2(0, 0, &[4, 0, 3, 0, 0, 0]);
    case(
        cases,
        "proxy-v2-local-cut.pcap",
        [
            "A header of version 2 that names no client, with padding, cut in its start and in its padding.",
            "The header is skipped and noted; the proxy speaks for itself.",
        ],
        &local,
        &[5, 20],
    )
}
