//! Passwords replaced by asterisks, octet for octet, in every frame that may hold a part of one.
//!
//! Of a stream that is RegLogin, or may be, only octets that are known to be something else stay
//! as they are: headers, user names, responses. Where a stream's octets were gathered in a pass
//! over the whole capture that is known of every copy of them, whenever it comes; in a single pass
//! only of those that belong to messages known so far. NULs stay, so that a message that is right
//! stays right.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use super::checksum;
use super::clear::Clear;
use super::streams::StreamSet;
use crate::dissect::Protocol;
use crate::packet::{Endpoint, Ip, Packet, Segment, SeqNumber, decode};
use crate::protocol::is_header;
use crate::protocol::layout::{HEADER_LEN, PASSWORD, REQUEST_LEN, RESPONSE_LEN};
use crate::session::{FlowEnd, FrameRecord, Remainder};
use crate::stream::Side;

/// What stands in place of a password's octet.
const HIDDEN: u8 = b'*';
/// Octets of the shortest TCP header, and where its checksum stands.
const TCP_HEADER: u32 = 20;
const CHECKSUM: u32 = 16;
/// Fragments and servers remembered; of what is beyond that everything is hidden.
const MOST_FRAGMENTS: usize = 1 << 20;
const MOST_SERVERS: usize = 1 << 16;

/// Where a fragment's octets belong.
#[derive(Debug, Clone, Copy)]
struct Fragment {
    stream: u32,
    from: Side,
    /// Offset of the TCP payload in the datagram, and its sequence number.
    payload_start: u32,
    seq: SeqNumber,
    spared: bool,
    checksum: Option<u16>,
}

/// Finds what is to be hidden, and hides it.
#[derive(Debug, Default)]
pub(super) struct Redactor {
    clear: Clear,
    /// Whether all of the capture was seen before.
    surveyed: bool,
    /// Streams that are another protocol, and streams of which nobody knows what they are.
    others: StreamSet,
    undecided: StreamSet,
    /// Those of them that seem to have a message.
    suspects: StreamSet,
    /// Ends of RegLogin streams that other streams may have too.
    servers: HashSet<Endpoint>,
    fragments: HashMap<u64, Fragment>,
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

    /// Whether checksums are spread over frames, so that they need a pass of their own.
    pub fn has_fragments(&self) -> bool {
        !self.fragments.is_empty()
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
            match flow.protocol {
                Protocol::RegLogin => {
                    if self.servers.len() < MOST_SERVERS {
                        self.servers.insert(flow.ends[1]);
                    }
                }
                Protocol::Smpp | Protocol::Tls | Protocol::Http => self.others.add(flow.stream),
                _ => self.undecided.add(flow.stream),
            }
        }
    }

    /// Remembers streams on any port that begin as a message does, or have a right header in one
    /// piece, though they never turned out to be RegLogin: their first octets may be lost.
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
        let begins = HEADERS.iter().any(|header| {
            let wanted = header.get(at..).unwrap_or_default();
            !wanted.is_empty() && wanted.iter().zip(payload).all(|(one, other)| one == other)
        });
        if begins || headers(payload).next().is_some() {
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
                    from: placed.from,
                    payload_start: segment.payload_start,
                    seq: segment.payload_seq(),
                    spared: false,
                    checksum: None,
                };
                self.fragments.insert(piece.frame, fragment);
            }
        }
    }

    /// The frame's octets with nothing in them that may be a password's.
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
            Packet::Fragment(ip) if ip.is_tcp() => self.fragment(frame.number, ip, &mut octets),
            Packet::Fragment(_) | Packet::Other(_) => scan(&mut octets),
        }
        if !self.surveyed {
            for flow in record.ended_flows {
                self.clear.forget(flow.stream);
            }
        }
        octets
    }

    /// Whether a frame's stream is left as it is.
    fn spares(&self, record: &FrameRecord<'_>) -> bool {
        let Some(placed) = record.placement else {
            return false;
        };
        if !self.surveyed {
            return matches!(
                record.protocol,
                Protocol::Smpp | Protocol::Tls | Protocol::Http
            );
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

    /// Hides what may be a password's in a segment's payload, of which `packet` has the octets;
    /// whether there was any, captured or not.
    fn hide_payload(&self, record: &FrameRecord<'_>, segment: &Segment, packet: &mut [u8]) -> bool {
        let Some(placed) = record.placement else {
            return false;
        };
        let key = (placed.stream, placed.from == Side::A);
        let clear = self.clear.of(key, segment.payload_seq());
        let start = segment.payload_start as usize;
        let captured = segment.payload_captured as usize;
        let mut found = (captured..segment.payload_len as usize).any(|at| !clear(at));
        for (at, octet) in packet[start..start + captured].iter_mut().enumerate() {
            if *octet != 0 && !clear(at) {
                *octet = HIDDEN;
                found = true;
            }
        }
        found
    }

    fn segment(&self, record: &FrameRecord<'_>, segment: &Segment, octets: &mut Cow<'_, [u8]>) {
        if segment.payload_len == 0 {
            return;
        }
        let mut changed = octets.to_vec();
        if !self.hide_payload(record, segment, &mut changed) {
            return;
        }
        // Behind the packet a check sequence of the link layer may stand.
        let end = (segment.payload_start + segment.payload_captured) as usize;
        changed[end..].fill(0);
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
                let shown = clear
                    .as_ref()
                    .is_some_and(|clear| clear((at - header) as usize));
                if *octet != 0 && !shown {
                    *octet = HIDDEN;
                }
            } else if let (Some(sum), 0 | 1) = (sum, at.wrapping_sub(CHECKSUM)) {
                *octet = sum.to_be_bytes()[(at - CHECKSUM) as usize];
            }
        }
    }
}

/// The headers of the four messages.
const HEADERS: [[u8; HEADER_LEN]; 4] = {
    const fn header(length: usize, command: u8) -> [u8; HEADER_LEN] {
        [0, 0, 0, length as u8, 0, 0, 0, command]
    }
    [
        header(REQUEST_LEN, 1),
        header(REQUEST_LEN, 3),
        header(RESPONSE_LEN, 2),
        header(RESPONSE_LEN, 4),
    ]
};

/// Where messages seem to begin.
fn headers(octets: &[u8]) -> impl Iterator<Item = usize> + '_ {
    let mut from = 0;
    // A right header starts with three NULs and the length's last octet.
    std::iter::from_fn(move || {
        let at = from + memchr::memmem::find(&octets[from..], &[0, 0, 0])?;
        from = at + 1;
        Some(at)
    })
    .filter(|at| is_header(&octets[*at..]))
}

/// Hides passwords in a frame that is not read as TCP, such as a tunnel or an error message that
/// quotes another packet: wherever a right header stands.
fn scan(octets: &mut Cow<'_, [u8]>) {
    let found: Vec<usize> = headers(octets).collect();
    for start in found {
        let changed = octets.to_mut();
        let range = PASSWORD.range();
        let end = (start + range.end).min(changed.len());
        let from = (start + range.start).min(end);
        for octet in changed[from..end].iter_mut().filter(|octet| **octet != 0) {
            *octet = HIDDEN;
        }
    }
}
