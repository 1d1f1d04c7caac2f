//! The supported link layers: a table of number, name and where IP begins.

use super::encapsulation::{Header, IpPlace, Passed, Trail, byte_at, follow, u16_at};
use super::vlan::VlanTags;
use super::{Layer, Other, fast_path};
use crate::capture::LinkType;

/// A supported link layer.
#[derive(Debug, Clone, Copy)]
pub struct LinkLayer {
    /// Its number in capture files (LINKTYPE).
    pub link: LinkType,
    /// Its name in messages.
    pub name: &'static str,
    /// Start of Wireshark's `frame.protocols`; empty if the following header sets it.
    protocols: &'static str,
    /// Decodes its own header.
    begin: Begin,
}

/// What follows a link layer's own header.
enum Next {
    /// A header that other link layers have as well.
    Header(Header),
    /// A frame of another link layer.
    Frame(LinkType),
}

use Next::Header as Behind;

/// Length of a link layer's own header in bytes, and what follows it.
type Begun = Result<(usize, Next), Other>;
/// Decodes a link layer's own header.
type Begin = fn(&[u8]) -> Begun;

const CUT: Other = Other::Cut(Layer::Link);

/// Every supported link layer, sorted by number.
static TABLE: [LinkLayer; 22] = [
    row(LinkType::NULL, "BSD loopback", "null", family),
    row(LinkType::ETHERNET, "Ethernet", "", ethernet),
    row(LinkType::PPP, "PPP", "", ppp),
    row(LinkType::RAW_BSD, "raw IP", "raw", ip),
    row(LinkType::RAW_OPENBSD, "raw IP", "raw", ip),
    row(LinkType::PPP_HDLC, "PPP", "", ppp),
    row(LinkType::RAW, "raw IP", "raw", ip),
    row(LinkType::CISCO_HDLC, "Cisco HDLC", "", ppp),
    row(LinkType::IEEE802_11, "Wi-Fi", "wlan", wifi),
    row(LinkType::LOOP, "OpenBSD loopback", "null", family),
    row(LinkType::OPENBSD_IPSEC, "OpenBSD IPsec", "enc", ipsec),
    row(
        LinkType::LINUX_SLL,
        "Linux cooked capture v1",
        "sll:ethertype",
        sll,
    ),
    row(LinkType::PFLOG, "OpenBSD firewall log", "pflog", pflog),
    row(
        LinkType::IEEE802_11_RADIOTAP,
        "Wi-Fi with radiotap",
        "radiotap:wlan_radio:wlan",
        radiotap,
    ),
    row(
        LinkType::PPP_PPPD,
        "PPP with direction",
        "",
        ppp_with_direction,
    ),
    row(
        LinkType::PPP_WITH_DIRECTION,
        "PPP with direction",
        "",
        ppp_with_direction,
    ),
    row(LinkType::MPLS, "MPLS", "", mpls),
    row(LinkType::IPV4, "raw IPv4", "", ip),
    row(LinkType::IPV6, "raw IPv6", "", ip),
    row(LinkType::NFLOG, "Linux firewall log", "nflog", nflog),
    row(
        LinkType::PKTAP,
        "macOS packet tap",
        "pktap:pcap_pktdata",
        pktap,
    ),
    row(
        LinkType::LINUX_SLL2,
        "Linux cooked capture v2",
        "sll:ethertype",
        sll2,
    ),
];

const fn row(
    link: LinkType,
    name: &'static str,
    protocols: &'static str,
    begin: Begin,
) -> LinkLayer {
    LinkLayer {
        link,
        name,
        protocols,
        begin,
    }
}

/// The link layer with this number; `None` if it is not supported.
#[must_use]
pub fn link_layer(link: LinkType) -> Option<&'static LinkLayer> {
    let found = TABLE.binary_search_by_key(&link.0, |layer| layer.link.0);
    found.ok().map(|at| &TABLE[at])
}

/// Link types that are not supported, so that messages can name them.
static NOT_READ: [(u16, &str); 24] = [
    (6, "Token Ring"),
    (8, "SLIP"),
    (10, "FDDI"),
    (107, "Frame Relay"),
    (119, "Wi-Fi with a Prism header"),
    (143, "DOCSIS"),
    (147, "user-defined 0"),
    (163, "Wi-Fi with an AVS header"),
    (177, "Linux LAPD"),
    (187, "Bluetooth"),
    (189, "USB"),
    (192, "PPI"),
    (195, "IEEE 802.15.4"),
    (201, "Bluetooth"),
    (220, "USB"),
    (227, "CAN"),
    (230, "IEEE 802.15.4"),
    (242, "Infiniband"),
    (249, "USB"),
    (251, "Bluetooth Low Energy"),
    (253, "Linux netlink"),
    (254, "Bluetooth"),
    (271, "vsock"),
    (272, "Nordic BLE"),
];

