//! A protocol as a layout file describes it: parts, fields, kinds. Checked: what is here can be decoded.

use std::ops::Range;

/// The byte order of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ByteOrder {
    /// The most significant byte first, as in the network.
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
    /// As it stands in a layout file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Server => "server",
        }
    }

    /// The side that a layout file calls so.
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
    /// Bytes: 1, 2, 3, 4 or 8.
    pub width: u8,
    /// Whether it is two's complement.
    pub signed: bool,
    /// Its byte order.
    pub order: ByteOrder,
}

impl Integer {
    /// An integer of `width` bytes that has no sign.
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

/// How many bytes or records a field has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Count {
    /// So many.
    Fixed(u32),
    /// As many as an earlier integer field says, by its slot in [`Layout::slots`].
    Slot(usize),
    /// As many as the integer before the value says. It does not count itself.
    Prefix(Integer),
    /// All that is left of the message but for the fixed-size fields behind it.
    Rest,
    /// Text up to and with a NUL.
    Nul,
}

/// What a field holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Type {
    /// An integer, with names for some of its values.
    Integer(Integer, Vec<(i128, String)>),
    /// A set of bits with names, bit 0 the least.
    Flags(Integer, Vec<(u32, String)>),
    /// IEEE 754, of 4 or 8 bytes.
    Float(u8, ByteOrder),
    /// UTF-8.
    Text(Count),
    /// Bytes without a meaning of their own.
    Bytes(Count),
    /// A part of its own: one record, or as many as the count says.
    Record(usize, Option<Count>),
}

/// What a field is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The whole message's size in bytes plus this number.
    Length(i64),
    /// Which kind of message it is.
    Kind,
    /// A response carries the value of its request.
    Id,
    /// The user that the message is about.
    User,
    /// Whether what was asked for succeeded.
    Outcome,
    /// zlib's CRC-32 of all bytes before it.
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

    /// Whether the field holds what the bytes before it add up to.
    #[must_use]
    pub const fn is_check(self) -> bool {
        matches!(self, Self::Crc32 | Self::Sum8 | Self::Internet)
    }

    /// Bytes of the number that holds the check.
    pub(super) const fn check_width(self) -> usize {
        match self {
            Self::Crc32 => 4,
            Self::Internet => 2,
            _ => 1,
        }
    }

    /// Its word in a layout file.
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
    /// Of an integer.
    Integer(i128),
    /// Of text and bytes.
    Bytes(Vec<u8>),
}

/// A field of a part.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// As in the protocol's own specification.
    pub name: String,
    /// What a person reads: the name in words ("userName" gives "User name").
    pub label: String,
    /// The last part of the filter name, and the key in JSON.
    pub key: String,
    /// What it holds.
    pub ty: Type,
    /// What it always is.
    pub constant: Option<Constant>,
    /// What it is for.
    pub role: Option<Role>,
    /// What fixed-width text is filled up with.
    pub fill: u8,
    /// Whether its value is hidden.
    pub secret: bool,
    /// Where its value is kept while a message is decoded, for those that count by it.
    pub slot: Option<usize>,
    /// Where it stands in the file.
    pub at: Range<usize>,
}

impl Field {
    /// The number type of a field that holds an integer.
    #[must_use]
    pub const fn integer(&self) -> Option<Integer> {
        match self.ty {
            Type::Integer(integer, _) => Some(integer),
            _ => None,
        }
    }

    /// Its size in bytes where that is always the same; `parts` are the layout's.
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

/// A field's place in a layout: the part, and the field in it.
pub type FieldId = (usize, usize);

/// Fields in the order in which they stand on the wire: the header, a body or a record.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// Its name in the file.
    pub name: String,
    /// Its fields.
    pub fields: Vec<Field>,
    /// Where its name stands in the file.
    pub at: Range<usize>,
}

impl Part {
    /// Its size in bytes where that is always the same.
    #[must_use]
    pub fn size(&self, parts: &[Part]) -> Option<u64> {
        let mut fields = self.fields.iter();
        fields.try_fold(0u64, |sum, field| sum.checked_add(field.size(parts)?))
    }
}

/// A kind of message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayoutKind {
    /// The value of the field with the role `kind`; `None` if no field has it.
    pub value: Option<i128>,
    /// The side that this entry is about, where the value means something else from the other side.
    pub side: Option<Side>,
    /// What a person reads.
    pub name: String,
    /// The part behind the header.
    pub body: Option<usize>,
    /// The side that sends it, where only one does.
    pub from: Option<Side>,
    /// The kinds that answer it, by index.
    pub responses: Vec<usize>,
    /// Where it stands in the file.
    pub at: Range<usize>,
}

impl LayoutKind {
    /// Whether `side` can send it.
    #[must_use]
    pub fn is_from(&self, side: Side) -> bool {
        self.side.or(self.from).is_none_or(|only| only == side)
    }
}

/// A protocol: what a layout file says, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Layout {
    /// What the Protocol column shows.
    pub name: String,
    /// The first part of the filter names.
    pub prefix: String,
    /// The server's ports.
    pub ports: Vec<u16>,
    /// The largest message, in bytes.
    pub max: u32,
    /// The header, the bodies and the records.
    pub parts: Vec<Part>,
    /// The header's place in `parts`.
    pub header: usize,
    /// The kinds, in the order of the file.
    pub kinds: Vec<LayoutKind>,
    /// The keys of the fields that others count by; their values stand in slots while a message is decoded.
    pub slots: Vec<String>,
}

impl Layout {
    /// The header's fields.
    #[must_use]
    pub fn header(&self) -> &Part {
        &self.parts[self.header]
    }

    /// The field that stands there.
    #[must_use]
    pub fn field(&self, (part, index): FieldId) -> &Field {
        &self.parts[part].fields[index]
    }

    /// The fields of all parts.
    pub(super) fn fields(&self) -> impl Iterator<Item = &Field> + Clone {
        self.parts.iter().flat_map(|part| &part.fields)
    }

    /// The parts of a message of `kind`, by index: the header, and the body if it has one.
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

    /// The header's field with a role that `is` it, and where it begins, in bytes from the message's start.
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

    /// The kind with this value that `side` can send; of kinds that name a side, only those.
    #[must_use]
    pub fn kind(&self, value: Option<i128>, side: Side) -> Option<usize> {
        let is =
            |kind: &LayoutKind| kind.value == value && kind.side.is_none_or(|only| only == side);
        self.kinds.iter().position(is)
    }

    /// The size of a kind's whole message in bytes, where it is always the same.
    #[must_use]
    pub fn size(&self, kind: &LayoutKind) -> Option<u64> {
        let body = match kind.body {
            Some(part) => self.parts[part].size(&self.parts)?,
            None => 0,
        };
        self.header().size(&self.parts)?.checked_add(body)
    }

    /// Whether both describe the same messages, wherever in their files and on whichever ports.
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

    /// Whether a message can have something to hide in this field: it is secret, or a check that covers what is.
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
            // What stands before a record is not the same everywhere.
            self.has_secrets()
        }
    }

    /// Whether a secret stands in these fields, or text that may have something left behind it in a layout with secrets.
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
