//! Fast path of decoding: TCP, or UDP that is no tunnel, in an unfragmented IPv4 packet without options, directly after
//! the link layer's header.
//!
//! Nearly all frames are like that. Their fields are at fixed offsets, and reading them there takes half the
//! instructions of [`decode_by_steps`](super::decode_by_steps), which uses etherparse (`cargo bench --bench rooms`
//! measures both). Everything else is left to that general path; a test compares the two.

#![expect(
    clippy::cast_possible_truncation,
    reason = "offsets in a header, and lengths of a packet, which have 16 bits"
)]

use std::net::Ipv4Addr;

use super::address::Ipv4Endpoint;
use super::ip::Ip;
use super::layout::{ipv4, tcp};
use super::segment::{Flags, Segment, SeqNumber};
use super::tunnel::{self, protocol};
use super::vlan::VlanTags;
use super::{Other, Packet};
use crate::capture::LinkType;

const IP_LEN: usize = ipv4::LEN;
const TCP_LEN: usize = tcp::LEN;
const HEADERS_LEN: usize = IP_LEN + TCP_LEN;

/// Parts of the rows of an IPv4 header: a mask, and the value that they have in a plain packet.
const VERSION_AND_LEN: (u32, u32) = (0xff << 24, 0x45 << 24);
const MORE_FRAGMENTS_AND_OFFSET: (u32, u32) = (0x3fff, 0);
const TCP: (u32, u32) = (0xff << 16, (protocol::TCP as u32) << 16);
const UDP: (u32, u32) = (0xff << 16, (protocol::UDP as u32) << 16);

/// Offset of the IP header if the link layer's header is plain; `None` otherwise.
#[inline]
pub(super) fn ip_start(link: LinkType, octets: &[u8]) -> Option<usize> {
    const ETHERNET_LEN: usize = 14;
    const IPV4: [u8; 2] = [0x08, 0x00];
    const FAMILY_LEN: usize = 4;
    const AF_INET: [[u8; FAMILY_LEN]; 2] = [[2, 0, 0, 0], [0, 0, 0, 2]];
    match link {
        LinkType::ETHERNET => {
            let header = octets.first_chunk::<ETHERNET_LEN>()?;
            (header[12..] == IPV4).then_some(ETHERNET_LEN)
        }
        LinkType::NULL => {
            let family = octets.first_chunk::<FAMILY_LEN>()?;
            AF_INET.contains(family).then_some(FAMILY_LEN)
        }
        LinkType::RAW | LinkType::IPV4 => Some(0),
        _ => None,
    }
}

/// The first bytes in rows of 32 bits, as RFC 791 and RFC 9293 draw headers.
#[inline]
fn rows<const ROWS: usize>(octets: &[u8]) -> Option<[u32; ROWS]> {
    let rows: &[[u8; 4]; ROWS] = octets.as_chunks::<4>().0.first_chunk()?;
    Some(rows.map(u32::from_be_bytes))
}

/// Whether a row has this value where the mask is set.
#[inline]
const fn has(row: u32, (mask, value): (u32, u32)) -> bool {
    row & mask == value
}

/// The window scale option of a SYN (RFC 9293 section 3.2, RFC 7323 section 2.2). Like
/// [`TcpOptions`](super::segment::TcpOptions), it reads nothing after a damaged option.
fn window_shift(mut options: &[u8]) -> Option<u8> {
    let mut shift = None;
    loop {
        options = match options {
            [tcp::NO_OPERATION, rest @ ..]
            | [2, 4, _, _, rest @ ..]
            | [4, 2, rest @ ..]
            | [8, 10, _, _, _, _, _, _, _, _, rest @ ..] => rest,
            [tcp::WINDOW_SCALE, tcp::WINDOW_SCALE_LEN, found, rest @ ..] => {
                shift = Some(*found);
                rest
            }
            [5, len @ (10 | 18 | 26 | 34), rest @ ..] => match rest.get(usize::from(*len) - 2..) {
                Some(rest) => rest,
                None => return shift,
            },
            _ => return shift,
        };
    }
}

/// The segment of a plain frame, in 40 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlainSegment {
    /// Its sender.
    pub source: Ipv4Endpoint,
    /// Its receiver.
    pub destination: Ipv4Endpoint,
    /// As in [`Segment`].
    pub seq: SeqNumber,
    /// As in [`Segment`].
    pub ack: SeqNumber,
    /// As in [`Segment`].
    pub flags: Flags,
    /// As in [`Segment`].
    pub window: u16,
    /// As in [`Segment`].
    pub payload_len: u16,
    /// As in [`Segment`].
    pub payload_captured: u16,
    /// Plus one; 0 without the option.
    window_shift: u16,
    ip_start: u8,
    /// As in [`Segment`].
    pub payload_start: u8,
}

