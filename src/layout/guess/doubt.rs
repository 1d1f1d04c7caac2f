//! Doubts about fields: what the traffic does not show is unsure.

use std::collections::HashSet;

use super::body::{self, Extent, Field, GuessedType, Piece};
use super::{cost, text};
use crate::layout::model::{ByteOrder, Integer};

/// One reading must take so many bits less than another to be sure.
const SURE: f64 = 8.0;
/// A field needs so many different values to be sure.
const ENOUGH: usize = 6;

/// Adds doubts to each field, from its values in `pieces`.
pub(super) fn of(fields: &mut [Field], pieces: &[Piece<'_>]) {
    let all: Vec<_> = pieces
        .iter()
        .filter_map(|piece| Some((piece, body::places(fields, piece)?)))
        .collect();
    for index in 0..fields.len() {
        let values: Vec<&[u8]> = all
            .iter()
            .filter_map(|(piece, places)| piece.message.get(places[index].0..places[index].1))
            .collect();
        let next: Vec<u8> = all
            .iter()
            .filter_map(|(piece, places)| piece.message[..piece.end].get(places[index].1).copied())
            .collect();
        let numbers = match index.checked_sub(1).map(|before| &fields[before].what) {
            Some(GuessedType::Integer(_)) => {
                all.iter().map(|(_, places)| places[index - 1].2).collect()
            }
            _ => Vec::new(),
        };
        let seen = Seen {
            values: &values,
            next: &next,
            numbers: &numbers,
            behind: fields.get(index + 1).map(|field| &field.what),
        };
        let doubts = seen.doubts(&fields[index].what);
        fields[index].doubts.extend(doubts);
    }
}

/// The number of most significant bytes of an integer that were always 0.
pub(super) fn upper_zeros(integer: Integer, values: &[&[u8]]) -> usize {
    let width = usize::from(integer.width);
    let is_zero = |place: usize| {
        let place = match integer.order {
            ByteOrder::Big => place,
            ByteOrder::Little => width - 1 - place,
        };
        values.iter().all(|value| value.get(place) == Some(&0))
    };
    (0..width).take_while(|place| is_zero(*place)).count()
}

/// What the traffic shows of a field.
struct Seen<'a> {
    /// Its bytes in each message.
    values: &'a [&'a [u8]],
    /// The byte after it in each message.
    next: &'a [u8],
    /// The values of the field before it, if that is an integer.
    numbers: &'a [i128],
    /// The field after it.
    behind: Option<&'a GuessedType>,
}

