//! Tags of passwords: they show whether two passwords are equal, and nothing else to those without the key.

use std::fmt;

use ring::hmac;

/// The minimum length of a key in bytes.
pub const KEY_OCTETS: usize = 16;

/// The secret key of tags, shared by those who compare them. Guesses at a password can be checked with it; without it, a tag
/// reveals nothing of its password.
pub struct TagKey(hmac::Key);

impl TagKey {
    /// The key from these bytes; `None` if they are fewer than [`KEY_OCTETS`].
    #[must_use]
    pub fn new(secret: &[u8]) -> Option<Self> {
        (secret.len() >= KEY_OCTETS).then(|| Self(hmac::Key::new(hmac::HMAC_SHA256, secret)))
    }

    /// The tag of a password: the first 32 bits of its HMAC (RFC 2104) with SHA-256.
    #[must_use]
    pub fn tag(&self, password: &[u8]) -> u32 {
        let code = hmac::sign(&self.0, password);
        let first = code.as_ref().first_chunk().copied();
        u32::from_be_bytes(first.unwrap_or_default())
    }
}

impl fmt::Debug for TagKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TagKey")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_the_start_of_the_passwords_hmac() {
        // RFC 4231, test case 1.
        let key = TagKey::new(&[0x0b; 20]).unwrap();
        assert_eq!(key.tag(b"Hi There"), 0xb034_4c61);
        assert_ne!(key.tag(b"Hi there"), key.tag(b"Hi There"));
        let other = TagKey::new(&[0x0c; 20]).unwrap();
        assert_ne!(other.tag(b"Hi There"), key.tag(b"Hi There"));
    }

    #[test]
    fn a_key_has_a_length() {
        assert!(TagKey::new(&[1; 15]).is_none());
        assert_eq!(format!("{:?}", TagKey::new(&[1; 16]).unwrap()), "TagKey");
    }
}
