//! The rules about a message's own bytes that are tables: what makes it strictly valid, and what is looked for in its
//! header and its texts. [`is_strict`](super::is_strict) and [`judge`](super::judge()) read them, and so does the
//! Wireshark plugin, which has them printed into it.

use super::command::Command;
use super::header::kind_of_len;
use super::layout::{
    DESCRIPTION, Field, HEADER_LEN, MessageKind, PASSWORD, STATUS, STATUS_SUCCESS, USER_NAME,
};
use super::view::TextValue;

/// What a field of a strictly valid message holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// Text with nothing but NUL behind its first NUL.
    Filled,
    /// Not NUL in its first byte.
    NotEmpty,
    /// A number that is not above this.
    AtMost(u8),
}

/// What a message of right size and header has to hold to be strictly valid: all that is said of its kind's fields.
pub static STRICT: [(&Field, Content); 5] = [
    (&USER_NAME, Content::Filled),
    (&USER_NAME, Content::NotEmpty),
    (&PASSWORD, Content::Filled),
    (&STATUS, Content::AtMost(STATUS_SUCCESS)),
    (&DESCRIPTION, Content::Filled),
];

impl Content {
    /// Whether the bytes of a field, which are all there, are so.
    pub(super) fn holds(self, field: &[u8]) -> bool {
        let first = field.first().copied().unwrap_or_default();
        match self {
            Self::Filled => TextValue::new(field).first_after_nul().is_none(),
            Self::NotEmpty => first != 0,
            Self::AtMost(most) => first <= most,
        }
    }
}

/// What a header's command is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommandIs {
    /// One of the protocol's.
    Known,
    /// None of them.
    Unknown,
}

/// What a header's `totalLength` is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LengthIs {
    /// That of the command's message.
    Right,
    /// That of the command's message without its header.
    WithoutHeader,
    /// That of a message.
    OfAnyKind,
    /// Anything.
    Any,
}

/// A fault of a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeaderFault {
    /// `totalLength` does not count the header.
    HeaderNotCounted,
    /// `totalLength` is wrong.
    Length,
    /// The command is none of the protocol's.
    Command,
}

/// The faults of a header: those of the first row that fits it.
pub static HEADER_FAULTS: [(CommandIs, LengthIs, &[HeaderFault]); 5] = [
    (CommandIs::Known, LengthIs::Right, &[]),
    (
        CommandIs::Known,
        LengthIs::WithoutHeader,
        &[HeaderFault::HeaderNotCounted],
    ),
    (CommandIs::Known, LengthIs::Any, &[HeaderFault::Length]),
    (
        CommandIs::Unknown,
        LengthIs::OfAnyKind,
        &[HeaderFault::Command],
    ),
    (
        CommandIs::Unknown,
        LengthIs::Any,
        &[HeaderFault::Length, HeaderFault::Command],
    ),
];

/// The faults of a header with these numbers.
pub(super) fn header_faults(length: u32, command: Command) -> &'static [HeaderFault] {
    let kind = command.kind();
    let is = |wanted| (wanted == CommandIs::Known) == kind.is_some();
    let row = HEADER_FAULTS
        .iter()
        .find(|(command, wanted, _)| is(*command) && wanted.holds(length, kind));
    row.map_or(&[], |(.., faults)| faults)
}

impl LengthIs {
    fn holds(self, length: u32, kind: Option<MessageKind>) -> bool {
        let length_of_kind = |more| kind.is_some_and(|kind| length as usize + more == kind.len());
        match self {
            Self::Right => length_of_kind(0),
            Self::WithoutHeader => length_of_kind(HEADER_LEN),
            Self::OfAnyKind => kind_of_len(length).is_some(),
            Self::Any => true,
        }
    }
}

/// What is looked for in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextFault {
    /// There is none.
    Empty,
    /// It is not UTF-8.
    NotUtf8,
    /// It ends in a line break.
    LineBreak,
    /// It has characters that do not belong there.
    Characters,
    /// Something stands behind its first NUL.
    AfterNul,
    /// The field looks filled up with ASCII '0'.
    ZeroFilled,
}

/// What is looked for in a text, in this order, and in which fields.
pub static TEXT_FAULTS: [(TextFault, &[&Field]); 6] = [
    (TextFault::Empty, &[&USER_NAME, &PASSWORD]),
    (TextFault::NotUtf8, TEXTS),
    (TextFault::LineBreak, TEXTS),
    (TextFault::Characters, TEXTS),
    (TextFault::AfterNul, TEXTS),
    (TextFault::ZeroFilled, TEXTS),
];

static TEXTS: &[&Field] = &[&USER_NAME, &PASSWORD, &DESCRIPTION];

/// ASCII '0's at the end of a full field from which on it looks filled up with them.
pub const ZERO_FILLING: &[u8] = b"00";

/// Bytes of a request's body, at least, that look as if nothing had been filled up.
pub const UNFILLED: usize = 2;
