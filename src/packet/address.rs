//! One end of a TCP connection.

use std::cmp::Ordering;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// IP address and TCP port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// IPv4 or IPv6 address.
    pub address: IpAddr,
    /// TCP port.
    pub port: u16,
}

/// By address, then by port. Each pair of addresses is compared as one number, because every segment needs this.
impl Ord for Endpoint {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.address, other.address) {
            (IpAddr::V4(a), IpAddr::V4(b)) => {
                let number = |address: Ipv4Addr, port| Ipv4Endpoint::new(address.to_bits(), port);
                number(a, self.port).cmp(&number(b, other.port))
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

/// An endpoint with an IPv4 address, as one number. The order is that of [`Endpoint`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ipv4Endpoint(u64);

impl Ipv4Endpoint {
    /// The endpoint of an address and a port.
    #[must_use]
    #[inline]
    pub const fn new(address: u32, port: u16) -> Self {
        Self((address as u64) << u16::BITS | port as u64)
    }

    /// The number: address in bits 16 to 47, port in bits 0 to 15.
    #[must_use]
    #[inline]
    pub const fn number(self) -> u64 {
        self.0
    }

    /// The endpoint with this [`number`](Self::number).
    #[must_use]
    #[inline]
    pub const fn of_number(number: u64) -> Self {
        Self(number)
    }

    /// Converts to an [`Endpoint`].
    #[must_use]
    #[inline]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the two parts of the number"
    )]
    pub const fn endpoint(self) -> Endpoint {
        Endpoint {
            address: IpAddr::V4(Ipv4Addr::from_bits((self.0 >> u16::BITS) as u32)),
            port: self.0 as u16,
        }
    }
}

/// As in `127.0.0.1:8888` and `[::1]:8888`.
impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        SocketAddr::new(self.address, self.port).fmt(f)
    }
}
