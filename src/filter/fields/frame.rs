//! `frame.*`.

use super::{Field, Needs, names};
use crate::dissect::Protocol;
use crate::filter::value::Base::Decimal;
use crate::filter::value::{FieldType, Value};
use crate::filter::view::View;
use crate::packet::{self, Other, Packet, ip_protocol};

const OCTETS: Needs = Needs {
    octets: true,
    ..Needs::NOTHING
};

pub(super) fn fields() -> Vec<Field> {
    vec![
        Field::of(
            "frame",
            FieldType::Protocol,
            "The octets captured of the frame",
            |view, emit| {
                let octets = view.seen_in_frame(0..view.record.frame.octets.len());
                emit(Value::Protocol(&octets, octets.len()));
            },
        )
        .needing(OCTETS),
        Field::one(
            names::FRAME_NUMBER,
            FieldType::Number(32, Decimal),
            "The frame's number, from 1",
            |view| Some(Value::Number(view.record.frame.number.cast_signed())),
        ),
        Field::of(
            names::FRAME_FILE,
            FieldType::Text,
            "The capture that it is of, by the path that was given",
            |view, emit| {
                if let Some(file) = view.file {
                    emit(Value::Text(file.as_bytes()));
                }
            },
        ),
        Field::one(
            names::FRAME_TIME,
            FieldType::Time,
            "When it was captured",
            |view| Some(Value::Time(view.record.frame.header.time)),
        ),
        Field::one(
            names::FRAME_TIME_EPOCH,
            FieldType::Span,
            "When it was captured, in seconds since 1970-01-01 00:00 UTC",
            |view| Some(Value::Span(view.record.frame.header.time.0)),
        ),
        Field::one(
            names::FRAME_TIME_RELATIVE,
            FieldType::Span,
            "Time since the first frame",
            |view| Some(Value::Span(view.times.relative())),
        ),
        Field::one(
            names::FRAME_TIME_DELTA,
            FieldType::Span,
            "Time since the frame before",
            |view| Some(Value::Span(view.times.delta())),
        ),
        Field::one(
            "frame.time_delta_displayed",
            FieldType::Span,
            "Time since the frame displayed before",
            |view| Some(Value::Span(view.times.delta_displayed())),
        ),
        Field::one(
            names::FRAME_LEN,
            FieldType::Number(32, Decimal),
            "Octets on the wire",
            |view| Some(Value::Number(i64::from(view.frame()?.header.wire))),
        ),
        Field::one(
            names::FRAME_CAP_LEN,
            FieldType::Number(32, Decimal),
            "Octets captured",
            |view| Some(Value::Number(i64::from(view.frame()?.header.captured))),
        ),
        Field::of(
            "frame.protocols",
            FieldType::Text,
            "The protocols in the frame, outermost first, with colons between them",
            protocols,
        ),
    ]
}

/// `eth:ethertype:ip:tcp:reglogin`.
fn protocols(view: &View<'_>, emit: super::Emit<'_>) {
    if view.frame().is_none() {
        return;
    }
    let record = view.record;
    let mut names = String::new();
    let mut add = |name: &str| {
        if !names.is_empty() && !name.is_empty() {
            names.push(':');
        }
        names.push_str(name);
    };
    let frame = record.frame;
    packet::passed_headers(
        frame.header.link,
        frame.octets,
        frame.header.wire,
        |passed, _| add(passed.protocols),
    );
    if let Some(datagram) = record.datagram {
        packet::passed_in(&datagram.ip, &datagram.payload, |passed, _| {
            add(passed.protocols);
        });
    }
    match record.packet {
        Packet::Tcp(_) => {
            add("tcp");
            if record.on_tcp == Protocol::Tls && !record.messages.is_empty() {
                add("tls");
            }
            let carried = match record.protocol {
                Protocol::RegLogin | Protocol::Layout(_)
                    if record.on_tcp == Protocol::Tls && record.messages.is_empty() =>
                {
                    "tls"
                }
                protocol => protocol.filter_name(),
            };
            if !record.payload().is_empty() {
                add(carried);
            }
        }
        Packet::Ip(ip, _) => add(ip_protocol(ip.protocol).filter_name),
        Packet::Fragment(_) | Packet::Other(Other::LinkType) => add("data"),
        Packet::Other(_) => {}
    }
    emit(Value::Text(names.as_bytes()));
}
