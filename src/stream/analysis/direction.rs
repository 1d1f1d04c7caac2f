//! State of one direction, and the rules that analyse a segment from the state of both directions.
//!
//! The rules follow Wireshark's documentation of its TCP analysis. Where that leaves something open, they follow what
//! tshark prints for test captures.

use std::collections::VecDeque;

use super::{Analysis, Findings, Unacked};
use crate::capture::Timestamp;
use crate::packet::{Flags, Segment, SeqNumber};

/// Most segments of one direction that are remembered until they are acknowledged.
const MAX_UNACKED: usize = 10_000;

/// A segment sent within this many nanoseconds after the last duplicate acknowledgement is a fast retransmission.
const FAST: i64 = 20_000_000;

/// A late segment captured within this many nanoseconds after the one with the highest sequence number is out of order,
/// not a retransmission. Used where the connection's round-trip time is unknown.
const OVERTAKEN: i64 = 3_000_000;

/// Flags of segments that open or end connections: they have rules of their own.
const SYN_FIN_RST: Flags = Flags(Flags::SYN.0 | Flags::FIN.0 | Flags::RST.0);

/// What one side has sent so far.
#[derive(Debug, Default)]
pub(super) struct AnalyzedDirection {
    /// Sequence number after the highest one sent.
    next: Option<SeqNumber>,
    /// Time and frame of the segment that reached `next`.
    next_time: Timestamp,
    next_frame: u64,
    /// End of the bytes that were captured without a hole.
    contiguous: Option<SeqNumber>,
    /// Acknowledgement number and window of the last segment, and its time.
    ack: SeqNumber,
    ack_time: Timestamp,
    window: u16,
    /// Frame that first had this acknowledgement number, and how often it was repeated.
    ack_frame: u64,
    duplicates: u32,
    last_was_syn: bool,
    /// Shift count of its windows; `None` if unknown.
    shift: Option<u8>,
    last: Findings,
    unacked: VecDeque<Unacked>,
    /// The bytes in flight are unknown: a segment was lost, and none has been acknowledged since.
    flight_unknown: bool,
    pushed: u32,
    push_ended: bool,
}

impl AnalyzedDirection {
    pub fn unacked(&self) -> usize {
        self.unacked.len()
    }

    /// Sequence number after the last byte that its peer may send.
    fn window_edge(&self) -> Option<SeqNumber> {
        let shift = if self.last_was_syn { 0 } else { self.shift? };
        Some(self.ack.plus(u32::from(self.window) << shift.min(14)))
    }
}

/// A segment to analyse.
pub(super) struct Arrival<'a> {
    pub frame: u64,
    pub time: Timestamp,
    pub segment: &'a Segment,
    pub shift: Option<u8>,
    /// As in [`Unacked`].
    pub before_start: bool,
    pub initial_rtt: Option<i64>,
    /// Whether the segment may be remembered until it is acknowledged: memory for that is bounded.
    pub remembers: bool,
}

/// Analyses a segment that `own` sent to `other`, and updates both.
pub(super) fn judge(
    arrival: &Arrival<'_>,
    own: &mut AnalyzedDirection,
    other: &mut AnalyzedDirection,
    analysis: &mut Analysis,
) {
    let segment = arrival.segment;
    let mut findings = windows_and_acks(arrival, own, other, analysis);
    if segment.ack != own.ack {
        own.ack_frame = arrival.frame;
        own.duplicates = 0;
    }
    if let Some(contiguous) = other.contiguous
        && segment.flags.has(Flags::ACK)
        && segment.ack.after(contiguous)
    {
        findings |= Findings::ACK_LOST_SEGMENT;
        // Reported once, until the other side continues after a hole.
        other.contiguous = None;
    }
    findings |= sent_again(arrival, findings, own, other, analysis);
    remember(arrival, findings, own);
    acknowledge(arrival, other, analysis);
    in_flight(segment, own, analysis);
    analysis.findings = findings;
}

/// Findings that do not depend on whether the bytes were sent before.
fn windows_and_acks(
    arrival: &Arrival<'_>,
    own: &mut AnalyzedDirection,
    other: &AnalyzedDirection,
    analysis: &mut Analysis,
) -> Findings {
    let segment = arrival.segment;
    let (seq, ack, len) = (segment.seq, segment.ack, segment.payload_len);
    let plain = !segment.flags.has(SYN_FIN_RST);
    let is_next = own.next == Some(seq);
    let mut findings = Findings::default();
    if len == 1 && is_next && other.window == 0 {
        return Findings::ZERO_WINDOW_PROBE;
    }
    if segment.window == 0 && plain {
        findings |= Findings::ZERO_WINDOW;
    }
    if own.next.is_some_and(|next| seq.after(next)) && !segment.flags.has(Flags::RST) {
        findings |= Findings::LOST_SEGMENT;
        own.flight_unknown = true;
    }
    let is_one_before = own.next == Some(seq.plus(1));
    if len <= 1 && is_one_before && plain {
        findings |= Findings::KEEP_ALIVE;
    }
    if len > 0 && plain && other.window_edge() == Some(seq.plus(len)) {
        findings |= Findings::WINDOW_FULL;
    }
    if len > 0 || !is_next || !plain {
        return findings;
    }
    let same_window = segment.window == own.window;
    if segment.window == 0 {
        if same_window && ack == own.ack && other.last.has(Findings::ZERO_WINDOW_PROBE) {
            findings |= Findings::ZERO_WINDOW_PROBE_ACK;
        }
    } else if ack == own.ack {
        if !same_window {
            findings |= Findings::WINDOW_UPDATE;
        } else if other.last.has(Findings::KEEP_ALIVE) {
            findings |= Findings::KEEP_ALIVE_ACK;
        } else {
            own.duplicates += 1;
            findings |= Findings::DUPLICATE_ACK;
            analysis.duplicate_ack = Some((own.duplicates, own.ack_frame));
        }
    }
    findings
}

