//! A batch's frames, decoded: what of a frame needs no memory of others, so that any thread can find it.

#![expect(
    clippy::cast_possible_truncation,
    reason = "places in a batch of half a megabyte"
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
    /// Whether to look for payloads that are one plain message of RegLogin, which are then only counted.
    pub(super) judges: bool,
}

impl Decoding {
    /// The packet as the inspector is to see it.
    pub(super) const fn seen(&self, packet: Packet) -> Packet {
        if self.ignore_vlan_tags {
            packet.without_tags()
        } else {
            packet
        }
    }

    /// The packet of a frame, and its flow's key.
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
    /// Of a TCP segment; of anything else it means nothing.
    pub key: FlowKey,
    pub packet: Compact,
    /// Whether the payload is one message of RegLogin, plain in all its fields, as far as that was looked for. It is told
    /// here, as the thread that inspects has more to do than the others.
    pub is_clean: bool,
}

/// What a frame carries.
#[derive(Debug, Clone, Copy)]
pub(super) enum Compact {
    Plain(PlainSegment),
    /// Anything else: its place in [`Decoded::others`].
    Other(u32),
}

/// The decoded frames of a batch.
#[derive(Debug, Default)]
pub struct Decoded {
    pub(super) frames: Vec<DecodedFrame>,
    pub(super) others: Vec<Packet>,
}

impl Decoded {
    /// Decodes a batch's frames in place of those that are here. `decoding` is that of the inspector which they are
    /// meant for.
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

    /// What a frame carries.
    #[inline]
    pub(super) fn packet(&self, frame: &DecodedFrame) -> Packet {
        match &frame.packet {
            Compact::Plain(segment) => Packet::Tcp(segment.segment()),
            Compact::Other(place) => self.others[*place as usize],
        }
    }

    /// A frame's flow's key, and whether it brings data.
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

    /// Both threads look at one for each frame.
    #[test]
    fn a_decoded_frame_is_small() {
        assert!(size_of::<DecodedFrame>() <= 56);
    }
}
