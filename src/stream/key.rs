//! The key of a flow: its two ends and its VLAN tags, the same for both directions.

use std::hash::{BuildHasher, Hasher};
use std::net::IpAddr;

use foldhash::quality::RandomState;

use super::flow::Side;
use super::index::Tag;
use crate::packet::{Endpoint, Ipv4Endpoint, PlainSegment, Segment, VlanTags};

/// Finds a segment's flow. Computed from the segment alone, so a thread without the flow table can compute it.
#[derive(Debug, Clone, Copy, Default)]
pub struct FlowKey {
    /// Upper half of the hash of both ends and the VLAN tags.
    pub(super) tag: Tag,
    pub(super) from: Side,
    /// The flow's lane, if flows are distributed over lanes; otherwise 0.
    pub lane: u8,
}

/// Computes [`FlowKey`]s. The hash is seeded at random, so nobody can prepare a capture whose flows collide.
/// Neighbouring ports get distant tags, because flows with near tags collide in the index.
#[derive(Debug, Clone, Default)]
pub struct FlowHasher {
    state: RandomState,
    /// Number of lanes over which flows are distributed, minus one.
    last_lane: u8,
}

impl FlowHasher {
    /// The same, for flows that are distributed over so many lanes, a power of two.
    #[must_use]
    pub fn with_lanes(self, lanes: u8) -> Self {
        let last_lane = lanes - 1;
        Self { last_lane, ..self }
    }

    /// The lane of a flow between two ends, in any order. Unlike the tag, it is the same in each run: what a limit makes
    /// a lane give up must not change.
    #[inline]
    const fn lane(&self, one: u64, other: u64) -> u8 {
        /// An odd number whose bits look random.
        const MIX: u64 = 0x9e37_79b9_7f4a_7c15;
        // The upper half of the product depends on all bits.
        let mixed = (one ^ other).wrapping_mul(MIX);
        (mixed >> 56) as u8 & self.last_lane
    }

    /// The segment's key. The end that sorts first is side A.
    #[must_use]
    #[inline]
    pub fn key(&self, segment: &Segment) -> FlowKey {
        let (source, destination) = (&segment.source, &segment.destination);
        let (Some(from), Some(to)) = (number(source), number(destination)) else {
            return self.key_of_any(segment);
        };
        let mut hasher = self.state.build_hasher();
        hasher.write_u64(from.min(to));
        hasher.write_u64(from.max(to));
        write_tags(&mut hasher, segment);
        FlowKey {
            tag: upper_half(hasher.finish()),
            from: if from <= to { Side::A } else { Side::B },
            lane: self.lane(from, to),
        }
    }

    /// The key of a plain segment, which has no VLAN tags.
    #[must_use]
    #[inline]
    pub fn key_of_plain(&self, segment: &PlainSegment) -> FlowKey {
        let (from, to) = (segment.source.number(), segment.destination.number());
        let mut hasher = self.state.build_hasher();
        hasher.write_u64(from.min(to));
        hasher.write_u64(from.max(to));
        FlowKey {
            tag: upper_half(hasher.finish()),
            from: if from <= to { Side::A } else { Side::B },
            lane: self.lane(from, to),
        }
    }

    #[inline(never)]
    fn key_of_any(&self, segment: &Segment) -> FlowKey {
        let (source, destination) = (&segment.source, &segment.destination);
        let (from, first, second) = if source <= destination {
            (Side::A, source, destination)
        } else {
            (Side::B, destination, source)
        };
        let mut hasher = self.state.build_hasher();
        let mut ends = [0; 2];
        for (end, bits) in [first, second].into_iter().zip(&mut ends) {
            match end.address {
                IpAddr::V4(v4) => hasher.write_u32(v4.to_bits()),
                IpAddr::V6(v6) => {
                    hasher.write_u128(v6.to_bits());
                    *bits = (v6.to_bits() >> 64) as u64 ^ v6.to_bits() as u64 ^ u64::from(end.port);
                }
            }
        }
        hasher.write_u64(u64::from(first.port) << 16 | u64::from(second.port));
        write_tags(&mut hasher, segment);
        FlowKey {
            tag: upper_half(hasher.finish()),
            from,
            lane: self.lane(ends[0], ends[1]),
        }
    }
}

#[inline]
fn write_tags(hasher: &mut impl Hasher, segment: &Segment) {
    if segment.tags != VlanTags::NONE {
        hasher.write_u32(segment.tags.as_u32());
    }
}

const fn upper_half(hash: u64) -> Tag {
    (hash >> 32) as Tag
}

/// IPv4 address and port as one number; `None` for IPv6.
#[inline]
pub(super) fn number(end: &Endpoint) -> Option<u64> {
    match end.address {
        IpAddr::V4(v4) => Some(Ipv4Endpoint::new(v4.to_bits(), end.port).number()),
        IpAddr::V6(_) => None,
    }
}
