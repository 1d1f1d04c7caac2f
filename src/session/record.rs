//! The record of one frame.

use super::found::{FlowEnd, Piece, StreamNote};
use super::layer::TlsRecord;
use super::{GivenUp, Resolution};
use crate::capture::Frame;
use crate::dissect::{Message, Protocol};
use crate::packet::{Datagram, Packet, Segment};
use crate::stream::{Placement, Totals};
use crate::text::secret::Secrets;

/// A frame with everything that was found in it. Valid until the next frame is pushed.
#[derive(Debug, Clone, Copy)]
pub struct FrameRecord<'a> {
    /// The frame.
    pub frame: Frame<'a>,
    /// What it carries. A fragment that completed its datagram carries the datagram's segment.
    pub packet: &'a Packet,
    /// The datagram that this fragment completed; the packet's offsets then count in it.
    pub datagram: Option<&'a Datagram>,
    /// The place of its segment in a stream.
    pub placement: Option<&'a Placement>,
    /// Its stream's protocol, as far as it is known so far.
    pub protocol: Protocol,
    /// The protocol right above TCP: TLS if that was decrypted.
    pub on_tcp: Protocol,
    /// The messages that became available with this frame, in order.
    pub messages: &'a [Message],
    /// Notes on streams that belong to no message.
    pub notes: &'a [StreamNote],
    /// Number of the first of `messages` among all of the run, from 0.
    pub first_message: u64,
    /// What became of requests.
    pub resolutions: &'a [Resolution],
    /// Numbers of responses for which no request came after all.
    pub unasked: &'a [u64],
    /// Flows that were dropped.
    pub ended_flows: &'a [FlowEnd],
    /// What became available of the streams that are followed.
    pub followed: &'a [Piece],
    /// The TLS records that became available with this frame, of streams that may be decrypted.
    pub tls: &'a [TlsRecord],
}

/// What the end of a capture brings, or a time without frames.
#[derive(Debug, Clone, Copy, Default)]
pub struct Remainder<'a> {
    /// Messages that are cut off, by stream.
    pub messages: &'a [Message],
    /// Notes on streams that belong to no message.
    pub notes: &'a [StreamNote],
    /// Number of the first of `messages` among all of the run, from 0.
    pub first_message: u64,
    /// What became of requests.
    pub resolutions: &'a [Resolution],
    /// Numbers of responses for which no request came after all.
    pub unasked: &'a [u64],
    /// Flows that were open.
    pub ended_flows: &'a [FlowEnd],
    /// What became available of the streams that are followed.
    pub followed: &'a [Piece],
    /// TLS records that became available.
    pub tls: &'a [TlsRecord],
    /// Counts over all flows.
    pub totals: Totals,
    /// What was given up because a bound was reached.
    pub given_up: GivenUp,
    /// How the pass ended.
    pub ending: Ending,
    /// Frames handed over before the end.
    pub frames: u64,
}

/// How a pass over frames ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ending {
    /// With the capture, or where it was asked to.
    #[default]
    Whole,
    /// Early: a signal ended it.
    Interrupted,
    /// With damage, behind which nothing could be read.
    Damaged,
}

impl<'a> FrameRecord<'a> {
    /// The bytes that the packet's offsets count in.
    #[must_use]
    pub fn packet_octets(&self) -> &'a [u8] {
        match self.datagram {
            Some(datagram) => &datagram.payload,
            None => self.frame.octets,
        }
    }

    /// The TCP segment.
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

    /// What decides which of its bytes may be part of a password.
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

    /// Whether the frame belongs to a watched port, or to a stream on another port that turned
    /// out to have messages.
    #[must_use]
    pub fn is_watched(&self) -> bool {
        self.protocol.has_messages() || self.placement.is_some_and(|placement| placement.watched)
    }
}
