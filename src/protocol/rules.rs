//! Rules for a message's bytes as tables: what makes it strictly valid, and which faults of its header and its texts
//! are checked. They are used by [`is_strict`](super::is_strict) and [`judge`](super::judge()), and printed into the
//! Wireshark plugin.

use super::command::Command;
use super::header::kind_of_len;
use super::layout::{
    DESCRIPTION, Field, HEADER_LEN, MessageKind, PASSWORD, STATUS, STATUS_SUCCESS, USER_NAME,
};
use super::view::TextValue;

/// What a field of a strictly valid message must contain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// Text followed by NULs only, after its first NUL.
    Filled,
    /// A first byte that is not NUL.
    NotEmpty,
    /// A number up to this.
    AtMost(u8),
}

/// What a message with a correct size and header must contain to be strictly valid. Only the rows for fields of its
/// kind apply.
pub static STRICT: [(&Field, Content); 5] = [
    (&USER_NAME, Content::Filled),
    (&USER_NAME, Content::NotEmpty),
    (&PASSWORD, Content::Filled),
    (&STATUS, Content::AtMost(STATUS_SUCCESS)),
    (&DESCRIPTION, Content::Filled),
];

impl Content {
    /// Whether the bytes of a complete field fulfil this.
    pub(super) fn holds(self, field: &[u8]) -> bool {
        let first = field.first().copied().unwrap_or_default();
        match self {
            Self::Filled => TextValue::new(field).first_after_nul().is_none(),
            Self::NotEmpty => first != 0,
            Self::AtMost(most) => first <= most,
        }
    }
}

/// A condition for a header's command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommandIs {
    /// It is one of the protocol's commands.
    Known,
    /// It is another value.
    Unknown,
}

/// A condition for a header's `totalLength`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LengthIs {
    /// It is the length of the command's message.
    Right,
    /// It is the length of the command's message without the header.
    WithoutHeader,
    /// It is the length of any message.
    OfAnyKind,
    /// Always true.
    Any,
}

/// A fault of a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeaderFault {
    /// `totalLength` does not count the header.
    HeaderNotCounted,
    /// `totalLength` is wrong.
    Length,
    /// The command is not one of the protocol's.
    Command,
}

/// The faults of a header. The first row that matches counts.
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

/// The faults of a header with this length and command.
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

/// Faults of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextFault {
    /// It is empty.
    Empty,
    /// It is not UTF-8.
    NotUtf8,
    /// It ends with a line break.
    LineBreak,
    /// It contains characters that are not allowed.
    Characters,
    /// There are bytes other than NUL after its first NUL.
    AfterNul,
    /// The field seems to be padded with ASCII '0'.
    ZeroFilled,
}

/// The faults of texts that are checked, in this order, and the fields in which they are.
pub static TEXT_FAULTS: [(TextFault, &[&Field]); 6] = [
    (TextFault::Empty, &[&USER_NAME, &PASSWORD]),
    (TextFault::NotUtf8, TEXTS),
    (TextFault::LineBreak, TEXTS),
    (TextFault::Characters, TEXTS),
    (TextFault::AfterNul, TEXTS),
    (TextFault::ZeroFilled, TEXTS),
];

static TEXTS: &[&Field] = &[&USER_NAME, &PASSWORD, &DESCRIPTION];

/// A full field that ends with this seems to be padded with ASCII '0'.
pub const ZERO_FILLING: &[u8] = b"00";

/// Fewest bytes of a request's body that are checked for missing padding.
pub const UNFILLED: usize = 2;
