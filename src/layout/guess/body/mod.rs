//! Finds the fields after the header: of all sequences of fields that read every message of a kind to its end, the one with
//! which the messages take the fewest bits. [`solve`] searches, `steps` proposes fields, `kinds` groups messages by kind.

mod kinds;
mod solve;
mod steps;

use super::records;
use super::text;
use crate::layout::model::{ByteOrder, Integer, Role};

pub(super) use kinds::{Bodies, GuessedKind, find, likelier_order};
pub(super) use solve::{Step, Within, solve};

/// The number of messages in a sample.
pub(super) const SAMPLE: usize = 40;
/// The cost of a field itself, in bits.
pub(super) const FIELD: f64 = 16.0;

/// The size of a field in bytes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Extent {
    Fixed(usize),
    Prefix(Integer),
    /// The value of an earlier field, so many fields before.
    Slot(usize),
    /// All remaining bytes except so many.
    Rest(usize),
    Nul,
}

/// The type of a field.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum GuessedType {
    Integer(Integer),
    Float(u8, ByteOrder),
    Text(Extent, u8),
    Bytes(Extent),
    Check(Role),
    /// Records: the integer before them that counts them, if any; the bytes after them; the fields of one.
    Records(Option<Integer>, usize, Vec<Field>),
}

impl GuessedType {
    /// Whether it may follow a field that takes all remaining bytes: protocols that people design have only numbers there.
    pub const fn may_stand_last(&self) -> bool {
        matches!(self, Self::Integer(_) | Self::Float(..) | Self::Check(_))
    }

    /// Whether it takes all remaining bytes.
    pub const fn takes_the_rest(&self) -> bool {
        matches!(
            self,
            Self::Text(Extent::Rest(_), _) | Self::Bytes(Extent::Rest(_)) | Self::Records(None, ..)
        )
    }
}

/// A field, with the doubts about it.
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

/// The part of a message in which fields are searched: `start..end`.
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

    /// The value of an integer as a number of bytes or records; `None` if it is negative or missing.
    pub fn count(&self, integer: Integer, at: usize) -> Option<usize> {
        usize::try_from(self.read(integer, at)?).ok()
    }
}

/// Whether the fields read a message from `at` exactly to its end.
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

/// The start and end of each field in a piece, with its value if it is an integer, or its size if that varies. `None` if a
/// field does not fit.
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

/// The size of a field's prefix and of its value, in bytes.
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
