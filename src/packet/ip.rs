//! The IP header, IPv4 or IPv6: addresses, payload and fragmentation.

#![expect(
    clippy::cast_possible_truncation,
    reason = "offsets in a packet, whose length has 32 bits"
)]

use std::net::IpAddr;

use etherparse::{
    IpNumber, Ipv4HeaderSlice, Ipv6ExtensionSlice, Ipv6ExtensionsSlice, Ipv6HeaderSlice,
};

use super::encapsulation::Passed;
use super::vlan::VlanTags;
use super::{Layer, Other};

/// An IP packet's header. Offsets count from the start of the bytes that were decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ip {
    /// Sender.
    pub source: IpAddr,
    /// Receiver.
    pub destination: IpAddr,
    /// Protocol of the payload, after any extension headers and authentication header.
    pub protocol: u8,
    /// Time to live (IPv4) or hop limit (IPv6).
    pub ttl: u8,
    /// Identification: 16 bits in IPv4, 32 bits in an IPv6 fragment header, otherwise 0.
    pub identification: u32,
    /// Don't fragment (IPv4 only).
    pub dont_fragment: bool,
    /// Whether this is a fragment.
    pub fragmented: bool,
    /// Whether more fragments follow.
    pub more_fragments: bool,
    /// Offset in bytes of this fragment's payload in the datagram's payload.
    pub fragment_offset: u32,
    /// Offset of the IP header.
    pub start: u32,
    /// Length of the header in bytes, without IPv6 extension headers.
    pub header_len: u32,
    /// Length of the whole packet in bytes, by its length field.
    pub length: u32,
    /// Offset of the payload, after any extension headers.
    pub payload_start: u32,
    /// Length of the payload in bytes, by the length field. Not all of it may be captured.
    pub payload_len: u32,
    /// The VLANs of the packet.
    pub tags: VlanTags,
}

/// The protocol after an authentication header, and that header's length in bytes (RFC 4302 section 2).
fn authenticated(octets: &[u8]) -> Result<(u8, usize), Other> {
    match octets {
        [protocol, words, ..] => Ok((*protocol, (usize::from(*words) + 2) * 4)),
        _ => Err(Other::Cut(Layer::Ip)),
    }
}

impl Ip {
    /// Reads the IP header at offset `start`. VLAN tags are left empty. `wire` is the length in bytes that `octets` had
    /// on the wire. It is used if the header's own length is 0, which segmentation offloading causes.
    ///
    /// # Errors
    ///
    /// [`Other::Cut`] if the captured bytes end inside the header, [`Other::Malformed`] if its version or lengths are
    /// wrong.
    pub fn read(octets: &[u8], start: usize, wire: usize) -> Result<Self, Other> {
        let packet = octets.get(start..).unwrap_or_default();
        let rest_on_wire = wire.max(octets.len()).saturating_sub(start);
        match packet.first().map(|octet| octet >> 4) {
            None => Err(Other::Cut(Layer::Ip)),
            Some(4) => Self::read_v4(packet, start, rest_on_wire),
            Some(6) => Self::read_v6(packet, start, rest_on_wire),
            Some(_) => Err(Other::Malformed(Layer::Ip)),
        }
    }

    fn read_v4(packet: &[u8], start: usize, rest_on_wire: usize) -> Result<Self, Other> {
        use etherparse::err::ipv4::HeaderSliceError;
        let header = Ipv4HeaderSlice::from_slice(packet).map_err(|error| match error {
            HeaderSliceError::Len(_) => Other::Cut(Layer::Ip),
            HeaderSliceError::Content(_) => Other::Malformed(Layer::Ip),
        })?;
        let header_len = header.slice().len();
        let length = match usize::from(header.total_len()) {
            0 => rest_on_wire,
            length => length,
        };
        let payload_len = length
            .checked_sub(header_len)
            .ok_or(Other::Malformed(Layer::Ip))?;
        let fragmented = header.is_fragmenting_payload();
        let (protocol, extensions) = match header.protocol() {
            IpNumber::AUTHENTICATION_HEADER if !fragmented => {
                authenticated(packet.get(header_len..).unwrap_or_default())?
            }
            protocol => (protocol.0, 0),
        };
        let payload_len = payload_len
            .checked_sub(extensions)
            .ok_or(Other::Malformed(Layer::Ip))?;
        Ok(Self {
            source: header.source_addr().into(),
            destination: header.destination_addr().into(),
            protocol,
            ttl: header.ttl(),
            identification: u32::from(header.identification()),
            dont_fragment: header.dont_fragment(),
            fragmented,
            more_fragments: header.more_fragments(),
            fragment_offset: u32::from(header.fragments_offset().byte_offset()),
            start: start as u32,
            header_len: header_len as u32,
            length: length as u32,
            payload_start: (start + header_len + extensions) as u32,
            payload_len: payload_len as u32,
            tags: VlanTags::NONE,
        })
    }

