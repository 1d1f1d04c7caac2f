//! What frames bring, in lists by kind.

use super::layer::TlsRecord;
use super::resolution::Resolution;
use crate::capture::Timestamp;
use crate::dissect::{Message, Note, Protocol};
use crate::packet::Endpoint;
use crate::protocol::Command;
use crate::stream::Side;

/// A note on a stream that belongs to no message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamNote {
    /// The stream.
    pub stream: u32,
    /// The note.
    pub note: Note,
}

/// What one frame, or the end, brought.
#[derive(Debug, Default)]
pub(super) struct Collected {
    pub messages: Vec<Message>,
    /// Those that are only counted.
    pub clean: Vec<CleanMessage>,
    /// The frame that is inspected, of its batch, from 0.
    pub frame: u32,
    pub notes: Vec<StreamNote>,
    pub resolutions: Vec<Resolution>,
    pub unasked: Vec<u64>,
    pub flows: Vec<FlowEnd>,
    pub followed: Vec<Piece>,
    pub tls: Vec<TlsRecord>,
}

/// A message without notes, if it is only counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CleanMessage {
    /// The frame of its batch that it is whole with, from 0.
    pub frame: u32,
    /// Its command, which is known.
    pub command: Command,
    /// What a response says.
    pub status: Option<u8>,
}

/// The streams whose reassembled bytes come with the records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Followed {
    /// None.
    #[default]
    Nothing,
    /// One, by its number.
    Stream(u32),
    /// All.
    All,
}

impl Followed {
    /// Whether a stream is one of them.
    #[inline]
    #[must_use]
    pub fn has(self, stream: u32) -> bool {
        match self {
            Self::Nothing => false,
            Self::Stream(only) => only == stream,
            Self::All => true,
        }
    }
}

/// A part of what one side of a followed stream sent, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// The stream.
    pub stream: u32,
    /// Which side sent it.
    pub from: Side,
    /// What there is of it.
    pub content: Content,
}

/// What there is of a part of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// Bytes as their receiver got them.
    Octets {
        /// The bytes.
        octets: Vec<u8>,
        /// Frame that carried them.
        frame: u64,
        /// Offset of the first byte in that frame's packet.
        offset: u32,
    },
    /// This many bytes were never captured.
    Gap(u64),
}

/// What is known of a flow when it is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FlowEnd {
    /// The stream.
    pub stream: u32,
    /// Client and server.
    pub ends: [Endpoint; 2],
    /// Frames sent by client and server; what a `u32` cannot count is not counted.
    pub frames: [u32; 2],
    /// Bytes on the wire sent by client and server.
    pub octets: [u64; 2],
    /// Times of the first and the last frame.
    pub times: [Timestamp; 2],
    /// What it spoke.
    pub protocol: Protocol,
    /// What it spoke right above TCP: TLS where that was decrypted.
    pub on_tcp: Protocol,
}

impl Collected {
    /// How much there is of what frames are told of with: all but the clean messages.
    #[inline]
    pub fn len(&self) -> usize {
        self.resolutions.len() + self.rest_len()
    }

    /// The same without what became of requests.
    #[inline]
    pub fn rest_len(&self) -> usize {
        self.messages.len()
            + self.notes.len()
            + self.unasked.len()
            + self.flows.len()
            + self.followed.len()
            + self.tls.len()
    }

    pub fn clear(&mut self) {
        self.messages.clear();
        self.clean.clear();
        self.notes.clear();
        self.resolutions.clear();
        self.unasked.clear();
        self.flows.clear();
        self.followed.clear();
        self.tls.clear();
    }
}
