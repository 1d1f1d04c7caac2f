//! Listening addresses: the forms in which they are given, and their listeners.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;
use std::task::Poll;
use std::time::Duration;

use socket2::SockRef;
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use crate::hostport::{HostPort, HostPortError, port};
use crate::platform;
use crate::text::trouble::Words;

/// Connections that the system keeps until they are accepted.
const BACKLOG: u32 = 1024;
/// How long accepting pauses when the system has no more descriptors or memory for it.
const PAUSE: Duration = Duration::from_millis(250);

/// Where to listen, as it is given: `8888` is loopback, `:8888` all addresses, `HOST:PORT` the
/// addresses of a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListenAddress {
    /// This machine only.
    Loopback(u16),
    /// Every address of this machine.
    All(u16),
    /// The addresses of a host.
    Host(HostPort),
}

/// Why a text is not a listening address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ListenAddressError {
    /// None of the forms.
    #[error(
        "it takes HOST:PORT, :PORT for all addresses, or PORT for this machine only; such as 127.0.0.1:8888, [::1]:8888, localhost:8888, :8888 or 8888"
    )]
    Form,
    /// An invalid host and port.
    #[error(transparent)]
    HostPort(HostPortError),
}

impl FromStr for ListenAddress {
    type Err = ListenAddressError;

    fn from_str(text: &str) -> Result<Self, ListenAddressError> {
        let wrong = |error| match error {
            HostPortError::Form => ListenAddressError::Form,
            other => ListenAddressError::HostPort(other),
        };
        let digits = |text: &str| text.bytes().all(|octet| octet.is_ascii_digit());
        match text.strip_prefix(':') {
            _ if !text.is_empty() && digits(text) => port(text).map(Self::Loopback).map_err(wrong),
            Some(number) if !number.starts_with(':') => port(number).map(Self::All).map_err(wrong),
            _ => text.parse().map(Self::Host).map_err(wrong),
        }
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Loopback(port) => write!(f, "{port}"),
            Self::All(port) => write!(f, ":{port}"),
            Self::Host(place) => write!(f, "{place}"),
        }
    }
}

impl ListenAddress {
    /// The addresses to listen at, and whether those that this machine does not have may be left
    /// out as long as one remains.
    fn resolve(&self) -> io::Result<Vec<SocketAddr>> {
        let both = |v4: Ipv4Addr, v6: Ipv6Addr, port| {
            vec![
                SocketAddr::new(IpAddr::V4(v4), port),
                SocketAddr::new(IpAddr::V6(v6), port),
            ]
        };
        match self {
            Self::Loopback(port) => Ok(both(Ipv4Addr::LOCALHOST, Ipv6Addr::LOCALHOST, *port)),
            Self::All(port) => Ok(both(Ipv4Addr::UNSPECIFIED, Ipv6Addr::UNSPECIFIED, *port)),
            Self::Host(place) => place.resolve(),
        }
    }
}

/// Why a port cannot be listened at.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot {doing} on {place}: {}; choose another address with {option}",
    Words(source)
)]
pub struct ListenError {
    doing: &'static str,
    place: String,
    source: io::Error,
    option: &'static str,
}

/// The purpose of listeners, for error messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Registrations and logins.
    Service,
    /// Metrics and health.
    Metrics,
}

/// Sockets that listen.
pub struct Listeners(Vec<TcpListener>);

impl Listeners {
    /// Listens at each of `places`. Of a place's addresses, those that this machine does not have are left out if at
    /// least one remains. Must be called inside the runtime.
    pub fn bind(places: &[ListenAddress], purpose: Purpose) -> Result<Self, ListenError> {
        let (doing, option) = match purpose {
            Purpose::Service => ("listen", "--listen"),
            Purpose::Metrics => ("offer metrics", "--metrics"),
        };
        let error = |place: String, source| ListenError {
            doing,
            place,
            source,
            option,
        };
        let mut wanted = Vec::new();
        for place in places {
            let addresses = place.resolve();
            wanted.push(addresses.map_err(|source| error(place.to_string(), source))?);
        }
        // [::] accepts IPv4 too, unless that has its own listener.
        let all_v4 = wanted
            .iter()
            .flatten()
            .any(|address| address.ip() == IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        let mut listeners: Vec<TcpListener> = Vec::new();
        for addresses in wanted {
            let mut first: Option<SocketAddr> = None;
            let mut missing = None;
            for mut address in addresses {
                // A port that the system chooses is the same at all addresses of a place.
                if let Some(first) = first.filter(|_| address.port() == 0) {
                    address.set_port(first.port());
                }
                match listen(address, all_v4) {
                    Ok(listener) => {
                        first = first.or(listener.local_addr().ok());
                        listeners.push(listener);
                    }
                    Err(source) if platform::net::is_missing_address(&source) => {
                        missing = Some(error(address.to_string(), source));
                    }
                    Err(source) => return Err(error(address.to_string(), source)),
                }
            }
            if let (None, Some(error)) = (first, missing) {
                return Err(error);
            }
        }
        Ok(Self(listeners))
    }

    /// Where they listen.
    #[must_use]
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.0
            .iter()
            .filter_map(|listener| listener.local_addr().ok())
            .collect()
    }

    /// Waits for a connection at any of them. A connection that broke before it was accepted is skipped. If the
    /// system has no room for another, accepting pauses, and `paused` is called when the pause begins and ends. Other
    /// errors concern the sockets themselves.
    pub async fn accept(
        &self,
        mut paused: impl FnMut(bool),
    ) -> io::Result<(TcpStream, SocketAddr)> {
        let mut pausing = false;
        loop {
            let error = match self.accept_any().await {
                Ok(accepted) => {
                    if pausing {
                        paused(false);
                    }
                    return Ok(accepted);
                }
                Err(error) => error,
            };
            if platform::net::is_out_of_room(&error) {
                if !pausing {
                    tracing::error!(%error, "no room for another connection; accepting pauses");
                    paused(true);
                }
                pausing = true;
                tokio::time::sleep(PAUSE).await;
            } else if platform::net::is_of_listener(&error) {
                return Err(error);
            } else {
                tracing::debug!(%error, "a connection broke before it was accepted");
            }
        }
    }

    async fn accept_any(&self) -> io::Result<(TcpStream, SocketAddr)> {
        // Starts with a random listener, so that a flood at one does not starve the others.
        let start = fastrand::usize(..self.0.len().max(1));
        poll_fn(|context| {
            let (before, after) = self.0.split_at(start.min(self.0.len()));
            for listener in after.iter().chain(before) {
                if let Poll::Ready(accepted) = listener.poll_accept(context) {
                    return Poll::Ready(accepted);
                }
            }
            Poll::Pending
        })
        .await
    }
}

fn listen(address: SocketAddr, v6_only: bool) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    if address.is_ipv6() {
        // Set explicitly, because systems have different defaults.
        SockRef::from(&socket).set_only_v6(v6_only)?;
    }
    platform::net::claim_address(&socket)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_has_three_forms() {
        for (text, place) in [
            ("8888", ListenAddress::Loopback(8888)),
            (":8888", ListenAddress::All(8888)),
            (
                "[::1]:8888",
                ListenAddress::Host(HostPort {
                    host: "::1".into(),
                    port: 8888,
                }),
            ),
        ] {
            assert_eq!(text.parse(), Ok(place));
            assert_eq!(text.parse::<ListenAddress>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "localhost",
            "[::1]",
            "host:",
            "127.0.0.1",
            "::1",
            "99999",
            ":x",
            "h:1x",
        ] {
            assert!(text.parse::<ListenAddress>().is_err(), "{text}");
        }
    }
}
