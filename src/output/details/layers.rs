//! The layers below messages in a frame's details: frame, link, IP, TCP.

use std::ops::Range;

use super::tree::{Node, Space};
use crate::capture::LinkType;
use crate::output::clock::{TimeDisplay, TimeFormat};
use crate::output::info;
use crate::packet::layout::{ipv4, ipv6, tcp};
use crate::packet::{self, Ip, Packet, Segment, link_type_name, passed_headers};
use crate::session::FrameRecord;

fn shifted(range: &Range<usize>, by: usize) -> Range<usize> {
    range.start + by..range.end + by
}

/// Fields of a layer, about: room is made for them once.
const FIELDS: usize = 12;

/// A label and a number: most lines are that, and this takes a third of what formatting takes.
fn numbered(label: &str, number: impl itoa::Integer) -> String {
    let mut digits = itoa::Buffer::new();
    let digits = digits.format(number);
    let mut text = String::with_capacity(label.len() + digits.len());
    text.push_str(label);
    text.push_str(digits);
    text
}

/// A label, a number as it is shown, and as it stands in the header.
fn absolute(label: &str, shown: u32, absolute: u32) -> String {
    let mut digits = itoa::Buffer::new();
    let mut text = String::with_capacity(label.len() + 33);
    text.push_str(label);
    text.push_str(digits.format(shown));
    text.push_str(" (absolute ");
    text.push_str(digits.format(absolute));
    text.push(')');
    text
}

/// A link type's name for people.
#[must_use]
pub fn link_name(link: LinkType) -> &'static str {
    link_type_name(link).unwrap_or("not read by this program")
}

/// The frame, its link layer, IP and TCP.
pub(super) fn nodes(record: &FrameRecord<'_>, clock: &TimeDisplay) -> Vec<Node> {
    let header = record.frame.header;
    let mut nodes = vec![frame(record, clock)];
    let octets = record.frame.octets;
    let mut end = 0;
    passed_headers(header.link, octets, header.wire, |passed, ip| {
        end = end.max(passed.octets.end);
        match ip {
            Some(ip) => nodes.push(ip_node(ip, Space::Frame)),
            None if passed.octets.is_empty() => {}
            None => nodes.push(Node::at(Space::Frame, passed.octets, passed.name)),
        }
    });
    if end == 0 && !octets.is_empty() {
        nodes.push(Node::at(
            Space::Frame,
            0..octets.len(),
            link_name(header.link),
        ));
    }
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
        packet::passed_in(&datagram.ip, &datagram.payload, |passed, ip| match ip {
            Some(ip) => nodes.push(ip_node(ip, Space::Datagram)),
            None => nodes.push(Node::at(Space::Datagram, passed.octets, passed.name)),
        });
    }
    match record.packet {
        Packet::Tcp(segment) => nodes.push(tcp_node(record, segment)),
        Packet::Fragment(_) | Packet::Ip(..) | Packet::Other(_) => {
            let mut text = String::new();
            info::frame(&mut text, record, false);
            nodes.push(Node::new(text));
        }
    }
    nodes
}

fn frame(record: &FrameRecord<'_>, clock: &TimeDisplay) -> Node {
    let header = record.frame.header;
    let mut node = Node::new(format!(
        "Frame {}: {} octets on the wire, {} captured",
        record.frame.number, header.wire, header.captured
    ))
    .of("frame.number");
    for (label, format, field) in [
        ("Time", TimeFormat::Utc, "frame.time"),
        (
            "Seconds since the first frame",
            TimeFormat::Relative,
            "frame.time_relative",
        ),
        (
            "Seconds since the frame before",
            TimeFormat::Delta,
            "frame.time_delta",
        ),
    ] {
        let mut text = format!("{label}: ");
        clock.write_as(format, &mut text, header.time);
        node.children.push(Node::new(text).of(field));
    }
    node.children.push(Node::new(format!(
        "Interface {}, link type {} ({})",
        header.interface,
        header.link.0,
        link_name(header.link)
    )));
    node
}

