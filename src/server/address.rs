//! What counts as one client address, and how many connections each has.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use crate::locks::lock;

/// A client's address for limits: an IPv4 address, or an IPv6 network of 64 bits, which is what one subscriber has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SourceAddress(IpAddr);

impl From<IpAddr> for SourceAddress {
    fn from(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V6(v6) => {
                let network = v6.to_bits() & !u128::from(u64::MAX);
                IpAddr::V6(network.into())
            }
            v4 @ IpAddr::V4(_) => v4,
        })
    }
}

impl fmt::Display for SourceAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V4(address) => write!(f, "{address}"),
            IpAddr::V6(network) => write!(f, "{network}/64"),
        }
    }
}

/// A network that a source is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    /// Its leading bits; an IPv4 address as IPv6 maps it (RFC 4291, section 2.5.5.2).
    pub bits: u128,
    /// How many bits those are, of 128.
    pub prefix: u8,
    /// Its limits, as a multiple of those of a single source.
    pub share: u32,
}

impl SourceAddress {
    /// Whether it is an IPv4 address.
    pub const fn is_ipv4(self) -> bool {
        self.0.is_ipv4()
    }

    /// The smallest network: the source itself.
    pub const fn nearest(self) -> Network {
        match self.0 {
            IpAddr::V4(address) => Network {
                bits: address.to_ipv6_mapped().to_bits(),
                prefix: 128,
                share: 1,
            },
            IpAddr::V6(network) => Network {
                bits: network.to_bits(),
                prefix: 64,
                share: 1,
            },
        }
    }

    /// The networks that count what the source does: an IPv4 address, or the IPv6 networks that
    /// one subscriber can have, of 64, 56 and 48 bits (RFC 6177).
    pub fn networks(self) -> impl Iterator<Item = Network> {
        let wider = [(56, 2), (48, 4)]
            .into_iter()
            .filter(move |_| !self.is_ipv4())
            .map(move |(prefix, share)| Network {
                bits: self.nearest().bits >> (128 - prefix) << (128 - prefix),
                prefix,
                share,
            });
        std::iter::once(self.nearest()).chain(wider)
    }
}

/// Open connections of each address. Holds no more entries than there are connections.
#[derive(Debug, Default)]
pub struct OpenBySource(Mutex<HashMap<SourceAddress, usize>>);

/// One connection, counted for as long as this lives.
pub struct Counted {
    table: Arc<OpenBySource>,
    source: SourceAddress,
}

impl OpenBySource {
    /// Counts one more connection of `source`; `None` if it has `limit` already.
    pub fn enter(self: &Arc<Self>, source: SourceAddress, limit: usize) -> Option<Counted> {
        let mut table = lock(&self.0);
        let open = table.entry(source).or_default();
        if *open >= limit {
            if *open == 0 {
                table.remove(&source);
            }
            return None;
        }
        *open += 1;
        Some(Counted {
            table: Arc::clone(self),
            source,
        })
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut table = lock(&self.table.0);
        if let Some(open) = table.get_mut(&self.source) {
            *open -= 1;
            if *open == 0 {
                table.remove(&self.source);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> SourceAddress {
        SourceAddress::from(text.parse::<IpAddr>().unwrap())
    }

    #[test]
    fn an_ipv6_network_is_one_source() {
        assert_eq!(source("2001:db8::1"), source("2001:db8::ffff:1"));
        assert_ne!(source("2001:db8::1"), source("2001:db8:0:1::1"));
        assert_eq!(source("::ffff:192.0.2.1"), source("192.0.2.1"));
        assert_ne!(source("192.0.2.2"), source("192.0.2.1"));
    }

    #[test]
    fn an_ipv6_source_is_in_three_networks() {
        let all: Vec<_> = source("2001:db8:1:2233::1")
            .networks()
            .map(|network| (std::net::Ipv6Addr::from(network.bits), network.prefix))
            .collect();
        let expected = [
            ("2001:db8:1:2233::", 64),
            ("2001:db8:1:2200::", 56),
            ("2001:db8:1::", 48),
        ];
        assert_eq!(
            all,
            expected.map(|(text, prefix)| (text.parse().unwrap(), prefix))
        );
        assert_eq!(source("192.0.2.1").networks().count(), 1);
    }

    #[test]
    fn a_source_that_has_left_is_forgotten() {
        let table = Arc::new(OpenBySource::default());
        let one = table.enter(source("192.0.2.1"), 2).unwrap();
        let two = table.enter(source("192.0.2.1"), 2).unwrap();
        assert!(table.enter(source("192.0.2.1"), 2).is_none());
        assert!(table.enter(source("192.0.2.2"), 2).is_some());
        drop(one);
        assert!(table.enter(source("192.0.2.1"), 2).is_some());
        drop(two);
        assert!(table.0.lock().unwrap().is_empty());
    }
}
