//! Proposes the fields that may follow at an offset in all messages, with their cost in bits.

use std::collections::HashSet;

use super::solve::Step;
use super::{Extent, FIELD, GuessedType, Piece};
use crate::layout::check_of;
use crate::layout::guess::{cost, records, text};
use crate::layout::model::{ByteOrder, Integer, Role};

/// Proposes steps for the search.
pub(super) struct Steps<'a, 'p> {
    pub pieces: &'a [Piece<'p>],
    pub order: ByteOrder,
    pub inner: bool,
    pub one_size: bool,
}

impl Steps<'_, '_> {
    pub fn from(&self, at: &[usize]) -> Vec<Step> {
        let left = self.pieces.iter().zip(at).map(|(piece, at)| piece.end - at);
        let left: Vec<usize> = left.collect();
        let mut place = From {
            of: self,
            at,
            least: left.iter().copied().min().unwrap_or(0),
            left,
            steps: Vec::new(),
        };
        place.integers();
        place.floats();
        place.fixed_text();
        place.fixed_bytes();
        if !self.inner {
            place.checks();
        }
        if self.one_size {
            return place.steps;
        }
        place.prefixed();
        place.listed();
        place.ended_by_nul();
        if !self.inner {
            place.rest();
            if self.pieces.len() > 1 {
                records::steps(self.pieces, at, self.order, &mut place.steps);
            }
        }
        place.steps
    }
}

/// An offset in each piece, and the steps from there.
struct From<'a, 'p> {
    of: &'a Steps<'a, 'p>,
    at: &'a [usize],
    /// The remaining bytes of each piece.
    left: Vec<usize>,
    /// The smallest of them.
    least: usize,
    steps: Vec<Step>,
}

