//! Evaluates a compiled filter for a frame.

use std::cmp::Ordering;

use memchr::memmem::Finder;
use regex::bytes::Regex;

use super::fields::Field;
use super::literal::Constant;
use super::syntax::{Piece, Relation, Sign};
use super::value::{FieldType, Value};
use super::view::View;

/// A test or a combination of tests.
#[derive(Debug)]
pub(super) enum Node {
    And(Vec<Self>),
    Or(Vec<Self>),
    Not(Box<Self>),
    /// The source has a value.
    Present(ValueSource),
    /// The source has a value that is not zero.
    NonZero(ValueSource),
    /// The relation holds for any pair of values of both sources, or for all pairs.
    Compare {
        left: ValueSource,
        relation: Relation,
        all: bool,
        right: ValueSource,
    },
    /// Any value contains the bytes, or all values do.
    Contains(ValueSource, Box<Finder<'static>>, bool),
    /// Any value matches, or all values do.
    Matches(ValueSource, Regex, bool),
    /// Any value is in the set.
    In(ValueSource, Vec<Member>),
}

/// A member of a set.
#[derive(Debug)]
pub(super) enum Member {
    One(Constant),
    Range(Constant, Constant),
}

/// A source of values.
#[derive(Debug)]
pub(super) enum ValueSource {
    Field(&'static Field),
    Constant(Constant),
    Slice(Box<Self>, Vec<Piece>),
    Length(Box<Self>),
    Count(Box<Self>),
    Lower(Box<Self>),
    Upper(Box<Self>),
    /// The value as it is printed, numbers in decimal.
    Printed(Box<Self>, FieldType),
    Absolute(Box<Self>),
    /// The largest or the smallest of all values.
    Extreme(Vec<Self>, Ordering),
    Arithmetic(Box<Self>, Sign, Box<Self>),
}

impl Node {
    pub fn holds(&self, view: &View<'_>) -> bool {
        match self {
            Self::And(nodes) => nodes.iter().all(|node| node.holds(view)),
            Self::Or(nodes) => nodes.iter().any(|node| node.holds(view)),
            Self::Not(node) => !node.holds(view),
            Self::Present(source) => {
                let mut present = false;
                source.values(view, &mut |_| present = true);
                present
            }
            Self::NonZero(source) => source.any(view, is_set),
            Self::Compare {
                left,
                relation,
                all,
                right,
            } => {
                let mut outcome = Outcome::of(*all);
                left.values(view, &mut |left| {
                    if !outcome.is_settled() {
                        right.values(view, &mut |right| {
                            outcome.note(related(left, *relation, right));
                        });
                    }
                });
                outcome.holds()
            }
            Self::Contains(source, finder, all) => source.every(view, *all, |value| {
                let octets = value.searched();
                octets.is_some_and(|octets| finder.find(octets).is_some())
            }),
            Self::Matches(source, regex, all) => source.every(view, *all, |value| {
                let octets = value.searched();
                octets.is_some_and(|octets| regex.is_match(octets))
            }),
            Self::In(source, members) => {
                source.any(view, |value| members.iter().any(|member| member.has(value)))
            }
        }
    }
}

/// Collects whether a property holds for any value, or for all (of at least one).
struct Outcome {
    all: bool,
    any_did: bool,
    any_did_not: bool,
}

impl Outcome {
    const fn of(all: bool) -> Self {
        Self {
            all,
            any_did: false,
            any_did_not: false,
        }
    }

    const fn note(&mut self, did: bool) {
        if did {
            self.any_did = true;
        } else {
            self.any_did_not = true;
        }
    }

    const fn is_settled(&self) -> bool {
        if self.all {
            self.any_did_not
        } else {
            self.any_did
        }
    }

    const fn holds(&self) -> bool {
        self.any_did && !(self.all && self.any_did_not)
    }
}

fn related(left: Value<'_>, relation: Relation, right: Value<'_>) -> bool {
    let Some(order) = left.order(right) else {
        return false;
    };
    match relation {
        Relation::Equal => order.is_eq(),
        Relation::NotEqual => order.is_ne(),
        Relation::Less => order.is_lt(),
        Relation::LessOrEqual => order.is_le(),
        Relation::Greater => order.is_gt(),
        Relation::GreaterOrEqual => order.is_ge(),
        Relation::Contains => match (left.searched(), right.searched()) {
            (Some(octets), Some(part)) => memchr::memmem::find(octets, part).is_some(),
            _ => false,
        },
        // A regular expression is never another field's value.
        Relation::Matches => false,
    }
}

fn is_set(value: Value<'_>) -> bool {
    match value {
        Value::Bytes(octets) => octets.iter().any(|octet| *octet != 0),
        other => other.number().is_some_and(|number| number != 0),
    }
}

impl Member {
    fn has(&self, value: Value<'_>) -> bool {
        match self {
            Self::One(constant) => related(value, Relation::Equal, constant.value()),
            Self::Range(from, to) => {
                related(value, Relation::GreaterOrEqual, from.value())
                    && related(value, Relation::LessOrEqual, to.value())
            }
        }
    }
}

impl ValueSource {
    fn any(&self, view: &View<'_>, property: impl Fn(Value<'_>) -> bool) -> bool {
        self.every(view, false, property)
    }

