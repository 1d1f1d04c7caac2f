//! The PROXY protocol header, versions 1 and 2, in which a proxy names its client before forwarding the client's bytes
//! (haproxy's `proxy-protocol.txt`).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::packet::Endpoint;

/// Start of a version 1 header.
pub const PROXY_V1_START: &[u8] = b"PROXY ";
/// Greatest length of a version 1 header in bytes, line break included.
pub const PROXY_V1_MAX_LEN: usize = 107;
/// Start of a version 2 header.
pub const PROXY_V2_START: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
/// Length in bytes of a version 2 header before the addresses: start, version and command, address family, length of
/// the rest.
pub const PROXY_V2_HEADER_LEN: usize = 16;
/// The version in a header of version 2.
pub const PROXY_V2_VERSION: u8 = 2;
/// The command of a proxied connection. Command 0 (LOCAL) is the proxy's own connection.
pub const PROXY_V2_FOR_CLIENT: u8 = 1;
/// Address families, and the length of an address in bytes.
pub const PROXY_V2_WIDTHS: [(u8, usize); 2] = [(1, 4), (2, 16)];
/// Length in bytes of the two ports after the two addresses.
pub const PROXY_V2_PORTS: usize = 4;

/// A decoded PROXY protocol header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProxyHeader {
    /// 1 or 2.
    pub version: u8,
    /// Length of the header in bytes.
    pub len: usize,
    /// Address and port of the proxy's client; `None` if the header does not name it.
    pub client: Option<Endpoint>,
}

/// Result of looking for a header at a stream's start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proxy {
    /// There is no header.
    No,
    /// More bytes are needed.
    Unsure,
    /// A header. Everything that is decoded was there, but not necessarily all `len` bytes.
    Header(ProxyHeader),
}

/// Decodes a header at the start of `octets`.
#[must_use]
pub fn proxy_header(octets: &[u8]) -> Proxy {
    let begins = |start: &[u8]| octets.starts_with(start) || start.starts_with(octets);
    if octets.is_empty() {
        Proxy::Unsure
    } else if begins(PROXY_V1_START) {
        version_1(octets)
    } else if begins(PROXY_V2_START) {
        version_2(octets)
    } else {
        Proxy::No
    }
}

fn version_1(octets: &[u8]) -> Proxy {
    let line = &octets[..octets.len().min(PROXY_V1_MAX_LEN)];
    let Some(end) = memchr::memmem::find(line, b"\r\n") else {
        return if octets.len() < PROXY_V1_MAX_LEN {
            Proxy::Unsure
        } else {
            Proxy::No
        };
    };
    let Ok(text) = std::str::from_utf8(&line[..end]) else {
        return Proxy::No;
    };
    let mut words = text.split(' ').skip(1);
    let client = match (words.next(), words.next(), words.next(), words.next()) {
        (Some("UNKNOWN"), ..) => None,
        (Some("TCP4" | "TCP6"), Some(address), Some(_), Some(port)) => {
            match (address.parse(), port.parse()) {
                (Ok(address), Ok(port)) => Some(Endpoint { address, port }),
                _ => return Proxy::No,
            }
        }
        _ => return Proxy::No,
    };
    Proxy::Header(ProxyHeader {
        version: 1,
        len: end + 2,
        client,
    })
}

fn version_2(octets: &[u8]) -> Proxy {
    let Some(&[version, family, high, low]) = octets
        .get(PROXY_V2_START.len()..)
        .and_then(<[u8]>::first_chunk)
    else {
        return Proxy::Unsure;
    };
    if version >> 4 != PROXY_V2_VERSION {
        return Proxy::No;
    }
    let rest = usize::from(u16::from_be_bytes([high, low]));
    let width = PROXY_V2_WIDTHS
        .into_iter()
        .filter(|_| version & 15 == PROXY_V2_FOR_CLIENT)
        .find(|(known, width)| *known == family >> 4 && rest >= 2 * width + PROXY_V2_PORTS)
        .map_or(0, |(_, width)| width);
    let behind = &octets[PROXY_V2_HEADER_LEN..];
    if width > 0 && behind.len() < 2 * width + PROXY_V2_PORTS {
        return Proxy::Unsure;
    }
    let client = match width {
        4 => read_v2::<4>(behind, |octets| Ipv4Addr::from(octets).into()),
        16 => read_v2::<16>(behind, |octets| Ipv6Addr::from(octets).into()),
        _ => None,
    };
    Proxy::Header(ProxyHeader {
        version: 2,
        len: PROXY_V2_HEADER_LEN + rest,
        client,
    })
}

/// The first address and port in a version 2 header.
fn read_v2<const N: usize>(addresses: &[u8], read: fn([u8; N]) -> IpAddr) -> Option<Endpoint> {
    let address = read(*addresses.first_chunk()?);
    let port = addresses.get(2 * N..2 * N + 2)?;
    Some(Endpoint {
        address,
        port: u16::from_be_bytes(port.try_into().ok()?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_1_tells_the_client() {
        let octets = b"PROXY TCP4 192.0.2.7 192.0.2.1 40000 8888\r\n\0\0\0\x3a";
        let Proxy::Header(header) = proxy_header(octets) else {
            panic!("no header");
        };
        assert_eq!((header.version, header.len), (1, octets.len() - 4));
        assert_eq!(header.client.unwrap().to_string(), "192.0.2.7:40000");
        for end in 1..octets.len() - 4 {
            assert_eq!(proxy_header(&octets[..end]), Proxy::Unsure, "{end}");
        }
        let unknown = proxy_header(b"PROXY UNKNOWN\r\n");
        assert!(matches!(unknown, Proxy::Header(header) if header.client.is_none()));
        assert_eq!(proxy_header(b"PROXY protocol is nice\r\n"), Proxy::No);
        assert_eq!(
            proxy_header(&[b"PROXY ".as_slice(), &[b'x'; 200]].concat()),
            Proxy::No
        );
    }

    #[test]
    fn version_2_tells_the_client_and_may_be_long() {
        let mut octets = PROXY_V2_START.to_vec();
        octets.extend([0x21, 0x11, 0, 15, 192, 0, 2, 7, 192, 0, 2, 1]);
        octets.extend([0x9c, 0x40, 0x22, 0xb8, 4, 0, 0]);
        let Proxy::Header(header) = proxy_header(&octets) else {
            panic!("no header");
        };
        assert_eq!((header.version, header.len), (2, 31));
        assert_eq!(header.client.unwrap().to_string(), "192.0.2.7:40000");
        let local = [PROXY_V2_START, &[0x20, 0, 0, 0]].concat();
        assert!(
            matches!(proxy_header(&local), Proxy::Header(header) if header.client.is_none() && header.len == 16)
        );
    }
}
