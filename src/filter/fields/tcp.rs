//! The fields `tcp.*` without the analysis: the header (RFC 9293) and its options, the payload, and the stream.

use std::borrow::Cow;

use super::{Extractor, Field, Needs, names, number};
use crate::filter::value::Base::{Decimal, Hex};
use crate::filter::value::FieldType::{Bool, Bytes, Label, Number, Protocol, Signed, Text};
use crate::filter::value::Value;
use crate::filter::view::View;
use crate::packet::{Flags, Segment, TcpOptions};
use crate::stream::Placement;

fn segment<'a>(view: &View<'a>) -> Option<&'a Segment> {
    view.record.segment()
}

fn placement(view: &View<'_>) -> Option<Placement> {
    view.record.placement.copied()
}

fn options(view: &View<'_>) -> Option<TcpOptions> {
    Some(segment(view)?.options(view.record.packet_octets()))
}

fn flag(view: &View<'_>, flag: Flags) -> Option<Value<'static>> {
    segment(view).map(|segment| Value::Bool(segment.flags.has(flag)))
}

/// Emits the flags as Wireshark draws them (`tcp.flags.str`): a letter for each that is set, a dot for each that is not.
fn flags_drawn(view: &View<'_>, emit: super::Emit<'_>) {
    const LETTERS: [u8; 9] = *b"ACEUAPRSF";
    let Some(segment) = segment(view) else { return };
    let mut drawn = String::with_capacity(24);
    for bit in (0..12).rev() {
        let is_set = segment.flags.0 >> bit & 1 != 0;
        match LETTERS.get(8usize.wrapping_sub(bit)) {
            Some(letter) if is_set => drawn.push(char::from(*letter)),
            None if is_set => drawn.push('R'),
            _ => drawn.push('·'),
        }
    }
    emit(Value::Text(drawn.as_bytes()));
}

/// The window in bytes, scaled if the scale is known.
fn window(view: &View<'_>) -> Option<i64> {
    let (segment, placement) = (segment(view)?, placement(view)?);
    let shift = placement.window_shift.unwrap_or(0).min(14);
    Some(i64::from(u32::from(segment.window) << shift))
}

/// The factor of the window as in Wireshark: -1 if it is unknown, -2 if the connection uses no scale.
fn window_factor(view: &View<'_>) -> Option<i64> {
    if segment(view)?.flags.has(Flags::SYN) {
        return None;
    }
    Some(match placement(view)?.window_shift {
        None => -1,
        Some(0) => -2,
        Some(shift) => 1 << shift.min(14),
    })
}

/// The payload of a segment, with passwords masked. `of_reset`: only of resets, otherwise only of other segments.
fn payload<'a>(view: &View<'a>, of_reset: bool) -> Option<Cow<'a, [u8]>> {
    let segment = segment(view)?;
    let is_wanted = segment.flags.has(Flags::RST) == of_reset && segment.payload_captured > 0;
    let end = segment.payload_start + segment.payload_captured;
    is_wanted.then(|| view.seen_in_packet(segment.payload_start as usize..end as usize))
}

