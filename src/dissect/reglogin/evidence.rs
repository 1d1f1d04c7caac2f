//! What speaks for RegLogin where a stream's protocol is not known yet: the one place of the rule
//! that `docs/protocol.md` states as a table. The Wireshark plugin follows it too.
//!
//! Enters: octets from a place where a message may begin. Leaves: proof, no proof, or that more
//! octets may bring one. Nothing else counts: not the port, and nothing that comes later.

#![expect(clippy::cast_possible_truncation, reason = "the size of a header")]

use crate::dissect::smpp::SMPP_HEADER_LEN;
use crate::protocol::header::{kind_of_len, swapped_header, text_header};
use crate::protocol::layout::{
    COMMAND, DESCRIPTION, Field, HEADER_LEN, LENGTH, MessageKind, PASSWORD, STATUS, STATUS_SUCCESS,
    USER_NAME,
};
use crate::protocol::{MessageView, is_header, is_strict, right_header};

/// ASCII '0's at the end of a full field from which on it counts as filled up with them.
const ZERO_DIGITS: &[u8] = b"00";

/// What is looked at.
#[derive(Debug, Clone, Copy)]
pub struct Opening<'a> {
    /// Octets from a place where a message may begin.
    pub octets: &'a [u8],
    /// Whether they are a segment's, no more and no less.
    pub one_segment: bool,
    /// Whether no more will come.
    pub whole: bool,
}

/// What an opening is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Evidence {
    /// The stream is RegLogin, and a message begins with the first octet.
    Proof,
    /// More octets may prove it.
    Unsure,
    /// These octets do not prove it.
    Nothing,
}

