//! Which fields may stand at a place in all messages, and how many bits they take.

use std::collections::HashSet;

use super::solve::Step;
use super::{Extent, FIELD, GuessedType, Piece};
use crate::layout::check_of;
use crate::layout::guess::{cost, records, text};
use crate::layout::model::{ByteOrder, Integer, Role};

/// Which fields may stand at a place.
pub(super) struct Steps<'a, 'p> {
    pub pieces: &'a [Piece<'p>],
    pub order: ByteOrder,
    pub inner: bool,
    pub one_size: bool,
}

impl<'p> Steps<'_, 'p> {
    pub fn from(&self, at: &[usize]) -> Vec<Step> {
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

    fn step(at: &[usize], bytes: impl Fn(usize) -> usize, cost: f64, what: GuessedType) -> Step {
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
            // Layout files have no signed number of three bytes.
            for signed in if width == 3 {
                &[false][..]
            } else {
                &[false, true]
            } {
                let signed = *signed;
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
                    GuessedType::Integer(integer),
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
                let what = GuessedType::Float(width, self.order);
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
                let what = GuessedType::Text(Extent::Fixed(width), fill);
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
            let what = GuessedType::Bytes(Extent::Fixed(width));
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
                steps.push(Self::step(at, bytes, cost, GuessedType::Text(extent, 0)));
            }
            let lengths: Vec<i128> = values.iter().map(|value| value.len() as i128).collect();
            let cost =
                cost::bytes(&values, true) + cost::integers(&lengths, width.into()) + prior + 4.0;
            steps.push(Self::step(at, bytes, cost, GuessedType::Bytes(extent)));
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
                let mut fields = vec![GuessedType::Integer(integer); number];
                let mut fits = true;
                for index in 0..number {
                    let own: Vec<&[u8]> = values.iter().map(|values| values[index]).collect();
                    fits &= own
                        .iter()
                        .all(|value| !value.is_empty() && text::is_text(value));
                    cost += cost::texts(&own);
                    fields.push(GuessedType::Text(Extent::Slot(number), 0));
                }
                if fits {
                    let bytes = |index: usize| {
                        head + values[index].iter().map(|value| value.len()).sum::<usize>()
                    };
                    let mut step = Self::step(at, bytes, cost, GuessedType::Integer(integer));
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
                GuessedType::Text(Extent::Nul, 0),
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
                steps.push(Self::step(
                    at,
                    |_| width.into(),
                    4.0,
                    GuessedType::Check(role),
                ));
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
                    GuessedType::Text(extent, 0),
                ));
            }
            let cost = cost::bytes(&values, false) + prior + 8.0 + self.pieces.len() as f64 * 4.0;
            steps.push(Self::step(
                at,
                |index| left[index] - behind,
                cost,
                GuessedType::Bytes(extent),
            ));
        }
    }
}
