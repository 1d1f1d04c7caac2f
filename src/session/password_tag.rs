//! A tag that shows whether two passwords are equal, and nothing else about them.

#![expect(
    clippy::cast_possible_truncation,
    reason = "only 32 bits of the hash are kept"
)]

use std::fmt;
use std::hash::{BuildHasher, Hasher};

use foldhash::quality::RandomState;

use crate::protocol::TextValue;
use crate::protocol::layout::PASSWORD;
use crate::text::swar;

/// Stands for a password: equal passwords have equal tags. It is 32 bits of a hash with a random key for each run,
/// which never leaves the run.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct PasswordTag(u32);

impl PasswordTag {
    /// Tag of a request that was never captured or whose password is unknown.
    pub(super) const NONE: Self = Self(0);

    /// A tag that was computed elsewhere with another key. It can be compared only with tags of the same key.
    pub(super) fn of_row(tag: Option<u32>) -> Self {
        tag.map_or(Self::NONE, |tag| Self(tag.max(1)))
    }

    /// Whether it stands for a password.
    pub(super) fn is_some(self) -> bool {
        self != Self::NONE
    }
}

impl fmt::Debug for PasswordTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordTag")
    }
}

/// The key of a run's [`PasswordTag`]s.
#[derive(Debug, Clone, Default)]
pub(super) struct PasswordKey(RandomState);

/// A password of less than this many bytes is hashed as this many: padded with NULs, and its length in the last byte.
/// So a password in a field has its tag without a search for its end.
const PADDED: usize = 32;

impl PasswordKey {
    pub fn tag(&self, password: Option<TextValue<'_>>) -> PasswordTag {
        self.tag_of(password.map(TextValue::octets).unwrap_or_default())
    }

    pub fn tag_of(&self, password: &[u8]) -> PasswordTag {
        let mut padded = [0; PADDED];
        let Some(text) = padded[..PADDED - 1].get_mut(..password.len()) else {
            return PasswordTag(self.0.hash_one(password) as u32);
        };
        text.copy_from_slice(password);
        self.tag_of_padded(words(&padded), password.len() as u32)
    }

    /// The tag of a password in a field that is text followed only by NULs.
    #[inline]
    pub fn tag_of_filled(&self, field: &[u8; PASSWORD.width]) -> PasswordTag {
        let mut padded = [0; PADDED];
        padded[..PASSWORD.width].copy_from_slice(field);
        let words = words(&padded);
        self.tag_of_padded(words, words.map(swar::text_len).iter().sum())
    }

    #[inline]
    fn tag_of_padded(&self, [words @ .., last]: Words, len: u32) -> PasswordTag {
        let mut hasher = self.0.build_hasher();
        for word in words {
            hasher.write_u64(word);
        }
        hasher.write_u64(last | u64::from(len) << 56);
        PasswordTag(hasher.finish() as u32)
    }
}

type Words = [u64; PADDED / 8];

#[inline]
fn words(padded: &[u8; PADDED]) -> Words {
    let (words, _) = padded.as_chunks::<8>();
    std::array::from_fn(|at| u64::from_le_bytes(words[at]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_compared_and_not_shown() {
        let key = PasswordKey::default();
        let tag = |text: &'static [u8]| key.tag(Some(TextValue::new(text)));
        assert_eq!(tag(b"secret\0\0"), tag(b"secret"));
        assert_ne!(tag(b"secret"), tag(b"Secret"));
        assert_eq!(format!("{:?}", tag(b"secret")), "PasswordTag");
    }

    #[test]
    fn a_filled_field_has_the_tag_of_its_text() {
        let key = PasswordKey::default();
        let mut seen = std::collections::HashSet::new();
        for len in 0..=PASSWORD.width {
            let mut field = [0; PASSWORD.width];
            field[..len].fill(b'x');
            let tag = key.tag_of_filled(&field);
            assert_eq!(tag, key.tag_of(&field[..len]));
            assert!(seen.insert(tag), "{len} bytes");
        }
        // Only text ends at its first NUL.
        assert_ne!(key.tag_of(b"x\0"), key.tag_of(b"x"));
        assert_eq!(key.tag_of(&[b'x'; 90]), key.tag_of(&[b'x'; 90]));
    }
}
