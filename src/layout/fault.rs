//! Faults: where a message violates its layout.

use std::ops::Range;

use super::model::{FieldId, Layout};

/// The kind of a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// The value is not the constant.
    Constant,
    /// The checksum of the bytes before it has another value.
    Check,
    /// A text padded with NUL has other bytes after the first NUL.
    Fill,
    /// The text is not UTF-8.
    Utf8,
    /// The value, or a bit that is set, has no name in the layout.
    Unnamed,
    /// The message ends before or within the field.
    Missing,
    /// There are bytes after the last field.
    Excess,
    /// No kind has this value.
    Kind,
    /// The kind is not sent by this side.
    Side,
}

impl FaultKind {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Constant,
        Self::Check,
        Self::Fill,
        Self::Utf8,
        Self::Unnamed,
        Self::Missing,
        Self::Excess,
        Self::Kind,
        Self::Side,
    ];

    /// The last part of its filter name, and its description.
    const fn told(self) -> (&'static str, &'static str) {
        match self {
            Self::Constant => ("constant", "not the constant that the layout names"),
            Self::Check => ("check", "not what the bytes before it add up to"),
            Self::Fill => (
                "fill",
                "bytes behind the text that do not fill it up: clear the buffer",
            ),
            Self::Utf8 => ("utf8", "not UTF-8"),
            Self::Unnamed => ("unnamed", "a value without a name"),
            Self::Missing => ("missing", "cut off by the message's end"),
            Self::Excess => ("excess", "bytes behind the last field"),
            Self::Kind => ("kind", "no kind has this value"),
            Self::Side => ("side", "this side does not send this kind"),
        }
    }

    /// The last part of its filter name in Wireshark.
    #[must_use]
    pub const fn key(self) -> &'static str {
        self.told().0
    }

    /// Whether the message is shorter or longer than its fields.
    #[must_use]
    pub const fn is_of_size(self) -> bool {
        matches!(self, Self::Missing | Self::Excess)
    }

    /// What is wrong, as a lower-case clause.
    #[must_use]
    pub const fn in_words(self) -> &'static str {
        self.told().1
    }
}

impl Fault {
    /// A line for a person: the bytes, counted from 0, the field, and what is wrong.
    #[must_use]
    pub fn in_words(&self, layout: &Layout) -> String {
        let place = match self.range.len() {
            0 => format!("at byte {}", self.range.start),
            1 => format!("byte {}", self.range.start),
            _ => format!("bytes {} to {}", self.range.start, self.range.end - 1),
        };
        let field = self.field.map_or(String::new(), |field| {
            format!(", {}", layout.field(field).label)
        });
        format!("{place}{field}: {}", self.kind.in_words())
    }
}

/// A violation of the layout in a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Its kind.
    pub kind: FaultKind,
    /// The field, if it is about one.
    pub field: Option<FieldId>,
    /// The bytes of the message that it is about.
    pub range: Range<usize>,
}
