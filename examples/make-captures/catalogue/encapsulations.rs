//! The same exchange in the encapsulations of providers, tunnels and taps.

use std::net::IpAddr;

use authscope::capture::LinkType;
use authscope::synth::{
    Conversation, Fragment, Frame, IpForm, Link, Shell, SynthError, frames, packets,
};

use super::{
    Case, EXCHANGE, EXCHANGE_FRAMES, Message, ends_ipv6, exchange, exchange_between, usual,
};

const ANSWER: &str = "A registration that succeeds.";
const PPP: Shell = ppp(true, false);

const fn ppp(address: bool, compressed: bool) -> Shell {
    Shell::Ppp {
        address,
        compressed,
    }
}

/// Ends of a tunnel (RFC 5737, RFC 3849).
fn outer(ipv6: bool) -> Shell {
    let ends: [IpAddr; 2] = if ipv6 {
        let host = |last| [0x2001, 0xdb8, 0, 0xffff, 0, 0, 0, last];
        [host(1).into(), host(2).into()]
    } else {
        [[198, 51, 100, 1].into(), [198, 51, 100, 2].into()]
    };
    Shell::Ip(ends[0], ends[1])
}

fn gre(flags: u16, octets: usize) -> Shell {
    Shell::Gre {
        flags,
        fields: vec![0; octets],
    }
}

pub fn add(cases: &mut Vec<Case>) -> Result<(), SynthError> {
    for (file, holds, link, shells, ipv6) in plain().into_iter().chain(tunnels()) {
        let conversation = if ipv6 {
            let (from, to) = ends_ipv6(40_011);
            exchange_between(from, to)?
        } else {
            exchange(40_011)?
        };
        let link = Link::Shells(link, shells);
        let frames = conversation.frames(&link, &IpForm::default())?;
        cases.push(Case::new(
            file,
            [holds, ANSWER],
            usual(link.link_type(), &frames),
            [EXCHANGE_FRAMES, 1],
            &EXCHANGE,
        ));
    }
    cases.push(two_in_one_tunnel()?);
    cases.push(fragments_in_a_tunnel()?);
    cases.push(tunnel_in_fragments()?);
    Ok(())
}

type Row = (&'static str, &'static str, LinkType, Vec<Shell>, bool);

// One row for each file.
#[allow(clippy::too_many_lines)]
fn plain() -> Vec<Row> {
    use Shell::{CiscoHdlc, Ethernet, Ieee8023, LlcIp, Mpls, Null, Pktap, Snap, Vlan};
    let ethernet = LinkType::ETHERNET;
    vec![
        (
            "link-ppp.pcap",
            "PPP with address and control.",
            LinkType::PPP,
            vec![PPP],
            false,
        ),
        (
            "link-ppp-bare.pcap",
            "PPP without address and control.",
            LinkType::PPP,
            vec![ppp(false, false)],
            false,
        ),
        (
            "link-ppp-compressed.pcap",
            "PPP with a protocol field of one byte, over IPv6.",
            LinkType::PPP,
            vec![ppp(true, true)],
            true,
        ),
        (
            "link-ppp-bare-compressed.pcap",
            "PPP with nothing but a protocol field of one byte.",
            LinkType::PPP,
            vec![ppp(false, true)],
            false,
        ),
        (
            "link-ppp-hdlc.pcap",
            "PPP in HDLC, link type 50.",
            LinkType::PPP_HDLC,
            vec![PPP],
            false,
        ),
        (
            "link-cisco-hdlc.pcap",
            "Cisco's HDLC.",
            LinkType::CISCO_HDLC,
            vec![CiscoHdlc],
            false,
        ),
        (
            "link-llc-snap.pcap",
            "IEEE 802.3 with LLC and SNAP.",
            ethernet,
            vec![Ieee8023, Snap],
            false,
        ),
        (
            "link-llc-snap-vlan.pcap",
            "An 802.1Q tag, then a length, LLC and SNAP, over IPv6.",
            ethernet,
            vec![Ethernet, Vlan(42), Snap],
            true,
        ),
        (
            "link-llc-ip.pcap",
            "IEEE 802.3 with LLC and IP's own access point.",
            ethernet,
            vec![Ieee8023, LlcIp],
            false,
        ),
        (
            "link-pppoe.pcap",
            "A PPPoE session.",
            ethernet,
            vec![Ethernet, Shell::Pppoe, ppp(false, false)],
            false,
        ),
        (
            "link-pppoe-vlan.pcap",
            "A PPPoE session in a VLAN, over IPv6.",
            ethernet,
            vec![Ethernet, Vlan(7), Shell::Pppoe, ppp(false, false)],
            true,
        ),
        (
            "link-mpls.pcap",
            "Two MPLS labels.",
            ethernet,
            vec![Ethernet, Mpls(vec![17, 18])],
            false,
        ),
        (
            "link-mpls-vlan.pcap",
            "An MPLS label in a VLAN, over IPv6.",
            ethernet,
            vec![Ethernet, Vlan(7), Mpls(vec![17])],
            true,
        ),
        (
            "link-mpls-pseudowire.pcap",
            "Ethernet in MPLS, with a control word.",
            ethernet,
            vec![Ethernet, Mpls(vec![17]), Shell::ControlWord, Ethernet],
            false,
        ),
        (
            "link-mpls-in-ppp.pcap",
            "An MPLS label in PPP.",
            LinkType::PPP,
            vec![PPP, Mpls(vec![17])],
            false,
        ),
        (
            "link-pktap-ethernet.pcap",
            "macOS's tap of an Ethernet interface.",
            LinkType::PKTAP,
            vec![Pktap(1), Ethernet],
            false,
        ),
        (
            "link-pktap-loopback.pcap",
            "macOS's tap of the loopback interface, over IPv6.",
            LinkType::PKTAP,
            vec![Pktap(0), Null],
            true,
        ),
        (
            "link-pktap-raw.pcap",
            "macOS's tap of an interface of raw IP.",
            LinkType::PKTAP,
            vec![Pktap(12)],
            false,
        ),
    ]
}

