//! Where a message ends, and where the next one begins after a wrong header.
//!
//! The rule uses only the bytes of the messages, so the result does not depend on how TCP split the stream into
//! segments.

use super::rules::{EXTENTS, HeaderForm, Taken};
use crate::dissect::smpp::{SMPP_HEADER_LEN, is_smpp};
use crate::protocol::header::{kind_of_len, swapped_header, text_header, text_number};
use crate::protocol::layout::{COMMAND, HEADER_LEN, LENGTH, MAX_LEN, MessageKind};
use crate::protocol::{Command, MessageView, is_header, is_strict, right_header};

/// Bytes that [`find_header`] needs from the start of a header.
pub const LOOK_AHEAD: usize = SMPP_HEADER_LEN;

/// Length of the message at a message boundary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// More bytes are needed to decide: this many in total.
    Need(usize),
    /// A message with the right `totalLength` for its command, of this many bytes.
    Right(usize),
    /// A message with a wrong header, assumed to be this long. After it, the next header must be searched for.
    Wrong(usize),
}

/// Determines the length of the message at the start of `octets`.
///
/// A correct header determines it. For a wrong header, [`EXTENTS`] does. A message with a wrong header ends early if
/// another header begins inside it that is correct, or wrong in the same way.
#[must_use]
#[inline]
pub fn extent(octets: &[u8]) -> Extent {
    match right_header(octets) {
        Some(kind) if octets.len() >= kind.len() => Extent::Right(kind.len()),
        Some(kind) => Extent::Need(kind.len()),
        None => extent_of_wrong(octets),
    }
}

fn extent_of_wrong(octets: &[u8]) -> Extent {
    let view = MessageView::new(octets);
    let (Some(length), Some(_)) = (view.length(), view.command()) else {
        return Extent::Need(HEADER_LEN);
    };
    let length = length as usize;
    let taken = EXTENTS.iter().find_map(|(form, taken)| {
        let kind = match form {
            HeaderForm::PossibleLength if (HEADER_LEN..=MAX_LEN).contains(&length) => None,
            HeaderForm::Any => None,
            form => Some(form.kind(octets, length, view.kind())?),
        };
        Some(match taken {
            Taken::Kind => kind.map_or(HEADER_LEN, MessageKind::len),
            Taken::Length => length,
            Taken::Header => HEADER_LEN,
        })
    });
    let taken = taken.unwrap_or(HEADER_LEN);
    if octets.len() < taken {
        return Extent::Need(taken);
    }
    let inside = find_next(&octets[HEADER_LEN..taken], Like::of(octets));
    Extent::Wrong(inside.map_or(taken, |at| HEADER_LEN + at))
}

impl HeaderForm {
    /// The kind of message that a wrong header of this form implies. `kind` is that of its command.
    fn kind(self, octets: &[u8], length: usize, kind: Option<MessageKind>) -> Option<MessageKind> {
        match self {
            Self::WithoutHeader => kind.filter(|kind| length + HEADER_LEN == kind.len()),
            Self::Shorter => kind.filter(|kind| (HEADER_LEN..kind.len()).contains(&length)),
            Self::KnownCommand => kind,
            Self::LittleEndian => swapped_header(octets),
            Self::AsText => text_header(octets),
            Self::PossibleLength | Self::Any => None,
        }
    }
}

/// What the wrong headers of a sender have in common, if it makes the same mistake in each: taken from its last one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Like {
    length: [u8; LENGTH.width],
    /// The command, if it is unknown and must therefore be the same.
    command: Option<[u8; COMMAND.width]>,
}

impl Like {
    /// What similar headers have in common with the wrong header at the start of `octets`; `None` if neither its length
    /// nor its command is one of RegLogin's.
    #[must_use]
    pub fn of(octets: &[u8]) -> Option<Self> {
        let length = *octets.first_chunk()?;
        let command = *octets.get(COMMAND.range())?.first_chunk()?;
        if is_command(command) {
            return Some(Self {
                length,
                command: None,
            });
        }
        kind_of_len(u32::from_be_bytes(length)).map(|_| Self {
            length,
            command: Some(command),
        })
    }

    fn find(self, octets: &[u8]) -> Option<usize> {
        let mut from = 0;
        while let Some(found) = memchr::memmem::find(&octets[from..], &self.length) {
            let at = from + found;
            let command = octets.get(at + COMMAND.offset..)?.first_chunk()?;
            if self
                .command
                .map_or_else(|| is_command(*command), |own| own == *command)
            {
                return Some(at);
            }
            from = at + 1;
        }
        None
    }
}

