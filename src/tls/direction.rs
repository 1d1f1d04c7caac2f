//! What is known of one direction of a connection: under which keys its records stand, and which of
//! them wait.

use std::collections::VecDeque;

use zeroize::Zeroize;

use super::cipher::Opener;
use super::framing::Missed;
use super::handshake::Assembler;
use super::keylog::Secret;
use super::record::{ContentType, Header};
use super::suite::Protection;

/// Memory that a waiting record takes besides its body, about.
const OVERHEAD: usize = 96;

/// Which secrets protect a direction's records now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) enum Phase {
    /// None.
    #[default]
    Clear,
    /// TLS 1.3: the client's 0-RTT data.
    Early,
    /// TLS 1.3: the handshake.
    Handshake,
    /// TLS 1.3: data.
    Traffic,
    /// TLS 1.2: everything behind ChangeCipherSpec.
    Master,
}

/// The key of a direction's records.
pub(super) struct Keys {
    pub opener: Opener,
    /// Number of the next record.
    pub sequence: u64,
    /// What the keys were made of: a traffic secret or the master secret.
    pub secret: Secret,
    pub protection: Protection,
}

/// Something that waits until secrets come.
pub(super) enum Item {
    Record(Waiting),
    /// Records were missed.
    Gap(Missed),
}

/// A record that waits.
pub(super) struct Waiting {
    /// Offset in the stream.
    pub at: u64,
    pub header: Header,
    pub body: Vec<u8>,
    /// Place in the order in which the records of both directions came.
    pub order: u64,
}

impl Waiting {
    pub fn memory(&self) -> usize {
        self.body.len() + OVERHEAD
    }

    /// What is missed where the record is dropped.
    pub fn missed(&self) -> Missed {
        let counted = u64::from(self.header.content != ContentType::CHANGE_CIPHER_SPEC);
        Missed {
            least: counted,
            most: counted,
            from: self.at,
        }
    }
}

/// A record that could not be opened.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unopened {
    /// Offset in the stream.
    pub at: u64,
    /// Whether everything before it was seen, so that it is damaged or the secrets are wrong.
    pub in_step: bool,
}

/// One direction.
#[derive(Default)]
pub(super) struct TlsDirection {
    pub phase: Phase,
    pub keys: Option<Keys>,
    /// Records that may have been missed since the last one that was in step.
    pub missed: Option<Missed>,
    pub assembler: Assembler,
    /// Whether a ChangeCipherSpec came while records were in clear.
    pub change_cipher_spec: bool,
    /// Records in a row that could not be opened.
    pub failures: u32,
    /// Bytes that were tried in vain.
    pub tried: usize,
    /// The first record that could not be opened, where none was since.
    pub unopened: Option<Unopened>,
    /// Whether nothing more is decrypted.
    pub given_up: bool,
    pub ended: bool,
    pub queue: VecDeque<Item>,
}

impl TlsDirection {
    /// The order of the first record that waits.
    pub fn first_waiting(&self) -> Option<u64> {
        let order = |item: &Item| match item {
            Item::Record(record) => record.order,
            Item::Gap(_) => 0,
        };
        self.queue.front().map(order)
    }

    /// Memory of all that waits, about.
    pub fn waiting(&self) -> usize {
        let memory = |item: &Item| match item {
            Item::Record(record) => record.memory(),
            Item::Gap(_) => OVERHEAD,
        };
        self.queue.iter().map(memory).sum()
    }

    /// Counts records that were missed.
    pub fn miss(&mut self, missed: Missed) {
        self.missed = Some(self.missed.map_or(missed, |before| before.and(missed)));
    }

    /// What comes is protected by other secrets from now on.
    pub fn begin(&mut self, phase: Phase) {
        self.phase = phase;
        self.keys = None;
    }
}

/// Bytes that held what was decrypted.
#[derive(Default)]
pub(super) struct Scratch(pub Vec<u8>);

impl Drop for Scratch {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}
