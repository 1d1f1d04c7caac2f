//! Decodes a frame down to TCP: link layer, VLAN, tunnels, IPv4 and IPv6, fragments, TCP.
//!
//! Input: a frame's link type and bytes. Output: a [`Packet`], with the offsets of its parts and the few numbers that later
//! modules need. Decoding a frame keeps no state; only [`Defragmenter`] does, for fragments.

mod address;
mod decode;
mod encapsulation;
mod fast_path;
mod fragment;
mod ip;
mod ip_protocol;
pub mod layout;
mod link;
mod segment;
mod tunnel;
mod vlan;

pub use address::{Endpoint, Ipv4Endpoint};
pub use decode::{
    checksum_is_wrong, decode, decode_by_steps, decode_other, decode_payload, passed_headers,
    passed_in,
};
pub use encapsulation::Passed;
pub use fast_path::{PlainSegment, plain_segment};
pub use fragment::{Datagram, DefragmentLimits, Defragmenter, GivenUpDatagrams, Piece};
pub use ip::Ip;
pub use ip_protocol::{IpProtocol, ip_protocol};
pub use link::{LinkLayer, ip_start, link_layer, link_type_name};
pub use segment::{Flags, Segment, SeqNumber, TcpOptions};
pub use vlan::VlanTags;

/// What a frame carries, decoded down to TCP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packet {
    /// A TCP segment.
    Tcp(Segment),
    /// A fragment of an IP datagram. Its TCP segment is known once the datagram is reassembled.
    Fragment(Ip),
    /// An IP packet without a readable TCP segment, and the reason. In tunnels, the innermost packet.
    Ip(Ip, Other),
    /// Anything else, and the reason why it is not read.
    Other(Other),
}

impl Packet {
    /// The packet without its VLAN tags.
    #[must_use]
    pub const fn without_tags(mut self) -> Self {
        match &mut self {
            Self::Tcp(segment) => segment.tags = VlanTags::NONE,
            Self::Fragment(ip) | Self::Ip(ip, _) => ip.tags = VlanTags::NONE,
            Self::Other(_) => {}
        }
        self
    }
}

/// Why a frame has no TCP segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Other {
    /// A link type that is not read.
    LinkType,
    /// A link layer payload that is not IP, such as ARP.
    NotIp,
    /// An IP payload that is not TCP.
    NotTcp,
    /// The captured bytes end inside a header.
    Cut(Layer),
    /// A header contradicts itself.
    Malformed(Layer),
}

/// The layers that are decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layer {
    /// Link layer, including VLAN tags.
    Link,
    /// IPv4 or IPv6, including extension headers.
    Ip,
    /// TCP.
    Tcp,
}

impl Layer {
    /// The layer's name in messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Link => "link layer",
            Self::Ip => "IP",
            Self::Tcp => "TCP",
        }
    }
}
