//! Generates the headers that providers, tunnels and taps add between a link layer and IP.

use std::net::IpAddr;

use etherparse::{IpNumber, Ipv4Header, Ipv6FlowLabel, Ipv6Header};

/// A header around its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shell {
    /// Ethernet II.
    Ethernet,
    /// IEEE 802.3 with a length instead of a type.
    Ieee8023,
    /// LLC and SNAP with an Ethertype.
    Snap,
    /// LLC with IP's service access point.
    LlcIp,
    /// An 802.1Q tag with this VLAN number, followed by an Ethertype or, for LLC, a length.
    Vlan(u16),
    /// PPP, with or without address and control, and with or without the protocol's leading zero.
    Ppp {
        /// Whether address and control are present.
        address: bool,
        /// Whether the protocol's leading zero is omitted.
        compressed: bool,
    },
    /// Cisco HDLC.
    CiscoHdlc,
    /// A PPPoE session.
    Pppoe,
    /// MPLS labels, outermost first.
    Mpls(Vec<u32>),
    /// The control word of a pseudowire.
    ControlWord,
    /// Darwin's packet tap of an interface with this link type.
    Pktap(u32),
    /// BSD loopback of a little-endian host.
    Null,
    /// IP, between these addresses.
    Ip(IpAddr, IpAddr),
    /// GRE with these flags and optional fields.
    Gre {
        /// Flags and version.
        flags: u16,
        /// Bytes of the optional fields.
        fields: Vec<u8>,
    },
    /// A UDP datagram to this port.
    Udp(u16),
    /// VXLAN.
    Vxlan,
    /// Geneve with these options, a multiple of 4 bytes.
    Geneve(Vec<u8>),
    /// GTP-U, with these bytes after its fixed header.
    GtpU(Vec<u8>),
    /// A data message of L2TP.
    L2tp,
    /// EtherIP.
    EtherIp,
}

/// The numbers that identify a content in the header around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Carried {
    ethertype: u16,
    ip_protocol: u8,
    ppp: u16,
}

const LLC: u16 = 0;
const STATIONS: [u8; 12] = [2, 0x5a, 0x17, 0x43, 0x91, 2, 2, 0x5a, 0x17, 0x43, 0x91, 1];

const fn carried(ethertype: u16, ip_protocol: u8, ppp: u16) -> Carried {
    Carried {
        ethertype,
        ip_protocol,
        ppp,
    }
}

const fn ip(version: u8) -> Carried {
    match version {
        6 => carried(0x86dd, 41, 0x0057),
        _ => carried(0x0800, 4, 0x0021),
    }
}

/// The IP packet `packet` in `shells`, of which the first is the outermost.
#[must_use]
pub fn in_shells(shells: &[Shell], packet: &[u8]) -> Vec<u8> {
    let mut carried = ip(packet.first().map_or(4, |octet| octet >> 4));
    let mut octets = packet.to_vec();
    for shell in shells.iter().rev() {
        octets = wrap(shell, &octets, carried);
        carried = carried_as(shell, carried);
    }
    octets
}

