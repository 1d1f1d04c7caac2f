//! Evidence for RegLogin in a stream whose protocol is not known yet, by the tables in [`rules`](super::rules) and
//! `docs/protocol.md`.
//!
//! Input: bytes where a message may begin. Output: proof, no proof, or that more bytes are needed. Only these bytes
//! count: not the port, and not what comes later.

#![expect(clippy::cast_possible_truncation, reason = "the size of a header")]

use super::rules::{
    BODIES, Body, FITTING, FirstText, Fitting, Look, RIGHT_HEADER, SIZES, Size, UNEXPECTED,
    Unexpected, WRONG_HEADER, Worth, WrongHeader,
};
use crate::dissect::smpp::SMPP_HEADER_LEN;
use crate::protocol::header::{kind_of_len, swapped_header, text_header};
use crate::protocol::layout::{
    COMMAND, DESCRIPTION, Field, HEADER_LEN, LENGTH, MessageKind, PASSWORD, STATUS, STATUS_SUCCESS,
    USER_NAME,
};
use crate::protocol::rules::ZERO_FILLING;
use crate::protocol::{MessageView, is_header, is_strict, right_header};

/// Number of zero bytes at the start of a `totalLength` of 58 or 73.
pub const LENGTH_ZEROS: usize = 3;

/// The bytes to judge.
#[derive(Debug, Clone, Copy)]
pub struct Opening<'a> {
    /// Bytes from a place where a message may begin.
    pub octets: &'a [u8],
    /// Whether they are exactly one segment's.
    pub one_segment: bool,
    /// Whether no more bytes follow.
    pub whole: bool,
}

/// What an opening proves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Evidence {
    /// The stream is RegLogin, and a message begins with the first byte.
    Proof,
    /// More bytes may prove it.
    Unsure,
    /// These bytes prove nothing.
    Nothing,
}

impl Evidence {
    /// The stronger of the two.
    const fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Proof, _) | (_, Self::Proof) => Self::Proof,
            (Self::Unsure, _) | (_, Self::Unsure) => Self::Unsure,
            (Self::Nothing, Self::Nothing) => Self::Nothing,
        }
    }
}

