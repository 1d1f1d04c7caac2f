//! `tcp.*` but for the analysis: what the header says (RFC 9293), and where it belongs.

use std::borrow::Cow;

use super::{Field, Needs, names, number};
use crate::filter::value::Base::{Decimal, Hex};
use crate::filter::value::{FieldType, Value};
use crate::filter::view::View;
use crate::packet::{Flags, Segment, TcpOptions};
use crate::stream::Placement;

const OCTETS: Needs = Needs {
    octets: true,
    ..Needs::NOTHING
};

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

/// The flags as Wireshark draws them: a letter for each that is set, a dot for each that is not.
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

/// The window in bytes.
fn window(view: &View<'_>) -> Option<i64> {
    let (segment, placement) = (segment(view)?, placement(view)?);
    let shift = placement.window_shift.unwrap_or(0).min(14);
    Some(i64::from(u32::from(segment.window) << shift))
}

/// What the window is multiplied with: -1 where that is not known, -2 where no scale is used.
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

fn numbers() -> Vec<Field> {
    let port = FieldType::Number(16, Decimal);
    let decimal = FieldType::Number(32, Decimal);
    vec![
        Field::number(names::TCP_SRCPORT, port, "Source port", |view| {
            view.ends().map(|[source, _]| i64::from(source.port))
        }),
        Field::number(names::TCP_DSTPORT, port, "Destination port", |view| {
            view.ends()
                .map(|[_, destination]| i64::from(destination.port))
        }),
        Field::of(
            "tcp.port",
            port,
            "Source and destination port",
            |view, emit| {
                for end in view.ends().into_iter().flatten() {
                    emit(Value::Number(i64::from(end.port)));
                }
            },
        ),
        Field::number(
            names::TCP_STREAM,
            decimal,
            "The connection's number, from 0",
            |view| view.stream().map(i64::from),
        ),
        Field::number(names::TCP_LEN, decimal, "Octets of payload", |view| {
            Some(i64::from(segment(view)?.payload_len))
        }),
        Field::number(
            names::TCP_SEQ,
            decimal,
            "Sequence number, relative to the first",
            |view| Some(i64::from(placement(view)?.relative_seq)),
        ),
        Field::number(
            "tcp.seq_raw",
            decimal,
            "Sequence number as in the header",
            |view| Some(i64::from(segment(view)?.seq.0)),
        ),
        Field::number(
            "tcp.nxtseq",
            decimal,
            "Sequence number after this segment, relative",
            |view| {
                let next = placement(view)?
                    .relative_seq
                    .wrapping_add(segment(view)?.seq_len());
                Some(i64::from(next))
            },
        ),
        Field::number(
            names::TCP_ACK,
            decimal,
            "Acknowledgement number, relative to the first",
            |view| Some(i64::from(placement(view)?.relative_ack)),
        ),
        Field::number(
            "tcp.ack_raw",
            decimal,
            "Acknowledgement number as in the header",
            |view| Some(i64::from(segment(view)?.ack.0)),
        ),
    ]
}

fn header_fields() -> Vec<Field> {
    let port = FieldType::Number(16, Decimal);
    let decimal = FieldType::Number(32, Decimal);
    vec![
        Field::number(
            names::TCP_HDR_LEN,
            FieldType::Number(8, Decimal),
            "Octets of the header",
            |view| Some(i64::from(segment(view)?.header_len())),
        ),
        Field::number(
            names::TCP_FLAGS,
            FieldType::Number(16, Hex),
            "The flags, 12 bits",
            |view| Some(i64::from(segment(view)?.flags.0)),
        ),
        Field::number(names::TCP_WINDOW, port, "Window as in the header", |view| {
            Some(i64::from(segment(view)?.window))
        }),
        Field::number(
            "tcp.window_size",
            decimal,
            "Window in octets, scaled where the scale is known",
            window,
        ),
        Field::number(
            "tcp.window_size_scalefactor",
            FieldType::Signed,
            "What the window is multiplied with; -1 where that is not known, -2 where nothing is",
            window_factor,
        ),
        Field::number(
            names::TCP_CHECKSUM,
            FieldType::Number(16, Hex),
            "Checksum as in the header",
            |view| number(view.tcp()?, 16, 2),
        ),
        Field::number("tcp.urgent_pointer", port, "Urgent pointer", |view| {
            number(view.tcp()?, 18, 2)
        }),
    ]
}

