//! One line of the passwd file, read and written.
//!
//! | line | meaning |
//! | --- | --- |
//! | `name:hash` | a user |
//! | `:replace:name:hash` | another hash for a user of an earlier line |
//! | `:c OFFSET CRC` | the bytes from OFFSET up to this line were written as they should be |
//! | `:=name:hash` | a replacement, as an earlier format wrote it |
//! | `:` and anything else, or `:` alone | a line that is out of use |
//!
//! A user name is never empty and never holds a `:`, so a line that starts with one is no user.
//! The earlier format overwrote lines, first byte first, with `:`. What it left of a user's line
//! therefore has one `:` behind the name at the most, or ends in one: it never reads as
//! `:replace:name:hash` or as a commit line, whatever the name. It may read as `:=name:hash`.

use std::io::Write;

use crate::accounts::hash::Stored;
use crate::accounts::judge::is_full_length;
use crate::accounts::scheme::HashError;
use crate::protocol::{TextError, UserName};

/// Most bytes in a line, line break not counted.
pub const MAX_LINE: usize = 512;

/// First byte of every line that is no user's.
const MARK: u8 = b':';
/// Bytes before the name in a replacement.
const REPLACE: &[u8] = b":replace:";
/// Bytes before the name in a replacement of the earlier format.
const PENDING: &[u8] = b":=";
/// Bytes before the offset in a commit line.
const COMMIT: &[u8] = b":c ";

/// A line, checked.
#[derive(Debug, Clone, Copy)]
pub enum Line<'a> {
    /// A user's name and hash.
    User(Named<'a>),
    /// Another hash for the user of this name.
    Replacement(Named<'a>),
    /// A replacement that the earlier format wrote, or what it left of another user's line.
    Pending(Named<'a>),
    /// The end of what was written at once.
    Commit(Commit),
    /// Out of use.
    Unused,
}

/// `name:hash`, of which both can be used.
#[derive(Debug, Clone, Copy)]
pub struct Named<'a> {
    /// The name.
    pub name: &'a str,
    /// Whether the hash cannot be the first part of a longer one.
    full_length: bool,
}

/// Says that the bytes before it are as they were written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Commit {
    /// The first of those bytes, counted from the start of the file.
    pub offset: u64,
    /// Their CRC-32 (IEEE 802.3).
    pub crc: u32,
}

/// Why a line cannot be used. Never holds the hash.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// The line is empty.
    #[error("the line is empty; it should be name:hash")]
    Empty,
    /// More bytes than a line may have.
    #[error("the line has more than {MAX_LINE} bytes")]
    TooLong,
    /// A NUL in it.
    #[error("the line has a NUL, as blocks have that did not reach the disk")]
    Nul,
    /// Not UTF-8.
    #[error("the line is not valid UTF-8 at byte {0}")]
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
    /// It may be a replacement, or what is left of another user's line.
    #[error(
        "an earlier version of this server stopped while it replaced a hash: the line is either a replacement for \"{name}\" or what is left of a line of \"{other}\"; if \"{name}\" has another line, remove this one"
    )]
    Ambiguous {
        /// Whose replacement it may be.
        name: String,
        /// Whose line it may have been.
        other: String,
    },
}

