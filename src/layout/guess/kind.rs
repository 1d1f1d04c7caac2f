//! Finds the field that distinguishes kinds of messages, and the identifier that a response repeats from its request.

use std::collections::{HashMap, HashSet};

use super::cost::{counts, entropy};
use super::framing::Length;
use super::{Message, SIDES};
use crate::layout::model::{ByteOrder, Integer, Side};

/// Messages that are examined.
const SAMPLE: usize = 3_000;
/// The last offset that is tried, in bytes from a message's start.
const LAST_OFFSET: usize = 24;
/// Bytes at the start of a message whose nature may depend on its kind.
const COLUMNS: usize = 32;

/// An integer of the header, with a score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Candidate {
    pub offset: usize,
    pub integer: Integer,
    pub score: f64,
}

impl Candidate {
    pub fn end(&self) -> usize {
        self.offset + usize::from(self.integer.width)
    }

    pub fn read(&self, message: &[u8]) -> Option<i128> {
        self.integer.read(message.get(self.offset..)?)
    }

    fn overlaps(&self, start: usize, end: usize) -> bool {
        self.offset < end && start < self.end()
    }
}

/// Searches for kinds and identifiers.
pub(super) struct Search<'a> {
    length: &'a Length,
    messages: &'a [Message<'a>],
    shortest: usize,
}

