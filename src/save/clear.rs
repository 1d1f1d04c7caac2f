//! Which bytes of streams are known to be no part of a password, by their place and content.
//!
//! Everything else is taken for one: what was never put together, belongs to no message, says
//! something else than the message that has its place, or was forgotten because a bound was
//! reached can hide a password and is not shown.

#![expect(
    clippy::cast_possible_truncation,
    reason = "messages of at most 16 MiB, and contents whose number is bounded"
)]

use std::collections::HashMap;
use std::rc::Rc;

use arrayvec::ArrayVec;
use smallvec::SmallVec;

use crate::dissect::Message;
use crate::packet::SeqNumber;
use crate::protocol::layout::{HEADER_LEN, MAX_LEN};
use crate::text::secret;

/// Runs remembered of all directions; each takes 16 bytes, a direction about 60.
const MOST_RUNS: usize = 1 << 22;
/// Different messages remembered, each of about 150 bytes; of what is beyond that only headers
/// are known.
const MOST_CONTENTS: usize = 1 << 18;
/// Bytes remembered of messages that layouts describe; of what is beyond that nothing is known to be clear.
const MOST_BYTES: usize = 1 << 26;
/// Larger than any two messages.
const LONGEST: u32 = 1 << 25;
/// Sequence numbers come again after twice this many bytes (RFC 9293 section 3.4).
const HALF: u32 = 1 << 31;

/// One direction of a stream: the stream's number, and whether the lesser end sends.
pub(super) type DirectionKey = (u32, bool);

/// The clear content of a message.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Content {
    /// A RegLogin message.
    RegLogin {
        /// As many bytes as the message has; those that are not clear are not kept.
        octets: ArrayVec<u8, MAX_LEN>,
        clear: secret::Clear,
    },
    /// A message that a layout describes, as it is to be written.
    Described(Vec<secret::Redacted>),
}

impl Content {
    fn new(octets: &[u8], clear: secret::Clear) -> Self {
        let kept = octets.iter().take(MAX_LEN).enumerate();
        let kept = kept.map(|(at, octet)| if clear.has(at) { *octet } else { 0 });
        Self::RegLogin {
            octets: kept.collect(),
            clear,
        }
    }

    /// Whether the byte at this position is clear.
    fn is_clear(&self, at: usize) -> bool {
        match self {
            Self::RegLogin { clear, .. } => clear.has(at),
            Self::Described(bytes) => matches!(bytes.get(at), Some(secret::Redacted::Clear(_))),
        }
    }

    fn has(&self, at: usize, octet: u8) -> bool {
        match self {
            Self::RegLogin { octets, clear } => clear.has(at) && octets[at] == octet,
            Self::Described(bytes) => bytes.get(at) == Some(&secret::Redacted::Clear(octet)),
        }
    }

    /// The byte to write here, if it is neither the original byte nor an asterisk.
    fn replacement(&self, at: usize) -> Option<u8> {
        match self {
            Self::Described(bytes) => match bytes.get(at) {
                Some(secret::Redacted::Anew(byte)) => Some(*byte),
                _ => None,
            },
            Self::RegLogin { .. } => None,
        }
    }
}

/// Messages that follow each other without a gap and have the same [`Content`].
#[derive(Debug, Clone, Copy)]
struct Run {
    start: SeqNumber,
    messages: u32,
    /// Place in [`ClearBytes::contents`].
    content: u32,
    /// Bytes of each message.
    len: u32,
}

#[derive(Debug, Default)]
struct ClearedDirection {
    /// In order, all within half of the sequence numbers.
    runs: SmallVec<[Run; 1]>,
    /// Sequence numbers have wrapped around: they no longer identify a byte.
    spent: bool,
}

/// The bytes known to be clear, by direction.
#[derive(Debug, Default)]
pub(super) struct ClearBytes {
    directions: HashMap<DirectionKey, ClearedDirection>,
    runs: usize,
    contents: Vec<Rc<Content>>,
    places: HashMap<Rc<Content>, u32>,
    /// Bytes of messages that layouts describe.
    bytes: usize,
}

