//! Secrets of TLS connections from key logs in the NSS key log format (RFC 9850).
//!
//! A line is `<label> <client random> <secret>`, the latter two in hexadecimal. Other lines are skipped and counted. A
//! line without its end may still be incomplete, and waits for its end.

#![expect(
    clippy::cast_possible_truncation,
    reason = "secrets of at most 64 bytes, and digits"
)]

use std::collections::HashMap;
use std::fmt;

use smallvec::SmallVec;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// Most bytes of a secret: the length of SHA-384 in TLS 1.3, or of a master secret in TLS 1.2.
pub const MAX_SECRET: usize = 48;

/// Most bytes of a line that are read. Longer lines have no secret of a known label.
const MAX_LINE: usize = 1024;

/// Most secrets with one label that are kept of a connection.
const MAX_SECRETS_PER_LABEL: usize = 4;

/// Most connections whose secrets are kept, at up to 400 bytes each.
const MAX_CONNECTIONS: usize = 1 << 20;

/// The client random: the random number in a ClientHello, which identifies a connection in key logs.
pub type Random = [u8; 32];

/// Purpose of a secret in a key log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Label {
    /// The master secret of TLS 1.2 and earlier.
    ClientRandom,
    /// TLS 1.3: protects 0-RTT data.
    ClientEarlyTrafficSecret,
    /// TLS 1.3: protects the client's handshake messages.
    ClientHandshakeTrafficSecret,
    /// TLS 1.3: protects the server's handshake messages.
    ServerHandshakeTrafficSecret,
    /// TLS 1.3: protects the client's data until its first key update.
    ClientTrafficSecret,
    /// TLS 1.3: protects the server's data until its first key update.
    ServerTrafficSecret,
}

impl Label {
    /// All labels.
    pub const ALL: [Self; 6] = [
        Self::ClientRandom,
        Self::ClientEarlyTrafficSecret,
        Self::ClientHandshakeTrafficSecret,
        Self::ServerHandshakeTrafficSecret,
        Self::ClientTrafficSecret,
        Self::ServerTrafficSecret,
    ];

    /// The label in a key log.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ClientRandom => "CLIENT_RANDOM",
            Self::ClientEarlyTrafficSecret => "CLIENT_EARLY_TRAFFIC_SECRET",
            Self::ClientHandshakeTrafficSecret => "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
            Self::ServerHandshakeTrafficSecret => "SERVER_HANDSHAKE_TRAFFIC_SECRET",
            Self::ClientTrafficSecret => "CLIENT_TRAFFIC_SECRET_0",
            Self::ServerTrafficSecret => "SERVER_TRAFFIC_SECRET_0",
        }
    }
}

/// A secret of at most `MAX_SECRET` bytes. It is wiped from memory when dropped, and never shown.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct Secret {
    bytes: [u8; MAX_SECRET],
    len: u8,
}

impl Secret {
    /// A secret of these bytes; `None` if there are none or too many.
    #[must_use]
    pub fn new(from: &[u8]) -> Option<Self> {
        let mut bytes = [0; MAX_SECRET];
        bytes.get_mut(..from.len())?.copy_from_slice(from);
        (!from.is_empty()).then_some(Self {
            bytes,
            len: from.len() as u8,
        })
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({} bytes)", self.len)
    }
}

type Secrets = SmallVec<[(Label, Secret); 1]>;

/// Secrets by client random.
#[derive(Debug, Default)]
pub struct KeyLog {
    connections: HashMap<Random, Secrets>,
    /// Number of secrets added so far.
    added: u64,
    ignored: u64,
}

/// The incomplete line at the end of a portion of a key log. The next portion continues it.
#[derive(Debug, Default)]
pub struct Rest(Zeroizing<Vec<u8>>);

impl KeyLog {
    /// Reads a portion of a key log. The last line, if its end is missing, is kept in `rest` for the next portion.
    pub fn read(&mut self, portion: &[u8], rest: &mut Rest) {
        let mut lines = portion.split(|byte| *byte == b'\n');
        // `split` returns at least one piece, and the last piece has no line end.
        let last = lines.next_back().unwrap_or_default();
        for line in lines {
            if rest.0.is_empty() {
                self.line(line);
            } else {
                rest.add(line);
                self.line(&rest.0);
                rest.0.zeroize();
            }
        }
        rest.add(last);
    }

    /// Reads a complete key log. Its last line counts even without a line end.
    pub fn read_all(&mut self, text: &[u8]) {
        for line in text.split(|byte| *byte == b'\n') {
            self.line(line);
        }
    }

    /// Reads the last line of a file that may still grow, if it is complete except for its line end. It will be read
    /// again with its end, which changes nothing.
    pub fn read_last(&mut self, rest: &Rest) {
        let before = self.ignored;
        self.line(&rest.0);
        self.ignored = before;
    }

