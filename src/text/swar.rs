//! Checks eight bytes at a time in a 64-bit word (SIMD within a register). The first byte is in the lowest bits.
//!
//! Results are masks: the highest bit of each byte says whether it has the property.

/// 1 in each byte of a word.
const ONES: u64 = u64::from_ne_bytes([1; 8]);
/// The highest bit of each byte.
const HIGH: u64 = ONES << 7;
const LOW: u64 = !HIGH;

/// Which bytes are 0.
#[must_use]
#[inline]
pub const fn zeros(word: u64) -> u64 {
    !(((word & LOW) + LOW) | word) & HIGH
}

/// Which bytes are equal to `octet`.
#[must_use]
#[inline]
pub const fn are(word: u64, octet: u8) -> u64 {
    zeros(word ^ (ONES * octet as u64))
}

/// Which bytes are not printable ASCII: control characters, DEL, or beyond ASCII.
#[must_use]
#[inline]
pub const fn are_not_printable(word: u64) -> u64 {
    let low = word & LOW;
    let from_space = low + ONES * (0x80 - b' ' as u64);
    let from_delete = low + ONES;
    (word | !from_space | from_delete) & HIGH
}

/// The bytes as groups of eight, and the remaining bytes as one number padded with NUL. The first byte is in the lowest
/// bits.
#[must_use]
#[inline]
pub fn words<const WIDTH: usize>(octets: &[u8; WIDTH]) -> (&[[u8; 8]], u64) {
    let (words, rest) = octets.as_chunks::<8>();
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    (words, u64::from_le_bytes(last))
}

/// Number of bytes before the NULs at the end of a word: the length of a text that is padded with NULs.
#[must_use]
#[inline]
pub const fn text_len(word: u64) -> u32 {
    (u64::BITS - word.leading_zeros()).div_ceil(u8::BITS)
}

/// Index of the first of `these` bytes, 8 if there are none.
#[must_use]
#[inline]
pub const fn first(these: u64) -> usize {
    these.trailing_zeros() as usize / 8
}

/// The bytes of a word from the first of `these` on, those before it set to NUL.
#[must_use]
#[inline]
pub const fn from_first(word: u64, these: u64) -> u64 {
    let first = these & these.wrapping_neg();
    let before = (first >> 7).wrapping_sub(1);
    word & !before
}

/// Which bytes are not printable, or a quote or a backslash, which are escaped in most languages.
#[inline]
const fn are_not_plain_in_quotes(word: u64) -> u64 {
    are_not_printable(word) | are(word, b'"') | are(word, b'\\')
}

/// Whether all bytes are printable ASCII.
#[must_use]
#[inline]
pub fn is_printable(octets: &[u8]) -> bool {
    has_none(octets, are_not_printable)
}

/// Whether all bytes are printable ASCII, and none is a quote or a backslash.
#[must_use]
#[inline]
pub fn is_plain_in_quotes(octets: &[u8]) -> bool {
    has_none(octets, are_not_plain_in_quotes)
}

/// Whether `are` tells of no byte. It must not tell of a space.
#[inline(always)]
#[allow(
    clippy::inline_always,
    reason = "each of its two callers is to have its own question in the loop"
)]
fn has_none(octets: &[u8], are: impl Fn(u64) -> u64) -> bool {
    const WORD: usize = size_of::<u64>();
    const HALF: usize = size_of::<u32>();
    let half = |at: usize| {
        let half = octets[at..].first_chunk().copied().unwrap_or_default();
        u64::from(u32::from_le_bytes(half))
    };
    let (words, rest) = octets.as_chunks::<WORD>();
    let mut odd = 0;
    for word in words {
        odd |= are(u64::from_le_bytes(*word));
    }
    if odd != 0 || rest.is_empty() {
        return odd == 0;
    }
    if let Some(last) = octets.last_chunk::<WORD>() {
        // The last word overlaps with the previous one.
        return are(u64::from_le_bytes(*last)) == 0;
    }
    if octets.len() >= HALF {
        let word = half(0) | half(octets.len() - HALF) << u32::BITS;
        return are(word) == 0;
    }
    let mut word = [b' '; WORD];
    word[..octets.len()].copy_from_slice(octets);
    are(u64::from_le_bytes(word)) == 0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_padded_text_ends_before_its_last_nuls() {
        for (octets, len) in [
            (*b"\0\0\0\0\0\0\0\0", 0),
            (*b"a\0\0\0\0\0\0\0", 1),
            (*b"\xff\xffc\x01\0\0\0\0", 4),
            (*b"\x01234567\x80", 8),
        ] {
            assert_eq!(text_len(u64::from_le_bytes(octets)), len);
        }
    }

    proptest! {
        #[test]
        fn eight_at_a_time_they_look_as_one_by_one(
            octets in proptest::collection::vec(prop_oneof![any::<u8>(), 0x1e..0x22u8, 0x7d..0x81u8], 8),
            other in any::<u8>(),
        ) {
            let word = u64::from_le_bytes(octets.clone().try_into().unwrap());
            let told = |these: u64| {
                let flags = these.to_le_bytes();
                flags.map(|flag| flag == 0x80).to_vec()
            };
            let each = |is: &dyn Fn(u8) -> bool| octets.iter().map(|octet| is(*octet)).collect::<Vec<_>>();
            prop_assert_eq!(told(zeros(word)), each(&|octet| octet == 0));
            prop_assert_eq!(told(are(word, other)), each(&|octet| octet == other));
            let odd = |octet: u8| !(b' '..=b'~').contains(&octet);
            prop_assert_eq!(told(are_not_printable(word)), each(&odd));
            let found = are_not_printable(word);
            let at = octets.iter().position(|octet| odd(*octet)).unwrap_or(8);
            prop_assert_eq!(first(found), at);
            let rest = from_first(word, found).to_le_bytes();
            prop_assert_eq!(&rest[at..], &octets[at..]);
            prop_assert!(rest[..at].iter().all(|octet| *octet == 0));
        }

        #[test]
        fn text_of_any_length_is_looked_at_whole(text in "[ -~]{0,40}", odd in any::<u8>(), at in 0..40usize) {
            let mut octets = text.into_bytes();
            prop_assert!(is_printable(&octets));
            if let Some(place) = octets.get_mut(at) {
                *place = odd;
                let is_printable_now = (b' '..=b'~').contains(&odd);
                prop_assert_eq!(is_printable(&octets), is_printable_now);
                let is_plain = |octet: &u8| (b' '..=b'~').contains(octet) && !b"\"\\".contains(octet);
                prop_assert_eq!(is_plain_in_quotes(&octets), octets.iter().all(is_plain));
            }
        }
    }
}
