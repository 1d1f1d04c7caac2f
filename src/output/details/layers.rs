//! The layers below messages in a frame's details: frame, link, IP, TCP.

use std::ops::Range;

use super::tree::{Node, Space};
use crate::capture::LinkType;
use crate::output::clock::{Clock, TimeFormat};
use crate::output::info;
use crate::packet::{Ip, Packet, Segment};
use crate::session::FrameRecord;

/// The octets of fields of an IPv4 header (RFC 791 section 3.1).
mod ipv4 {
    use std::ops::Range;
    pub const LENGTH: Range<usize> = 2..4;
    pub const IDENTIFICATION: Range<usize> = 4..6;
    pub const FRAGMENT: Range<usize> = 6..8;
    pub const TTL: Range<usize> = 8..9;
    pub const PROTOCOL: Range<usize> = 9..10;
    pub const SOURCE: Range<usize> = 12..16;
    pub const DESTINATION: Range<usize> = 16..20;
}

/// The octets of fields of an IPv6 header (RFC 8200 section 3).
mod ipv6 {
    use std::ops::Range;
    pub const LENGTH: Range<usize> = 4..6;
    pub const HOP_LIMIT: Range<usize> = 7..8;
    pub const SOURCE: Range<usize> = 8..24;
    pub const DESTINATION: Range<usize> = 24..40;
}

/// The octets of fields of a TCP header (RFC 9293 section 3.1).
mod tcp {
    use std::ops::Range;
    pub const SOURCE: Range<usize> = 0..2;
    pub const DESTINATION: Range<usize> = 2..4;
    pub const SEQUENCE: Range<usize> = 4..8;
    pub const ACKNOWLEDGEMENT: Range<usize> = 8..12;
    pub const HEADER_LENGTH: Range<usize> = 12..13;
    pub const FLAGS: Range<usize> = 12..14;
    pub const WINDOW: Range<usize> = 14..16;
    pub const CHECKSUM: Range<usize> = 16..18;
    pub const FIXED_END: usize = 20;
}

fn shifted(range: &Range<usize>, by: usize) -> Range<usize> {
    range.start + by..range.end + by
}

/// A link type's name for people.
#[must_use]
pub const fn link_name(link: LinkType) -> &'static str {
    match link {
        LinkType::NULL => "BSD loopback",
        LinkType::LOOP => "OpenBSD loopback",
        LinkType::ETHERNET => "Ethernet",
        LinkType::LINUX_SLL => "Linux cooked capture v1",
        LinkType::LINUX_SLL2 => "Linux cooked capture v2",
        LinkType::IEEE802_11 => "Wi-Fi",
        LinkType::IEEE802_11_RADIOTAP => "Wi-Fi with radiotap",
        LinkType::RAW | LinkType::RAW_BSD | LinkType::RAW_OPENBSD => "raw IP",
        LinkType::IPV4 => "raw IPv4",
        LinkType::IPV6 => "raw IPv6",
        _ => "not read by this program",
    }
}

/// The frame, its link layer, IP and TCP.
pub(super) fn nodes(record: &FrameRecord<'_>, clock: &Clock) -> Vec<Node> {
    let header = record.frame.header;
    let mut nodes = vec![frame(record, clock)];
    let octets = record.frame.octets;
    // The IP header that stands in the frame itself.
    let ip = match (record.packet, record.datagram) {
        (_, Some(datagram)) => Some(datagram.ip),
        (Packet::Fragment(ip), None) => Some(*ip),
        (Packet::Tcp(segment), None) => {
            Ip::read(octets, segment.ip_start as usize, header.wire as usize).ok()
        }
        (Packet::Other(_), None) => None,
    };
    let link_end = ip.map_or(octets.len(), |ip| ip.start as usize);
    if link_end > 0 {
        nodes.push(Node::at(Space::Frame, 0..link_end, link_name(header.link)));
    }
    nodes.extend(ip.map(|ip| ip_node(&ip)));
    if let Some(datagram) = record.datagram {
        let mut node = Node::new(format!(
            "Datagram of {} octets put together from {} fragments; octets below are counted in it",
            datagram.payload.len(),
            datagram.pieces.len()
        ));
        node.children.extend(datagram.pieces.iter().map(|piece| {
            let start = piece.start as usize;
            Node::at(
                Space::Datagram,
                start..start + piece.len as usize,
                format!("Frame {}", piece.frame),
            )
        }));
        nodes.push(node);
    }
    match record.packet {
        Packet::Tcp(segment) => nodes.push(tcp_node(record, segment)),
        Packet::Fragment(_) | Packet::Other(_) => {
            let mut text = String::new();
            info::frame(&mut text, record, false);
            nodes.push(Node::new(text));
        }
    }
    nodes
}

fn frame(record: &FrameRecord<'_>, clock: &Clock) -> Node {
    let header = record.frame.header;
    let mut node = Node::new(format!(
        "Frame {}: {} octets on the wire, {} captured",
        record.frame.number, header.wire, header.captured
    ));
    for (label, format) in [
        ("Time", TimeFormat::Utc),
        ("Seconds since the first frame", TimeFormat::Relative),
        ("Seconds since the frame before", TimeFormat::Delta),
    ] {
        let mut text = format!("{label}: ");
        clock.write_as(format, &mut text, header.time);
        node.children.push(Node::new(text));
    }
    node.children.push(Node::new(format!(
        "Interface {}, link type {} ({})",
        header.interface,
        header.link.0,
        link_name(header.link)
    )));
    node
}

