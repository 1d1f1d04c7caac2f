//! Finds repeated records: as many as an integer before them says, or up to the end of the message.

use super::body::{self, Extent, FIELD, Field, GuessedType, Piece, Step, Within};
use crate::layout::model::{ByteOrder, Integer};

/// The number of records in a sample.
const SAMPLE: usize = 48;
/// The largest record of a fixed size, in bytes.
const WIDEST: usize = 40;
/// The most bytes before and after the part of a record whose size varies.
const AROUND: usize = 8;
/// The most records in one message.
const MOST: usize = 4_096;

/// The size of a record.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Shape {
    Fixed(usize),
    /// So many bytes, an integer, as many bytes as it says, and so many bytes.
    Varied(usize, Integer, usize),
}

impl Shape {
    fn len(self, piece: &Piece<'_>, at: usize) -> Option<usize> {
        match self {
            Self::Fixed(len) => Some(len),
            Self::Varied(before, integer, behind) => {
                let counted = piece.count(integer, at + before)?;
                Some(before + usize::from(integer.width) + counted + behind)
            }
        }
    }

    /// The start and end of each of `count` records, or of all up to `end`. `None` if they do not fit.
    fn walk(
        self,
        piece: &Piece<'_>,
        at: usize,
        count: Option<usize>,
        end: usize,
    ) -> Option<Vec<(usize, usize)>> {
        let mut items = Vec::new();
        let mut start = at;
        while count.map_or(start < end, |count| items.len() < count) {
            let stop = start + self.len(piece, start)?;
            if stop > end || items.len() == MOST {
                return None;
            }
            items.push((start, stop));
            start = stop;
        }
        Some(items)
    }
}

/// The end of a field's records; `None` if they do not fit.
pub(super) fn end(
    count: Option<Integer>,
    behind: usize,
    item: &[Field],
    piece: &Piece<'_>,
    at: usize,
) -> Option<usize> {
    let stop = piece.end.checked_sub(behind)?;
    let (mut start, number) = match count {
        Some(integer) => (
            at + usize::from(integer.width),
            Some(piece.count(integer, at)?),
        ),
        None => (at, None),
    };
    let mut records = 0;
    while number.map_or(start < stop, |number| records < number) {
        let record = Piece { start, ..*piece };
        let end = body::places(item, &record)?.last()?.1;
        if end <= start || end > stop || records == MOST {
            return None;
        }
        start = end;
        records += 1;
    }
    Some(start)
}

