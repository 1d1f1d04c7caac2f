//! Passwords replaced by asterisks, byte for byte, in every frame that may hold a part of one.
//!
//! What may be part of one [`secret`] says. Of a stream that is RegLogin, or may be, only bytes
//! stay as they are that are known to be something else: headers, user names, responses. Where a stream's bytes were gathered in a pass
//! over the whole capture that is known of every copy of them, whenever it comes; in a single pass
//! only of those that belong to messages known so far. NULs stay, so that a message that is right
//! stays right.

#![expect(clippy::cast_possible_truncation, reason = "sizes of headers")]

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use arrayvec::ArrayVec;

use super::checksum;
use super::clear::{ClearBytes, DirectionKey};
use super::streams::StreamSet;
use crate::dissect::Protocol;
use crate::packet::layout::tcp;
use crate::packet::{Endpoint, Ip, Packet, Segment, SeqNumber, decode};
use crate::session::{FlowEnd, FrameRecord, Remainder};
use crate::stream::{Placement, Side};
use crate::text::secret::{
    self, HIDDEN, LIKELY_HEADERS, SecretWords, begins_like_message, headers, is_open,
};

/// Length of the shortest TCP header in bytes, and the offset of its checksum.
const TCP_HEADER: u32 = tcp::LEN as u32;
const CHECKSUM: u32 = tcp::CHECKSUM.start as u32;
/// Fragments and servers remembered; of what is beyond that everything is hidden.
const MOST_FRAGMENTS: usize = 1 << 20;
const MOST_SERVERS: usize = 1 << 16;

/// Bytes of a direction that are examined together with the following ones.
const TAIL: usize = 8;

/// Where a fragment's bytes belong.
#[derive(Debug, Clone, Copy)]
struct Fragment {
    stream: u32,
    from: Side,
    /// Offsets of the TCP header and its payload in the datagram, and the sequence number.
    tcp_start: u32,
    payload_start: u32,
    seq: SeqNumber,
    spared: bool,
    checksum: Option<u16>,
}

/// Finds the bytes to hide, and hides them.
#[derive(Debug, Default)]
pub(super) struct Redactor {
    clear: ClearBytes,
    /// Whether all of the capture was seen before.
    surveyed: bool,
    /// Streams of other protocols, and streams of unknown protocols.
    others: StreamSet,
    undecided: StreamSet,
    /// Those of them that seem to have a message.
    suspects: StreamSet,
    /// Ends of RegLogin streams that other streams may have too.
    servers: HashSet<Endpoint>,
    fragments: HashMap<u64, Fragment>,
    /// What was hidden, so that it can be found in comments, and the end of it in each direction
    /// with the sequence number that follows.
    words: SecretWords,
    tails: HashMap<DirectionKey, (SeqNumber, ArrayVec<u8, TAIL>)>,
}

impl Redactor {
    /// Learns from a frame in a pass over the whole capture.
    pub fn survey(&mut self, record: &FrameRecord<'_>) {
        record.messages.iter().for_each(|one| self.clear.add(one));
        self.flows(record.ended_flows);
        self.suspect(record);
        self.place_fragments(record);
    }

    /// Learns from the end of the capture.
    pub fn survey_end(&mut self, remainder: &Remainder<'_>) {
        remainder
            .messages
            .iter()
            .for_each(|one| self.clear.add(one));
        self.flows(remainder.ended_flows);
        self.surveyed = true;
    }

    /// Learns which bytes of a frame are hidden, in a pass after the one that determines them.
    pub fn learn(&mut self, record: &FrameRecord<'_>) {
        for flow in record.ended_flows {
            for lesser in [false, true] {
                self.tails.remove(&(flow.stream, lesser));
            }
        }
        for message in record.messages {
            let masked = secret::clear_of(message, false).masked(message.bytes());
            self.learn_runs(message.bytes(), &masked, &[]);
        }
        let (Some(segment), Some(placed)) = (record.segment(), record.placement) else {
            if matches!(record.packet, Packet::Other(_)) {
                let changed = self.redacted(record);
                self.learn_runs(record.frame.octets, &changed, &[]);
            }
            return;
        };
        let payload = record.payload();
        if payload.is_empty() || self.spares(record) {
            return;
        }
        let mut changed = record.packet_octets().to_vec();
        self.hide_payload(record, segment, &mut changed);
        let start = segment.payload_start as usize;
        let seq = segment.payload_seq();
        let before = match self.tails.remove(&key(placed)) {
            Some((next, tail)) if next == seq => tail,
            _ => ArrayVec::new(),
        };
        let last = self.learn_runs(payload, &changed[start..start + payload.len()], &before);
        let mut tail = ArrayVec::new();
        let whole = if last.len() == payload.len() {
            [&before[..], last].concat()
        } else {
            last.to_vec()
        };
        let _ = tail.try_extend_from_slice(SecretWords::tail(&whole));
        if !tail.is_empty() && segment.payload_captured == segment.payload_len {
            self.tails
                .insert(key(placed), (seq.plus(segment.payload_len), tail));
        }
    }

