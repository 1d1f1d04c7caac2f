//! A layout compiled for speed: with fixed offsets, so that most messages are found and checked without being decoded.

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

/// An offset, and the bytes that are always there.
pub type Fixed = (usize, Box<[u8]>);

/// What is needed of a message to follow its stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// Its kind, by index.
    pub kind: Option<usize>,
    /// Where the message violates the layout.
    pub faults: Vec<Fault>,
    /// The user's field, and the range of its value.
    pub user: Option<(FieldId, Range<usize>)>,
    /// The identifier's field, and the range of its value.
    pub id: Option<(FieldId, Range<usize>)>,
    /// The first secret field, and the range of its value.
    pub secret: Option<(FieldId, Range<usize>)>,
    /// The outcome that it reports.
    pub said: Option<Said>,
}

/// A compiled layout.
#[derive(Debug)]
pub struct Plan {
    /// The layout.
    pub layout: Layout,
    /// Its compiled kinds, in the same order.
    pub kinds: Vec<KindPlan>,
    /// Whether any field is secret.
    pub has_secrets: bool,
    /// Offset and type of the length, and its value minus the message's size.
    pub length: Option<(usize, Integer, i64)>,
    /// Offset and type of the kind.
    pub kind: Option<(usize, Integer)>,
    /// The minimum size of a message in bytes.
    least: usize,
    /// Value and side of each kind, with its index.
    index: Vec<(Option<i128>, Option<Side>, usize)>,
    /// The constants of the header.
    pub constants: Vec<Fixed>,
    /// Bits of evidence in the constants and the kind.
    header_bits: u32,
    /// The size of all messages of the client and of the server in bytes, if they have one size.
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

    /// The index of the kind with this value, not counting kinds of the other side.
    #[inline]
    fn kind(&self, value: Option<i128>, side: Side) -> Option<usize> {
        let is = |(found, only, _): &&(Option<i128>, Option<Side>, usize)| {
            *found == value && only.is_none_or(|only| only == side)
        };
        self.index.iter().find(is).map(|(_, _, kind)| *kind)
    }

    /// The index of the kind of the message that begins with `bytes`; `None` if it is unknown.
    ///
    /// # Errors
    ///
    /// The number of bytes needed, if there are fewer.
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

    /// The extent of the message that begins with `bytes` and is sent by `side`; the same as [`Layout::frame`].
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

    /// The size of all messages that `side` sends in bytes, if they have one size.
    #[must_use]
    pub const fn size_from(&self, side: Side) -> Option<usize> {
        match side {
            Side::Client => self.sizes[0],
            Side::Server => self.sizes[1],
        }
    }

    /// The minimum size of a message in bytes.
    #[must_use]
    pub const fn least(&self) -> usize {
        self.least
    }

    /// The most bits of evidence that a message can have.
    #[must_use]
    pub fn best_bits(&self) -> u32 {
        self.kinds.iter().map(|kind| kind.bits).max().unwrap_or(0)
    }

    /// Whether the header in `bytes` has a known kind and the right constants, as far as it is there.
    #[must_use]
    pub fn header_fits(&self, bytes: &[u8], side: Side) -> bool {
        let constants = self.constants.iter().all(|(start, constant)| {
            let there = bytes.get(*start..).unwrap_or_default();
            there.iter().zip(constant).all(|(one, other)| one == other)
        });
        constants && self.kind_of(bytes, side) != Ok(None)
    }

    /// Bits of evidence in a header that fits.
    #[must_use]
    pub const fn header_bits(&self) -> u32 {
        self.header_bits
    }

    /// Reads what is needed of a message to follow its stream, with all its faults.
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

    /// The field with this id.
    #[must_use]
    pub fn field(&self, field: FieldId) -> &Field {
        self.layout.field(field)
    }

    /// The first field that names a user.
    #[must_use]
    pub fn user_field(&self) -> Option<&Field> {
        let mut fields = self.layout.fields();
        fields.find(|field| field.role == Some(Role::User))
    }

    /// The range of a fixed-width value without padding.
    fn trimmed(&self, field: FieldId, range: Range<usize>, bytes: &[u8]) -> Range<usize> {
        let field = self.field(field);
        if !matches!(field.ty, Type::Text(_)) {
            return range;
        }
        let len = text_len(&bytes[range.clone()], field.fill);
        range.start..range.start + len
    }

    /// Whether messages of `kind` have a response.
    #[must_use]
    pub fn is_request(&self, kind: usize) -> bool {
        !self.layout.kinds[kind].responses.is_empty()
    }

    /// Whether messages of kind `response` answer those of kind `request`.
    #[must_use]
    pub fn answers(&self, response: usize, request: usize) -> bool {
        self.layout.kinds[request].responses.contains(&response)
    }
}

/// The constants of the header at fixed offsets, and their bits.
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

/// Whether a fault casts doubt on a message's extent or header. Others are about the value of one field.
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
