//! The model of a layout: parts, fields, kinds. [`parse`](super::parse) returns only checked ones.

use std::ops::Range;

/// The byte order of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ByteOrder {
    /// The most significant byte first (network byte order).
    Big,
    /// The least significant byte first.
    Little,
}

/// Who sends a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// The side that opened the connection.
    Client,
    /// The other one.
    Server,
}

impl Side {
    /// Its name in a layout file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Server => "server",
        }
    }

    /// The side with this name in a layout file.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Client, Self::Server]
            .into_iter()
            .find(|side| side.name() == name)
    }
}

/// An integer on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Integer {
    /// Its width in bytes: 1, 2, 3, 4 or 8.
    pub width: u8,
    /// Whether it is signed (two's complement).
    pub signed: bool,
    /// Its byte order.
    pub order: ByteOrder,
}

impl Integer {
    /// An unsigned integer of `width` bytes.
    #[must_use]
    pub const fn unsigned(width: u8, order: ByteOrder) -> Self {
        Self {
            width,
            signed: false,
            order,
        }
    }

    /// The values that fit.
    #[must_use]
    pub fn range(self) -> std::ops::RangeInclusive<i128> {
        let bits = u32::from(self.width) * 8;
        if self.signed {
            -(1 << (bits - 1))..=(1 << (bits - 1)) - 1
        } else {
            0..=(1 << bits) - 1
        }
    }

    /// The bytes of a value that fits.
    #[must_use]
    pub fn encode(self, value: i128) -> Vec<u8> {
        let width = usize::from(self.width);
        let mut bytes = value.to_be_bytes()[16 - width..].to_vec();
        if self.order == ByteOrder::Little {
            bytes.reverse();
        }
        bytes
    }

    /// The value of the first `width` bytes; `None` if there are fewer.
    #[must_use]
    pub fn read(self, bytes: &[u8]) -> Option<i128> {
        let bytes = bytes.get(..usize::from(self.width))?;
        let add = |value: i128, byte: &u8| (value << 8) | i128::from(*byte);
        let value = match self.order {
            ByteOrder::Big => bytes.iter().fold(0, add),
            ByteOrder::Little => bytes.iter().rev().fold(0, add),
        };
        let bits = u32::from(self.width) * 8;
        let negative = self.signed && value >> (bits - 1) != 0;
        Some(if negative { value - (1 << bits) } else { value })
    }
}

/// The number of bytes or records in a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Count {
    /// A fixed number.
    Fixed(u32),
    /// The value of an earlier integer field, by its index in [`Layout::slots`].
    Slot(usize),
    /// The value of an integer directly before the bytes or records, not counting itself.
    Prefix(Integer),
    /// All remaining bytes of the message except those of the fixed-size fields that follow.
    Rest,
    /// Text up to and including a NUL.
    Nul,
}

/// The type of a field.
#[derive(Debug, Clone, PartialEq)]
pub enum Type {
    /// An integer, with names for some of its values.
    Integer(Integer, Vec<(i128, String)>),
    /// Flags: named bits, numbered from 0 for the least significant.
    Flags(Integer, Vec<(u32, String)>),
    /// An IEEE 754 float of 4 or 8 bytes.
    Float(u8, ByteOrder),
    /// UTF-8.
    Text(Count),
    /// Opaque bytes.
    Bytes(Count),
    /// Records: the index of their part, and their number, or `None` for exactly one.
    Record(usize, Option<Count>),
}

/// The role of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The size of the whole message in bytes, plus this number.
    Length(i64),
    /// The kind of message.
    Kind,
    /// An identifier that a response repeats from its request.
    Id,
    /// The user that the message is about.
    User,
    /// Whether the request succeeded.
    Outcome,
    /// The CRC-32 of all bytes before it, as in zlib.
    Crc32,
    /// The sum of all bytes before it, modulo 256.
    Sum8,
    /// The Internet checksum of all bytes before it (RFC 1071).
    Internet,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Length(0),
        Self::Kind,
        Self::Id,
        Self::User,
        Self::Outcome,
        Self::Crc32,
        Self::Sum8,
        Self::Internet,
    ];

    /// Whether the field is a checksum.
    #[must_use]
    pub const fn is_check(self) -> bool {
        matches!(self, Self::Crc32 | Self::Sum8 | Self::Internet)
    }

    /// The width of a checksum in bytes.
    pub(super) const fn check_width(self) -> usize {
        match self {
            Self::Crc32 => 4,
            Self::Internet => 2,
            _ => 1,
        }
    }

    /// Its name in a layout file, without the number of [`Length`](Self::Length).
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Length(_) => "length",
            Self::Kind => "kind",
            Self::Id => "id",
            Self::User => "user",
            Self::Outcome => "outcome",
            Self::Crc32 => "crc32",
            Self::Sum8 => "sum8",
            Self::Internet => "internet",
        }
    }
}

