//! The layers below messages in a frame's details: frame, link, IP, TCP.

use std::ops::Range;

use super::node::Space;
use super::sink::{Line, TreeSink};
use crate::capture::LinkType;
use crate::filter::names::{self, Names};
use crate::output::clock::{TimeDisplay, TimeFormat};
use crate::output::info;
use crate::packet::layout::{ipv4, ipv6, tcp};
use crate::packet::{self, Ip, Packet, Segment, link_type_name, passed_headers};
use crate::session::FrameRecord;
use crate::text::escape::Escaped;
use crate::text::put;

/// The name of a link type, for a person.
#[must_use]
pub fn link_name(link: LinkType) -> &'static str {
    link_type_name(link).unwrap_or("not read by this program")
}

/// Writes the fields of a header. Their ranges are relative to its start.
struct Header<'t, T> {
    tree: &'t mut T,
    space: Space,
    start: usize,
}

impl<T: TreeSink> Header<'_, T> {
    /// Writes a field; `text` appends its value.
    #[inline]
    fn field(&mut self, place: Range<usize>, field: Names, text: impl FnOnce(&mut String)) {
        let range = self.start + place.start..self.start + place.end;
        let line = Line::at(self.space, range);
        self.tree.labelled(line, field, |out| {
            out.push_str(": ");
            text(out);
        });
    }

    /// Writes a field with a number.
    #[inline]
    fn number(&mut self, place: Range<usize>, field: Names, number: impl itoa::Integer) {
        self.field(place, field, |text| put::number(text, number));
    }
}

/// Writes the frame, its link layer, IP and TCP. `file`: the capture's name, if it is shown.
pub(super) fn lines(
    tree: &mut impl TreeSink,
    record: &FrameRecord<'_>,
    clock: &TimeDisplay,
    file: Option<&str>,
) {
    let header = record.frame.header;
    frame(tree, record, clock, file);
    let octets = record.frame.octets;
    let mut end = 0;
    passed_headers(header.link, octets, header.wire, |passed, ip| {
        end = end.max(passed.octets.end);
        match ip {
            Some(ip) => ip_lines(tree, ip, Space::Frame),
            None if passed.octets.is_empty() => {}
            None => named(tree, Space::Frame, passed.octets, passed.name),
        }
    });
    if end == 0 && !octets.is_empty() {
        let name = link_name(header.link);
        named(tree, Space::Frame, 0..octets.len(), name);
    }
    if let Some(datagram) = record.datagram {
        tree.line(Line::default(), |text| {
            let (len, fragments) = (datagram.payload.len(), datagram.pieces.len());
            put::formatted(
                text,
                format_args!(
                    "Datagram of {len} bytes put together from {fragments} fragments; bytes below are counted in it"
                ),
            );
        });
        tree.under(|tree| {
            for piece in &datagram.pieces {
                let start = piece.start as usize;
                let line = Line::at(Space::Datagram, start..start + piece.len as usize);
                tree.line(line, |text| {
                    put::formatted(text, format_args!("Frame {}", piece.frame));
                });
            }
        });
        packet::passed_in(&datagram.ip, &datagram.payload, |passed, ip| match ip {
            Some(ip) => ip_lines(tree, ip, Space::Datagram),
            None => named(tree, Space::Datagram, passed.octets, passed.name),
        });
    }
    match record.packet {
        Packet::Tcp(segment) => tcp_lines(tree, record, segment),
        Packet::Fragment(_) | Packet::Ip(..) | Packet::Other(_) => {
            tree.line(Line::default(), |text| {
                info::frame(text, record, false);
            });
        }
    }
}

/// Writes a header of which only the name is known.
fn named(tree: &mut impl TreeSink, space: Space, octets: Range<usize>, name: &str) {
    tree.line(Line::at(space, octets), |text| text.push_str(name));
}