fn ip_node(ip: &Ip) -> Node {
    let start = ip.start as usize;
    let v4 = ip.source.is_ipv4();
    let version = if v4 { "IPv4" } else { "IPv6" };
    let end = start + ip.header_len as usize;
    let mut node = Node::at(
        Space::Frame,
        start..end,
        format!("{version}, {} → {}", ip.source, ip.destination),
    );
    let fragment = match (ip.fragmented, ip.more_fragments) {
        (true, true) => format!("fragment from octet {}, more follow", ip.fragment_offset),
        (true, false) => format!("last fragment, from octet {}", ip.fragment_offset),
        (false, _) if ip.dont_fragment => "not to be fragmented".to_owned(),
        (false, _) => "no fragment".to_owned(),
    };
    let source = format!("Source: {}", ip.source);
    let destination = format!("Destination: {}", ip.destination);
    let mut add = |range: Range<usize>, text: String| {
        node.children
            .push(Node::at(Space::Frame, shifted(&range, start), text));
    };
    if v4 {
        add(ipv4::LENGTH, format!("Total length: {}", ip.length));
        add(
            ipv4::IDENTIFICATION,
            format!("Identification: {:#06x}", ip.identification),
        );
        add(ipv4::FRAGMENT, format!("Fragmentation: {fragment}"));
        add(ipv4::TTL, format!("Time to live: {}", ip.ttl));
        add(ipv4::PROTOCOL, format!("Protocol: {}", ip.protocol));
        add(ipv4::SOURCE, source);
        add(ipv4::DESTINATION, destination);
    } else {
        add(
            ipv6::LENGTH,
            format!("Payload length: {}", ip.length - ip.header_len),
        );
        add(ipv6::HOP_LIMIT, format!("Hop limit: {}", ip.ttl));
        add(ipv6::SOURCE, source);
        add(ipv6::DESTINATION, destination);
        let extensions = end..ip.payload_start as usize;
        if !extensions.is_empty() && extensions.end > extensions.start {
            let text = if ip.fragmented {
                format!(
                    "Extension headers: {fragment}, identification {:#010x}",
                    ip.identification
                )
            } else {
                "Extension headers".to_owned()
            };
            node.children.push(Node::at(Space::Frame, extensions, text));
        }
    }
    node
}

fn tcp_node(record: &FrameRecord<'_>, segment: &Segment) -> Node {
    let space = match record.datagram {
        Some(_) => Space::Datagram,
        None => Space::Frame,
    };
    let start = segment.tcp_start as usize;
    let payload = segment.payload_start as usize;
    let mut node = Node::at(
        space,
        start..payload,
        format!(
            "TCP, port {} → {}, {} octets of data",
            segment.source.port, segment.destination.port, segment.payload_len
        ),
    );
    if let Some(placed) = record.placement {
        node.children.push(Node::new(format!(
            "Stream {}, from the {}",
            placed.stream,
            placed.sender.name()
        )));
    }
    let relative = record
        .placement
        .map(|placed| (placed.relative_seq, placed.relative_ack));
    let octets = record.packet_octets();
    let mut add = |range: Range<usize>, text: String| {
        node.children
            .push(Node::at(space, shifted(&range, start), text));
    };
    add(tcp::SOURCE, format!("Source port: {}", segment.source.port));
    add(
        tcp::DESTINATION,
        format!("Destination port: {}", segment.destination.port),
    );
    let (seq, ack) = relative.unwrap_or((segment.seq.0, segment.ack.0));
    add(
        tcp::SEQUENCE,
        format!("Sequence number: {seq} (absolute {})", segment.seq.0),
    );
    if segment.flags.has(crate::packet::Flags::ACK) {
        add(
            tcp::ACKNOWLEDGEMENT,
            format!("Acknowledgement number: {ack} (absolute {})", segment.ack.0),
        );
    }
    add(
        tcp::HEADER_LENGTH,
        format!("Header length: {}", segment.header_len()),
    );
    add(
        tcp::FLAGS,
        format!("Flags: {:#05x} ({})", segment.flags.0, segment.flags),
    );
    let scaled = info::window(record, segment);
    add(
        tcp::WINDOW,
        if u64::from(segment.window) == scaled {
            format!("Window: {scaled}")
        } else {
            format!("Window: {} (scaled {scaled})", segment.window)
        },
    );
    if let Some([high, low]) = octets.get(shifted(&tcp::CHECKSUM, start)) {
        add(
            tcp::CHECKSUM,
            format!("Checksum: {:#06x}", u16::from_be_bytes([*high, *low])),
        );
    }
    if payload > start + tcp::FIXED_END {
        let mut text = String::from("Options:");
        info::options(&mut text, record, segment);
        add(tcp::FIXED_END..payload - start, text);
    }
    if segment.payload_captured > 0 {
        let end = payload + segment.payload_captured as usize;
        let missing = match segment.payload_len - segment.payload_captured.min(segment.payload_len)
        {
            0 => String::new(),
            octets => format!(", {octets} more were not captured"),
        };
        node.children.push(Node::at(
            space,
            payload..end,
            format!("Data: {} octets{missing}", segment.payload_captured),
        ));
    }
    node
}