/// Whether the segment was sent before, and why it was sent again.
fn sent_again(
    arrival: &Arrival<'_>,
    findings: Findings,
    own: &AnalyzedDirection,
    other: &AnalyzedDirection,
    analysis: &mut Analysis,
) -> Findings {
    let segment = arrival.segment;
    let (seq, len) = (segment.seq, segment.payload_len);
    let takes_numbers = len > 0 || segment.flags.has(Flags(Flags::SYN.0 | Flags::FIN.0));
    if findings.has(Findings::KEEP_ALIVE) {
        return Findings::default();
    }
    // Acknowledged bytes were sent before, even if that was not captured.
    let is_acknowledged = len > 0 && other.next.is_some() && !seq.plus(len).after(other.ack);
    if is_acknowledged && own.next.is_none() {
        return Findings::SPURIOUS_RETRANSMISSION | Findings::RETRANSMISSION;
    }
    let Some(next) = own
        .next
        .filter(|next| takes_numbers && (seq.before(*next) || is_acknowledged))
    else {
        return Findings::default();
    };
    // More than one byte, beginning one before the next: data sent after the window opened, whose first byte was the
    // window probe (captured or not).
    if len > 1 && next == seq.plus(1) {
        return Findings::default();
    }
    let since_ack = arrival.time.since(other.ack_time);
    if other.duplicates >= 2 && other.ack == seq && since_ack < FAST {
        return Findings::FAST_RETRANSMISSION | Findings::RETRANSMISSION;
    }
    if is_acknowledged {
        return Findings::SPURIOUS_RETRANSMISSION | Findings::RETRANSMISSION;
    }
    let since_furthest = arrival.time.since(own.next_time);
    let threshold = arrival.initial_rtt.unwrap_or(OVERTAKEN);
    if since_furthest < threshold && next != segment.next_seq() {
        return Findings::OUT_OF_ORDER;
    }
    let oldest = own.unacked.front().map(|sent| (sent.time, sent.frame));
    let (time, frame) = oldest.unwrap_or((own.next_time, own.next_frame));
    analysis.rto = Some((arrival.time.since(time), frame)).filter(|(elapsed, _)| *elapsed != 0);
    Findings::RETRANSMISSION
}

fn remember(arrival: &Arrival<'_>, findings: Findings, own: &mut AnalyzedDirection) {
    let segment = arrival.segment;
    let next = segment.next_seq();
    if segment.seq_len() > 0 && arrival.remembers && own.unacked.len() < MAX_UNACKED {
        own.unacked.push_back(Unacked {
            frame: arrival.frame,
            time: arrival.time,
            seq: segment.seq,
            next,
            octets_end: segment.seq.plus(segment.payload_len),
            before_start: arrival.before_start,
        });
    }
    if !findings.has(Findings::ZERO_WINDOW_PROBE) {
        let before = own.next;
        if before.is_none_or(|known| next.after(known)) {
            own.next = Some(next);
            own.next_time = arrival.time;
            own.next_frame = arrival.frame;
        }
        own.contiguous = match own.contiguous {
            // Bytes captured late fill the hole: there is none up to `next` then.
            Some(known) if known == segment.seq => own.next,
            None if findings.has(Findings::LOST_SEGMENT) => before,
            None => own.next,
            known => known,
        };
    }
    own.window = segment.window;
    own.ack = segment.ack;
    own.ack_time = arrival.time;
    own.last = findings;
    own.last_was_syn = segment.flags.has(Flags::SYN);
    own.shift = arrival.shift;
}

/// Forgets what the segment acknowledges.
fn acknowledge(arrival: &Arrival<'_>, other: &mut AnalyzedDirection, analysis: &mut Analysis) {
    let segment = arrival.segment;
    if !segment.flags.has(Flags::ACK) {
        return;
    }
    let ack = segment.ack;
    if let Some(sent) = other.unacked.iter().find(|sent| sent.next == ack) {
        analysis.acks = Some((sent.frame, arrival.time.since(sent.time)));
    }
    other.unacked.retain_mut(|sent| {
        if ack.after(sent.seq) && ack.before(sent.next) {
            sent.seq = ack;
        }
        sent.next.after(ack)
    });
    other.flight_unknown = false;
}

fn in_flight(segment: &Segment, own: &mut AnalyzedDirection, analysis: &mut Analysis) {
    if segment.payload_len == 0 {
        return;
    }
    if own.push_ended {
        own.pushed = 0;
    }
    own.pushed = own.pushed.saturating_add(segment.payload_len);
    own.push_ended = segment.flags.has(Flags::PSH);
    if own.flight_unknown {
        return;
    }
    // Segments from before the direction's start count only while nothing else was sent.
    let counts = |sent: &&Unacked| !sent.before_start;
    let sent = || own.unacked.iter();
    let Some(one) = sent().find(counts).or_else(|| sent().next()) else {
        return;
    };
    let (mut first, mut last) = (one.seq, one.octets_end);
    for other in sent().filter(counts) {
        if other.seq.before(first) {
            first = other.seq;
        }
        last = last.later(other.octets_end);
    }
    let octets = last.bytes_after(first);
    if octets > 0 {
        analysis.bytes_in_flight = Some(octets);
        analysis.push_bytes_sent = Some(own.pushed);
    }
}
