//! Analyses TCP segments: retransmissions, losses, duplicate acknowledgements, windows, as Wireshark's `tcp.analysis`
//! fields define them.
//!
//! Works per stream number, independently of the flow table, and only if an output or a filter needs it. Uses only the
//! headers of both directions.

mod direction;

use std::ops::{BitOr, BitOrAssign};

use foldhash::fast::RandomState;
use hashbrown::HashMap;

use super::{Placement, Side};
use crate::capture::Timestamp;
use crate::packet::{Flags, Segment, SeqNumber};
use direction::AnalyzedDirection;

/// What was found in a segment, as a bit set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Findings(u16);

impl Findings {
    /// Repeats bytes, a SYN or a FIN that were sent before (`tcp.analysis.retransmission`).
    pub const RETRANSMISSION: Self = Self(1 << 0);
    /// Retransmitted because of duplicate acknowledgements (`tcp.analysis.fast_retransmission`).
    pub const FAST_RETRANSMISSION: Self = Self(1 << 1);
    /// Retransmitted although it was acknowledged (`tcp.analysis.spurious_retransmission`).
    pub const SPURIOUS_RETRANSMISSION: Self = Self(1 << 2);
    /// Captured after a later segment (`tcp.analysis.out_of_order`).
    pub const OUT_OF_ORDER: Self = Self(1 << 3);
    /// A segment before this one was not captured (`tcp.analysis.lost_segment`).
    pub const LOST_SEGMENT: Self = Self(1 << 4);
    /// Acknowledges bytes that were not captured (`tcp.analysis.ack_lost_segment`).
    pub const ACK_LOST_SEGMENT: Self = Self(1 << 5);
    /// Repeats an acknowledgement (`tcp.analysis.duplicate_ack`).
    pub const DUPLICATE_ACK: Self = Self(1 << 6);
    /// Begins one before the next sequence number, to check that the other end is there (`tcp.analysis.keep_alive`).
    pub const KEEP_ALIVE: Self = Self(1 << 7);
    /// Answers a keep-alive (`tcp.analysis.keep_alive_ack`).
    pub const KEEP_ALIVE_ACK: Self = Self(1 << 8);
    /// The sender's receive window is closed (`tcp.analysis.zero_window`).
    pub const ZERO_WINDOW: Self = Self(1 << 9);
    /// One byte sent into a closed window (`tcp.analysis.zero_window_probe`).
    pub const ZERO_WINDOW_PROBE: Self = Self(1 << 10);
    /// Answers a zero window probe (`tcp.analysis.zero_window_probe_ack`).
    pub const ZERO_WINDOW_PROBE_ACK: Self = Self(1 << 11);
    /// Changes nothing but the window (`tcp.analysis.window_update`).
    pub const WINDOW_UPDATE: Self = Self(1 << 12);
    /// Fills the other end's window completely (`tcp.analysis.window_full`).
    pub const WINDOW_FULL: Self = Self(1 << 13);
    /// Opens a connection between addresses and ports that had one before (`tcp.analysis.reused_ports`).
    pub const REUSED_PORTS: Self = Self(1 << 14);

    /// Whether any of `other` was found.
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether anything was found.
    #[must_use]
    pub const fn any(self) -> bool {
        self.0 != 0
    }
}

impl BitOr for Findings {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for Findings {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

/// Result of analysing one segment. Times are in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Analysis {
    /// What was found.
    pub findings: Findings,
    /// For a duplicate acknowledgement: its number among the duplicates, from 1, and the frame of the original
    /// (`tcp.analysis.duplicate_ack_num`, `tcp.analysis.duplicate_ack_frame`).
    pub duplicate_ack: Option<(u32, u64)>,
    /// The frame that it acknowledges (`tcp.analysis.acks_frame`), and nanoseconds since then (`tcp.analysis.ack_rtt`).
    pub acks: Option<(u64, i64)>,
    /// For a retransmission: nanoseconds since the oldest unacknowledged segment of its sender (`tcp.analysis.rto`),
    /// and that segment's frame (`tcp.analysis.rto_frame`).
    pub rto: Option<(i64, u64)>,
    /// Nanoseconds from the SYN to the acknowledgement that completed the handshake (`tcp.analysis.initial_rtt`).
    pub initial_rtt: Option<i64>,
    /// Bytes sent and not acknowledged, including this segment (`tcp.analysis.bytes_in_flight`).
    pub bytes_in_flight: Option<u32>,
    /// Bytes since the last segment with PSH, including this segment (`tcp.analysis.push_bytes_sent`).
    pub push_bytes_sent: Option<u32>,
    /// Nanoseconds since the connection's first frame (`tcp.time_relative`).
    pub since_first: i64,
    /// Nanoseconds since the connection's previous frame (`tcp.time_delta`).
    pub since_previous: i64,
}

impl Analysis {
    /// Whether Wireshark shows a "SEQ/ACK analysis" for the segment.
    #[must_use]
    pub const fn is_shown(&self) -> bool {
        self.findings.any() || self.acks.is_some() || self.bytes_in_flight.is_some()
    }