/// A link type's name in messages; `None` if it has no entry here.
#[must_use]
pub fn link_type_name(link: LinkType) -> Option<&'static str> {
    let not_read = || {
        let mut known = NOT_READ.iter();
        known
            .find(|(number, _)| *number == link.0)
            .map(|(_, name)| *name)
    };
    link_layer(link).map(|layer| layer.name).or_else(not_read)
}

/// Finds the offset of the first IP header in a frame.
///
/// # Errors
///
/// Why there is no IP header: the link type is not supported, the frame carries something else, or a header is cut off
/// or malformed.
#[inline]
pub fn ip_start(link: LinkType, octets: &[u8]) -> Result<usize, Other> {
    match fast_path::ip_start(link, octets) {
        Some(start) => Ok(start),
        None => Ok(walk(link, octets, &mut |_| {})?.start),
    }
}

/// Finds the first IP header and the VLAN tags before it, and reports every header before it.
pub(super) fn walk(link: LinkType, octets: &[u8], trail: Trail<'_>) -> Result<IpPlace, Other> {
    let (mut link, mut at) = (link, 0);
    // A packet tap's frame contains a frame of another link layer, but not of another tap.
    for _ in 0..2 {
        let layer = link_layer(link).ok_or(Other::LinkType)?;
        let rest = octets.get(at..).unwrap_or_default();
        let (len, next) = (layer.begin)(rest)?;
        if len > rest.len() {
            return Err(CUT);
        }
        if len > 0 || !layer.protocols.is_empty() {
            trail(Passed {
                protocols: layer.protocols,
                name: layer.name,
                octets: at..at + len,
            });
        }
        at += len;
        match next {
            Next::Header(header) => return follow(header, octets, at, VlanTags::NONE, trail),
            Next::Frame(inner) => link = inner,
        }
    }
    Err(Other::NotIp)
}

/// Link types without a header of their own need a function of the table's type as well.
#[allow(clippy::unnecessary_wraps)]
fn ip(_: &[u8]) -> Begun {
    Ok((0, Behind(Header::Ip)))
}

#[allow(clippy::unnecessary_wraps)]
fn ethernet(_: &[u8]) -> Begun {
    Ok((0, Behind(Header::Ethernet)))
}

#[allow(clippy::unnecessary_wraps)]
fn mpls(_: &[u8]) -> Begun {
    Ok((0, Behind(Header::Mpls)))
}

#[allow(clippy::unnecessary_wraps)]
fn ppp(_: &[u8]) -> Begun {
    Ok((0, Behind(Header::PppOrHdlc)))
}

/// The first byte is the direction. In pppd's format it replaces the address.
fn ppp_with_direction(octets: &[u8]) -> Begun {
    const CONTROL: u8 = 0x03;
    let len = if byte_at(octets, 1)? == CONTROL { 2 } else { 1 };
    Ok((len, Behind(Header::Ppp)))
}

/// The address family is in the capturing host's byte order, which the file does not state, or for [`LinkType::LOOP`]
/// in network order. Families are small numbers, so both orders can be tried.
fn family(octets: &[u8]) -> Begun {
    const LEN: usize = 4;
    let header = *octets.first_chunk::<LEN>().ok_or(CUT)?;
    for family in [u32::from_le_bytes(header), u32::from_be_bytes(header)] {
        if is_ip(family) {
            return Ok((LEN, Behind(Header::Ip)));
        }
    }
    Err(Other::NotIp)
}

/// Whether an address family is IPv4 or IPv6.
fn is_ip(family: u32) -> bool {
    /// The same on every system.
    const AF_INET: u32 = 2;
    /// On NetBSD and OpenBSD, FreeBSD, Darwin, and Linux.
    const AF_INET6: [u32; 4] = [24, 28, 30, 10];
    family == AF_INET || AF_INET6.contains(&family)
}

/// What a Linux cooked header's protocol means: an Ethertype, or one of Linux's own numbers.
const fn cooked(protocol: u16) -> Next {
    const LLC: u16 = 4;
    Behind(match protocol {
        LLC => Header::Llc,
        kind => Header::Ethertype(kind),
    })
}

