//! What frames were, before any message is looked at.

use crate::capture::Timestamp;
use crate::packet::{Layer, Other, Packet};
use crate::session::FrameRecord;

/// Why a frame has no TCP segment, in the order of [`FrameCounts::without_tcp`].
const REASONS: [&str; 10] = [
    "link type not read",
    "not IP",
    "not TCP",
    "cut off in the link layer header",
    "cut off in the IP header",
    "cut off in the TCP header",
    "malformed link layer header",
    "malformed IP header",
    "malformed TCP header",
    "fragment, held until the others came",
];

/// Counts of frames.
#[derive(Debug, Default)]
pub struct FrameCounts {
    /// All frames.
    pub frames: u64,
    /// Their octets on the wire.
    pub octets: u64,
    /// Those on watched ports or of RegLogin streams.
    pub watched: u64,
    /// Those of which the snapshot length cut something off.
    pub cut: u64,
    /// Earliest and latest time.
    pub times: Option<[Timestamp; 2]>,
    without_tcp: [u64; REASONS.len()],
}

impl FrameCounts {
    /// Counts a frame.
    #[inline]
    pub fn count(&mut self, record: &FrameRecord<'_>) {
        let header = record.frame.header;
        self.frames += 1;
        self.octets += u64::from(header.wire);
        self.cut += u64::from(header.captured < header.wire);
        self.watched += u64::from(record.is_watched());
        match &mut self.times {
            Some([first, last]) => {
                *first = header.time.min(*first);
                *last = header.time.max(*last);
            }
            None => self.times = Some([header.time; 2]),
        }
        if !matches!(record.packet, Packet::Tcp(_)) {
            self.without_tcp[reason(record.packet)] += 1;
        }
    }

    /// Nanoseconds from the earliest frame to the latest.
    #[must_use]
    pub fn duration(&self) -> i64 {
        self.times.map_or(0, |[first, last]| last.since(first))
    }

    /// Frames without a TCP segment, by the reason why; only reasons that occurred.
    pub fn without_tcp(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let counts = REASONS.into_iter().zip(self.without_tcp);
        counts.filter(|(_, count)| *count > 0)
    }
}

#[cold]
fn reason(packet: &Packet) -> usize {
    let layer = |layer: &Layer| match layer {
        Layer::Link => 0,
        Layer::Ip => 1,
        Layer::Tcp => 2,
    };
    match packet {
        Packet::Ip(_, other) | Packet::Other(other) => match other {
            Other::LinkType => 0,
            Other::NotIp => 1,
            Other::NotTcp => 2,
            Other::Cut(at) => 3 + layer(at),
            Other::Malformed(at) => 6 + layer(at),
        },
        Packet::Fragment(_) | Packet::Tcp(_) => 9,
    }
}