fn frame(
    tree: &mut impl TreeSink,
    record: &FrameRecord<'_>,
    clock: &TimeDisplay,
    file: Option<&str>,
) {
    let header = record.frame.header;
    tree.labelled(Line::default(), names::FRAME_NUMBER, |text| {
        text.push(' ');
        put::number(text, record.frame.number);
        text.push_str(": ");
        put::number(text, header.wire);
        text.push_str(" bytes on the wire, ");
        put::number(text, header.captured);
        text.push_str(" captured");
    });
    tree.under(|tree| {
        if let Some(file) = file {
            tree.labelled(Line::default(), names::FRAME_FILE, |text| {
                put::formatted(text, format_args!(": {}", Escaped(file)));
            });
        }
        for (field, format) in [
            (names::FRAME_TIME, TimeFormat::Utc),
            (names::FRAME_TIME_RELATIVE, TimeFormat::Relative),
            (names::FRAME_TIME_DELTA, TimeFormat::Delta),
        ] {
            tree.labelled(Line::default(), field, |text| {
                text.push_str(": ");
                clock.write_as(format, text, header.time);
            });
        }
        tree.line(Line::default(), |text| {
            text.push_str("Interface ");
            put::number(text, header.interface);
            text.push_str(", link type ");
            put::number(text, header.link.0);
            text.push_str(" (");
            text.push_str(link_name(header.link));
            text.push(')');
        });
    });
}

fn ip_lines(tree: &mut impl TreeSink, ip: &Ip, space: Space) {
    let start = ip.start as usize;
    let v4 = ip.source.is_ipv4();
    let (version, field) = if v4 {
        ("IPv4, ", "ip")
    } else {
        ("IPv6, ", "ipv6")
    };
    let end = start + ip.header_len as usize;
    tree.line(Line::at(space, start..end).of(field), |text| {
        text.push_str(version);
        put::address(text, ip.source);
        text.push_str(" → ");
        put::address(text, ip.destination);
    });
    tree.under(|tree| {
        let mut header = Header { tree, space, start };
        if v4 {
            ipv4_fields(&mut header, ip);
        } else {
            ipv6_fields(&mut header, ip);
            let extensions = end..ip.payload_start as usize;
            if !extensions.is_empty() {
                tree.line(Line::at(space, extensions), |text| {
                    text.push_str("Extension headers");
                    if ip.fragmented {
                        text.push_str(": ");
                        fragmentation(text, ip);
                        let identification = ip.identification;
                        put::formatted(
                            text,
                            format_args!(", identification {identification:#010x}"),
                        );
                    }
                });
            }
        }
    });
}

fn ipv4_fields(header: &mut Header<'_, impl TreeSink>, ip: &Ip) {
    header.number(ipv4::LENGTH, names::IP_LEN, ip.length);
    header.field(ipv4::IDENTIFICATION, names::IP_ID, |text| {
        put::hex(text, ip.identification, 4);
    });
    header.field(ipv4::FRAGMENT, names::IP_FRAG_OFFSET, |text| {
        fragmentation(text, ip);
    });
    header.number(ipv4::TTL, names::IP_TTL, ip.ttl);
    header.number(ipv4::PROTOCOL, names::IP_PROTO, ip.protocol);
    ends(
        header,
        ip,
        (ipv4::SOURCE, names::IP_SRC),
        (ipv4::DESTINATION, names::IP_DST),
    );
}

fn ipv6_fields(header: &mut Header<'_, impl TreeSink>, ip: &Ip) {
    let length = ip.length - ip.header_len;
    header.number(ipv6::LENGTH, names::IPV6_PLEN, length);
    header.number(ipv6::HOP_LIMIT, names::IPV6_HLIM, ip.ttl);
    ends(
        header,
        ip,
        (ipv6::SOURCE, names::IPV6_SRC),
        (ipv6::DESTINATION, names::IPV6_DST),
    );
}

fn ends(
    header: &mut Header<'_, impl TreeSink>,
    ip: &Ip,
    source: (Range<usize>, Names),
    destination: (Range<usize>, Names),
) {
    header.field(source.0, source.1, |text| put::address(text, ip.source));
    header.field(destination.0, destination.1, |text| {
        put::address(text, ip.destination);
    });
}