    /// Number of secrets added so far. If it changes, waiting records can be tried again.
    #[must_use]
    pub const fn added(&self) -> u64 {
        self.added
    }

    /// Number of lines that are neither a secret nor a comment.
    #[must_use]
    pub const fn ignored(&self) -> u64 {
        self.ignored
    }

    /// Whether there are no secrets.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.connections.is_empty()
    }

    /// Whether there are secrets of this connection.
    #[must_use]
    pub fn knows(&self, random: &Random) -> bool {
        self.connections.contains_key(random)
    }

    /// The secrets of a connection with this label, in the order of the log.
    pub(super) fn secrets(&self, random: &Random, label: Label) -> impl Iterator<Item = &Secret> {
        let all = self.connections.get(random).into_iter().flatten();
        all.filter(move |(other, _)| *other == label)
            .map(|(_, secret)| secret)
    }

    /// All secrets with this label, each with its connection.
    pub(super) fn all(&self, label: Label) -> impl Iterator<Item = (&Random, &Secret)> {
        self.connections.iter().flat_map(move |(random, secrets)| {
            let of_label = secrets.iter().filter(move |(other, _)| *other == label);
            of_label.map(move |(_, secret)| (random, secret))
        })
    }

    /// Appends the lines of a connection in key log format.
    pub fn write(&self, random: &Random, into: &mut Zeroizing<Vec<u8>>) {
        for (label, secret) in self.connections.get(random).into_iter().flatten() {
            into.extend_from_slice(label.name().as_bytes());
            into.push(b' ');
            hex(random, into);
            into.push(b' ');
            hex(secret.bytes(), into);
            into.push(b'\n');
        }
    }

    fn line(&mut self, line: &[u8]) {
        let mut words = line
            .split(|byte| matches!(byte, b' ' | b'\t' | b'\r'))
            .filter(|word| !word.is_empty());
        let Some(label) = words.next() else { return };
        // Some editors write a byte-order mark.
        let label = label.strip_prefix(b"\xef\xbb\xbf").unwrap_or(label);
        if label.is_empty() || label.starts_with(b"#") {
            return;
        }
        let known = Label::ALL
            .into_iter()
            .find(|known| known.name().as_bytes() == label);
        // Secrets that protect no records, such as EXPORTER_SECRET.
        let is_label = |byte: &u8| byte.is_ascii_uppercase() || matches!(byte, b'0'..=b'9' | b'_');
        if known.is_none() && label.iter().all(is_label) {
            return;
        }
        let added = known.and_then(|label| {
            let mut random = Random::default();
            let mut secret = Zeroizing::new([0; MAX_SECRET]);
            let read = unhex(words.next()?, &mut random)?;
            let len = unhex(words.next()?, &mut *secret)?;
            if read != random.len() || words.next().is_some() || !fits(label, len) {
                return None;
            }
            self.add(random, label, &Secret::new(&secret[..len])?);
            Some(())
        });
        if added.is_none() {
            self.ignored += 1;
        }
    }

    /// Adds all secrets of another key log.
    pub fn extend(&mut self, other: &Self) {
        for (random, secrets) in &other.connections {
            for (label, secret) in secrets {
                self.add(*random, *label, secret);
            }
        }
    }

    /// Adds a secret, unless it is there already or there are too many.
    pub fn add(&mut self, random: Random, label: Label, secret: &Secret) {
        let full = self.connections.len() >= MAX_CONNECTIONS;
        if full && !self.knows(&random) {
            return;
        }
        let secrets = self.connections.entry(random).or_default();
        let same = || secrets.iter().filter(|(other, _)| *other == label);
        if same().count() < MAX_SECRETS_PER_LABEL && !same().any(|(_, other)| other == secret) {
            secrets.push((label, secret.clone()));
            self.added += 1;
        }
    }
}

impl Rest {
    fn add(&mut self, part: &[u8]) {
        // Only one byte more than a valid line is kept, which shows that the line is too long.
        let room = (MAX_LINE + 1).saturating_sub(self.0.len());
        // Allocated at once: a growing vector leaves copies behind that would not be wiped.
        if self.0.capacity() == 0 {
            self.0.reserve_exact(MAX_LINE + 1);
        }
        self.0.extend_from_slice(&part[..part.len().min(room)]);
    }
}

/// Whether a secret with this label can have this length in bytes.
const fn fits(label: Label, len: usize) -> bool {
    match label {
        Label::ClientRandom => len == 48,
        _ => len == 32 || len == 48,
    }
}

fn hex(bytes: &[u8], into: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        into.push(DIGITS[usize::from(byte >> 4)]);
        into.push(DIGITS[usize::from(byte & 15)]);
    }
}

