//! One end of a TCP connection.

use std::cmp::Ordering;
use std::fmt;
use std::net::{IpAddr, SocketAddr};

/// IP address and TCP port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// IPv4 or IPv6 address.
    pub address: IpAddr,
    /// TCP port.
    pub port: u16,
}

/// By address, then by port; one comparison of numbers, since every segment needs it.
impl Ord for Endpoint {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.address, other.address) {
            (IpAddr::V4(a), IpAddr::V4(b)) => {
                let number = |bits: u32, port: u16| u64::from(bits) << 16 | u64::from(port);
                number(a.to_bits(), self.port).cmp(&number(b.to_bits(), other.port))
            }
            (IpAddr::V6(a), IpAddr::V6(b)) => {
                (a.to_bits(), self.port).cmp(&(b.to_bits(), other.port))
            }
            (IpAddr::V4(_), IpAddr::V6(_)) => Ordering::Less,
            (IpAddr::V6(_), IpAddr::V4(_)) => Ordering::Greater,
        }
    }
}

impl PartialOrd for Endpoint {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// `127.0.0.1:8888`, `[::1]:8888`.
impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        SocketAddr::new(self.address, self.port).fmt(f)
    }
}
