//! What a flow is found by: its two ends, the same for both directions.

use std::hash::{BuildHasher, Hasher};
use std::net::IpAddr;

use foldhash::fast::RandomState;

use super::flow::Side;
use crate::packet::{Endpoint, Segment};

/// Which flow a segment belongs to, as far as the segment alone tells: another thread than the
/// flow table's can find it.
#[derive(Debug, Clone, Copy)]
pub struct FlowKey {
    pub(super) hash: u64,
    pub(super) from: Side,
}

/// Finds [`FlowKey`]s. Its hash differs from run to run, so that nobody can prepare a capture
/// whose flows all have the same.
#[derive(Debug, Clone, Default)]
pub struct FlowHasher(RandomState);

impl FlowHasher {
    /// The segment's key. The end that sorts first is side A.
    #[must_use]
    pub fn key(&self, segment: &Segment) -> FlowKey {
        let (source, destination) = (&segment.source, &segment.destination);
        let from = if source <= destination {
            Side::A
        } else {
            Side::B
        };
        let mut hasher = self.0.build_hasher();
        if let (Some(source), Some(destination)) = (number(source), number(destination)) {
            hasher.write_u64(source.min(destination));
            hasher.write_u64(source.max(destination));
        } else {
            let (first, second) = match from {
                Side::A => (source, destination),
                Side::B => (destination, source),
            };
            for end in [first, second] {
                match end.address {
                    IpAddr::V4(v4) => hasher.write_u32(v4.to_bits()),
                    IpAddr::V6(v6) => hasher.write_u128(v6.to_bits()),
                }
            }
            hasher.write_u64(u64::from(first.port) << 16 | u64::from(second.port));
        }
        FlowKey {
            hash: hasher.finish(),
            from,
        }
    }
}

/// IPv4 address and port as one number.
fn number(end: &Endpoint) -> Option<u64> {
    match end.address {
        IpAddr::V4(v4) => Some(u64::from(v4.to_bits()) << 16 | u64::from(end.port)),
        IpAddr::V6(_) => None,
    }
}
