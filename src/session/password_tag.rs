//! What tells whether two passwords are the same, and nothing else of them.

#![expect(
    clippy::cast_possible_truncation,
    reason = "32 bits of a hash are what is kept"
)]

use std::fmt;
use std::hash::BuildHasher;

use foldhash::quality::RandomState;

use crate::protocol::TextValue;

/// Stands for a password so that it can be told whether two are the same, and nothing else: 32
/// bits of a hash under a key that is made anew for each run and never leaves it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct PasswordTag(u32);

impl PasswordTag {
    /// Of a request that was never captured, or of whose password nothing is known.
    pub(super) const NONE: Self = Self(0);

    /// One that was made elsewhere, under a key of theirs; to be compared with others of that key only.
    pub(super) fn told(tag: Option<u32>) -> Self {
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
#[derive(Debug, Default)]
pub(super) struct PasswordKey(RandomState);

impl PasswordKey {
    pub fn tag(&self, password: Option<TextValue<'_>>) -> PasswordTag {
        self.tag_of(password.map(TextValue::octets).unwrap_or_default())
    }

    pub fn tag_of(&self, password: &[u8]) -> PasswordTag {
        PasswordTag(self.0.hash_one(password) as u32)
    }
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
}
