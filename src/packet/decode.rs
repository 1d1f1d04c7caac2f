//! Decodes one frame down to TCP, without state of other frames.

#![expect(
    clippy::cast_possible_truncation,
    reason = "offsets in a packet, whose length has 32 bits"
)]

use std::net::IpAddr;

use etherparse::{TcpHeaderSlice, TcpSlice};

use super::address::Endpoint;
use super::encapsulation::{Passed, Trail};
use super::fast_path::{plain_segment, plain_udp};
use super::ip::Ip;
use super::segment::{Flags, Segment, SeqNumber, TcpOptions};
use super::{Layer, Other, Packet, link, tunnel};
use crate::capture::LinkType;

/// Most nested tunnels that are decoded.
const MAX_TUNNELS: usize = 8;

/// Decodes a frame. `wire` is its length on the wire, in bytes.
#[must_use]
pub fn decode(link: LinkType, octets: &[u8], wire: u32) -> Packet {
    match plain_segment(link, octets) {
        Some(plain) => Packet::Tcp(plain.segment()),
        None => decode_other(link, octets, wire),
    }
}

/// Like [`decode`], for frames that are not a [`plain_segment`].
#[must_use]
#[inline(never)]
pub fn decode_other(link: LinkType, octets: &[u8], wire: u32) -> Packet {
    plain_udp(link, octets).unwrap_or_else(|| decode_by_steps(link, octets, wire))
}

/// The general path of [`decode`].
#[must_use]
pub fn decode_by_steps(link: LinkType, octets: &[u8], wire: u32) -> Packet {
    match ip_of(link, octets, wire, &mut |_| {}) {
        Ok(ip) if ip.fragmented => Packet::Fragment(ip),
        Ok(ip) => decode_payload(&ip, octets),
        Err(other) => Packet::Other(other),
    }
}

/// Reads the first IP header of a frame.
fn ip_of(link: LinkType, octets: &[u8], wire: u32, trail: Trail<'_>) -> Result<Ip, Other> {
    let place = link::walk(link, octets, trail)?;
    let ip = Ip::read(octets, place.start, wire as usize)?;
    Ok(Ip {
        tags: place.tags,
        ..ip
    })
}

/// Decodes what follows an IP header that is not a fragment's: a TCP header, or tunnels and their content. `octets` are
/// the bytes that `ip`'s offsets refer to.
#[must_use]
pub fn decode_payload(ip: &Ip, octets: &[u8]) -> Packet {
    let (mut ip, mut octets) = (*ip, octets);
    for _ in 0..MAX_TUNNELS {
        let Some((inner, end)) = enter(&ip, octets, &mut |_| {}) else {
            break;
        };
        (ip, octets) = (inner, &octets[..end]);
        if ip.fragmented {
            return Packet::Fragment(ip);
        }
    }
    decode_tcp(&ip, octets)
}

/// The IP header of the packet inside a tunnel, and the offset where the captured bytes of that packet end; `None` if
/// there is no IP packet in `ip`.
fn enter(ip: &Ip, octets: &[u8], trail: Trail<'_>) -> Option<(Ip, usize)> {
    if ip.is_tcp() {
        return None;
    }
    let end = ip.payload_start as usize + ip.payload_len as usize;
    let captured = &octets[..end.min(octets.len())];
    let place = tunnel::inner(ip, captured, trail)?;
    let inner = Ip {
        tags: place.tags,
        ..Ip::read(captured, place.start, end).ok()?
    };
    Some((inner, captured.len()))
}

/// Calls `passed` for every header before TCP, or before whatever the frame carries, in order: headers of the link
/// layer and of tunnels, and each IP header. IP headers come with their decoded content.
pub fn passed_headers(
    link: LinkType,
    octets: &[u8],
    wire: u32,
    mut passed: impl FnMut(Passed, Option<&Ip>),
) {
    let trail: Trail<'_> = &mut |header| passed(header, None);
    let Ok(ip) = ip_of(link, octets, wire, trail) else {
        return;
    };
    passed(ip.passed(), Some(&ip));
    if !ip.fragmented {
        passed_in(&ip, octets, passed);
    }
}

/// Like [`passed_headers`], for the headers after an IP header that is not a fragment's.
pub fn passed_in(ip: &Ip, octets: &[u8], mut passed: impl FnMut(Passed, Option<&Ip>)) {
    let (mut ip, mut octets) = (*ip, octets);
    for _ in 0..MAX_TUNNELS {
        // If it does not lead to IP, it is not shown as a tunnel.
        let mut headers = Vec::new();
        let Some((inner, end)) = enter(&ip, octets, &mut |header| headers.push(header)) else {
            return;
        };
        for header in headers {
            passed(header, None);
        }
        passed(inner.passed(), Some(&inner));
        if inner.fragmented {
            return;
        }
        (ip, octets) = (inner, &octets[..end]);
    }
}