fn flags() -> Vec<Field> {
    let flag_field = |name, meaning, extract| Field::one(name, FieldType::Bool, meaning, extract);
    vec![
        flag_field("tcp.flags.res", "One of the reserved bits is set", |view| {
            flag(view, Flags(0xe00))
        }),
        flag_field("tcp.flags.ae", "Accurate ECN", |view| flag(view, Flags::AE)),
        flag_field("tcp.flags.cwr", "Congestion window reduced", |view| {
            flag(view, Flags::CWR)
        }),
        flag_field(
            "tcp.flags.ece",
            "Echo of a congestion notification",
            |view| flag(view, Flags::ECE),
        ),
        flag_field("tcp.flags.urg", "The urgent pointer counts", |view| {
            flag(view, Flags::URG)
        }),
        flag_field(
            "tcp.flags.ack",
            "The acknowledgement number counts",
            |view| flag(view, Flags::ACK),
        ),
        flag_field("tcp.flags.push", "Push", |view| flag(view, Flags::PSH)),
        flag_field("tcp.flags.reset", "Reset", |view| flag(view, Flags::RST)),
        flag_field("tcp.flags.syn", "Opens a connection", |view| {
            flag(view, Flags::SYN)
        }),
        flag_field("tcp.flags.fin", "No more data from the sender", |view| {
            flag(view, Flags::FIN)
        }),
        Field::of(
            "tcp.flags.str",
            FieldType::Text,
            "The flags as letters and dots",
            flags_drawn,
        ),
    ]
}

fn option_fields() -> Vec<Field> {
    let decimal = FieldType::Number(32, Decimal);
    vec![
        Field::of(
            names::TCP_OPTIONS,
            FieldType::Bytes,
            "The options' octets",
            |view, emit| {
                if let Some(options) = view.tcp().and_then(|tcp| tcp.get(20..))
                    && !options.is_empty()
                {
                    emit(Value::Bytes(options));
                }
            },
        ),
        Field::number(
            "tcp.options.mss_val",
            FieldType::Number(16, Decimal),
            "Maximum segment size",
            |view| options(view)?.mss.map(i64::from),
        ),
        Field::number(
            "tcp.options.wscale.shift",
            FieldType::Number(8, Decimal),
            "Window scale as a shift count",
            |view| options(view)?.window_shift.map(i64::from),
        ),
        Field::number(
            "tcp.options.wscale.multiplier",
            FieldType::Number(16, Decimal),
            "Window scale as a factor",
            |view| options(view)?.window_shift.map(|shift| 1 << shift.min(14)),
        ),
        Field::one(
            "tcp.options.sack_perm",
            FieldType::Label,
            "Selective acknowledgements are permitted",
            |view| options(view)?.sack_permitted.then_some(Value::Present),
        ),
        Field::number(
            "tcp.options.timestamp.tsval",
            decimal,
            "Timestamp value",
            |view| options(view)?.timestamps.map(|(value, _)| i64::from(value)),
        ),
        Field::number(
            "tcp.options.timestamp.tsecr",
            decimal,
            "Timestamp echo reply",
            |view| options(view)?.timestamps.map(|(_, echo)| i64::from(echo)),
        ),
    ]
}

/// The bytes of a segment's payload as they may be shown: of a reset, or of any other segment.
fn payload<'a>(view: &View<'a>, of_reset: bool) -> Option<Cow<'a, [u8]>> {
    let segment = segment(view)?;
    let is_wanted = segment.flags.has(Flags::RST) == of_reset && segment.payload_captured > 0;
    let end = segment.payload_start + segment.payload_captured;
    is_wanted.then(|| view.seen_in_packet(segment.payload_start as usize..end as usize))
}

pub(super) fn fields() -> Vec<Field> {
    let mut fields = vec![
        Field::of(
            "tcp",
            FieldType::Protocol,
            "The TCP header and what follows it",
            |view, emit| {
                if let Some(segment) = segment(view) {
                    let end = segment.payload_start + segment.payload_captured;
                    let octets = view.seen_in_packet(segment.tcp_start as usize..end as usize);
                    emit(Value::Protocol(&octets, segment.header_len() as usize));
                }
            },
        )
        .needing(OCTETS),
        Field::of(
            names::TCP_PAYLOAD,
            FieldType::Bytes,
            "The octets of payload captured; not those of a reset",
            |view, emit| {
                if let Some(octets) = payload(view, false) {
                    emit(Value::Bytes(&octets));
                }
            },
        )
        .needing(OCTETS),
        Field::of(
            "tcp.reset_cause",
            FieldType::Text,
            "The words that came with a reset (RFC 1122 section 4.2.2.12)",
            |view, emit| {
                if let Some(octets) = payload(view, true) {
                    emit(Value::Text(&octets));
                }
            },
        )
        .needing(OCTETS),
    ];
    fields.extend(numbers());
    fields.extend(header_fields());
    fields.extend(flags());
    fields.extend(option_fields());
    fields
}
