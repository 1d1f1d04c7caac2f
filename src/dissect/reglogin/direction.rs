//! One direction of a RegLogin stream between its chunks: where a message begins, what is held of
//! it, and the search for the next one.

#![expect(
    clippy::cast_possible_truncation,
    reason = "places in a chunk of a frame, and in a message of at most 73 bytes"
)]

use arrayvec::ArrayVec;
use smallvec::SmallVec;

use super::framing::{Extent, LOOK_AHEAD, Like, extent, find_next};
use crate::capture::Timestamp;
use crate::dissect::message::{Message, SourceBytes};
use crate::dissect::note::{Goes, Note};
use crate::dissect::proxy::PROXY_V1_MAX_LEN;
use crate::dissect::stream::Stream;
use crate::packet::Endpoint;
use crate::protocol::header::kind_of_len;
use crate::protocol::layout::{HEADER_LEN, LENGTH, MAX_LEN};
use crate::protocol::{MessageKind, judge_beginning, right_header};
use crate::stream::{Chunk, Role, Side};

/// How a direction's next bytes are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::dissect) enum Mode {
    /// Nothing is known of the direction yet.
    #[default]
    Start,
    /// What came first proved nothing.
    Unproven,
    /// A message begins here.
    Boundary,
    /// Bytes were never captured, and by the messages' sizes one begins this many bytes behind
    /// them: looked at before anything is searched for, so that no bytes inside of a message are
    /// taken for a header.
    Foretold {
        /// Of which kind.
        kind: MessageKind,
        /// Bytes before it, from the gap on.
        left: u8,
    },
    /// A right header is searched for.
    Search,
}

/// Bytes held of a direction at most: a message and what is looked at behind it, or a PROXY
/// header.
pub const HELD: usize = if MAX_LEN + LOOK_AHEAD > PROXY_V1_MAX_LEN {
    MAX_LEN + LOOK_AHEAD
} else {
    PROXY_V1_MAX_LEN
};

/// What is kept of a direction between its chunks, where anything is.
#[derive(Debug, Default)]
pub(in crate::dissect) struct Work {
    /// The beginning of a message, or of what may be one.
    pub octets: ArrayVec<u8, HELD>,
    /// Where they stood, and with which frame they can be read.
    sources: SmallVec<[(SourceBytes, (u64, Timestamp)); 1]>,
    /// Bytes passed over in search of a header.
    pub skipped: u64,
    /// How the last wrong message began; the next is searched for by it.
    pub like: Option<Like>,
    /// Bytes of a PROXY header that are still to come.
    pub header_left: usize,
    /// Notes for the next message.
    pub notes: SmallVec<[Note; 1]>,
}

#[derive(Debug, Default)]
pub(in crate::dissect) struct DirectionState {
    pub mode: Mode,
    pub work: Option<Box<Work>>,
}

/// Where the first `len` bytes of `chunk` come from, which stand at `start` of a message.
fn source(chunk: Chunk<'_>, start: usize, len: usize) -> SourceBytes {
    SourceBytes {
        frame: chunk.frame,
        offset: chunk.offset,
        seq: chunk.seq,
        ack: chunk.ack,
        start: start as u32,
        len: len as u32,
    }
}

/// Where the message behind the one that is begun starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::dissect) struct Boundary {
    /// Bytes from what was captured so far.
    left: usize,
    /// Whether a message is begun of whose header bytes are missing.
    headless: bool,
}

impl Boundary {
    /// How the bytes behind a gap are taken, where messages of this kind are sent.
    pub fn behind(self, gap: u64, kind: MessageKind) -> Mode {
        let (size, left) = (kind.len() as u64, self.left as u64);
        let behind = match gap.checked_sub(left) {
            None => left - gap,
            Some(into) => (size - into % size) % size,
        };
        // A message has fewer bytes than a byte can count.
        let left = behind as u8;
        Mode::Foretold { kind, left }
    }

    /// How many messages of this kind cannot be told of because of a gap: those that begin in it,
    /// and one whose header it takes bytes from.
    pub fn lost_in(self, gap: u64, kind: MessageKind) -> u64 {
        let into = gap.saturating_sub(self.left as u64);
        into.div_ceil(kind.len() as u64) + u64::from(self.headless)
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
    pub fn of(stream: &Stream<'_>, from: Side) -> Self {
        Self {
            stream: stream.number,
            source: stream.end(from),
            destination: stream.end(from.other()),
        }
    }
}

/// Puts a message among `messages` that has the first `len` of these bytes, never more than a
/// message can have. It is made where it stays, as it is larger than what is known of it.
#[inline]
fn put<'a>(
    messages: &'a mut Vec<Message>,
    octets: &[u8],
    len: usize,
    (frame, time): (u64, Timestamp),
    between: Between,
) -> &'a mut Message {
    messages.push(Message {
        frame,
        time,
        stream: between.stream,
        sender: Role::Client,
        source: between.source,
        destination: between.destination,
        octets: ArrayVec::new_const(),
        sources: SmallVec::new_const(),
        notes: SmallVec::new_const(),
        described: None,
        encrypted: false,
        clean: false,
        peer: None,
        answered: None,
    });
    let last = messages.len() - 1;
    let message = &mut messages[last];
    let _ = message
        .octets
        .try_extend_from_slice(&octets[..len.min(MAX_LEN)]);
    message
}