impl<'a> Line<'a> {
    /// Reads one line, without its line break.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, LineError> {
        if memchr::memchr(0, bytes).is_some() {
            return Err(LineError::Nul);
        }
        if bytes.len() > MAX_LINE {
            return Err(LineError::TooLong);
        }
        if bytes.first() != Some(&MARK) {
            return check_user(bytes).map(Self::User);
        }
        if let Some(rest) = bytes.strip_prefix(REPLACE) {
            // What the earlier format left of the line of a user `?replace` has no name here.
            return match check_user(rest) {
                Ok(named) => Ok(Self::Replacement(named)),
                Err(_) if !rest.contains(&MARK) || rest.ends_with(b":") => Ok(Self::Unused),
                Err(reason) => Err(reason),
            };
        }
        if let Some(rest) = bytes.strip_prefix(PENDING) {
            return match check_user(rest) {
                Ok(named) => Ok(Self::Pending(named)),
                // One that was replaced itself, or the line of a user `?=...`.
                Err(_) if rest.first() == Some(&MARK) || rest.ends_with(b":") => Ok(Self::Unused),
                Err(reason) => Err(reason),
            };
        }
        Ok(Commit::parse(bytes).map_or(Self::Unused, Self::Commit))
    }

    /// Bytes before its name.
    #[must_use]
    pub const fn start(&self) -> u64 {
        match self {
            Self::Replacement(_) => REPLACE.len() as u64,
            Self::Pending(_) => PENDING.len() as u64,
            Self::User(_) | Self::Commit(_) | Self::Unused => 0,
        }
    }

    /// Whether it cannot be the first part of a longer line.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        match self {
            Self::User(named) | Self::Replacement(named) | Self::Pending(named) => {
                named.full_length
            }
            Self::Commit(_) => true,
            Self::Unused => false,
        }
    }
}

impl Commit {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes.strip_prefix(COMMIT)?).ok()?;
        let (offset, crc) = text.split_once(' ')?;
        let commit = Self {
            offset: offset.parse().ok()?,
            crc: u32::from_str_radix(crc, 16).ok()?,
        };
        // Exactly as it is written, so that the first part of one is none.
        let mut written = Vec::new();
        commit.write(&mut written);
        (written.strip_suffix(b"\n") == Some(bytes)).then_some(commit)
    }

    /// Appends the line and a line break to `buffer`.
    pub fn write(self, buffer: &mut Vec<u8>) {
        buffer.extend_from_slice(COMMIT);
        // A vector takes everything.
        let _ = writeln!(buffer, "{} {:08x}", self.offset, self.crc);
    }
}

/// Reads `name:hash`.
pub fn parse_user(bytes: &[u8]) -> Result<(UserName, Stored), LineError> {
    let (name, hash) = split_user(bytes)?;
    Ok((UserName::new(name)?, Stored::parse(hash)?))
}

/// Checks `name:hash`, as [`parse_user`] does.
fn check_user(bytes: &[u8]) -> Result<Named<'_>, LineError> {
    let (name, hash) = split_user(bytes)?;
    UserName::check(name)?;
    let full_length = is_full_length(hash)?;
    Ok(Named { name, full_length })
}

fn split_user(bytes: &[u8]) -> Result<(&str, &str), LineError> {
    if bytes.is_empty() {
        return Err(LineError::Empty);
    }
    if bytes.len() > MAX_LINE {
        return Err(LineError::TooLong);
    }
    let text =
        std::str::from_utf8(bytes).map_err(|error| LineError::NotUtf8(error.valid_up_to()))?;
    text.split_once(':').ok_or(LineError::NoColon)
}

/// Where `name:hash` starts in a line, and the name, where the line has that form; the hash is not
/// looked at.
#[must_use]
pub fn name_in(line: &[u8]) -> Option<(usize, &str)> {
    let start = [REPLACE, PENDING]
        .into_iter()
        .find(|mark| line.starts_with(mark))
        .map_or(0, <[u8]>::len);
    let rest = &line[start..];
    let end = memchr::memchr(MARK, rest).filter(|end| *end > 0)?;
    Some((start, std::str::from_utf8(&rest[..end]).ok()?))
}

/// Appends `name:hash` and a line break to `buffer`.
pub fn write_user(buffer: &mut Vec<u8>, name: &UserName, hash: &str) {
    buffer.extend_from_slice(name.as_str().as_bytes());
    buffer.push(b':');
    buffer.extend_from_slice(hash.as_bytes());
    buffer.push(b'\n');
}

