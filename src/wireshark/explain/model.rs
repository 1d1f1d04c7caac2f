//! A model of how Wireshark's TCP dissector passes segments to its SMPP dissector.
//!
//! With default settings: the heuristic looks at each segment that is next in order and that no PDU waits for. If it says
//! SMPP, the bytes are divided into PDUs by their length, and an incomplete one waits for the following segments.

#![expect(clippy::cast_possible_truncation, reason = "places in a payload")]

use std::collections::{HashMap, VecDeque};

use crate::dissect::smpp::{SMPP_HEADER_LEN, smpp_command};
use crate::packet::SeqNumber;
use crate::session::FrameRecord;
use crate::stream::Side;

/// Results that are kept per direction. They are read soon after.
const KEPT: usize = 1024;

/// The place of a byte: the frame's number, and the offset in its packet.
pub type Place = (u64, u32);

/// Why the heuristic rejects a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// It has fewer than 16 bytes.
    Short(usize),
    /// command_length is not 16 to 65536.
    Length(u32),
    /// SMPP has no such command.
    Command(u32),
}

/// Checks the conditions of Wireshark's SMPP heuristic in its order. The fourth, on command_status, always holds for such
/// bytes: an unknown value counts as reserved.
///
/// # Errors
///
/// The first condition that does not hold.
pub fn heuristic(octets: &[u8]) -> Result<(), Refusal> {
    const LENGTHS: std::ops::RangeInclusive<u32> = 16..=65536;
    let Some((header, _)) = octets.split_first_chunk::<SMPP_HEADER_LEN>() else {
        return Err(Refusal::Short(octets.len()));
    };
    let [l0, l1, l2, l3, c0, c1, c2, c3, ..] = *header;
    let length = u32::from_be_bytes([l0, l1, l2, l3]);
    let command = u32::from_be_bytes([c0, c1, c2, c3]);
    if !LENGTHS.contains(&length) {
        Err(Refusal::Length(length))
    } else if smpp_command(command).is_none() {
        Err(Refusal::Command(command))
    } else {
        Ok(())
    }
}

/// A PDU that Wireshark shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The place of its first byte.
    pub start: Place,
    /// The frame that it is shown in: the one with its last byte.
    pub frame: u64,
    /// Its bytes.
    pub octets: Vec<u8>,
}

/// An incomplete PDU.
#[derive(Debug)]
struct Pending {
    start: Place,
    octets: Vec<u8>,
    /// Its size in bytes, if its length field is there.
    need: Option<usize>,
}

/// What Wireshark did with the bytes at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// A PDU begins here and is shown.
    Shown(Found),
    /// A PDU begins here and waits until it has this many bytes, if known.
    Waits(Option<usize>),
    /// The heuristic rejected the segment that begins here.
    Refused(Refusal),
    /// They are inside a segment that the heuristic rejected.
    Inside,
    /// They are part of another PDU.
    Part,
    /// The segment was out of order, retransmitted or cut off.
    Irregular,
}

#[derive(Debug, Default)]
struct ExplainedDirection {
    /// The highest sequence number sent so far, plus one.
    next: Option<SeqNumber>,
    /// The acknowledgement number of its last segment.
    ack: Option<SeqNumber>,
    pending: Option<Pending>,
    found: VecDeque<Found>,
    refused: VecDeque<(Place, Refusal)>,
    irregular: VecDeque<u64>,
}

fn keep<T>(list: &mut VecDeque<T>, new: T) {
    if list.len() == KEPT {
        list.pop_front();
    }
    list.push_back(new);
}

/// The model of all streams. It must take every record.
#[derive(Debug, Default)]
pub struct Model {
    directions: HashMap<(u32, bool), ExplainedDirection>,
}

impl Model {
    /// Takes a frame.
    pub fn record(&mut self, record: &FrameRecord<'_>) {
        for flow in record.ended_flows {
            for side in [false, true] {
                // Messages that the end of a flow brings are explained with this record.
                let key = (flow.stream, side);
                if record
                    .messages
                    .iter()
                    .all(|message| message.stream != flow.stream)
                {
                    self.directions.remove(&key);
                }
            }
        }
        let (Some(segment), Some(placement)) = (record.segment(), record.placement) else {
            return;
        };
        let (seq, number) = (segment.payload_seq(), record.frame.number);
        let end = seq.plus(segment.payload_len);
        // What is already acknowledged counts as a retransmission, even if the first copy was not captured.
        let other = self
            .directions
            .get(&(placement.stream, placement.side != Side::B));
        let acknowledged = other.and_then(|other| other.ack);
        let is_known = acknowledged.is_some_and(|ack| !end.after(ack));
        let key = (placement.stream, placement.side == Side::B);
        let direction = self.directions.entry(key).or_default();
        direction.ack = segment.acknowledges().or(direction.ack);
        let next = direction.next.unwrap_or(seq);
        // A reset counts too, whatever its sequence number.
        direction.next = Some(next.later(end));
        if segment.payload_len == 0 {
            return;
        }
        if next != seq || is_known || segment.payload_captured < segment.payload_len {
            keep(&mut direction.irregular, number);
            // A mere retransmission does not disturb a waiting PDU.
            if end.after(next) {
                direction.pending = None;
            }
            return;
        }
        direction.segment(number, segment.payload_start, record.payload());
    }