impl Work {
    /// Adds bytes of `chunk` as far as they fit; gives how many.
    pub fn append(&mut self, chunk: Chunk<'_>) -> usize {
        let room = self.octets.remaining_capacity();
        self.append_at_most(chunk, room)
    }

    fn append_at_most(&mut self, chunk: Chunk<'_>, most: usize) -> usize {
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
            Some((last, readable))
                if last.frame == chunk.frame
                    && *readable == chunk.readable
                    && last.offset + last.len == chunk.offset =>
            {
                last.len += taken as u32;
            }
            _ => self
                .sources
                .push((source(chunk, start, taken), chunk.readable)),
        }
        taken
    }

    /// What is held, as it came.
    pub fn chunks(&self) -> impl Iterator<Item = Chunk<'_>> {
        self.sources.iter().map(|(source, readable)| Chunk {
            octets: &self.octets[(source.start as usize)..][..(source.len as usize)],
            frame: source.frame,
            readable: *readable,
            offset: source.offset,
            seq: source.seq,
            ack: source.ack,
        })
    }

    /// Drops bytes from the front.
    pub fn drop_front(&mut self, octets: usize) {
        self.octets.drain(..octets);
        let mut left = octets;
        self.sources.retain_mut(|(source, _)| {
            let cut = left.min(source.len as usize);
            left -= cut;
            source.offset += cut as u32;
            source.seq = source.seq.plus(cut as u32);
            source.len -= cut as u32;
            source.start = (source.start as usize + cut).saturating_sub(octets) as u32;
            source.len > 0
        });
    }

    /// Takes the first bytes out as a message.
    pub fn take_front(&mut self, octets: usize, between: Between, messages: &mut Vec<Message>) {
        let within = |(source, _): &&(SourceBytes, _)| (source.start as usize) < octets;
        let sources = self.sources.iter().filter(within);
        let readable = sources.clone().map(|(_, readable)| *readable);
        let last = readable.max_by_key(|(frame, _)| *frame);
        let last = last.unwrap_or((0, Timestamp(0)));
        let message = put(messages, &self.octets, octets, last, between);
        for (source, _) in sources {
            let start = source.start as usize;
            message.sources.push(SourceBytes {
                len: (octets - start).min(source.len as usize) as u32,
                ..*source
            });
        }
        message.notes = std::mem::take(&mut self.notes);
        self.drop_front(octets);
    }

    fn is_idle(&self) -> bool {
        self.octets.is_empty()
            && self.notes.is_empty()
            && self.skipped == 0
            && self.header_left == 0
            && self.like.is_none()
    }
}

impl DirectionState {
    /// Where the next message of this kind begins, where the sizes of those before it tell.
    pub fn boundary(&self, kind: MessageKind) -> Option<Boundary> {
        let held = self.work.as_ref().map_or(&[][..], |work| &work.octets);
        let before = match self.mode {
            Mode::Boundary => 0,
            Mode::Foretold { left, .. } => usize::from(left),
            Mode::Start | Mode::Unproven | Mode::Search => return None,
        };
        let Some(begun) = held.get(before..).filter(|begun| !begun.is_empty()) else {
            return Some(Boundary {
                left: before - held.len(),
                headless: false,
            });
        };
        let headless = begun.len() < HEADER_LEN;
        let size = match extent(begun) {
            _ if headless => kind.len(),
            Extent::Need(len) | Extent::Right(len) | Extent::Wrong(len) => len,
        };
        Some(Boundary {
            left: size.saturating_sub(begun.len()),
            headless,
        })
    }