impl Opening<'_> {
    /// Judges bytes on a port where RegLogin is expected.
    #[must_use]
    #[inline]
    pub fn weigh(&self) -> Evidence {
        match right_header(self.octets) {
            Some(kind) => self.right(kind),
            None => self.wrong(),
        }
    }

    /// Judges bytes on any other port: only a complete message without a fault is proof.
    #[must_use]
    pub fn weigh_strictly(&self) -> Evidence {
        let octets = self.octets;
        let kind = right_header(octets);
        let message = kind.and_then(|kind| octets.get(..kind.len()));
        self.first_row(&UNEXPECTED, |row| match row {
            Unexpected::Beginning => {
                octets.len() < HEADER_LEN
                    && octets.iter().take(LENGTH_ZEROS).all(|octet| *octet == 0)
            }
            Unexpected::WrongHeader => kind.is_none(),
            Unexpected::TooShort => message.is_none(),
            Unexpected::Strict => message.is_some_and(is_strict),
            Unexpected::Faulty => true,
        })
        .unwrap_or(Evidence::Nothing)
    }

    /// The value of the first row that matches.
    #[inline]
    fn first_row<T: Copy>(
        &self,
        rows: &[(T, Worth)],
        fits: impl Fn(T) -> bool,
    ) -> Option<Evidence> {
        let (_, worth) = rows.iter().find(|(row, _)| fits(*row))?;
        Some(if self.whole {
            worth.at_end
        } else {
            worth.so_far
        })
    }

    /// Judges a body after a length and a command that belong together.
    #[inline]
    fn right(&self, kind: MessageKind) -> Evidence {
        let octets = self.octets;
        let field = match kind {
            MessageKind::Request => &USER_NAME,
            MessageKind::Response => &DESCRIPTION,
        };
        let text = field.slice(octets);
        self.first_row(&RIGHT_HEADER, |row| match row {
            FirstText::TooShort => octets.len() < SMPP_HEADER_LEN,
            FirstText::Text => text.first().is_some_and(|octet| *octet != 0),
            FirstText::BehindNul => text.iter().any(|octet| *octet != 0),
            FirstText::Empty => text.len() == field.width,
            FirstText::EmptySoFar => true,
        })
        .unwrap_or(Evidence::Nothing)
    }

    fn wrong(&self) -> Evidence {
        let octets = self.octets;
        let view = MessageView::new(octets);
        let header = view.length().zip(view.command());
        let by_command = view.kind();
        let by_length = view.length().and_then(kind_of_len);
        // `Some` if the header has this form, with the kind of message that the form implies, if any.
        let fits = |form| -> Option<Option<MessageKind>> {
            match form {
                WrongHeader::Beginning => {
                    (header.is_none() && could_be_a_header(octets)).then_some(None)
                }
                WrongHeader::TooShort => header.is_none().then_some(None),
                WrongHeader::LittleEndian => swapped_header(octets).map(Some),
                WrongHeader::CommandAndLength => by_command.and(by_length).map(Some),
                WrongHeader::Command => by_command.map(Some),
                WrongHeader::Length => by_length.map(Some),
                WrongHeader::AsText => text_header(octets).map(Some),
                WrongHeader::Any => Some(None),
            }
        };
        let row = WRONG_HEADER
            .iter()
            .find_map(|(form, looks)| Some((fits(*form)?, *looks)));
        let Some((kind, looks)) = row else {
            return Evidence::Nothing;
        };
        let found = looks.iter().map(|look| match (look, kind) {
            (Look::SizeOfCommand, _) => self.size_of(by_command, view.length()),
            (Look::SizeOfLength, _) => self.size_of(by_length, view.length()),
            (Look::Fits, Some(kind)) => self.fits(kind),
            (Look::Filled, Some(kind)) => self.is_filled(kind),
            (Look::More, _) if !self.whole => Evidence::Unsure,
            _ => Evidence::Nothing,
        });
        found.fold(Evidence::Nothing, Evidence::or)
    }

    fn size_of(&self, kind: Option<MessageKind>, length: Option<u32>) -> Evidence {
        match (kind, length) {
            (Some(kind), Some(length)) => self.shows_size(kind, length as usize),
            _ => Evidence::Nothing,
        }
    }

    /// Judges a wrong header: the bytes may show that a message of this kind is here although `totalLength` differs.
    fn shows_size(&self, kind: MessageKind, length: usize) -> Evidence {
        let octets = self.octets;
        let size = kind.len();
        let by_size = self.first_row(&SIZES, |row| match row {
            Size::NextHeader => octets.get(size..).is_some_and(is_header),
            Size::WholeSegment => {
                let counts_rest = length + LENGTH.width == size;
                self.one_segment
                    && octets.len() == size
                    && !counts_rest
                    && !lengths_lead_to_end(octets)
            }
            Size::Foreign => {
                let agrees = [0, LENGTH.width, HEADER_LEN]
                    .iter()
                    .any(|before| length.checked_add(*before) == Some(octets.len()))
                    || lengths_lead_to_end(octets);
                agrees && !(size - HEADER_LEN..=size + HEADER_LEN).contains(&length)
            }
        });
        by_size.unwrap_or_else(|| self.is_filled(kind))
    }

    /// Judges a body: whether, at RegLogin's offsets, it is text with correct padding.
    fn is_filled(&self, kind: MessageKind) -> Evidence {
        let octets = self.octets;
        let filled = body(octets, kind);
        self.first_row(&BODIES, |row| match row {
            Body::Not => filled == Filled::Not,
            Body::TooShort => octets.len() < kind.len() - HEADER_LEN,
            Body::Filled => filled == Filled::Well,
            Body::Maybe => true,
        })
        .unwrap_or(Evidence::Nothing)
    }

    /// Judges a body: whether it can be one of this kind.
    fn fits(&self, kind: MessageKind) -> Evidence {
        let octets = self.octets;
        self.first_row(&FITTING, |row| match row {
            Fitting::Not => body(octets, kind) == Filled::Not,
            Fitting::TooShort => octets.len() < SMPP_HEADER_LEN,
            Fitting::Fits => true,
        })
        .unwrap_or(Evidence::Nothing)
    }
}

