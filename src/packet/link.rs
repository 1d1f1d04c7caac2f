//! The link layer: where the IP packet starts in a frame.

use etherparse::{EtherType, Ethernet2Slice, SingleVlanSlice};

use super::{Layer, Other};
use crate::capture::LinkType;

/// Octets of the address family in front of NULL and LOOP frames.
const FAMILY_LEN: usize = 4;
/// Octets of a Linux cooked header v1 (LINKTYPE_LINUX_SLL); the protocol stands last in it.
const SLL_LEN: usize = 16;
/// Octets of a Linux cooked header v2 (`LINKTYPE_LINUX_SLL2`); the protocol stands first in it.
const SLL2_LEN: usize = 20;
/// Octets of the fixed part of an 802.11 data header with three addresses.
const WIFI_LEN: usize = 24;
/// Octets of an LLC header with a SNAP extension, of which the last two are the Ethertype.
const SNAP_LEN: usize = 8;
/// The first six octets of such a header for an encapsulated Ethertype (RFC 1042).
const SNAP_PREFIX: [u8; 6] = [0xaa, 0xaa, 0x03, 0, 0, 0];
/// VLAN tags that are looked behind at the most.
const MAX_VLANS: usize = 4;

/// `AF_INET` on every system.
const AF_INET: u32 = 2;
/// `AF_INET6` on NetBSD and OpenBSD, FreeBSD, Darwin and Linux.
const AF_INET6: [u32; 4] = [24, 28, 30, 10];

const CUT: Other = Other::Cut(Layer::Link);

/// Finds the offset of the IP header in a frame.
pub fn ip_start(link: LinkType, octets: &[u8]) -> Result<usize, Other> {
    match link {
        LinkType::RAW
        | LinkType::RAW_BSD
        | LinkType::RAW_OPENBSD
        | LinkType::IPV4
        | LinkType::IPV6 => Ok(0),
        LinkType::NULL | LinkType::LOOP => family(octets),
        LinkType::ETHERNET => {
            let ethernet = Ethernet2Slice::from_slice_without_fcs(octets).map_err(|_| CUT)?;
            ethertype(octets, ethernet.header_slice().len(), ethernet.ether_type())
        }
        LinkType::LINUX_SLL => {
            // etherparse refuses ARP hardware types it does not know, loopback's among them.
            let header = octets.get(..SLL_LEN).ok_or(CUT)?;
            let protocol = u16::from_be_bytes([header[14], header[15]]);
            ethertype(octets, SLL_LEN, EtherType(protocol))
        }
        LinkType::LINUX_SLL2 => {
            let header = octets.get(..SLL2_LEN).ok_or(CUT)?;
            let protocol = u16::from_be_bytes([header[0], header[1]]);
            ethertype(octets, SLL2_LEN, EtherType(protocol))
        }
        LinkType::IEEE802_11 => wifi(octets, 0),
        LinkType::IEEE802_11_RADIOTAP => {
            let length = octets.get(2..4).ok_or(CUT)?;
            wifi(
                octets,
                usize::from(u16::from_le_bytes([length[0], length[1]])),
            )
        }
        _ => Err(Other::LinkType),
    }
}

/// NULL has the family in the capturing host's byte order, which the file does not tell, and
/// LOOP in network order: the small numbers are plain in either order.
fn family(octets: &[u8]) -> Result<usize, Other> {
    let header: [u8; FAMILY_LEN] = octets
        .get(..FAMILY_LEN)
        .and_then(|header| header.try_into().ok())
        .ok_or(CUT)?;
    for family in [u32::from_le_bytes(header), u32::from_be_bytes(header)] {
        if family == AF_INET || AF_INET6.contains(&family) {
            return Ok(FAMILY_LEN);
        }
    }
    Err(Other::NotIp)
}