impl PlainSegment {
    /// Converts to a [`Segment`].
    #[must_use]
    pub fn segment(&self) -> Segment {
        let ip_start = u32::from(self.ip_start);
        Segment {
            source: self.source.endpoint(),
            destination: self.destination.endpoint(),
            seq: self.seq,
            ack: self.ack,
            flags: self.flags,
            window: self.window,
            window_shift: self.window_shift.checked_sub(1).map(|shift| shift as u8),
            ip_start,
            tcp_start: ip_start + IP_LEN as u32,
            payload_start: u32::from(self.payload_start),
            payload_len: u32::from(self.payload_len),
            payload_captured: u32::from(self.payload_captured),
            tags: VlanTags::NONE,
        }
    }

    /// The captured payload. `octets` are the frame's bytes.
    #[must_use]
    #[inline]
    pub fn payload<'a>(&self, octets: &'a [u8]) -> &'a [u8] {
        let start = usize::from(self.payload_start);
        let range = start..start + usize::from(self.payload_captured);
        octets.get(range).unwrap_or_default()
    }
}

/// Decodes a plain frame; `None` for any other frame.
///
/// Inlined, so that the caller stores each field directly where the segment stays.
#[must_use]
#[inline(always)]
#[allow(
    clippy::inline_always,
    reason = "a returned segment is copied twice, which takes 5 ns a frame"
)]
pub fn plain_segment(link: LinkType, octets: &[u8]) -> Option<PlainSegment> {
    let ip_start = ip_start(link, octets)?;
    let [
        lengths,
        fragment,
        protocol,
        source,
        destination,
        ports,
        seq,
        ack,
        control,
        _,
    ] = rows::<10>(octets.get(ip_start..)?)?;
    let total_len = (lengths & 0xffff) as usize;
    let tcp_len = (control >> 28) as usize * 4;
    let headers_len = IP_LEN + tcp_len;
    let payload_start = ip_start + headers_len;
    if !has(lengths, VERSION_AND_LEN)
        || !has(fragment, MORE_FRAGMENTS_AND_OFFSET)
        || !has(protocol, TCP)
        || tcp_len < TCP_LEN
        || total_len < headers_len
        || octets.len() < payload_start
    {
        return None;
    }
    let flags = Flags((control >> 16) as u16 & 0x0fff);
    let window_shift = if flags.has(Flags::SYN) {
        let shift = window_shift(&octets[ip_start + HEADERS_LEN..payload_start]);
        shift.map_or(0, |shift| u16::from(shift) + 1)
    } else {
        0
    };
    let payload_len = total_len - headers_len;
    Some(PlainSegment {
        source: Ipv4Endpoint::new(source, (ports >> 16) as u16),
        destination: Ipv4Endpoint::new(destination, ports as u16),
        seq: SeqNumber(seq),
        ack: SeqNumber(ack),
        flags,
        window: control as u16,
        window_shift,
        ip_start: ip_start as u8,
        payload_start: payload_start as u8,
        payload_len: payload_len as u16,
        payload_captured: payload_len.min(octets.len() - payload_start) as u16,
    })
}