/// Appends `:replace:name:hash` and a line break to `buffer`; returns how many bytes are before
/// the name.
pub fn write_replacement(buffer: &mut Vec<u8>, name: &UserName, hash: &str) -> usize {
    buffer.extend_from_slice(REPLACE);
    write_user(buffer, name, hash);
    REPLACE.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn a_written_line_is_read_back() {
        let alice = UserName::new("alice").unwrap();
        let mut buffer = Vec::new();
        write_user(&mut buffer, &alice, HEX);
        let line = Line::parse(buffer.strip_suffix(b"\n").unwrap()).unwrap();
        assert!(matches!(line, Line::User(user) if user.name == alice.as_str()));
        buffer.clear();
        let start = write_replacement(&mut buffer, &alice, HEX);
        assert!(buffer[start..].starts_with(b"alice:"));
        let line = Line::parse(buffer.strip_suffix(b"\n").unwrap()).unwrap();
        assert!(matches!(line, Line::Replacement(user) if user.name == alice.as_str()));
        let commit = Commit {
            offset: 120,
            crc: 0xabc,
        };
        buffer.clear();
        commit.write(&mut buffer);
        assert_eq!(buffer, b":c 120 00000abc\n");
        for end in 0..buffer.len() - 1 {
            let part = Line::parse(&buffer[..end]);
            assert!(!matches!(part, Ok(Line::Commit(_))), "{part:?}");
        }
        let line = Line::parse(buffer.strip_suffix(b"\n").unwrap()).unwrap();
        assert!(matches!(line, Line::Commit(read) if read == commit));
    }

    #[test]
    fn lines_that_start_with_a_colon_are_no_users() {
        for unused in [
            ":",
            "::::",
            ":lice:whatever",
            ":=:ob:x",
            ":c 1 2",
            ":replace:$x",
        ] {
            assert!(
                matches!(Line::parse(unused.as_bytes()), Ok(Line::Unused)),
                "{unused}"
            );
        }
        let pending = format!(":=bob:{HEX}");
        assert!(
            matches!(Line::parse(pending.as_bytes()), Ok(Line::Pending(user)) if user.name == "bob")
        );
    }

    #[test]
    fn what_the_earlier_format_left_of_a_line_is_no_mark_of_this_one() {
        // The first `dead` bytes, or all behind the first `kept`, are overwritten with `:`.
        for name in ["xreplace", "xc 0 00000000", "x=bob", "x=y=bob"] {
            let line = format!("{name}:{HEX}").into_bytes();
            for dead in 1..=line.len() {
                let mut left = line.clone();
                left[..dead].fill(b':');
                let read = Line::parse(&left).unwrap();
                let pending = dead == 1 && name.starts_with("x=");
                assert_eq!(matches!(read, Line::Pending(..)), pending, "{left:?}");
                assert!(pending || matches!(read, Line::Unused), "{left:?}");
            }
            for kept in 1..line.len() {
                let mut left = line.clone();
                left[0] = b':';
                left[kept..].fill(b':');
                assert!(matches!(Line::parse(&left), Ok(Line::Unused)), "{left:?}");
            }
        }
    }

    #[test]
    fn the_name_is_found_without_reading_the_hash() {
        for (line, expected) in [
            ("alice:x", Some((0, "alice"))),
            (":replace:alice:x", Some((9, "alice"))),
            (":=alice:x", Some((2, "alice"))),
            (":c 0 00000000", None),
            ("::x:", None),
            ("alice", None),
        ] {
            assert_eq!(name_in(line.as_bytes()), expected, "{line}");
        }
    }

    #[test]
    fn a_bad_line_says_why() {
        let long = format!("a:{}", "x".repeat(MAX_LINE));
        for (text, part) in [
            (&b""[..], "empty"),
            (b"alice", "no ':'"),
            (b"alice:xyz", "neither"),
            (b" alice:xyz", "leading space"),
            (b":replace:alice:xyz", "neither"),
            (b"al\xffice:xyz", "not valid UTF-8 at byte 2"),
            (b"a-name-that-is-too-long-for-it:x", "at most 20 bytes"),
            (long.as_bytes(), "more than 512"),
        ] {
            let error = Line::parse(text).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
