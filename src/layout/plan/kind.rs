//! A compiled kind of message: its size, its evidence, and the fields at fixed offsets.

use std::ops::Range;

use crate::layout::checksum::check_of;
use crate::layout::model::{Constant, FieldId, Integer, Layout, LayoutKind, Role, Side, Type};

/// A condition at a fixed offset. A message that meets all of them has no faults.
#[derive(Debug)]
enum Step {
    /// These bytes are at the offset.
    Constant(usize, Box<[u8]>),
    /// The range is UTF-8, padded with the byte.
    Text(Range<usize>, u8),
    /// The integer has one of these values.
    Named(usize, Integer, Box<[i128]>),
    /// The integer has no other bits.
    Bits(usize, Integer, i128),
    /// The integer is the checksum of all bytes before it.
    Check(usize, Integer, Role),
}

/// A field, and the range of its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub field: FieldId,
    pub range: Range<usize>,
}

/// The fields of a message that are needed to follow its stream.
#[derive(Debug, Clone, Default)]
pub(super) struct Places {
    pub user: Option<Place>,
    pub id: Option<Place>,
    pub outcome: Option<Place>,
    pub secret: Option<Place>,
}

/// A compiled kind of message.
#[derive(Debug)]
pub struct KindPlan {
    /// Its size in bytes, if that is fixed.
    pub size: Option<usize>,
    /// Bits of evidence in a message without faults.
    pub bits: u32,
    /// The side that sends it, if the file says so, or because requests come from the client.
    pub sender: Option<Side>,
    /// Whether it is a response to another kind.
    pub is_response: bool,
    /// Whether it names a user and its response reports an outcome, like a login.
    pub is_attempt: bool,
    /// Whether its name says that it is a registration.
    pub is_registration: bool,
    /// The conditions, if all fields are at fixed offsets.
    steps: Option<Vec<Step>>,
    pub(super) places: Places,
}

/// The length of a text that is padded with `fill`, in bytes.
pub(in crate::layout) fn text_len(bytes: &[u8], fill: u8) -> usize {
    if fill == 0 {
        memchr::memchr(0, bytes).unwrap_or(bytes.len())
    } else {
        let last = bytes.iter().rposition(|byte| *byte != fill);
        last.map_or(0, |last| last + 1)
    }
}

impl KindPlan {
    pub(super) fn new(layout: &Layout, index: usize) -> Self {
        let kind = &layout.kinds[index];
        let mut kinds = layout.kinds.iter();
        let is_response = kinds.any(|other| other.responses.contains(&index));
        let by_exchange = match (kind.responses.is_empty(), is_response) {
            (false, false) => Some(Side::Client),
            (true, true) => Some(Side::Server),
            _ => None,
        };
        let size = layout.size(kind);
        let size = size.and_then(|size| usize::try_from(size).ok());
        let compiled = size.and_then(|_| steps(layout, kind));
        let (steps, places) = compiled.unzip();
        let mut responses = kind.responses.iter().map(|index| &layout.kinds[*index]);
        let is_judged = responses.any(|response| layout.has_role(response, Role::Outcome));
        Self {
            is_attempt: is_judged && layout.has_role(kind, Role::User),
            is_registration: kind.name.to_ascii_lowercase().contains("regist"),
            size,
            bits: layout.evidence(kind),
            sender: kind.side.or(kind.from).or(by_exchange),
            is_response,
            steps,
            places: places.unwrap_or_default(),
        }
    }

    /// Whether a message of this kind certainly has no faults. If not, it must be decoded.
    #[inline]
    pub(super) fn is_clean(&self, bytes: &[u8]) -> bool {
        let Some(steps) = &self.steps else {
            return false;
        };
        Some(bytes.len()) == self.size && steps.iter().all(|step| step.holds(bytes))
    }
}

/// The conditions and places of a kind of fixed size; `None` if it must be decoded, for example because of records.
fn steps(layout: &Layout, kind: &LayoutKind) -> Option<(Vec<Step>, Places)> {
    let mut steps = Vec::new();
    let mut places = Places::default();
    let mut at = 0;
    for part in layout.parts_of(kind) {
        for (index, field) in layout.parts[part].fields.iter().enumerate() {
            let size = usize::try_from(field.size(&layout.parts)?).ok()?;
            let range = at..at + size;
            let place = Place {
                field: (part, index),
                range: range.clone(),
            };
            let slot = match field.role {
                Some(Role::User) => Some(&mut places.user),
                Some(Role::Id) => Some(&mut places.id),
                Some(Role::Outcome) => Some(&mut places.outcome),
                _ => None,
            };
            if let Some(slot) = slot {
                slot.get_or_insert(place.clone());
            }
            if field.secret {
                places.secret.get_or_insert(place);
            }
            match (&field.ty, &field.constant) {
                (Type::Record(..), _) | (Type::Text(_), Some(_)) => return None,
                (Type::Text(_), None) => steps.push(Step::Text(range, field.fill)),
                (Type::Bytes(_), Some(Constant::Bytes(constant))) => {
                    steps.push(Step::Constant(at, constant.clone().into()));
                }
                (Type::Integer(integer, names), constant) => {
                    if let Some(Constant::Integer(value)) = constant {
                        steps.push(Step::Constant(at, integer.encode(*value).into()));
                    }
                    if !names.is_empty() {
                        let values = names.iter().map(|(value, _)| *value).collect();
                        steps.push(Step::Named(at, *integer, values));
                    }
                    if let Some(role @ (Role::Crc32 | Role::Sum8 | Role::Internet)) = field.role {
                        steps.push(Step::Check(at, *integer, role));
                    }
                }
                (Type::Flags(integer, names), constant) => {
                    if let Some(Constant::Integer(value)) = constant {
                        steps.push(Step::Constant(at, integer.encode(*value).into()));
                    }
                    let known = names.iter().fold(0, |bits, (bit, _)| bits | 1 << bit);
                    steps.push(Step::Bits(at, *integer, known));
                }
                (Type::Bytes(_) | Type::Float(..), _) => {}
            }
            at += size;
        }
    }
    Some((steps, places))
}

impl Step {
    #[inline]
    fn holds(&self, bytes: &[u8]) -> bool {
        match self {
            Self::Constant(at, constant) => bytes[*at..].starts_with(constant),
            Self::Text(range, fill) => {
                let text = &bytes[range.clone()];
                let len = text_len(text, *fill);
                (*fill != 0 || text[len..].iter().all(|byte| *byte == 0))
                    && std::str::from_utf8(&text[..len]).is_ok()
            }
            Self::Named(at, integer, values) => {
                let value = integer.read(&bytes[*at..]);
                value.is_some_and(|value| values.contains(&value))
            }
            Self::Bits(at, integer, known) => {
                let value = integer.read(&bytes[*at..]);
                value.is_some_and(|value| value & !known == 0)
            }
            Self::Check(at, integer, role) => {
                integer.read(&bytes[*at..]) == check_of(*role, &bytes[..*at])
            }
        }
    }
}
