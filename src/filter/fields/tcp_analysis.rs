//! `tcp.analysis.*`, and what else is only known by following a connection.

use super::{Field, Needs};
use crate::filter::value::Base::Decimal;
use crate::filter::value::{FieldType, Value};
use crate::filter::view::View;
use crate::stream::{Analysis, Findings};

const ANALYSIS: Needs = Needs {
    analysis: true,
    ..Needs::NOTHING
};

fn shown<'a>(view: &View<'a>) -> Option<&'a Analysis> {
    view.analysis.filter(|analysis| analysis.is_shown())
}

fn found(view: &View<'_>, finding: Findings) -> Option<Value<'static>> {
    view.analysis?
        .findings
        .has(finding)
        .then_some(Value::Present)
}

fn findings() -> Vec<Field> {
    macro_rules! label {
        ($name:literal, $finding:ident, $meaning:literal) => {
            Field::one(
                concat!("tcp.analysis.", $name),
                FieldType::Label,
                $meaning,
                |view| found(view, Findings::$finding),
            )
        };
    }
    vec![
        label!("retransmission", RETRANSMISSION, "Was sent before"),
        label!(
            "fast_retransmission",
            FAST_RETRANSMISSION,
            "Sent again because of duplicate acknowledgements"
        ),
        label!(
            "spurious_retransmission",
            SPURIOUS_RETRANSMISSION,
            "Sent again though it was acknowledged"
        ),
        label!("out_of_order", OUT_OF_ORDER, "Overtaken by a later segment"),
        label!(
            "lost_segment",
            LOST_SEGMENT,
            "A segment before this one was not captured"
        ),
        label!(
            "ack_lost_segment",
            ACK_LOST_SEGMENT,
            "Acknowledges what was not captured"
        ),
        // Wireshark has it twice, as the finding and as the heading of its numbers.
        Field::of(
            "tcp.analysis.duplicate_ack",
            FieldType::Label,
            "The same acknowledgement again",
            |view, emit| {
                if let Some(found) = found(view, Findings::DUPLICATE_ACK) {
                    emit(found);
                    emit(found);
                }
            },
        ),
        label!(
            "keep_alive",
            KEEP_ALIVE,
            "Asks whether the other end is there"
        ),
        label!("keep_alive_ack", KEEP_ALIVE_ACK, "Answers that it is"),
        label!(
            "zero_window",
            ZERO_WINDOW,
            "The sender takes no more octets for now"
        ),
        label!(
            "zero_window_probe",
            ZERO_WINDOW_PROBE,
            "One octet into a closed window"
        ),
        label!(
            "zero_window_probe_ack",
            ZERO_WINDOW_PROBE_ACK,
            "Answers that"
        ),
        label!("window_update", WINDOW_UPDATE, "Nothing but another window"),
        label!(
            "window_full",
            WINDOW_FULL,
            "Fills the other end's window to its edge"
        ),
        label!(
            "reused_ports",
            REUSED_PORTS,
            "Opens a connection on addresses and ports that had one"
        ),
    ]
}

pub(super) fn fields() -> Vec<Field> {
    let number = FieldType::Number(32, Decimal);
    let mut fields = vec![
        Field::one(
            "tcp.analysis",
            FieldType::Label,
            "There is an analysis of the segment",
            |view| shown(view).map(|_| Value::Present),
        ),
        Field::one(
            "tcp.analysis.flags",
            FieldType::Label,
            "Something stands out in the segment",
            |view| view.analysis?.findings.any().then_some(Value::Present),
        ),
    ];
    fields.extend(findings());
    fields.extend([
        Field::number(
            "tcp.analysis.duplicate_ack_num",
            number,
            "Which duplicate of an acknowledgement it is",
            |view| {
                view.analysis?
                    .duplicate_ack
                    .map(|(count, _)| i64::from(count))
            },
        ),
        Field::number(
            "tcp.analysis.duplicate_ack_frame",
            number,
            "Frame of the acknowledgement that is repeated",
            |view| {
                view.analysis?
                    .duplicate_ack
                    .map(|(_, frame)| frame.cast_signed())
            },
        ),
        Field::number(
            "tcp.analysis.acks_frame",
            number,
            "Frame that is acknowledged",
            |view| view.analysis?.acks.map(|(frame, _)| frame.cast_signed()),
        ),
        Field::one(
            "tcp.analysis.ack_rtt",
            FieldType::Span,
            "Time since that frame",
            |view| view.analysis?.acks.map(|(_, elapsed)| Value::Span(elapsed)),
        ),
        Field::one(
            "tcp.analysis.initial_rtt",
            FieldType::Span,
            "Time from the SYN to the end of the handshake",
            |view| shown(view)?.initial_rtt.map(Value::Span),
        ),
        Field::number(
            "tcp.analysis.bytes_in_flight",
            number,
            "Octets sent and not acknowledged",
            |view| view.analysis?.bytes_in_flight.map(i64::from),
        ),
        Field::number(
            "tcp.analysis.push_bytes_sent",
            number,
            "Octets since the last segment with PSH",
            |view| view.analysis?.push_bytes_sent.map(i64::from),
        ),
        Field::one(
            "tcp.analysis.rto",
            FieldType::Span,
            "Of a retransmission, time since the oldest segment of its side that is not acknowledged",
            |view| view.analysis?.rto.map(|(elapsed, _)| Value::Span(elapsed)),
        ),
        Field::number(
            "tcp.analysis.rto_frame",
            number,
            "The frame of that segment",
            |view| view.analysis?.rto.map(|(_, frame)| frame.cast_signed()),
        ),
        Field::one(
            "tcp.time_relative",
            FieldType::Span,
            "Time since the connection's first frame",
            |view| Some(Value::Span(view.analysis?.since_first)),
        ),
        Field::one(
            "tcp.time_delta",
            FieldType::Span,
            "Time since the connection's frame before",
            |view| Some(Value::Span(view.analysis?.since_previous)),
        ),
    ]);
    fields
        .into_iter()
        .map(|field| field.needing(ANALYSIS))
        .collect()
}
