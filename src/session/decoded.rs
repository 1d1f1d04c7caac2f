//! The decoded frames of a batch. Decoding needs no state of other frames, so any thread can do it.

#![expect(
    clippy::cast_possible_truncation,
    reason = "indexes in a batch of half a megabyte"
)]

use std::num::NonZeroU16;

use super::clean::Clean;
use super::lanes::Lanes;
use super::password_tag::PasswordKey;
use super::refusal::Refusals;
use crate::capture::{Batch, Frame};
use crate::dissect::reglogin::may_be_clean;
use crate::packet::{
    Datagram, Defragmenter, Ip, Packet, PlainSegment, decode, decode_other, decode_payload,
    plain_segment,
};
use crate::stream::{FlowHasher, FlowKey};

/// Frames whose payloads are judged together.
const JUDGED: usize = 32;

/// How frames are decoded for an inspector.
#[derive(Debug, Clone, Default)]
pub struct Decoding {
    pub(super) hasher: FlowHasher,
    pub(super) ignore_vlan_tags: bool,
    /// Whether to check for payloads that are one RegLogin message without notes, for runs that only count those.
    pub(super) judges: bool,
    /// The key of the run's password tags.
    pub(super) key: PasswordKey,
    /// The lanes over which flows are distributed.
    pub(super) lanes: Lanes,
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

    /// Adds the fragment in a frame. Returns the datagram that it completes with its packet and that one's key.
    #[cold]
    pub(super) fn defragment(
        &self,
        defragmenter: &mut Defragmenter,
        frame: &Frame<'_>,
        ip: &Ip,
    ) -> Option<(Datagram, Packet, FlowKey)> {
        let (number, time) = (frame.number, frame.header.time);
        let mut datagram = defragmenter.push(number, time, ip, frame.octets)?;
        let decoded = |whole: &Datagram| self.keyed(decode_payload(&whole.ip, &whole.payload));
        let (mut packet, mut key) = decoded(&datagram);
        // A reassembled datagram of a tunnel may carry a fragment itself.
        while let Packet::Fragment(inner) = packet {
            match defragmenter.push(number, time, &inner, &datagram.payload) {
                Some(inner) => datagram = inner,
                None => break,
            }
            (packet, key) = decoded(&datagram);
        }
        Some((datagram, packet, key))
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
    /// Index of the frame in its batch.
    pub index: u32,
    /// Key of a TCP segment's flow; meaningless for anything else.
    pub key: FlowKey,
    pub packet: Compact,
    /// Whether its segment brings data.
    pub brings_data: bool,
    /// If the payload is known to be one RegLogin message without notes: its place in [`Decoded::clean`], from 1.
    pub clean: Option<NonZeroU16>,
}

impl DecodedFrame {
    /// Whether the frame carries a plain segment without data.
    #[inline]
    pub const fn is_empty_segment(&self) -> bool {
        !self.brings_data && matches!(self.packet, Compact::Plain(_))
    }
}

/// What a frame carries: a packet, or where it is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Compact {
    Plain(PlainSegment),
    /// The datagram that a fragment completed: its index in [`Decoded::datagrams`].
    Datagram(u32),
    /// Anything else: its index in [`Decoded::others`].
    Other(u32),
}

/// The decoded frames of a batch.
#[derive(Debug, Default)]
pub struct Decoded {
    /// The frames of each group of lanes, in order.
    pub(super) groups: Vec<Vec<DecodedFrame>>,
    lanes: Lanes,
    pub(super) others: Vec<Packet>,
    /// Datagrams that fragments completed, with their packets.
    pub(super) datagrams: Vec<(Datagram, Packet)>,
    /// The messages without notes that are the payload of a frame.
    clean: Vec<Clean>,
    /// Cache of what descriptions say.
    refusals: Refusals,
    /// Indexes of frames that carry a fragment, and of that in `others`, until [`Self::defragment`].
    fragments: Vec<(u32, u32)>,
}

impl Decoded {
    /// Replaces the content by the decoded frames of `batch`. `decoding` must come from the inspector that is to use
    /// them. Fragments are in no group before [`defragment`](Self::defragment).
    pub fn fill(&mut self, batch: &Batch, decoding: &Decoding) {
        self.others.clear();
        self.datagrams.clear();
        self.fragments.clear();
        self.clean.clear();
        self.lanes = decoding.lanes;
        let groups = usize::from(self.lanes.groups);
        self.groups.resize_with(groups, Vec::new);
        for group in &mut self.groups {
            group.clear();
            group.reserve(batch.headers.len() / groups);
        }
        let mut groups = std::mem::take(&mut self.groups);
        if let [one] = &mut groups[..] {
            self.decode(batch, decoding, std::array::from_mut(one), |_| 0);
        } else {
            let shift = self.lanes.shift();
            self.decode(batch, decoding, &mut groups, |lane| {
                usize::from(lane) >> shift
            });
        }
        self.groups = groups;
    }

