//! Finds the kinds of messages and their bodies. Kinds share a body if that makes the description shorter.

use super::solve::Solved;
use super::{Extent, Field, GuessedType, Piece, SAMPLE, Within, reads, solve};
use crate::layout::guess::head::Head;
use crate::layout::guess::{Message, SIDES, doubt, text};
use crate::layout::model::{ByteOrder, Side};

/// Rounds of the search. Each adds messages that the previous result could not read.
const ROUNDS: usize = 4;

/// A kind of message that was seen.
#[derive(Debug)]
pub(in crate::layout::guess) struct GuessedKind {
    pub value: Option<i128>,
    pub side: Side,
    /// The number of messages.
    pub messages: usize,
    /// The smallest and the largest size in bytes.
    pub sizes: (usize, usize),
    /// Index of its body; `None` if it has none.
    pub body: Option<usize>,
}

/// What follows the header: the kinds and their bodies.
#[derive(Debug, Default)]
pub(in crate::layout::guess) struct Bodies {
    pub kinds: Vec<GuessedKind>,
    pub bodies: Vec<(Side, Vec<Field>)>,
}

/// The messages of one kind, or of several kinds with the same fields.
struct Group<'a> {
    kinds: Vec<usize>,
    side: Side,
    messages: Vec<&'a [u8]>,
    solved: Solved,
}

pub(in crate::layout::guess) fn find(head: &Head, messages: &[Message<'_>]) -> Bodies {
    let mut found = Bodies::default();
    let mut groups: Vec<Group<'_>> = Vec::new();
    for side in SIDES {
        let own = messages.iter().filter(|message| message.side == side);
        let mut by_value: Vec<(Option<i128>, Vec<&[u8]>)> = Vec::new();
        for message in own {
            let value = head.kind.and_then(|kind| kind.read(message.bytes));
            match by_value.iter_mut().find(|(known, _)| *known == value) {
                Some((_, messages)) => messages.push(message.bytes),
                None => by_value.push((value, vec![message.bytes])),
            }
        }
        by_value.sort_by_key(|(value, _)| *value);
        for (value, messages) in by_value {
            let sizes = messages.iter().map(|message| message.len());
            let sizes = (sizes.clone().min().unwrap_or(0), sizes.max().unwrap_or(0));
            found.kinds.push(GuessedKind {
                value,
                side,
                messages: messages.len(),
                sizes,
                body: None,
            });
            if sizes.1 == head.size {
                continue;
            }
            let solved = solved(head, side, &messages);
            groups.push(Group {
                kinds: vec![found.kinds.len() - 1],
                side,
                messages,
                solved,
            });
        }
    }
    join(head, &mut groups);
    for group in groups {
        for kind in group.kinds {
            found.kinds[kind].body = Some(found.bodies.len());
        }
        let pieces = pieces(head, group.side, &group.messages, &[]);
        let mut fields = group.solved.fields;
        text::halves(&mut fields, &pieces);
        doubt::of(&mut fields, &pieces);
        found.bodies.push((group.side, fields));
    }
    found
}

/// Joins kinds of one side whose messages take fewer bits with the same fields.
fn join(head: &Head, groups: &mut Vec<Group<'_>>) {
    let mut first = 0;
    while first < groups.len() {
        let mut second = first + 1;
        while second < groups.len() {
            let (a, b) = (&groups[first], &groups[second]);
            if a.side == b.side {
                let same = a.solved.fields == b.solved.fields;
                let few = a.messages.len().min(b.messages.len()) < 8 && groups.len() <= 24;
                if let Some((messages, solved)) = together(head, a, b, same, few) {
                    let taken = groups.remove(second);
                    let group = &mut groups[first];
                    group.kinds.extend(taken.kinds);
                    group.messages = messages;
                    group.solved = solved;
                    continue;
                }
            }
            second += 1;
        }
        first += 1;
    }
}

/// Two groups as one, if their messages take fewer bits that way.
fn together<'a>(
    head: &Head,
    a: &Group<'a>,
    b: &Group<'a>,
    same: bool,
    few: bool,
) -> Option<(Vec<&'a [u8]>, Solved)> {
    let both: Vec<&[u8]> = a.messages.iter().chain(&b.messages).copied().collect();
    if same {
        return Some((both, a.solved.clone()));
    }
    if !few {
        return None;
    }
    let solved = self::solved(head, a.side, &both);
    // Costs are those of samples, so the cost per message is compared.
    let part = |group: &Group<'_>| {
        group.solved.cost / sampled(&group.messages) as f64 * group.messages.len() as f64
    };
    let apart = (part(a) + part(b)) / both.len() as f64;
    let joined = solved.cost / sampled(&both) as f64;
    (joined <= apart && all_read(head, &both, &solved.fields)).then_some((both, solved))
}

