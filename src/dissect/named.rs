//! Protocols that are recognised with certainty by the start of a stream, and not decoded further. The table has one
//! entry for each protocol; it is printed into the Wireshark plugin.

use super::protocol::Protocol;
use super::tls::{TLS_HEADER_LEN, is_tls, tls_type};
use super::{http, http2, rtsp, ssh};

/// The start of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// The header of a TLS record.
    TlsRecord,
    /// One of these.
    Starts(&'static [&'static [u8]]),
    /// A complete request line: a method in capital letters, a space, a target, and a version that starts with this.
    RequestLine(&'static [u8]),
}

/// The protocols and the starts of their streams. The first match counts. No start is a length, which other protocols
/// could have as well.
pub static NAMED: [(Protocol, &[Mark]); 5] = [
    (Protocol::Tls, &[Mark::TlsRecord]),
    (Protocol::Ssh, ssh::MARKS),
    (Protocol::Http2, http2::MARKS),
    (Protocol::Rtsp, rtsp::MARKS),
    (Protocol::Http, http::MARKS),
];

impl Mark {
    fn fits(&self, octets: &[u8]) -> bool {
        match self {
            Self::TlsRecord => is_tls(octets),
            Self::Starts(starts) => starts.iter().any(|start| octets.starts_with(start)),
            Self::RequestLine(version) => is_request_line(octets, version),
        }
    }

    /// Whether more bytes after these could make it match.
    fn may_fit(&self, octets: &[u8]) -> bool {
        match self {
            Self::TlsRecord => octets.len() < TLS_HEADER_LEN && tls_type(octets).is_some(),
            Self::Starts(starts) => starts.iter().any(|start| start.starts_with(octets)),
            Self::RequestLine(_) => false,
        }
    }
}

/// The protocol of a stream that starts with these bytes.
#[must_use]
pub fn named_by_start(octets: &[u8]) -> Option<Protocol> {
    let named = |(_, marks): &&(_, &[Mark])| marks.iter().any(|mark| mark.fits(octets));
    NAMED.iter().find(named).map(|(protocol, _)| *protocol)
}

/// Whether a protocol of the table could start with these few bytes.
#[must_use]
pub fn may_be_named_by_start(octets: &[u8]) -> bool {
    let mut marks = NAMED.iter().flat_map(|(_, marks)| *marks);
    marks.any(|mark| mark.may_fit(octets))
}

/// Whether a stream of this protocol can start with these bytes.
#[must_use]
pub fn begins_as(protocol: Protocol, octets: &[u8]) -> bool {
    let mut of = NAMED.iter().filter(|(named, _)| *named == protocol);
    of.any(|(_, marks)| marks.iter().any(|mark| mark.fits(octets)))
}

/// Fewest letters of a method.
pub const LEAST_METHOD: usize = 3;

fn is_request_line(octets: &[u8], version: &[u8]) -> bool {
    let Some(end) = memchr::memchr(b'\r', octets) else {
        return false;
    };
    let line = &octets[..end];
    let method = line
        .iter()
        .take_while(|octet| octet.is_ascii_uppercase() || **octet == b'_');
    let method = method.count();
    let Some(at) = memchr::memmem::rfind(line, version) else {
        return false;
    };
    method >= LEAST_METHOD
        && line.get(method) == Some(&b' ')
        && at > method
        && line[at + version.len()..]
            .iter()
            .all(|octet| octet.is_ascii_digit() || *octet == b'.')
}