    /// Decodes the frames, and adds those without a fragment to the group of their lane.
    #[inline]
    fn decode(
        &mut self,
        batch: &Batch,
        decoding: &Decoding,
        groups: &mut [Vec<DecodedFrame>],
        group_of: impl Fn(u8) -> usize,
    ) {
        let mut index = 0;
        for together in batch.headers.chunks(JUDGED) {
            // Which frames may be clean is random, so it is no branch: a processor cannot foresee it.
            let (mut judged, mut count) = ([(0, 0); JUDGED], 0);
            for header in together {
                let (link, octets) = (header.link, batch.octets(header));
                if let Some(segment) = plain_segment(link, octets) {
                    let key = decoding.hasher.key_of_plain(&segment);
                    let group = group_of(key.lane);
                    judged[count] = (group, groups[group].len());
                    count += usize::from(may_be_clean(segment.payload_captured.into()));
                    groups[group].push(DecodedFrame {
                        index,
                        key,
                        brings_data: segment.payload_len > 0,
                        packet: Compact::Plain(segment),
                        clean: None,
                    });
                } else {
                    let packet = decode_other(link, octets, header.wire);
                    if let Some(frame) = self.other(index, decoding.keyed(packet)) {
                        groups[group_of(frame.key.lane)].push(frame);
                    }
                }
                index += 1;
            }
            if decoding.judges {
                for (group, at) in &judged[..count] {
                    self.judge(&mut groups[*group][*at], batch, &decoding.key);
                }
            }
        }
    }

    /// Checks whether a frame's payload is one RegLogin message without notes. If there are too many of them, it
    /// remains to be seen by the frame's inspection.
    #[inline]
    fn judge(&mut self, frame: &mut DecodedFrame, batch: &Batch, key: &PasswordKey) {
        let place = NonZeroU16::new((self.clean.len() + 1).try_into().unwrap_or(0));
        if let (Compact::Plain(segment), Some(_)) = (&frame.packet, place) {
            let octets = batch.octets(&batch.headers[frame.index as usize]);
            let clean = Clean::one(segment.payload(octets), key, &mut self.refusals);
            if let Some(clean) = clean {
                self.clean.push(clean);
                frame.clean = place;
            }
        }
    }

    /// The message without notes at a place of [`DecodedFrame::clean`].
    #[inline]
    pub(super) fn clean(&self, place: NonZeroU16) -> Option<&Clean> {
        self.clean.get(usize::from(place.get()) - 1)
    }

    /// Says of each frame's payload that it is this message.
    #[cfg(test)]
    pub(super) fn say_of_all(&mut self, clean: Clean) {
        self.clean = vec![clean];
        let frames = self.groups.iter_mut().flatten();
        frames.for_each(|frame| frame.clean = Some(NonZeroU16::MIN));
    }

    /// The decoded frame with any packet; `None` if it is a fragment.
    fn other(&mut self, index: u32, (packet, key): (Packet, FlowKey)) -> Option<DecodedFrame> {
        let place = self.others.len() as u32;
        self.others.push(packet);
        if let Packet::Fragment(_) = &packet {
            self.fragments.push((index, place));
            return None;
        }
        Some(DecodedFrame {
            index,
            key,
            brings_data: matches!(&packet, Packet::Tcp(segment) if segment.payload_len > 0),
            packet: Compact::Other(place),
            clean: None,
        })
    }

    /// Adds the batch's fragments to `defragmenter`, and puts the datagrams that they complete in their place. Must be
    /// called for batches in order.
    pub fn defragment(
        &mut self,
        batch: &Batch,
        decoding: &Decoding,
        defragmenter: &mut Defragmenter,
    ) {
        for (index, place) in std::mem::take(&mut self.fragments) {
            let Packet::Fragment(ip) = &self.others[place as usize] else {
                continue;
            };
            let frame = batch.frame(index as usize);
            let mut one = DecodedFrame {
                index,
                key: FlowKey::default(),
                packet: Compact::Other(place),
                brings_data: false,
                clean: None,
            };
            if let Some((datagram, packet, key)) = decoding.defragment(defragmenter, &frame, ip) {
                one.packet = Compact::Datagram(self.datagrams.len() as u32);
                one.key = key;
                one.brings_data = true;
                self.datagrams.push((datagram, packet));
            }
            let group = &mut self.groups[usize::from(one.key.lane) >> self.lanes.shift()];
            let at = group.partition_point(|other| other.index < index);
            group.insert(at, one);
        }
    }

    /// The packet of a frame. For a fragment that completed a datagram, that is the datagram's packet.
    #[inline]
    pub(super) fn packet(&self, frame: &DecodedFrame) -> Packet {
        match &frame.packet {
            Compact::Plain(segment) => Packet::Tcp(segment.segment()),
            Compact::Datagram(place) => self.datagrams[*place as usize].1,
            Compact::Other(place) => self.others[*place as usize],
        }
    }

    /// The datagram that a frame completed.
    #[inline]
    pub(super) fn datagram(&self, frame: &DecodedFrame) -> Option<&Datagram> {
        match &frame.packet {
            Compact::Datagram(place) => Some(&self.datagrams[*place as usize].0),
            Compact::Plain(_) | Compact::Other(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One thread writes it and another reads it, for each frame.
    #[test]
    fn a_decoded_frame_is_small() {
        assert!(size_of::<DecodedFrame>() <= 64);
    }
}