/// A value that a field always has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Constant {
    /// The value of an integer or of flags.
    Integer(i128),
    /// The value of text or bytes.
    Bytes(Vec<u8>),
}

/// A field of a part.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// Its name in the protocol's specification.
    pub name: String,
    /// Its label for people: the name in words ("userName" gives "User name").
    pub label: String,
    /// The last part of the filter name, and the key in JSON.
    pub key: String,
    /// Its type.
    pub ty: Type,
    /// The value that it always has, if any.
    pub constant: Option<Constant>,
    /// Its role, if any.
    pub role: Option<Role>,
    /// The byte that pads fixed-width text.
    pub fill: u8,
    /// Whether its value is hidden.
    pub secret: bool,
    /// The index in [`Layout::slots`] if other fields are counted by its value.
    pub slot: Option<usize>,
    /// Its bytes in the layout file.
    pub at: Range<usize>,
}

impl Field {
    /// Its integer type; `None` if it is not an integer.
    #[must_use]
    pub const fn integer(&self) -> Option<Integer> {
        match self.ty {
            Type::Integer(integer, _) => Some(integer),
            _ => None,
        }
    }

    /// Its size in bytes if that is fixed. `parts`: the parts of the layout.
    #[must_use]
    pub fn size(&self, parts: &[Part]) -> Option<u64> {
        let fixed = |count: &Count| match count {
            Count::Fixed(count) => Some(u64::from(*count)),
            _ => None,
        };
        match &self.ty {
            Type::Integer(integer, _) | Type::Flags(integer, _) => Some(integer.width.into()),
            Type::Float(width, _) => Some((*width).into()),
            Type::Text(count) | Type::Bytes(count) => fixed(count),
            Type::Record(part, None) => parts[*part].size(parts),
            Type::Record(part, Some(count)) => parts[*part].size(parts)?.checked_mul(fixed(count)?),
        }
    }
}

/// A field in a layout: the index of its part, and its index there.
pub type FieldId = (usize, usize);

/// The fields of the header, of a body or of a record, in wire order.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// Its name in the file.
    pub name: String,
    /// Its fields.
    pub fields: Vec<Field>,
    /// The bytes of its name in the layout file.
    pub at: Range<usize>,
}

impl Part {
    /// Its size in bytes if that is fixed.
    #[must_use]
    pub fn size(&self, parts: &[Part]) -> Option<u64> {
        let mut fields = self.fields.iter();
        fields.try_fold(0u64, |sum, field| sum.checked_add(field.size(parts)?))
    }
}

/// A kind of message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayoutKind {
    /// The value of the field with the role `kind`; `None` if there is no such field.
    pub value: Option<i128>,
    /// The side that sends it, if the value means another kind from the other side.
    pub side: Option<Side>,
    /// Its name for people.
    pub name: String,
    /// The index of the part after the header, if there is one.
    pub body: Option<usize>,
    /// The side that sends it, if only one does.
    pub from: Option<Side>,
    /// The kinds that answer it, by index.
    pub responses: Vec<usize>,
    /// The bytes of its key in the layout file.
    pub at: Range<usize>,
}

impl LayoutKind {
    /// Whether `side` can send it.
    #[must_use]
    pub fn is_from(&self, side: Side) -> bool {
        self.side.or(self.from).is_none_or(|only| only == side)
    }
}

/// A protocol that a layout file describes.
#[derive(Debug, Clone, PartialEq)]
pub struct Layout {
    /// Its name, as the Protocol column shows it.
    pub name: String,
    /// The first part of its filter names.
    pub prefix: String,
    /// The server's ports.
    pub ports: Vec<u16>,
    /// The largest message, in bytes.
    pub max: u32,
    /// The header, the bodies and the records.
    pub parts: Vec<Part>,
    /// The index of the header in `parts`.
    pub header: usize,
    /// The kinds, in the order of the file.
    pub kinds: Vec<LayoutKind>,
    /// The keys of the fields by which others are counted. The decoder keeps their values in slots with the same index.
    pub slots: Vec<String>,
}

