//! One direction of a RegLogin stream between its chunks: where a message begins, what is held of
//! it, and the search for the next one.

use arrayvec::ArrayVec;
use smallvec::SmallVec;

use super::framing::{Extent, LOOK_AHEAD, extent, find_header};
use crate::capture::Timestamp;
use crate::dissect::message::{Message, Source};
use crate::dissect::note::Note;
use crate::packet::Endpoint;
use crate::protocol::layout::MAX_LEN;
use crate::stream::{Chunk, Flow, Role, Side};

/// How a direction's next octets are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::dissect) enum Mode {
    /// Nothing is known of the direction yet.
    #[default]
    Start,
    /// A message begins here.
    Boundary,
    /// A right header is searched for.
    Search,
}

/// Octets held of a direction at the most: a message, and what is looked at behind it.
const HELD: usize = MAX_LEN + LOOK_AHEAD;

/// What is kept of a direction between its chunks, where anything is.
#[derive(Debug, Default)]
pub(in crate::dissect) struct Work {
    /// The beginning of a message, or of what may be one.
    pub octets: ArrayVec<u8, HELD>,
    pub sources: SmallVec<[Source; 1]>,
    /// Octets passed over in search of a header.
    pub skipped: u64,
    /// Notes for the next message.
    pub notes: SmallVec<[Note; 1]>,
    /// Time and number of the frame that brought the last octet.
    frame: u64,
    time: Timestamp,
}

#[derive(Debug, Default)]
pub(in crate::dissect) struct DirectionState {
    pub mode: Mode,
    pub work: Option<Box<Work>>,
}

/// The frame being pushed: when its octets became available.
#[derive(Debug, Clone, Copy, Default)]
pub struct Arrival {
    /// Number of the frame.
    pub frame: u64,
    /// Its time.
    pub time: Timestamp,
}

pub(in crate::dissect) fn skip(chunk: Chunk<'_>, octets: usize) -> Chunk<'_> {
    Chunk {
        octets: &chunk.octets[octets..],
        offset: chunk.offset + octets as u32,
        seq: chunk.seq.plus(octets as u32),
        ..chunk
    }
}

/// What a direction's messages have in common.
#[derive(Debug, Clone, Copy)]
pub(in crate::dissect) struct Between {
    stream: u32,
    source: Endpoint,
    destination: Endpoint,
}

impl Between {
    pub fn of<S>(flow: &Flow<S>, from: Side) -> Self {
        Self {
            stream: flow.stream,
            source: flow.end(from),
            destination: flow.end(from.other()),
        }
    }
}

/// Puts a message among `messages` that has the first `len` of these octets, never more than a
/// message can have. It is made where it stays, as it is larger than what is known of it.
#[inline]
fn put<'a>(
    messages: &'a mut Vec<Message>,
    octets: &[u8],
    len: usize,
    arrival: Arrival,
    between: Between,
) -> &'a mut Message {
    messages.push(Message {
        frame: arrival.frame,
        time: arrival.time,
        stream: between.stream,
        sender: Role::Client,
        source: between.source,
        destination: between.destination,
        octets: ArrayVec::new_const(),
        sources: SmallVec::new_const(),
        notes: SmallVec::new_const(),
        peer: None,
    });
    let last = messages.len() - 1;
    let message = &mut messages[last];
    let _ = message
        .octets
        .try_extend_from_slice(&octets[..len.min(MAX_LEN)]);
    message
}

impl Work {
    /// Adds octets of `chunk` as far as they fit; gives how many.
    pub fn append(&mut self, chunk: Chunk<'_>, arrival: Arrival) -> usize {
        let room = self.octets.remaining_capacity();
        self.append_at_most(chunk, room, arrival)
    }

    fn append_at_most(&mut self, chunk: Chunk<'_>, most: usize, arrival: Arrival) -> usize {
        let most = most.min(self.octets.remaining_capacity());
        let taken = chunk.octets.len().min(most);
        if taken == 0 {
            return 0;
        }
        let start = self.octets.len();
        // There is room: no more was taken.
        let _ = self.octets.try_extend_from_slice(&chunk.octets[..taken]);
        match self.sources.last_mut() {
            // What was held goes on in the same frame.
            Some(last)
                if last.frame == chunk.frame
                    && last.offset + u32::from(last.len) == chunk.offset =>
            {
                last.len += taken as u8;
            }
            _ => self.sources.push(Source {
                frame: chunk.frame,
                offset: chunk.offset,
                seq: chunk.seq,
                start: start as u8,
                len: taken as u8,
            }),
        }
        self.frame = arrival.frame;
        self.time = arrival.time;
        taken
    }

    /// Drops octets from the front.
    pub fn drop_front(&mut self, octets: usize) {
        self.octets.drain(..octets);
        let mut left = octets;
        self.sources.retain_mut(|source| {
            let cut = left.min(usize::from(source.len));
            left -= cut;
            source.offset += cut as u32;
            source.seq = source.seq.plus(cut as u32);
            source.len -= cut as u8;
            source.start = (usize::from(source.start) + cut).saturating_sub(octets) as u8;
            source.len > 0
        });
    }