impl Seen<'_> {
    fn doubts(&self, what: &GuessedType) -> Vec<String> {
        let mut doubts = Vec::new();
        let distinct = self.values.iter().collect::<HashSet<_>>().len();
        match what {
            GuessedType::Integer(integer) => self.of_integer(*integer, distinct, &mut doubts),
            GuessedType::Float(..) if distinct < ENOUGH * 2 => {
                doubts.push("a float by few values".to_owned());
            }
            GuessedType::Text(extent, fill) => self.of_text(*extent, *fill, &mut doubts),
            GuessedType::Bytes(_) => doubts.push("what these bytes are is not known".to_owned()),
            GuessedType::Records(..) => {
                doubts.push("what repeats here may be fields of their own".to_owned());
            }
            _ => {}
        }
        if distinct < ENOUGH && !matches!(what, GuessedType::Check(_)) {
            doubts.push(match (self.values.len(), distinct) {
                (1, _) => "seen once".to_owned(),
                (seen, 1) => format!("one value in {seen} messages"),
                (seen, distinct) => format!("{distinct} values in {seen} messages"),
            });
        }
        doubts
    }

    fn of_integer(&self, integer: Integer, distinct: usize, doubts: &mut Vec<String>) {
        let zeros = upper_zeros(integer, self.values);
        if zeros == usize::from(integer.width) {
            doubts.push("always 0: filling, or several fields".to_owned());
        } else if zeros > 0 {
            doubts.push(always_zero(zeros));
        } else if distinct == 1 && integer.width > 1 {
            doubts.push("always the same: a constant, or several fields".to_owned());
        } else if matches!(self.behind, Some(GuessedType::Integer(_))) {
            doubts.push("this number and the next may be cut otherwise".to_owned());
        } else if integer.width > 1 && !holds_together(integer, self.values) {
            doubts.push("or several numbers side by side".to_owned());
        }
        let values: Vec<i128> = self
            .values
            .iter()
            .filter_map(|value| integer.read(value))
            .collect();
        // A sign is likely if the values are small and on both sides of 0.
        let limit = integer.range().end() >> 3;
        let far = values.iter().any(|value| value.abs() > limit);
        let half = 1i128 << (u32::from(integer.width) * 8 - 1);
        if integer.signed && far {
            doubts.push("or without a sign".to_owned());
        } else if !integer.signed && values.iter().any(|value| *value >= half) {
            doubts.push("or with a sign".to_owned());
        }
    }

    /// Whether the numbers before it may count its first bytes.
    fn numbers_may_count(&self) -> bool {
        let fits = |(number, value): (&i128, &&[u8])| (0..=value.len() as i128).contains(number);
        !self.numbers.is_empty() && self.numbers.iter().zip(self.values).all(fits)
    }

    fn of_text(&self, extent: Extent, fill: u8, doubts: &mut Vec<String>) {
        let next = self.next;
        match extent {
            Extent::Fixed(_) if !next.is_empty() && next.iter().all(|byte| *byte == fill) => {
                doubts.push("what fills it up and the next field cannot be told apart".to_owned());
            }
            Extent::Fixed(width) if text::width(width) > text::USUAL => {
                doubts.push("an unusual width: its end may be another field's".to_owned());
            }
            Extent::Rest(_) if self.numbers_may_count() => {
                doubts.push(
                    "the number before it may count its first bytes, and the rest be another field"
                        .to_owned(),
                );
            }
            Extent::Nul if memchr::memchr_iter(0, next).count() * 2 > next.len() => {
                doubts.push("or text of a fixed width, filled up with NUL".to_owned());
            }
            Extent::Prefix(integer) if integer.width > 1 => {
                let prefixes: Vec<&[u8]> = self
                    .values
                    .iter()
                    .filter_map(|value| value.get(..usize::from(integer.width)))
                    .collect();
                if upper_zeros(integer, &prefixes) > 0 {
                    doubts.push(
                        "the upper bytes of its length were always 0: they may be a field of their own"
                            .to_owned(),
                    );
                }
            }
            _ => {}
        }
        let is_prefixed = matches!(extent, Extent::Prefix(_) | Extent::Slot(_));
        let first = self.values.first().and_then(|value| value.first());
        let same = self.values.iter().all(|value| value.first() == first);
        if !is_prefixed && same && self.values.len() > 1 {
            doubts.push(
                "its first byte was always the same: it may be a field's of its own".to_owned(),
            );
        }
    }
}

/// Whether the bytes of an integer take fewer bits together than as two integers.
fn holds_together(integer: Integer, values: &[&[u8]]) -> bool {
    let cost = |integer: Integer, from: usize| {
        let width = usize::from(integer.width);
        let values: Vec<i128> = values
            .iter()
            .filter_map(|value| integer.read(value.get(from..from + width)?))
            .collect();
        cost::integers(&values, width)
    };
    let whole = cost(integer, 0);
    (1..integer.width).all(|first| {
        let part = |width| Integer::unsigned(width, integer.order);
        let apart = cost(part(first), 0) + cost(part(integer.width - first), usize::from(first));
        whole + SURE < apart
    })
}

/// The doubt about upper bytes of an integer that were never used.
pub(super) fn always_zero(bytes: usize) -> String {
    match bytes {
        1 => "its upper byte was always 0: it may be narrower".to_owned(),
        bytes => format!("its upper {bytes} bytes were always 0: it may be narrower"),
    }
}