/// The protocol is at the end of the header.
fn sll(octets: &[u8]) -> Begun {
    const LEN: usize = 16;
    Ok((LEN, cooked(u16_at(octets, 14)?)))
}

/// The protocol is at the start of the header.
fn sll2(octets: &[u8]) -> Begun {
    const LEN: usize = 20;
    Ok((LEN, cooked(u16_at(octets, 0)?)))
}

/// Address family, SPI and flags, in the capturing host's byte order.
fn ipsec(octets: &[u8]) -> Begun {
    const LEN: usize = 12;
    family(octets).map(|_| (LEN, Behind(Header::Ip)))
}

/// The header begins with its length, to be rounded up to 4 bytes, and the address family.
fn pflog(octets: &[u8]) -> Begun {
    let len = usize::from(byte_at(octets, 0)?).next_multiple_of(4);
    if !is_ip(u32::from(byte_at(octets, 1)?)) {
        return Err(Other::NotIp);
    }
    Ok((len, Behind(Header::Ip)))
}

/// The address family, then values with length and type in the capturing host's byte order. The packet is the last
/// value.
fn nflog(octets: &[u8]) -> Begun {
    const LEN: usize = 4;
    const VALUE_HEADER: usize = 4;
    const PAYLOAD: u16 = 9;
    if !is_ip(u32::from(byte_at(octets, 0)?)) {
        return Err(Other::NotIp);
    }
    let mut at = LEN;
    loop {
        let header = octets.get(at..at + VALUE_HEADER).ok_or(CUT)?;
        let [low, high] = [header[0], header[1]].map(usize::from);
        let kind = [header[2], header[3]];
        if kind == PAYLOAD.to_le_bytes() || kind == PAYLOAD.to_be_bytes() {
            return Ok((at + VALUE_HEADER, Behind(Header::Ip)));
        }
        // Types are small numbers, so the position of the zero byte shows the byte order.
        let len = if header[2] == 0 && header[3] != 0 {
            low << 8 | high
        } else {
            high << 8 | low
        };
        if len < VALUE_HEADER {
            return Err(Other::Malformed(Layer::Link));
        }
        at += len.next_multiple_of(4);
    }
}

/// Darwin's tap of several interfaces: length of the header, 1 for a packet, and link type of the interface, in 4 bytes
/// each, little-endian on all of today's machines.
fn pktap(octets: &[u8]) -> Begun {
    const PACKET: u32 = 1;
    const LEAST: u32 = 12;
    let word = |at: usize| {
        let word = octets.get(at..at + 4).and_then(|word| word.try_into().ok());
        word.map(u32::from_le_bytes).ok_or(CUT)
    };
    let (len, kind, link) = (word(0)?, word(4)?, word(8)?);
    if len < LEAST {
        return Err(Other::Malformed(Layer::Link));
    }
    if kind != PACKET {
        return Err(Other::NotIp);
    }
    let inner = LinkType(u16::try_from(link).unwrap_or(u16::MAX));
    Ok((len as usize, Next::Frame(inner)))
}

fn radiotap(octets: &[u8]) -> Begun {
    let length = octets.get(2..4).ok_or(CUT)?;
    let len = usize::from(u16::from_le_bytes([length[0], length[1]]));
    let (header, next) = wifi(octets.get(len..).ok_or(CUT)?)?;
    Ok((len + header, next))
}

/// An unencrypted 802.11 data frame, with LLC before the packet.
fn wifi(octets: &[u8]) -> Begun {
    const DATA: u8 = 2;
    const QOS: u8 = 0b1000;
    const NO_DATA: u8 = 0b0100;
    const PROTECTED: u8 = 0x40;
    const HIGH_THROUGHPUT_CONTROL: u8 = 0x80;
    /// Length of a header with three addresses, in bytes.
    const FIXED: usize = 24;
    let [control, flags, ..] = *octets else {
        return Err(CUT);
    };
    let (kind, subtype) = ((control >> 2) & 0b11, control >> 4);
    if kind != DATA || subtype & NO_DATA != 0 || flags & PROTECTED != 0 {
        return Err(Other::NotIp);
    }
    let four_addresses = flags & 0b11 == 0b11;
    let mut len = FIXED + if four_addresses { 6 } else { 0 };
    if subtype & QOS != 0 {
        len += 2;
        if flags & HIGH_THROUGHPUT_CONTROL != 0 {
            len += 4;
        }
    }
    Ok((len, Behind(Header::Llc)))
}

#[cfg(test)]
mod tests;