    /// The findings as Wireshark's Info column names them, such as `TCP Retransmission`, and in its order.
    pub fn labels(&self) -> impl Iterator<Item = String> {
        const LABELS: [(Findings, &str); 15] = [
            (Findings::ZERO_WINDOW_PROBE, "TCP ZeroWindowProbe"),
            (Findings::ZERO_WINDOW, "TCP ZeroWindow"),
            (Findings::ZERO_WINDOW_PROBE_ACK, "TCP ZeroWindowProbeAck"),
            (Findings::DUPLICATE_ACK, "TCP Dup ACK"),
            (Findings::KEEP_ALIVE_ACK, "TCP Keep-Alive ACK"),
            (Findings::KEEP_ALIVE, "TCP Keep-Alive"),
            (Findings::WINDOW_FULL, "TCP Window Full"),
            (Findings::WINDOW_UPDATE, "TCP Window Update"),
            (Findings::ACK_LOST_SEGMENT, "TCP ACKed unseen segment"),
            (Findings::LOST_SEGMENT, "TCP Previous segment not captured"),
            (Findings::REUSED_PORTS, "TCP Port numbers reused"),
            (Findings::OUT_OF_ORDER, "TCP Out-Of-Order"),
            (
                Findings::SPURIOUS_RETRANSMISSION,
                "TCP Spurious Retransmission",
            ),
            (Findings::FAST_RETRANSMISSION, "TCP Fast Retransmission"),
            (Findings::RETRANSMISSION, "TCP Retransmission"),
        ];
        let (findings, duplicate) = (self.findings, self.duplicate_ack);
        let again = Findings::SPURIOUS_RETRANSMISSION | Findings::FAST_RETRANSMISSION;
        LABELS
            .into_iter()
            .filter(move |(finding, _)| {
                let general = *finding == Findings::RETRANSMISSION && findings.has(again);
                findings.has(*finding) && !general
            })
            .map(move |(finding, label)| match duplicate {
                Some((count, frame)) if finding == Findings::DUPLICATE_ACK => {
                    format!("{label} {frame}#{count}")
                }
                _ => label.to_owned(),
            })
    }
}

/// Most segments of all connections that are remembered until they are acknowledged.
const MAX_UNACKED: usize = 1 << 20;

/// State of one connection.
#[derive(Debug)]
struct Flow {
    directions: [AnalyzedDirection; 2],
    first: Timestamp,
    last: Timestamp,
    /// The latest SYN of the client: its sender and time.
    syn: Option<(Side, Timestamp)>,
    initial_rtt: Option<i64>,
}

/// Analyses the segments of all connections.
#[derive(Debug, Default)]
pub struct Analyzer {
    flows: HashMap<u32, Flow, RandomState>,
    unacked: usize,
}

impl Analyzer {
    /// Analyses the next segment. Call it with the segments in capture order.
    pub fn push(
        &mut self,
        frame: u64,
        time: Timestamp,
        segment: &Segment,
        placement: &Placement,
    ) -> Analysis {
        let flow = self.flows.entry(placement.stream).or_insert_with(|| Flow {
            directions: Default::default(),
            first: time,
            last: time,
            syn: None,
            initial_rtt: None,
        });
        let mut analysis = Analysis {
            since_first: time.since(flow.first),
            since_previous: time.since(flow.last),
            ..Analysis::default()
        };
        flow.last = time;
        flow.handshake(segment, placement.side, time);
        analysis.initial_rtt = flow.initial_rtt;
        let [a, b] = &mut flow.directions;
        let (own, other) = match placement.side {
            Side::A => (a, b),
            Side::B => (b, a),
        };
        let before = own.unacked() + other.unacked();
        let arrival = direction::Arrival {
            frame,
            time,
            segment,
            shift: placement.window_shift,
            before_start: placement.relative_seq.cast_signed() < 0,
            initial_rtt: flow.initial_rtt,
            remembers: self.unacked < MAX_UNACKED,
        };
        direction::judge(&arrival, own, other, &mut analysis);
        self.unacked = self.unacked + own.unacked() + other.unacked() - before;
        if placement.reused {
            analysis.findings |= Findings::REUSED_PORTS;
        }
        analysis
    }

    /// Forgets a connection.
    pub fn end(&mut self, stream: u32) {
        if let Some(flow) = self.flows.remove(&stream) {
            self.unacked -= flow
                .directions
                .iter()
                .map(AnalyzedDirection::unacked)
                .sum::<usize>();
        }
    }
}

impl Flow {
    /// Measures the time from the SYN to the acknowledgement of the SYN/ACK.
    fn handshake(&mut self, segment: &Segment, from: Side, time: Timestamp) {
        if segment.flags.opens() {
            self.syn = Some((from, time));
        } else if self.initial_rtt.is_none()
            && let Some((opener, since)) = self.syn
            && opener == from
            && segment.flags.has(Flags::ACK)
            && !segment.flags.has(Flags::SYN)
        {
            // Zero means that the capture has no times.
            self.initial_rtt = Some(time.since(since)).filter(|elapsed| *elapsed != 0);
        }
    }
}

/// A segment that is not acknowledged.
#[derive(Debug, Clone, Copy)]
struct Unacked {
    frame: u64,
    time: Timestamp,
    seq: SeqNumber,
    next: SeqNumber,
    /// Sequence number after its payload, without SYN and FIN.
    octets_end: SeqNumber,
    /// Whether it begins before the direction's first known sequence number: it was captured out of order.
    before_start: bool,
}
