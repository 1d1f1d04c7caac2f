//! The fields behind the header: of all sequences of fields that read every message of a kind to its end, the one with which
//! the messages take the fewest bits.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, HashMap, HashSet};

use super::cost;
use super::head::Head;
use super::records;
use super::text;
use super::{Message, SIDES};
use crate::layout::check_of;
use crate::layout::model::{ByteOrder, Integer, Role, Side};

/// Messages of a kind that fields are looked for in.
pub(super) const SAMPLE: usize = 40;
/// Places that are tried before the search is given up.
const MOST_STATES: usize = 2_500;
/// Bits that each field of a layout costs by itself.
pub(super) const FIELD: f64 = 16.0;
/// Rounds in which messages that were not read are looked at as well.
const ROUNDS: usize = 4;

/// How many bytes a field has.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Extent {
    Fixed(usize),
    Prefix(Integer),
    /// As many as the field says that stands so many before it.
    Slot(usize),
    /// All but so many bytes.
    Rest(usize),
    Nul,
}

/// What a field holds.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum What {
    Integer(Integer),
    Float(u8, ByteOrder),
    Text(Extent, u8),
    Bytes(Extent),
    Check(Role),
    /// Records; those with a count have an integer of their own before them.
    Records(Option<Integer>, usize, Vec<Field>),
}

/// A field, and what is to be said against it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Field {
    pub what: What,
    pub doubts: Vec<String>,
}

impl Field {
    pub fn new(what: What) -> Self {
        Self {
            what,
            doubts: Vec::new(),
        }
    }
}

/// A part of a message that fields are looked for in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Piece<'a> {
    pub message: &'a [u8],
    pub start: usize,
    pub end: usize,
    /// Whether a client sent it.
    pub secret: bool,
}

impl<'a> Piece<'a> {
    pub fn get(&self, at: usize, len: usize) -> Option<&'a [u8]> {
        let end = at.checked_add(len).filter(|end| *end <= self.end)?;
        self.message.get(at..end)
    }

    pub fn read(&self, integer: Integer, at: usize) -> Option<i128> {
        integer.read(self.get(at, integer.width.into())?)
    }

    /// An integer that counts bytes.
    pub fn count(&self, integer: Integer, at: usize) -> Option<usize> {
        usize::try_from(self.read(integer, at)?).ok()
    }
}

/// Fields that read all pieces, and the bits that the pieces take with them.
#[derive(Debug, Clone)]
pub(super) struct Solved {
    pub cost: f64,
    pub fields: Vec<Field>,
}

/// A step from one place in all pieces to the next.
pub(super) struct Step {
    pub to: Vec<usize>,
    pub cost: f64,
    pub fields: Vec<What>,
}

#[derive(PartialEq)]
struct Open(f64, usize);

impl Eq for Open {}

impl Ord for Open {
    fn cmp(&self, other: &Self) -> Ordering {
        other
            .0
            .total_cmp(&self.0)
            .then_with(|| other.1.cmp(&self.1))
    }
}

