//! Where a message ends, and where the next one begins after one that is wrong.
//!
//! The rule looks at a message's own bytes only, so that it gives the same for any way in which
//! TCP cut the stream.

use super::rules::{EXTENTS, HeaderForm, Taken};
use crate::dissect::smpp::{SMPP_HEADER_LEN, is_smpp};
use crate::protocol::header::{kind_of_len, swapped_header, text_header, text_number};
use crate::protocol::layout::{COMMAND, HEADER_LEN, LENGTH, MAX_LEN, MessageKind};
use crate::protocol::{Command, MessageView, is_header, is_strict, right_header};

/// Bytes that [`find_header`] has to see from a header's first one on.
pub const LOOK_AHEAD: usize = SMPP_HEADER_LEN;

/// How the bytes at a message boundary are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// More bytes are needed to say: this many in all.
    Need(usize),
    /// A message with the right `totalLength` for its command, of this many bytes.
    Right(usize),
    /// A message whose header is wrong, taken to be this long. Behind it the next header is to
    /// be searched for.
    Wrong(usize),
}

/// Says how long the message at the start of `octets` is.
///
/// With the right `totalLength` it is that long; with a wrong header it is as long as [`EXTENTS`] says. A wrong message ends
/// early where a right header stands inside of it, or one that is wrong in the same way.
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
    /// The kind of message that a header calls for that is not right and has this form; `kind` is the command's.
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

/// How the headers of a sender look that makes the same mistake in each: what its last wrong
/// message began with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Like {
    length: [u8; LENGTH.width],
    /// The command, where only the very same will do, as it is none of ours.
    command: Option<[u8; COMMAND.width]>,
}

impl Like {
    /// What the wrong message at the start of `octets` is like; `None` if neither its length
    /// nor its command is one of ours.
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

/// Whether these are one of our commands, in either order of bytes or as text.
fn is_command(octets: [u8; COMMAND.width]) -> bool {
    let known = |code| Command::from(code).kind().is_some();
    known(u32::from_be_bytes(octets))
        || known(u32::from_le_bytes(octets))
        || text_number(&octets).is_some_and(known)
}

/// Offset of the first right header, or of one that is wrong in the way of `like`.
#[must_use]
pub fn find_next(octets: &[u8], like: Option<Like>) -> Option<usize> {
    let right = find_header(octets);
    let same = like.and_then(|like| like.find(octets));
    match (right, same) {
        (Some(right), Some(same)) => Some(right.min(same)),
        (right, same) => right.or(same),
    }
}

/// Offset of the first right header: a `totalLength` and `commandID` that belong together, with
/// bytes behind them that are not SMPP's. [`LOOK_AHEAD`] bytes must be there to tell.
#[must_use]
pub fn find_header(octets: &[u8]) -> Option<usize> {
    let mut from = 0;
    // A right header starts with three NULs and the length's last byte.
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

/// Offset of the first whole message without a fault.
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
