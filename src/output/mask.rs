//! Which octets of a packet are, or may be, part of a password.

use std::fmt::Write as _;
use std::ops::Range;

use crate::dissect::{Message, Protocol};
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
            messages: if show_passwords { &[] } else { record.messages },
            number: record.frame.number,
            payload,
            masks_unknown: uncertain && !show_passwords,
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
                return match message.command().kind() {
                    Some(Kind::Request) => PASSWORD.range().contains(&in_message),
                    Some(Kind::Response) => false,
                    // What it is, is not known; where a password stands in a request is hidden.
                    None => in_message >= PASSWORD.offset,
                };
            }
        }
        self.masks_unknown
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