// One row for each file.
#[allow(clippy::too_many_lines)]
fn tunnels() -> Vec<Row> {
    use Shell::{Ethernet, Geneve, GtpU, L2tp, Mpls, Udp, Vlan, Vxlan};
    let ethernet = LinkType::ETHERNET;
    let over = |shells: &[Shell], ipv6: bool| {
        let mut all = vec![Ethernet, outer(ipv6)];
        all.extend_from_slice(shells);
        all
    };
    vec![
        (
            "tunnel-ip-in-ip.pcap",
            "IPv4 in IPv4.",
            ethernet,
            over(&[], false),
            false,
        ),
        (
            "tunnel-6in4.pcap",
            "IPv6 in IPv4.",
            ethernet,
            over(&[], false),
            true,
        ),
        (
            "tunnel-4in6.pcap",
            "IPv4 in IPv6.",
            ethernet,
            over(&[], true),
            false,
        ),
        (
            "tunnel-6in6.pcap",
            "IPv6 in IPv6.",
            ethernet,
            over(&[], true),
            true,
        ),
        (
            "tunnel-in-tunnel.pcap",
            "IPv4 in IPv4 in IPv6.",
            ethernet,
            over(&[outer(false)], true),
            false,
        ),
        (
            "tunnel-gre.pcap",
            "GRE.",
            ethernet,
            over(&[gre(0, 0)], false),
            false,
        ),
        (
            "tunnel-gre-fields.pcap",
            "GRE with checksum, key and sequence number, over IPv6.",
            ethernet,
            over(&[gre(0xb000, 12)], true),
            true,
        ),
        (
            "tunnel-gre-ethernet.pcap",
            "An Ethernet frame with a VLAN tag in GRE with a key.",
            ethernet,
            over(&[gre(0x2000, 4), Ethernet, Vlan(5)], false),
            false,
        ),
        (
            "tunnel-gre-pptp.pcap",
            "PPP in GRE as PPTP has it.",
            ethernet,
            over(&[gre(0x3081, 12), PPP], false),
            false,
        ),
        (
            "tunnel-gre-mpls.pcap",
            "MPLS in GRE.",
            ethernet,
            over(&[gre(0, 0), Mpls(vec![17])], false),
            false,
        ),
        (
            "tunnel-vxlan.pcap",
            "VXLAN.",
            ethernet,
            over(&[Udp(4789), Vxlan, Ethernet], false),
            false,
        ),
        (
            "tunnel-vxlan-ipv6.pcap",
            "VXLAN over IPv6, a VLAN tag inside.",
            ethernet,
            over(&[Udp(4789), Vxlan, Ethernet, Vlan(9)], true),
            true,
        ),
        (
            "tunnel-geneve.pcap",
            "Geneve with an Ethernet frame and options.",
            ethernet,
            over(
                &[Udp(6081), Geneve(vec![1, 1, 0, 1, 0, 0, 0, 0]), Ethernet],
                false,
            ),
            false,
        ),
        (
            "tunnel-geneve-ip.pcap",
            "Geneve with an IP packet.",
            ethernet,
            over(&[Udp(6081), Geneve(Vec::new())], false),
            false,
        ),
        (
            "tunnel-gtp-u.pcap",
            "GTP-U.",
            ethernet,
            over(&[Udp(2152), GtpU(Vec::new())], false),
            false,
        ),
        (
            "tunnel-gtp-u-extension.pcap",
            "GTP-U with a sequence number and an extension header, with IPv6.",
            ethernet,
            over(&[Udp(2152), GtpU(vec![0, 0, 0, 0x85, 1, 0, 9, 0])], false),
            true,
        ),
        (
            "tunnel-l2tp.pcap",
            "PPP in L2TP.",
            ethernet,
            over(&[Udp(1701), L2tp, PPP], false),
            false,
        ),
        (
            "tunnel-etherip.pcap",
            "An Ethernet frame in IP.",
            ethernet,
            over(&[Shell::EtherIp, Ethernet], false),
            false,
        ),
        (
            "tunnel-mpls-in-ip.pcap",
            "MPLS in IP.",
            ethernet,
            over(&[Mpls(vec![17])], false),
            false,
        ),
    ]
}

