//! Passwords and descriptions, and errors of text values.

use std::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop};

use super::layout::{DESCRIPTION, Field, PASSWORD};

/// Why a text value is invalid. Never contains the value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// The value is empty.
    #[error("the {what} is empty; it takes 1 to {limit} bytes")]
    Empty {
        /// `user name` or `password`.
        what: &'static str,
        /// The field's width in bytes.
        limit: usize,
    },
    /// The value is longer than the field.
    #[error("the {what} has {given} bytes in UTF-8; at most {limit} bytes fit")]
    TooLong {
        /// `user name` or `password`.
        what: &'static str,
        /// Length of the value in bytes.
        given: usize,
        /// The field's width in bytes.
        limit: usize,
    },
    /// The value is longer than the field after conversion to NFC.
    #[error("the {what} has {composed} bytes in NFC; at most {limit} fit")]
    TooLongInNfc {
        /// `user name`.
        what: &'static str,
        /// Length in NFC in bytes.
        composed: usize,
        /// The field's width in bytes.
        limit: usize,
    },
    /// The value is not UTF-8.
    #[error("the {what} is not valid UTF-8 from its offset {offset} on")]
    NotUtf8 {
        /// `user name`, `password` or `description`.
        what: &'static str,
        /// Offset of the first invalid byte.
        offset: usize,
    },
    /// The value has a character that the protocol does not allow.
    #[error("the {what} has {found} at its offset {offset}")]
    Character {
        /// `user name`, `password` or `description`.
        what: &'static str,
        /// The character, described in words.
        found: &'static str,
        /// Offset of the character in bytes.
        offset: usize,
    },
}

/// Description of a control character in [`TextError::Character`].
pub(super) const CONTROL: &str = "a control character";

/// Whether all bytes are printable ASCII, as in nearly all texts.
pub(super) fn is_printable(octets: &[u8]) -> bool {
    octets.iter().all(|octet| matches!(octet, 0x20..=0x7e))
}

/// Offset of the first C0, DEL or C1 control character, in the parts that are UTF-8.
pub(super) fn first_control(octets: &[u8]) -> Option<usize> {
    if is_printable(octets) {
        return None;
    }
    let mut start = 0;
    octets.utf8_chunks().find_map(|chunk| {
        let mut characters = chunk.valid().char_indices();
        let control = characters.find(|(_, character)| character.is_control());
        let at = control.map(|(at, _)| start + at);
        start += chunk.valid().len() + chunk.invalid().len();
        at
    })
}

pub(super) fn check_length(
    what: &'static str,
    field: &Field,
    given: usize,
) -> Result<(), TextError> {
    let limit = field.width;
    match given {
        0 => Err(TextError::Empty { what, limit }),
        _ if given > limit => Err(TextError::TooLong { what, given, limit }),
        _ => Ok(()),
    }
}

/// A password: 1 to 30 bytes without NUL. The bytes are wiped from memory on drop, and `Debug` does not show them.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct Password(Vec<u8>);

impl Password {
    /// Checks `octets` against the protocol's rules, and wipes them if they are invalid.
    ///
    /// # Errors
    ///
    /// If there are none or more than 30, or one is NUL.
    pub fn new(octets: impl Into<Vec<u8>>) -> Result<Self, TextError> {
        const WHAT: &str = "password";
        let password = Self(octets.into());
        check_length(WHAT, &PASSWORD, password.0.len())?;
        match password.0.iter().position(|octet| *octet == 0) {
            Some(offset) => Err(TextError::Character {
                what: WHAT,
                found: "a NUL",
                offset,
            }),
            None => Ok(password),
        }
    }

    /// The bytes, for hashing and encoding.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(********)")
    }
}

/// A description: up to 64 bytes of UTF-8 without NUL.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Description(String);

impl Description {
    /// The part of `text` before its first NUL, truncated at a character boundary to what fits.
    #[must_use]
    pub fn cut(text: &str) -> Self {
        let text = text.split('\0').next().unwrap_or_default();
        Self(text[..text.floor_char_boundary(DESCRIPTION.width)].to_owned())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_takes_any_bytes_but_nul() {
        assert!(Password::new(b"\xff\x01".to_vec()).is_ok());
        assert!(Password::new(b"a\0b".to_vec()).is_err());
        assert!(Password::new(vec![b'x'; 31]).is_err());
        assert!(Password::new(Vec::new()).is_err());
    }

    #[test]
    fn a_password_does_not_show_itself() {
        let password = Password::new(b"hunter2".to_vec()).unwrap();
        assert_eq!(format!("{password:?}"), "Password(********)");
    }

    #[test]
    fn a_description_is_cut_between_characters() {
        assert_eq!(Description::cut(&"é".repeat(40)).as_str().len(), 64);
        assert_eq!(
            Description::cut(&format!("a{}", "é".repeat(40)))
                .as_str()
                .len(),
            63
        );
        assert_eq!(Description::cut("ok\0rest").as_str(), "ok");
    }
}
