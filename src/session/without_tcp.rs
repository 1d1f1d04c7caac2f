//! Counts frames without a TCP segment, by reason.

use crate::packet::{Layer, Other, Packet};

/// In the order of output.
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

/// Counts by reason.
#[derive(Debug, Clone, Default)]
pub struct WithoutTcp([u64; REASONS.len()]);

impl WithoutTcp {
    /// Counts a frame by what it carries, unless that is a segment.
    #[inline]
    pub fn count(&mut self, packet: &Packet) {
        if !matches!(packet, Packet::Tcp(_)) {
            self.0[reason(packet)] += 1;
        }
    }

    /// Adds counts made elsewhere.
    pub fn add(&mut self, others: &Self) {
        for (own, other) in self.0.iter_mut().zip(others.0) {
            *own += other;
        }
    }

    /// The reasons that occurred, with their counts.
    pub fn reasons(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let counts = REASONS.into_iter().zip(self.0);
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
