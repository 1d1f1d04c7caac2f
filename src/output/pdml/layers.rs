//! Frame, IPv4 and TCP, field by field as Wireshark 4.0 names and describes them.

use std::fmt::Write as _;
use std::ops::Range;

use etherparse::{TcpOptionElement, TcpOptionsIterator};

use super::{Bytes, Item, Tree, colons, drawn, place};
use crate::packet::layout::{ipv4, tcp as offsets};
use crate::packet::{Flags, Segment};

/// The frame's number, sizes and time, which are no protocol's.
pub(super) fn general(tree: &mut Tree<'_>) {
    let header = *tree.view.record.frame.header;
    let size = header.captured as usize;
    let number = tree.view.record.frame.number;
    let time = tree.shown("frame.time", 0).unwrap_or_default();
    tree.protocol("geninfo", "General information", (0, size), |tree| {
        let mut one = |name: &str, showname: &str, show: &str, value: String| {
            tree.indent();
            let _ = writeln!(
                tree.text,
                "<field name=\"{name}\" pos=\"0\" show=\"{show}\" showname=\"{showname}\" value=\"{value}\" size=\"{size}\"/>"
            );
        };
        let hex = |number: u64| format!("{number:x}");
        one("num", "Number", &number.to_string(), hex(number));
        let wire = u64::from(header.wire);
        one("len", "Frame Length", &wire.to_string(), hex(wire));
        let captured = u64::from(header.captured);
        let shown = captured.to_string();
        one("caplen", "Captured Length", &shown, hex(captured));
        one("timestamp", "Captured Time", &time, header.time.to_string());
    });
}

/// `66 bytes`.
fn bytes(count: u32) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} byte{plural}")
}

/// The frame.
pub(super) fn frame(tree: &mut Tree<'_>) {
    let frame = tree.view.record.frame;
    let (wire, captured) = (frame.header.wire, frame.header.captured);
    let bits = |count: u32| u64::from(count) * 8;
    let showname = format!(
        "Frame {}: {} on wire ({} bits), {} captured ({} bits)",
        frame.number,
        bytes(wire),
        bits(wire),
        bytes(captured),
        bits(captured)
    );
    let size = captured as usize;
    tree.protocol("frame", &showname, (0, size), |tree| {
        let seconds = |label: &'static str| move |show: &str| format!("{label}: {show} seconds");
        tree.generated("frame.time", 0, |show| format!("Arrival Time: {show}"));
        let shift = "Time shift for this packet: 0.000000000 seconds";
        tree.fixed("frame.offset_shift", shift, 0, "0.000000000");
        for (name, label) in [
            ("frame.time_epoch", "Epoch Time"),
            (
                "frame.time_delta",
                "Time delta from previous captured frame",
            ),
            (
                "frame.time_delta_displayed",
                "Time delta from previous displayed frame",
            ),
            ("frame.time_relative", "Time since reference or first frame"),
        ] {
            tree.generated(name, 0, seconds(label));
        }
        if tree.tells_file {
            tree.generated("frame.file", 0, |show| format!("File: {show}"));
        }
        tree.generated("frame.number", 0, |show| format!("Frame Number: {show}"));
        let length = |label: &'static str, count: u32| {
            move |_: &str| format!("{label}: {} ({} bits)", bytes(count), bits(count))
        };
        tree.generated("frame.len", 0, length("Frame Length", wire));
        tree.generated("frame.cap_len", 0, length("Capture Length", captured));
        tree.fixed("frame.marked", "Frame is marked: False", 0, "0");
        tree.fixed("frame.ignored", "Frame is ignored: False", 0, "0");
        tree.generated("frame.protocols", 0, |show| {
            format!("Protocols in frame: {show}")
        });
    });
}

/// A field of a header: where the header begins, its bytes, and which of the frame's values are its own.
struct Header<'h> {
    start: usize,
    octets: &'h [u8],
    index: usize,
}

