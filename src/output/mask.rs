//! Which octets of a packet are, or may be, part of a password.

use std::fmt::Write as _;
use std::ops::Range;

use crate::dissect::{Message, Protocol};
use crate::packet::Packet;
use crate::protocol::Kind;
use crate::protocol::layout::PASSWORD;
use crate::session::FrameRecord;

/// Says of octets of one frame's packet whether they are to be masked.
///
/// Of a message that is whole in this frame, the password's octets are known. Octets of the
/// payload that belong to no message yet (the rest comes later, or they are sent again) may be
/// part of a password, and are masked all of them unless the stream is of another protocol.
#[derive(Debug)]
pub struct Mask<'a> {
    messages: &'a [Message],
    number: u64,
    payload: Range<usize>,
    masks_unknown: bool,
    shows: bool,
}

impl<'a> Mask<'a> {
    /// The mask of a record's packet octets; nothing is masked where passwords are shown.
    #[must_use]
    pub fn new(record: &FrameRecord<'a>, show_passwords: bool) -> Self {
        let payload = record.segment().map_or(0..0, |segment| {
            let start = segment.payload_start as usize;
            start..start + segment.payload_captured as usize
        });
        // A stream whose protocol is not certain yet may turn out to be RegLogin.
        let uncertain = matches!(
            record.protocol,
            Protocol::RegLogin | Protocol::Unknown | Protocol::Data
        );
        Self {
            messages: record.messages,
            number: record.frame.number,
            payload,
            masks_unknown: uncertain && !show_passwords,
            shows: show_passwords,
        }
    }

    /// Whether the octet at this offset in the packet is masked.
    #[must_use]
    pub fn hides(&self, at: usize) -> bool {
        if !self.payload.contains(&at) {
            return false;
        }
        for message in self.messages {
            for source in message
                .sources
                .iter()
                .filter(|source| source.frame == self.number)
            {
                let start = source.offset as usize;
                if !(start..start + usize::from(source.len)).contains(&at) {
                    continue;
                }
                let in_message = usize::from(source.start) + at - start;
                return !self.shows && hides_in_message(message, in_message);
            }
        }
        self.masks_unknown
    }
}

/// Whether an octet of a message is masked.
#[must_use]
pub fn hides_in_message(message: &Message, at: usize) -> bool {
    match message.command().kind() {
        Some(Kind::Request) => PASSWORD.range().contains(&at),
        Some(Kind::Response) => false,
        // What it is, is not known; where a password stands in a request is hidden.
        None => at >= PASSWORD.offset,
    }
}

/// Says of a frame's own octets whether they are to be masked. They differ from its packet's
/// where the packet was put together from IP fragments.
#[derive(Debug)]
pub enum FrameMask<'a> {
    /// The frame holds its packet.
    Packet(Mask<'a>),
    /// It holds a fragment, whose payload is hidden from this octet on.
    Fragment(usize),
}

impl<'a> FrameMask<'a> {
    /// The mask of a record's frame; nothing is masked where passwords are shown.
    #[must_use]
    pub fn new(record: &FrameRecord<'a>, show_passwords: bool) -> Self {
        let ip = match (record.packet, record.datagram) {
            (_, Some(datagram)) => &datagram.ip,
            (Packet::Fragment(ip), None) => ip,
            _ => return Self::Packet(Mask::new(record, show_passwords)),
        };
        let payload = (ip.start + ip.header_len) as usize;
        Self::Fragment(if show_passwords { usize::MAX } else { payload })
    }

    /// Whether the octet at this offset in the frame is masked.
    #[must_use]
    pub fn hides(&self, at: usize) -> bool {
        match self {
            Self::Packet(mask) => mask.hides(at),
            Self::Fragment(from) => at >= *from,
        }
    }
}

/// Appends the payload in hexadecimal, `**` for each octet that is masked.
pub fn write_hex(out: &mut String, record: &FrameRecord<'_>, show_passwords: bool) {
    let mask = Mask::new(record, show_passwords);
    let start = mask.payload.start;
    for (index, octet) in record.payload().iter().enumerate() {
        if mask.hides(start + index) {
            out.push_str("**");
        } else {
            let _ = write!(out, "{octet:02x}");
        }
    }
}
