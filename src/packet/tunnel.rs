//! Tunnels: IP packets that carry another packet, decoded as tshark does.
//!
//! IP in IP and 6in4, GRE, EtherIP, MPLS in IP; and over UDP, by port: VXLAN, Geneve, GTP-U, L2TP and MPLS.

use super::encapsulation::{Header, IpPlace, Passed, Trail, byte_at, follow, u16_at};
use super::ip::Ip;
use super::{Layer, Other};

/// IP protocol numbers (IANA registry "Protocol Numbers").
pub(super) mod protocol {
    pub const IPV4: u8 = 4;
    pub const TCP: u8 = 6;
    pub const UDP: u8 = 17;
    pub const IPV6: u8 = 41;
    pub const GRE: u8 = 47;
    pub const ETHERIP: u8 = 97;
    pub const MPLS: u8 = 137;
}

/// UDP ports of tunnels (IANA registry "Service Name and Transport Protocol Port Number"), and length of a UDP header
/// in bytes.
mod udp {
    pub const LEN: usize = 8;
    pub const L2TP: u16 = 1701;
    pub const GTP_U: u16 = 2152;
    pub const VXLAN: u16 = 4789;
    pub const VXLAN_GPE: u16 = 4790;
    pub const GENEVE: u16 = 6081;
    pub const MPLS: u16 = 6635;
}

const CUT: Other = Other::Cut(Layer::Link);

/// A tunnel's own header: its names in `frame.protocols` and in messages, its length in bytes, what follows.
type Tunnel = ((&'static str, &'static str), usize, Header);

/// Whether a packet of this IP protocol can be a tunnel's.
pub(super) const fn is_carrier(number: u8) -> bool {
    matches!(
        number,
        protocol::IPV4
            | protocol::UDP
            | protocol::IPV6
            | protocol::GRE
            | protocol::ETHERIP
            | protocol::MPLS
    )
}

/// Finds the IP header inside the packet `ip`. `octets` are the bytes that `ip` was read from. `None` if it is no
/// tunnel, or has no IP inside.
pub(super) fn inner(ip: &Ip, octets: &[u8], trail: Trail<'_>) -> Option<IpPlace> {
    let start = ip.payload_start as usize;
    let (names, len, next) = header(ip, ip.payload(octets)).ok()?;
    if len > 0 {
        trail(Passed {
            protocols: names.0,
            name: names.1,
            octets: start..start + len,
        });
    }
    follow(next, octets, start + len, ip.tags, trail).ok()
}

fn header(ip: &Ip, payload: &[u8]) -> Result<Tunnel, Other> {
    match ip.protocol {
        protocol::IPV4 | protocol::IPV6 => Ok((("", ""), 0, Header::Ip)),
        protocol::GRE => gre(payload),
        protocol::ETHERIP => Ok((("etherip", "EtherIP"), 2, Header::Ethernet)),
        protocol::MPLS => Ok((("", ""), 0, Header::Mpls)),
        protocol::UDP => over_udp(payload),
        _ => Err(Other::NotIp),
    }
}

/// Generic routing encapsulation (RFC 2784, RFC 2890, routing of RFC 1701, version 1 of RFC 2637).
fn gre(octets: &[u8]) -> Result<Tunnel, Other> {
    const CHECKSUM: u16 = 0x8000;
    const ROUTING: u16 = 0x4000;
    const KEY: u16 = 0x2000;
    const SEQUENCE: u16 = 0x1000;
    const ACKNOWLEDGEMENT: u16 = 0x0080;
    const VERSION: u16 = 0x0007;
    const WCCP: u16 = 0x883e;
    const ERSPAN: u16 = 0x88be;
    const ERSPAN_III: u16 = 0x22eb;
    let name = ("gre", "GRE");
    let flags = u16_at(octets, 0)?;
    let kind = u16_at(octets, 2)?;
    let mut len = 4;
    for flag in [CHECKSUM | ROUTING, KEY, SEQUENCE] {
        len += if flags & flag != 0 { 4 } else { 0 };
    }
    match flags & VERSION {
        0 if flags & ROUTING != 0 => {
            // Entries of address family, offset and length, up to an empty one.
            loop {
                let (family, octets_of_entry) = (u16_at(octets, len)?, byte_at(octets, len + 3)?);
                len += 4 + usize::from(octets_of_entry);
                if family == 0 && octets_of_entry == 0 {
                    break;
                }
            }
        }
        0 => {}
        1 => len += if flags & ACKNOWLEDGEMENT != 0 { 4 } else { 0 },
        _ => return Err(Other::NotIp),
    }
    match kind {
        // WCCP version 2 has a header of its own, whose start cannot be that of an IPv4 packet.
        WCCP if byte_at(octets, len)? >> 4 == 4 => Ok((name, len, Header::Ip)),
        WCCP => Ok((name, len + 4, Header::Ip)),
        ERSPAN if flags & SEQUENCE == 0 => Ok((("gre:erspan", "ERSPAN"), len, Header::Ethernet)),
        ERSPAN => Ok((("gre:erspan", "ERSPAN"), len + 8, Header::Ethernet)),
        ERSPAN_III => {
            const OPTIONAL: u8 = 0x01;
            let has_more = byte_at(octets, len + 11)? & OPTIONAL != 0;
            let header = if has_more { 20 } else { 12 };
            Ok((("gre:erspan", "ERSPAN"), len + header, Header::Ethernet))
        }
        kind => Ok((name, len, Header::Ethertype(kind))),
    }
}

