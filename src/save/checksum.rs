//! The TCP checksum of a segment whose payload was changed.

#![expect(clippy::cast_possible_truncation, reason = "the sum is folded before")]

use std::net::IpAddr;
use std::ops::Range;

use etherparse::TcpSlice;

use crate::packet::layout::tcp;
use crate::packet::{Segment, checksum_is_wrong};

/// TCP's number as an IP protocol.
const TCP: u32 = 6;

/// The position of the checksum in the packet's bytes.
pub(super) fn place(segment: &Segment) -> Range<usize> {
    let start = segment.tcp_start as usize;
    start + tcp::CHECKSUM.start..start + tcp::CHECKSUM.end
}

/// The checksum for `changed`, which `original` has become.
///
/// A right one is right again. A wrong one stays wrong: one that is the pseudo header's alone,
/// as a host leaves it for its network card, says nothing of the payload and stays as it is; any
/// other is replaced by the inverse of the right one. What cannot be told from right or wrong
/// because bytes are missing is made right for those that are there. No answer but that of the
/// pseudo header depends on the bytes that were hidden, so that nobody can test a guess with it.
pub(super) fn mended(segment: &Segment, original: &[u8], changed: &[u8]) -> Option<u16> {
    let stored = original.get(place(segment))?;
    let stored = u16::from_be_bytes([stored[0], stored[1]]);
    if stored == pseudo_header(segment) {
        return Some(stored);
    }
    let right = right(segment, changed)?;
    match checksum_is_wrong(segment, original) {
        // In ones' complement 0xffff is 0 too, and would not be wrong.
        Some(true) if right == 0 || right == u16::MAX => Some(1),
        Some(true) => Some(!right),
        _ => Some(right),
    }
}

fn right(segment: &Segment, packet: &[u8]) -> Option<u16> {
    let end = (segment.payload_start + segment.payload_captured) as usize;
    let tcp = TcpSlice::from_slice(packet.get(segment.tcp_start as usize..end)?).ok()?;
    match (segment.source.address, segment.destination.address) {
        (IpAddr::V4(from), IpAddr::V4(to)) => tcp.calc_checksum_ipv4(from.octets(), to.octets()),
        (IpAddr::V6(from), IpAddr::V6(to)) => tcp.calc_checksum_ipv6(from.octets(), to.octets()),
        _ => return None,
    }
    .ok()
}

/// The sum over addresses, protocol and length, not inverted.
fn pseudo_header(segment: &Segment) -> u16 {
    let mut sum = TCP + segment.header_len() + segment.payload_len;
    for address in [segment.source.address, segment.destination.address] {
        let octets = match address {
            IpAddr::V4(address) => address.octets().to_vec(),
            IpAddr::V6(address) => address.octets().to_vec(),
        };
        for pair in octets.chunks(2) {
            sum += u32::from(pair[0]) << 8 | u32::from(pair[1]);
        }
    }
    while sum > 0xffff {
        sum = (sum >> 16) + (sum & 0xffff);
    }
    sum as u16
}