fn fragmentation(text: &mut String, ip: &Ip) {
    let offset = ip.fragment_offset;
    match (ip.fragmented, ip.more_fragments) {
        (true, true) => put::formatted(
            text,
            format_args!("fragment from byte {offset}, more follow"),
        ),
        (true, false) => put::formatted(text, format_args!("last fragment, from byte {offset}")),
        (false, _) if ip.dont_fragment => text.push_str("not to be fragmented"),
        (false, _) => text.push_str("no fragment"),
    }
}

fn tcp_lines(tree: &mut impl TreeSink, record: &FrameRecord<'_>, segment: &Segment) {
    let space = match record.datagram {
        Some(_) => Space::Datagram,
        None => Space::Frame,
    };
    let start = segment.tcp_start as usize;
    let payload = segment.payload_start as usize;
    tree.line(Line::at(space, start..payload).of("tcp"), |text| {
        text.push_str("TCP, port ");
        put::number(text, segment.source.port);
        text.push_str(" → ");
        put::number(text, segment.destination.port);
        text.push_str(", ");
        put::number(text, segment.payload_len);
        text.push_str(" bytes of data");
    });
    tree.under(|tree| {
        if let Some(placed) = record.placement {
            tree.labelled(Line::default(), names::TCP_STREAM, |text| {
                text.push(' ');
                put::number(text, placed.stream);
                text.push_str(", from the ");
                text.push_str(placed.sender.name());
            });
        }
        tcp_fields(&mut Header { tree, space, start }, record, segment);
        if segment.payload_captured > 0 {
            let end = payload + segment.payload_captured as usize;
            let line = Line::at(space, payload..end);
            tree.labelled(line, names::TCP_PAYLOAD, |text| {
                text.push_str(": ");
                put::number(text, segment.payload_captured);
                text.push_str(" bytes");
                let missing = segment.payload_len.saturating_sub(segment.payload_captured);
                if missing > 0 {
                    put::formatted(text, format_args!(", {missing} more were not captured"));
                }
            });
        }
    });
}

fn tcp_fields(header: &mut Header<'_, impl TreeSink>, record: &FrameRecord<'_>, segment: &Segment) {
    let (from, to) = (segment.source.port, segment.destination.port);
    header.number(tcp::SOURCE, names::TCP_SRCPORT, from);
    header.number(tcp::DESTINATION, names::TCP_DSTPORT, to);
    let (seq, ack) = info::numbers(record, segment);
    header.field(tcp::SEQUENCE, names::TCP_SEQ, |text| {
        absolute(text, seq, segment.seq.0);
    });
    if segment.flags.has(packet::Flags::ACK) {
        header.field(tcp::ACKNOWLEDGEMENT, names::TCP_ACK, |text| {
            absolute(text, ack, segment.ack.0);
        });
    }
    let length = segment.header_len();
    header.number(tcp::HEADER_LENGTH, names::TCP_HDR_LEN, length);
    header.field(tcp::FLAGS, names::TCP_FLAGS, |text| {
        put::hex(text, segment.flags.0, 3);
        put::formatted(text, format_args!(" ({})", segment.flags));
    });
    header.field(tcp::WINDOW, names::TCP_WINDOW, |text| {
        put::number(text, segment.window);
        let scaled = info::window(record, segment);
        if u64::from(segment.window) != scaled {
            text.push_str(" (scaled ");
            put::number(text, scaled);
            text.push(')');
        }
    });
    let octets = record.packet_octets().get(header.start..);
    let octets = octets.unwrap_or_default();
    if let Some([high, low]) = octets.get(tcp::CHECKSUM) {
        let checksum = u16::from_be_bytes([*high, *low]);
        header.field(tcp::CHECKSUM, names::TCP_CHECKSUM, |text| {
            put::hex(text, checksum, 4);
        });
    }
    let len = segment.payload_start as usize - header.start;
    if len > tcp::LEN {
        let line = Line::at(header.space, header.start + tcp::LEN..header.start + len);
        header.tree.labelled(line, names::TCP_OPTIONS, |text| {
            text.push(':');
            info::options(text, record, segment);
        });
    }
}

/// Appends a relative sequence number and the absolute one from the header.
fn absolute(text: &mut String, shown: u32, absolute: u32) {
    put::number(text, shown);
    text.push_str(" (absolute ");
    put::number(text, absolute);
    text.push(')');
}
