//! A layout compiled for reading streams: offsets where they are fixed, so that most messages are found and held to
//! their layout without being decoded.

#![expect(
    clippy::cast_possible_truncation,
    reason = "constants of a layout file, a few bytes each"
)]

mod kind;

use std::ops::Range;

use super::decode::{Decoded, Frame, Node};
use super::fault::{Fault, FaultKind};
use super::model::{Constant, Count, Field, FieldId, Integer, Layout, Role, Side, Type};
use super::outcome::Said;
pub use kind::KindPlan;
use kind::Place;
pub(super) use kind::text_len;

/// Bytes that always stand at an offset.
pub type Fixed = (usize, Box<[u8]>);

/// What was read of a message at least.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// Its kind, by index.
    pub kind: Option<usize>,
    /// What is not as the layout says.
    pub faults: Vec<Fault>,
    /// The user's field, and the bytes of its value.
    pub user: Option<(FieldId, Range<usize>)>,
    /// The field that a response repeats, and the bytes of its value.
    pub id: Option<(FieldId, Range<usize>)>,
    /// The first secret field, and the bytes of its value.
    pub secret: Option<(FieldId, Range<usize>)>,
    /// What it says of its request.
    pub said: Option<Said>,
}

/// A compiled layout.
#[derive(Debug)]
pub struct Plan {
    /// The layout.
    pub layout: Layout,
    /// What is known of its kinds, in the same order.
    pub kinds: Vec<KindPlan>,
    /// Whether any field is secret.
    pub has_secrets: bool,
    /// Where the length stands, its integer, and what that is more than the message's size.
    pub length: Option<(usize, Integer, i64)>,
    /// Where the kind stands.
    pub kind: Option<(usize, Integer)>,
    /// The least size of a message.
    least: usize,
    /// Kinds by value, and for whom.
    index: Vec<(Option<i128>, Option<Side>, usize)>,
    /// What the header always holds.
    pub constants: Vec<Fixed>,
    /// Bits of evidence that those and the kind make.
    header_bits: u32,
    /// The size of every message that a client, and a server, sends.
    sizes: [Option<usize>; 2],
}

impl Plan {
    /// Compiles a layout.
    #[must_use]
    pub fn new(layout: Layout) -> Self {
        let length = layout.header_field(|role| matches!(role, Role::Length(_)));
        let length = length.and_then(|(field, start)| match field.role {
            Some(Role::Length(offset)) => Some((start, field.integer()?, offset)),
            _ => None,
        });
        let kind = layout.header_field(|role| role == Role::Kind);
        let kind = kind.and_then(|(field, start)| Some((start, field.integer()?)));
        let header = layout.header().size(&layout.parts);
        let end = length.map_or(0, |(start, integer, _)| start + usize::from(integer.width));
        let least = header.map_or(end, |size| usize::try_from(size).unwrap_or(usize::MAX));
        let kinds: Vec<KindPlan> = (0..layout.kinds.len())
            .map(|index| KindPlan::new(&layout, index))
            .collect();
        let index = layout.kinds.iter().enumerate();
        let index = index
            .map(|(at, kind)| (kind.value, kind.side, at))
            .collect();
        let (constants, bits) = header_constants(&layout);
        let kind_bits = kind.map_or(0, |(_, integer)| u32::from(integer.width) * 8);
        let size_from = |side| {
            let own = layout.kinds.iter().zip(&kinds);
            let mut sizes = own
                .filter(|(kind, plan)| {
                    kind.is_from(side) && plan.sender.is_none_or(|of| of == side)
                })
                .map(|(_, plan)| plan.size);
            let first = sizes.next()??;
            sizes.all(|size| size == Some(first)).then_some(first)
        };
        Self {
            sizes: [size_from(Side::Client), size_from(Side::Server)],
            has_secrets: layout.has_secrets(),
            header_bits: bits + kind_bits,
            least: least.max(1),
            kinds,
            length,
            kind,
            index,
            constants,
            layout,
        }
    }

    /// The kind with this value that `side` can send.
    #[inline]
    fn kind(&self, value: Option<i128>, side: Side) -> Option<usize> {
        let is = |(found, only, _): &&(Option<i128>, Option<Side>, usize)| {
            *found == value && only.is_none_or(|only| only == side)
        };
        self.index.iter().find(is).map(|(_, _, kind)| *kind)
    }

    /// The kind of the message that begins with `bytes`: none known, or none yet.
    #[inline]
    pub(in crate::layout) fn kind_of(
        &self,
        bytes: &[u8],
        side: Side,
    ) -> Result<Option<usize>, usize> {
        match self.kind {
            None => Ok(self.kind(None, side)),
            Some((start, integer)) => {
                let value = bytes.get(start..).and_then(|bytes| integer.read(bytes));
                let value = value.ok_or(start + usize::from(integer.width))?;
                Ok(self.kind(Some(value), side))
            }
        }
    }

    /// Where the message ends that begins with `bytes` and is sent by `side`: [`Layout::frame`], compiled.
    #[must_use]
    #[inline]
    pub fn frame(&self, bytes: &[u8], side: Side) -> Frame {
        if let Some((start, integer, offset)) = self.length {
            let Some(value) = bytes.get(start..).and_then(|bytes| integer.read(bytes)) else {
                return Frame::Need(start + usize::from(integer.width));
            };
            return match usize::try_from(value - i128::from(offset)) {
                Ok(length) if length >= self.least && length <= self.layout.max as usize => {
                    Frame::Whole(length)
                }
                _ => Frame::None,
            };
        }
        match self.kind_of(bytes, side) {
            Err(need) => Frame::Need(need),
            Ok(kind) => match kind.and_then(|kind| self.kinds[kind].size) {
                Some(size) => Frame::Whole(size),
                None => Frame::None,
            },
        }
    }

