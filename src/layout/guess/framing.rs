//! Finds the length field: its offset, its type, and what it counts. It divides the traffic into messages.

use super::cost::{counts, entropy, number};
use super::{Conversation, Message, Run, SIDES};
use crate::layout::model::{ByteOrder, Integer, Side};

/// The largest plausible message, in bytes.
const LARGEST: i64 = 1 << 20;
/// The last offset that is tried for a length, in bytes from a message's start.
const LAST_OFFSET: usize = 16;
/// Bytes of the traffic that hypotheses are tested with first.
const SAMPLE: usize = 192 << 10;
/// Bytes at the start of messages that are compared with each other.
const COLUMNS: usize = 12;
/// The best hypotheses, which are tested with all traffic.
const LIKELIEST: usize = 24;
/// One hypothesis must take so many bits less than another to be sure.
const SURE: f64 = 8.0;

/// A length field: a message's size in bytes is its value plus `excess`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Length {
    pub offset: usize,
    pub integer: Integer,
    pub excess: i64,
}

impl Length {
    pub fn end(&self) -> usize {
        self.offset + usize::from(self.integer.width)
    }

    /// The size of the message that begins with `bytes`. `None` if it is impossible; `Err` if there are too few bytes.
    fn of(&self, bytes: &[u8]) -> Option<Result<usize, ()>> {
        let Some(value) = bytes
            .get(self.offset..)
            .and_then(|bytes| self.integer.read(bytes))
        else {
            return Some(Err(()));
        };
        let length = i64::try_from(value).ok()?.checked_add(self.excess)?;
        let least = self.end().max(2) as i64;
        (least..=LARGEST)
            .contains(&length)
            .then_some(Ok(length as usize))
    }
}

/// The length field, and how sure it is.
#[derive(Debug)]
pub(super) struct Framing {
    pub best: Length,
    /// Another field that explains the traffic nearly as well.
    pub rival: Option<Length>,
    /// The number of different message sizes.
    pub sizes: usize,
    /// The number of most significant bytes of the field that were always 0.
    pub zeros: usize,
}

/// A run divided into messages.
#[derive(Default)]
struct Cut {
    /// The ends of messages, in order.
    ends: Vec<usize>,
    /// Bytes before the first message.
    skipped: usize,
    /// Whether the bytes after the last message cannot begin one.
    broken: bool,
}

fn walk(length: &Length, run: &Run, from: usize) -> Cut {
    let mut ends = Vec::new();
    let mut at = from;
    let mut broken = false;
    while at < run.bytes.len() {
        match length.of(&run.bytes[at..]) {
            Some(Ok(len)) if at + len <= run.bytes.len() => {
                at += len;
                ends.push(at);
            }
            Some(_) => break,
            None => {
                broken = true;
                break;
            }
        }
    }
    Cut {
        ends,
        skipped: from,
        broken,
    }
}

/// Divides a run that may begin within a message: from the first segment after which messages follow each other.
fn walk_anywhere(length: &Length, run: &Run) -> Cut {
    let first = walk(length, run, 0);
    let reaches = |cut: &Cut| {
        let end = cut.ends.last().copied().unwrap_or(0);
        !cut.broken && (end == run.bytes.len() || cut.ends.len() > 2)
    };
    if reaches(&first) {
        return first;
    }
    let mut starts = run.pieces.iter().skip(1).take(64);
    starts
        .find_map(|(start, _)| {
            let cut = walk(length, run, *start);
            reaches(&cut).then_some(cut)
        })
        .unwrap_or(if run.after_gap { Cut::default() } else { first })
}

/// The messages of the traffic, in the order of capture.
pub(super) fn cut<'a>(length: &Length, conversations: &'a [Conversation]) -> Vec<Message<'a>> {
    let mut messages = Vec::new();
    for (index, conversation) in conversations.iter().enumerate() {
        for side in SIDES {
            for run in conversation.runs(side) {
                let cut = walk_anywhere(length, run);
                let mut start = cut.skipped;
                for end in cut.ends {
                    messages.push(Message {
                        conversation: index,
                        side,
                        bytes: &run.bytes[start..end],
                        order: order(run, end - 1),
                    });
                    start = end;
                }
            }
        }
    }
    messages.sort_by_key(|message| message.order);
    messages
}

fn order(run: &Run, byte: usize) -> u64 {
    let behind = run.pieces.partition_point(|(start, _)| *start <= byte);
    behind.checked_sub(1).map_or(0, |last| run.pieces[last].1)
}

/// The runs that hypotheses are tested with: those that begin with a message, if there are any.
struct Sample<'a> {
    runs: Vec<(Side, &'a Run)>,
    /// Bits of each byte value, by its frequency.
    bits: [f64; 256],
    /// Bits of the whole sample without a length field.
    nothing: f64,
}

