//! Faults of a message, with the texts that server, client and inspector share.

#![expect(clippy::cast_possible_truncation, reason = "the size of a header")]

use std::fmt;

use super::command::Command;
use super::layout::{
    COMMAND, DESCRIPTION, Field, HEADER_LEN, LENGTH, MessageKind, PASSWORD, REQUEST_LEN, STATUS,
    USER_NAME,
};
use super::text::TextError;
use super::view::HeaderNumber;

/// A fault of a message's bytes, or something that looks like one. `Display` writes the mistake, its position and, if
/// there is one, the remedy. Offsets count from 0. No text contains bytes of a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{}{}{}", Head(self), Remedy(self), Place(self))]
pub enum Fault {
    /// `totalLength` is not the length of the command's message.
    Length {
        /// The value found.
        found: u32,
        /// The command of the message.
        command: Command,
    },
    /// `totalLength` would be correct if the header were not counted.
    HeaderNotCounted {
        /// The value found.
        found: u32,
    },
    /// The number in a header field would be valid in little-endian byte order.
    Reversed {
        /// The field.
        field: &'static Field,
        /// The valid value.
        value: u32,
    },
    /// A header field contains digits as text instead of a number.
    NumberAsText {
        /// The field.
        field: &'static Field,
        /// The number that the digits mean.
        value: u32,
    },
    /// `commandID` is not one of the four commands.
    UnknownCommand(u32),
    /// A request from the server, or a response from the client.
    WrongSender(Command),
    /// The message has the length of this kind, which its sender sends, but a command of the other kind.
    FitsOther(MessageKind),
    /// The message does not have the length of its kind.
    Size {
        /// Bytes received.
        have: usize,
        /// Bytes of the kind's messages.
        need: usize,
    },
    /// `status` is neither 0 nor 1.
    Status(u8),
    /// The text field is empty, although it must have at least one byte.
    Empty(&'static Field),
    /// The text is not UTF-8.
    NotUtf8 {
        /// The text field.
        field: &'static Field,
        /// Offset of the first invalid byte in the field.
        at: u8,
    },
    /// A character that the protocol does not allow in this field.
    Character {
        /// The text field.
        field: &'static Field,
        /// The character, described in words.
        found: &'static str,
        /// Offset of the character in the field.
        at: u8,
    },
    /// The text ends with a line break.
    LineBreak(&'static Field),
    /// A byte after the first NUL is not NUL.
    AfterNul {
        /// The text field.
        field: &'static Field,
        /// Offset of the byte in the field.
        at: u8,
    },
    /// The field has no NUL and ends with ASCII '0's, with which some old clients pad.
    ZeroFilled(&'static Field),
    /// The start of a request whose fields are not padded.
    NotFilled {
        /// Bytes received.
        have: u8,
    },
    /// The second text does not begin where the password should.
    SecondText {
        /// Offset of its first byte in the message.
        at: u8,
    },
}

impl Fault {
    /// The field that it concerns; `None` if it concerns the whole message.
    #[must_use]
    pub const fn field(&self) -> Option<&'static Field> {
        match self {
            Self::Length { .. } | Self::HeaderNotCounted { .. } => Some(&LENGTH),
            Self::UnknownCommand(_) | Self::WrongSender(_) | Self::FitsOther(_) => Some(&COMMAND),
            Self::Size { .. } | Self::NotFilled { .. } => None,
            Self::Status(_) => Some(&STATUS),
            Self::SecondText { .. } => Some(&PASSWORD),
            Self::Reversed { field, .. }
            | Self::NumberAsText { field, .. }
            | Self::LineBreak(field)
            | Self::Empty(field)
            | Self::AfterNul { field, .. }
            | Self::NotUtf8 { field, .. }
            | Self::Character { field, .. }
            | Self::ZeroFilled(field) => Some(field),
        }
    }

    /// Whether a server refuses a request with this fault, and a client a response. Passwords may contain any bytes
    /// except NUL, and descriptions any text: faults there are reported, but not refused.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        match self {
            Self::ZeroFilled(_) => false,
            Self::NotUtf8 { field, .. } => *field != &PASSWORD,
            Self::Character { field, .. } | Self::LineBreak(field) => *field == &USER_NAME,
            _ => true,
        }
    }

