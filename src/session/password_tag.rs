//! A tag that shows whether two passwords are equal, and nothing else about them.

#![expect(
    clippy::cast_possible_truncation,
    reason = "only 32 bits of the hash are kept"
)]

use std::fmt;
use std::hash::BuildHasher;

use foldhash::quality::RandomState;

use crate::protocol::TextValue;

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
