//! The same exchange on every link layer.

use authscope::capture::LinkType;
use authscope::synth::{ByteOrder, Conversation, IpForm, Link, Side, SynthError};

use super::{
    Case, EXCHANGE, EXCHANGE_FRAMES, ends_ipv6, exchange, exchange_between, registration_request,
    registration_response, usual,
};

const ANSWER: &str = "A registration that succeeds.";

const fn null(order: ByteOrder, ipv6: u32) -> Link {
    Link::Null { order, ipv6 }
}

pub fn add(cases: &mut Vec<Case>) -> Result<(), SynthError> {
    ipv4(cases)?;
    ipv6(cases)?;
    cases.push(padded()?);
    Ok(())
}

fn ipv4(cases: &mut Vec<Case>) -> Result<(), SynthError> {
    use ByteOrder::{Big, Little};
    let tags = |tags: &[(u16, u16)]| Link::Ethernet {
        tags: tags.to_vec(),
        minimum: 0,
    };
    for (file, holds, link) in [
        (
            "link-null-little-endian.pcap",
            "BSD loopback, written on a little-endian host.",
            null(Little, 30),
        ),
        (
            "link-null-big-endian.pcap",
            "BSD loopback, written on a big-endian host.",
            null(Big, 30),
        ),
        ("link-loop.pcap", "OpenBSD loopback.", Link::Loop),
        ("link-ethernet.pcap", "Ethernet.", Link::ETHERNET),
        (
            "link-vlan.pcap",
            "Ethernet with an 802.1Q tag.",
            tags(&[(0x8100, 42)]),
        ),
        (
            "link-qinq.pcap",
            "Ethernet with a service tag (802.1ad) and an 802.1Q tag.",
            tags(&[(0x88a8, 7), (0x8100, 42)]),
        ),
        (
            "link-linux-cooked.pcap",
            "Linux cooked capture v1, as of `tcpdump -i any`.",
            Link::LinuxSll,
        ),
        (
            "link-linux-cooked-v2.pcap",
            "Linux cooked capture v2.",
            Link::LinuxSll2,
        ),
        ("link-raw.pcap", "Raw IP.", Link::Raw(LinkType::RAW)),
        (
            "link-raw-12.pcap",
            "Raw IP under the number 12.",
            Link::Raw(LinkType::RAW_BSD),
        ),
        (
            "link-raw-14.pcap",
            "Raw IP under the number 14.",
            Link::Raw(LinkType::RAW_OPENBSD),
        ),
        ("link-ipv4.pcap", "Raw IPv4.", Link::Raw(LinkType::IPV4)),
        (
            "link-wifi.pcap",
            "Wi-Fi data frames (802.11).",
            Link::Wifi { radiotap: false },
        ),
        (
            "link-wifi-radiotap.pcap",
            "Wi-Fi data frames behind a radiotap header.",
            Link::Wifi { radiotap: true },
        ),
    ] {
        let frames = exchange(40_001)?.frames(&link, &IpForm::default())?;
        cases.push(Case::new(
            file,
            [holds, ANSWER],
            usual(link.link_type(), &frames),
            [EXCHANGE_FRAMES, 1],
            &EXCHANGE,
        ));
    }
    Ok(())
}

fn ipv6(cases: &mut Vec<Case>) -> Result<(), SynthError> {
    use ByteOrder::Little;
    for (file, holds, link) in [
        (
            "link-null-ipv6-24.pcap",
            "BSD loopback with IPv6, whose number is 24 on NetBSD, OpenBSD and with Npcap.",
            null(Little, 24),
        ),
        (
            "link-null-ipv6-28.pcap",
            "BSD loopback with IPv6, whose number is 28 on FreeBSD.",
            null(Little, 28),
        ),
        (
            "link-null-ipv6-30.pcap",
            "BSD loopback with IPv6, whose number is 30 on macOS.",
            null(Little, 30),
        ),
        (
            "link-loop-ipv6.pcap",
            "OpenBSD loopback with IPv6.",
            Link::Loop,
        ),
        (
            "link-ethernet-ipv6.pcap",
            "Ethernet with IPv6.",
            Link::ETHERNET,
        ),
        (
            "link-linux-cooked-v2-ipv6.pcap",
            "Linux cooked capture v2 with IPv6.",
            Link::LinuxSll2,
        ),
        (
            "link-raw-ipv6.pcap",
            "Raw IP that turns out to be IPv6.",
            Link::Raw(LinkType::RAW),
        ),
        ("link-ipv6.pcap", "Raw IPv6.", Link::Raw(LinkType::IPV6)),
    ] {
        let (from, to) = ends_ipv6(40_001);
        let frames = exchange_between(from, to)?.frames(&link, &IpForm::default())?;
        cases.push(Case::new(
            file,
            [holds, ANSWER],
            usual(link.link_type(), &frames),
            [EXCHANGE_FRAMES, 1],
            &EXCHANGE,
        ));
    }
    Ok(())
}

/// Real Ethernet pads short frames. The padding of an ACK is not data.
fn padded() -> Result<Case, SynthError> {
    let link = Link::Ethernet {
        tags: Vec::new(),
        minimum: 60,
    };
    let request = registration_request()?;
    let mut plain: Conversation = super::conversation(40_001);
    plain
        .handshake()
        .send_cut(Side::Client, &request, &[2])
        .ack(Side::Server)
        .deliver(Side::Server, &registration_response())
        .close(Side::Client);
    let frames = plain.frames(&link, &IpForm::default())?;
    let [(_, _, client, asks), (_, _, server, answers)] = EXCHANGE;
    Ok(Case::new(
        "link-ethernet-padded.pcap",
        [
            "Ethernet whose short frames are filled up to 60 bytes with zeros, as hardware does; \
             the request comes in 2 and 56 bytes.",
            "The filling is no data.",
        ],
        usual(link.link_type(), &frames),
        [12, 1],
        &[(5, 0, client, asks), (7, 0, server, answers)],
    ))
}
