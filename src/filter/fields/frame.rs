//! The fields `frame.*`: number, times and sizes.

use super::{Extractor, Field, Needs, names};
use crate::dissect::Protocol;
use crate::filter::value::Base::Decimal;
use crate::filter::value::FieldType::{Number, Protocol as Layer, Span, Text, Time};
use crate::filter::value::Value;
use crate::filter::view::View;
use crate::packet::{self, Other, Packet, ip_protocol};

pub(super) fn fields() -> Vec<Field> {
    fields! {
        "frame", Layer, "The bytes captured of the frame", Of(|view, emit| {
            let octets = view.seen_in_frame(0..view.record.frame.octets.len());
            emit(Value::Protocol(&octets, octets.len()));
        }).needing(Needs::OCTETS);
        names::FRAME_NUMBER, Number(32, Decimal), "The frame's number, from 1",
            One(|view| Some(Value::Number(view.record.frame.number.cast_signed())));
        names::FRAME_FILE, Text, "The capture that it is of, by the path that was given",
            Of(|view, emit| view.file.into_iter().for_each(|file| emit(Value::Text(file.as_bytes()))));
        names::FRAME_TIME, Time, "When it was captured",
            One(|view| Some(Value::Time(view.record.frame.header.time)));
        names::FRAME_TIME_EPOCH, Span, "When it was captured, in seconds since 1970-01-01 00:00 UTC",
            One(|view| Some(Value::Span(view.record.frame.header.time.0)));
        names::FRAME_TIME_RELATIVE, Span, "Time since the first frame",
            One(|view| Some(Value::Span(view.times.relative())));
        names::FRAME_TIME_DELTA, Span, "Time since the frame before",
            One(|view| Some(Value::Span(view.times.delta())));
        "frame.time_delta_displayed", Span, "Time since the frame displayed before",
            One(|view| Some(Value::Span(view.times.delta_displayed())));
        names::FRAME_LEN, Number(32, Decimal), "Bytes on the wire",
            Number(|view| Some(i64::from(view.frame()?.header.wire)));
        names::FRAME_CAP_LEN, Number(32, Decimal), "Bytes captured",
            Number(|view| Some(i64::from(view.frame()?.header.captured)));
        "frame.protocols", Text, "The protocols in the frame, outermost first, with colons between them",
            Of(protocols);
    }
}

/// Emits the protocols of a frame, such as `eth:ethertype:ip:tcp:reglogin` (`frame.protocols`).
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
