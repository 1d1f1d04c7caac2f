//! Handshake messages: reassembled from records, with the fields of hello messages that decryption needs (RFC 8446
//! section 4, RFC 5246 section 7.4).

#![expect(
    clippy::cast_possible_truncation,
    reason = "handshake lengths of 8 and 24 bits"
)]

use super::keylog::Random;
use super::record::Version;
use super::suite::CipherSuite;

/// Most bytes of a message's body that are held. Longer messages, which only certificates are, are skipped.
const MAX_BODY: usize = 64 << 10;

/// Length in bytes of type and length before a message.
const HEADER_LEN: usize = 4;

/// Type of a handshake message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct HandshakeType(pub u8);

impl HandshakeType {
    pub(super) const CLIENT_HELLO: Self = Self(1);
    pub(super) const SERVER_HELLO: Self = Self(2);
    pub(super) const NEW_SESSION_TICKET: Self = Self(4);
    pub(super) const END_OF_EARLY_DATA: Self = Self(5);
    pub(super) const CERTIFICATE: Self = Self(11);
    pub(super) const SERVER_HELLO_DONE: Self = Self(14);
    pub(super) const FINISHED: Self = Self(20);
    pub(super) const KEY_UPDATE: Self = Self(24);

    /// Wireshark's name; `None` for types that are not in use.
    #[must_use]
    pub const fn name(self) -> Option<&'static str> {
        Some(match self.0 {
            0 => "Hello Request",
            1 => "Client Hello",
            2 => "Server Hello",
            3 => "Hello Verify Request",
            4 => "New Session Ticket",
            5 => "End of Early Data",
            6 => "Hello Retry Request",
            8 => "Encrypted Extensions",
            11 => "Certificate",
            12 => "Server Key Exchange",
            13 => "Certificate Request",
            14 => "Server Hello Done",
            15 => "Certificate Verify",
            16 => "Client Key Exchange",
            20 => "Finished",
            21 => "Certificate URL",
            22 => "Certificate Status",
            23 => "Supplemental Data",
            24 => "Key Update",
            25 => "Compressed Certificate",
            _ => return None,
        })
    }
}

/// Fields of a ClientHello.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientHello {
    /// The version field; TLS 1.2 from that version on.
    pub version: Version,
    /// The client random, which identifies the connection in key logs.
    pub random: Random,
    /// The session to be resumed, or arbitrary bytes.
    pub session_id: Vec<u8>,
    /// The cipher suites offered, the preferred ones first.
    pub suites: Vec<CipherSuite>,
    /// Number of compression methods offered.
    pub compressions: u8,
    /// The server name requested (RFC 6066 section 3).
    pub server_name: Option<String>,
    /// The versions offered in the supported_versions extension; empty without it.
    pub supported_versions: Vec<Version>,
    /// A session ticket of TLS 1.2; empty if the client asks for one.
    pub ticket: Option<Vec<u8>>,
    /// Whether the client may send 0-RTT data.
    pub early_data: bool,
    /// Types of its extensions, in order.
    pub extensions: Vec<u16>,
}

/// Fields of a ServerHello.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerHello {
    /// The version field.
    pub version: Version,
    /// The server random.
    pub random: Random,
    /// The session's id; in TLS 1.3 a copy of the client's.
    pub session_id: Vec<u8>,
    /// The cipher suite chosen.
    pub suite: CipherSuite,
    /// The version chosen in the supported_versions extension; `None` without it.
    pub supported_version: Option<Version>,
    /// Whether a pre-shared key was chosen; in TLS 1.3 the session is then resumed.
    pub pre_shared_key: bool,
    /// Whether CBC suites authenticate the encrypted bytes (RFC 7366).
    pub encrypt_then_mac: bool,
    /// Types of its extensions, in order.
    pub extensions: Vec<u16>,
}