fn all_read(head: &Head, messages: &[&[u8]], fields: &[Field]) -> bool {
    messages
        .iter()
        .all(|message| reads(fields, message, head.size))
}

fn sampled(messages: &[&[u8]]) -> usize {
    messages.len().clamp(1, SAMPLE)
}

/// A sample of messages to find fields in: the shortest, the longest, those with an index in `more`, and others at equal
/// distances.
fn pieces<'a>(head: &Head, side: Side, messages: &[&'a [u8]], more: &[usize]) -> Vec<Piece<'a>> {
    let mut chosen: Vec<usize> = more.to_vec();
    let by_size = |index: &usize| messages[*index].len();
    chosen.extend((0..messages.len()).min_by_key(by_size));
    chosen.extend((0..messages.len()).max_by_key(by_size));
    let spread = messages.len().div_ceil(SAMPLE).max(1);
    chosen.extend((0..messages.len()).step_by(spread));
    chosen.sort_unstable();
    chosen.dedup();
    let piece = |index: usize| Piece {
        message: messages[index],
        start: head.size,
        end: messages[index].len(),
        secret: side == Side::Client,
    };
    chosen.into_iter().map(piece).collect()
}

/// The fields of messages, found in a sample and checked with all.
fn solved(head: &Head, side: Side, messages: &[&[u8]]) -> Solved {
    let mut more = Vec::new();
    let mut best: Option<(usize, Solved)> = None;
    for _ in 0..ROUNDS {
        let pieces = pieces(head, side, messages, &more);
        let Some(solved) = solve(&pieces, head.order, Within::Body) else {
            break;
        };
        let unread =
            (0..messages.len()).filter(|index| !reads(&solved.fields, messages[*index], head.size));
        let unread: Vec<usize> = unread.collect();
        let better = best.as_ref().is_none_or(|(count, _)| unread.len() < *count);
        if better {
            best = Some((unread.len(), solved));
        }
        // A message in fifty may be damaged.
        if unread.len() * 50 <= messages.len() {
            break;
        }
        more.extend(unread.into_iter().take(12));
    }
    let nothing = || Solved {
        cost: messages
            .iter()
            .map(|message| message.len() as f64 * 8.0)
            .sum(),
        fields: vec![Field::new(GuessedType::Bytes(Extent::Rest(0)))],
    };
    best.map_or_else(nothing, |(_, solved)| solved)
}

/// The byte order with which the bytes after `start` take fewer bits.
pub(in crate::layout::guess) fn likelier_order(
    start: usize,
    messages: &[Message<'_>],
) -> ByteOrder {
    let cost = |order| {
        let mut cost = 0.0;
        for side in SIDES {
            let own = messages.iter().filter(|message| message.side == side);
            let pieces: Vec<Piece<'_>> = own
                .take(SAMPLE)
                .map(|message| Piece {
                    message: message.bytes,
                    start,
                    end: message.bytes.len(),
                    secret: false,
                })
                .collect();
            if !pieces.is_empty() {
                cost += solve(&pieces, order, Within::Body).map_or(1e9, |solved| solved.cost);
            }
        }
        cost
    };
    if cost(ByteOrder::Little) < cost(ByteOrder::Big) {
        ByteOrder::Little
    } else {
        ByteOrder::Big
    }
}