/// Whether a tunnel can be found by this UDP port.
pub(super) const fn is_port(port: u16) -> bool {
    matches!(
        port,
        udp::L2TP | udp::GTP_U | udp::VXLAN | udp::VXLAN_GPE | udp::GENEVE | udp::MPLS
    )
}

/// Finds the tunnel by port. If both ports are known, the lower one counts, as in Wireshark.
fn over_udp(octets: &[u8]) -> Result<Tunnel, Other> {
    let mut ports = [u16_at(octets, 0)?, u16_at(octets, 2)?];
    ports.sort_unstable();
    let payload = octets.get(udp::LEN..).ok_or(CUT)?;
    for port in ports {
        let (names, len, next) = match port {
            udp::L2TP => l2tp(payload)?,
            udp::GTP_U => gtp_u(payload)?,
            udp::VXLAN => (("udp:vxlan", "VXLAN"), 8, Header::Ethernet),
            udp::VXLAN_GPE => vxlan_gpe(payload)?,
            udp::GENEVE => geneve(payload)?,
            udp::MPLS => (("udp", "UDP"), 0, Header::Mpls),
            _ => continue,
        };
        return Ok((names, udp::LEN + len, next));
    }
    Err(Other::NotIp)
}

/// The generic protocol extension of VXLAN, which names the protocol of its content.
fn vxlan_gpe(octets: &[u8]) -> Result<Tunnel, Other> {
    const LEN: usize = 8;
    let next = match byte_at(octets, 3)? {
        1 | 2 => Header::Ip,
        3 => Header::Ethernet,
        5 => Header::Mpls,
        _ => return Err(Other::NotIp),
    };
    Ok((("udp:vxlan", "VXLAN-GPE"), LEN, next))
}

/// Geneve (RFC 8926 section 3.4).
fn geneve(octets: &[u8]) -> Result<Tunnel, Other> {
    const LEN: usize = 8;
    let first = byte_at(octets, 0)?;
    if first >> 6 != 0 {
        return Err(Other::NotIp);
    }
    let options = usize::from(first & 0x3f) * 4;
    let kind = u16_at(octets, 2)?;
    let names = ("udp:geneve", "Geneve");
    Ok((names, LEN + options, Header::Ethertype(kind)))
}

/// The user plane of the GPRS tunnelling protocol, version 1 (3GPP TS 29.281 section 5).
fn gtp_u(octets: &[u8]) -> Result<Tunnel, Other> {
    const LEN: usize = 8;
    /// Version 1, protocol type GTP.
    const VERSION: u8 = 0x30;
    /// Extension header, sequence number, N-PDU number: if any is present, all three fields are.
    const OPTIONAL: u8 = 0x07;
    const EXTENSION: u8 = 0x04;
    /// Message type of a user's packet.
    const G_PDU: u8 = 0xff;
    let flags = byte_at(octets, 0)?;
    if flags & 0xf0 != VERSION || byte_at(octets, 1)? != G_PDU {
        return Err(Other::NotIp);
    }
    let mut len = LEN;
    if flags & OPTIONAL != 0 {
        len += 4;
        let mut next = byte_at(octets, len - 1)?;
        while flags & EXTENSION != 0 && next != 0 {
            let words = usize::from(byte_at(octets, len)?);
            if words == 0 {
                return Err(Other::NotIp);
            }
            len += words * 4;
            next = byte_at(octets, len - 1)?;
        }
    }
    // The header does not name the content: it is IP, otherwise PPP.
    let next = match byte_at(octets, len)? {
        0x45..=0x4e | 0x60..=0x6f => Header::Ip,
        _ => Header::Ppp,
    };
    Ok((("udp:gtp", "GTP-U"), len, next))
}