pub(super) fn steps(pieces: &[Piece<'_>], at: &[usize], order: ByteOrder, steps: &mut Vec<Step>) {
    let integer = |width| Integer::unsigned(width, order);
    let left: Vec<usize> = pieces
        .iter()
        .zip(at)
        .map(|(piece, at)| piece.end - at)
        .collect();
    let varied = left.iter().any(|other| *other != left[0]);
    if !varied {
        return;
    }
    for behind in [0, 4, 2, 1] {
        if left.iter().all(|left| *left >= behind) {
            for shape in shapes(&[integer(1), integer(2), integer(4)]) {
                let walk = |(piece, at): (&Piece<'_>, &usize)| {
                    shape.walk(piece, *at, None, piece.end - behind)
                };
                let items: Option<Vec<_>> = pieces.iter().zip(at).map(walk).collect();
                let Some(items) = items else { continue };
                let prior = 8.0 + behind as f64;
                steps.extend(step(pieces, at, &items, order, None, behind, prior));
            }
        }
    }
    for width in [1, 2, 4] {
        let count = integer(width);
        let counts: Option<Vec<usize>> = pieces
            .iter()
            .zip(at)
            .map(|(piece, at)| piece.count(count, *at))
            .collect();
        let Some(counts) = counts else { continue };
        let all: usize = counts
            .iter()
            .fold(0, |sum, count| sum.saturating_add(*count));
        let same = counts.iter().all(|other| *other == counts[0]);
        let fits = counts.iter().zip(&left).all(|(count, left)| count <= left);
        if same || !fits || all < 4 {
            continue;
        }
        let head = usize::from(width);
        let fixed = linear(&counts, &left, head);
        for shape in shapes(&[integer(1), integer(2)]) {
            if let (Shape::Fixed(len), Some(only)) = (shape, fixed)
                && len != only
            {
                continue;
            }
            let walk = |((piece, at), number): ((&Piece<'_>, &usize), &usize)| {
                shape.walk(piece, at + head, Some(*number), piece.end)
            };
            let items: Option<Vec<_>> = pieces.iter().zip(at).zip(&counts).map(walk).collect();
            let Some(items) = items else { continue };
            // Records that are only a small part of the message explain nothing.
            let bytes: usize = items
                .iter()
                .flatten()
                .map(|(start, stop)| stop - start)
                .sum();
            if bytes * 5 < left.iter().sum::<usize>() {
                continue;
            }
            let numbers: Vec<i128> = counts.iter().map(|count| *count as i128).collect();
            let prior = 10.0 + super::cost::integers(&numbers, head);
            steps.extend(step(pieces, at, &items, order, Some(count), 0, prior));
        }
    }
}

/// The size of records, if the sizes of messages differ by whole records only.
fn linear(counts: &[usize], left: &[usize], head: usize) -> Option<usize> {
    let (first, rest) = (counts[0], left[0]);
    let other = counts.iter().position(|count| *count != first)?;
    let (records, bytes) = (
        counts[other] as i64 - first as i64,
        left[other] as i64 - rest as i64,
    );
    let len = usize::try_from(bytes.checked_div(records)?).ok()?;
    let tail = rest.checked_sub(head + first * len)?;
    let holds = counts
        .iter()
        .zip(left)
        .all(|(count, left)| *left == head + count * len + tail);
    (holds && len > 0).then_some(len)
}

fn shapes(integers: &[Integer]) -> Vec<Shape> {
    let mut shapes: Vec<Shape> = (1..=WIDEST).map(Shape::Fixed).collect();
    for integer in integers {
        for before in 0..=AROUND {
            for behind in 0..=AROUND {
                shapes.push(Shape::Varied(before, *integer, behind));
            }
        }
    }
    shapes
}

/// The step over the records at `items`.
fn step(
    pieces: &[Piece<'_>],
    at: &[usize],
    items: &[Vec<(usize, usize)>],
    order: ByteOrder,
    count: Option<Integer>,
    behind: usize,
    prior: f64,
) -> Option<Step> {
    let all: usize = items.iter().map(Vec::len).sum();
    // If all messages have the same number, or nearly all have one, they are fields and not records.
    let same = items.iter().all(|other| other.len() == items[0].len());
    if same || items.iter().filter(|items| items.len() > 1).count() < 2 {
        return None;
    }
    let spread = all.div_ceil(SAMPLE);
    let records: Vec<Piece<'_>> = pieces
        .iter()
        .zip(items)
        .flat_map(|(piece, items)| {
            items.iter().map(|(start, end)| Piece {
                start: *start,
                end: *end,
                ..*piece
            })
        })
        .step_by(spread)
        .collect();
    let solved = body::solve(&records, order, Within::Record)?;
    // A record of opaque bytes is not a record.
    if let [
        Field {
            what: GuessedType::Bytes(Extent::Fixed(_)) | GuessedType::Integer(_),
            ..
        },
    ] = solved.fields[..]
        && count.is_none()
    {
        return None;
    }
    let to = pieces
        .iter()
        .zip(at)
        .zip(items)
        .map(|((piece, at), items)| {
            let start = at + count.map_or(0, |count| usize::from(count.width));
            match (count, items.last()) {
                (None, _) => piece.end - behind,
                (_, Some((_, end))) => *end,
                (_, None) => start,
            }
        });
    Some(Step {
        to: to.collect(),
        cost: FIELD * 2.0 + prior + solved.cost * all as f64 / records.len() as f64,
        fields: vec![GuessedType::Records(count, behind, solved.fields)],
    })
}
