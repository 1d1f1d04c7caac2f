//! One direction of a RegLogin stream: where a message begins, which bytes are held, and the search for the next
//! message.

#![expect(
    clippy::cast_possible_truncation,
    reason = "offsets in a chunk of a frame, and in a message of at most 73 bytes"
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

/// How the next bytes of a direction are processed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::dissect) enum Mode {
    /// Nothing is known of the direction yet.
    #[default]
    Start,
    /// The first bytes are no evidence of RegLogin.
    Unproven,
    /// A message begins here.
    Boundary,
    /// Bytes were never captured. By the sizes of messages, one should begin this many bytes after the gap. This place
    /// is checked before anything is searched, so that bytes inside a message are not taken for a header.
    Foretold {
        /// Kind of the message.
        kind: MessageKind,
        /// Bytes before it, counted from the end of the gap.
        left: u8,
    },
    /// A correct header is searched for.
    Search,
}

/// Most bytes held of a direction: a message and the look-ahead after it, or a PROXY protocol header.
pub const HELD: usize = if MAX_LEN + LOOK_AHEAD > PROXY_V1_MAX_LEN {
    MAX_LEN + LOOK_AHEAD
} else {
    PROXY_V1_MAX_LEN
};

/// State of a direction that is needed only while bytes are held or skipped.
#[derive(Debug, Default)]
pub(in crate::dissect) struct Work {
    /// The start of a message, or of what may be one.
    pub octets: ArrayVec<u8, HELD>,
    /// The frames that carried the bytes, and the frames with which they became readable.
    sources: SmallVec<[(SourceBytes, (u64, Timestamp)); 1]>,
    /// Bytes skipped in the search for a header.
    pub skipped: u64,
    /// Start of the last message with a wrong header: the next one is probably similar.
    pub like: Option<Like>,
    /// Bytes of a PROXY protocol header that are still to come.
    pub header_left: usize,
    /// Notes for the next message.
    pub notes: SmallVec<[Note; 1]>,
}

#[derive(Debug, Default)]
pub(in crate::dissect) struct DirectionState {
    pub mode: Mode,
    pub work: Option<Box<Work>>,
}

/// The source of the first `len` bytes of `chunk`, which are at offset `start` of a message.
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

/// Where the message after an incomplete one should begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::dissect) struct Boundary {
    /// Number of bytes before it that were not captured yet.
    left: usize,
    /// Whether the incomplete message lacks bytes of its header.
    headless: bool,
}

impl Boundary {
    /// How to process the bytes after a gap of `gap` bytes, if all messages are of this kind.
    pub fn behind(self, gap: u64, kind: MessageKind) -> Mode {
        let (size, left) = (kind.len() as u64, self.left as u64);
        let behind = match gap.checked_sub(left) {
            None => left - gap,
            Some(into) => (size - into % size) % size,
        };
        // Cannot overflow: a message has at most 73 bytes.
        let left = behind as u8;
        Mode::Foretold { kind, left }
    }

    /// How many messages of this kind a gap makes unknown: those that begin in it, and one whose header it cuts.
    pub fn lost_in(self, gap: u64, kind: MessageKind) -> u64 {
        let into = gap.saturating_sub(self.left as u64);
        into.div_ceil(kind.len() as u64) + u64::from(self.headless)
    }
}

/// What all messages of a direction have in common.
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

/// Adds a message with the first `len` bytes of `octets`, at most [`MAX_LEN`]. It is built in the list, because moving
/// it would cost more than building it.
#[inline]
fn put<'a>(
    messages: &'a mut Vec<Message>,
    octets: &[u8],
    len: usize,
    (frame, time): (u64, Timestamp),
    between: Between,
) -> &'a mut Message {
    messages.extend(std::iter::once_with(|| Message {
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
    }));
    let last = messages.len() - 1;
    let message = &mut messages[last];
    let _ = message
        .octets
        .try_extend_from_slice(&octets[..len.min(MAX_LEN)]);
    message
}

impl Work {
    /// Adds bytes of `chunk` as far as they fit. Returns how many.
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
        // Cannot fail: `taken` is at most the remaining capacity.
        let _ = self.octets.try_extend_from_slice(&chunk.octets[..taken]);
        match self.sources.last_mut() {
            // The bytes continue those held, in the same frame.
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

    /// The held bytes as chunks like those that were added.
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

    /// Removes the first bytes and adds them to `messages` as a message.
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
    /// Where the next message of this kind begins, if that follows from the sizes of the messages before it.
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

    /// The note on an incomplete message if `frame` carried bytes of it. `proven` says that the stream is RegLogin;
    /// otherwise the bytes must begin like a message.
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
        // All bytes in one segment, or the body in one after its header: the sender may consider it complete.
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

    /// Checks whether a message of this kind begins `left` bytes after a gap, once enough bytes are there. Returns the
    /// rest of `chunk`. The mode is then [`Mode::Boundary`] if it does, and the message begins with the held bytes;
    /// [`Mode::Search`] if not.
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

    /// Searches for a correct header. Returns the rest of `chunk`. If a header was found, the mode is
    /// [`Mode::Boundary`], and the header begins with the held bytes, or with the rest if none are held.
    pub fn search<'a>(&mut self, chunk: Chunk<'a>) -> Chunk<'a> {
        const KEPT: usize = LOOK_AHEAD - 1;
        if let Some(work) = &mut self.work
            && !work.octets.is_empty()
        {
            // A header can start in the held bytes and end in this chunk.
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

    /// Discards the held bytes. `counted` says that they count as skipped.
    pub fn discard(&mut self, counted: bool) {
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

    /// Records that a message begins after `passed` skipped bytes.
    pub fn found_header(&mut self, passed: usize) {
        self.mode = Mode::Boundary;
        let skipped = passed as u64 + self.work.as_ref().map_or(0, |work| work.skipped);
        if skipped > 0 {
            let work = self.work.get_or_insert_default();
            work.skipped = 0;
            work.notes.push(Note::Skipped { octets: skipped });
        }
    }

    /// Adds the message at the boundary to `messages`, and returns the rest of `chunk`. Returns `None`, and holds all
    /// of `chunk`, if the message is incomplete.
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

    /// Adds a message that is complete in one chunk.
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