    fn read_v6(packet: &[u8], start: usize, rest_on_wire: usize) -> Result<Self, Other> {
        use etherparse::err::ipv6::HeaderSliceError;
        let header = Ipv6HeaderSlice::from_slice(packet).map_err(|error| match error {
            HeaderSliceError::Len(_) => Other::Cut(Layer::Ip),
            HeaderSliceError::Content(_) => Other::Malformed(Layer::Ip),
        })?;
        let header_len = header.slice().len();
        let behind_header = match usize::from(header.payload_length()) {
            0 => rest_on_wire.saturating_sub(header_len),
            length => length,
        };
        let available = &packet[header_len..packet.len().min(header_len + behind_header)];
        let (extensions, protocol, payload, error) =
            Ipv6ExtensionsSlice::from_slice_lax(header.next_header(), available);
        if error.is_some() {
            let cut = available.len() < behind_header;
            return Err(if cut {
                Other::Cut(Layer::Ip)
            } else {
                Other::Malformed(Layer::Ip)
            });
        }
        let extensions_len = available.len() - payload.len();
        let mut ip = Self {
            source: header.source_addr().into(),
            destination: header.destination_addr().into(),
            protocol: protocol.0,
            ttl: header.hop_limit(),
            identification: 0,
            dont_fragment: false,
            fragmented: false,
            more_fragments: false,
            fragment_offset: 0,
            start: start as u32,
            header_len: header_len as u32,
            length: (header_len + behind_header) as u32,
            payload_start: (start + header_len + extensions_len) as u32,
            payload_len: (behind_header - extensions_len) as u32,
            tags: VlanTags::NONE,
        };
        if extensions.is_fragmenting_payload() {
            for extension in extensions {
                if let Ipv6ExtensionSlice::Fragment(fragment) = extension {
                    ip.identification = fragment.identification();
                    ip.more_fragments = fragment.more_fragments();
                    ip.fragment_offset = u32::from(fragment.fragment_offset().byte_offset());
                    ip.fragmented = true;
                }
            }
        }
        Ok(ip)
    }

    /// A packet without a header, for tests.
    #[cfg(test)]
    pub(super) fn of_payload(protocol: u8, len: usize) -> Self {
        let address = std::net::Ipv4Addr::LOCALHOST.into();
        Self {
            source: address,
            destination: address,
            protocol,
            ttl: 64,
            identification: 0,
            dont_fragment: false,
            fragmented: false,
            more_fragments: false,
            fragment_offset: 0,
            start: 0,
            header_len: 0,
            length: len as u32,
            payload_start: 0,
            payload_len: len as u32,
            tags: VlanTags::NONE,
        }
    }

    /// Its entry in a list of headers.
    pub(super) fn passed(&self) -> Passed {
        let (protocols, name) = if self.source.is_ipv4() {
            ("ip", "IPv4")
        } else {
            ("ipv6", "IPv6")
        };
        let start = self.start as usize;
        Passed {
            protocols,
            name,
            octets: start..start + self.header_len as usize,
        }
    }

    /// Whether the payload is TCP.
    #[must_use]
    pub const fn is_tcp(&self) -> bool {
        self.protocol == IpNumber::TCP.0
    }

    /// Whether the payload may contain TCP: it is TCP, or can be a tunnel.
    #[must_use]
    pub const fn may_carry_tcp(&self) -> bool {
        self.is_tcp() || super::tunnel::is_carrier(self.protocol)
    }

    /// The captured payload. `octets` are the bytes that the header was read from.
    #[must_use]
    pub fn payload<'a>(&self, octets: &'a [u8]) -> &'a [u8] {
        let start = (self.payload_start as usize).min(octets.len());
        let end = (start + self.payload_len as usize).min(octets.len());
        &octets[start..end]
    }
}
