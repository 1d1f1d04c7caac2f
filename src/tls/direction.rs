//! State of one direction of a connection: the keys of its records, and the records that wait.

use std::collections::VecDeque;

use zeroize::Zeroize;

use super::cipher::Opener;
use super::framing::Missed;
use super::handshake::Assembler;
use super::keylog::Secret;
use super::record::{ContentType, Header};
use super::suite::Protection;

/// Bytes of memory that a waiting record takes besides its body, approximately.
const OVERHEAD: usize = 96;

/// The kind of secrets that protect a direction's next records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) enum Phase {
    /// None: the records are not encrypted.
    #[default]
    Clear,
    /// TLS 1.3: secret of the client's 0-RTT data.
    Early,
    /// TLS 1.3: handshake secret.
    Handshake,
    /// TLS 1.3: secret of application data.
    Traffic,
    /// TLS 1.2: master secret, after ChangeCipherSpec.
    Master,
}

/// The keys of a direction's records.
pub(super) struct Keys {
    pub opener: Opener,
    /// Sequence number of the next record.
    pub sequence: u64,
    /// The traffic secret or master secret that the keys were derived from.
    pub secret: Secret,
    pub protection: Protection,
}

/// An item that waits for secrets.
pub(super) enum Item {
    Record(Waiting),
    /// Records that were missed.
    Gap(Missed),
}

/// A record that waits.
pub(super) struct Waiting {
    /// Offset of the record in the direction's bytes.
    pub at: u64,
    pub header: Header,
    pub body: Vec<u8>,
    /// Its number among the records of both directions.
    pub order: u64,
}

impl Waiting {
    pub fn memory(&self) -> usize {
        self.body.len() + OVERHEAD
    }

    /// What is missed if the record is dropped.
    pub fn missed(&self) -> Missed {
        let counted = u64::from(self.header.content != ContentType::CHANGE_CIPHER_SPEC);
        Missed {
            least: counted,
            most: counted,
            from: self.at,
        }
    }
}

/// A record that could not be decrypted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unopened {
    /// Offset of the record in the direction's bytes.
    pub at: u64,
    /// Whether all records before it were seen: then it is damaged, or the secrets are wrong.
    pub in_step: bool,
}

/// State of one direction.
#[derive(Default)]
pub(super) struct TlsDirection {
    pub phase: Phase,
    pub keys: Option<Keys>,
    /// Records that may have been missed since the last decrypted one.
    pub missed: Option<Missed>,
    pub assembler: Assembler,
    /// Whether a ChangeCipherSpec came while records were not encrypted.
    pub change_cipher_spec: bool,
    /// Number of consecutive records that could not be decrypted.
    pub failures: u32,
    /// Bytes of decryption attempts that failed.
    pub tried: usize,
    /// The first record that could not be decrypted since the last one that could.
    pub unopened: Option<Unopened>,
    /// Whether decryption was given up.
    pub given_up: bool,
    pub ended: bool,
    pub queue: VecDeque<Item>,
}

impl TlsDirection {
    /// Number, among the records of both directions, of the first record that waits.
    pub fn first_waiting(&self) -> Option<u64> {
        let order = |item: &Item| match item {
            Item::Record(record) => record.order,
            Item::Gap(_) => 0,
        };
        self.queue.front().map(order)
    }

    /// Bytes of memory of all that waits, approximately.
    pub fn waiting(&self) -> usize {
        let memory = |item: &Item| match item {
            Item::Record(record) => record.memory(),
            Item::Gap(_) => OVERHEAD,
        };
        self.queue.iter().map(memory).sum()
    }

    /// Adds records that were missed.
    pub fn miss(&mut self, missed: Missed) {
        self.missed = Some(self.missed.map_or(missed, |before| before.and(missed)));
    }

    /// Begins a phase: the next records are protected by other secrets.
    pub fn begin(&mut self, phase: Phase) {
        self.phase = phase;
        self.keys = None;
    }
}

/// A buffer for decrypted bytes, wiped when dropped.
#[derive(Default)]
pub(super) struct Scratch(pub Vec<u8>);

impl Drop for Scratch {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}