pub(super) fn fields() -> Vec<Field> {
    fields! {
        "tcp", Protocol, "The TCP header and what follows it", Of(|view, emit| {
            if let Some(segment) = segment(view) {
                let end = segment.payload_start + segment.payload_captured;
                let octets = view.seen_in_packet(segment.tcp_start as usize..end as usize);
                emit(Value::Protocol(&octets, segment.header_len() as usize));
            }
        }).needing(Needs::OCTETS);
        names::TCP_PAYLOAD, Bytes, "The bytes of payload captured; not those of a reset",
            Of(|view, emit| payload(view, false).iter().for_each(|octets| emit(Value::Bytes(octets))))
            .needing(Needs::OCTETS);
        "tcp.reset_cause", Text, "The words that came with a reset (RFC 1122 section 4.2.2.12)",
            Of(|view, emit| payload(view, true).iter().for_each(|octets| emit(Value::Text(octets))))
            .needing(Needs::OCTETS);

        names::TCP_SRCPORT, Number(16, Decimal), "Source port",
            Number(|view| view.ends().map(|[source, _]| i64::from(source.port)));
        names::TCP_DSTPORT, Number(16, Decimal), "Destination port",
            Number(|view| view.ends().map(|[_, destination]| i64::from(destination.port)));
        "tcp.port", Number(16, Decimal), "Source and destination port", Of(|view, emit| {
            let ends = view.ends().into_iter().flatten();
            ends.for_each(|end| emit(Value::Number(i64::from(end.port))));
        });
        names::TCP_STREAM, Number(32, Decimal), "The connection's number, from 0",
            Number(|view| view.stream().map(i64::from));
        names::TCP_LEN, Number(32, Decimal), "Bytes of payload",
            Number(|view| Some(i64::from(segment(view)?.payload_len)));
        names::TCP_SEQ, Number(32, Decimal), "Sequence number, relative to the first",
            Number(|view| Some(i64::from(placement(view)?.relative_seq)));
        "tcp.seq_raw", Number(32, Decimal), "Sequence number as in the header",
            Number(|view| Some(i64::from(segment(view)?.seq.0)));
        "tcp.nxtseq", Number(32, Decimal), "Sequence number after this segment, relative", Number(|view| {
            let seq = placement(view)?.relative_seq;
            Some(i64::from(seq.wrapping_add(segment(view)?.seq_len())))
        });
        names::TCP_ACK, Number(32, Decimal), "Acknowledgement number, relative to the first",
            Number(|view| Some(i64::from(placement(view)?.relative_ack)));
        "tcp.ack_raw", Number(32, Decimal), "Acknowledgement number as in the header",
            Number(|view| Some(i64::from(segment(view)?.ack.0)));

        names::TCP_HDR_LEN, Number(8, Decimal), "Bytes of the header",
            Number(|view| Some(i64::from(segment(view)?.header_len())));
        names::TCP_FLAGS, Number(16, Hex), "The flags, 12 bits",
            Number(|view| Some(i64::from(segment(view)?.flags.0)));
        names::TCP_WINDOW, Number(16, Decimal), "Window as in the header",
            Number(|view| Some(i64::from(segment(view)?.window)));
        "tcp.window_size", Number(32, Decimal), "Window in bytes, scaled where the scale is known", Number(window);
        "tcp.window_size_scalefactor", Signed,
            "What the window is multiplied with; -1 where that is not known, -2 where nothing is",
            Number(window_factor);
        names::TCP_CHECKSUM, Number(16, Hex), "Checksum as in the header", Number(|view| number(view.tcp()?, 16, 2));
        "tcp.urgent_pointer", Number(16, Decimal), "Urgent pointer", Number(|view| number(view.tcp()?, 18, 2));

        "tcp.flags.res", Bool, "One of the reserved bits is set", One(|view| flag(view, Flags(0xe00)));
        "tcp.flags.ae", Bool, "Accurate ECN", One(|view| flag(view, Flags::AE));
        "tcp.flags.cwr", Bool, "Congestion window reduced", One(|view| flag(view, Flags::CWR));
        "tcp.flags.ece", Bool, "Echo of a congestion notification", One(|view| flag(view, Flags::ECE));
        "tcp.flags.urg", Bool, "The urgent pointer counts", One(|view| flag(view, Flags::URG));
        "tcp.flags.ack", Bool, "The acknowledgement number counts", One(|view| flag(view, Flags::ACK));
        "tcp.flags.push", Bool, "Push", One(|view| flag(view, Flags::PSH));
        "tcp.flags.reset", Bool, "Reset", One(|view| flag(view, Flags::RST));
        "tcp.flags.syn", Bool, "Opens a connection", One(|view| flag(view, Flags::SYN));
        "tcp.flags.fin", Bool, "No more data from the sender", One(|view| flag(view, Flags::FIN));
        "tcp.flags.str", Text, "The flags as letters and dots", Of(flags_drawn);

        names::TCP_OPTIONS, Bytes, "The options' bytes", Of(|view, emit| {
            let octets = view.tcp().and_then(|tcp| tcp.get(20..));
            octets.filter(|octets| !octets.is_empty()).into_iter().for_each(|octets| emit(Value::Bytes(octets)));
        });
        "tcp.options.mss_val", Number(16, Decimal), "Maximum segment size",
            Number(|view| options(view)?.mss.map(i64::from));
        "tcp.options.wscale.shift", Number(8, Decimal), "Window scale as a shift count",
            Number(|view| options(view)?.window_shift.map(i64::from));
        "tcp.options.wscale.multiplier", Number(16, Decimal), "Window scale as a factor",
            Number(|view| options(view)?.window_shift.map(|shift| 1 << shift.min(14)));
        "tcp.options.sack_perm", Label, "Selective acknowledgements are permitted",
            One(|view| options(view)?.sack_permitted.then_some(Value::Present));
        "tcp.options.timestamp.tsval", Number(32, Decimal), "Timestamp value",
            Number(|view| options(view)?.timestamps.map(|(value, _)| i64::from(value)));
        "tcp.options.timestamp.tsecr", Number(32, Decimal), "Timestamp echo reply",
            Number(|view| options(view)?.timestamps.map(|(_, echo)| i64::from(echo)));
    }
}
