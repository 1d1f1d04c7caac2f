//! The layout table: declares every field of every message once.
//!
//! The codec, the inspector's field tree, display filter names, the Wireshark plugin and `docs/protocol.md` are derived
//! from this table or checked against it.

use std::ops::Range;

/// Default TCP port of the server.
pub const DEFAULT_PORT: u16 = 8888;

/// Prefix of the display filter names, and the protocol's name in lower case.
pub const FILTER_PREFIX: &str = "reglogin";

/// The protocol's name in the Protocol column.
pub const PROTOCOL_NAME: &str = "RegLogin";

/// How the bytes of a field are decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldKind {
    /// Unsigned integer of 1 byte.
    U8,
    /// Unsigned integer of 4 bytes, big-endian.
    U32,
    /// UTF-8 in a fixed number of bytes, padded with NUL. A full field has no NUL.
    Text,
}

/// A field of a message: its position and its names.
#[derive(Debug)]
pub struct Field {
    /// Name in the wire format's specification, `docs/protocol.md`.
    pub wire_name: &'static str,
    /// Last part of the display filter name; see [`Field::filter_name`].
    pub key: &'static str,
    /// Label in a details tree.
    pub label: &'static str,
    /// The field's meaning in one sentence.
    pub meaning: &'static str,
    /// Offset in the message, in bytes.
    pub offset: usize,
    /// Width in bytes.
    pub width: usize,
    /// How its bytes are decoded.
    pub kind: FieldKind,
}

/// Compares only positions: each field is declared once.
impl PartialEq for Field {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        (self.offset, self.width) == (other.offset, other.width)
    }
}

impl Eq for Field {}

impl Field {
    const fn first(kind: FieldKind, width: usize, names: [&'static str; 4]) -> Self {
        Self::at(0, kind, width, names)
    }

    /// A field that starts where `previous` ends.
    const fn after(
        previous: &Self,
        kind: FieldKind,
        width: usize,
        names: [&'static str; 4],
    ) -> Self {
        Self::at(previous.end(), kind, width, names)
    }

    const fn at(offset: usize, kind: FieldKind, width: usize, names: [&'static str; 4]) -> Self {
        let [wire_name, key, label, meaning] = names;
        Self {
            wire_name,
            key,
            label,
            meaning,
            offset,
            width,
            kind,
        }
    }

    /// Offset of the first byte after the field.
    #[must_use]
    pub const fn end(&self) -> usize {
        self.offset + self.width
    }

    /// Range of the field's bytes in the message.
    #[must_use]
    pub const fn range(&self) -> Range<usize> {
        self.offset..self.end()
    }

    /// Name in display filters and in Wireshark, such as `reglogin.username`.
    #[must_use]
    pub fn filter_name(&self) -> String {
        format!("{FILTER_PREFIX}.{}", self.key)
    }

    /// The field's bytes in `message`: fewer than [`width`](Self::width) if the message is cut off, none if it ends
    /// before the field.
    #[must_use]
    #[inline]
    pub fn slice<'a>(&self, message: &'a [u8]) -> &'a [u8] {
        let start = self.offset.min(message.len());
        let end = self.end().min(message.len());
        &message[start..end]
    }

    /// The field of a complete message; `None` if it is cut off or `WIDTH` is not its width. If the message's length is
    /// known at compile time, this takes no time.
    #[must_use]
    #[inline]
    pub fn array<'a, const WIDTH: usize>(&self, message: &'a [u8]) -> Option<&'a [u8; WIDTH]> {
        let field = message.get(self.offset..)?.first_chunk()?;
        (WIDTH == self.width).then_some(field)
    }

    /// The field as an unsigned integer; `None` if it is cut off or is text.
    #[must_use]
    #[inline]
    pub fn number(&self, message: &[u8]) -> Option<u32> {
        let octets = self.slice(message);
        match self.kind {
            FieldKind::U8 => octets.first().map(|octet| u32::from(*octet)),
            FieldKind::U32 => octets.try_into().ok().map(u32::from_be_bytes),
            FieldKind::Text => None,
        }
    }
}

/// `totalLength`: length of the whole message in bytes, header included.
pub static LENGTH: Field = Field::first(
    FieldKind::U32,
    4,
    [
        "totalLength",
        "length",
        "Total length",
        "Bytes of the whole message, header included",
    ],
);

