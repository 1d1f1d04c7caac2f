//! The PROXY protocol, versions 1 and 2: the header with which a trusted proxy names the client that it connects for.

use std::io;
use std::net::SocketAddr;

use proxy_header::{Error, ParseConfig, ProxyHeader};
use tokio::io::{AsyncRead, AsyncReadExt};

/// The shortest header there is, `PROXY UNKNOWN` and a line break.
const SHORTEST: usize = 15;
/// The bytes of a version 2 header that say how long it is.
const FIXED: usize = 16;
/// The longest header that is accepted; version 2 allows 64 KiB more of extensions, which are not needed here.
const LONGEST: usize = 2048;

/// Why there is no header.
#[derive(Debug, thiserror::Error)]
pub enum ProxyError {
    /// What came first is something else.
    #[error("no PROXY header from a trusted proxy")]
    NoHeader,
    /// It cannot be read.
    #[error("the PROXY header cannot be read: {0}")]
    Broken(#[from] io::Error),
}

/// Reads the header and nothing after it. Returns the client's address, or `None` if the proxy connects for itself,
/// as in a health check.
pub async fn read_header(
    stream: &mut (impl AsyncRead + Unpin),
) -> Result<Option<SocketAddr>, ProxyError> {
    let mut octets = Vec::with_capacity(128);
    loop {
        let missing = missing(&octets);
        if octets.len() + missing > LONGEST {
            return Err(ProxyError::NoHeader);
        }
        let filled = octets.len();
        octets.resize(filled + missing, 0);
        match stream.read_exact(&mut octets[filled..]).await {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                return Err(ProxyError::NoHeader);
            }
            Err(error) => return Err(error.into()),
        }
        match ProxyHeader::parse(&octets, ParseConfig::default()) {
            Ok((header, _)) => {
                return Ok(header.proxied_address().map(|proxied| proxied.source));
            }
            Err(Error::BufferTooShort) => {}
            Err(_) => return Err(ProxyError::NoHeader),
        }
    }
}

/// How many more bytes certainly belong to the header.
fn missing(octets: &[u8]) -> usize {
    match octets {
        [b'\r', ..] => match octets.get(FIXED - 2..FIXED) {
            Some(length) => {
                let rest = usize::from(u16::from_be_bytes([length[0], length[1]]));
                (FIXED + rest).saturating_sub(octets.len()).max(1)
            }
            None => FIXED - octets.len(),
        },
        _ => SHORTEST.saturating_sub(octets.len()).max(1),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proxy_header::ProxiedAddress;

    use super::*;

    /// What is read, and what is left behind it.
    fn read(octets: &[u8]) -> (Result<Option<SocketAddr>, ProxyError>, Vec<u8>) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let mut rest = octets;
        let result = runtime.block_on(read_header(&mut rest));
        (result, rest.to_vec())
    }

    fn headers(source: &str) -> [Vec<u8>; 2] {
        let source: SocketAddr = source.parse().unwrap();
        let mut destination = source;
        destination.set_port(8888);
        let header = ProxyHeader::with_address(ProxiedAddress::stream(source, destination));
        let (mut one, mut two) = (Vec::new(), Vec::new());
        header.encode_v1(&mut one).unwrap();
        header.encode_v2(&mut two).unwrap();
        [one, two]
    }

    #[test]
    fn both_versions_are_read_to_their_end_and_no_further() {
        for source in ["192.0.2.1:5000", "[2001:db8::1]:65535"] {
            for mut header in headers(source) {
                header.extend(b"request");
                let (address, rest) = read(&header);
                assert_eq!(address.unwrap(), Some(source.parse().unwrap()));
                assert_eq!(rest, b"request");
            }
        }
        let local = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0request";
        for octets in [&b"PROXY UNKNOWN\r\nrequest"[..], local] {
            let (address, rest) = read(octets);
            assert_eq!(address.unwrap(), None);
            assert_eq!(rest, b"request");
        }
    }

    #[test]
    fn anything_else_is_no_header() {
        let long = format!("PROXY TCP4 {}", "1".repeat(3000));
        let huge = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\xff\xff";
        for octets in [
            &[0; 58][..],
            b"",
            b"PROXY",
            b"PROXY TCP4 x",
            long.as_bytes(),
            huge,
        ] {
            assert!(
                matches!(read(octets).0, Err(ProxyError::NoHeader)),
                "{octets:?}"
            );
        }
    }

    proptest! {
        #[test]
        fn whatever_comes_is_read_or_refused(
            start in prop_oneof![Just(&b"PROXY "[..]), Just(&b"\r\n\r\n\0\r\nQUIT\n"[..]), Just(&[][..])],
            rest in proptest::collection::vec(any::<u8>(), 0..200),
        ) {
            let octets = [start, &rest].concat();
            let _ = read(&octets);
        }
    }
}