/// The decoded body of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// A ClientHello.
    ClientHello(Box<ClientHello>),
    /// A ServerHello, or a HelloRetryRequest, which has the same form.
    ServerHello(Box<ServerHello>),
    /// A session ticket of TLS 1.2.
    NewSessionTicket(Vec<u8>),
    /// Another message, or one whose body is malformed.
    Other,
}

/// A handshake message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handshake {
    /// Its type.
    pub kind: HandshakeType,
    /// Length of the body in bytes.
    pub length: u32,
    /// The decoded body.
    pub body: Body,
}

/// The server random that marks a HelloRetryRequest (RFC 8446 section 4.1.3).
const HELLO_RETRY: Random = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

impl ServerHello {
    /// Whether it is a HelloRetryRequest.
    #[must_use]
    pub fn is_retry(&self) -> bool {
        self.random == HELLO_RETRY
    }

    /// The version of the connection.
    #[must_use]
    pub fn chosen_version(&self) -> Version {
        self.supported_version.unwrap_or(self.version)
    }
}

mod extension {
    pub const SERVER_NAME: u16 = 0;
    pub const ENCRYPT_THEN_MAC: u16 = 22;
    pub const SESSION_TICKET: u16 = 35;
    pub const PRE_SHARED_KEY: u16 = 41;
    pub const EARLY_DATA: u16 = 42;
    pub const SUPPORTED_VERSIONS: u16 = 43;
}

/// Reads numbers and vectors from the front of a byte slice.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    fn u8(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn u16(&mut self) -> Option<u16> {
        let (first, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u16::from_be_bytes(*first))
    }

    /// A vector with a length of one byte.
    fn vector8(&mut self) -> Option<&'a [u8]> {
        let len = self.u8()?;
        self.take(len.into())
    }

    /// A vector with a length of two bytes.
    fn vector16(&mut self) -> Option<&'a [u8]> {
        let len = self.u16()?;
        self.take(len.into())
    }

    fn random(&mut self) -> Option<Random> {
        let (first, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*first)
    }
}

/// Numbers of two bytes each, without an odd byte at the end.
fn numbers(bytes: &[u8]) -> impl Iterator<Item = u16> {
    let pairs = bytes.as_chunks::<2>().0.iter();
    pairs.map(|pair| u16::from_be_bytes(*pair))
}

/// Calls `each` with type and content of every extension. A message may end before them, as is possible before TLS 1.3.
/// `None` if they are malformed.
fn extensions<'a>(reader: &mut Reader<'a>, mut each: impl FnMut(u16, &'a [u8])) -> Option<()> {
    if reader.0.is_empty() {
        return Some(());
    }
    let mut list = Reader(reader.vector16()?);
    while !list.0.is_empty() {
        let kind = list.u16()?;
        each(kind, list.vector16()?);
    }
    Some(())
}

/// The first host name of the server_name extension (RFC 6066 section 3). Invalid UTF-8 is replaced.
fn server_name(content: &[u8]) -> Option<String> {
    let mut names = Reader(Reader(content).vector16()?);
    while let Some(kind) = names.u8() {
        let name = names.vector16()?;
        if kind == 0 {
            return Some(String::from_utf8_lossy(name).into_owned());
        }
    }
    None
}

fn client_hello(body: &[u8]) -> Option<ClientHello> {
    let mut reader = Reader(body);
    let mut hello = ClientHello {
        version: Version(reader.u16()?),
        random: reader.random()?,
        session_id: reader.vector8()?.to_vec(),
        suites: numbers(reader.vector16()?).map(CipherSuite).collect(),
        compressions: reader.vector8()?.len() as u8,
        server_name: None,
        supported_versions: Vec::new(),
        ticket: None,
        early_data: false,
        extensions: Vec::new(),
    };
    extensions(&mut reader, |kind, content| {
        hello.extensions.push(kind);
        match kind {
            extension::SERVER_NAME => hello.server_name = server_name(content),
            extension::SESSION_TICKET => hello.ticket = Some(content.to_vec()),
            extension::EARLY_DATA => hello.early_data = true,
            extension::SUPPORTED_VERSIONS => {
                let versions = Reader(content).vector8().unwrap_or_default();
                hello.supported_versions = numbers(versions).map(Version).collect();
            }
            _ => {}
        }
    })?;
    Some(hello)
}