/// Decodes a plain frame with UDP that is no tunnel; `None` for any other frame.
#[must_use]
pub(super) fn plain_udp(link: LinkType, octets: &[u8]) -> Option<Packet> {
    const UDP_LEN: usize = 8;
    let ip_start = ip_start(link, octets)?;
    let [lengths, fragment, protocol, source, destination, ports, _] =
        rows::<7>(octets.get(ip_start..)?)?;
    let total_len = lengths & 0xffff;
    if !has(lengths, VERSION_AND_LEN)
        || !has(fragment, MORE_FRAGMENTS_AND_OFFSET)
        || !has(protocol, UDP)
        || (total_len as usize) < IP_LEN + UDP_LEN
        || [ports >> 16, ports & 0xffff]
            .iter()
            .any(|port| tunnel::is_port(*port as u16))
    {
        return None;
    }
    let ip = Ip {
        source: Ipv4Addr::from_bits(source).into(),
        destination: Ipv4Addr::from_bits(destination).into(),
        protocol: protocol::UDP,
        ttl: (protocol >> 24) as u8,
        identification: fragment >> 16,
        dont_fragment: fragment & 0x4000 != 0,
        fragmented: false,
        more_fragments: false,
        fragment_offset: 0,
        start: ip_start as u32,
        header_len: IP_LEN as u32,
        length: total_len,
        payload_start: (ip_start + IP_LEN) as u32,
        payload_len: total_len - IP_LEN as u32,
        tags: VlanTags::NONE,
    };
    Some(Packet::Ip(ip, Other::NotTcp))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::decode::decode_by_steps;
    use super::super::segment::TcpOptions;
    use super::*;

    /// One option, whole or damaged.
    fn option() -> impl Strategy<Value = Vec<u8>> {
        prop_oneof![
            Just(vec![0]),
            Just(vec![1]),
            Just(vec![4, 2]),
            any::<u8>().prop_map(|shift| vec![3, 3, shift]),
            Just(vec![2, 4, 5, 180]),
            Just(vec![8, 10, 1, 2, 3, 4, 5, 6, 7, 8]),
            (1..5u8).prop_map(|blocks| {
                let len = 2 + 8 * blocks;
                let mut option = vec![7; usize::from(len)];
                option[..2].copy_from_slice(&[5, len]);
                option
            }),
            proptest::collection::vec(0..12u8, 1..5),
        ]
    }

    proptest! {
        #[test]
        fn the_window_scale_is_found_as_by_steps(
            options in proptest::collection::vec(option(), 0..6),
            cut in 0..41usize,
        ) {
            let mut octets = options.concat();
            octets.truncate(cut);
            prop_assert_eq!(window_shift(&octets), TcpOptions::read(&octets).window_shift);
        }
    }

    /// A frame with TCP or UDP, with faults in it or without.
    fn frame() -> impl Strategy<Value = (LinkType, Vec<u8>)> {
        let link = prop_oneof![
            Just((LinkType::ETHERNET, 14)),
            Just((LinkType::NULL, 4)),
            Just((LinkType::RAW, 0)),
            Just((LinkType::IPV4, 0)),
            Just((LinkType::LINUX_SLL, 16)),
        ];
        let payload = proptest::collection::vec(any::<u8>(), 0..40);
        let faults = proptest::collection::vec((0..80usize, any::<u8>()), 0..3);
        let header = (any::<[u8; 20]>(), any::<bool>(), 5..9u8);
        (link, payload, header, 0..4usize, faults).prop_map(
            |((link, start), payload, (mut tcp, is_udp, words), padding, faults)| {
                let mut octets = vec![0; start];
                match link {
                    LinkType::ETHERNET => octets[12] = 8,
                    LinkType::NULL => octets[0] = 2,
                    _ => {}
                }
                tcp[12] = words << 4;
                let options = usize::from(words - 5) * 4;
                let total = 40 + options + payload.len();
                let mut ip = [0; 20];
                ip[..4].copy_from_slice(&[0x45, 0, 0, total as u8]);
                ip[8..10].copy_from_slice(&[64, if is_udp { 17 } else { 6 }]);
                ip[12..].copy_from_slice(&[127, 0, 0, 1, 10, 1, 2, 3]);
                octets.extend(ip);
                octets.extend(tcp);
                octets.extend([3, 3, 7, 1, 1, 1, 0, 0, 0, 0, 0, 0].iter().take(options));
                octets.extend(payload);
                octets.extend([0; 4].iter().take(padding));
                for (at, octet) in faults {
                    if let Some(place) = octets.get_mut(at) {
                        *place = octet;
                    }
                }
                (link, octets)
            },
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]
        #[test]
        fn the_fast_path_finds_what_the_general_path_finds((link, octets) in frame(), kept in 0..120usize) {
            let cut = &octets[..kept.min(octets.len())];
            let wire = octets.len() as u32;
            if let Some(plain) = plain_segment(link, cut) {
                let segment = plain.segment();
                prop_assert_eq!(segment.payload(cut), plain.payload(cut));
                prop_assert_eq!(Packet::Tcp(segment), decode_by_steps(link, cut, wire));
            }
            if let Some(packet) = plain_udp(link, cut) {
                prop_assert_eq!(packet, decode_by_steps(link, cut, wire));
            }
        }
    }

    #[test]
    fn a_sound_frame_takes_the_fast_path() {
        let mut octets = vec![0x45, 0, 0, 41, 0, 0, 0x40, 0, 64, 6, 0, 0];
        octets.extend([127, 0, 0, 1, 127, 0, 0, 1]);
        octets.extend([0; 12]);
        octets.extend([0x50, 0x18, 0, 0, 0, 0, 0, 0, b'x']);
        let found = plain_segment(LinkType::RAW, &octets);
        assert_eq!(found.map(|segment| segment.payload_len), Some(1));
        octets[9] = 17;
        assert!(plain_udp(LinkType::RAW, &octets).is_some());
        for port in [1701, 2152, 4789, 4790, 6081, 6635_u16] {
            for at in [20..22, 22..24] {
                let mut octets = octets.clone();
                octets[at].copy_from_slice(&port.to_be_bytes());
                assert!(plain_udp(LinkType::RAW, &octets).is_none(), "{port}");
            }
        }
    }
}
