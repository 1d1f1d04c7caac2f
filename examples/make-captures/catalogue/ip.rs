//! IP headers with options and extensions, fragments, truncated frames, wrong checksums.

use authscope::capture::LinkType;
use authscope::protocol::Command::{RegistrationRequest, RegistrationResponse};
use authscope::synth::{
    Checksum, Conversation, Fragment, Frame, IpForm, Link, PcapForm, Side, SynthError, frames,
    write_pcap,
};

use super::{
    Case, EXCHANGE, EXCHANGE_FRAMES, Message, conversation, ends_ipv6, exchange, exchange_between,
    registration_request, registration_response, usual,
};

/// Index of the request's segment in [`exchange`]: frame 4.
const REQUEST: usize = 3;
/// Bytes of the IP payload of that segment: a TCP header and a request.
const REQUEST_OCTETS: usize = 20 + 58;

/// Frames of `plain`, with the request's segment in fragments.
fn fragmented(plain: &Conversation, fragments: &[Fragment]) -> Result<Vec<Frame>, SynthError> {
    let all = plain.segments();
    let form = |identification| IpForm {
        identification,
        ..IpForm::default()
    };
    let mut result = frames(&all[..REQUEST], &Link::ETHERNET, &form(1))?;
    let in_fragments = IpForm {
        fragments: fragments.to_vec(),
        ..form(100)
    };
    result.extend(frames(
        &all[REQUEST..=REQUEST],
        &Link::ETHERNET,
        &in_fragments,
    )?);
    result.extend(frames(&all[REQUEST + 1..], &Link::ETHERNET, &form(200))?);
    Ok(result)
}

/// The messages if the request ends in frame `at`, and the response two frames after the last of `fragments`.
fn messages(at: usize, fragments: usize) -> [Message; 2] {
    [
        (at, 0, Side::Client, RegistrationRequest),
        (5 + fragments, 0, Side::Server, RegistrationResponse),
    ]
}

pub fn add(cases: &mut Vec<Case>) -> Result<(), SynthError> {
    headers(cases)?;
    ipv4_fragments(cases)?;
    ipv6_fragments(cases)?;
    cut_and_wrong(cases)
}

