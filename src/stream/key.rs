//! What a flow is found by: its two ends, the same for both directions.

use std::hash::{BuildHasher, Hasher};
use std::net::IpAddr;

use foldhash::fast::FixedState;

use super::flow::Side;
use crate::packet::{Endpoint, Segment};

/// The ends in their order, and which of them sent the segment.
pub(super) fn ends_of(segment: &Segment) -> (Side, [Endpoint; 2]) {
    if segment.source <= segment.destination {
        (Side::A, [segment.source, segment.destination])
    } else {
        (Side::B, [segment.destination, segment.source])
    }
}

/// One hash for both directions.
pub(super) fn hash_ends(hasher: &FixedState, ends: &[Endpoint; 2]) -> u64 {
    let mut hasher = hasher.build_hasher();
    let ports = u64::from(ends[0].port) << 16 | u64::from(ends[1].port);
    match (ends[0].address, ends[1].address) {
        (IpAddr::V4(a), IpAddr::V4(b)) => {
            hasher.write_u64(u64::from(a.to_bits()) << 32 | u64::from(b.to_bits()));
        }
        (a, b) => {
            for address in [a, b] {
                match address {
                    IpAddr::V4(v4) => hasher.write_u32(v4.to_bits()),
                    IpAddr::V6(v6) => hasher.write_u128(v6.to_bits()),
                }
            }
        }
    }
    hasher.write_u64(ports);
    hasher.finish()
}
