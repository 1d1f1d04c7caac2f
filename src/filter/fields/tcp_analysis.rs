//! The fields `tcp.analysis.*`, and others that need TCP's sequence analysis.

use super::{Extractor, Field, Needs};
use crate::filter::value::Base::Decimal;
use crate::filter::value::FieldType::{Label, Number, Span};
use crate::filter::value::Value;
use crate::filter::view::View;
use crate::stream::{Analysis, Findings};

fn shown<'a>(view: &View<'a>) -> Option<&'a Analysis> {
    view.analysis.filter(|analysis| analysis.is_shown())
}

pub(super) fn found(view: &View<'_>, finding: Findings) -> Option<Value<'static>> {
    let findings = view.analysis?.findings;
    findings.has(finding).then_some(Value::Present)
}

pub(super) fn fields() -> Vec<Field> {
    let fields: Vec<Field> = fields! {
        "tcp.analysis", Label, "There is an analysis of the segment",
            One(|view| shown(view).map(|_| Value::Present));
        "tcp.analysis.flags", Label, "Something stands out in the segment",
            One(|view| view.analysis?.findings.any().then_some(Value::Present));

        "tcp.analysis.retransmission", Label, "Was sent before", Found(Findings::RETRANSMISSION);
        "tcp.analysis.fast_retransmission", Label, "Sent again because of duplicate acknowledgements",
            Found(Findings::FAST_RETRANSMISSION);
        "tcp.analysis.spurious_retransmission", Label, "Sent again though it was acknowledged",
            Found(Findings::SPURIOUS_RETRANSMISSION);
        "tcp.analysis.out_of_order", Label, "Overtaken by a later segment", Found(Findings::OUT_OF_ORDER);
        "tcp.analysis.lost_segment", Label, "A segment before this one was not captured", Found(Findings::LOST_SEGMENT);
        "tcp.analysis.ack_lost_segment", Label, "Acknowledges what was not captured", Found(Findings::ACK_LOST_SEGMENT);
        // Wireshark has two values: the finding, and the heading of its numbers.
        "tcp.analysis.duplicate_ack", Label, "The same acknowledgement again", Of(|view, emit| {
            let found = found(view, Findings::DUPLICATE_ACK);
            found.into_iter().chain(found).for_each(emit);
        });
        "tcp.analysis.keep_alive", Label, "Asks whether the other end is there", Found(Findings::KEEP_ALIVE);
        "tcp.analysis.keep_alive_ack", Label, "Answers that it is", Found(Findings::KEEP_ALIVE_ACK);
        "tcp.analysis.zero_window", Label, "The sender takes no more bytes for now", Found(Findings::ZERO_WINDOW);
        "tcp.analysis.zero_window_probe", Label, "One byte into a closed window", Found(Findings::ZERO_WINDOW_PROBE);
        "tcp.analysis.zero_window_probe_ack", Label, "Answers that", Found(Findings::ZERO_WINDOW_PROBE_ACK);
        "tcp.analysis.window_update", Label, "Nothing but another window", Found(Findings::WINDOW_UPDATE);
        "tcp.analysis.window_full", Label, "Fills the other end's window to its edge", Found(Findings::WINDOW_FULL);
        "tcp.analysis.reused_ports", Label, "Opens a connection on addresses and ports that had one",
            Found(Findings::REUSED_PORTS);

        "tcp.analysis.duplicate_ack_num", Number(32, Decimal), "Which duplicate of an acknowledgement it is",
            Number(|view| view.analysis?.duplicate_ack.map(|(count, _)| i64::from(count)));
        "tcp.analysis.duplicate_ack_frame", Number(32, Decimal), "Frame of the acknowledgement that is repeated",
            Number(|view| view.analysis?.duplicate_ack.map(|(_, frame)| frame.cast_signed()));
        "tcp.analysis.acks_frame", Number(32, Decimal), "Frame that is acknowledged",
            Number(|view| view.analysis?.acks.map(|(frame, _)| frame.cast_signed()));
        "tcp.analysis.ack_rtt", Span, "Time since that frame",
            One(|view| view.analysis?.acks.map(|(_, elapsed)| Value::Span(elapsed)));
        "tcp.analysis.initial_rtt", Span, "Time from the SYN to the end of the handshake",
            One(|view| shown(view)?.initial_rtt.map(Value::Span));
        "tcp.analysis.bytes_in_flight", Number(32, Decimal), "Bytes sent and not acknowledged",
            Number(|view| view.analysis?.bytes_in_flight.map(i64::from));
        "tcp.analysis.push_bytes_sent", Number(32, Decimal), "Bytes since the last segment with PSH",
            Number(|view| view.analysis?.push_bytes_sent.map(i64::from));
        "tcp.analysis.rto", Span,
            "Of a retransmission, time since the oldest segment of its side that is not acknowledged",
            One(|view| view.analysis?.rto.map(|(elapsed, _)| Value::Span(elapsed)));
        "tcp.analysis.rto_frame", Number(32, Decimal), "The frame of that segment",
            Number(|view| view.analysis?.rto.map(|(_, frame)| frame.cast_signed()));
        "tcp.time_relative", Span, "Time since the connection's first frame",
            One(|view| Some(Value::Span(view.analysis?.since_first)));
        "tcp.time_delta", Span, "Time since the connection's frame before",
            One(|view| Some(Value::Span(view.analysis?.since_previous)));
    };
    let analysis = Needs {
        analysis: true,
        ..Needs::NOTHING
    };
    let needing = |field: Field| field.needing(analysis);
    fields.into_iter().map(needing).collect()
}