impl Header<'_> {
    fn octets(&self, range: &Range<usize>) -> &[u8] {
        self.octets.get(range.clone()).unwrap_or_default()
    }

    fn at(&self, range: &Range<usize>) -> (usize, usize) {
        let (start, size) = place(range);
        (self.start + start, size)
    }

    /// Writes a field that is whole bytes.
    fn whole(
        &self,
        tree: &mut Tree<'_>,
        name: &str,
        range: &Range<usize>,
        hidden: bool,
        says: impl FnOnce(&str) -> String,
    ) {
        if let Some(show) = tree.shown(name, self.index) {
            tree.leaf(&Item {
                name,
                showname: &says(&show),
                hidden,
                at: self.at(range),
                show: Some(&show),
                bytes: Bytes::All(self.octets(range)),
            });
        }
    }

    /// Writes a field that is some bits of bytes: its line begins with the bits.
    fn bits(
        &self,
        tree: &mut Tree<'_>,
        name: &str,
        range: &Range<usize>,
        (width, mask): (u32, u32),
        says: &str,
        inside: Option<&dyn Fn(&mut Tree<'_>)>,
    ) {
        let (Some(show), octets) = (tree.shown(name, self.index), self.octets(range)) else {
            return;
        };
        let raw = octets
            .iter()
            .fold(0u32, |all, octet| all << 8 | u32::from(*octet));
        // A mask over more bits than the bytes have tells where they stand in a wider field.
        let value = i64::from((raw & mask) >> mask.trailing_zeros());
        let showname = if width == 0 {
            says.to_owned()
        } else {
            format!("{} = {says}", drawn(raw, width, mask))
        };
        let item = Item {
            name,
            showname: &showname,
            hidden: false,
            at: self.at(range),
            show: Some(&show),
            bytes: Bytes::Bits(value, octets),
        };
        match inside {
            Some(inside) => tree.node(&item, inside),
            None => tree.leaf(&item),
        }
    }
}

/// What Wireshark calls a code point (RFC 2474, RFC 2597, RFC 3246): short, and in full.
fn code_point(dscp: i64) -> (String, String) {
    let both = |short: String, long: String| (short, long);
    match dscp {
        0 => both("CS0".into(), "Default".into()),
        46 => both("EF PHB".into(), "Expedited Forwarding".into()),
        8 | 16 | 24 | 32 | 40 | 48 | 56 => {
            let class = dscp / 8;
            both(format!("CS{class}"), format!("Class Selector {class}"))
        }
        10..=38 if dscp % 2 == 0 && dscp % 8 != 0 => {
            let name = format!("{}{}", dscp / 8, dscp % 8 / 2);
            both(format!("AF{name}"), format!("Assured Forwarding {name}"))
        }
        _ => both("Unknown".into(), "Unknown".into()),
    }
}

/// Explicit congestion notification (RFC 3168), short and in full.
const ECN: [(&str, &str); 4] = [
    ("Not-ECT", "Not ECN-Capable Transport"),
    ("ECT(1)", "ECN-Capable Transport codepoint '01'"),
    ("ECT(0)", "ECN-Capable Transport codepoint '10'"),
    ("CE", "Congestion Experienced"),
];

/// Each IPv4 header of the frame.
pub(super) fn ip(tree: &mut Tree<'_>) {
    let mut headers: Vec<(usize, Vec<u8>)> = Vec::new();
    tree.view.each_ip_of(4, &mut |octets, range| {
        let len = usize::from(octets[0] & 0x0f) * 4;
        let header = octets.get(..len.max(ipv4::LEN)).unwrap_or(octets);
        headers.push((range.map_or(0, |range| range.start), header.to_vec()));
    });
    for (index, (start, octets)) in headers.iter().enumerate() {
        let header = Header {
            start: *start,
            octets,
            index,
        };
        ip_header(tree, &header);
    }
}