    /// Takes the first octets out as a message.
    pub fn take_front(&mut self, octets: usize, between: Between, messages: &mut Vec<Message>) {
        let arrival = Arrival {
            frame: self.frame,
            time: self.time,
        };
        let message = put(messages, &self.octets, octets, arrival, between);
        for source in &self.sources {
            let start = usize::from(source.start);
            if start < octets {
                message.sources.push(Source {
                    len: (octets - start).min(usize::from(source.len)) as u8,
                    ..*source
                });
            }
        }
        message.notes = std::mem::take(&mut self.notes);
        self.drop_front(octets);
    }

    fn is_idle(&self) -> bool {
        self.octets.is_empty() && self.notes.is_empty() && self.skipped == 0
    }
}

impl DirectionState {
    /// Octets held of a message that is not whole yet.
    pub fn begun(&self) -> usize {
        match (&self.work, self.mode) {
            (Some(work), Mode::Boundary) => work.octets.len(),
            _ => 0,
        }
    }

    /// Searches for a right header. Gives what is left of `chunk`: in mode
    /// [`Mode::Boundary`] the header is found and stands at the start of what is held and left.
    pub fn search<'a>(&mut self, chunk: Chunk<'a>, arrival: Arrival) -> Chunk<'a> {
        const KEPT: usize = LOOK_AHEAD - 1;
        if let Some(work) = &mut self.work
            && !work.octets.is_empty()
        {
            // A header can start among the octets held and end in this chunk.
            let held = work.octets.len();
            let taken = work.append_at_most(chunk, KEPT, arrival);
            if let Some(at) = find_header(&work.octets) {
                work.drop_front(at);
                self.found_header(at);
                return skip(chunk, taken);
            }
            if taken < KEPT {
                let passed = work.octets.len().saturating_sub(KEPT);
                work.skipped += passed as u64;
                work.drop_front(passed);
                return skip(chunk, taken);
            }
            work.skipped += held as u64;
            work.octets.clear();
            work.sources.clear();
        }
        if let Some(at) = find_header(chunk.octets) {
            self.found_header(at);
            return skip(chunk, at);
        }
        let passed = chunk.octets.len().saturating_sub(KEPT);
        let work = self.work.get_or_insert_default();
        work.skipped += passed as u64;
        work.append(skip(chunk, passed), arrival);
        skip(chunk, chunk.octets.len())
    }

    fn found_header(&mut self, passed: usize) {
        self.mode = Mode::Boundary;
        let skipped = passed as u64 + self.work.as_ref().map_or(0, |work| work.skipped);
        if skipped > 0 {
            let work = self.work.get_or_insert_default();
            work.skipped = 0;
            work.notes.push(Note::Skipped { octets: skipped });
        }
    }

    /// Puts the message at the boundary among `messages` and gives what is left of `chunk`; `None`
    /// where it is not whole yet, with all of `chunk` held.
    pub fn message<'a>(
        &mut self,
        chunk: Chunk<'a>,
        arrival: Arrival,
        between: Between,
        messages: &mut Vec<Message>,
    ) -> Option<Chunk<'a>> {
        let (rest, wrong) = match &mut self.work {
            Some(work) if !work.octets.is_empty() => {
                let mut rest = chunk;
                let taken = loop {
                    match extent(&work.octets) {
                        Extent::Need(need) => {
                            let missing = need - work.octets.len();
                            let taken = work.append_at_most(rest, missing, arrival);
                            rest = skip(rest, taken);
                            if taken < missing {
                                return None;
                            }
                        }
                        Extent::Right(len) => break (len, false),
                        Extent::Wrong(len) => break (len, true),
                    }
                };
                work.take_front(taken.0, between, messages);
                (rest, taken.1)
            }
            _ => {
                let (len, wrong) = match extent(chunk.octets) {
                    Extent::Need(_) => {
                        let work = self.work.get_or_insert_default();
                        work.append(chunk, arrival);
                        return None;
                    }
                    Extent::Right(len) => (len, false),
                    Extent::Wrong(len) => (len, true),
                };
                self.in_place(chunk, len, arrival, between, messages);
                (skip(chunk, len), wrong)
            }
        };
        if wrong {
            self.mode = Mode::Search;
        }
        if self.work.as_ref().is_some_and(|work| work.is_idle()) {
            self.work = None;
        }
        Some(rest)
    }

    /// A message that stands whole in one chunk.
    #[inline]
    fn in_place(
        &mut self,
        chunk: Chunk<'_>,
        len: usize,
        arrival: Arrival,
        between: Between,
        messages: &mut Vec<Message>,
    ) {
        let message = put(messages, chunk.octets, len, arrival, between);
        message.sources.push(Source {
            frame: chunk.frame,
            offset: chunk.offset,
            seq: chunk.seq,
            start: 0,
            len: len as u8,
        });
        if let Some(work) = &mut self.work {
            message.notes = std::mem::take(&mut work.notes);
        }
    }
}