impl<'a> Sample<'a> {
    fn of(conversations: &'a [Conversation]) -> Self {
        let runs = || {
            conversations
                .iter()
                .flat_map(|one| SIDES.map(|side| one.runs(side)))
                .flatten()
        };
        // Runs that may begin within a message are used only if there are no others.
        let anywhere = !runs().any(|run| !run.after_gap && !run.bytes.is_empty());
        let mut runs = Vec::new();
        let mut bytes = 0;
        for conversation in conversations {
            for side in SIDES {
                let mut usable = conversation.runs(side).iter();
                if let Some(run) =
                    usable.find(|run| (anywhere || !run.after_gap) && !run.bytes.is_empty())
                    && bytes < SAMPLE
                {
                    runs.push((side, run));
                    bytes += run.bytes.len();
                }
            }
        }
        let mut counted = [1.0; 256];
        for (_, run) in &runs {
            for byte in run.bytes.iter().take(SAMPLE) {
                counted[usize::from(*byte)] += 1.0;
            }
        }
        let all: f64 = counted.iter().sum();
        let bits = counted.map(|count| (all / count).log2());
        let mut sample = Self {
            runs,
            bits,
            nothing: 0.0,
        };
        sample.nothing = sample
            .runs
            .iter()
            .map(|(_, run)| sample.plain(&run.bytes))
            .sum();
        sample
    }

    fn plain(&self, bytes: &[u8]) -> f64 {
        bytes.iter().map(|byte| self.bits[usize::from(*byte)]).sum()
    }

    /// Bits of the sample with this length field; `None` if it fits less than half of it.
    fn cost(&self, length: &Length) -> Option<f64> {
        let mut messages: [Vec<&[u8]>; 2] = [Vec::new(), Vec::new()];
        let mut cost = 0.0;
        let mut fit = 0;
        let mut all = 0;
        for (number, (side, run)) in self.runs.iter().enumerate() {
            let cut = walk(length, run, 0);
            let mut start = 0;
            let mut at_segment = 0;
            for end in &cut.ends {
                if run
                    .pieces
                    .binary_search_by_key(&start, |(at, _)| *at)
                    .is_ok()
                {
                    at_segment += 1;
                }
                messages[usize::from(*side == Side::Server)].push(&run.bytes[start..*end]);
                start = *end;
            }
            let rest = &run.bytes[start..];
            cost += self.plain(rest) + rest.len() as f64 * 0.5;
            if !rest.is_empty() {
                cost += if cut.broken { 24.0 } else { 4.0 };
            }
            // Programs mostly send a message as one segment.
            let unexplained =
                run.pieces.len().saturating_sub(at_segment) + cut.ends.len() - at_segment;
            cost += unexplained as f64 * 1.5;
            fit += start;
            all += run.bytes.len();
            if number == 24 && fit * 4 < all {
                return None;
            }
        }
        if fit * 2 < all {
            return None;
        }
        let mut sizes: Vec<usize> = Vec::new();
        for messages in &messages {
            let lengths = counts(messages.iter().map(|message| message.len()));
            cost += entropy(&lengths);
            sizes.extend(lengths.keys());
            let width = COLUMNS.min(
                messages
                    .iter()
                    .map(|message| message.len())
                    .min()
                    .unwrap_or(0),
            );
            for column in 0..width {
                if (length.offset..length.end()).contains(&column) {
                    continue;
                }
                let bytes = messages.iter().map(|message| message[column]);
                let plain: f64 = bytes.clone().map(|byte| self.bits[usize::from(byte)]).sum();
                let counted = counts(bytes);
                let known = entropy(&counted) + counted.len() as f64 * 8.0;
                cost += plain.min(known);
            }
            for message in messages {
                let fields = length.offset.max(width)..length.end().max(width);
                cost += self.plain(&message[width..]) - self.plain(&message[fields]);
            }
        }
        sizes.sort_unstable();
        sizes.dedup();
        cost += sizes.iter().map(|size| number(*size as u128)).sum::<f64>();
        Some(cost + prior(length))
    }
}

/// How unusual a length field is, in bits.
fn prior(length: &Length) -> f64 {
    let width = usize::from(length.integer.width);
    let by_width = match width {
        4 => 0.0,
        2 => 1.5,
        1 => 4.0,
        3 => 9.0,
        _ => 6.0,
    };
    let aligned = if width != 3 && !length.offset.is_multiple_of(width) {
        6.0
    } else {
        0.0
    };
    let counted = match length.excess {
        0 => 0.0,
        excess if excess == length.end() as i64 => 1.0,
        excess if excess > length.end() as i64 => 2.0 + (excess - length.end() as i64) as f64 * 0.5,
        excess if excess == i64::from(length.integer.width) => 3.0,
        excess => 8.0 + excess.unsigned_abs() as f64,
    };
    by_width + aligned + counted + length.offset as f64
}