impl<'a> Search<'a> {
    pub fn new(length: &'a Length, messages: &'a [Message<'a>]) -> Self {
        let messages = &messages[..messages.len().min(SAMPLE)];
        Self {
            length,
            messages,
            shortest: messages
                .iter()
                .map(|message| message.bytes.len())
                .min()
                .unwrap_or(0),
        }
    }

    /// All integers of these widths that may be in the header.
    fn candidates(&self, widths: &'static [u8]) -> impl Iterator<Item = Candidate> {
        let last = self.shortest.min(LAST_OFFSET);
        let length = *self.length;
        (0..last)
            .flat_map(move |offset| widths.iter().map(move |width| (offset, *width)))
            .flat_map(move |(offset, width)| {
                let orders: &[ByteOrder] = match (width, length.integer.width, length.integer.order)
                {
                    (1, ..) => &[ByteOrder::Big],
                    (_, 1, _) => &[ByteOrder::Big, ByteOrder::Little],
                    (.., ByteOrder::Big) => &[ByteOrder::Big],
                    (.., ByteOrder::Little) => &[ByteOrder::Little],
                };
                orders.iter().map(move |order| Candidate {
                    offset,
                    integer: Integer::unsigned(width, *order),
                    score: 0.0,
                })
            })
            .filter(move |found| {
                found.end() <= last && !found.overlaps(length.offset, length.end())
            })
    }

    /// The integer that a response repeats from its request, while requests have different ones.
    pub fn id(&self) -> Option<Candidate> {
        let mut best: Option<Candidate> = None;
        for candidate in self.candidates(&[8, 4, 2, 1]) {
            let width = usize::from(candidate.integer.width);
            let Some(repeated) = self.repeats(&candidate) else {
                continue;
            };
            let mut score = repeated + width as f64 - candidate.offset as f64 * 0.1;
            score -= if candidate.offset.is_multiple_of(width) {
                0.0
            } else {
                20.0
            };
            // A most significant byte that never changes is not part of it, unless it is 0.
            let first = self.messages[0].bytes;
            let top = match candidate.integer.order {
                ByteOrder::Big => candidate.offset,
                ByteOrder::Little => candidate.end() - 1,
            };
            let still = self
                .messages
                .iter()
                .all(|message| message.bytes[top] == first[top]);
            score -= if still && first[top] != 0 { 20.0 } else { 0.0 };
            if best.is_none_or(|best| score > best.score) {
                best = Some(Candidate { score, ..candidate });
            }
        }
        best
    }

    /// The number of responses that repeat a waiting request's value, at most 50. `None` if the candidate is no identifier.
    fn repeats(&self, candidate: &Candidate) -> Option<f64> {
        let mut waiting: HashMap<(usize, i128), usize> = HashMap::new();
        let mut used: HashSet<(usize, i128)> = HashSet::new();
        let mut values = HashSet::new();
        let (mut right, mut wrong, mut again, mut asked) = (0usize, 0usize, 0usize, 0usize);
        for message in self.messages {
            let value = candidate.read(message.bytes)?;
            let key = (message.conversation, value);
            match message.side {
                Side::Client => {
                    asked += 1;
                    *waiting.entry(key).or_insert(0) += 1;
                    again += usize::from(!used.insert(key));
                    values.insert(value);
                }
                Side::Server => match waiting.get_mut(&key) {
                    Some(left) if *left > 0 => {
                        *left -= 1;
                        right += 1;
                    }
                    _ => wrong += 1,
                },
            }
        }
        let is = right >= 3
            && values.len() >= 3
            && values.len() * 4 >= asked.min(200)
            && wrong * 10 <= right
            && again * 20 <= asked;
        is.then_some(right.min(50) as f64)
    }

    /// The integers that may be the kind, the most likely first.
    pub fn kinds(&self, id: Option<&Candidate>) -> Vec<Candidate> {
        let free =
            |candidate: &Candidate| id.is_none_or(|id| !candidate.overlaps(id.offset, id.end()));
        let mut found: Vec<Candidate> = self
            .candidates(&[4, 2, 1])
            .filter(free)
            .filter_map(|candidate| {
                let score = self.tells(&candidate)?;
                Some(Candidate { score, ..candidate })
            })
            .filter(|candidate| candidate.score > -8.0)
            .collect();
        found.sort_by(|a, b| b.score.total_cmp(&a.score));
        found
    }

    /// The score of an integer as the kind; `None` if it is none.
    fn tells(&self, candidate: &Candidate) -> Option<f64> {
        let width = usize::from(candidate.integer.width);
        let values: Vec<i128> = self
            .messages
            .iter()
            .map(|message| candidate.read(message.bytes))
            .collect::<Option<_>>()?;
        let distinct = counts(values.iter().copied());
        let n = values.len();
        if distinct.len() < 2 || distinct.len() > 256 || (n >= 16 && distinct.len() * 3 > n) {
            return None;
        }
        let of = |side| -> HashSet<i128> {
            let own = self.messages.iter().zip(&values);
            own.filter(|(message, _)| message.side == side)
                .map(|(_, value)| *value)
                .collect()
        };
        let [client, server] = SIDES.map(of);
        let mut score = 0.0;
        if !client.is_empty() && !server.is_empty() && client.is_disjoint(&server) {
            score += 10.0;
        }
        // Text also distinguishes messages, and so do lengths.
        let text = |value: i128| {
            let bytes = value.to_be_bytes();
            bytes[16 - width..]
                .iter()
                .filter(|byte| byte.is_ascii_alphanumeric())
                .count()
        };
        let most = distinct.keys().map(|value| text(*value)).max().unwrap_or(0);
        let upper_is_zero = width > 1 && distinct.keys().all(|value| *value < 256);
        score -= match most {
            0 => 0.0,
            1 if upper_is_zero => 12.0,
            1 => 24.0,
            _ => 60.0,
        };
        if self.counts_text(candidate, &values) {
            return None;
        }
        // Kinds have small values. Those of responses may have the highest bit set.
        let high = 1i128 << (width * 8 - 1);
        let largest = distinct
            .keys()
            .map(|value| value & !high)
            .max()
            .unwrap_or(0);
        score += match largest {
            0..64 => 8.0,
            64..256 => 5.0,
            256..4096 => 2.0,
            _ => -4.0,
        };
        score += match width {
            4 if largest < 65_536 => 3.0,
            2 => 1.5,
            _ => 0.0,
        };
        // The kind is near the beginning.
        score -= candidate.offset as f64 * 3.0;
        score -= if candidate.offset.is_multiple_of(width) {
            0.0
        } else {
            4.0
        };
        if candidate.offset == self.length.end() || candidate.end() == self.length.offset {
            score += 3.0;
        }
        score -= (distinct.len() as f64 - 8.0).max(0.0) * 0.5;
        score += self.told(&values).clamp(-8.0, 8.0);
        Some(score)
    }

    /// Whether the values of one side are lengths of a text that follows them.
    fn counts_text(&self, candidate: &Candidate, values: &[i128]) -> bool {
        SIDES.into_iter().any(|side| {
            let own = self.messages.iter().zip(values);
            let own = own.filter(|(message, _)| message.side == side);
            let counts_text = own.clone().all(|(message, value)| {
                let behind = &message.bytes[candidate.end()..];
                let text = usize::try_from(*value)
                    .ok()
                    .and_then(|len| behind.get(..len));
                text.is_some_and(super::text::is_text)
            });
            counts_text && counts(own.map(|(_, value)| *value)).len() >= 3
        })
    }

    /// The information, in bits, that the values give about sizes and the nature of bytes, less what they would give by chance.
    fn told(&self, values: &[i128]) -> f64 {
        let mut told = 0.0;
        for side in SIDES {
            let own: Vec<(&Message<'_>, i128)> = self
                .messages
                .iter()
                .zip(values.iter().copied())
                .filter(|(message, _)| message.side == side)
                .collect();
            let known = counts(own.iter().map(|(_, value)| *value));
            let gain = |nature: &dyn Fn(&Message<'_>) -> usize| {
                let before = counts(own.iter().map(|(message, _)| nature(message)));
                let behind = counts(own.iter().map(|(message, value)| (*value, nature(message))));
                entropy(&before) + entropy(&known) - entropy(&behind)
            };
            told += gain(&|message| message.bytes.len()) * 2.0;
            for column in 0..COLUMNS {
                told += gain(&|message| nature(message.bytes.get(column).copied())) * 0.25;
            }
            let extra = known.len().saturating_sub(1) as f64;
            told -= extra * 4.0;
        }
        told
    }
}

/// The class of a byte: absent, NUL, control, printable, other.
fn nature(byte: Option<u8>) -> usize {
    match byte {
        None => 0,
        Some(0) => 1,
        Some(1..=31) => 2,
        Some(0x20..=0x7e) => 3,
        Some(_) => 4,
    }
}
