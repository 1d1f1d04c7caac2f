//! The decoded frames of a batch. Decoding needs no state of other frames, so any thread can do it.

#![expect(
    clippy::cast_possible_truncation,
    reason = "indexes in a batch of half a megabyte"
)]

use crate::capture::{Batch, Frame};
use crate::dissect::reglogin::one_clean_message;
use crate::packet::{Packet, PlainSegment, decode, decode_by_steps, plain_segment};
use crate::stream::{FlowHasher, FlowKey};

/// How frames are decoded for an inspector.
#[derive(Debug, Clone, Default)]
pub struct Decoding {
    pub(super) hasher: FlowHasher,
    pub(super) ignore_vlan_tags: bool,
    /// Whether to check for payloads that are one RegLogin message without notes, for runs that only count those.
    pub(super) judges: bool,
}

impl Decoding {
    /// The packet with the inspector's settings applied.
    pub(super) const fn seen(&self, packet: Packet) -> Packet {
        if self.ignore_vlan_tags {
            packet.without_tags()
        } else {
            packet
        }
    }

    /// Decodes a frame: its packet and its flow's key.
    pub(super) fn packet(&self, frame: &Frame<'_>) -> (Packet, FlowKey) {
        let header = frame.header;
        self.keyed(decode(header.link, frame.octets, header.wire))
    }

    fn keyed(&self, packet: Packet) -> (Packet, FlowKey) {
        let packet = self.seen(packet);
        let key = match &packet {
            Packet::Tcp(segment) => self.hasher.key(segment),
            _ => FlowKey::default(),
        };
        (packet, key)
    }
}

/// A decoded frame. Kept small: one thread writes it and another one reads it.
#[derive(Debug, Clone, Copy)]
pub(super) struct DecodedFrame {
    /// Key of a TCP segment's flow; meaningless for anything else.
    pub key: FlowKey,
    pub packet: Compact,
    /// Whether the payload is known to be one RegLogin message without notes. Checked while decoding, because the
    /// inspecting thread has more to do than the others.
    pub is_clean: bool,
}

/// What a frame carries: a packet, or where it is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Compact {
    Plain(PlainSegment),
    /// Anything else: its index in [`Decoded::others`].
    Other(u32),
}

/// The decoded frames of a batch.
#[derive(Debug, Default)]
pub struct Decoded {
    pub(super) frames: Vec<DecodedFrame>,
    pub(super) others: Vec<Packet>,
}

impl Decoded {
    /// Replaces the content by the decoded frames of `batch`. `decoding` must come from the inspector that is to use
    /// them.
    pub fn fill(&mut self, batch: &Batch, decoding: &Decoding) {
        self.frames.clear();
        self.others.clear();
        self.frames.reserve(batch.headers.len());
        for header in &batch.headers {
            let (link, octets) = (header.link, batch.octets(header));
            if let Some(segment) = plain_segment(link, octets) {
                self.frames.push(DecodedFrame {
                    key: decoding.hasher.key_of_plain(&segment),
                    packet: Compact::Plain(segment),
                    is_clean: decoding.judges && one_clean_message(segment.payload(octets)),
                });
            } else {
                let packet = decode_by_steps(link, octets, header.wire);
                self.push_other(decoding.keyed(packet));
            }
        }
    }

    fn push_other(&mut self, (packet, key): (Packet, FlowKey)) {
        let place = self.others.len() as u32;
        self.others.push(packet);
        self.frames.push(DecodedFrame {
            key,
            packet: Compact::Other(place),
            is_clean: false,
        });
    }

    /// The packet of a frame.
    #[inline]
    pub(super) fn packet(&self, frame: &DecodedFrame) -> Packet {
        match &frame.packet {
            Compact::Plain(segment) => Packet::Tcp(segment.segment()),
            Compact::Other(place) => self.others[*place as usize],
        }
    }

    /// The key of a frame's flow, and whether the frame brings data: what prefetching needs.
    #[inline]
    pub(super) fn looked_for(&self, frame: &DecodedFrame) -> (FlowKey, bool) {
        let brings_data = match &frame.packet {
            Compact::Plain(segment) => segment.payload_len > 0,
            Compact::Other(place) => match &self.others[*place as usize] {
                Packet::Tcp(segment) => segment.payload_len > 0,
                _ => false,
            },
        };
        (frame.key, brings_data)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One thread writes it and another reads it, for each frame.
    #[test]
    fn a_decoded_frame_is_small() {
        assert!(size_of::<DecodedFrame>() <= 56);
    }
}