fn ip_header(tree: &mut Tree<'_>, header: &Header<'_>) {
    let index = header.index;
    let [source, destination] = ["ip.src", "ip.dst"].map(|name| tree.shown(name, index));
    let showname = format!(
        "Internet Protocol Version 4, Src: {}, Dst: {}",
        source.as_deref().unwrap_or_default(),
        destination.as_deref().unwrap_or_default()
    );
    let size = header.octets.len();
    tree.protocol("ip", &showname, (header.start, size), |tree| {
        let first = header.octets[0];
        let drawn_in = |mask: u8| drawn(first.into(), 8, mask.into());
        // These two are given whole, not as the bits that they are. The version's values are those of
        // IPv6 headers too.
        tree.leaf(&Item {
            name: "ip.version",
            showname: &format!("{} = Version: 4", drawn_in(0xf0)),
            hidden: false,
            at: (header.start, 1),
            show: Some("4"),
            bytes: Bytes::All(&header.octets[..1]),
        });
        header.whole(tree, "ip.hdr_len", &(0..1), false, |show| {
            let words = first & 0x0f;
            format!("{} = Header Length: {show} bytes ({words})", drawn_in(0x0f))
        });
        services(tree, header);
        header.whole(tree, "ip.len", &ipv4::LENGTH, false, |show| {
            format!("Total Length: {show}")
        });
        header.whole(tree, "ip.id", &ipv4::IDENTIFICATION, false, |show| {
            let number = header.octets(&ipv4::IDENTIFICATION);
            let number = number
                .iter()
                .fold(0, |all, octet| all << 8 | u32::from(*octet));
            format!("Identification: {show} ({number})")
        });
        fragmentation(tree, header);
        header.whole(tree, "ip.ttl", &ipv4::TTL, false, |show| {
            format!("Time to Live: {show}")
        });
        header.whole(tree, "ip.proto", &ipv4::PROTOCOL, false, |show| {
            let named = show.parse().map(crate::packet::ip_protocol);
            let name = named.map_or("", |named| named.name);
            format!("Protocol: {name} ({show})")
        });
        header.whole(tree, "ip.checksum", &ipv4::CHECKSUM, false, |show| {
            format!("Header Checksum: {show} [validation disabled]")
        });
        let at = header.start + ipv4::CHECKSUM.start;
        let unverified = "Header checksum status: Unverified";
        tree.fixed("ip.checksum.status", unverified, at, "2");
        for (name, label, host, host_label, range) in [
            (
                "ip.src",
                "Source Address",
                "ip.src_host",
                "Source Host",
                ipv4::SOURCE,
            ),
            (
                "ip.dst",
                "Destination Address",
                "ip.dst_host",
                "Destination Host",
                ipv4::DESTINATION,
            ),
        ] {
            let Some(show) = tree.shown(name, index) else {
                continue;
            };
            for (name, label, hidden) in [
                (name, label, false),
                ("ip.addr", "Source or Destination Address", true),
                (host, host_label, true),
                ("ip.host", "Source or Destination Host", true),
            ] {
                tree.leaf(&Item {
                    name,
                    showname: &format!("{label}: {show}"),
                    hidden,
                    at: header.at(&range),
                    show: Some(&show),
                    bytes: Bytes::All(header.octets(&range)),
                });
            }
        }
    });
}

fn services(tree: &mut Tree<'_>, header: &Header<'_>) {
    let range = ipv4::SERVICES..ipv4::SERVICES + 1;
    let index = header.index;
    let Some(show) = tree.shown("ip.dsfield", index) else {
        return;
    };
    let dscp = tree.number("ip.dsfield.dscp", index).unwrap_or_default();
    let ecn = tree.number("ip.dsfield.ecn", index).unwrap_or_default();
    let (short, long) = code_point(dscp);
    let (ecn_short, ecn_long) = ECN[usize::try_from(ecn & 3).unwrap_or_default()];
    let showname =
        format!("Differentiated Services Field: {show} (DSCP: {short}, ECN: {ecn_short})");
    let item = Item {
        name: "ip.dsfield",
        showname: &showname,
        hidden: false,
        at: header.at(&range),
        show: Some(&show),
        bytes: Bytes::All(header.octets(&range)),
    };
    tree.node(&item, |tree| {
        let says = format!("Differentiated Services Codepoint: {long} ({dscp})");
        header.bits(tree, "ip.dsfield.dscp", &range, (8, 0xfc), &says, None);
        let says = format!("Explicit Congestion Notification: {ecn_long} ({ecn})");
        header.bits(tree, "ip.dsfield.ecn", &range, (8, 0x03), &says, None);
    });
}