/// The frames of some conversations in turn.
fn in_turn(conversations: [Vec<Frame>; 2]) -> Vec<Frame> {
    let [one, other] = conversations;
    let pairs = one.into_iter().zip(other);
    pairs.flat_map(|(one, other)| [one, other]).collect()
}

/// Two streams in one tunnel, which differ only in their inner addresses.
fn two_in_one_tunnel() -> Result<Case, SynthError> {
    let shells = vec![Shell::Ethernet, outer(false), gre(0, 0)];
    let link = Link::Shells(LinkType::ETHERNET, shells);
    let of = |port| exchange(port)?.frames(&link, &IpForm::default());
    let frames = in_turn([of(40_012)?, of(40_013)?]);
    let messages: Vec<Message> = EXCHANGE
        .iter()
        .flat_map(|(frame, _, side, command)| {
            [0, 1].map(|stream| (frame * 2 - 1 + stream, stream, *side, *command))
        })
        .collect();
    Ok(Case::new(
        "tunnel-two-streams.pcap",
        [
            "Two registrations at the same time in one GRE tunnel, a frame of each in turn.",
            "Two streams: they are told apart by the addresses and ports inside.",
        ],
        usual(LinkType::ETHERNET, &frames),
        [2 * EXCHANGE_FRAMES, 2],
        &messages,
    ))
}

/// Index of the request's segment in [`exchange`].
const REQUEST: usize = 3;

/// The frames of an exchange, with the frames of the request from `request`.
fn with_request(
    conversation: &Conversation,
    link: &Link,
    request: Vec<Vec<u8>>,
) -> Result<Vec<Frame>, SynthError> {
    let all = conversation.segments();
    let mut made = frames(&all[..REQUEST], link, &IpForm::default())?;
    let time = all[REQUEST].time;
    made.extend(request.into_iter().map(|octets| Frame::whole(time, octets)));
    made.extend(frames(&all[REQUEST + 1..], link, &IpForm::default())?);
    Ok(made)
}

fn fragmented(file: &'static str, holds: &'static str, frames: &[Frame]) -> Case {
    let [(_, _, client, asks), (_, _, server, answers)] = EXCHANGE;
    Case::new(
        file,
        [
            holds,
            "The request is complete in the frame of the last fragment.",
        ],
        usual(LinkType::ETHERNET, frames),
        [EXCHANGE_FRAMES + 1, 1],
        &[(5, 0, client, asks), (7, 0, server, answers)],
    )
}

fn fragments_in_a_tunnel() -> Result<Case, SynthError> {
    let conversation = exchange(40_014)?;
    let shells = vec![Shell::Ethernet, outer(false), gre(0, 0)];
    let link = Link::Shells(LinkType::ETHERNET, shells);
    let form = IpForm {
        identification: 77,
        fragments: vec![Fragment::from(0..40), Fragment::from(40..78)],
        ..IpForm::default()
    };
    let request = packets(&conversation.segments()[REQUEST].segment, &form)?;
    let request = request.iter().map(|packet| link.wrap(packet)).collect();
    let frames = with_request(&conversation, &link, request)?;
    Ok(fragmented(
        "tunnel-fragments-inside.pcap",
        "The request's packet comes in two fragments, each in a packet of a GRE tunnel.",
        &frames,
    ))
}

fn tunnel_in_fragments() -> Result<Case, SynthError> {
    const CUT: usize = 48;
    const ETHERNET: usize = 14;
    const IP: usize = 20;
    let conversation = exchange(40_015)?;
    let shells = vec![
        Shell::Ethernet,
        outer(false),
        Shell::Udp(4789),
        Shell::Vxlan,
        Shell::Ethernet,
    ];
    let link = Link::Shells(LinkType::ETHERNET, shells);
    let request = packets(
        &conversation.segments()[REQUEST].segment,
        &IpForm::default(),
    )?;
    let whole = link.wrap(&request[0]);
    let payload = &whole[ETHERNET + IP..];
    let part = |range: std::ops::Range<usize>| {
        let more = range.end < payload.len();
        let mut frame = whole[..ETHERNET + IP].to_vec();
        let header = &mut frame[ETHERNET..];
        header[2..4].copy_from_slice(&((IP + range.len()) as u16).to_be_bytes());
        header[4..6].copy_from_slice(&[0, 77]);
        let place = (range.start / 8) as u16 | if more { 0x2000 } else { 0 };
        header[6..8].copy_from_slice(&place.to_be_bytes());
        header[10..12].fill(0);
        let sum: u32 = header
            .chunks(2)
            .map(|pair| u32::from(pair[0]) << 8 | u32::from(pair[1]))
            .sum();
        let sum = !((sum >> 16) + (sum & 0xffff)) as u16;
        header[10..12].copy_from_slice(&sum.to_be_bytes());
        frame.extend_from_slice(&payload[range]);
        frame
    };
    let parts = vec![part(0..CUT), part(CUT..payload.len())];
    let frames = with_request(&conversation, &link, parts)?;
    Ok(fragmented(
        "tunnel-in-fragments.pcap",
        "The packet of a VXLAN tunnel that has the request comes in two fragments.",
        &frames,
    ))
}