/// Decodes hexadecimal digits into `into`, and returns the number of bytes; `None` if they are invalid or too many.
fn unhex(digits: &[u8], into: &mut [u8]) -> Option<usize> {
    let (pairs, odd) = digits.as_chunks::<2>();
    if !odd.is_empty() || pairs.len() > into.len() {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16);
    for (byte, pair) in into.iter_mut().zip(pairs) {
        *byte = (digit(pair[0])? << 4 | digit(pair[1])?) as u8;
    }
    Some(pairs.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const A: Random = [0xab; 32];

    fn line(label: &str, random: &Random, secret: &[u8]) -> String {
        let mut text = format!("{label} ").into_bytes();
        hex(random, &mut text);
        text.push(b' ');
        hex(secret, &mut text);
        String::from_utf8(text).unwrap()
    }

    fn secrets(log: &KeyLog, label: Label) -> Vec<Vec<u8>> {
        log.secrets(&A, label).map(|s| s.bytes().to_vec()).collect()
    }

    #[test]
    fn reads_what_programs_write() {
        let mut log = KeyLog::default();
        let text = [
            "# SSL/TLS secrets log file, generated by OpenSSL".to_owned(),
            String::new(),
            line("CLIENT_RANDOM", &A, &[1; 48]).to_uppercase(),
            line("CLIENT_TRAFFIC_SECRET_0", &A, &[2; 32]) + "\r",
            line("CLIENT_TRAFFIC_SECRET_0", &A, &[2; 32]),
            line("CLIENT_TRAFFIC_SECRET_0", &A, &[3; 32]),
            line("EXPORTER_SECRET", &A, &[3; 32]),
            line("CLIENT_TRAFFIC_SECRET_0", &A, &[3; 31]),
            line("CLIENT_TRAFFIC_SECRET_0", &A, &[3; 32]) + " 00",
            "CLIENT_RANDOM zz yy".to_owned(),
        ]
        .join("\n");
        log.read_all(text.as_bytes());
        assert_eq!(secrets(&log, Label::ClientRandom), [[1; 48]]);
        let traffic = [vec![2; 32], vec![3; 32]];
        assert_eq!(secrets(&log, Label::ClientTrafficSecret), traffic);
        assert_eq!(log.added(), 3);
        assert_eq!(log.ignored(), 3);
    }

    #[test]
    fn a_line_counts_without_its_end_and_once() {
        let (mut log, mut rest) = (KeyLog::default(), Rest::default());
        let whole = line("SERVER_TRAFFIC_SECRET_0", &A, &[7; 48]);
        let (first, last) = whole.split_at(100);
        log.read(first.as_bytes(), &mut rest);
        log.read_last(&rest);
        assert_eq!((log.added(), log.ignored()), (0, 0));
        log.read(last.as_bytes(), &mut rest);
        assert_eq!(log.added(), 0);
        log.read_last(&rest);
        assert_eq!(log.added(), 1);
        log.read(b"\r\n", &mut rest);
        assert_eq!((log.added(), log.ignored()), (1, 0));
    }

    #[test]
    fn secrets_are_not_shown() {
        let secret = Secret::new(&[0x5a; 32]).unwrap();
        assert_eq!(format!("{secret:?}"), "Secret(32 bytes)");
    }

    #[test]
    fn writes_what_it_reads() {
        let mut log = KeyLog::default();
        let text = line("CLIENT_RANDOM", &A, &[1; 48]) + "\n";
        log.read_all(text.as_bytes());
        log.read_all(line("CLIENT_RANDOM", &[1; 32], &[2; 48]).as_bytes());
        let mut written = Zeroizing::default();
        log.write(&A, &mut written);
        assert_eq!(*written, text.as_bytes());
    }

    proptest! {
        #[test]
        fn portions_do_not_matter(
            lines in proptest::collection::vec((0..6usize, 0..3u8, any::<bool>()), 0..12),
            noise in "[ -~\n]{0,40}",
            cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..8),
        ) {
            let mut text = noise;
            for (label, random, carriage_return) in lines {
                let label = Label::ALL[label].name();
                text += &line(label, &[random; 32], &[random; 48]);
                text += if carriage_return { "\r\n" } else { "\n" };
            }
            let mut at: Vec<_> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
            at.sort_unstable();
            let (mut whole, mut parts, mut rest) = (KeyLog::default(), KeyLog::default(), Rest::default());
            whole.read_all(text.as_bytes());
            let mut from = 0;
            for to in at.into_iter().chain([text.len()]) {
                parts.read(&text.as_bytes()[from..to], &mut rest);
                from = to;
            }
            parts.read_last(&rest);
            prop_assert_eq!(parts.added(), whole.added());
        }

        #[test]
        fn any_bytes_are_survived(text in proptest::collection::vec(any::<u8>(), 0..3000)) {
            let mut rest = Rest::default();
            let mut log = KeyLog::default();
            log.read(&text, &mut rest);
            log.read_all(&text);
        }
    }
}
