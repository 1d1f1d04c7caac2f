//! Octets of frames with those of passwords masked, so that no comparison and no output tells
//! what they are.

use std::borrow::Cow;
use std::ops::Range;

use crate::dissect::Protocol;
use crate::packet::{Packet, decode};
use crate::protocol::Kind;
use crate::protocol::layout::PASSWORD;
use crate::session::FrameRecord;

/// What stands for an octet that is not shown.
const MASK: u8 = b'*';

/// What offsets count in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whole {
    /// The frame.
    Frame,
    /// The packet: the frame, or the datagram put together from fragments.
    Packet,
}

impl Whole {
    pub fn octets<'a>(self, record: &FrameRecord<'a>) -> &'a [u8] {
        match self {
            Self::Frame => record.frame.octets,
            Self::Packet => record.packet_octets(),
        }
    }
}

/// Octets with every one masked that may be a password's. Known to be none are headers, what
/// RegLogin messages that are complete hold besides it, and what streams of other protocols
/// carry; anything else in a payload may be part of a message that is not complete yet, or a
/// second copy of one.
pub(super) fn masked<'a>(
    record: &FrameRecord<'a>,
    whole: Whole,
    range: Range<usize>,
) -> Cow<'a, [u8]> {
    let octets = whole.octets(record).get(range.clone()).unwrap_or_default();
    let suspect = suspect(record, whole).unwrap_or(usize::MAX);
    let from = suspect.saturating_sub(range.start);
    if from >= octets.len() {
        return Cow::Borrowed(octets);
    }
    let mut seen = octets.to_vec();
    seen[from..].fill(MASK);
    if whole == Whole::Packet || record.datagram.is_none() {
        reveal(record, range.start, octets, &mut seen);
    }
    Cow::Owned(seen)
}

/// From where on a password may stand.
fn suspect(record: &FrameRecord<'_>, whole: Whole) -> Option<usize> {
    if matches!(
        record.protocol,
        Protocol::Smpp | Protocol::Tls | Protocol::Http
    ) {
        return None;
    }
    let frame = record.frame;
    let packet = if whole == Whole::Frame && record.datagram.is_some() {
        decode(frame.header.link, frame.octets, frame.header.wire)
    } else {
        *record.packet
    };
    match packet {
        Packet::Tcp(segment) => Some(segment.payload_start as usize),
        Packet::Fragment(ip) if ip.is_tcp() => Some(ip.payload_start as usize),
        _ => None,
    }
}

/// Shows what complete messages hold besides passwords. `octets` begin at `start` of the packet.
fn reveal(record: &FrameRecord<'_>, start: usize, octets: &[u8], seen: &mut [u8]) {
    for message in record.messages {
        let shown_to = match message.view().kind() {
            Some(Kind::Response) => usize::MAX,
            _ => PASSWORD.offset,
        };
        for source in &message.sources {
            if source.frame != record.frame.number {
                continue;
            }
            for index in 0..usize::from(source.len) {
                let at = (source.offset as usize + index).checked_sub(start);
                if let Some(at) = at
                    && at < seen.len()
                    && usize::from(source.start) + index < shown_to
                {
                    seen[at] = octets[at];
                }
            }
        }
    }
}
