//! The protocol `tcp`, as Wireshark 4.0 names and describes its fields.

use etherparse::{TcpOptionElement, TcpOptionsIterator};

use super::header::{Header, is_set, listed};
use super::{Bytes, Item, Tree, bytes, colons, drawn, place};
use crate::packet::layout::tcp as offsets;
use crate::packet::{Flags, Segment};

/// Writes the TCP segment.
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
    /// Name, label, index of the byte that contains it, and mask in the twelve bits.
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

/// An option's name in Wireshark's list of options.
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
