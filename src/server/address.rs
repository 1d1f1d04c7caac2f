//! What counts as one client address, and how many connections each has.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// A client's address as limits see it: an IPv4 address, or an IPv6 network of 64 bits, which is
/// what one subscriber has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Source(IpAddr);

impl From<IpAddr> for Source {
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

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V4(address) => write!(f, "{address}"),
            IpAddr::V6(network) => write!(f, "{network}/64"),
        }
    }
}

/// Open connections of each address. Holds no more entries than there are connections.
#[derive(Debug, Default)]
pub struct OpenBySource(Mutex<HashMap<Source, usize>>);

/// One connection, counted for as long as this lives.
pub struct Counted {
    table: Arc<OpenBySource>,
    source: Source,
}

impl OpenBySource {
    /// Counts one more connection of `source`; `None` where it has `limit` already.
    pub fn enter(self: &Arc<Self>, source: Source, limit: usize) -> Option<Counted> {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
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
        let mut table = self.table.0.lock().unwrap_or_else(PoisonError::into_inner);
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

    fn source(text: &str) -> Source {
        Source::from(text.parse::<IpAddr>().unwrap())
    }

    #[test]
    fn an_ipv6_network_is_one_source() {
        assert_eq!(source("2001:db8::1"), source("2001:db8::ffff:1"));
        assert_ne!(source("2001:db8::1"), source("2001:db8:0:1::1"));
        assert_eq!(source("::ffff:192.0.2.1"), source("192.0.2.1"));
        assert_ne!(source("192.0.2.2"), source("192.0.2.1"));
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
