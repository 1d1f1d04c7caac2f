//! Decrypts TLS connections with logged secrets: TLS 1.3 (RFC 8446) and 1.2 (RFC 5246).
//!
//! Input: each side's bytes in order, gaps, and secrets from key logs, which may come before or after the records that
//! need them. Output, as [`Event`]s: every record, with its content if that is not encrypted or could be decrypted;
//! what was lost; and why something cannot be decrypted. Positions are offsets in a side's bytes, not frames. It checks
//! only what decryption needs, because it observes a connection and is not an endpoint.

mod cipher;
mod decryptor;
mod direction;
mod framing;
mod handshake;
mod keylog;
mod opening;
mod plan;
mod problem;
mod progress;
mod record;
mod resumption;
mod schedule;
mod session;
mod state;
mod suite;
mod waiting;

use crate::stream::Side;
pub use decryptor::{Decryptor, TlsLimits};
pub use handshake::{Body, ClientHello, Handshake, HandshakeType, ServerHello};
pub use keylog::{KeyLog, Label, Random, Rest, Secret};
pub use problem::Problem;
pub use record::{ContentType, HEADER_LEN, Header, Version};
pub use session::Session;
pub use suite::CipherSuite;

/// Something found in a connection's bytes.
#[derive(Debug, Clone, Copy)]
pub enum Event<'a> {
    /// A record.
    Record(Record<'a>),
    /// Content of records was lost because they were not captured or were damaged.
    Lost {
        /// The sender.
        from: Side,
        /// Offset in the sender's bytes of the first of these records.
        at: u64,
        /// Bytes of content, as far as known. Handshake messages and alerts count as content.
        bytes: u64,
    },
    /// A problem of the connection. Of the problems that prevent decryption only the first is reported; of all others,
    /// each kind once.
    Problem {
        /// The side whose bytes show it.
        from: Side,
        /// The problem.
        problem: Problem,
    },
}

/// Whether a record is encrypted, and whether it could be decrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protected {
    /// Not encrypted.
    No,
    /// Encrypted, and decrypted.
    Opened,
    /// Encrypted, and waiting for secrets. It may be reported again.
    Waiting,
    /// Encrypted, and not decrypted.
    Sealed,
}

/// A record.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    /// The sender.
    pub from: Side,
    /// Offset of its header in the sender's bytes.
    pub at: u64,
    /// Its header.
    pub header: Header,
    /// Whether it is encrypted, and could be decrypted.
    pub protected: Protected,
    /// Type of its content; of a record that is not decrypted, the type in its header.
    pub content: ContentType,
    /// The content if it is plain or decrypted, without padding and authentication tag.
    pub text: &'a [u8],
    /// Offset of the content in the sender's bytes: byte `n` of it is, encrypted, at `text_at + n`.
    pub text_at: u64,
    /// The handshake messages that end with this record.
    pub messages: &'a [Handshake],
    /// Whether it was reported before, as waiting.
    pub repeated: bool,
}

impl Record<'_> {
    /// Length of the record in bytes, header included.
    #[must_use]
    pub const fn record_len(&self) -> usize {
        self.header.record_len()
    }

    const fn sealed(from: Side, at: u64, header: Header) -> Self {
        Self {
            from,
            at,
            header,
            protected: Protected::Sealed,
            content: header.content,
            text: &[],
            text_at: at,
            messages: &[],
            repeated: false,
        }
    }
}

#[cfg(test)]
mod tests;
