//! Connections with the same addresses and ports on several VLANs.

use authscope::capture::{LinkType, Timestamp};
use authscope::protocol::Command::{
    LoginRequest, LoginResponse, RegistrationRequest, RegistrationResponse,
};
use authscope::synth::Side::{Client, Server};
use authscope::synth::{Conversation, Frame, IpForm, Link, SynthError};

use super::{
    Case, Message, conversation, login_request, login_response, registration_request,
    registration_response, usual,
};

/// EtherTypes of a VLAN tag and of a service tag.
const TAG: u16 = 0x8100;
const SERVICE_TAG: u16 = 0x88a8;

/// The frames of one connection: two exchanges.
const FRAMES: usize = 10;

/// One of several connections between the same ends, on the VLANs of these tags, a microsecond
/// later than the one before it.
fn one(at: usize, tags: &[(u16, u16)]) -> Result<Vec<Frame>, SynthError> {
    let mut talk: Conversation = conversation(40_440);
    let start = Timestamp(talk.now().0 + at.cast_signed() as i64 * 1_000);
    let initial = at as u32 * 900_000_000;
    talk = talk.at(start).initial(1_000 + initial, 5_000 + initial);
    talk.handshake()
        .send(Client, &registration_request()?)
        .send(Server, &registration_response())
        .send(Client, &login_request()?)
        .send(Server, &login_response())
        .fin(Client, b"")
        .fin(Server, b"")
        .ack(Client);
    let link = Link::Ethernet {
        tags: tags.to_vec(),
        minimum: 0,
    };
    talk.frames(&link, &IpForm::default())
}

pub fn add(cases: &mut Vec<Case>) -> Result<(), SynthError> {
    let two = [vec![(TAG, 10)], vec![(TAG, 20)]];
    let four = [
        vec![(SERVICE_TAG, 7), (TAG, 10)],
        vec![(SERVICE_TAG, 7), (TAG, 20)],
        vec![(SERVICE_TAG, 8), (TAG, 10)],
        vec![(TAG, 10)],
    ];
    for (file, text, all) in [
        (
            "same-addresses-on-two-vlans.pcap",
            [
                "Two connections at once with the same addresses and ports, on VLAN 10 and 20.",
                "Four messages on each of two streams, which the tags tell apart.",
            ],
            &two[..],
        ),
        (
            "same-addresses-in-qinq.pcap",
            [
                "Four such connections, of which three have a service tag (802.1ad) too.",
                "Four messages on each of four streams: both tags count.",
            ],
            &four[..],
        ),
    ] {
        let mut frames = Vec::new();
        for (at, tags) in all.iter().enumerate() {
            frames.extend(one(at, tags)?);
        }
        frames.sort_by_key(|frame| frame.time);
        let kinds = [
            (4, Client, RegistrationRequest),
            (5, Server, RegistrationResponse),
            (6, Client, LoginRequest),
            (7, Server, LoginResponse),
        ];
        let of = |(place, side, command): (usize, _, _)| {
            (0..all.len())
                .map(move |at| -> Message { ((place - 1) * all.len() + at + 1, at, side, command) })
        };
        let messages: Vec<Message> = kinds.into_iter().flat_map(of).collect();
        cases.push(Case::new(
            file,
            text,
            usual(LinkType::ETHERNET, &frames),
            [FRAMES * all.len(), all.len()],
            &messages,
        ));
    }
    Ok(())
}