impl PartialOrd for Open {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

struct State {
    at: Vec<usize>,
    from: Option<usize>,
    fields: Vec<What>,
}

/// The fields with which `pieces` take the fewest bits. `inner` is for records: they have no rest, no check and no records.
pub(super) fn solve(pieces: &[Piece<'_>], order: ByteOrder, inner: bool) -> Option<Solved> {
    let starts: Vec<usize> = pieces.iter().map(|piece| piece.start).collect();
    let ends: Vec<usize> = pieces.iter().map(|piece| piece.end).collect();
    let mut states = vec![State {
        at: starts.clone(),
        from: None,
        fields: Vec::new(),
    }];
    let mut best: HashMap<Vec<usize>, f64> = HashMap::from([(starts, 0.0)]);
    let mut done: HashSet<Vec<usize>> = HashSet::new();
    let mut open = BinaryHeap::from([Open(0.0, 0)]);
    let steps = Steps {
        pieces,
        order,
        inner,
        one_size: has_one_size(pieces),
    };
    let ahead = Ahead::of(pieces);
    let mut expanded = 0;
    while let Some(Open(_, index)) = open.pop() {
        let at = states[index].at.clone();
        let cost = best.get(&at).copied().unwrap_or(0.0);
        if at == ends {
            let mut fields = Vec::new();
            let mut step = Some(index);
            while let Some(index) = step {
                fields.extend(states[index].fields.iter().rev().cloned().map(Field::new));
                step = states[index].from;
            }
            fields.reverse();
            return Some(Solved { cost, fields });
        }
        if !done.insert(at.clone()) {
            continue;
        }
        expanded += 1;
        if expanded > MOST_STATES {
            return None;
        }
        for step in steps.from(&at) {
            let total = cost + step.cost;
            let known = best.entry(step.to.clone()).or_insert(f64::INFINITY);
            if total < *known && step.to != at {
                *known = total;
                let estimated = total + ahead.least(&step.to);
                states.push(State {
                    at: step.to,
                    from: Some(index),
                    fields: step.fields,
                });
                open.push(Open(estimated, states.len() - 1));
            }
        }
    }
    None
}

/// Whether different messages have one size, so that no field's size varies.
fn has_one_size(pieces: &[Piece<'_>]) -> bool {
    let len = |piece: &Piece<'_>| piece.end - piece.start;
    let bytes = |piece: &Piece<'_>| piece.message[piece.start..piece.end].to_vec();
    let distinct: HashSet<Vec<u8>> = pieces.iter().map(bytes).collect();
    distinct.len() >= 4 && pieces.iter().all(|piece| len(piece) == len(&pieces[0]))
}

/// What the bytes behind a place take at the least, about: it leads the search.
struct Ahead {
    /// By piece, of all bytes from a place in it on.
    behind: Vec<(usize, Vec<f64>)>,
}

impl Ahead {
    fn of(pieces: &[Piece<'_>]) -> Self {
        let bytes = |piece: &Piece<'_>| piece.message[piece.start..piece.end].to_vec();
        let distinct: HashSet<Vec<u8>> = pieces.iter().map(bytes).collect();
        let share = distinct.len() as f64 / pieces.len().max(1) as f64;
        let scale = if has_one_size(pieces) { 0.0 } else { share };
        let behind = |piece: &Piece<'_>| {
            let bytes = &piece.message[piece.start..piece.end];
            let mut sums = vec![0.0; bytes.len() + 1];
            for (place, byte) in bytes.iter().enumerate().rev() {
                let is_text = (0x20..=0x7e).contains(byte);
                sums[place] = sums[place + 1] + if is_text { 2.5 * scale } else { 0.0 };
            }
            (piece.start, sums)
        };
        Self {
            behind: pieces.iter().map(behind).collect(),
        }
    }

    fn least(&self, at: &[usize]) -> f64 {
        let of = |((start, sums), at): (&(usize, Vec<f64>), &usize)| sums[at - start];
        self.behind.iter().zip(at).map(of).sum()
    }
}

/// Which fields may stand at a place.
struct Steps<'a, 'p> {
    pieces: &'a [Piece<'p>],
    order: ByteOrder,
    inner: bool,
    one_size: bool,
}

impl<'p> Steps<'_, 'p> {
    fn from(&self, at: &[usize]) -> Vec<Step> {
        let left: Vec<usize> = self
            .pieces
            .iter()
            .zip(at)
            .map(|(piece, at)| piece.end - at)
            .collect();
        let least = left.iter().copied().min().unwrap_or(0);
        let mut steps = Vec::new();
        self.integers(at, least, &mut steps);
        self.floats(at, least, &mut steps);
        self.fixed_text(at, least, &left, &mut steps);
        self.fixed_bytes(at, least, &left, &mut steps);
        if !self.inner {
            self.checks(at, &left, &mut steps);
        }
        if self.one_size {
            return steps;
        }
        self.prefixed(at, least, &mut steps);
        self.listed(at, least, &mut steps);
        self.ended_by_nul(at, least, &mut steps);
        if !self.inner {
            self.rest(at, &left, &mut steps);
            if self.pieces.len() > 1 {
                records::steps(self.pieces, at, self.order, &mut steps);
            }
        }
        steps
    }

    fn step(at: &[usize], bytes: impl Fn(usize) -> usize, cost: f64, what: What) -> Step {
        Step {
            to: at
                .iter()
                .enumerate()
                .map(|(index, at)| at + bytes(index))
                .collect(),
            cost: cost + FIELD,
            fields: vec![what],
        }
    }

    fn unsigned(&self, width: u8) -> Integer {
        Integer {
            width,
            signed: false,
            order: self.order,
        }
    }

    fn integers(&self, at: &[usize], least: usize, steps: &mut Vec<Step>) {
        for (width, prior) in [(1u8, 2.0), (2, 2.0), (4, 2.0), (8, 5.0), (3, 12.0)] {
            if usize::from(width) > least {
                continue;
            }
            for signed in [false, true] {
                let integer = Integer {
                    signed,
                    ..self.unsigned(width)
                };
                let values: Vec<i128> = self
                    .pieces
                    .iter()
                    .zip(at)
                    .filter_map(|(piece, at)| piece.read(integer, *at))
                    .collect();
                if signed && values.iter().all(|value| *value >= 0) {
                    continue;
                }
                let is_word = |(piece, at): &(&Piece<'p>, &usize)| {
                    let bytes = piece.get(**at, width.into());
                    let run = usize::from(width).min(3);
                    let graphic = |bytes: &[u8]| bytes.iter().all(u8::is_ascii_graphic);
                    width > 1 && bytes.is_some_and(|bytes| bytes.windows(run).any(graphic))
                };
                let words = self.pieces.iter().zip(at).filter(is_word).count();
                let prior = prior + if signed { 4.0 } else { 0.0 } + words as f64 * 8.0;
                let cost = cost::integers(&values, width.into()) + prior;
                steps.push(Self::step(
                    at,
                    |_| width.into(),
                    cost,
                    What::Integer(integer),
                ));
            }
        }
    }

    fn floats(&self, at: &[usize], least: usize, steps: &mut Vec<Step>) {
        for width in [4u8, 8] {
            if usize::from(width) > least {
                continue;
            }
            let integer = self.unsigned(width);
            let values: Vec<u64> = self
                .pieces
                .iter()
                .zip(at)
                .filter_map(|(piece, at)| u64::try_from(piece.read(integer, *at)?).ok())
                .collect();
            if let Some(cost) = cost::floats(&values, width.into()) {
                let what = What::Float(width, self.order);
                steps.push(Self::step(at, |_| width.into(), cost + 5.0, what));
            }
        }
    }

    fn fixed_text(&self, at: &[usize], least: usize, left: &[usize], steps: &mut Vec<Step>) {
        // How far each piece can be read as text, and as text with NULs behind it.
        let mut texts_to = least;
        let mut filled_to = least;
        for (piece, at) in self.pieces.iter().zip(at) {
            let bytes = &piece.message[*at..piece.end];
            let typed = |byte: &u8| {
                *byte >= 0x20 && *byte != 0x7f || matches!(*byte, b'\t' | b'\n' | b'\r')
            };
            let text = bytes
                .iter()
                .position(|byte| !typed(byte))
                .unwrap_or(bytes.len());
            let zeros = bytes[text..]
                .iter()
                .position(|byte| *byte != 0)
                .unwrap_or(bytes.len() - text);
            texts_to = texts_to.min(text);
            filled_to = filled_to.min(text + zeros);
        }
        let mut widths: Vec<usize> = (2..=filled_to)
            .filter(|width| {
                text::width(*width) < 9.0 || filled_to - width <= 4 || filled_to - width == 8
            })
            .collect();
        // Where the filling ends that is no NUL.
        for fill in [b' ', b'0'] {
            let ends = (2..texts_to).filter(|width| {
                self.pieces
                    .iter()
                    .zip(at)
                    .filter(|(piece, at)| {
                        piece.message[**at + width - 1] == fill
                            && piece.message[**at + width] != fill
                    })
                    .count()
                    * 5
                    >= self.pieces.len() * 3
            });
            widths.extend(ends);
        }
        widths.sort_unstable();
        widths.dedup();
        for width in widths {
            for fill in [0, b' ', b'0'] {
                let field = |(piece, at): (&Piece<'p>, &usize)| piece.get(*at, width);
                let fields: Vec<&[u8]> = self.pieces.iter().zip(at).filter_map(field).collect();
                if fill != 0 {
                    let filled = fields
                        .iter()
                        .filter(|field| field.last() == Some(&fill))
                        .count();
                    if filled * 5 < fields.len() * 3 || width > texts_to {
                        continue;
                    }
                }
                let values: Option<Vec<&[u8]>> = fields
                    .iter()
                    .map(|field| text::value(field, fill))
                    .collect();
                let Some(values) = values else { continue };
                if values.iter().all(|value| value.len() < 2) {
                    continue;
                }
                let mut prior = text::width(width) + if fill == 0 { 0.0 } else { 5.0 };
                // A field ends within a word in few messages only.
                let is_cut = |(piece, at): &(&Piece<'p>, &usize)| {
                    let around = piece.get(**at + width - 1, 2);
                    around.is_some_and(|around| {
                        around.iter().all(|byte| *byte > 0x20 && *byte != fill)
                    })
                };
                let cut = self.pieces.iter().zip(at).filter(is_cut).count();
                prior += cut as f64 * 8.0;
                if left.iter().all(|left| *left == width) {
                    prior -= 2.0;
                }
                let what = What::Text(Extent::Fixed(width), fill);
                steps.push(Self::step(
                    at,
                    |_| width,
                    cost::texts(&values) + prior,
                    what,
                ));
            }
        }
    }

    fn fixed_bytes(&self, at: &[usize], least: usize, left: &[usize], steps: &mut Vec<Step>) {
        let all = left.iter().all(|left| *left == least).then_some(least);
        let usual = [5, 6, 7, 10, 12, 16, 20, 24, 32, 48, 64, 128];
        for width in usual.into_iter().chain(all) {
            if width > least || width < 5 || width == 8 {
                continue;
            }
            let values: Vec<&[u8]> = self
                .pieces
                .iter()
                .zip(at)
                .filter_map(|(piece, at)| piece.get(*at, width))
                .collect();
            let prior = if width % 4 == 0 { 6.0 } else { 10.0 };
            let what = What::Bytes(Extent::Fixed(width));
            steps.push(Self::step(
                at,
                |_| width,
                cost::bytes(&values, false) + prior,
                what,
            ));
        }
    }

    fn prefixed(&self, at: &[usize], least: usize, steps: &mut Vec<Step>) {
        for (width, prior) in [(1u8, 3.0), (2, 3.0), (4, 5.0)] {
            if usize::from(width) > least {
                continue;
            }
            let integer = self.unsigned(width);
            let value = |(piece, at): (&Piece<'p>, &usize)| {
                piece.get(at + usize::from(width), piece.count(integer, *at)?)
            };
            let values: Option<Vec<&[u8]>> = self.pieces.iter().zip(at).map(value).collect();
            let Some(values) = values.filter(|values| values.iter().any(|value| !value.is_empty()))
            else {
                continue;
            };
            let extent = Extent::Prefix(integer);
            let bytes = |index: usize| usize::from(width) + values[index].len();
            if values.iter().all(|value| text::is_text(value))
                && values.iter().any(|value| value.len() > 1)
            {
                // As of fixed widths: a field ends within a word in few messages only.
                let is_cut = |index: &usize| {
                    let (piece, len) = (&self.pieces[*index], values[*index].len());
                    let end = at[*index] + usize::from(width) + len;
                    let around = end.checked_sub(1).and_then(|last| piece.get(last, 2));
                    len > 0 && around.is_some_and(|around| around.iter().all(|byte| *byte > 0x20))
                };
                let cut = (0..values.len()).filter(is_cut).count();
                // One letter is as likely a number.
                let tiny = values.iter().filter(|value| value.len() == 1).count();
                let cost = cost::texts(&values) + prior + (cut + tiny) as f64 * 4.0;
                steps.push(Self::step(at, bytes, cost, What::Text(extent, 0)));
            }
            let lengths: Vec<i128> = values.iter().map(|value| value.len() as i128).collect();
            let cost =
                cost::bytes(&values, true) + cost::integers(&lengths, width.into()) + prior + 4.0;
            steps.push(Self::step(at, bytes, cost, What::Bytes(extent)));
        }
    }

    /// Several lengths, and then what they count.
    fn listed(&self, at: &[usize], least: usize, steps: &mut Vec<Step>) {
        for width in [1u8, 2, 4] {
            for number in [2usize, 3] {
                let integer = self.unsigned(width);
                let head = usize::from(width) * number;
                if head > least {
                    continue;
                }
                let value = |(piece, at): (&Piece<'p>, &usize)| {
                    let mut start = at + head;
                    let mut values = Vec::new();
                    for index in 0..number {
                        let len = piece.count(integer, at + index * usize::from(width))?;
                        values.push(piece.get(start, len)?);
                        start += len;
                    }
                    Some(values)
                };
                let values: Option<Vec<Vec<&[u8]>>> =
                    self.pieces.iter().zip(at).map(value).collect();
                let Some(values) = values else { continue };
                let mut cost = FIELD * (number as f64 * 2.0 - 1.0) + 4.0;
                let mut fields = vec![What::Integer(integer); number];
                let mut fits = true;
                for index in 0..number {
                    let own: Vec<&[u8]> = values.iter().map(|values| values[index]).collect();
                    fits &= own
                        .iter()
                        .all(|value| !value.is_empty() && text::is_text(value));
                    cost += cost::texts(&own);
                    fields.push(What::Text(Extent::Slot(number), 0));
                }
                if fits {
                    let bytes = |index: usize| {
                        head + values[index].iter().map(|value| value.len()).sum::<usize>()
                    };
                    let mut step = Self::step(at, bytes, cost, What::Integer(integer));
                    step.fields = fields;
                    steps.push(step);
                }
            }
        }
    }

    fn ended_by_nul(&self, at: &[usize], least: usize, steps: &mut Vec<Step>) {
        if least == 0 {
            return;
        }
        let value = |(piece, at): (&Piece<'p>, &usize)| {
            let bytes = &piece.message[*at..piece.end];
            let len = bytes.iter().position(|byte| *byte == 0)?;
            text::is_text(&bytes[..len]).then_some(&bytes[..len])
        };
        let values: Option<Vec<&[u8]>> = self.pieces.iter().zip(at).map(value).collect();
        if let Some(values) = values.filter(|values| values.iter().any(|value| value.len() > 1)) {
            let cost = cost::texts(&values) + 5.0;
            steps.push(Self::step(
                at,
                |index| values[index].len() + 1,
                cost,
                What::Text(Extent::Nul, 0),
            ));
        }
    }

    fn checks(&self, at: &[usize], left: &[usize], steps: &mut Vec<Step>) {
        if left[0] > 8 || left.iter().any(|other| *other != left[0]) {
            return;
        }
        for (role, width, least) in [
            (Role::Crc32, 4u8, 1),
            (Role::Internet, 2, 3),
            (Role::Sum8, 1, 6),
        ] {
            if usize::from(width) > left[0] {
                continue;
            }
            let integer = self.unsigned(width);
            let mut seen = HashSet::new();
            let right = self.pieces.iter().zip(at).all(|(piece, at)| {
                let before = &piece.message[..*at];
                let found = piece.read(integer, *at);
                seen.insert(found);
                found == check_of(role, before)
            });
            if right && seen.len() >= least {
                steps.push(Self::step(at, |_| width.into(), 4.0, What::Check(role)));
            }
        }
    }

    fn rest(&self, at: &[usize], left: &[usize], steps: &mut Vec<Step>) {
        let least = left.iter().copied().min().unwrap_or(0);
        for behind in [0, 1, 2, 4, 8] {
            if behind > least || left.iter().all(|left| *left == behind) {
                continue;
            }
            let values: Vec<&[u8]> = self
                .pieces
                .iter()
                .zip(at)
                .zip(left)
                .filter_map(|((piece, at), left)| piece.get(*at, left - behind))
                .collect();
            let prior = if behind == 0 { 7.0 } else { 10.0 };
            let extent = Extent::Rest(behind);
            if values.iter().all(|value| text::is_text(value)) {
                let cost = cost::texts(&values) + prior;
                steps.push(Self::step(
                    at,
                    |index| left[index] - behind,
                    cost,
                    What::Text(extent, 0),
                ));
            }
            let cost = cost::bytes(&values, false) + prior + 8.0 + self.pieces.len() as f64 * 4.0;
            steps.push(Self::step(
                at,
                |index| left[index] - behind,
                cost,
                What::Bytes(extent),
            ));
        }
    }
}

/// A kind of message, as it was seen.
#[derive(Debug)]
pub(super) struct Kind {
    pub value: Option<i128>,
    pub side: Side,
    /// How many messages there were.
    pub messages: usize,
    /// The least and the most bytes.
    pub sizes: (usize, usize),
    /// Its place among the bodies; `None` where it has none.
    pub body: Option<usize>,
}

/// What stands behind the header: the kinds, and the bodies that they have.
#[derive(Debug, Default)]
pub(super) struct Bodies {
    pub kinds: Vec<Kind>,
    pub bodies: Vec<(Side, Vec<Field>)>,
}

/// Messages of one kind, or of several that have the same fields.
struct Group<'a> {
    kinds: Vec<usize>,
    side: Side,
    messages: Vec<&'a [u8]>,
    solved: Solved,
}

pub(super) fn find(head: &Head, messages: &[Message<'_>]) -> Bodies {
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
            found.kinds.push(Kind {
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
        super::text::halves(&mut fields, &pieces);
        super::doubt::of(&mut fields, &pieces);
        found.bodies.push((group.side, fields));
    }
    found
}

/// Takes kinds of a side together that are shorter told with the same fields.
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

/// Two groups as one, where their messages are shorter told so.
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
    // Costs are of samples: what each message takes is compared.
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

/// Messages to look for fields in: the shortest, the longest, those of `more`, and others spread evenly.
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

/// The fields of messages, found in some and held against all.
fn solved(head: &Head, side: Side, messages: &[&[u8]]) -> Solved {
    let mut more = Vec::new();
    let mut best: Option<(usize, Solved)> = None;
    for _ in 0..ROUNDS {
        let pieces = pieces(head, side, messages, &more);
        let Some(solved) = solve(&pieces, head.order, false) else {
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
        fields: vec![Field::new(What::Bytes(Extent::Rest(0)))],
    };
    best.map_or_else(nothing, |(_, solved)| solved)
}

/// Whether fields read a message from `at` to its end.
pub(super) fn reads(fields: &[Field], message: &[u8], at: usize) -> bool {
    let piece = Piece {
        message,
        start: at,
        end: message.len(),
        secret: false,
    };
    places(fields, &piece)
        .is_some_and(|places| places.last().is_none_or(|last| last.1 == message.len()))
}

/// Where each field stands in a piece, and the number that it holds or that counts it; `None` where a field is not there.
pub(super) fn places(fields: &[Field], piece: &Piece<'_>) -> Option<Vec<(usize, usize, i128)>> {
    let mut places: Vec<(usize, usize, i128)> = Vec::new();
    let mut at = piece.start;
    for (index, field) in fields.iter().enumerate() {
        let (len, number) = match &field.what {
            What::Integer(integer) => (usize::from(integer.width), piece.read(*integer, at)?),
            What::Float(width, _) => (usize::from(*width), 0),
            What::Check(role) => (role.check_width(), 0),
            What::Text(extent, fill) => {
                let (skip, len) = extent_of(*extent, piece, at, &places, index)?;
                let value = piece.get(at + skip, len)?;
                let is_text = match extent {
                    Extent::Fixed(_) => text::value(value, *fill).is_some(),
                    Extent::Nul => text::is_text(value.strip_suffix(&[0])?),
                    _ => text::is_text(value),
                };
                if !is_text {
                    return None;
                }
                (skip + len, len as i128)
            }
            What::Bytes(extent) => {
                let (skip, len) = extent_of(*extent, piece, at, &places, index)?;
                (skip + len, len as i128)
            }
            What::Records(count, behind, item) => {
                let end = records::end(*count, *behind, item, piece, at)?;
                (end - at, 0)
            }
        };
        piece.get(at, len)?;
        places.push((at, at + len, number));
        at += len;
    }
    Some(places)
}

/// The bytes of a prefix, and those that are counted.
fn extent_of(
    extent: Extent,
    piece: &Piece<'_>,
    at: usize,
    places: &[(usize, usize, i128)],
    index: usize,
) -> Option<(usize, usize)> {
    Some(match extent {
        Extent::Fixed(width) => (0, width),
        Extent::Prefix(integer) => (integer.width.into(), piece.count(integer, at)?),
        Extent::Slot(back) => (0, usize::try_from(places.get(index - back)?.2).ok()?),
        Extent::Rest(behind) => (0, piece.end.checked_sub(at + behind)?),
        Extent::Nul => {
            let bytes = piece.message.get(at..piece.end)?;
            (0, bytes.iter().position(|byte| *byte == 0)? + 1)
        }
    })
}

/// The byte order with which the bytes behind `start` are shorter told.
pub(super) fn likelier_order(start: usize, messages: &[Message<'_>]) -> ByteOrder {
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
                cost += solve(&pieces, order, false).map_or(1e9, |solved| solved.cost);
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
