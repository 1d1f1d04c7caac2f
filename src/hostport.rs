//! Parses `HOST:PORT`, with an IPv6 address in brackets, in the same way for server and client.

use std::fmt;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::str::FromStr;

/// A host, given by name or address, and a TCP port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostPort {
    /// A name, an IPv4 address, or an IPv6 address without brackets. A link-local address has its interface, such as
    /// `fe80::1%eth0`.
    pub host: String,
    /// The port.
    pub port: u16,
}

/// Why a text is not `HOST:PORT`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HostPortError {
    /// The port or the host is missing.
    #[error("it takes HOST:PORT, such as 127.0.0.1:8888, [::1]:8888 or localhost:8888")]
    Form,
    /// An IPv6 address that is not in brackets.
    #[error("an IPv6 address goes in brackets, such as [::1]:8888 or [fe80::1%eth0]:8888")]
    NoBrackets,
    /// The port is wrong.
    #[error("\"{0}\" is no port; it takes 0 to 65535")]
    Port(String),
}

/// Parses a port in decimal digits.
///
/// # Errors
///
/// If it is not a number from 0 to 65535.
pub fn port(text: &str) -> Result<u16, HostPortError> {
    let digits = !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_digit());
    text.parse()
        .ok()
        .filter(|_| digits)
        .ok_or_else(|| HostPortError::Port(text.to_owned()))
}

impl FromStr for HostPort {
    type Err = HostPortError;

    fn from_str(text: &str) -> Result<Self, HostPortError> {
        let (host, number) = match text.strip_prefix('[') {
            Some(rest) => rest.split_once("]:").ok_or(HostPortError::Form)?,
            None => text.rsplit_once(':').ok_or(HostPortError::Form)?,
        };
        if host.is_empty() {
            return Err(HostPortError::Form);
        }
        if host.contains(':') != text.starts_with('[') {
            return Err(if host.contains(':') {
                HostPortError::NoBrackets
            } else {
                HostPortError::Form
            });
        }
        Ok(Self {
            host: host.to_owned(),
            port: port(number)?,
        })
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

impl HostPort {
    /// The different addresses of the host, in the system's order. It may query the network, and blocks meanwhile.
    ///
    /// # Errors
    ///
    /// If the system cannot resolve the name, or it has no address.
    pub fn resolve(&self) -> io::Result<Vec<SocketAddr>> {
        let mut addresses = Vec::new();
        for address in (self.host.as_str(), self.port).to_socket_addrs()? {
            if !addresses.contains(&address) {
                addresses.push(address);
            }
        }
        if addresses.is_empty() {
            return Err(io::Error::new(io::ErrorKind::NotFound, "it has no address"));
        }
        Ok(addresses)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_and_a_port() {
        for (text, host, port) in [
            ("127.0.0.1:8888", "127.0.0.1", 8888),
            ("localhost:1", "localhost", 1),
            ("[::1]:0", "::1", 0),
            ("[fe80::1%lo]:8888", "fe80::1%lo", 8888),
        ] {
            let found: HostPort = text.parse().unwrap();
            assert_eq!((found.host.as_str(), found.port), (host, port));
            assert_eq!(found.to_string(), text);
        }
    }

    #[test]
    fn a_wrong_form_says_the_form() {
        for text in [
            "",
            "8888",
            "localhost",
            ":8888",
            "[]:8888",
            "[::1]",
            "[::1]8888",
            "[host]:1",
        ] {
            assert_eq!(text.parse::<HostPort>(), Err(HostPortError::Form), "{text}");
        }
        assert_eq!(
            "::1:8888".parse::<HostPort>(),
            Err(HostPortError::NoBrackets)
        );
        for text in ["h:", "h:65536", "h:+1", "h:x", "h:-1", "h: 1"] {
            let error = text.parse::<HostPort>().unwrap_err();
            assert!(matches!(error, HostPortError::Port(_)), "{text}");
        }
    }

    #[test]
    fn an_interface_is_part_of_an_address() {
        let place: HostPort = "[fe80::1%lo]:8888".parse().unwrap();
        let addresses = place.resolve().unwrap();
        let [SocketAddr::V6(address)] = addresses[..] else {
            panic!("{addresses:?}");
        };
        assert_ne!(address.scope_id(), 0);
    }
}