    /// The size of every message that `side` sends, where they have one.
    #[must_use]
    pub const fn size_from(&self, side: Side) -> Option<usize> {
        match side {
            Side::Client => self.sizes[0],
            Side::Server => self.sizes[1],
        }
    }

    /// The least size of a message in bytes.
    #[must_use]
    pub const fn least(&self) -> usize {
        self.least
    }

    /// The most bits of evidence that a message can carry.
    #[must_use]
    pub fn best_bits(&self) -> u32 {
        self.kinds.iter().map(|kind| kind.bits).max().unwrap_or(0)
    }

    /// Whether the header that begins with `bytes` has a known kind and right constants, as far as it is there.
    #[must_use]
    pub fn header_fits(&self, bytes: &[u8], side: Side) -> bool {
        let constants = self.constants.iter().all(|(start, constant)| {
            let there = bytes.get(*start..).unwrap_or_default();
            there.iter().zip(constant).all(|(one, other)| one == other)
        });
        constants && self.kind_of(bytes, side) != Ok(None)
    }

    /// Bits of evidence that a header makes which fits.
    #[must_use]
    pub const fn header_bits(&self) -> u32 {
        self.header_bits
    }

    /// Reads a message as far as its stream is understood by it, and says what is not as the layout says.
    #[must_use]
    pub fn read(&self, bytes: &[u8], side: Side) -> Reading {
        if let Ok(Some(kind)) = self.kind_of(bytes, side)
            && self.layout.kinds[kind].is_from(side)
            && self.kinds[kind].is_clean(bytes)
        {
            let places = &self.kinds[kind].places;
            let value = |place: &Option<Place>| {
                let Place { field, range } = place.as_ref()?;
                Some((*field, self.trimmed(*field, range.clone(), bytes)))
            };
            return Reading {
                kind: Some(kind),
                faults: Vec::new(),
                user: value(&places.user),
                id: value(&places.id),
                secret: value(&places.secret),
                said: places.outcome.as_ref().map(|place| {
                    let field = self.field(place.field);
                    field.said(&bytes[place.range.clone()])
                }),
            };
        }
        self.read_decoded(self.layout.decode(bytes, side), bytes)
    }

    fn read_decoded(&self, decoded: Decoded<'_>, bytes: &[u8]) -> Reading {
        let with = |role: Role| {
            let of_role = |node: &&Node<'_>| self.field(node.field).role == Some(role);
            let node = decoded.nodes.iter().find(of_role)?;
            Some((node.field, node.content.clone()))
        };
        let outcome = with(Role::Outcome);
        let secret = decoded
            .nodes
            .iter()
            .find(|node| self.field(node.field).secret);
        Reading {
            kind: decoded.kind,
            user: with(Role::User),
            id: with(Role::Id),
            secret: secret.map(|node| (node.field, node.content.clone())),
            said: outcome.map(|(field, range)| self.field(field).said(&bytes[range])),
            faults: decoded.faults,
        }
    }

    /// A field.
    #[must_use]
    pub fn field(&self, field: FieldId) -> &Field {
        self.layout.field(field)
    }

    /// The field that names a user.
    #[must_use]
    pub fn user_field(&self) -> Option<&Field> {
        let mut fields = self.layout.fields();
        fields.find(|field| field.role == Some(Role::User))
    }

    /// The bytes of a fixed-width value without what fills it up.
    fn trimmed(&self, field: FieldId, range: Range<usize>, bytes: &[u8]) -> Range<usize> {
        let field = self.field(field);
        if !matches!(field.ty, Type::Text(_)) {
            return range;
        }
        let len = text_len(&bytes[range.clone()], field.fill);
        range.start..range.start + len
    }

    /// Whether a message of `kind` is answered.
    #[must_use]
    pub fn is_request(&self, kind: usize) -> bool {
        !self.layout.kinds[kind].responses.is_empty()
    }

    /// Whether a message of kind `response` answers one of kind `request`.
    #[must_use]
    pub fn answers(&self, response: usize, request: usize) -> bool {
        self.layout.kinds[request].responses.contains(&response)
    }
}

/// The constants of the header that stand at fixed places, and how many bits they are.
fn header_constants(layout: &Layout) -> (Vec<Fixed>, u32) {
    let mut constants = Vec::new();
    let mut bits = 0;
    let mut start = 0;
    for field in &layout.header().fields {
        let constant: Option<Box<[u8]>> = match (&field.ty, &field.constant) {
            (
                Type::Integer(integer, _) | Type::Flags(integer, _),
                Some(Constant::Integer(value)),
            ) => Some(integer.encode(*value).into()),
            (Type::Bytes(_), Some(Constant::Bytes(bytes))) => Some(bytes.clone().into()),
            (Type::Text(Count::Fixed(size)), Some(Constant::Bytes(bytes))) => {
                let mut filled = bytes.clone();
                filled.resize(*size as usize, field.fill);
                Some(filled.into())
            }
            _ => None,
        };
        if let Some(constant) = constant {
            bits += constant.len() as u32 * 8;
            constants.push((start, constant));
        }
        let Some(size) = field.size(&layout.parts) else {
            break;
        };
        start += usize::try_from(size).unwrap_or(0);
    }
    (constants, bits)
}

/// Whether faults leave a message's extent and header in doubt; others are about what a field says.
#[must_use]
pub fn is_structural(fault: &Fault) -> bool {
    matches!(
        fault.kind,
        FaultKind::Constant
            | FaultKind::Check
            | FaultKind::Missing
            | FaultKind::Excess
            | FaultKind::Kind
            | FaultKind::Side
    )
}