impl Layout {
    /// The header.
    #[must_use]
    pub fn header(&self) -> &Part {
        &self.parts[self.header]
    }

    /// The field with this id.
    #[must_use]
    pub fn field(&self, (part, index): FieldId) -> &Field {
        &self.parts[part].fields[index]
    }

    /// The fields of all parts.
    pub(super) fn fields(&self) -> impl Iterator<Item = &Field> + Clone {
        self.parts.iter().flat_map(|part| &part.fields)
    }

    /// The indices of the parts of a message of `kind`: the header, and the body if it has one.
    pub(super) fn parts_of(&self, kind: &LayoutKind) -> impl Iterator<Item = usize> {
        [Some(self.header), kind.body].into_iter().flatten()
    }

    /// Whether a field of messages of `kind` has this role.
    pub(super) fn has_role(&self, kind: &LayoutKind, role: Role) -> bool {
        let mut fields = self
            .parts_of(kind)
            .flat_map(|part| &self.parts[part].fields);
        fields.any(|field| field.role == Some(role))
    }

    /// The header's first field whose role satisfies `is`, with its offset in the message in bytes. `None` if there is none, or
    /// a field before it has no fixed size.
    #[must_use]
    pub fn header_field(&self, is: impl Fn(Role) -> bool) -> Option<(&Field, usize)> {
        let mut start = 0;
        for field in &self.header().fields {
            if field.role.is_some_and(&is) {
                return Some((field, start));
            }
            start += usize::try_from(field.size(&self.parts)?).ok()?;
        }
        None
    }

    /// The index of the kind with this value, not counting kinds of the other side. Whether `side` sends it is not checked
    /// ([`LayoutKind::is_from`]).
    #[must_use]
    pub fn kind(&self, value: Option<i128>, side: Side) -> Option<usize> {
        let is =
            |kind: &LayoutKind| kind.value == value && kind.side.is_none_or(|only| only == side);
        self.kinds.iter().position(is)
    }

    /// The size of a whole message of this kind in bytes, if that is fixed.
    #[must_use]
    pub fn size(&self, kind: &LayoutKind) -> Option<u64> {
        let body = match kind.body {
            Some(part) => self.parts[part].size(&self.parts)?,
            None => 0,
        };
        self.header().size(&self.parts)?.checked_add(body)
    }

    /// Whether both are equal except for their ports and for places in their files.
    #[must_use]
    pub fn describes_the_same_as(&self, other: &Self) -> bool {
        let bare = |layout: &Self| {
            let mut layout = layout.clone();
            layout.ports.clear();
            for part in &mut layout.parts {
                part.at = 0..0;
                for field in &mut part.fields {
                    field.at = 0..0;
                }
            }
            for kind in &mut layout.kinds {
                kind.at = 0..0;
            }
            layout
        };
        bare(self) == bare(other)
    }

    /// Whether this field may reveal a secret in some message: it is secret, or a checksum that may cover a secret.
    #[must_use]
    pub fn may_hide(&self, (part, index): FieldId) -> bool {
        let field = self.field((part, index));
        if field.secret || !field.role.is_some_and(Role::is_check) {
            return field.secret;
        }
        let is_body = self.kinds.iter().any(|kind| kind.body == Some(part));
        let before = &self.parts[part].fields[..index];
        if part == self.header {
            self.any_hides(before)
        } else if is_body {
            self.any_hides(&self.header().fields) || self.any_hides(before)
        } else {
            // What precedes a record differs from place to place.
            self.has_secrets()
        }
    }

    /// Whether one of these fields is secret, or (in a layout with secrets) a fixed-width text, which may have leftovers.
    fn any_hides(&self, fields: &[Field]) -> bool {
        fields.iter().any(|field| {
            field.secret
                || match &field.ty {
                    Type::Record(inner, _) => self.any_hides(&self.parts[*inner].fields),
                    Type::Text(Count::Fixed(_)) => self.has_secrets(),
                    _ => false,
                }
        })
    }

    /// Whether any field is secret.
    #[must_use]
    pub fn has_secrets(&self) -> bool {
        self.fields().any(|field| field.secret)
    }
}
