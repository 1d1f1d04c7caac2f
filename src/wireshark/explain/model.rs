//! What Wireshark's TCP hands to its SMPP dissector, segment by segment.
//!
//! With its settings as they come: the heuristic looks at each segment that is next in order and
//! is not awaited; where it says SMPP, PDUs are cut out by their length, and one that is not whole
//! waits for the segments that follow.

#![expect(clippy::cast_possible_truncation, reason = "places in a payload")]

use std::collections::{HashMap, VecDeque};

use crate::dissect::smpp::{SMPP_HEADER_LEN, smpp_command};
use crate::packet::SeqNumber;
use crate::session::FrameRecord;
use crate::stream::Side;

/// Findings kept of a direction, which are asked for soon after.
const KEPT: usize = 1024;

/// Where a byte stands: frame, and offset in the frame's packet.
pub type Place = (u64, u32);

/// Why the heuristic leaves a segment alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// There are fewer than 16 bytes.
    Short(usize),
    /// command_length is not 16 to 65536.
    Length(u32),
    /// SMPP has no such command.
    Command(u32),
}

/// Asks the heuristic's conditions in its order. The fourth, on command_status, is met by every
/// value that such bytes can have: it is "reserved" where it is not known.
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
    /// Where it begins.
    pub start: Place,
    /// The frame it is shown in, which has its last byte.
    pub frame: u64,
    /// Its bytes.
    pub octets: Vec<u8>,
}

/// A PDU that is not whole.
#[derive(Debug)]
struct Pending {
    start: Place,
    octets: Vec<u8>,
    /// Bytes in all, where the length is there.
    need: Option<usize>,
}

/// What became of the bytes at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// A PDU begins here and is shown.
    Shown(Found),
    /// A PDU begins here and waits for this many bytes in all.
    Waits(Option<usize>),
    /// The heuristic looked at the segment that begins here and left it alone.
    Refused(Refusal),
    /// The heuristic left the segment alone; it does not look inside.
    Inside,
    /// They are taken for part of another PDU.
    Part,
    /// The segment came out of order, again or not whole.
    Irregular,
}

#[derive(Debug, Default)]
struct ExplainedDirection {
    /// The furthest number sent, by whatever segment.
    next: Option<SeqNumber>,
    /// What its last segment acknowledged.
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

/// The model, fed with every record.
#[derive(Debug, Default)]
pub struct Model {
    directions: HashMap<(u32, bool), ExplainedDirection>,
}

impl Model {
    /// Takes a frame.
    pub fn record(&mut self, record: &FrameRecord<'_>) {
        for flow in record.ended_flows {
            for side in [false, true] {
                // What the end of a flow brings is explained with this very record.
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
        // What is acknowledged already counts as sent again, be it that it was not captured then.
        let other = self
            .directions
            .get(&(placement.stream, placement.side != Side::B));
        let acknowledged = other.and_then(|other| other.ack);
        let is_known = acknowledged.is_some_and(|ack| !end.after(ack));
        let key = (placement.stream, placement.side == Side::B);
        let direction = self.directions.entry(key).or_default();
        direction.ack = segment.acknowledges().or(direction.ack);
        let next = direction.next.unwrap_or(seq);
        // A reset counts too, wherever it stands.
        direction.next = Some(next.later(end));
        if segment.payload_len == 0 {
            return;
        }
        if next != seq || is_known || segment.payload_captured < segment.payload_len {
            keep(&mut direction.irregular, number);
            // What is there already, sent again, leaves what waits as it is.
            if end.after(next) {
                direction.pending = None;
            }
            return;
        }
        direction.segment(number, segment.payload_start, record.payload());
    }

    /// What becomes of bytes that begin a segment, which comes in order and whole, on a connection without another.
    #[must_use]
    pub fn fate_alone(place: Place, octets: &[u8]) -> Fate {
        let mut direction = ExplainedDirection::default();
        direction.segment(place.0, place.1, octets);
        direction.fate(place, &[place.0])
    }

    /// What becomes of the bytes that begin at `place` and stand in these frames.
    #[must_use]
    pub fn fate(&self, stream: u32, from: Side, place: Place, frames: &[u64]) -> Fate {
        let Some(direction) = self.directions.get(&(stream, from == Side::B)) else {
            return Fate::Irregular;
        };
        direction.fate(place, frames)
    }

    /// Whether what Wireshark says of this record's frame is foretold: its segment came in order,
    /// once and whole.
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

    /// Cuts PDUs out of bytes, by their lengths alone.
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
                // The dissector gives such bytes up.
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