    /// The fate of bytes that begin the first segment of a connection, in order and complete.
    #[must_use]
    pub fn fate_alone(place: Place, octets: &[u8]) -> Fate {
        let mut direction = ExplainedDirection::default();
        direction.segment(place.0, place.1, octets);
        direction.fate(place, &[place.0])
    }

    /// The fate of the bytes that begin at `place` and are in these frames.
    #[must_use]
    pub fn fate(&self, stream: u32, from: Side, place: Place, frames: &[u64]) -> Fate {
        let Some(direction) = self.directions.get(&(stream, from == Side::B)) else {
            return Fate::Irregular;
        };
        direction.fate(place, frames)
    }

    /// Whether the model predicts what Wireshark shows for this record's frame: its segment is in order, new and complete.
    #[must_use]
    pub fn foretells(&self, record: &FrameRecord<'_>) -> bool {
        let number = record.frame.number;
        let key = record
            .placement
            .map(|placement| (placement.stream, placement.side == Side::B));
        let direction = key.and_then(|key| self.directions.get(&key));
        direction.is_none_or(|direction| !direction.irregular.contains(&number))
    }

    /// The PDUs that are shown in this record's frame.
    pub fn shown<'a>(&'a self, record: &FrameRecord<'_>) -> impl Iterator<Item = &'a Found> {
        let number = record.frame.number;
        let key = record
            .placement
            .map(|placement| (placement.stream, placement.side == Side::B));
        let direction = key.and_then(|key| self.directions.get(&key));
        direction
            .into_iter()
            .flat_map(|direction| &direction.found)
            .filter(move |found| found.frame == number)
    }
}

impl ExplainedDirection {
    fn segment(&mut self, frame: u64, start: u32, payload: &[u8]) {
        let mut rest = payload;
        if let Some(mut pending) = self.pending.take() {
            let Some(need) = pending.need else {
                let held = pending.octets.len();
                pending.octets.extend_from_slice(payload);
                let place = |at: usize| match at.checked_sub(held) {
                    Some(behind) => (frame, start + behind as u32),
                    None => pending.start,
                };
                self.pdus(frame, &pending.octets, place);
                return;
            };
            let missing = need - pending.octets.len();
            let Some((last, behind)) = payload.split_at_checked(missing) else {
                pending.octets.extend_from_slice(payload);
                self.pending = Some(pending);
                return;
            };
            pending.octets.extend_from_slice(last);
            let found = Found {
                start: pending.start,
                frame,
                octets: pending.octets,
            };
            keep(&mut self.found, found);
            rest = behind;
        }
        if rest.is_empty() {
            return;
        }
        let offset = start + (payload.len() - rest.len()) as u32;
        match heuristic(rest) {
            Ok(()) => self.pdus(frame, rest, |at| (frame, offset + at as u32)),
            Err(refusal) => keep(&mut self.refused, ((frame, offset), refusal)),
        }
    }

    /// Divides bytes into PDUs, by their lengths alone.
    fn pdus(&mut self, frame: u64, octets: &[u8], place: impl Fn(usize) -> Place) {
        let mut at = 0;
        while at < octets.len() {
            let rest = &octets[at..];
            let need = match rest.first_chunk::<4>() {
                Some(length) if rest.len() >= SMPP_HEADER_LEN => {
                    Some(u32::from_be_bytes(*length) as usize)
                }
                _ => None,
            };
            match need {
                // The dissector ignores such bytes.
                Some(need) if need < SMPP_HEADER_LEN => return,
                Some(need) if need <= rest.len() => {
                    let found = Found {
                        start: place(at),
                        frame,
                        octets: rest[..need].to_vec(),
                    };
                    keep(&mut self.found, found);
                    at += need;
                }
                need => {
                    self.pending = Some(Pending {
                        start: place(at),
                        octets: rest.to_vec(),
                        need,
                    });
                    return;
                }
            }
        }
    }

    fn fate(&self, place: Place, frames: &[u64]) -> Fate {
        if frames.iter().any(|frame| self.irregular.contains(frame)) {
            return Fate::Irregular;
        }
        if let Some(found) = self.found.iter().rfind(|found| found.start == place) {
            return Fate::Shown(found.clone());
        }
        if let Some(pending) = self.pending.as_ref().filter(|one| one.start == place) {
            return Fate::Waits(pending.need);
        }
        for (start, refusal) in self.refused.iter().rev() {
            if *start == place {
                return Fate::Refused(*refusal);
            }
            if start.0 == place.0 && start.1 < place.1 {
                return Fate::Inside;
            }
        }
        Fate::Part
    }
}