/// A data message of L2TP version 2 (RFC 2661 section 3.1).
fn l2tp(octets: &[u8]) -> Result<Tunnel, Other> {
    const CONTROL: u16 = 0x8000;
    const LENGTH: u16 = 0x4000;
    const SEQUENCE: u16 = 0x0800;
    const OFFSET: u16 = 0x0200;
    const VERSION: u16 = 0x000f;
    let flags = u16_at(octets, 0)?;
    if flags & CONTROL != 0 || flags & VERSION != 2 {
        return Err(Other::NotIp);
    }
    let mut len = 6;
    len += if flags & LENGTH != 0 { 2 } else { 0 };
    len += if flags & SEQUENCE != 0 { 4 } else { 0 };
    if flags & OFFSET != 0 {
        len += 2 + usize::from(u16_at(octets, len)?);
    }
    Ok((("udp:l2tp", "L2TP"), len, Header::Ppp))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(protocol: u8, payload: &[u8]) -> Option<usize> {
        let ip = Ip::of_payload(protocol, payload.len());
        inner(&ip, payload, &mut |_| {}).map(|place| place.start)
    }

    /// A UDP header to this port before `payload`.
    fn udp(port: u16, payload: &[u8]) -> Vec<u8> {
        let mut octets = vec![0xc0, 0];
        octets.extend(port.to_be_bytes());
        octets.extend([0; 4]);
        octets.extend(payload);
        octets
    }

    #[test]
    fn gre_has_optional_fields_and_several_contents() {
        assert_eq!(found(47, &[0, 0, 8, 0]), Some(4));
        let mut all = vec![0xb0, 0, 0x86, 0xdd];
        all.resize(16, 0);
        assert_eq!(found(47, &all), Some(16));
        // PPTP: key, sequence and acknowledgement, then PPP.
        let mut pptp = vec![0x30, 0x81, 0x88, 0x0b];
        pptp.resize(16, 0);
        pptp.extend([0xff, 3, 0, 0x21]);
        assert_eq!(found(47, &pptp), Some(20));
        // A whole Ethernet frame.
        let mut frame = vec![0, 0, 0x65, 0x58];
        frame.resize(16, 0);
        frame.extend([8, 0]);
        assert_eq!(found(47, &frame), Some(18));
        // A keep-alive carries nothing; an unknown version is not decoded.
        assert_eq!(found(47, &[0, 0, 0, 0]), None);
        assert_eq!(found(47, &[0, 2, 8, 0]), None);
    }

    #[test]
    fn tunnels_over_udp_are_found_by_port() {
        let mut ethernet = vec![0x08, 0, 0, 0, 0, 0, 7, 0];
        ethernet.resize(20, 0);
        ethernet.extend([8, 0]);
        assert_eq!(found(17, &udp(4789, &ethernet)), Some(30));
        assert_eq!(found(17, &udp(4788, &ethernet)), None);
        let geneve = [1, 0, 8, 0, 0, 0, 7, 0, 1, 2, 3, 4];
        assert_eq!(found(17, &udp(6081, &geneve)), Some(20));
        let gtp = [0x30, 0xff, 0, 1, 0, 0, 0, 9, 0x45];
        assert_eq!(found(17, &udp(2152, &gtp)), Some(16));
        let extended = [
            0x34, 0xff, 0, 9, 0, 0, 0, 9, 0, 0, 0, 0x85, 1, 0, 9, 0, 0x60,
        ];
        assert_eq!(found(17, &udp(2152, &extended)), Some(24));
        // An echo request carries no packet.
        assert_eq!(
            found(17, &udp(2152, &[0x30, 1, 0, 1, 0, 0, 0, 9, 0x45])),
            None
        );
        let l2tp = [0x40, 2, 0, 9, 0, 1, 0, 2, 0xff, 3, 0, 0x21];
        assert_eq!(found(17, &udp(1701, &l2tp)), Some(20));
    }

    #[test]
    fn no_prefix_of_a_tunnel_panics() {
        for octets in [
            udp(
                2152,
                &[0x34, 0xff, 0, 9, 0, 0, 0, 9, 0, 0, 0, 0x85, 1, 0, 9, 0],
            ),
            udp(6081, &[0x3f, 0, 8, 0, 0, 0, 7, 0]),
            vec![
                0xff, 0xff, 0x22, 0xeb, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 1,
            ],
        ] {
            for protocol in [4, 17, 41, 47, 97, 137] {
                for end in 0..=octets.len() {
                    let _ = found(protocol, &octets[..end]);
                }
            }
        }
    }
}