    /// The mistake and its position without the remedy. For requests it has at most 64 bytes, so it fits into a
    /// response's description.
    #[must_use]
    pub fn summary(&self) -> String {
        let text = format!("{}{}", Head(self), Place(self));
        if text.len() > DESCRIPTION.width {
            return text.replace(", but ", ", ");
        }
        text
    }
}

/// A field's label for the middle of a sentence.
fn name(field: &Field) -> String {
    field.label.to_lowercase()
}

/// Writes the mistake.
struct Head<'a>(&'a Fault);

impl fmt::Display for Head<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self.0 {
            Fault::Length { found, command } => match command.kind() {
                Some(kind) => write!(
                    f,
                    "total length is {}, but a {command} has {} bytes",
                    HeaderNumber::length(found, command),
                    kind.len()
                ),
                None => write!(
                    f,
                    "total length {} belongs to no known command",
                    HeaderNumber::length(found, command)
                ),
            },
            Fault::HeaderNotCounted { found } => write!(
                f,
                "total length {found} = {} - {HEADER_LEN}",
                found + HEADER_LEN as u32
            ),
            Fault::Reversed { field, value } => {
                let [first, second, third, last] = value.to_le_bytes();
                write!(
                    f,
                    "{} {first:02x} {second:02x} {third:02x} {last:02x} is {value} in reverse order",
                    name(field)
                )
            }
            Fault::NumberAsText { field, value } => write!(
                f,
                "bytes {} to {} are the text '{value:04}'",
                field.offset,
                field.end() - 1
            ),
            Fault::UnknownCommand(code) => {
                write!(f, "command {} is unknown", HeaderNumber::new(code))
            }
            Fault::WrongSender(command) => {
                let sender = match command.kind() {
                    Some(MessageKind::Request) => "server",
                    _ => "client",
                };
                write!(f, "a {command} that the {sender} sent")
            }
            Fault::FitsOther(kind) => {
                let [one, other] = match kind {
                    MessageKind::Request => [1, 3],
                    MessageKind::Response => [2, 4],
                };
                let (len, name) = (kind.len(), kind.name());
                write!(f, "{len} bytes fit a {name}: {one} or {other}?")
            }
            Fault::Size { have, need } => write!(f, "the message has {have} bytes, not {need}"),
            // A character may be the first of a name or a password, so it is not shown.
            Fault::Status(status) if status.is_ascii_graphic() && !status.is_ascii_digit() => {
                f.write_str("status (text) is unknown")
            }
            Fault::Status(status) => write!(f, "status {status} is unknown"),
            // The position in a password is not shown.
            Fault::NotUtf8 { field, .. } if *field == PASSWORD => {
                f.write_str("the password is not valid UTF-8")
            }
            Fault::Character { field, found, .. } if *field == PASSWORD => {
                write!(f, "the password has {found}")
            }
            Fault::Empty(field) => TextError::Empty {
                what: what(field),
                limit: field.width,
            }
            .fmt(f),
            Fault::NotUtf8 { field, at } => TextError::NotUtf8 {
                what: what(field),
                offset: at.into(),
            }
            .fmt(f),
            Fault::Character { field, found, at } => TextError::Character {
                what: what(field),
                found,
                offset: at.into(),
            }
            .fmt(f),
            Fault::LineBreak(field) => write!(f, "the {} ends with a line break", name(field)),
            Fault::AfterNul { .. } => f.write_str("leftovers after the text"),
            Fault::ZeroFilled(field) => {
                write!(f, "the {} looks filled up with '0', 0x30", name(field))
            }
            Fault::NotFilled { have } => write!(f, "{have} of {REQUEST_LEN} bytes so far"),
            Fault::SecondText { at } => write!(
                f,
                "a second text begins at offset {at} of the message, not {}",
                PASSWORD.offset
            ),
        }
    }
}

/// A text field's name as in [`TextError`].
const fn what(field: &Field) -> &'static str {
    match field.offset {
        offset if offset == USER_NAME.offset => "user name",
        offset if offset == PASSWORD.offset => "password",
        _ => "description",
    }
}