fn fragmentation(tree: &mut Tree<'_>, header: &Header<'_>) {
    const FLAGS: [(&str, &str, u32); 3] = [
        ("ip.flags.rb", "Reserved bit", 0x80),
        ("ip.flags.df", "Don't fragment", 0x40),
        ("ip.flags.mf", "More fragments", 0x20),
    ];
    let range = ipv4::FRAGMENT.start..ipv4::FRAGMENT.start + 1;
    let octet = u32::from(header.octets[range.start]);
    let set = FLAGS.iter().filter(|(_, _, bit)| octet & bit != 0);
    let names: Vec<&str> = set.map(|(_, name, _)| *name).collect();
    let names = listed(&names);
    let says = format!("Flags: {:#x}{names}", octet >> 5);
    let inside = |tree: &mut Tree<'_>| {
        for (name, label, bit) in FLAGS {
            let says = format!("{label}: {}", is_set(octet & bit != 0));
            header.bits(tree, name, &range, (8, bit), &says, None);
        }
    };
    header.bits(tree, "ip.flags", &range, (8, 0xe0), &says, Some(&inside));
    let index = header.index;
    let units = tree.number("ip.frag_offset", index).unwrap_or_default();
    let says = format!("Fragment Offset: {}", units * 8);
    let range = ipv4::FRAGMENT;
    header.bits(tree, "ip.frag_offset", &range, (16, 0x1fff), &says, None);
}

/// Each with a comma before it.
fn listed(names: &[&str]) -> String {
    let comma = if names.is_empty() { "" } else { ", " };
    format!("{comma}{}", names.join(", "))
}

const fn is_set(set: bool) -> &'static str {
    if set { "Set" } else { "Not set" }
}

/// The TCP segment.
pub(super) fn tcp(tree: &mut Tree<'_>) {
    let record = tree.view.record;
    let (Some(segment), Some(octets)) = (record.segment(), tree.view.tcp()) else {
        return;
    };
    let header = Header {
        start: segment.tcp_start as usize,
        octets,
        index: 0,
    };
    let number = |name| tree.shown(name, 0).unwrap_or_default();
    let ack = if segment.flags.has(Flags::ACK) {
        format!(", Ack: {}", number("tcp.ack"))
    } else {
        String::new()
    };
    let showname = format!(
        "Transmission Control Protocol, Src Port: {}, Dst Port: {}, Seq: {}{ack}, Len: {}",
        segment.source.port,
        segment.destination.port,
        number("tcp.seq"),
        segment.payload_len
    );
    tree.protocol("tcp", &showname, (header.start, octets.len()), |tree| {
        ports(tree, &header, segment);
        numbers(tree, &header, segment);
        flags(tree, &header, segment);
        window(tree, &header);
        options(tree, &header);
        analysis(tree, &header);
        payload(tree, segment);
    });
}

fn ports(tree: &mut Tree<'_>, header: &Header<'_>, segment: &Segment) {
    let ends = [
        ("tcp.srcport", "Source Port", offsets::SOURCE),
        ("tcp.dstport", "Destination Port", offsets::DESTINATION),
    ];
    for (name, label, range) in &ends {
        header.whole(tree, name, range, false, |show| format!("{label}: {show}"));
    }
    let ports = [segment.source.port, segment.destination.port];
    for (port, (_, _, range)) in ports.into_iter().zip(&ends) {
        let show = port.to_string();
        tree.leaf(&Item {
            name: "tcp.port",
            showname: &format!("Source or Destination Port: {show}"),
            hidden: true,
            at: header.at(range),
            show: Some(&show),
            bytes: Bytes::All(header.octets(range)),
        });
    }
}