    /// Learns each run of hidden bytes; gives the one that ends with the last byte. `before`
    /// came right before the first byte.
    fn learn_runs<'a>(&mut self, octets: &'a [u8], changed: &[u8], before: &[u8]) -> &'a [u8] {
        // An asterisk in the original belongs to the text around it.
        let hidden = |at: usize| changed[at] == HIDDEN;
        let mut at = 0;
        let mut last = &octets[octets.len()..];
        while at < octets.len() {
            let end = (at..octets.len()).find(|end| !hidden(*end));
            let end = end.unwrap_or(octets.len());
            if end > at {
                let before = if at == 0 { before } else { &[] };
                self.words.learn(before, &octets[at..end]);
                last = if end == octets.len() {
                    &octets[at..]
                } else {
                    last
                };
            }
            at = end + 1;
        }
        last
    }

    /// The search for hidden text in comments; `None` if the capture was not read before, so that it is unknown.
    pub fn take_words(&mut self) -> Option<SecretWords> {
        self.surveyed.then(|| std::mem::take(&mut self.words))
    }

    /// Works out the checksum of a datagram that came in fragments.
    pub fn sum(&mut self, record: &FrameRecord<'_>) {
        let (Some(datagram), Packet::Tcp(segment)) = (record.datagram, record.packet) else {
            return;
        };
        let spared = self.spares(record);
        let mut changed = datagram.payload.clone();
        let sum = if spared || !self.hide_payload(record, segment, &mut changed) {
            None
        } else {
            checksum::mended(segment, &datagram.payload, &changed)
        };
        for piece in &datagram.pieces {
            if let Some(fragment) = self.fragments.get_mut(&piece.frame) {
                fragment.spared = spared;
                fragment.checksum = sum;
            }
        }
    }

    fn flows(&mut self, ended: &[FlowEnd]) {
        for flow in ended {
            // Encrypted data reveals nothing without its secrets.
            if is_open(flow.on_tcp) {
                self.others.add(flow.stream);
                continue;
            }
            match flow.protocol {
                Protocol::RegLogin | Protocol::Layout(_) => {
                    if self.servers.len() < MOST_SERVERS {
                        self.servers.insert(flow.ends[1]);
                    }
                }
                _ => self.undecided.add(flow.stream),
            }
        }
    }

    /// Remembers streams on any port that begin as a message does, or have a segment that does, or a right header in
    /// one piece, though they never turned out to be RegLogin: their first bytes may be lost.
    fn suspect(&mut self, record: &FrameRecord<'_>) {
        let (Some(placed), Some(segment)) = (record.placement, record.segment()) else {
            return;
        };
        let payload = record.payload();
        if payload.is_empty() || !matches!(record.protocol, Protocol::Unknown | Protocol::Data) {
            return;
        }
        let syn = u32::from(segment.payload_seq() != segment.seq);
        let at = placed.relative_seq.wrapping_add(syn).wrapping_sub(1) as usize;
        let begins = LIKELY_HEADERS.iter().any(|header| {
            let wanted = header.get(at..).unwrap_or_default();
            !wanted.is_empty() && wanted.iter().zip(payload).all(|(one, other)| one == other)
        });
        if begins || begins_like_message(payload) || headers(payload).next().is_some() {
            self.suspects.add(placed.stream);
        }
    }

    fn place_fragments(&mut self, record: &FrameRecord<'_>) {
        let (Some(datagram), Packet::Tcp(segment), Some(placed)) =
            (record.datagram, record.packet, record.placement)
        else {
            return;
        };
        for piece in &datagram.pieces {
            if self.fragments.len() < MOST_FRAGMENTS {
                let fragment = Fragment {
                    stream: placed.stream,
                    from: placed.side,
                    tcp_start: segment.tcp_start,
                    payload_start: segment.payload_start,
                    seq: segment.payload_seq(),
                    spared: false,
                    checksum: None,
                };
                self.fragments.insert(piece.frame, fragment);
            }
        }
    }

    /// The frame's bytes, without anything that may belong to a password.
    pub fn redacted<'a>(&mut self, record: &FrameRecord<'a>) -> Cow<'a, [u8]> {
        if !self.surveyed {
            record.messages.iter().for_each(|one| self.clear.add(one));
        }
        let frame = record.frame;
        let mut octets = Cow::Borrowed(frame.octets);
        let packet = match record.datagram {
            None => *record.packet,
            Some(_) => decode(frame.header.link, frame.octets, frame.header.wire),
        };
        match &packet {
            Packet::Tcp(_) if self.spares(record) => {}
            Packet::Tcp(segment) => self.segment(record, segment, &mut octets),
            Packet::Fragment(ip) if ip.may_carry_tcp() => {
                self.fragment(frame.number, ip, &mut octets);
            }
            Packet::Fragment(_) | Packet::Ip(..) | Packet::Other(_) => {
                hide_loose(record, &mut octets);
            }
        }
        if !self.surveyed {
            for flow in record.ended_flows {
                self.clear.forget(flow.stream);
            }
        }
        octets
    }

    /// Whether a frame's stream is not changed.
    fn spares(&self, record: &FrameRecord<'_>) -> bool {
        let Some(placed) = record.placement else {
            return false;
        };
        if !self.surveyed {
            return is_open(record.on_tcp);
        }
        let stream = placed.stream;
        if self.others.has(stream) {
            return true;
        }
        let known = |end: Endpoint| self.servers.contains(&end);
        let ends = record
            .segment()
            .map(|segment| [segment.source, segment.destination]);
        self.undecided.has(stream)
            && !placed.watched
            && !self.suspects.has(stream)
            && self.servers.len() < MOST_SERVERS
            && ends.is_some_and(|ends| !ends.into_iter().any(known))
    }

    /// Hides what may belong to a password in a segment's payload, of which `packet` has the bytes. Returns whether
    /// there was any, captured or not.
    fn hide_payload(&self, record: &FrameRecord<'_>, segment: &Segment, packet: &mut [u8]) -> bool {
        let Some(placed) = record.placement else {
            return false;
        };
        let known = self.clear.of(key(placed), segment.payload_seq());
        let start = segment.payload_start as usize;
        let captured = segment.payload_captured as usize;
        let missing = captured..segment.payload_len as usize;
        let mut found = missing.into_iter().any(|at| !known.position_is_clear(at));
        for (at, octet) in packet[start..start + captured].iter_mut().enumerate() {
            if let Some(replacement) = known.replacement(at) {
                found |= *octet != replacement;
                *octet = replacement;
            } else if *octet != 0 && !known.is_clear(at, *octet) {
                *octet = HIDDEN;
                found = true;
            }
        }
        found
    }

    fn segment(&self, record: &FrameRecord<'_>, segment: &Segment, octets: &mut Cow<'_, [u8]>) {
        // After the packet there may be a frame check sequence, or leftovers from the buffer of the sender's network
        // card.
        let end = (segment.payload_start + segment.payload_captured) as usize;
        let is_filled = octets[end..].iter().all(|octet| *octet == 0);
        if segment.payload_len == 0 && is_filled {
            return;
        }
        let mut changed = octets.to_vec();
        changed[end..].fill(0);
        if !self.hide_payload(record, segment, &mut changed) {
            if !is_filled {
                *octets = Cow::Owned(changed);
            }
            return;
        }
        if let Some(sum) = checksum::mended(segment, octets, &changed) {
            changed[checksum::place(segment)].copy_from_slice(&sum.to_be_bytes());
        }
        *octets = Cow::Owned(changed);
    }

    fn fragment(&self, number: u64, ip: &Ip, octets: &mut Cow<'_, [u8]>) {
        let known = self.fragments.get(&number);
        if known.is_some_and(|fragment| fragment.spared) {
            return;
        }
        let changed = octets.to_mut();
        let start = (ip.payload_start as usize).min(changed.len());
        let end = (start + ip.payload_len as usize).min(changed.len());
        changed[end..].fill(0);
        let payload = &mut changed[start..end];
        // Of a datagram that never became whole only the header is known.
        let header = known.map_or_else(
            || match payload.get(12) {
                Some(length) if ip.fragment_offset == 0 => u32::from(length >> 4) * 4,
                _ => 0,
            },
            |fragment| fragment.payload_start,
        );
        let header = header.max(TCP_HEADER);
        let checksum = known.map_or(0, |fragment| fragment.tcp_start) + CHECKSUM;
        let clear = known.map(|fragment| {
            let key = (fragment.stream, fragment.from == Side::A);
            self.clear.of(key, fragment.seq)
        });
        let sum = match known {
            Some(fragment) => fragment.checksum,
            None => Some(0),
        };
        for (octet, at) in payload.iter_mut().zip(ip.fragment_offset..) {
            if at >= header {
                let at = (at - header) as usize;
                let shown = clear
                    .as_ref()
                    .is_some_and(|known| known.is_clear(at, *octet));
                if let Some(replacement) = clear.as_ref().and_then(|known| known.replacement(at)) {
                    *octet = replacement;
                } else if *octet != 0 && !shown {
                    *octet = HIDDEN;
                }
            } else if let (Some(sum), 0 | 1) = (sum, at.wrapping_sub(checksum)) {
                *octet = sum.to_be_bytes()[(at - checksum) as usize];
            }
        }
    }
}

/// Hides what may belong to a password in a frame that is not read as TCP, such as a tunnel or an error message that
/// quotes another packet.
fn hide_loose(record: &FrameRecord<'_>, octets: &mut Cow<'_, [u8]>) {
    let hidden = record.secrets(false).in_frame();
    for at in 0..octets.len() {
        if octets[at] != 0 && hidden.has(at) {
            octets.to_mut()[at] = HIDDEN;
        }
    }
}

fn key(placed: &Placement) -> DirectionKey {
    (placed.stream, placed.side == Side::A)
}