    fn every(&self, view: &View<'_>, all: bool, property: impl Fn(Value<'_>) -> bool) -> bool {
        let mut outcome = Outcome::of(all);
        self.values(view, &mut |value| {
            if !outcome.is_settled() {
                outcome.note(property(value));
            }
        });
        outcome.holds()
    }

    /// Calls `emit` with each value of the frame, in order.
    fn values(&self, view: &View<'_>, emit: &mut dyn FnMut(Value<'_>)) {
        match self {
            Self::Field(field) => field.values(view, emit),
            Self::Constant(constant) => emit(constant.value()),
            Self::Slice(of, pieces) => of.values(view, &mut |value| {
                if let Some(octets) = value.octets() {
                    slice(octets, pieces, emit);
                }
            }),
            Self::Length(of) => of.values(view, &mut |value| {
                if let Some(octets) = value.octets() {
                    emit(Value::Number(
                        i64::try_from(octets.len()).unwrap_or(i64::MAX),
                    ));
                }
            }),
            Self::Count(of) => {
                let mut count = 0;
                of.values(view, &mut |_| count += 1);
                // As in Wireshark, a field without values has no count.
                if count > 0 {
                    emit(Value::Number(count));
                }
            }
            Self::Lower(of) => with_text(of, view, str::to_lowercase, emit),
            Self::Upper(of) => with_text(of, view, str::to_uppercase, emit),
            Self::Printed(of, kind) => of.values(view, &mut |value| {
                emit(Value::Text(value.shown(*kind, &[]).to_string().as_bytes()));
            }),
            Self::Absolute(of) => of.values(view, &mut |value| {
                if let Some(number) = value.number().and_then(i64::checked_abs) {
                    emit(like(value, number));
                }
            }),
            Self::Extreme(sources, order) => extreme(sources, *order, view, emit),
            Self::Arithmetic(left, sign, right) => left.values(view, &mut |left| {
                right.values(view, &mut |right| calculate(left, *sign, right, emit));
            }),
        }
    }
}

fn slice(octets: &[u8], pieces: &[Piece], emit: &mut dyn FnMut(Value<'_>)) {
    if let [piece] = pieces {
        piece
            .of(octets)
            .into_iter()
            .for_each(|piece| emit(Value::Bytes(piece)));
        return;
    }
    let mut joined = Vec::new();
    for piece in pieces {
        let Some(piece) = piece.of(octets) else {
            return;
        };
        joined.extend_from_slice(piece);
    }
    emit(Value::Bytes(&joined));
}

/// Emits changed texts. Bytes that are not UTF-8 become U+FFFD.
fn with_text(
    of: &ValueSource,
    view: &View<'_>,
    change: impl Fn(&str) -> String,
    emit: &mut dyn FnMut(Value<'_>),
) {
    of.values(view, &mut |value| {
        if let Some(octets) = value.octets() {
            let changed = change(&String::from_utf8_lossy(octets));
            emit(Value::Text(changed.as_bytes()));
        }
    });
}

fn extreme(
    sources: &[ValueSource],
    order: Ordering,
    view: &View<'_>,
    emit: &mut dyn FnMut(Value<'_>),
) {
    let mut best: Option<(i64, bool)> = None;
    for source in sources {
        source.values(view, &mut |value| {
            if let Some(number) = value.number()
                && best.is_none_or(|(best, _)| number.cmp(&best) == order)
            {
                best = Some((number, matches!(value, Value::Span(_))));
            }
        });
    }
    match best {
        Some((number, true)) => emit(Value::Span(number)),
        Some((number, false)) => emit(Value::Number(number)),
        None => {}
    }
}

/// A number of the same type as `value`.
const fn like<'a>(value: Value<'_>, number: i64) -> Value<'a> {
    match value {
        Value::Span(_) => Value::Span(number),
        _ => Value::Number(number),
    }
}

/// Emits the result of an operation, or nothing if there is none, as for a division by zero.
fn calculate(left: Value<'_>, sign: Sign, right: Value<'_>, emit: &mut dyn FnMut(Value<'_>)) {
    if let (Some(a), Some(b)) = (left.octets(), right.octets()) {
        if sign == Sign::And && a.len() == b.len() {
            let both: Vec<u8> = a.iter().zip(b).map(|(a, b)| a & b).collect();
            emit(Value::Bytes(&both));
        }
        return;
    }
    let (Some(a), Some(b)) = (left.number(), right.number()) else {
        return;
    };
    let result = match sign {
        Sign::And => Some(a & b),
        Sign::Plus => a.checked_add(b),
        // A difference of two 32-bit numbers has 32 bits, as in Wireshark.
        Sign::Minus => a.checked_sub(b).filter(|difference| {
            let is_short = |value: Value<'_>, number| {
                matches!(value, Value::Number(_)) && u32::try_from(number).is_ok()
            };
            *difference >= i64::from(i32::MIN) || !is_short(left, a) || !is_short(right, b)
        }),
        Sign::Times => a.checked_mul(b),
        Sign::Divide => a.checked_div(b),
        Sign::Remainder => a.checked_rem(b),
    };
    if let Some(result) = result {
        emit(like(left, result));
    }
}