fn numbers(tree: &mut Tree<'_>, header: &Header<'_>, segment: &Segment) {
    let pos = header.start;
    tree.generated("tcp.stream", pos, |show| format!("Stream index: {show}"));
    tree.generated("tcp.len", pos, |show| format!("TCP Segment Len: {show}"));
    let (seq, ack) = (&offsets::SEQUENCE, &offsets::ACKNOWLEDGEMENT);
    header.whole(tree, "tcp.seq", seq, false, |show| {
        format!("Sequence Number: {show}    (relative sequence number)")
    });
    header.whole(tree, "tcp.seq_raw", seq, false, |show| {
        format!("Sequence Number (raw): {show}")
    });
    tree.generated("tcp.nxtseq", pos, |show| {
        format!("Next Sequence Number: {show}    (relative sequence number)")
    });
    let relative = if segment.flags.has(Flags::ACK) {
        "    (relative ack number)"
    } else {
        ""
    };
    header.whole(tree, "tcp.ack", ack, false, |show| {
        format!("Acknowledgment Number: {show}{relative}")
    });
    header.whole(tree, "tcp.ack_raw", ack, false, |show| {
        format!("Acknowledgment number (raw): {show}")
    });
    let words = header.octets(&offsets::HEADER_LENGTH).first().copied();
    let words = words.unwrap_or_default();
    header.whole(
        tree,
        "tcp.hdr_len",
        &offsets::HEADER_LENGTH,
        false,
        |show| {
            let bits = drawn(words.into(), 8, 0xf0);
            format!("{bits} = Header Length: {show} bytes ({})", words >> 4)
        },
    );
}

fn flags(tree: &mut Tree<'_>, header: &Header<'_>, segment: &Segment) {
    /// With the byte of the two that has it, and its bits among the twelve.
    const ALL: [(&str, &str, usize, u32); 10] = [
        ("tcp.flags.res", "Reserved", 0, 0xe00),
        ("tcp.flags.ae", "Accurate ECN", 0, 0x100),
        ("tcp.flags.cwr", "Congestion Window Reduced", 1, 0x080),
        ("tcp.flags.ece", "ECN-Echo", 1, 0x040),
        ("tcp.flags.urg", "Urgent", 1, 0x020),
        ("tcp.flags.ack", "Acknowledgment", 1, 0x010),
        ("tcp.flags.push", "Push", 1, 0x008),
        ("tcp.flags.reset", "Reset", 1, 0x004),
        ("tcp.flags.syn", "Syn", 1, 0x002),
        ("tcp.flags.fin", "Fin", 1, 0x001),
    ];
    let range = offsets::FLAGS;
    let raw = u32::from(segment.flags.0);
    let says = format!("Flags: {raw:#05x} ({})", segment.flags);
    let inside = |tree: &mut Tree<'_>| {
        for (name, label, byte, bits) in ALL {
            let at = range.start + byte;
            let set = raw & bits != 0;
            let show = tree.shown(name, 0).unwrap_or_default();
            tree.leaf(&Item {
                name,
                showname: &format!("{} = {label}: {}", drawn(raw, 12, bits), is_set(set)),
                hidden: false,
                at: header.at(&(at..at + 1)),
                show: Some(&show),
                bytes: Bytes::Bits(
                    i64::from((raw & bits) >> bits.trailing_zeros()),
                    header.octets(&(at..at + 1)),
                ),
            });
        }
        header.whole(tree, "tcp.flags.str", &range, false, |show| {
            format!("TCP Flags: {show}")
        });
    };
    header.bits(tree, "tcp.flags", &range, (0, 0xfff), &says, Some(&inside));
}

fn window(tree: &mut Tree<'_>, header: &Header<'_>) {
    let range = &offsets::WINDOW;
    header.whole(tree, "tcp.window_size_value", range, false, |show| {
        format!("Window: {show}")
    });
    header.whole(tree, "tcp.window_size", range, false, |show| {
        format!("Calculated window size: {show}")
    });
    let scale = "tcp.window_size_scalefactor";
    header.whole(tree, scale, range, false, |show| {
        let meaning = match show {
            "-1" => " (unknown)",
            "-2" => " (no window scaling used)",
            _ => "",
        };
        format!("Window size scaling factor: {show}{meaning}")
    });
    header.whole(tree, "tcp.checksum", &offsets::CHECKSUM, false, |show| {
        format!("Checksum: {show} [unverified]")
    });
    let at = header.start + offsets::CHECKSUM.start;
    tree.fixed(
        "tcp.checksum.status",
        "Checksum Status: Unverified",
        at,
        "2",
    );
    header.whole(
        tree,
        "tcp.urgent_pointer",
        &offsets::URGENT,
        false,
        |show| format!("Urgent Pointer: {show}"),
    );
}