    /// What is to be said of the message that `frame` carried bytes of, and that is not whole:
    /// where RegLogin is not proven yet, of bytes that begin as one does.
    pub fn begun(&self, frame: u64, proven: bool, kind: MessageKind) -> Option<Note> {
        let work = self.work.as_ref()?;
        let octets = work.octets.as_slice();
        let length = LENGTH.number(octets).and_then(kind_of_len);
        let need = match self.mode {
            Mode::Boundary if proven && octets.len() < HEADER_LEN => kind.len(),
            Mode::Boundary if proven => match extent(octets) {
                Extent::Need(len) | Extent::Right(len) | Extent::Wrong(len) => len,
            },
            Mode::Start if octets.len() < HEADER_LEN => length?.len(),
            Mode::Start => right_header(octets)?.len(),
            _ => return None,
        };
        let mut sources = work.sources.iter().map(|(source, _)| source);
        let in_frame = sources.clone().any(|source| source.frame == frame);
        // All in one segment, or behind its header: its sender may take it for whole.
        let header_alone = |len: u32| len as usize == HEADER_LEN;
        let at_once = match work.sources.len() {
            1 => true,
            2 => sources.next().is_some_and(|first| header_alone(first.len)),
            _ => false,
        };
        let have = octets.len();
        (in_frame && have < need).then(|| Note::Begun {
            have,
            need,
            unfilled: at_once && judge_beginning(octets).is_some(),
            goes: Goes::Unknown,
        })
    }

    /// Looks whether a message of this kind begins `left` bytes behind a gap. Gives what is left
    /// of `chunk` where that is decided: in mode [`Mode::Boundary`] it does, and stands at the
    /// start of what is held and left, in mode [`Mode::Search`] it is searched for.
    pub fn try_boundary<'a>(
        &mut self,
        chunk: Chunk<'a>,
        kind: MessageKind,
        left: usize,
    ) -> Chunk<'a> {
        let work = self.work.get_or_insert_default();
        let missing = (left + HEADER_LEN).saturating_sub(work.octets.len());
        let rest = chunk.behind(work.append_at_most(chunk, missing));
        if work.octets.len() < left + HEADER_LEN {
            return rest;
        }
        if right_header(&work.octets[left..]) == Some(kind) {
            work.drop_front(left);
            self.found_header(left);
        } else {
            self.mode = Mode::Search;
        }
        rest
    }

    /// Searches for a right header. Gives what is left of `chunk`: in mode
    /// [`Mode::Boundary`] the header is found and stands at the start of what is held and left.
    pub fn search<'a>(&mut self, chunk: Chunk<'a>) -> Chunk<'a> {
        const KEPT: usize = LOOK_AHEAD - 1;
        if let Some(work) = &mut self.work
            && !work.octets.is_empty()
        {
            // A header can start among the bytes held and end in this chunk.
            let held = work.octets.len();
            let taken = work.append_at_most(chunk, KEPT);
            if let Some(at) = find_next(&work.octets, work.like) {
                work.drop_front(at);
                self.found_header(at);
                return chunk.behind(taken);
            }
            if taken < KEPT {
                let passed = work.octets.len().saturating_sub(KEPT);
                work.skipped += passed as u64;
                work.drop_front(passed);
                return chunk.behind(taken);
            }
            work.skipped += held as u64;
            work.octets.clear();
            work.sources.clear();
        }
        let like = self.work.as_ref().and_then(|work| work.like);
        if let Some(at) = find_next(chunk.octets, like) {
            self.found_header(at);
            return chunk.behind(at);
        }
        let passed = chunk.octets.len().saturating_sub(KEPT);
        let work = self.work.get_or_insert_default();
        work.skipped += passed as u64;
        work.append(chunk.behind(passed));
        chunk.behind(chunk.octets.len())
    }

    /// Forgets what is held; `counted` says that it counts as passed over.
    pub fn let_go(&mut self, counted: bool) {
        if let Some(work) = &mut self.work {
            if counted {
                work.skipped += work.octets.len() as u64;
            }
            work.octets.clear();
            work.sources.clear();
            if work.is_idle() {
                self.work = None;
            }
        }
    }

    /// A message begins behind `passed` bytes.
    pub fn found_header(&mut self, passed: usize) {
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
                            let taken = work.append_at_most(rest, missing);
                            rest = rest.behind(taken);
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
                        work.append(chunk);
                        return None;
                    }
                    Extent::Right(len) => (len, false),
                    Extent::Wrong(len) => (len, true),
                };
                self.in_place(chunk, len, between, messages);
                (chunk.behind(len), wrong)
            }
        };
        let like = messages
            .last()
            .filter(|_| wrong)
            .map(|last| Like::of(&last.octets));
        if let Some(like) = like {
            self.mode = Mode::Search;
            self.work.get_or_insert_default().like = like;
        } else if let Some(work) = &mut self.work {
            work.like = None;
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
        between: Between,
        messages: &mut Vec<Message>,
    ) {
        let carrier = chunk.readable;
        let message = put(messages, chunk.octets, len, carrier, between);
        message.sources.push(source(chunk, 0, len));
        if let Some(work) = &mut self.work {
            message.notes = std::mem::take(&mut work.notes);
        }
    }
}
