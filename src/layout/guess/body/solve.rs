//! The search for fields: an A* search that advances in all messages at once.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, HashMap, HashSet};

use super::steps::Steps;
use super::{Field, GuessedType, Piece};
use crate::layout::model::ByteOrder;

/// The search is given up after so many states.
const MOST_STATES: usize = 2_500;

/// Fields that read all pieces, and the cost of the pieces with them in bits.
#[derive(Debug, Clone)]
pub(in crate::layout::guess) struct Solved {
    pub cost: f64,
    pub fields: Vec<Field>,
}

/// A step from one offset to the next in each piece, over one or more fields.
pub(in crate::layout::guess) struct Step {
    pub to: Vec<usize>,
    pub cost: f64,
    pub fields: Vec<GuessedType>,
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
    /// Whether a field took all remaining bytes except those of the fields after it, which have a fixed size.
    rested: bool,
    from: Option<usize>,
    fields: Vec<GuessedType>,
}

/// Where fields are searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::layout::guess) enum Within {
    /// In the header: all fields have a fixed size.
    Header,
    /// After the header.
    Body,
    /// In a record: it has no field that takes all remaining bytes, no checksum and no records.
    Record,
}

/// The fields with which `pieces` take the fewest bits. `None` if none fit, or the search was given up.
pub(in crate::layout::guess) fn solve(
    pieces: &[Piece<'_>],
    order: ByteOrder,
    within: Within,
) -> Option<Solved> {
    let starts: Vec<usize> = pieces.iter().map(|piece| piece.start).collect();
    let ends: Vec<usize> = pieces.iter().map(|piece| piece.end).collect();
    let mut states = vec![State {
        at: starts.clone(),
        rested: false,
        from: None,
        fields: Vec::new(),
    }];
    let mut best: HashMap<(Vec<usize>, bool), f64> = HashMap::from([((starts, false), 0.0)]);
    let mut done: HashSet<(Vec<usize>, bool)> = HashSet::new();
    let mut open = BinaryHeap::from([Open(0.0, 0)]);
    let steps = Steps {
        pieces,
        order,
        inner: within != Within::Body,
        one_size: within == Within::Header || has_one_size(pieces),
    };
    let estimate = Estimate::of(pieces);
    let mut expanded = 0;
    while let Some(Open(_, index)) = open.pop() {
        let (at, rested) = (states[index].at.clone(), states[index].rested);
        let place = (at, rested);
        let cost = best.get(&place).copied().unwrap_or(0.0);
        if place.0 == ends {
            let mut fields = Vec::new();
            let mut step = Some(index);
            while let Some(index) = step {
                fields.extend(states[index].fields.iter().rev().cloned().map(Field::new));
                step = states[index].from;
            }
            fields.reverse();
            return Some(Solved { cost, fields });
        }
        if !done.insert(place.clone()) {
            continue;
        }
        expanded += 1;
        if expanded > MOST_STATES {
            return None;
        }
        for step in steps.from(&place.0) {
            if rested && !step.fields.iter().all(GuessedType::may_stand_last) {
                continue;
            }
            let total = cost + step.cost;
            let rested = rested || step.fields.iter().any(GuessedType::takes_the_rest);
            let known = best
                .entry((step.to.clone(), rested))
                .or_insert(f64::INFINITY);
            if total < *known && step.to != place.0 {
                *known = total;
                let estimated = total + estimate.least(&step.to);
                states.push(State {
                    at: step.to,
                    rested,
                    from: Some(index),
                    fields: step.fields,
                });
                open.push(Open(estimated, states.len() - 1));
            }
        }
    }
    None
}

/// Whether different messages have the same size, so that no field's size varies.
fn has_one_size(pieces: &[Piece<'_>]) -> bool {
    let len = |piece: &Piece<'_>| piece.end - piece.start;
    let bytes = |piece: &Piece<'_>| piece.message[piece.start..piece.end].to_vec();
    let distinct: HashSet<Vec<u8>> = pieces.iter().map(bytes).collect();
    distinct.len() >= 4 && pieces.iter().all(|piece| len(piece) == len(&pieces[0]))
}

/// The heuristic of the search: about the least cost of the bytes after an offset.
struct Estimate {
    /// For each piece its start, and the cost from each offset to its end.
    behind: Vec<(usize, Vec<f64>)>,
}

impl Estimate {
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
