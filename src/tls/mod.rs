//! Decrypts TLS connections with logged secrets: TLS 1.3 (RFC 8446) and 1.2 (RFC 5246).
//!
//! Input: each side's bytes in order, gaps, and secrets from key logs, which may come before or after the records that need
//! them. Output, as [`Event`]s: every record, with its content if that is not encrypted or could be decrypted; what was lost;
//! and why something cannot be decrypted. Positions are offsets in a side's bytes, not frames. It checks only what decryption
//! needs: it observes a connection and is no end of it.

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

/// What a connection's bytes bring.
#[derive(Debug, Clone, Copy)]
pub enum Event<'a> {
    /// A record.
    Record(Record<'a>),
    /// Content of records was lost: not captured, or damaged.
    Lost {
        /// Who sent it.
        from: Side,
        /// Offset in the sender's bytes where the first of the records begins.
        at: u64,
        /// Bytes of content, as far as they can be told: handshake messages and alerts among them
        /// count too.
        bytes: u64,
    },
    /// Something is to be said about the connection: of what keeps it from being decrypted the first,
    /// and each other kind once.
    Problem {
        /// In whose bytes it showed.
        from: Side,
        /// What it is.
        problem: Problem,
    },
}

/// Whether a record was protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protected {
    /// It was not.
    No,
    /// It was, and is decrypted.
    Opened,
    /// It is, and waits for secrets: it may come again.
    Waiting,
    /// It is, and stays so.
    Sealed,
}

/// A record.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    /// Who sent it.
    pub from: Side,
    /// Offset in the sender's bytes of its header.
    pub at: u64,
    /// Its header.
    pub header: Header,
    /// Whether it was protected.
    pub protected: Protected,
    /// What it holds; where it is sealed, what the header says.
    pub content: ContentType,
    /// The content where it is plain or decrypted; without padding and tag.
    pub text: &'a [u8],
    /// Offset in the sender's bytes of the content: byte `n` of it stands, encrypted, at
    /// `text_at + n`.
    pub text_at: u64,
    /// The handshake messages that are whole with this record.
    pub messages: &'a [Handshake],
    /// Whether it came before, waiting.
    pub repeated: bool,
}

impl Record<'_> {
    /// Bytes of it, header and all.
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