/// Whether these bytes are one of RegLogin's commands, in either byte order or as text.
fn is_command(octets: [u8; COMMAND.width]) -> bool {
    let known = |code| Command::from(code).kind().is_some();
    known(u32::from_be_bytes(octets))
        || known(u32::from_le_bytes(octets))
        || text_number(&octets).is_some_and(known)
}

/// Offset of the first header that is correct, or similar to `like`.
#[must_use]
pub fn find_next(octets: &[u8], like: Option<Like>) -> Option<usize> {
    let right = find_header(octets);
    let same = like.and_then(|like| like.find(octets));
    match (right, same) {
        (Some(right), Some(same)) => Some(right.min(same)),
        (right, same) => right.or(same),
    }
}

/// Offset of the first correct header: a `totalLength` and `commandID` that belong together, followed by bytes that are
/// not SMPP's. At least [`LOOK_AHEAD`] bytes are needed from there on.
#[must_use]
pub fn find_header(octets: &[u8]) -> Option<usize> {
    let mut from = 0;
    // A correct header starts with three NULs and the last byte of the length.
    while let Some(found) = memchr::memmem::find(&octets[from..], &[0, 0, 0]) {
        let at = from + found;
        let rest = &octets[at..];
        if rest.len() < LOOK_AHEAD {
            return None;
        }
        if is_header(rest) && !is_smpp(rest) {
            return Some(at);
        }
        from = at + 1;
    }
    None
}

/// Offset of the first complete message without a fault.
#[must_use]
pub fn find_strict(octets: &[u8]) -> Option<usize> {
    let mut from = 0;
    while let Some(found) = find_header(&octets[from..]) {
        let at = from + found;
        let whole = right_header(&octets[at..]).and_then(|kind| octets.get(at..at + kind.len()));
        if whole.is_some_and(is_strict) {
            return Some(at);
        }
        from = at + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(length: u32, command: u32) -> Vec<u8> {
        [length.to_be_bytes(), command.to_be_bytes()].concat()
    }

    fn message(length: u32, command: u32, octets: usize) -> Vec<u8> {
        let mut message = header(length, command);
        message.resize(octets, b'x');
        message
    }

    #[test]
    fn right_messages_have_their_length() {
        assert_eq!(extent(&message(58, 1, 60)), Extent::Right(58));
        assert_eq!(extent(&message(73, 4, 73)), Extent::Right(73));
        assert_eq!(extent(&message(73, 4, 72)), Extent::Need(73));
        assert_eq!(extent(&[0; 7]), Extent::Need(8));
    }

    #[test]
    fn wrong_lengths_are_taken_by_the_kind() {
        let cases = [
            (0, 1, 58),
            (7, 1, 58),
            (57, 1, 57),
            (59, 1, 58),
            (u32::MAX, 3, 58),
            (72, 2, 72),
            (73, 1, 58),
            (58, 2, 58),
        ];
        for (length, command, taken) in cases {
            let octets = message(length, command, 100);
            assert_eq!(extent(&octets), Extent::Wrong(taken), "{length} {command}");
        }
    }

    #[test]
    fn unknown_commands_are_taken_by_their_length() {
        assert_eq!(extent(&message(20, 9, 100)), Extent::Wrong(20));
        assert_eq!(extent(&message(1000, 9, 100)), Extent::Wrong(8));
        assert_eq!(extent(&message(3, 0, 100)), Extent::Wrong(8));
    }

    #[test]
    fn a_right_header_inside_ends_a_wrong_message() {
        let mut octets = message(0, 1, 20);
        octets.extend(header(58, 3));
        octets.resize(100, b'y');
        assert_eq!(extent(&octets), Extent::Wrong(20));
    }

    #[test]
    fn finds_the_next_header() {
        let mut octets = vec![0, 0, 0, 0, 0];
        octets.extend(message(73, 2, 16));
        assert_eq!(find_header(&octets), Some(5));
        assert_eq!(find_header(&octets[..20]), None);
        assert_eq!(find_header(&message(73, 1, 20)), None);
        let submit_sm = [header(73, 4), header(0, 1)].concat();
        assert_eq!(find_header(&submit_sm), None);
        assert_eq!(find_header(&[]), None);
    }
}
