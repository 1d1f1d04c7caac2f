//! Lists of networks that the operator names.

use std::net::IpAddr;

use ipnet::IpNet;

/// Networks, such as `192.0.2.0/24`, `2001:db8::/32`, and single addresses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Networks(Vec<IpNet>);

impl Networks {
    /// No network at all.
    pub const NONE: Self = Self(Vec::new());

    /// Whether `address` is in one of them. An IPv4-mapped IPv6 address counts as IPv4.
    #[must_use]
    pub fn contain(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }
}

impl FromIterator<IpNet> for Networks {
    fn from_iter<T: IntoIterator<Item = IpNet>>(networks: T) -> Self {
        Self(networks.into_iter().collect())
    }
}

/// Reads a network or a single address; the error says what is expected.
pub fn parse_network(text: &str) -> Result<IpNet, String> {
    text.parse()
        .or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
        .map_err(|_| "takes a network such as 192.0.2.0/24 or 2001:db8::/32, or an address".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_and_addresses_are_read() {
        let networks: Networks = ["192.0.2.0/24", "2001:db8::/32", "127.0.0.1"]
            .into_iter()
            .map(|text| parse_network(text).unwrap())
            .collect();
        for inside in [
            "192.0.2.9",
            "::ffff:192.0.2.9",
            "2001:db8:1::1",
            "127.0.0.1",
        ] {
            assert!(networks.contain(inside.parse().unwrap()), "{inside}");
        }
        for outside in ["192.0.3.1", "2001:db9::1", "127.0.0.2"] {
            assert!(!networks.contain(outside.parse().unwrap()), "{outside}");
        }
        for wrong in ["", "192.0.2.0/33", "lab"] {
            assert!(parse_network(wrong).is_err(), "{wrong}");
        }
    }
}