fn options(tree: &mut Tree<'_>, header: &Header<'_>) {
    let octets = header.octets.get(offsets::LEN..).unwrap_or_default();
    if octets.is_empty() {
        return;
    }
    let known = TcpOptionsIterator::from_slice(octets).map_while(Result::ok);
    let names: Vec<&str> = known.map(|option| name_of(&option)).collect();
    let names = listed(&names);
    let range = offsets::LEN..header.octets.len();
    let item = Item {
        name: "tcp.options",
        showname: &format!("Options: ({} bytes){names}", octets.len()),
        hidden: false,
        at: header.at(&range),
        show: Some(&colons(octets)),
        bytes: Bytes::All(octets),
    };
    tree.leaf(&item);
}

/// An option as Wireshark's line of all names it.
const fn name_of(option: &TcpOptionElement) -> &'static str {
    match option {
        TcpOptionElement::Noop => "No-Operation (NOP)",
        TcpOptionElement::MaximumSegmentSize(_) => "Maximum segment size",
        TcpOptionElement::WindowScale(_) => "Window scale",
        TcpOptionElement::SelectiveAcknowledgementPermitted => "SACK permitted",
        TcpOptionElement::SelectiveAcknowledgement(..) => "SACK",
        TcpOptionElement::Timestamp(..) => "Timestamps",
    }
}

fn analysis(tree: &mut Tree<'_>, header: &Header<'_>) {
    let pos = header.start;
    let seconds = |label: &'static str| move |show: &str| format!("{label}: {show} seconds");
    let item = Item {
        name: "",
        showname: "",
        hidden: false,
        at: (pos, 0),
        show: Some("Timestamps"),
        bytes: Bytes::None,
    };
    if tree.shown("tcp.time_relative", 0).is_some() {
        tree.node(&item, |tree| {
            let since = seconds("Time since first frame in this TCP stream");
            tree.generated("tcp.time_relative", pos, since);
            let since = seconds("Time since previous frame in this TCP stream");
            tree.generated("tcp.time_delta", pos, since);
        });
    }
    if tree.shown("tcp.analysis", 0).is_none() {
        return;
    }
    let item = Item {
        name: "tcp.analysis",
        showname: "SEQ/ACK analysis",
        show: Some(""),
        bytes: Bytes::All(&[]),
        ..item
    };
    tree.node(&item, |tree| {
        tree.generated("tcp.analysis.acks_frame", pos, |show| {
            format!("This is an ACK to the segment in frame: {show}")
        });
        let rtt = seconds("The RTT to ACK the segment was");
        tree.generated("tcp.analysis.ack_rtt", pos, rtt);
        tree.generated("tcp.analysis.initial_rtt", pos, seconds("iRTT"));
        tree.generated("tcp.analysis.bytes_in_flight", pos, |show| {
            format!("Bytes in flight: {show}")
        });
        tree.generated("tcp.analysis.push_bytes_sent", pos, |show| {
            format!("Bytes sent since last PSH flag: {show}")
        });
    });
}

fn payload(tree: &mut Tree<'_>, segment: &Segment) {
    let start = segment.payload_start as usize;
    let range = start..start + segment.payload_captured as usize;
    if range.is_empty() || segment.flags.has(Flags::RST) {
        return;
    }
    let octets = tree.view.seen_in_packet(range.clone());
    tree.leaf(&Item {
        name: "tcp.payload",
        showname: &format!("TCP payload ({})", bytes(segment.payload_len)),
        hidden: false,
        at: place(&range),
        show: Some(&colons(&octets)),
        bytes: Bytes::All(&octets),
    });
}