impl<'p> From<'_, 'p> {
    /// The pieces, with the offset in each.
    fn pieces(&self) -> impl ExactSizeIterator<Item = (&Piece<'p>, usize)> {
        self.of.pieces.iter().zip(self.at.iter().copied())
    }

    /// The number of pieces for which `holds` is true.
    fn count(&self, holds: impl Fn(&Piece<'p>, usize) -> bool) -> usize {
        self.pieces()
            .filter(|(piece, at)| holds(piece, *at))
            .count()
    }

    /// The value of each piece; `None` if one has none.
    fn all<T>(&self, has: impl Fn(&Piece<'p>, usize) -> Option<T>) -> Option<Vec<T>> {
        self.pieces().map(|(piece, at)| has(piece, at)).collect()
    }

    /// The values of the pieces that have one.
    fn some<T>(&self, has: impl Fn(&Piece<'p>, usize) -> Option<T>) -> Vec<T> {
        self.pieces()
            .filter_map(|(piece, at)| has(piece, at))
            .collect()
    }

    /// Adds the step over a field. `bytes`: its size in the piece with the given index.
    fn add(&mut self, bytes: impl Fn(usize) -> usize, cost: f64, what: GuessedType) {
        let to = self.at.iter().enumerate();
        let to = to.map(|(index, at)| at + bytes(index)).collect();
        let (cost, fields) = (cost + FIELD, vec![what]);
        self.steps.push(Step { to, cost, fields });
    }

    fn unsigned(&self, width: u8) -> Integer {
        Integer::unsigned(width, self.of.order)
    }

    fn integers(&mut self) {
        for (width, prior) in [(1u8, 2.0), (2, 2.0), (4, 2.0), (8, 5.0), (3, 12.0)] {
            if usize::from(width) > self.least {
                continue;
            }
            // Layout files have no signed integer of three bytes.
            let signs = if width == 3 { 1 } else { 2 };
            for signed in [false, true].into_iter().take(signs) {
                let integer = Integer {
                    signed,
                    ..self.unsigned(width)
                };
                let values = self.some(|piece, at| piece.read(integer, at));
                if signed && values.iter().all(|value| *value >= 0) {
                    continue;
                }
                let words = self.count(|piece, at| {
                    let bytes = piece.get(at, width.into());
                    let run = usize::from(width).min(3);
                    let graphic = |bytes: &[u8]| bytes.iter().all(u8::is_ascii_graphic);
                    width > 1 && bytes.is_some_and(|bytes| bytes.windows(run).any(graphic))
                });
                let prior = prior + if signed { 4.0 } else { 0.0 } + words as f64 * 8.0;
                let cost = cost::integers(&values, width.into()) + prior;
                self.add(|_| width.into(), cost, GuessedType::Integer(integer));
            }
        }
    }

    fn floats(&mut self) {
        for width in [4u8, 8] {
            if usize::from(width) > self.least {
                continue;
            }
            let integer = self.unsigned(width);
            let values = self.some(|piece, at| u64::try_from(piece.read(integer, at)?).ok());
            if let Some(cost) = cost::floats(&values, width.into()) {
                let what = GuessedType::Float(width, self.of.order);
                self.add(|_| width.into(), cost + 5.0, what);
            }
        }
    }

    fn fixed_text(&mut self) {
        // How far all pieces can be read as text, and as text padded with NULs.
        let mut texts_to = self.least;
        let mut filled_to = self.least;
        for (piece, at) in self.pieces() {
            let bytes = &piece.message[at..piece.end];
            let typed = |byte: &u8| {
                *byte >= 0x20 && *byte != 0x7f || matches!(*byte, b'\t' | b'\n' | b'\r')
            };
            let text = bytes.iter().take_while(|byte| typed(byte)).count();
            let zeros = bytes[text..].iter().take_while(|byte| **byte == 0).count();
            texts_to = texts_to.min(text);
            filled_to = filled_to.min(text + zeros);
        }
        let mut widths: Vec<usize> = (2..=filled_to)
            .filter(|width| {
                text::width(*width) < 9.0 || filled_to - width <= 4 || filled_to - width == 8
            })
            .collect();
        // Where padding other than NUL ends.
        for fill in [b' ', b'0'] {
            let ends = (2..texts_to).filter(|width| {
                let is_end = |piece: &Piece<'p>, at: usize| {
                    piece.message[at + width - 1] == fill && piece.message[at + width] != fill
                };
                self.count(is_end) * 5 >= self.at.len() * 3
            });
            widths.extend(ends);
        }
        widths.sort_unstable();
        widths.dedup();
        for width in widths {
            for fill in [0, b' ', b'0'] {
                let fields = self.some(|piece, at| piece.get(at, width));
                if fill != 0 {
                    let filled = fields.iter().filter(|field| field.last() == Some(&fill));
                    if filled.count() * 5 < fields.len() * 3 || width > texts_to {
                        continue;
                    }
                }
                let values = fields.iter().map(|field| text::value(field, fill));
                let Some(values) = values.collect::<Option<Vec<&[u8]>>>() else {
                    continue;
                };
                if values.iter().all(|value| value.len() < 2) {
                    continue;
                }
                let mut prior = text::width(width) + if fill == 0 { 0.0 } else { 5.0 };
                // A field rarely ends within a word.
                let in_word = |byte: &u8| *byte > 0x20 && *byte != fill;
                let cut = self.count(|piece, at| {
                    let around = piece.get(at + width - 1, 2);
                    around.is_some_and(|around| around.iter().all(in_word))
                });
                prior += cut as f64 * 8.0;
                if self.left.iter().all(|left| *left == width) {
                    prior -= 2.0;
                }
                let what = GuessedType::Text(Extent::Fixed(width), fill);
                self.add(|_| width, cost::texts(&values) + prior, what);
            }
        }
    }

    fn fixed_bytes(&mut self) {
        let one_size = self.left.iter().all(|left| *left == self.least);
        let all = one_size.then_some(self.least);
        let usual = [5, 6, 7, 10, 12, 16, 20, 24, 32, 48, 64, 128];
        for width in usual.into_iter().chain(all) {
            if width > self.least || width < 5 || width == 8 {
                continue;
            }
            let values = self.some(|piece, at| piece.get(at, width));
            let prior = if width % 4 == 0 { 6.0 } else { 10.0 };
            let what = GuessedType::Bytes(Extent::Fixed(width));
            self.add(|_| width, cost::bytes(&values, false) + prior, what);
        }
    }

    fn prefixed(&mut self) {
        for (width, prior) in [(1u8, 3.0), (2, 3.0), (4, 5.0)] {
            if usize::from(width) > self.least {
                continue;
            }
            let integer = self.unsigned(width);
            let values =
                self.all(|piece, at| piece.get(at + usize::from(width), piece.count(integer, at)?));
            let Some(values) = values.filter(|values| values.iter().any(|value| !value.is_empty()))
            else {
                continue;
            };
            let extent = Extent::Prefix(integer);
            let bytes = |index: usize| usize::from(width) + values[index].len();
            if values.iter().all(|value| text::is_text(value))
                && values.iter().any(|value| value.len() > 1)
            {
                // As for fixed widths: a field rarely ends within a word.
                let is_cut = |index: &usize| {
                    let (piece, len) = (&self.of.pieces[*index], values[*index].len());
                    let end = self.at[*index] + usize::from(width) + len;
                    let around = end.checked_sub(1).and_then(|last| piece.get(last, 2));
                    len > 0 && around.is_some_and(|around| around.iter().all(|byte| *byte > 0x20))
                };
                let cut = (0..values.len()).filter(is_cut).count();
                // A single letter may as well be a number.
                let tiny = values.iter().filter(|value| value.len() == 1).count();
                let cost = cost::texts(&values) + prior + (cut + tiny) as f64 * 4.0;
                self.add(bytes, cost, GuessedType::Text(extent, 0));
            }
            let lengths: Vec<i128> = values.iter().map(|value| value.len() as i128).collect();
            let cost =
                cost::bytes(&values, true) + cost::integers(&lengths, width.into()) + prior + 4.0;
            self.add(bytes, cost, GuessedType::Bytes(extent));
        }
    }

    /// Proposes several lengths followed by the texts that they count.
    fn listed(&mut self) {
        for width in [1u8, 2, 4] {
            for number in [2usize, 3] {
                let integer = self.unsigned(width);
                let head = usize::from(width) * number;
                if head > self.least {
                    continue;
                }
                let values = self.all(|piece, at| {
                    let mut start = at + head;
                    let mut values = Vec::new();
                    for index in 0..number {
                        let len = piece.count(integer, at + index * usize::from(width))?;
                        values.push(piece.get(start, len)?);
                        start += len;
                    }
                    Some(values)
                });
                let Some(values) = values else { continue };
                let mut cost = FIELD * (number as f64 * 2.0 - 1.0) + 4.0;
                let mut fields = vec![GuessedType::Integer(integer); number];
                let mut fits = true;
                for index in 0..number {
                    let own: Vec<&[u8]> = values.iter().map(|values| values[index]).collect();
                    let mut all = own.iter();
                    fits &= all.all(|value| !value.is_empty() && text::is_text(value));
                    cost += cost::texts(&own);
                    fields.push(GuessedType::Text(Extent::Slot(number), 0));
                }
                if fits {
                    let ends = self.at.iter().zip(&values).map(|(at, values)| {
                        at + head + values.iter().map(|value| value.len()).sum::<usize>()
                    });
                    let (to, cost) = (ends.collect(), cost + FIELD);
                    self.steps.push(Step { to, cost, fields });
                }
            }
        }
    }

    fn ended_by_nul(&mut self) {
        if self.least == 0 {
            return;
        }
        let values = self.all(|piece, at| {
            let bytes = &piece.message[at..piece.end];
            let len = bytes.iter().position(|byte| *byte == 0)?;
            text::is_text(&bytes[..len]).then_some(&bytes[..len])
        });
        if let Some(values) = values.filter(|values| values.iter().any(|value| value.len() > 1)) {
            let cost = cost::texts(&values) + 5.0;
            let what = GuessedType::Text(Extent::Nul, 0);
            self.add(|index| values[index].len() + 1, cost, what);
        }
    }

    fn checks(&mut self) {
        let left = self.left[0];
        if left > 8 || self.left.iter().any(|other| *other != left) {
            return;
        }
        for (role, width, least) in [
            (Role::Crc32, 4u8, 1),
            (Role::Internet, 2, 3),
            (Role::Sum8, 1, 6),
        ] {
            if usize::from(width) > left {
                continue;
            }
            let integer = self.unsigned(width);
            let mut seen = HashSet::new();
            let right = self.pieces().all(|(piece, at)| {
                let before = &piece.message[..at];
                let found = piece.read(integer, at);
                seen.insert(found);
                found == check_of(role, before)
            });
            if right && seen.len() >= least {
                self.add(|_| width.into(), 4.0, GuessedType::Check(role));
            }
        }
    }

    fn rest(&mut self) {
        for behind in [0, 1, 2, 4, 8] {
            if behind > self.least || self.left.iter().all(|left| *left == behind) {
                continue;
            }
            let ends: Vec<usize> = self.left.iter().map(|left| left - behind).collect();
            let values = self.some(|piece, at| piece.get(at, piece.end - at - behind));
            let prior = if behind == 0 { 7.0 } else { 10.0 };
            let extent = Extent::Rest(behind);
            if values.iter().all(|value| text::is_text(value)) {
                let cost = cost::texts(&values) + prior;
                self.add(|index| ends[index], cost, GuessedType::Text(extent, 0));
            }
            let cost = cost::bytes(&values, false) + prior + 8.0 + self.at.len() as f64 * 4.0;
            self.add(|index| ends[index], cost, GuessedType::Bytes(extent));
        }
    }
}
