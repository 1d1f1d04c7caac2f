//! Lists of what inspecting frames found.

use super::GivenUp;
use super::layer::TlsRecord;
use super::record::Remainder;
use super::resolution::Resolution;
use crate::capture::Timestamp;
use crate::dissect::{Message, Note, Protocol};
use crate::packet::Endpoint;
use crate::protocol::KnownCommand;
use crate::stream::{Side, Totals};

/// A note on a stream that does not belong to a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamNote {
    /// The stream.
    pub stream: u32,
    /// The note.
    pub note: Note,
}

/// What was found with one frame or batch, or at the end.
#[derive(Debug, Default)]
pub(super) struct Collected {
    pub messages: Vec<Message>,
    /// Messages that are only counted.
    pub clean: Vec<CleanMessage>,
    /// Index in its batch of the frame being inspected.
    pub frame: u32,
    /// Whether flows are dropped before that frame, which may be of another lane.
    pub sweeps: bool,
    pub notes: Vec<StreamNote>,
    pub resolutions: Vec<Resolution>,
    pub unasked: Vec<u64>,
    pub flows: Vec<FlowEnd>,
    /// The flows that were opened, if they are numbered later.
    pub opened: Vec<Opened>,
    pub followed: Vec<Piece>,
    pub tls: Vec<TlsRecord>,
}

/// Counts over a whole capture.
#[derive(Debug, Clone, Copy)]
pub(super) struct Whole {
    pub messages: u64,
    pub totals: Totals,
    pub given_up: GivenUp,
}

/// A flow that was opened in one of several lanes, which is numbered when the lanes' results are merged.
#[derive(Debug, Clone, Copy)]
pub(super) struct Opened {
    /// Index in its batch of the frame that opened it.
    pub frame: u32,
    /// Its place, which is the stream's number in [`FlowEnd`] until it is numbered.
    pub place: u32,
    /// Length of [`Collected::flows`] when it was opened: those may have had the same place before.
    pub ended_before: u32,
}

/// A message without notes, in a run that only counts such messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CleanMessage {
    /// Index in its batch of the frame that completed it.
    pub frame: u32,
    /// Its command.
    pub command: KnownCommand,
    /// Whether it says success; `None` for a request.
    pub success: Option<bool>,
}

/// The streams whose reassembled bytes are part of the records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Followed {
    /// None.
    #[default]
    Nothing,
    /// One, by its stream number.
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

/// A part of what one side of a followed stream sent. Parts are in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// The stream.
    pub stream: u32,
    /// The side that sent it.
    pub from: Side,
    /// Its bytes, or a gap.
    pub content: Content,
}

/// Content of a part of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// Bytes as their receiver got them.
    Octets {
        /// The bytes.
        octets: Vec<u8>,
        /// Frame that carried the first of them.
        frame: u64,
        /// Offset of the first byte in the packet of `frame`.
        offset: u32,
    },
    /// This many bytes were never captured.
    Gap(u64),
}

/// Final data of a flow, when it is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FlowEnd {
    /// The stream.
    pub stream: u32,
    /// Address and port of client and server.
    pub ends: [Endpoint; 2],
    /// Frames sent by client and server; saturates at `u32::MAX`.
    pub frames: [u32; 2],
    /// Length on the wire of the frames sent by client and server, in bytes.
    pub octets: [u64; 2],
    /// Times of the first and the last frame.
    pub times: [Timestamp; 2],
    /// Its protocol; for decrypted TLS, the protocol inside it.
    pub protocol: Protocol,
    /// The protocol directly above TCP.
    pub on_tcp: Protocol,
}

impl Collected {
    /// Length of all lists together, except the clean messages.
    #[inline]
    pub fn len(&self) -> usize {
        self.resolutions.len() + self.rest_len()
    }

    /// The same without resolutions.
    #[inline]
    pub fn rest_len(&self) -> usize {
        self.messages.len()
            + self.notes.len()
            + self.unasked.len()
            + self.flows.len()
            + self.followed.len()
            + self.tls.len()
    }

    /// What the end of a capture brings, if it is in these lists, with these counts over the whole capture.
    pub fn remainder(&self, whole: Whole) -> Remainder<'_> {
        Remainder {
            messages: &self.messages,
            notes: &self.notes,
            first_message: whole.messages - self.messages.len() as u64,
            resolutions: &self.resolutions,
            unasked: &self.unasked,
            ended_flows: &self.flows,
            followed: &self.followed,
            tls: &self.tls,
            totals: whole.totals,
            given_up: whole.given_up,
            ..Remainder::default()
        }
    }

    pub fn clear(&mut self) {
        self.messages.clear();
        self.clean.clear();
        self.notes.clear();
        self.resolutions.clear();
        self.unasked.clear();
        self.flows.clear();
        self.opened.clear();
        self.followed.clear();
        self.tls.clear();
    }
}
