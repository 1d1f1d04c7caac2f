//! Generates link layer headers before IP packets.

use super::shell::{Shell, in_shells};
use crate::capture::LinkType;

/// Byte order of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ByteOrder {
    /// Least significant first.
    Little,
    /// Most significant first.
    Big,
}

impl ByteOrder {
    /// Encodes two bytes.
    #[must_use]
    pub const fn u16(self, value: u16) -> [u8; 2] {
        match self {
            Self::Little => value.to_le_bytes(),
            Self::Big => value.to_be_bytes(),
        }
    }

    /// Encodes four bytes.
    #[must_use]
    pub const fn u32(self, value: u32) -> [u8; 4] {
        match self {
            Self::Little => value.to_le_bytes(),
            Self::Big => value.to_be_bytes(),
        }
    }

    /// Encodes four bytes for each value.
    pub(super) fn u32s(self, values: &[u32]) -> Vec<u8> {
        values.iter().flat_map(|value| self.u32(*value)).collect()
    }

    /// Encodes eight bytes.
    #[must_use]
    pub const fn u64(self, value: u64) -> [u8; 8] {
        match self {
            Self::Little => value.to_le_bytes(),
            Self::Big => value.to_be_bytes(),
        }
    }
}

/// A link layer that can carry IP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Link {
    /// BSD loopback: the address family in the capturing host's byte order. The number of IPv6 is 24 on NetBSD and
    /// OpenBSD and with Npcap on Windows, 28 on FreeBSD, 30 on macOS.
    Null {
        /// The capturing host's byte order.
        order: ByteOrder,
        /// That host's number for IPv6.
        ipv6: u32,
    },
    /// OpenBSD loopback: like [`Link::Null`], but always big-endian, and IPv6 is 24.
    Loop,
    /// Ethernet II with any number of VLAN tags, outermost first. Each has a tag protocol (0x8100 for 802.1Q, 0x88a8
    /// for an 802.1ad service tag) and a VLAN number.
    Ethernet {
        /// Tag protocol and VLAN number of each tag.
        tags: Vec<(u16, u16)>,
        /// Length in bytes to which the frame is padded with zeros; 60 on real Ethernet.
        minimum: usize,
    },
    /// Linux cooked capture v1 of a loopback device.
    LinuxSll,
    /// Linux cooked capture v2 of a loopback device.
    LinuxSll2,
    /// IPv4 or IPv6 without a link layer header, with any of the link types for this.
    Raw(LinkType),
    /// An 802.11 data frame to the access point with LLC and SNAP, with or without a radiotap header.
    Wifi {
        /// Whether a radiotap header of 8 bytes comes first.
        radiotap: bool,
    },
    /// Any headers around the packet, outermost first, with this link type.
    Shells(LinkType, Vec<Shell>),
}

const ETHERTYPE_IPV4: u16 = 0x0800;
const ETHERTYPE_IPV6: u16 = 0x86dd;
const AF_INET: u32 = 2;
const AF_INET6_BSD: u32 = 24;
/// Locally administered addresses.
const STATION: [u8; 6] = [0x02, 0, 0, 0, 0, 1];
const OTHER_STATION: [u8; 6] = [0x02, 0, 0, 0, 0, 2];
/// Linux's `ARPHRD_LOOPBACK`.
const HARDWARE_LOOPBACK: u16 = 772;

impl Link {
    /// Plain Ethernet without padding, as the sender's own capture has it.
    pub const ETHERNET: Self = Self::Ethernet {
        tags: Vec::new(),
        minimum: 0,
    };

    /// The link type in capture files.
    #[must_use]
    pub const fn link_type(&self) -> LinkType {
        match self {
            Self::Null { .. } => LinkType::NULL,
            Self::Loop => LinkType::LOOP,
            Self::Ethernet { .. } => LinkType::ETHERNET,
            Self::LinuxSll => LinkType::LINUX_SLL,
            Self::LinuxSll2 => LinkType::LINUX_SLL2,
            Self::Raw(link) | Self::Shells(link, _) => *link,
            Self::Wifi { radiotap: false } => LinkType::IEEE802_11,
            Self::Wifi { radiotap: true } => LinkType::IEEE802_11_RADIOTAP,
        }
    }

    /// The frame that carries `packet`.
    #[must_use]
    pub fn wrap(&self, packet: &[u8]) -> Vec<u8> {
        if let Self::Shells(_, shells) = self {
            return in_shells(shells, packet);
        }
        let is_ipv6 = packet.first().is_some_and(|octet| octet >> 4 == 6);
        let ethertype = if is_ipv6 {
            ETHERTYPE_IPV6
        } else {
            ETHERTYPE_IPV4
        }
        .to_be_bytes();
        let mut frame = Vec::with_capacity(packet.len() + 32);
        let mut put = |octets: &[u8]| frame.extend_from_slice(octets);
        match self {
            Self::Null { order, ipv6 } => {
                put(&order.u32(if is_ipv6 { *ipv6 } else { AF_INET }));
            }
            Self::Loop => {
                let family = if is_ipv6 { AF_INET6_BSD } else { AF_INET };
                put(&family.to_be_bytes());
            }
            Self::Ethernet { tags, .. } => {
                put(&OTHER_STATION);
                put(&STATION);
                for (protocol, number) in tags {
                    put(&protocol.to_be_bytes());
                    put(&number.to_be_bytes());
                }
                put(&ethertype);
            }
            Self::LinuxSll => {
                put(&0_u16.to_be_bytes()); // to this host
                put(&HARDWARE_LOOPBACK.to_be_bytes());
                put(&6_u16.to_be_bytes()); // bytes of the address
                put(&[0; 8]);
                put(&ethertype);
            }
            Self::LinuxSll2 => {
                put(&ethertype);
                put(&[0, 0]); // reserved
                put(&1_u32.to_be_bytes()); // interface
                put(&HARDWARE_LOOPBACK.to_be_bytes());
                put(&[0, 6]); // to this host; bytes of the address
                put(&[0; 8]);
            }
            Self::Raw(_) | Self::Shells(..) => {}
            Self::Wifi { radiotap } => {
                if *radiotap {
                    put(&[0, 0, 8, 0, 0, 0, 0, 0]); // version, length 8, no fields
                }
                put(&[0x08, 0x01, 0, 0]); // data frame to the access point
                put(&OTHER_STATION);
                put(&STATION);
                put(&OTHER_STATION);
                put(&[0, 0]); // sequence control
                put(&[0xaa, 0xaa, 0x03, 0, 0, 0]); // LLC and SNAP
                put(&ethertype);
            }
        }
        frame.extend_from_slice(packet);
        if let Self::Ethernet { minimum, .. } = self {
            frame.resize(frame.len().max(*minimum), 0);
        }
        frame
    }
}