fn ip_node(ip: &Ip, space: Space) -> Node {
    let start = ip.start as usize;
    let v4 = ip.source.is_ipv4();
    let (version, field) = if v4 { ("IPv4", "ip") } else { ("IPv6", "ipv6") };
    let end = start + ip.header_len as usize;
    let mut node = Node::at(
        space,
        start..end,
        format!("{version}, {} → {}", ip.source, ip.destination),
    )
    .of(field);
    node.children.reserve(FIELDS);
    let fragment = match (ip.fragmented, ip.more_fragments) {
        (true, true) => format!("fragment from octet {}, more follow", ip.fragment_offset),
        (true, false) => format!("last fragment, from octet {}", ip.fragment_offset),
        (false, _) if ip.dont_fragment => "not to be fragmented".to_owned(),
        (false, _) => "no fragment".to_owned(),
    };
    let source = format!("Source: {}", ip.source);
    let destination = format!("Destination: {}", ip.destination);
    let mut add = |range: Range<usize>, field: &'static str, text: String| {
        let child = Node::at(space, shifted(&range, start), text);
        node.children.push(child.of(field));
    };
    if v4 {
        let length = numbered("Total length: ", ip.length);
        add(ipv4::LENGTH, "ip.len", length);
        let identification = format!("Identification: {:#06x}", ip.identification);
        add(ipv4::IDENTIFICATION, "ip.id", identification);
        let fragment = format!("Fragmentation: {fragment}");
        add(ipv4::FRAGMENT, "ip.frag_offset", fragment);
        add(ipv4::TTL, "ip.ttl", numbered("Time to live: ", ip.ttl));
        let protocol = numbered("Protocol: ", ip.protocol);
        add(ipv4::PROTOCOL, "ip.proto", protocol);
        add(ipv4::SOURCE, "ip.src", source);
        add(ipv4::DESTINATION, "ip.dst", destination);
    } else {
        let length = format!("Payload length: {}", ip.length - ip.header_len);
        add(ipv6::LENGTH, "ipv6.plen", length);
        let limit = numbered("Hop limit: ", ip.ttl);
        add(ipv6::HOP_LIMIT, "ipv6.hlim", limit);
        add(ipv6::SOURCE, "ipv6.src", source);
        add(ipv6::DESTINATION, "ipv6.dst", destination);
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
            node.children.push(Node::at(space, extensions, text));
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
    )
    .of("tcp");
    node.children.reserve(FIELDS);
    if let Some(placed) = record.placement {
        let text = format!(
            "Stream {}, from the {}",
            placed.stream,
            placed.sender.name()
        );
        node.children.push(Node::new(text).of("tcp.stream"));
    }
    let relative = record
        .placement
        .map(|placed| (placed.relative_seq, placed.relative_ack));
    let octets = record.packet_octets();
    let mut add = |range: Range<usize>, field: &'static str, text: String| {
        let child = Node::at(space, shifted(&range, start), text);
        node.children.push(child.of(field));
    };
    let port = numbered("Source port: ", segment.source.port);
    add(tcp::SOURCE, "tcp.srcport", port);
    let port = numbered("Destination port: ", segment.destination.port);
    add(tcp::DESTINATION, "tcp.dstport", port);
    let (seq, ack) = relative.unwrap_or((segment.seq.0, segment.ack.0));
    let seq = absolute("Sequence number: ", seq, segment.seq.0);
    add(tcp::SEQUENCE, "tcp.seq", seq);
    if segment.flags.has(crate::packet::Flags::ACK) {
        let ack = absolute("Acknowledgement number: ", ack, segment.ack.0);
        add(tcp::ACKNOWLEDGEMENT, "tcp.ack", ack);
    }
    let length = numbered("Header length: ", segment.header_len());
    add(tcp::HEADER_LENGTH, "tcp.hdr_len", length);
    let flags = format!("Flags: {:#05x} ({})", segment.flags.0, segment.flags);
    add(tcp::FLAGS, "tcp.flags", flags);
    let scaled = info::window(record, segment);
    let window = if u64::from(segment.window) == scaled {
        numbered("Window: ", scaled)
    } else {
        format!("Window: {} (scaled {scaled})", segment.window)
    };
    add(tcp::WINDOW, "tcp.window_size_value", window);
    if let Some([high, low]) = octets.get(shifted(&tcp::CHECKSUM, start)) {
        let checksum = u16::from_be_bytes([*high, *low]);
        add(
            tcp::CHECKSUM,
            "tcp.checksum",
            format!("Checksum: {checksum:#06x}"),
        );
    }
    if payload > start + tcp::LEN {
        let mut text = String::from("Options:");
        info::options(&mut text, record, segment);
        add(tcp::LEN..payload - start, "tcp.options", text);
    }
    if segment.payload_captured > 0 {
        let end = payload + segment.payload_captured as usize;
        let missing = match segment.payload_len - segment.payload_captured.min(segment.payload_len)
        {
            0 => String::new(),
            octets => format!(", {octets} more were not captured"),
        };
        let text = format!("Data: {} octets{missing}", segment.payload_captured);
        let data = Node::at(space, payload..end, text);
        node.children.push(data.of("tcp.payload"));
    }
    node
}