fn wrap(shell: &Shell, inner: &[u8], carried: Carried) -> Vec<u8> {
    let length = (inner.len() as u16).to_be_bytes();
    let ethertype = carried.ethertype.to_be_bytes();
    let kind = match carried.ethertype {
        LLC => length,
        _ => ethertype,
    };
    let header = match shell {
        Shell::Ethernet => [&STATIONS[..], &kind].concat(),
        Shell::Ieee8023 => [&STATIONS[..], &length].concat(),
        Shell::Snap => [&[0xaa, 0xaa, 3, 0, 0, 0][..], &kind].concat(),
        Shell::LlcIp => vec![6, 6, 3],
        Shell::Vlan(number) => [&number.to_be_bytes()[..], &kind].concat(),
        Shell::Ppp {
            address,
            compressed,
        } => {
            let mut header = if *address { vec![0xff, 3] } else { Vec::new() };
            let [high, low] = carried.ppp.to_be_bytes();
            header.extend((!*compressed || high != 0).then_some(high));
            header.push(low);
            header
        }
        Shell::CiscoHdlc => [&[0x0f, 0][..], &kind].concat(),
        Shell::Pppoe => [&[0x11, 0, 0, 7][..], &length].concat(),
        Shell::Mpls(labels) => {
            let label = |(index, label): (usize, &u32)| {
                let bottom = u32::from(index + 1 == labels.len());
                (label << 12 | bottom << 8 | 64).to_be_bytes()
            };
            labels.iter().enumerate().flat_map(label).collect()
        }
        Shell::ControlWord => vec![0; 4],
        Shell::Pktap(link) => {
            let mut header = vec![0; 108];
            header[..4].copy_from_slice(&108_u32.to_le_bytes());
            header[4] = 1;
            header[8..12].copy_from_slice(&link.to_le_bytes());
            header[12..15].copy_from_slice(b"en0");
            header
        }
        Shell::Null => {
            let family: u32 = if carried.ethertype == 0x86dd { 30 } else { 2 };
            family.to_le_bytes().to_vec()
        }
        Shell::Ip(IpAddr::V6(from), IpAddr::V6(to)) => Ipv6Header {
            traffic_class: 0,
            flow_label: Ipv6FlowLabel::ZERO,
            payload_length: inner.len() as u16,
            next_header: IpNumber(carried.ip_protocol),
            hop_limit: 64,
            source: from.octets(),
            destination: to.octets(),
        }
        .to_bytes()
        .to_vec(),
        Shell::Ip(IpAddr::V4(from), IpAddr::V4(to)) => {
            let mut header = Ipv4Header {
                total_len: (Ipv4Header::MIN_LEN + inner.len()) as u16,
                time_to_live: 64,
                protocol: IpNumber(carried.ip_protocol),
                source: from.octets(),
                destination: to.octets(),
                ..Ipv4Header::default()
            };
            header.header_checksum = header.calc_header_checksum();
            header.to_bytes().to_vec()
        }
        // Not possible: the addresses are of different versions.
        Shell::Ip(..) => Vec::new(),
        Shell::Gre { flags, fields } => [&flags.to_be_bytes()[..], &ethertype, fields].concat(),
        Shell::Udp(port) => {
            let length = (inner.len() as u16 + 8).to_be_bytes();
            // Without a checksum, as tunnels may send it.
            [&[0xc0, 0][..], &port.to_be_bytes(), &length, &[0, 0]].concat()
        }
        Shell::Vxlan => vec![8, 0, 0, 0, 0, 0, 42, 0],
        Shell::Geneve(options) => {
            let words = (options.len() / 4) as u8;
            [&[words, 0][..], &ethertype, &[0, 0, 42, 0], options].concat()
        }
        Shell::GtpU(behind) => {
            let flags = if behind.is_empty() { 0x30 } else { 0x34 };
            let length = ((inner.len() + behind.len()) as u16).to_be_bytes();
            [&[flags, 0xff][..], &length, &[0, 0, 0, 9], behind].concat()
        }
        Shell::L2tp => vec![0, 2, 0, 1, 0, 2],
        Shell::EtherIp => vec![0x30, 0],
    };
    [&header[..], inner].concat()
}

/// The numbers that identify `shell` in the header around it. A shell without a number of its own keeps those of its
/// content.
fn carried_as(shell: &Shell, inner: Carried) -> Carried {
    let ethertype = |ethertype| Carried { ethertype, ..inner };
    let protocol = |ip_protocol| Carried {
        ip_protocol,
        ..inner
    };
    match shell {
        Shell::Ethernet | Shell::Ieee8023 => ethertype(0x6558),
        Shell::Snap | Shell::LlcIp => ethertype(LLC),
        Shell::Vlan(_) => ethertype(0x8100),
        Shell::Ppp { .. } => ethertype(0x880b),
        Shell::Pppoe => ethertype(0x8864),
        Shell::Mpls(_) => carried(0x8847, 137, 0x0281),
        Shell::Ip(IpAddr::V6(_), IpAddr::V6(_)) => ip(6),
        Shell::Ip(IpAddr::V4(_), IpAddr::V4(_)) => ip(4),
        Shell::Gre { .. } => protocol(47),
        Shell::Udp(_) => protocol(17),
        Shell::EtherIp => protocol(97),
        _ => inner,
    }
}