/// Follows VLAN tags from the octet after an Ethertype.
fn ethertype(octets: &[u8], mut at: usize, mut kind: EtherType) -> Result<usize, Other> {
    for _ in 0..=MAX_VLANS {
        match kind {
            EtherType::IPV4 | EtherType::IPV6 => return Ok(at),
            EtherType::VLAN_TAGGED_FRAME
            | EtherType::PROVIDER_BRIDGING
            | EtherType::VLAN_DOUBLE_TAGGED_FRAME => {
                let tag = SingleVlanSlice::from_slice(octets.get(at..).unwrap_or_default())
                    .map_err(|_| CUT)?;
                kind = tag.ether_type();
                at += tag.header_slice().len();
            }
            _ => break,
        }
    }
    Err(Other::NotIp)
}

/// An 802.11 data frame that is not encrypted, with LLC and SNAP in front of the packet.
fn wifi(octets: &[u8], start: usize) -> Result<usize, Other> {
    const DATA: u8 = 2;
    const QOS: u8 = 0b1000;
    const NO_DATA: u8 = 0b0100;
    const PROTECTED: u8 = 0x40;
    const HIGH_THROUGHPUT_CONTROL: u8 = 0x80;
    let header = octets.get(start..).unwrap_or_default();
    let [control, flags, ..] = *header else {
        return Err(CUT);
    };
    let (kind, subtype) = ((control >> 2) & 0b11, control >> 4);
    if kind != DATA || subtype & NO_DATA != 0 || flags & PROTECTED != 0 {
        return Err(Other::NotIp);
    }
    let four_addresses = flags & 0b11 == 0b11;
    let mut at = start + WIFI_LEN + if four_addresses { 6 } else { 0 };
    if subtype & QOS != 0 {
        at += 2;
        if flags & HIGH_THROUGHPUT_CONTROL != 0 {
            at += 4;
        }
    }
    let snap = octets.get(at..at + SNAP_LEN).ok_or(CUT)?;
    if snap[..6] != SNAP_PREFIX {
        return Err(Other::NotIp);
    }
    let kind = EtherType(u16::from_be_bytes([snap[6], snap[7]]));
    ethertype(octets, at + SNAP_LEN, kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_is_read_in_both_byte_orders_and_with_every_af_inet6() {
        for family in [2u32, 24, 28, 30, 10] {
            assert_eq!(ip_start(LinkType::NULL, &family.to_le_bytes()), Ok(4));
            assert_eq!(ip_start(LinkType::LOOP, &family.to_be_bytes()), Ok(4));
        }
        assert_eq!(
            ip_start(LinkType::NULL, &7u32.to_le_bytes()),
            Err(Other::NotIp)
        );
    }

    #[test]
    fn vlan_tags_are_followed() {
        let mut octets = vec![0; 12];
        octets.extend([0x88, 0xa8, 0, 1, 0x81, 0, 0, 2, 0x08, 0]);
        assert_eq!(ip_start(LinkType::ETHERNET, &octets), Ok(22));
        assert_eq!(ip_start(LinkType::ETHERNET, &octets[..17]), Err(CUT));
    }

    #[test]
    fn cooked_headers_name_the_protocol() {
        let mut v1 = vec![0; 16];
        v1[14] = 0x08;
        assert_eq!(ip_start(LinkType::LINUX_SLL, &v1), Ok(16));
        let mut v2 = vec![0; 20];
        v2[..2].copy_from_slice(&[0x86, 0xdd]);
        assert_eq!(ip_start(LinkType::LINUX_SLL2, &v2), Ok(20));
    }

    #[test]
    fn a_wifi_data_frame_has_its_packet_behind_snap() {
        let mut octets = vec![0x08, 0x01];
        octets.resize(24, 0);
        octets.extend([0xaa, 0xaa, 3, 0, 0, 0, 0x08, 0]);
        assert_eq!(ip_start(LinkType::IEEE802_11, &octets), Ok(32));
        octets[1] |= 0x40;
        assert_eq!(ip_start(LinkType::IEEE802_11, &octets), Err(Other::NotIp));
    }
}