/// What is known of bytes that follow each other in a direction.
pub(super) struct Known<'a> {
    contents: &'a [Rc<Content>],
    runs: &'a [Run],
    seq: SeqNumber,
}

impl ClearBytes {
    /// Adds the clear bytes of a message.
    pub fn add(&mut self, message: &Message) {
        let key = (message.stream, message.source <= message.destination);
        let Some(start) = message.sources.first().map(|source| source.seq) else {
            return;
        };
        let content = if message.described.is_some() {
            self.described(message)
        } else {
            let clear = secret::clear(&message.octets, message.sender);
            self.content(&message.octets, clear)
        };
        let Some(content) = content else {
            return;
        };
        let len = message.bytes().len() as u32;
        let direction = self.directions.entry(key).or_default();
        if let Some(first) = direction.runs.first()
            && start.0.wrapping_sub(first.start.0) >= HALF - LONGEST
        {
            direction.spent = true;
        }
        if direction.spent {
            self.runs -= direction.runs.len();
            direction.runs.clear();
            return;
        }
        if let Some(last) = direction.runs.last_mut()
            && (last.len, last.content) == (len, content)
            && last.start.plus(last.messages * len) == start
        {
            last.messages += 1;
        } else if self.runs < MOST_RUNS {
            self.runs += 1;
            direction.runs.push(Run {
                start,
                messages: 1,
                content,
                len,
            });
        }
    }

    /// The place of what a message says where it is clear, or of its header alone where there are
    /// too many different ones.
    fn content(&mut self, octets: &[u8], clear: secret::Clear) -> Option<u32> {
        let content = Content::new(octets, clear);
        if let Some(place) = self.places.get(&content) {
            return Some(*place);
        }
        let content = if self.contents.len() < MOST_CONTENTS {
            content
        } else {
            let header = Content::new(octets, clear.within(&(0..HEADER_LEN)));
            if let Some(place) = self.places.get(&header) {
                return Some(*place);
            }
            // Valid messages have few different headers; some entries are reserved for them.
            if self.contents.len() >= MOST_CONTENTS + MAX_LEN {
                return None;
            }
            header
        };
        Some(self.put(content))
    }

    /// The place of what a message says that a layout describes.
    fn described(&mut self, message: &Message) -> Option<u32> {
        let content = Content::Described(secret::redacted(message)?);
        if let Some(place) = self.places.get(&content) {
            return Some(*place);
        }
        self.bytes += message.bytes().len();
        if self.contents.len() >= MOST_CONTENTS || self.bytes > MOST_BYTES {
            return None;
        }
        Some(self.put(content))
    }

    fn put(&mut self, content: Content) -> u32 {
        let place = self.contents.len() as u32;
        let content = Rc::new(content);
        self.contents.push(Rc::clone(&content));
        self.places.insert(content, place);
        place
    }

    /// Forgets a stream that has ended.
    pub fn forget(&mut self, stream: u32) {
        for lesser in [false, true] {
            if let Some(direction) = self.directions.remove(&(stream, lesser)) {
                self.runs -= direction.runs.len();
            }
        }
    }

    /// What is known of the bytes from `seq` on.
    pub fn of(&self, key: DirectionKey, seq: SeqNumber) -> Known<'_> {
        let runs = self.directions.get(&key).map(|direction| &direction.runs);
        Known {
            contents: &self.contents,
            runs: runs.map(SmallVec::as_slice).unwrap_or_default(),
            seq,
        }
    }
}

impl Known<'_> {
    /// The message that has the byte at this offset, and the byte's offset in it.
    fn message(&self, at: usize) -> Option<(&Content, usize)> {
        let first = self.runs.first()?;
        let place = |seq: SeqNumber| seq.0.wrapping_sub(first.start.0);
        let wanted = place(self.seq.plus(at as u32));
        let behind = self.runs.partition_point(|run| place(run.start) <= wanted);
        let run = self.runs[..behind].last()?;
        let within = wanted - place(run.start);
        let len = run.len;
        (within < run.messages * len).then(|| {
            let content = &self.contents[run.content as usize];
            (&**content, (within % len) as usize)
        })
    }

    /// Whether the byte at this offset is clear, whatever a copy contains.
    pub fn position_is_clear(&self, at: usize) -> bool {
        let found = self.message(at);
        found.is_some_and(|(content, at)| content.is_clear(at))
    }

    /// The byte to write at this offset, if it is neither the original byte nor an asterisk: part of a checksum over
    /// hidden bytes.
    pub fn replacement(&self, at: usize) -> Option<u8> {
        let (content, at) = self.message(at)?;
        content.replacement(at)
    }

    /// Whether this byte at this offset is clear: it equals the message's byte there.
    pub fn is_clear(&self, at: usize, octet: u8) -> bool {
        let found = self.message(at);
        found.is_some_and(|(content, at)| content.has(at, octet))
    }
}