/// Decodes the TCP header after an IP header that is not a fragment's.
fn decode_tcp(ip: &Ip, octets: &[u8]) -> Packet {
    if !ip.is_tcp() {
        return Packet::Ip(*ip, Other::NotTcp);
    }
    let available = ip.payload(octets);
    let header = match TcpHeaderSlice::from_slice(available) {
        Ok(header) => header,
        Err(etherparse::err::tcp::HeaderSliceError::Len(_)) => {
            let cut = available.len() < ip.payload_len as usize;
            let why = if cut {
                Other::Cut(Layer::Tcp)
            } else {
                Other::Malformed(Layer::Tcp)
            };
            return Packet::Ip(*ip, why);
        }
        Err(etherparse::err::tcp::HeaderSliceError::Content(_)) => {
            return Packet::Ip(*ip, Other::Malformed(Layer::Tcp));
        }
    };
    let octets_of_header = header.slice();
    let header_len = octets_of_header.len() as u32;
    let window_shift = if header.syn() {
        TcpOptions::read(header.options()).window_shift
    } else {
        None
    };
    Packet::Tcp(Segment {
        source: Endpoint {
            address: ip.source,
            port: header.source_port(),
        },
        destination: Endpoint {
            address: ip.destination,
            port: header.destination_port(),
        },
        seq: SeqNumber(header.sequence_number()),
        ack: SeqNumber(header.acknowledgment_number()),
        flags: Flags(u16::from_be_bytes([octets_of_header[12], octets_of_header[13]]) & 0x0fff),
        window: header.window_size(),
        window_shift,
        ip_start: ip.start,
        tcp_start: ip.payload_start,
        payload_start: ip.payload_start + header_len,
        payload_len: ip.payload_len - header_len,
        payload_captured: available.len() as u32 - header_len,
        tags: ip.tags,
    })
}

/// Whether the TCP checksum is wrong (RFC 9293 section 3.1); `None` if it cannot be computed because bytes were not
/// captured. `packet` are the bytes that the segment's offsets refer to.
#[must_use]
pub fn checksum_is_wrong(segment: &Segment, packet: &[u8]) -> Option<bool> {
    if segment.payload_captured < segment.payload_len {
        return None;
    }
    let end = (segment.payload_start + segment.payload_len) as usize;
    let tcp = TcpSlice::from_slice(packet.get(segment.tcp_start as usize..end)?).ok()?;
    let right = match (segment.source.address, segment.destination.address) {
        (IpAddr::V4(from), IpAddr::V4(to)) => tcp.calc_checksum_ipv4(from.octets(), to.octets()),
        (IpAddr::V6(from), IpAddr::V6(to)) => tcp.calc_checksum_ipv6(from.octets(), to.octets()),
        _ => return None,
    };
    Some(right.ok()? != tcp.checksum())
}

#[cfg(test)]
mod tests {
    use etherparse::PacketBuilder;

    use super::*;

    fn packet(payload: &[u8]) -> Vec<u8> {
        let builder = PacketBuilder::ipv4([127, 0, 0, 1], [127, 0, 0, 2], 64)
            .tcp(5893, 8888, 7, 512)
            .ack(9);
        let mut octets = Vec::new();
        builder.write(&mut octets, payload).unwrap();
        octets
    }

    fn segment(octets: &[u8], wire: usize) -> Segment {
        match decode(LinkType::RAW, octets, wire as u32) {
            Packet::Tcp(segment) => segment,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn finds_the_payload() {
        let octets = packet(b"hello");
        let segment = segment(&octets, octets.len());
        assert_eq!(segment.source.to_string(), "127.0.0.1:5893");
        assert_eq!(segment.destination.to_string(), "127.0.0.2:8888");
        assert_eq!((segment.seq.0, segment.ack.0), (7, 9));
        assert_eq!(segment.flags, Flags::ACK);
        assert_eq!(segment.payload(&octets), b"hello");
        assert_eq!(checksum_is_wrong(&segment, &octets), Some(false));
    }

    #[test]
    fn ethernet_padding_is_no_payload() {
        let mut octets = packet(b"hello");
        octets.extend([0; 6]);
        let segment = segment(&octets, octets.len());
        assert_eq!(segment.payload(&octets), b"hello");
    }

    #[test]
    fn a_cut_frame_keeps_its_length_on_the_wire() {
        let octets = packet(b"hello");
        let cut = &octets[..octets.len() - 2];
        let segment = segment(cut, octets.len());
        assert_eq!((segment.payload_len, segment.payload_captured), (5, 3));
        assert_eq!(segment.payload(cut), b"hel");
        assert_eq!(checksum_is_wrong(&segment, cut), None);
    }

    #[test]
    fn a_length_of_zero_is_the_rest_of_the_frame() {
        let mut octets = packet(b"hello");
        octets[2..4].fill(0);
        assert_eq!(segment(&octets, octets.len()).payload(&octets), b"hello");
    }

    #[test]
    fn no_prefix_of_a_frame_panics() {
        let octets = packet(b"hello");
        for end in 0..octets.len() {
            let decoded = decode(LinkType::RAW, &octets[..end], octets.len() as u32);
            if end < 40 {
                let cut = matches!(
                    decoded,
                    Packet::Other(Other::Cut(_)) | Packet::Ip(_, Other::Cut(_))
                );
                assert!(cut, "{end}");
            }
        }
    }
}