fn integers() -> impl Iterator<Item = Integer> {
    [4u8, 2, 1, 3, 8].into_iter().flat_map(|width| {
        let orders: &[ByteOrder] = if width == 1 {
            &[ByteOrder::Big]
        } else {
            &[ByteOrder::Big, ByteOrder::Little]
        };
        let integer = move |order: &ByteOrder| Integer::unsigned(width, *order);
        orders.iter().map(integer)
    })
}

/// Candidates for `excess`: what the first segments of runs suggest, and what protocols usually have.
fn excesses(sample: &Sample<'_>, offset: usize, integer: Integer) -> Vec<i64> {
    let end = (offset + usize::from(integer.width)) as i64;
    let mut votes = Vec::new();
    for (_, run) in &sample.runs {
        let segment = run
            .pieces
            .get(1)
            .map_or(run.bytes.len(), |(start, _)| *start);
        if let Some(value) = run
            .bytes
            .get(offset..)
            .and_then(|bytes| integer.read(bytes))
        {
            for size in [segment, run.bytes.len()] {
                let excess = size as i128 - value;
                if (-8..=48).contains(&excess) {
                    votes.push(excess as i64);
                }
            }
        }
    }
    let mut counted: Vec<(i64, usize)> = counts(votes).into_iter().collect();
    counted.sort_by_key(|(excess, count)| (std::cmp::Reverse(*count), *excess));
    let mut excesses: Vec<i64> = counted
        .into_iter()
        .take(4)
        .map(|(excess, _)| excess)
        .collect();
    excesses.extend([0, end, end + 2, end + 4, i64::from(integer.width)]);
    excesses.sort_unstable();
    excesses.dedup();
    excesses
}

/// Finds the length field; `None` if no hypothesis explains the traffic.
pub(super) fn find(conversations: &[Conversation]) -> Option<Framing> {
    let sample = Sample::of(conversations);
    let mut found: Vec<(f64, Length)> = Vec::new();
    for offset in 0..=LAST_OFFSET {
        for integer in integers() {
            for excess in excesses(&sample, offset, integer) {
                let length = Length {
                    offset,
                    integer,
                    excess,
                };
                if let Some(cost) = sample.cost(&length) {
                    found.push((cost, length));
                }
            }
        }
    }
    found.sort_by(|a, b| a.0.total_cmp(&b.0));
    found.truncate(LIKELIEST);
    found.retain(|(_, length)| shows_more_than_a_constant(length, conversations));
    let (cost, best) = *found.first()?;
    if cost > sample.nothing + 24.0 {
        return None;
    }
    let messages = cut(&best, conversations);
    let near = found
        .iter()
        .skip(1)
        .take_while(|(other, _)| *other < cost + SURE);
    let rival = near
        .map(|(_, length)| *length)
        .find(|length| !is_same(length, &best));
    let values = messages
        .iter()
        .filter_map(|message| best.integer.read(&message.bytes[best.offset..]));
    let largest = values.max().unwrap_or(0);
    let used = (1..=usize::from(best.integer.width)).find(|bytes| largest < 1i128 << (bytes * 8));
    Some(Framing {
        best,
        rival,
        sizes: counts(messages.iter().map(|message| message.bytes.len())).len(),
        zeros: usize::from(best.integer.width) - used.unwrap_or(usize::from(best.integer.width)),
    })
}

/// Whether messages of several sizes confirm a length field. If all have one size, any constant would fit, so the field must
/// count what lengths usually count.
fn shows_more_than_a_constant(length: &Length, conversations: &[Conversation]) -> bool {
    let messages = cut(length, conversations);
    let sizes = counts(messages.iter().map(|message| message.bytes.len())).len();
    let is_usual = length.excess == 0 || length.excess == length.end() as i64;
    sizes > 1 || (sizes == 1 && is_usual)
}

/// The offset of the first message in a run, as far as it is known.
pub(super) fn begin(length: &Length, run: &Run) -> usize {
    walk_anywhere(length, run).skipped
}

/// Whether both fields have the same least significant byte, so that they give the same small lengths.
fn is_same(one: &Length, other: &Length) -> bool {
    let lowest = |length: &Length| match length.integer.order {
        ByteOrder::Big => length.end() - 1,
        ByteOrder::Little => length.offset,
    };
    lowest(one) == lowest(other) && one.excess == other.excess
}
