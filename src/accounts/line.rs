//! One line of the passwd file, read and written.
//!
//! | line | meaning |
//! | --- | --- |
//! | `name:hash` | a user |
//! | `:=name:hash` | a replacement being put in place of the user's line: it counts, the other does not |
//! | `:` and anything else, or `:` alone | a line that is out of use |
//!
//! A user name is never empty and never holds a `:`, so a line that starts with one is no user.

use crate::protocol::{TextError, UserName};

use super::hash::Stored;
use super::scheme::HashError;

/// Most octets in a line, line break not counted.
pub const MAX_LINE: usize = 512;

/// First octet of a line that is out of use.
pub const DEAD: u8 = b':';
/// Octets before the name in a replacement that is not yet in place.
pub const PENDING: &[u8] = b":=";

/// A line, read and checked.
#[derive(Debug, Clone)]
pub enum Line {
    /// A user's name and hash.
    User(UserName, Box<Stored>),
    /// A replacement for the line of this name.
    Pending(UserName),
    /// Out of use.
    Dead,
}

/// Why a line cannot be used. Never holds the hash.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// Nothing stands there.
    #[error("the line is empty; it should be name:hash")]
    Empty,
    /// More octets than a line may have.
    #[error("the line has more than {MAX_LINE} octets")]
    TooLong,
    /// Not UTF-8.
    #[error("the line is not valid UTF-8 at octet {0}")]
    NotUtf8(usize),
    /// No `:` in it.
    #[error("there is no ':' between user name and hash")]
    NoColon,
    /// The name is not one that the protocol allows.
    #[error("{0}")]
    Name(#[from] TextError),
    /// The hash cannot be used.
    #[error("{0}")]
    Hash(#[from] HashError),
}

impl Line {
    /// Reads one line, without its line break.
    pub fn parse(octets: &[u8]) -> Result<Self, LineError> {
        if octets.len() > MAX_LINE {
            return Err(LineError::TooLong);
        }
        // A replacement whose name was put out of use in turn starts with `:=:`.
        let pending = octets.strip_prefix(PENDING);
        if let Some(rest) = pending.filter(|rest| rest.first() != Some(&DEAD)) {
            let (name, _) = parse_user(rest)?;
            return Ok(Self::Pending(name));
        }
        if octets.first() == Some(&DEAD) {
            return Ok(Self::Dead);
        }
        let (name, hash) = parse_user(octets)?;
        Ok(Self::User(name, Box::new(hash)))
    }
}

/// Reads `name:hash`.
pub fn parse_user(octets: &[u8]) -> Result<(UserName, Stored), LineError> {
    if octets.is_empty() {
        return Err(LineError::Empty);
    }
    if octets.len() > MAX_LINE {
        return Err(LineError::TooLong);
    }
    let text =
        std::str::from_utf8(octets).map_err(|error| LineError::NotUtf8(error.valid_up_to()))?;
    let (name, hash) = text.split_once(':').ok_or(LineError::NoColon)?;
    Ok((UserName::new(name)?, Stored::parse(hash)?))
}

/// Appends `name:hash` and a line break to `buffer`.
pub fn write_user(buffer: &mut Vec<u8>, name: &UserName, hash: &str) {
    buffer.extend_from_slice(name.as_str().as_bytes());
    buffer.push(b':');
    buffer.extend_from_slice(hash.as_bytes());
    buffer.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn a_written_line_is_read_back() {
        let mut buffer = Vec::new();
        write_user(&mut buffer, &UserName::new("alice").unwrap(), HEX);
        assert_eq!(buffer.last(), Some(&b'\n'));
        let line = Line::parse(&buffer[..buffer.len() - 1]).unwrap();
        assert!(matches!(line, Line::User(name, _) if name.as_str() == "alice"));
    }

    #[test]
    fn lines_that_start_with_a_colon_are_no_users() {
        for dead in [":", "::::", ":lice:whatever", ":=:ob:x"] {
            assert!(
                matches!(Line::parse(dead.as_bytes()), Ok(Line::Dead)),
                "{dead}"
            );
        }
        let pending = format!(":=bob:{HEX}");
        assert!(
            matches!(Line::parse(pending.as_bytes()), Ok(Line::Pending(name)) if name.as_str() == "bob")
        );
    }

    #[test]
    fn a_bad_line_says_why() {
        let long = format!("a:{}", "x".repeat(MAX_LINE));
        for (text, part) in [
            (&b""[..], "empty"),
            (b"alice", "no ':'"),
            (b"alice:xyz", "neither"),
            (b" alice:xyz", "leading space"),
            (b"al\xffice:xyz", "not valid UTF-8 at octet 2"),
            (b"a-name-that-is-too-long-for-it:x", "at most 20 octets"),
            (long.as_bytes(), "more than 512"),
        ] {
            let error = Line::parse(text).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