fn headers(cases: &mut Vec<Case>) -> Result<(), SynthError> {
    let form = IpForm {
        // Record route with room for two addresses, then the end of the list.
        ipv4_options: vec![7, 11, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        ..IpForm::default()
    };
    let frames = exchange(40_101)?.frames(&Link::ETHERNET, &form)?;
    cases.push(Case::new(
        "ipv4-options.pcap",
        [
            "IPv4 headers of 32 bytes, with a record route option.",
            "A registration that succeeds.",
        ],
        usual(LinkType::ETHERNET, &frames),
        [EXCHANGE_FRAMES, 1],
        &EXCHANGE,
    ));
    let (from, to) = ends_ipv6(40_102);
    let form = IpForm {
        ipv6_extensions: vec![
            (0, vec![1, 4, 0, 0, 0, 0]),                           // hop-by-hop: PadN
            (60, vec![1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]), // destination: PadN
        ],
        ..IpForm::default()
    };
    let frames = exchange_between(from, to)?.frames(&Link::ETHERNET, &form)?;
    cases.push(Case::new(
        "ipv6-extension-headers.pcap",
        [
            "IPv6 with a hop-by-hop and a destination options header.",
            "A registration that succeeds.",
        ],
        usual(LinkType::ETHERNET, &frames),
        [EXCHANGE_FRAMES, 1],
        &EXCHANGE,
    ));
    Ok(())
}

fn ipv4_fragments(cases: &mut Vec<Case>) -> Result<(), SynthError> {
    let plain = exchange(40_103)?;
    let payload = plain.segments()[REQUEST].segment.octets()?;
    let end = REQUEST_OCTETS;
    let same = |ranges: &[std::ops::Range<usize>]| -> Vec<Fragment> {
        ranges.iter().cloned().map(Fragment::from).collect()
    };
    let mut other = payload[32..56].to_vec();
    other.fill(b'X');
    let conflict = vec![
        Fragment::from(0..40),
        Fragment {
            range: 32..56,
            instead: Some(other),
        },
        Fragment::from(40..end),
    ];
    for (file, holds, answer, fragments, at) in [
        (
            "ipv4-fragments.pcap",
            "The request's packet comes in three IPv4 fragments.",
            "The request is complete in the frame of the last fragment.",
            same(&[0..24, 24..56, 56..end]),
            6,
        ),
        (
            "ipv4-fragments-out-of-order.pcap",
            "The three fragments come last one first.",
            "The request is complete in the frame of the fragment that came last.",
            same(&[56..end, 24..56, 0..24]),
            6,
        ),
        (
            "ipv4-fragments-twice.pcap",
            "The first of two fragments comes twice.",
            "The request is complete in the frame of the last fragment.",
            same(&[0..40, 0..40, 40..end]),
            6,
        ),
        (
            "ipv4-fragments-overlap.pcap",
            "Three fragments that overlap with the same bytes.",
            "The request is complete in the frame of the last fragment; the overlap is noted.",
            same(&[0..40, 32..56, 40..end]),
            6,
        ),
        (
            "ipv4-fragments-overlap-conflict.pcap",
            "Three fragments that overlap; the second says XXXX where the others have the request.",
            "The overlap is noted; which bytes a receiver takes depends on its system. The first \
             copy of a byte wins here: the user name reads `alice` with X after its NULs, the \
             password `XXXXXXXXhorse`.",
            conflict,
            6,
        ),
    ] {
        let count = fragments.len();
        cases.push(Case::new(
            file,
            [holds, answer],
            usual(LinkType::ETHERNET, &fragmented(&plain, &fragments)?),
            [EXCHANGE_FRAMES - 1 + count, 1],
            &messages(at, count),
        ));
    }
    let missing = same(&[0..24, 56..end]);
    cases.push(Case::new(
        "ipv4-fragment-missing.pcap",
        [
            "The middle one of the request's three fragments was never captured.",
            "No request; the server acknowledges 58 bytes that were not seen, which is a gap, and \
             the response is found.",
        ],
        usual(LinkType::ETHERNET, &fragmented(&plain, &missing)?),
        [EXCHANGE_FRAMES + 1, 1],
        &[(7, 0, Side::Server, RegistrationResponse)],
    ));
    Ok(())
}

fn ipv6_fragments(cases: &mut Vec<Case>) -> Result<(), SynthError> {
    let (from, to) = ends_ipv6(40_104);
    let plain = exchange_between(from, to)?;
    let fragments = [0..24, 24..56, 56..REQUEST_OCTETS].map(Fragment::from);
    cases.push(Case::new(
        "ipv6-fragments.pcap",
        [
            "The request's packet comes in three IPv6 fragments.",
            "The request is complete in the frame of the last fragment.",
        ],
        usual(LinkType::ETHERNET, &fragmented(&plain, &fragments)?),
        [EXCHANGE_FRAMES + 2, 1],
        &messages(6, 3),
    ));
    Ok(())
}

fn cut_and_wrong(cases: &mut Vec<Case>) -> Result<(), SynthError> {
    let snapshot = 80;
    let cut: Vec<Frame> = exchange(40_105)?
        .frames(&Link::ETHERNET, &IpForm::default())?
        .into_iter()
        .map(|frame| frame.cut(snapshot))
        .collect();
    let form = PcapForm {
        snapshot: snapshot as u32,
        ..PcapForm::usual(LinkType::ETHERNET)
    };
    cases.push(Case::new(
        "snapshot-length-80.pcap",
        [
            "Captured with a snapshot length of 80 bytes: 26 bytes of each message are there.",
            "Both messages are shown as far as they go (the request's user name is whole, its \
             password is missing) and what was not captured is noted.",
        ],
        write_pcap(&form, &cut),
        [EXCHANGE_FRAMES, 1],
        &EXCHANGE,
    ));
    let mut wrong = conversation(40_106);
    wrong.handshake();
    for (side, octets) in [
        (Side::Client, registration_request()?),
        (Side::Server, registration_response()),
    ] {
        let mut segment = wrong.segment(side, &octets);
        segment.checksum = Checksum::Wrong;
        wrong.emit(side, segment).ack(side.other());
    }
    wrong.close(Side::Client);
    let frames = wrong.frames(&Link::ETHERNET, &IpForm::default())?;
    cases.push(Case::new(
        "tcp-checksum-wrong.pcap",
        [
            "The segments that carry data have a wrong TCP checksum, as offloading leaves it.",
            "Decoded all the same; noted on request only.",
        ],
        usual(LinkType::ETHERNET, &frames),
        [EXCHANGE_FRAMES, 1],
        &EXCHANGE,
    ));
    Ok(())
}