fn server_hello(body: &[u8]) -> Option<ServerHello> {
    let mut reader = Reader(body);
    let mut hello = ServerHello {
        version: Version(reader.u16()?),
        random: reader.random()?,
        session_id: reader.vector8()?.to_vec(),
        suite: CipherSuite(reader.u16()?),
        supported_version: None,
        pre_shared_key: false,
        encrypt_then_mac: false,
        extensions: Vec::new(),
    };
    reader.u8()?;
    extensions(&mut reader, |kind, content| {
        hello.extensions.push(kind);
        match kind {
            extension::SUPPORTED_VERSIONS => {
                hello.supported_version = Reader(content).u16().map(Version);
            }
            extension::PRE_SHARED_KEY => hello.pre_shared_key = true,
            extension::ENCRYPT_THEN_MAC => hello.encrypt_then_mac = true,
            _ => {}
        }
    })?;
    Some(hello)
}

/// The ticket of TLS 1.2 (RFC 5077 section 3.3). That of TLS 1.3 is not needed.
fn new_session_ticket(body: &[u8]) -> Option<Vec<u8>> {
    let mut reader = Reader(body);
    reader.take(4)?;
    Some(reader.vector16()?.to_vec())
}

fn read(kind: HandshakeType, length: u32, body: &[u8]) -> Handshake {
    let body = match kind {
        HandshakeType::CLIENT_HELLO => client_hello(body)
            .map(Box::new)
            .map_or(Body::Other, Body::ClientHello),
        HandshakeType::SERVER_HELLO => server_hello(body)
            .map(Box::new)
            .map_or(Body::Other, Body::ServerHello),
        HandshakeType::NEW_SESSION_TICKET => {
            new_session_ticket(body).map_or(Body::Other, Body::NewSessionTicket)
        }
        _ => Body::Other,
    };
    Handshake { kind, length, body }
}

/// Reassembles the handshake messages of one direction. They can begin and end anywhere in records.
#[derive(Debug, Default)]
pub(super) struct Assembler {
    held: Vec<u8>,
    /// Bytes of a long message that are still to be skipped.
    skip: usize,
}

impl Assembler {
    /// Processes the content of a handshake record, and appends the messages that end in it.
    pub fn push(&mut self, mut content: &[u8], into: &mut Vec<Handshake>) {
        while !content.is_empty() {
            if self.skip > 0 {
                let passed = self.skip.min(content.len());
                self.skip -= passed;
                content = &content[passed..];
                continue;
            }
            let need = match self.held.first_chunk::<HEADER_LEN>() {
                None => HEADER_LEN,
                Some(header) => HEADER_LEN + length(*header),
            };
            let taken = (need - self.held.len()).min(content.len());
            self.held.extend_from_slice(&content[..taken]);
            content = &content[taken..];
            self.take(into);
        }
    }

    /// Whether a message is incomplete.
    pub fn is_inside(&self) -> bool {
        self.skip > 0 || !self.held.is_empty()
    }

    /// Forgets an incomplete message.
    pub fn clear(&mut self) {
        self.held.clear();
        self.skip = 0;
    }

    fn take(&mut self, into: &mut Vec<Handshake>) {
        let Some(header) = self.held.first_chunk::<HEADER_LEN>() else {
            return;
        };
        let (kind, length) = (HandshakeType(header[0]), length(*header));
        if length > MAX_BODY {
            self.skip = length;
        } else if self.held.len() < HEADER_LEN + length {
            return;
        }
        let body = self.held.get(HEADER_LEN..).unwrap_or_default();
        into.push(read(kind, length as u32, body));
        self.held.clear();
    }
}

