//! The Protocol and Info columns: a frame or a message in one line.

use std::net::IpAddr;

use etherparse::{TcpOptionElement, TcpOptionsIterator};

use super::details::tls_summaries;
use super::rows::messages_of;
use crate::dissect::http::first_line;
use crate::dissect::named::begins_as;
use crate::dissect::smpp::{SMPP_HEADER_LEN, begins_smpp, smpp_command};
use crate::dissect::tls::{TLS_HEADER_LEN, tls_record};
use crate::dissect::{Message, Note, Protocol};
use crate::packet::{Flags, Ip, Other, Packet, Segment, ip_protocol, link_type_name};
use crate::protocol::layout::{PROTOCOL_NAME, STATUS_FAILURE, STATUS_SUCCESS};
use crate::protocol::{HeaderNumber, MessageKind};
use crate::session::FrameRecord;
use crate::text::put;
use crate::text::secret::{self, MASK, Masked};

/// The text between several messages of one frame.
pub const SEPARATOR: &str = " | ";

/// Source and destination address of a packet; `None` if it is not IP.
#[must_use]
pub fn addresses(packet: &Packet) -> Option<(IpAddr, IpAddr)> {
    match packet {
        Packet::Tcp(segment) => Some((segment.source.address, segment.destination.address)),
        Packet::Fragment(ip) | Packet::Ip(ip, _) => Some((ip.source, ip.destination)),
        Packet::Other(_) => None,
    }
}

