//! The record of one frame.

use super::found::{FlowEnd, Piece, StreamNote};
use super::layer::TlsRecord;
use super::{GivenUp, Resolution};
use crate::capture::Frame;
use crate::dissect::{Message, Protocol};
use crate::packet::{Datagram, Packet, Segment};
use crate::stream::{Placement, Totals};
use crate::text::secret::Secrets;

/// A frame and everything that was found in it. Valid until the next frame is pushed.
#[derive(Debug, Clone, Copy)]
pub struct FrameRecord<'a> {
    /// The frame.
    pub frame: Frame<'a>,
    /// What it carries. For a fragment that completed a datagram, that is the datagram's segment.
    pub packet: &'a Packet,
    /// The datagram that this fragment completed. The packet's offsets then refer to the datagram.
    pub datagram: Option<&'a Datagram>,
    /// The place of its segment in a stream.
    pub placement: Option<&'a Placement>,
    /// Its stream's protocol, as far as known; for decrypted TLS, the protocol inside it.
    pub protocol: Protocol,
    /// The protocol directly above TCP.
    pub on_tcp: Protocol,
    /// The messages that became available with this frame, in order.
    pub messages: &'a [Message],
    /// Notes on streams that do not belong to a message.
    pub notes: &'a [StreamNote],
    /// Number of the first of `messages` among all messages of the run, from 0.
    pub first_message: u64,
    /// Requests that were resolved.
    pub resolutions: &'a [Resolution],
    /// Numbers of responses for which no request came.
    pub unasked: &'a [u64],
    /// Flows that were dropped.
    pub ended_flows: &'a [FlowEnd],
    /// New parts of followed streams.
    pub followed: &'a [Piece],
    /// The TLS records that became available with this frame, of streams that may be decrypted.
    pub tls: &'a [TlsRecord],
}

/// What the end of a capture brings, or a time without frames.
#[derive(Debug, Clone, Copy, Default)]
pub struct Remainder<'a> {
    /// Messages that were cut off, by stream.
    pub messages: &'a [Message],
    /// Notes on streams that do not belong to a message.
    pub notes: &'a [StreamNote],
    /// Number of the first of `messages` among all messages of the run, from 0.
    pub first_message: u64,
    /// Requests that were resolved.
    pub resolutions: &'a [Resolution],
    /// Numbers of responses for which no request came.
    pub unasked: &'a [u64],
    /// Flows that were still open.
    pub ended_flows: &'a [FlowEnd],
    /// New parts of followed streams.
    pub followed: &'a [Piece],
    /// TLS records that became available.
    pub tls: &'a [TlsRecord],
    /// Counts over all flows.
    pub totals: Totals,
    /// What was given up because a limit was reached.
    pub given_up: GivenUp,
    /// How the pass ended.
    pub ending: Ending,
    /// Frames processed before the end.
    pub frames: u64,
}

/// How a pass over frames ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ending {
    /// With the capture, or at a requested limit.
    #[default]
    Whole,
    /// Early: a signal ended it.
    Interrupted,
    /// With damage after which nothing could be read.
    Damaged,
}

impl<'a> FrameRecord<'a> {
    /// The bytes that the packet's offsets refer to.
    #[must_use]
    pub fn packet_octets(&self) -> &'a [u8] {
        match self.datagram {
            Some(datagram) => &datagram.payload,
            None => self.frame.octets,
        }
    }

    /// The TCP segment; `None` if there is none.
    #[must_use]
    pub const fn segment(&self) -> Option<&'a Segment> {
        match self.packet {
            Packet::Tcp(segment) => Some(segment),
            _ => None,
        }
    }

    /// The captured TCP payload; empty if there is none.
    #[must_use]
    pub fn payload(&self) -> &'a [u8] {
        self.segment()
            .map(|segment| segment.payload(self.packet_octets()))
            .unwrap_or_default()
    }

    /// What is needed to decide which of its bytes may belong to a password.
    #[must_use]
    pub const fn secrets(&self, show_passwords: bool) -> Secrets<'a> {
        Secrets {
            frame: self.frame,
            packet: self.packet,
            datagram: self.datagram,
            messages: self.messages,
            protocol: self.on_tcp,
            show_passwords,
        }
    }

    /// Whether the frame is on a watched port, or of a stream on another port that turned out to have messages.
    #[must_use]
    pub fn is_watched(&self) -> bool {
        is_watched(self.protocol, self.placement)
    }
}

/// [`FrameRecord::is_watched`] for a frame of a stream with this protocol and with this placement.
#[inline]
pub(super) fn is_watched(protocol: Protocol, placement: Option<&Placement>) -> bool {
    protocol.has_messages() || placement.is_some_and(|placement| placement.watched)
}
