//! The fields behind the header: of all sequences of fields that read every message of a kind to its end, the one with which
//! the messages take the fewest bits. [`solve`] searches, `steps` says what may stand at a place, `kinds` has the messages of
//! a kind, or of several that have the same fields.

mod kinds;
mod solve;
mod steps;

use super::records;
use super::text;
use crate::layout::model::{ByteOrder, Integer, Role};

pub(super) use kinds::{Bodies, GuessedKind, find, likelier_order};
pub(super) use solve::{Step, Within, solve};

/// Messages of a kind that fields are looked for in.
pub(super) const SAMPLE: usize = 40;
/// Bits that each field of a layout costs by itself.
pub(super) const FIELD: f64 = 16.0;

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
pub(super) enum GuessedType {
    Integer(Integer),
    Float(u8, ByteOrder),
    Text(Extent, u8),
    Bytes(Extent),
    Check(Role),
    /// Records; those with a count have an integer of their own before them.
    Records(Option<Integer>, usize, Vec<Field>),
}

impl GuessedType {
    /// Whether it may stand behind what takes all that is left: numbers do, where people design it so.
    pub const fn may_stand_last(&self) -> bool {
        matches!(self, Self::Integer(_) | Self::Float(..) | Self::Check(_))
    }

    /// Whether it takes all that is left.
    pub const fn takes_the_rest(&self) -> bool {
        matches!(
            self,
            Self::Text(Extent::Rest(_), _) | Self::Bytes(Extent::Rest(_)) | Self::Records(None, ..)
        )
    }
}

/// A field, and what is to be said against it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Field {
    pub what: GuessedType,
    pub doubts: Vec<String>,
}

impl Field {
    pub fn new(what: GuessedType) -> Self {
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

/// Where each field stands in a piece, and the number that it holds or that counts it; `None` if a field is not there.
pub(super) fn places(fields: &[Field], piece: &Piece<'_>) -> Option<Vec<(usize, usize, i128)>> {
    let mut places: Vec<(usize, usize, i128)> = Vec::new();
    let mut at = piece.start;
    for (index, field) in fields.iter().enumerate() {
        let (len, number) = match &field.what {
            GuessedType::Integer(integer) => {
                (usize::from(integer.width), piece.read(*integer, at)?)
            }
            GuessedType::Float(width, _) => (usize::from(*width), 0),
            GuessedType::Check(role) => (role.check_width(), 0),
            GuessedType::Text(extent, fill) => {
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
            GuessedType::Bytes(extent) => {
                let (skip, len) = extent_of(*extent, piece, at, &places, index)?;
                (skip + len, len as i128)
            }
            GuessedType::Records(count, behind, item) => {
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
