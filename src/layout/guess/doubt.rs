//! What is to be said against a field: whatever the traffic does not show is unsure.

use std::collections::HashSet;

use super::body::{self, Extent, Field, Piece, What};
use crate::layout::model::{ByteOrder, Integer};

/// Messages with different values that it takes to be sure of a field.
const ENOUGH: usize = 6;

/// Adds to each field what is to be said against it, by what it holds in `pieces`.
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
        let doubts = doubts(&fields[index].what, &values, &next);
        fields[index].doubts.extend(doubts);
    }
}

/// Bytes of integers that were always 0, from the most significant end.
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

fn doubts(what: &What, values: &[&[u8]], next: &[u8]) -> Vec<String> {
    let mut doubts = Vec::new();
    let distinct = values.iter().collect::<HashSet<_>>().len();
    match what {
        What::Integer(integer) => {
            let zeros = upper_zeros(*integer, values);
            if zeros == usize::from(integer.width) {
                doubts.push("always 0: filling, or several fields".to_owned());
            } else if zeros > 0 {
                doubts.push(always_zero(zeros));
            } else if distinct == 1 && integer.width > 1 {
                doubts.push("always the same: a constant, or several fields".to_owned());
            }
        }
        What::Float(..) if distinct < ENOUGH * 2 => {
            doubts.push("a float by few values".to_owned());
        }
        What::Text(Extent::Fixed(_), fill)
            if !next.is_empty() && next.iter().all(|byte| *byte == *fill) =>
        {
            doubts.push("what fills it up and the next field cannot be told apart".to_owned());
        }
        What::Text(Extent::Prefix(integer), _) if integer.width > 1 => {
            let prefixes: Vec<&[u8]> = values
                .iter()
                .filter_map(|value| value.get(..usize::from(integer.width)))
                .collect();
            if upper_zeros(*integer, &prefixes) > 0 {
                doubts.push(
                    "the upper bytes of its length were always 0: they may be a field of their own"
                        .to_owned(),
                );
            }
        }
        What::Bytes(_) => doubts.push("what these bytes are is not known".to_owned()),
        _ => {}
    }
    if distinct < ENOUGH && !matches!(what, What::Check(_)) {
        doubts.push(match (values.len(), distinct) {
            (1, _) => "seen once".to_owned(),
            (seen, 1) => format!("one value in {seen} messages"),
            (seen, distinct) => format!("{distinct} values in {seen} messages"),
        });
    }
    doubts
}

/// How a number's upper bytes that were never used are told.
pub(super) fn always_zero(bytes: usize) -> String {
    match bytes {
        1 => "its upper byte was always 0: it may be narrower".to_owned(),
        bytes => format!("its upper {bytes} bytes were always 0: it may be narrower"),
    }
}