/// Writes the remedy.
struct Remedy<'a>(&'a Fault);

impl fmt::Display for Remedy<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self.0 {
            Fault::HeaderNotCounted { .. } => f.write_str(": the header counts too"),
            Fault::Reversed { .. } => f.write_str(": numbers are big-endian, htonl"),
            Fault::NumberAsText { .. } => {
                f.write_str(": send the number itself, 4 bytes big-endian")
            }
            Fault::UnknownCommand(_) => f.write_str("; the protocol has 1 to 4"),
            Fault::Status(_) => f.write_str("; 1 means success and 0 failure"),
            Fault::LineBreak(_) => f.write_str(": was the line's newline left in?"),
            Fault::AfterNul { .. } => f.write_str(": clear the buffer before it is filled"),
            Fault::ZeroFilled(field) => write!(
                f,
                ": fill with NUL, or its value is all {} bytes",
                field.width
            ),
            Fault::NotFilled { .. } => write!(
                f,
                ": are both fields filled with NUL to {} and {}?",
                USER_NAME.width, PASSWORD.width
            ),
            Fault::SecondText { at } if usize::from(at) == HEADER_LEN + PASSWORD.width => {
                f.write_str(": was the password sent before the user name?")
            }
            Fault::SecondText { at } => write!(
                f,
                ": is the user name's field {} bytes wide?",
                usize::from(at) - USER_NAME.offset
            ),
            _ => Ok(()),
        }
    }
}

/// Writes the position, if the mistake's text does not contain it.
struct Place<'a>(&'a Fault);

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self.0 {
            Fault::AfterNul { field, at } => write!(
                f,
                " (offset {} of the message, {})",
                field.offset + usize::from(at),
                name(field)
            ),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Description;

    /// Every kind of fault, with the values that make its text longest.
    fn longest() -> Vec<Fault> {
        let mut all = vec![
            Fault::Length {
                found: u32::MAX,
                command: Command::RegistrationRequest,
            },
            Fault::Length {
                found: u32::MAX,
                command: Command::Unknown(9),
            },
            Fault::HeaderNotCounted { found: 50 },
            Fault::UnknownCommand(u32::MAX),
            Fault::WrongSender(Command::RegistrationResponse),
            Fault::FitsOther(MessageKind::Response),
            Fault::Size { have: 57, need: 58 },
            Fault::Status(255),
            Fault::SecondText { at: 40 },
            Fault::NotFilled { have: 57 },
        ];
        for field in [&LENGTH, &COMMAND] {
            all.push(Fault::Reversed { field, value: 58 });
            all.push(Fault::NumberAsText { field, value: 58 });
        }
        for field in [&USER_NAME, &PASSWORD] {
            let at = field.width as u8 - 1;
            let found = "an unassigned character";
            all.extend([
                Fault::Empty(field),
                Fault::NotUtf8 { field, at },
                Fault::Character { field, found, at },
                Fault::LineBreak(field),
                Fault::AfterNul { field, at },
                Fault::ZeroFilled(field),
            ]);
        }
        all
    }

    #[test]
    fn a_summary_fits_a_description_and_begins_the_whole_text() {
        for fault in longest() {
            let summary = fault.summary();
            assert_eq!(Description::cut(&summary).as_str(), summary);
            assert!(fault.to_string().starts_with(&Head(&fault).to_string()));
        }
    }

    #[test]
    fn a_fault_says_where_it_is_and_what_to_do() {
        let at = 6;
        let field = &USER_NAME;
        let found = "a colon";
        for (fault, text) in [
            (
                Fault::AfterNul { field, at },
                "leftovers after the text: clear the buffer before it is filled (offset 14 of the message, user name)",
            ),
            (
                Fault::Character { field, found, at },
                "the user name has a colon at its offset 6",
            ),
            (
                Fault::SecondText { at: 38 },
                "a second text begins at offset 38 of the message, not 28: was the password sent before the user name?",
            ),
        ] {
            assert_eq!(fault.to_string(), text);
        }
    }
}