#[cfg(test)]
mod tests {
    use smallvec::smallvec;

    use super::*;
    use crate::capture::Timestamp;
    use crate::dissect::SourceBytes;
    use crate::packet::Endpoint;
    use crate::stream::Role;

    fn message(seq: u32, octets: &[u8]) -> Message {
        let end = |port| Endpoint {
            address: std::net::Ipv4Addr::LOCALHOST.into(),
            port,
        };
        Message {
            frame: 1,
            time: Timestamp(0),
            stream: 3,
            sender: Role::Client,
            source: end(1),
            destination: end(2),
            octets: octets.iter().copied().collect(),
            sources: smallvec![SourceBytes {
                frame: 1,
                offset: 0,
                seq: SeqNumber(seq),
                ack: None,
                start: 0,
                len: octets.len() as u32,
            }],
            notes: smallvec![],
            described: None,
            encrypted: false,
            clean: false,
            peer: None,
            answered: None,
        }
    }

    fn request() -> Vec<u8> {
        let mut octets = vec![0, 0, 0, 58, 0, 0, 0, 1];
        octets.extend([b"alice", &[0; 15][..], &[b'x'; 30]].concat());
        octets
    }

    #[test]
    fn requests_in_a_row_take_one_run_over_the_wrap() {
        let mut clear = ClearBytes::default();
        let start = u32::MAX - 60;
        for index in 0..3 {
            clear.add(&message(start.wrapping_add(index * 58), &request()));
        }
        assert_eq!(clear.runs, 1);
        let shown = clear.of((3, true), SeqNumber(start));
        for at in 0..200 {
            assert_eq!(
                shown.position_is_clear(at),
                at < 3 * 58 && at % 58 < 28,
                "{at}"
            );
        }
        let before = clear.of((3, true), SeqNumber(start.wrapping_sub(1)));
        assert!(!before.position_is_clear(0) && before.position_is_clear(1));
        assert!(!clear.of((3, false), SeqNumber(start)).position_is_clear(0));
        clear.forget(3);
        assert_eq!(clear.runs, 0);
    }

    #[test]
    fn nothing_is_shown_where_sequence_numbers_come_around() {
        let mut clear = ClearBytes::default();
        for seq in [0, 1 << 30, HALF - 100, 5] {
            clear.add(&message(seq, &request()));
        }
        assert!(!clear.of((3, true), SeqNumber(0)).position_is_clear(0));
        assert_eq!(clear.runs, 0);
    }

    #[test]
    fn a_copy_that_says_something_else_is_not_clear() {
        let mut clear = ClearBytes::default();
        clear.add(&message(7, &request()));
        let known = clear.of((3, true), SeqNumber(7));
        assert!(known.is_clear(8, b'a') && !known.is_clear(8, b'h'));
        assert!(known.is_clear(13, 0) && !known.is_clear(13, b'h'));
        assert!(!known.is_clear(28, b'x'));
    }

    #[test]
    fn too_many_different_messages_leave_their_headers() {
        let other = Rc::new(Content::new(&[], secret::Clear::NONE));
        let mut clear = ClearBytes {
            contents: std::iter::repeat_n(other, MOST_CONTENTS).collect(),
            ..ClearBytes::default()
        };
        clear.add(&message(0, &request()));
        let known = clear.of((3, true), SeqNumber(0));
        assert!(known.is_clear(3, 58) && !known.is_clear(8, b'a'));
    }
}
