//! A user name as it was on the wire.

#![expect(clippy::cast_possible_truncation, reason = "names of at most 20 bytes")]

use std::hash::{Hash, Hasher};
use std::ops::Deref;

use crate::protocol::layout::USER_NAME;
use crate::text::swar;

const WIDTH: usize = USER_NAME.width;

/// The bytes of a user name up to the first NUL, at most 20. Kept for each user and each open request, so it is small
/// and needs no allocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name {
    /// Padded with NUL, so that names compare like their bytes.
    octets: [u8; WIDTH],
    len: u8,
}

impl Name {
    /// No bytes.
    pub const EMPTY: Self = Self {
        octets: [0; WIDTH],
        len: 0,
    };

    /// The first bytes of `octets`, as many as fit.
    #[must_use]
    pub fn new(octets: &[u8]) -> Self {
        let mut name = Self::EMPTY;
        let len = octets.len().min(WIDTH);
        name.octets[..len].copy_from_slice(&octets[..len]);
        name.len = len as u8;
        name
    }

    /// A name from a field that is text followed only by NULs.
    #[must_use]
    #[inline]
    pub fn of_filled(octets: &[u8; WIDTH]) -> Self {
        let (words, last) = swar::words(octets);
        let words = words.iter().map(|word| u64::from_le_bytes(*word));
        let len: u32 = words.chain([last]).map(swar::text_len).sum();
        Self {
            octets: *octets,
            len: len as u8,
        }
    }
}

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // Hashed as numbers, which takes fewer steps than hashing a string.
        let (words, last) = swar::words(&self.octets);
        for word in words {
            state.write_u64(u64::from_le_bytes(*word));
        }
        state.write_u64(last);
    }
}

impl Deref for Name {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.octets[..usize::from(self.len)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_the_bytes_that_fit() {
        assert_eq!(&*Name::new(b"alice"), b"alice");
        assert_eq!(&*Name::new(&[b'x'; 30]), [b'x'; 20]);
        assert!(Name::new(b"al") < Name::new(b"alice"));
        assert!(Name::EMPTY.is_empty());
    }

    #[test]
    fn a_filled_field_has_the_name_before_its_filling() {
        for len in 0..=WIDTH {
            let mut field = [0; WIDTH];
            field[..len].fill(b'x');
            assert_eq!(Name::of_filled(&field), Name::new(&field[..len]));
        }
    }
}
