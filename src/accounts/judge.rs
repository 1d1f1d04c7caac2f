//! Whether a stored hash can be used, found out without taking it apart: a start asks this of every line of the passwd
//! file. The form that nearly every line has is looked at here, any other is left to [`Stored::parse`].

use argon2::Params;

use super::hash::{DISABLED, OUTPUT_LEN, SHA256_DIGITS, Stored};
use super::scheme::{HashError, check_argon2_ceiling};

/// How this program writes an Argon2 hash, up to its memory.
const ARGON2: &str = "$argon2id$v=19$m=";

/// Whether a hash that can be used has at least the length of those that this program makes, so that it cannot be the
/// first part of a longer one; an error if it cannot be used.
pub fn is_full_length(text: &str) -> Result<bool, HashError> {
    match usual(text.strip_prefix(DISABLED).unwrap_or(text)) {
        Some(full) => Ok(full),
        None => Stored::parse(text).map(|stored| stored.is_full_length()),
    }
}

/// The same for a hash of a usual form that has no fault. `None` says nothing about any other.
fn usual(text: &str) -> Option<bool> {
    let Some(costs) = text.strip_prefix(ARGON2) else {
        let digits = text.len() == SHA256_DIGITS && text.bytes().all(|c| c.is_ascii_hexdigit());
        return digits.then_some(true);
    };
    let (memory, rest) = number(costs.as_bytes())?;
    let (passes, rest) = number(rest.strip_prefix(b",t=")?)?;
    let (lanes, rest) = number(rest.strip_prefix(b",p=")?)?;
    Params::new(memory, passes, lanes, None).ok()?;
    check_argon2_ceiling(memory, passes, lanes).ok()?;
    let rest = rest.strip_prefix(b"$")?;
    let (salt, rest) = rest.split_at(memchr::memchr(b'$', rest)?);
    let (salt, output) = (decoded_len(salt)?, decoded_len(&rest[1..])?);
    let possible = SALT.contains(&salt) && OUTPUT.contains(&output);
    possible.then_some(output >= OUTPUT_LEN)
}

/// Bytes that a salt and an output can have.
const SALT: std::ops::RangeInclusive<usize> = 8..=48;
const OUTPUT: std::ops::RangeInclusive<usize> = 10..=64;

/// The decimal number at the front, as short as it can be written, and what follows it.
fn number(text: &[u8]) -> Option<(u32, &[u8])> {
    let digits = text.iter().take_while(|c| c.is_ascii_digit()).count();
    let (digits, rest) = text.split_at(digits);
    if digits.len() > 1 && digits[0] == b'0' {
        return None;
    }
    let (first, others) = digits.split_first()?;
    let value = |c: &u8| u32::from(c - b'0');
    let number = others.iter().try_fold(value(first), |number, c| {
        number.checked_mul(10)?.checked_add(value(c))
    })?;
    Some((number, rest))
}

/// For each byte, whether it is a digit of Base64: 1 or 0.
const IS_DIGIT: [u8; 256] = {
    let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut is_digit = [0; 256];
    let mut at = 0;
    while at < digits.len() {
        is_digit[digits[at] as usize] = 1;
        at += 1;
    }
    is_digit
};

/// How many bytes these are the Base64 of, without padding.
fn decoded_len(text: &[u8]) -> Option<usize> {
    let all = text
        .iter()
        .fold(1, |all, c| all & IS_DIGIT[usize::from(*c)])
        == 1;
    // What the last digit has more than whole bytes is zero.
    let last: &[u8] = match text.len() % 4 {
        0 => return all.then_some(text.len() / 4 * 3),
        2 => b"AQgw",
        3 => b"AEIMQUYcgkosw048",
        _ => return None,
    };
    let ends = text.last().is_some_and(|end| last.contains(end));
    (all && ends).then_some(text.len() / 4 * 3 + text.len() % 4 - 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Hashes as they are stored, of several schemes.
    const HASHES: [&str; 7] = [
        "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$c29tZXNhbHRzb21lc2FsdA",
        "$argon2id$v=19$m=64,t=4294967295,p=8$c29tZXNhbHRzb21l$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "$argon2i$v=16$m=8,t=1,p=1$c29tZXNhbHRzb21l$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "$pbkdf2-sha256$i=600000,l=32$c29tZXNhbHRzb21l$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        "!ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    ];

    fn parsed(text: &str) -> Result<bool, HashError> {
        Stored::parse(text).map(|stored| stored.is_full_length())
    }

    #[test]
    fn what_this_program_writes_is_of_a_usual_form() {
        let written = HASHES[0];
        assert_eq!(usual(written), Some(true));
        assert_eq!(parsed(written), Ok(true));
        // Cut anywhere, it is refused or known to be shorter.
        for end in 0..written.len() {
            assert_ne!(is_full_length(&written[..end]), Ok(true), "{end}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        /// What is judged by its form is judged as if it were taken apart, whatever is wrong with it.
        #[test]
        fn the_judgement_is_that_of_the_parser(
            hash in proptest::sample::select(&HASHES[..]),
            at in 0_usize..120,
            taken in 0_usize..4,
            put in "[0-9A-Za-z$,=+/! .-]{0,3}|[mtpv]=[0-9]{1,10}|\\PC",
        ) {
            let at = at.min(hash.len());
            let end = (at + taken).min(hash.len());
            let changed = [&hash[..at], &put, &hash[end..]].concat();
            prop_assert_eq!(is_full_length(&changed), parsed(&changed), "{}", changed);
        }

        #[test]
        fn a_length_is_that_of_what_is_decoded(text in "[A-Da-d0-3+/=]{10,20}|[A-Za-z0-9+/]{11,90}") {
            let hash = format!("$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ${text}");
            prop_assert_eq!(is_full_length(&hash), parsed(&hash));
        }
    }
}
