//! Generates IPv4 and IPv6 packets for a segment, complete or fragmented.

use std::net::IpAddr;
use std::ops::Range;

use etherparse::{
    IpFragOffset, IpNumber, Ipv4Header, Ipv4Options, Ipv6FlowLabel, Ipv6FragmentHeader, Ipv6Header,
    Ipv6RawExtHeader,
};

use super::{Segment, SynthError};

/// One fragment of an IP payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fragment {
    /// Range of its bytes in the payload. The start must be a multiple of 8.
    pub range: Range<usize>,
    /// Other bytes to send instead of those of the payload, as an attacker would.
    pub instead: Option<Vec<u8>>,
}

impl From<Range<usize>> for Fragment {
    fn from(range: Range<usize>) -> Self {
        Self {
            range,
            instead: None,
        }
    }
}

/// Form of the packets.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IpForm {
    /// Identification. IPv4 uses the low 16 bits.
    pub identification: u32,
    /// IPv4 options, a multiple of 4 bytes.
    pub ipv4_options: Vec<u8>,
    /// IPv6 extension headers of the common form, in order: header number, and the bytes after the first two of the
    /// header (6, 14, 22, ...).
    pub ipv6_extensions: Vec<(u8, Vec<u8>)>,
    /// Fragments in the order in which they are sent; empty for a complete packet. Ranges count from the first byte
    /// after the IPv4 header, or after the last IPv6 extension header.
    pub fragments: Vec<Fragment>,
}

const HOP_LIMIT: u8 = 64;

/// The IP packets that carry `segment`: one, or one for each fragment.
///
/// # Errors
///
/// If the addresses are not of one IP version, something is too long, or a fragment is invalid.
pub fn packets(segment: &Segment, form: &IpForm) -> Result<Vec<Vec<u8>>, SynthError> {
    let payload = segment.octets()?;
    let whole = [Fragment::from(0..payload.len())];
    let fragments = match form.fragments.as_slice() {
        [] => whole.as_slice(),
        some => some,
    };
    let fragmented = !form.fragments.is_empty();
    let mut packets = Vec::with_capacity(fragments.len());
    for Fragment { range, instead } in fragments {
        let bad = || SynthError::Fragment {
            start: range.start,
            end: range.end,
            len: payload.len(),
        };
        let own = payload.get(range.clone()).ok_or_else(bad)?;
        let offset = u16::try_from(range.start / 8)
            .ok()
            .and_then(|units| IpFragOffset::try_new(units).ok())
            .filter(|_| range.start.is_multiple_of(8))
            .ok_or_else(bad)?;
        let part = Part {
            octets: instead.as_deref().unwrap_or(own),
            fragment: fragmented.then_some((offset, range.end < payload.len())),
        };
        packets.push(match (segment.source.ip(), segment.destination.ip()) {
            (IpAddr::V4(from), IpAddr::V4(to)) => ipv4(from.octets(), to.octets(), form, &part)?,
            (IpAddr::V6(from), IpAddr::V6(to)) => ipv6(from.octets(), to.octets(), form, &part)?,
            (source_ip, destination_ip) => {
                return Err(SynthError::MixedVersions {
                    source_ip,
                    destination_ip,
                });
            }
        });
    }
    Ok(packets)
}

/// Content of one packet: bytes and, for a fragment, its offset and whether more follow.
struct Part<'a> {
    octets: &'a [u8],
    fragment: Option<(IpFragOffset, bool)>,
}

fn too_long(given: usize) -> SynthError {
    SynthError::TooLong {
        what: "IP payload",
        given,
        limit: usize::from(u16::MAX),
    }
}

fn ipv4(from: [u8; 4], to: [u8; 4], form: &IpForm, part: &Part<'_>) -> Result<Vec<u8>, SynthError> {
    let len = u16::try_from(part.octets.len()).map_err(|_| too_long(part.octets.len()))?;
    let mut header = Ipv4Header::new(len, HOP_LIMIT, IpNumber::TCP, from, to)
        .map_err(|_| too_long(part.octets.len()))?;
    header.options =
        Ipv4Options::try_from(form.ipv4_options.as_slice()).map_err(|_| SynthError::TooLong {
            what: "IPv4 options",
            given: form.ipv4_options.len(),
            limit: 40,
        })?;
    header
        .set_payload_len(part.octets.len())
        .map_err(|_| too_long(part.octets.len()))?;
    header.identification = form.identification as u16;
    header.dont_fragment = part.fragment.is_none();
    if let Some((offset, more)) = part.fragment {
        header.fragment_offset = offset;
        header.more_fragments = more;
    }
    header.header_checksum = header.calc_header_checksum();
    let mut packet = header.to_bytes().to_vec();
    packet.extend_from_slice(part.octets);
    Ok(packet)
}

fn ipv6(
    from: [u8; 16],
    to: [u8; 16],
    form: &IpForm,
    part: &Part<'_>,
) -> Result<Vec<u8>, SynthError> {
    let after_extensions = if part.fragment.is_some() {
        IpNumber::IPV6_FRAGMENTATION_HEADER
    } else {
        IpNumber::TCP
    };
    let mut body = Vec::new();
    for (index, (_, octets)) in form.ipv6_extensions.iter().enumerate() {
        let next = form
            .ipv6_extensions
            .get(index + 1)
            .map_or(after_extensions, |(number, _)| IpNumber(*number));
        let header = Ipv6RawExtHeader::new_raw(next, octets).map_err(|_| SynthError::TooLong {
            what: "IPv6 extension header (6 bytes and a multiple of 8)",
            given: octets.len(),
            limit: Ipv6RawExtHeader::MAX_PAYLOAD_LEN,
        })?;
        body.extend_from_slice(&header.to_bytes());
    }
    if let Some((offset, more)) = part.fragment {
        let header = Ipv6FragmentHeader::new(IpNumber::TCP, offset, more, form.identification);
        body.extend_from_slice(&header.to_bytes());
    }
    body.extend_from_slice(part.octets);
    let header = Ipv6Header {
        traffic_class: 0,
        flow_label: Ipv6FlowLabel::ZERO,
        payload_length: u16::try_from(body.len()).map_err(|_| too_long(body.len()))?,
        next_header: form
            .ipv6_extensions
            .first()
            .map_or(after_extensions, |(number, _)| IpNumber(*number)),
        hop_limit: HOP_LIMIT,
        source: from,
        destination: to,
    };
    let mut packet = header.to_bytes().to_vec();
    packet.extend_from_slice(&body);
    Ok(packet)
}