/// Whether these bytes, too few for a header, can be the start of one that counts as evidence.
fn could_be_a_header(octets: &[u8]) -> bool {
    let command = octets.get(COMMAND.offset..).unwrap_or_default();
    let [big, little] = [
        u32::to_be_bytes as fn(u32) -> [u8; 4],
        u32::to_le_bytes as fn(u32) -> [u8; 4],
    ]
    .map(|order| (1..=4).any(|code| order(code).starts_with(command)));
    let text = command
        .iter()
        .all(|octet| octet.is_ascii_digit() || *octet == b' ');
    big || little
        || text
        || MessageView::new(octets)
            .length()
            .is_some_and(|length| kind_of_len(length).is_some())
}

/// Whether several messages, each with its length at the start, end exactly where the bytes end.
fn lengths_lead_to_end(octets: &[u8]) -> bool {
    let mut rest = octets;
    let mut messages = 0;
    while let Some(length) = MessageView::new(rest).length() {
        match rest.get(length.max(HEADER_LEN as u32) as usize..) {
            Some(behind) => rest = behind,
            None => return false,
        }
        messages += 1;
    }
    messages > 1 && rest.is_empty()
}

/// How a body reads at RegLogin's offsets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Filled {
    /// It cannot be RegLogin's.
    Not,
    /// It can be, but the text does not show where the fields end.
    Maybe,
    /// Each field is text followed by padding.
    Well,
}

/// A field's text, and whether padding shows where it ends; `None` if it has control characters or bytes after a NUL.
/// The field may be incomplete.
fn text_field<'a>(octets: &'a [u8], field: &Field) -> Option<(&'a [u8], bool)> {
    let field_octets = field.slice(octets);
    let text = crate::protocol::TextValue::new(field_octets);
    let value = text.octets();
    if text.first_after_nul().is_some() || value.iter().any(u8::is_ascii_control) {
        return None;
    }
    let nul = value.len() < field_octets.len();
    let digits = value.len() == field.width && value.ends_with(ZERO_FILLING);
    Some((value, nul || digits))
}

fn body(octets: &[u8], kind: MessageKind) -> Filled {
    match kind {
        MessageKind::Request => request_body(octets),
        MessageKind::Response => response_body(octets),
    }
}

fn request_body(octets: &[u8]) -> Filled {
    let [name, password] = [&USER_NAME, &PASSWORD].map(|field| text_field(octets, field));
    let (Some((name, name_shows)), Some((password, password_shows))) = (name, password) else {
        return Filled::Not;
    };
    let has_name = octets.len() <= USER_NAME.offset || !name.is_empty();
    let has_password = octets.len() <= PASSWORD.offset || !password.is_empty();
    if !has_name || !has_password {
        return Filled::Not;
    }
    if name_shows || password_shows {
        Filled::Well
    } else {
        Filled::Maybe
    }
}

fn response_body(octets: &[u8]) -> Filled {
    let status = STATUS.slice(octets).first();
    if status.is_some_and(|status| *status > STATUS_SUCCESS) {
        return Filled::Not;
    }
    match text_field(octets, &DESCRIPTION) {
        None => Filled::Not,
        Some((text, true)) if !text.is_empty() => Filled::Well,
        Some(_) => Filled::Maybe,
    }
}

#[cfg(test)]
mod tests;