fn length(header: [u8; HEADER_LEN]) -> usize {
    let [_, a, b, c] = header;
    u32::from_be_bytes([0, a, b, c]) as usize
}

/// Whether bytes can be the start of a handshake message, so that they are not encrypted.
pub(super) fn is_plausible(content: &[u8]) -> bool {
    let Some(header) = content.first_chunk::<HEADER_LEN>() else {
        return false;
    };
    HandshakeType(header[0]).name().is_some() && length(*header) <= MAX_BODY
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        let mut bytes = (body.len() as u32).to_be_bytes().to_vec();
        bytes[0] = kind;
        bytes.extend_from_slice(body);
        bytes
    }

    fn hello() -> Vec<u8> {
        let mut body = vec![3, 3];
        body.extend([7; 32]);
        body.extend([1, 0x55]);
        body.extend([0, 4, 0x13, 0x01, 0xc0, 0x2f]);
        body.extend([1, 0]);
        let name = b"\x00\x00\x00\x0c\x00\x0a\x00\x00\x07example";
        let versions = b"\x00\x2b\x00\x05\x04\x03\x04\x03\x03";
        body.extend(((name.len() + versions.len()) as u16).to_be_bytes());
        body.extend(name);
        body.extend(versions);
        message(1, &body)
    }

    #[test]
    fn reads_a_client_hello() {
        let mut found = Vec::new();
        Assembler::default().push(&hello(), &mut found);
        let [
            Handshake {
                body: Body::ClientHello(hello),
                ..
            },
        ] = &found[..]
        else {
            panic!("{found:?}");
        };
        assert_eq!(hello.random, [7; 32]);
        assert_eq!(hello.server_name.as_deref(), Some("example"));
        assert_eq!(hello.suites, [CipherSuite(0x1301), CipherSuite(0xc02f)]);
        assert_eq!(hello.supported_versions, [Version::TLS13, Version::TLS12]);
        assert_eq!(hello.extensions, [0, 43]);
    }

    #[test]
    fn a_large_message_is_passed_over() {
        let mut bytes = message(11, &vec![1; MAX_BODY + 1]);
        bytes.extend(message(14, &[]));
        let (mut found, mut assembler) = (Vec::new(), Assembler::default());
        for part in bytes.chunks(10_000) {
            assembler.push(part, &mut found);
            assert!(assembler.held.len() <= MAX_BODY + HEADER_LEN);
        }
        let kinds: Vec<_> = found.iter().map(|message| message.kind.0).collect();
        assert_eq!(kinds, [11, 14]);
        assert!(!assembler.is_inside());
    }

    proptest! {
        #[test]
        fn messages_begin_and_end_anywhere(
            parts in proptest::collection::vec(1..40usize, 1..60),
            bodies in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..70), 0..6),
        ) {
            let mut bytes = hello();
            for body in &bodies {
                bytes.extend(message(4, body));
            }
            let (mut whole, mut found) = (Vec::new(), Vec::new());
            Assembler::default().push(&bytes, &mut whole);
            let (mut assembler, mut rest) = (Assembler::default(), &bytes[..]);
            for len in parts.into_iter().chain([bytes.len()]) {
                let (part, behind) = rest.split_at(len.min(rest.len()));
                assembler.push(part, &mut found);
                rest = behind;
            }
            prop_assert_eq!(whole.len(), bodies.len() + 1);
            prop_assert_eq!(whole, found);
        }

        #[test]
        fn any_bytes_are_survived(
            kind in 0..5u8,
            mut bytes in proptest::collection::vec(any::<u8>(), 0..300),
        ) {
            let mut found = Vec::new();
            Assembler::default().push(&bytes, &mut found);
            bytes.truncate(200);
            Assembler::default().push(&message(kind, &bytes), &mut found);
        }
    }
}