impl Opening<'_> {
    /// Weighs what stands on a port where RegLogin is expected.
    #[must_use]
    #[inline]
    pub fn weigh(&self) -> Evidence {
        match right_header(self.octets) {
            Some(kind) => self.right(kind),
            None => self.wrong(),
        }
    }

    /// Weighs what stands on any other port: only a whole message without a fault counts.
    #[must_use]
    pub fn weigh_strictly(&self) -> Evidence {
        let Self { octets, whole, .. } = *self;
        if octets.len() < HEADER_LEN {
            // The length is 58 or 73, so its first three octets are 0.
            let possible = !whole && octets.iter().take(3).all(|octet| *octet == 0);
            return if possible {
                Evidence::Unsure
            } else {
                Evidence::Nothing
            };
        }
        match right_header(octets) {
            Some(kind) if octets.len() < kind.len() => self.unless_whole(),
            Some(kind) if is_strict(&octets[..kind.len()]) => Evidence::Proof,
            _ => Evidence::Nothing,
        }
    }

    const fn unless_whole(&self) -> Evidence {
        if self.whole {
            Evidence::Nothing
        } else {
            Evidence::Unsure
        }
    }

    /// A length and a command that fit each other, before a body whose first text does not begin
    /// with NUL: where it does, all of it must be NUL. Else it is SMPP with sequence number 0, or
    /// another protocol that counts something there.
    #[inline]
    fn right(&self, kind: MessageKind) -> Evidence {
        let Self { octets, whole, .. } = *self;
        let text = match kind {
            MessageKind::Request => &USER_NAME,
            MessageKind::Response => &DESCRIPTION,
        };
        let there = text.slice(octets);
        if octets.len() < SMPP_HEADER_LEN {
            return if whole {
                Evidence::Proof
            } else {
                Evidence::Unsure
            };
        }
        if there.first().is_some_and(|octet| *octet != 0) {
            Evidence::Proof
        } else if there.iter().any(|octet| *octet != 0) {
            Evidence::Nothing
        } else if there.len() == text.width || whole {
            Evidence::Proof
        } else {
            Evidence::Unsure
        }
    }

    fn wrong(&self) -> Evidence {
        let octets = self.octets;
        let view = MessageView::new(octets);
        let (Some(length), Some(command)) = (view.length(), view.command()) else {
            return if self.whole || !could_be_a_header(octets) {
                Evidence::Nothing
            } else {
                Evidence::Unsure
            };
        };
        if let Some(kind) = swapped_header(octets) {
            return match body(octets, kind) {
                Filled::Not => Evidence::Nothing,
                _ if octets.len() < SMPP_HEADER_LEN => self.unless_whole(),
                _ => Evidence::Proof,
            };
        }
        let by_length = kind_of_len(length);
        let shown = match (command.kind(), by_length) {
            (Some(kind), Some(other)) => [
                self.shows_size(kind, length),
                self.shows_size(other, length),
            ],
            (Some(kind), None) => [self.shows_size(kind, length), Evidence::Nothing],
            // With a command that nobody knows, only the length and the body speak.
            (None, Some(kind)) => [self.is_filled(kind), Evidence::Nothing],
            (None, None) => {
                let text = text_header(octets);
                let filled = text.map_or(Evidence::Nothing, |kind| self.is_filled(kind));
                [filled, Evidence::Nothing]
            }
        };
        if shown.contains(&Evidence::Proof) {
            Evidence::Proof
        } else if shown.contains(&Evidence::Unsure) {
            self.unless_whole()
        } else {
            Evidence::Nothing
        }
    }

    /// A known command, and octets that show that a message of this kind stands here although
    /// `totalLength` says something else.
    fn shows_size(&self, kind: MessageKind, length: u32) -> Evidence {
        let octets = self.octets;
        let size = kind.len();
        let length = length as usize;
        if octets.get(size..).is_some_and(is_header) {
            return Evidence::Proof;
        }
        let counts_rest = length + LENGTH.width == size;
        if self.one_segment && octets.len() == size && !counts_rest && !lengths_lead_to_end(octets)
        {
            return Evidence::Proof;
        }
        // A foreign protocol's own length agrees with its segment; so may ours, where it is only
        // a few octets off and the fields stand where they should.
        let agrees = [0, LENGTH.width, HEADER_LEN]
            .iter()
            .any(|before| length.checked_add(*before) == Some(octets.len()))
            || lengths_lead_to_end(octets);
        let near = (size - HEADER_LEN..=size + HEADER_LEN).contains(&length);
        if agrees && !near {
            return Evidence::Nothing;
        }
        self.is_filled(kind)
    }

    /// A body that, read at our offsets, is text filled up as the protocol says. The last octets
    /// may be missing: as many as the header has, where the sender did not count it.
    fn is_filled(&self, kind: MessageKind) -> Evidence {
        let octets = self.octets;
        let needed = kind.len() - HEADER_LEN;
        match body(octets, kind) {
            Filled::Not => Evidence::Nothing,
            Filled::Well if octets.len() >= needed => Evidence::Proof,
            _ if octets.len() < needed => Evidence::Unsure,
            _ => Evidence::Nothing,
        }
    }
}

/// Whether octets too few for a header can be the beginning of one that counts.
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

/// Whether several messages, each with its length before it, end where the octets do.
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

/// How a body reads at our offsets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Filled {
    /// It cannot be one of ours.
    Not,
    /// It can be, but text alone does not show where the fields end.
    Maybe,
    /// Each field is text and, behind it, filling.
    Well,
}

/// A field's text and filling, as far as it is there: `None` where it has control characters or
/// octets behind a NUL; else its text, and whether filling shows where the field ends.
fn text_field<'a>(octets: &'a [u8], field: &Field) -> Option<(&'a [u8], bool)> {
    let field_octets = field.slice(octets);
    let text = crate::protocol::TextValue::new(field_octets);
    let value = text.octets();
    if text.first_after_nul().is_some() || value.iter().any(u8::is_ascii_control) {
        return None;
    }
    let nul = value.len() < field_octets.len();
    let digits = value.len() == field.width && value.ends_with(ZERO_DIGITS);
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