/// Appends a frame's line, with the notes of its stream. Returns the name of its protocol.
pub fn frame(out: &mut String, record: &FrameRecord<'_>, show_passwords: bool) -> &'static str {
    let protocol = content(out, record, show_passwords);
    for noted in record.notes {
        marker(out, &noted.note);
    }
    protocol
}

fn content(out: &mut String, record: &FrameRecord<'_>, show_passwords: bool) -> &'static str {
    let segment = match record.packet {
        Packet::Tcp(segment) => segment,
        Packet::Fragment(ip) => {
            put::formatted(
                out,
                format_args!(
                    "Fragment of an IP datagram (protocol {}, offset {}, identification {:#06x})",
                    ip.protocol, ip.fragment_offset, ip.identification
                ),
            );
            return if ip.source.is_ipv4() { "IPv4" } else { "IPv6" };
        }
        Packet::Ip(ip, other) => return ip_packet(out, record, ip, *other),
        Packet::Other(other) => return other_packet(out, record, *other),
    };
    let start = out.len();
    let mut protocol = PROTOCOL_NAME;
    for found in messages_of(record) {
        protocol = found.protocol_name();
        if out.len() > start {
            out.push_str(SEPARATOR);
        }
        row(out, found, show_passwords);
    }
    if out.len() > start {
        return protocol;
    }
    if !record.tls.is_empty() {
        tls_summaries(out, record.tls);
        return Protocol::Tls.name();
    }
    let payload = record.payload();
    let known = match record.protocol {
        Protocol::Smpp => smpp(out, payload),
        Protocol::Tls => tls(out, payload),
        protocol => line(out, payload, protocol),
    };
    if known {
        return record.protocol.name();
    }
    tcp(out, record, segment);
    Protocol::Data.name()
}

/// Appends a message's summary, with its notes that rows show.
pub fn message(out: &mut String, message: &Message, show_passwords: bool) {
    summary(out, message, show_passwords);
    for note in &message.notes {
        marker(out, note);
    }
}

/// As [`message`], with the user that a response is about.
pub fn row(out: &mut String, message: &Message, show_passwords: bool) {
    summary_with(out, message, show_passwords, true);
    for note in &message.notes {
        marker(out, note);
    }
}

/// When a message is shown, if not with its own frame.
#[derive(Debug, Clone, Copy)]
pub enum Late {
    /// With this frame, which comes later than its own.
    With(u64),
    /// When its TLS secrets came, without a further frame.
    Between,
    /// At the end of the capture.
    AtEnd,
}

/// Appends the remark that a row comes late, and when it was shown.
pub fn late(out: &mut String, late: Late) {
    match late {
        Late::With(frame) => put::formatted(out, format_args!(" [Late: told with frame {frame}]")),
        Late::Between => out.push_str(" [Late: told when its TLS secrets came]"),
        Late::AtEnd => out.push_str(" [Late: told at the end]"),
    }
}

/// Appends a message's summary, with [`MASK`] for each value that may be part of a password.
pub fn summary(out: &mut String, message: &Message, show_passwords: bool) {
    summary_with(out, message, show_passwords, false);
}

fn summary_with(out: &mut String, message: &Message, show_passwords: bool, tells_user: bool) {
    if let Some(described) = &message.described {
        return super::described::summary(out, message, described, show_passwords);
    }
    let view = secret::view(message, show_passwords);
    let command = message.command();
    if message.octets.len() < crate::protocol::layout::HEADER_LEN {
        out.push_str("Beginning of a message");
    } else {
        out.push_str(command.title());
    }
    match command.kind() {
        Some(MessageKind::Request) => match view.user_name() {
            Some(Masked::Clear(name)) if name.octets().is_empty() => {
                out.push_str(", no user name");
            }
            Some(Masked::Clear(name)) => {
                out.push_str(", user ");
                put::escaped(out, name.octets());
            }
            Some(Masked::Hidden) => put::formatted(out, format_args!(", user {MASK}")),
            None => {}
        },
        Some(MessageKind::Response) => {
            if let Some(answered) = message.answered.filter(|_| tells_user) {
                out.push_str(", user ");
                put::escaped(out, &answered.user);
            }
            match view.status() {
                Some(Masked::Clear(STATUS_SUCCESS)) => out.push_str(", success"),
                Some(Masked::Clear(STATUS_FAILURE)) => out.push_str(", failure"),
                Some(Masked::Clear(status)) => {
                    put::formatted(out, format_args!(", status {status}"));
                }
                Some(Masked::Hidden) | None => {}
            }
            match view.description() {
                Some(Masked::Clear(text)) if text.octets().is_empty() => {}
                Some(Masked::Clear(text)) => {
                    out.push_str(": ");
                    put::escaped(out, text.octets());
                }
                Some(Masked::Hidden) => put::formatted(out, format_args!(": {MASK}")),
                None => {}
            }
        }
        None => {
            if view.command().is_some() {
                put::formatted(out, format_args!(" {}", HeaderNumber::new(command.code())));
            }
        }
    }
}

/// Appends a note in brackets if rows show it.
pub fn marker(out: &mut String, note: &Note) {
    if note.in_rows() {
        bracketed(out, note);
    }
}

/// Appends a note in brackets, with its group.
pub fn bracketed(out: &mut String, note: &Note) {
    let group = note.group().name();
    let (first, rest) = group.split_at(1);
    let first = first.to_ascii_uppercase();
    put::formatted(out, format_args!(" [{first}{rest}: {note}]"));
}

/// Appends a segment as in Wireshark's Info column.
fn tcp(out: &mut String, record: &FrameRecord<'_>, segment: &Segment) {
    put::number(out, segment.source.port);
    out.push_str(" → ");
    put::number(out, segment.destination.port);
    put::formatted(out, format_args!(" [{}]", segment.flags));
    let (seq, ack) = numbers(record, segment);
    out.push_str(" Seq=");
    put::number(out, seq);
    if segment.flags.has(Flags::ACK) {
        out.push_str(" Ack=");
        put::number(out, ack);
    }
    out.push_str(" Win=");
    put::number(out, window(record, segment));
    out.push_str(" Len=");
    put::number(out, segment.payload_len);
    options(out, record, segment);
}

/// Sequence and acknowledgement number, relative (`tcp.seq`, `tcp.ack`) if the segment belongs to a stream.
pub(super) fn numbers(record: &FrameRecord<'_>, segment: &Segment) -> (u32, u32) {
    let relative = |placed: &crate::stream::Placement| (placed.relative_seq, placed.relative_ack);
    record
        .placement
        .map_or((segment.seq.0, segment.ack.0), relative)
}

/// The window in bytes, scaled if the scale is known (`tcp.window_size`).
pub(super) fn window(record: &FrameRecord<'_>, segment: &Segment) -> u64 {
    // The window of a SYN is never scaled, and no scale is above 14 (RFC 7323 section 2).
    let shift = match record.placement.and_then(|placed| placed.window_shift) {
        Some(shift) if !segment.flags.has(Flags::SYN) => shift.min(14),
        _ => 0,
    };
    u64::from(segment.window) << shift
}

/// Appends the TCP options, each with a space before it.
pub(super) fn options(out: &mut String, record: &FrameRecord<'_>, segment: &Segment) {
    let (_, ack) = numbers(record, segment);
    // The other side's initial sequence number.
    let base = segment.ack.0.wrapping_sub(ack);
    let octets = segment.option_octets(record.packet_octets());
    for element in TcpOptionsIterator::from_slice(octets).map_while(Result::ok) {
        option(out, &element, base);
    }
}

fn option(out: &mut String, element: &TcpOptionElement, base: u32) {
    match *element {
        TcpOptionElement::Noop => {}
        TcpOptionElement::MaximumSegmentSize(size) => {
            put::formatted(out, format_args!(" MSS={size}"));
        }
        TcpOptionElement::WindowScale(shift) => {
            put::formatted(out, format_args!(" WS={}", 1u32 << shift.min(14)));
        }
        TcpOptionElement::SelectiveAcknowledgementPermitted => out.push_str(" SACK_PERM"),
        TcpOptionElement::SelectiveAcknowledgement(first, others) => {
            for (left, right) in std::iter::once(first).chain(others.into_iter().flatten()) {
                let [left, right] = [left, right].map(|edge| edge.wrapping_sub(base));
                put::formatted(out, format_args!(" SLE={left} SRE={right}"));
            }
        }
        TcpOptionElement::Timestamp(value, echo) => {
            put::formatted(out, format_args!(" TSval={value} TSecr={echo}"));
        }
    }
}

/// Appends the SMPP commands at the start of a payload. Returns whether there are any.
fn smpp(out: &mut String, payload: &[u8]) -> bool {
    let mut rest = payload;
    let mut separator = "";
    while begins_smpp(rest) {
        let Some((header, _)) = rest.split_first_chunk::<SMPP_HEADER_LEN>() else {
            break;
        };
        let [l0, l1, l2, l3, c0, c1, c2, c3, ..] = *header;
        let id = u32::from_be_bytes([c0, c1, c2, c3]);
        let name = smpp_command(id).unwrap_or("Vendor command");
        put::formatted(out, format_args!("{separator}{name}"));
        separator = ", ";
        let length = u32::from_be_bytes([l0, l1, l2, l3]) as usize;
        rest = rest.get(length..).unwrap_or_default();
    }
    !separator.is_empty()
}

/// Appends the types of the TLS records at the start of a payload. Returns whether there are any.
fn tls(out: &mut String, payload: &[u8]) -> bool {
    let mut rest = payload;
    let mut separator = "";
    while let Some(kind) = tls_record(rest) {
        put::formatted(out, format_args!("{separator}{kind}"));
        separator = ", ";
        let length = usize::from(u16::from_be_bytes([rest[3], rest[4]]));
        rest = rest.get(TLS_HEADER_LEN + length..).unwrap_or_default();
    }
    !separator.is_empty()
}

/// Appends the first line of a payload that begins like a text protocol. Returns whether it does.
fn line(out: &mut String, payload: &[u8], protocol: Protocol) -> bool {
    let begins = begins_as(protocol, payload);
    if begins {
        put::escaped(out, first_line(payload));
    }
    begins
}

/// Appends the line of an IP packet without a readable TCP segment. Returns the name of its protocol.
fn ip_packet(out: &mut String, record: &FrameRecord<'_>, ip: &Ip, other: Other) -> &'static str {
    const ICMP: u8 = 1;
    const UDP: u8 = 17;
    const ICMP_V6: u8 = 58;
    const UDP_HEADER: u32 = 8;
    let protocol = ip_protocol(ip.protocol);
    if other != Other::NotTcp {
        other_packet(out, record, other);
        return protocol.name;
    }
    match (ip.protocol, ip.payload(record.packet_octets())) {
        (UDP, &[s0, s1, d0, d1, ..]) => {
            let [from, to] = [[s0, s1], [d0, d1]].map(u16::from_be_bytes);
            let len = ip.payload_len.saturating_sub(UDP_HEADER);
            put::formatted(out, format_args!("{from} → {to} Len={len}"));
        }
        (ICMP | ICMP_V6, &[kind, code, ..]) => {
            put::formatted(out, format_args!("Type {kind}, code {code}"));
        }
        _ => put::formatted(
            out,
            format_args!("IP protocol {}, not TCP", protocol.number),
        ),
    }
    protocol.name
}

fn other_packet(out: &mut String, record: &FrameRecord<'_>, other: Other) -> &'static str {
    match other {
        Other::LinkType => {
            let link = record.frame.header.link;
            put::formatted(out, format_args!("Link type {}", link.0));
            if let Some(name) = link_type_name(link) {
                put::formatted(out, format_args!(", {name}"));
            }
            out.push_str(": not read");
        }
        Other::NotIp => out.push_str("Not an IP packet"),
        Other::NotTcp => out.push_str("Not TCP"),
        Other::Cut(layer) => {
            put::formatted(
                out,
                format_args!("[Cut off in the {} header]", layer.name()),
            );
        }
        Other::Malformed(layer) => {
            put::formatted(
                out,
                format_args!(
                    "[Malformed: the {} header contradicts itself]",
                    layer.name()
                ),
            );
        }
    }
    "-"
}