/// `commandID`: which of the four messages it is.
pub static COMMAND: Field = Field::after(
    &LENGTH,
    FieldKind::U32,
    4,
    [
        "commandID",
        "command",
        "Command",
        "Which of the four messages this is",
    ],
);

/// `userName` of a request.
pub static USER_NAME: Field = Field::after(
    &COMMAND,
    FieldKind::Text,
    20,
    [
        "userName",
        "username",
        "User name",
        "Name of the user who registers or logs in",
    ],
);

/// `password` of a request.
pub static PASSWORD: Field = Field::after(
    &USER_NAME,
    FieldKind::Text,
    30,
    [
        "password",
        "password",
        "Password",
        "Password of the user, in clear",
    ],
);

/// `status` of a response: 1 success, 0 failure.
pub static STATUS: Field = Field::after(
    &COMMAND,
    FieldKind::U8,
    1,
    [
        "status",
        "status",
        "Status",
        "Outcome: 1 success, 0 failure",
    ],
);

/// `description` of a response.
pub static DESCRIPTION: Field = Field::after(
    &STATUS,
    FieldKind::Text,
    64,
    [
        "description",
        "description",
        "Description",
        "The outcome in words",
    ],
);

/// Every field, in the order of the specification.
pub static FIELDS: [&Field; 6] = [
    &LENGTH,
    &COMMAND,
    &USER_NAME,
    &PASSWORD,
    &STATUS,
    &DESCRIPTION,
];

/// Length in bytes of the header of every message: `totalLength` and `commandID`.
pub const HEADER_LEN: usize = COMMAND.end();
/// Length of a request in bytes.
pub const REQUEST_LEN: usize = PASSWORD.end();
/// Length of a response in bytes.
pub const RESPONSE_LEN: usize = DESCRIPTION.end();
/// Length of the longest message in bytes.
pub const MAX_LEN: usize = if REQUEST_LEN > RESPONSE_LEN {
    REQUEST_LEN
} else {
    RESPONSE_LEN
};

/// `status` of a successful response.
pub const STATUS_SUCCESS: u8 = 1;
/// `status` of a failed response.
pub const STATUS_FAILURE: u8 = 0;

/// The two kinds of messages, which have different bodies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MessageKind {
    /// User name and password, from the client.
    Request,
    /// Status and description, from the server.
    Response,
}

impl MessageKind {
    /// Length of a message of this kind in bytes.
    #[must_use]
    #[allow(clippy::len_without_is_empty, reason = "no message is empty")]
    pub const fn len(self) -> usize {
        match self {
            Self::Request => REQUEST_LEN,
            Self::Response => RESPONSE_LEN,
        }
    }

    /// `request` or `response`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Response => "response",
        }
    }

    /// The fields of a message of this kind, in wire order. They cover it without gaps.
    #[must_use]
    #[inline]
    pub fn fields(self) -> &'static [&'static Field] {
        static REQUEST: [&Field; 4] = [&LENGTH, &COMMAND, &USER_NAME, &PASSWORD];
        static RESPONSE: [&Field; 4] = [&LENGTH, &COMMAND, &STATUS, &DESCRIPTION];
        match self {
            Self::Request => &REQUEST,
            Self::Response => &RESPONSE,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_cover_each_message_without_gaps() {
        for kind in [MessageKind::Request, MessageKind::Response] {
            let mut at = 0;
            for field in kind.fields() {
                assert_eq!(field.offset, at, "{}", field.wire_name);
                at = field.end();
            }
            assert_eq!(at, kind.len());
        }
    }

    #[test]
    fn sizes_are_those_of_the_specification() {
        assert_eq!(HEADER_LEN, 8);
        assert_eq!(REQUEST_LEN, 58);
        assert_eq!(RESPONSE_LEN, 73);
    }

    #[test]
    fn a_cut_message_gives_short_and_empty_fields() {
        let message = [0xa5; 10];
        assert_eq!(USER_NAME.slice(&message).len(), 2);
        assert!(PASSWORD.slice(&message).is_empty());
        assert_eq!(LENGTH.number(&message[..3]), None);
        assert_eq!(LENGTH.number(&message), Some(0xa5a5_a5a5));
    }
}
