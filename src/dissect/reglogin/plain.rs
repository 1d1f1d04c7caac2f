//! Messages of which there is nothing to note, told at a glance.
//!
//! Nearly all are like that, and are told here by a look at eight octets at a time, where
//! [`judge`](super::judge()) asks one question after the other. Not all are: a field that is full,
//! or text beyond ASCII, is left to be judged. A property test holds the two against each other.

use crate::protocol::layout::{
    COMMAND, DESCRIPTION, Field, Kind, PASSWORD, REQUEST_LEN, RESPONSE_LEN, STATUS, STATUS_SUCCESS,
    USER_NAME,
};
use crate::protocol::{Command, right_header};

/// The command and the octets of the message at the start of `octets`, where that is whole and plain
/// in all its fields.
#[inline]
pub(in crate::dissect) fn plain_message(octets: &[u8]) -> Option<(Command, &[u8])> {
    let message = octets.get(..right_header(octets)?.len())?;
    let command = COMMAND.number(message).map(Command::from)?;
    is_plain(message).then_some((command, message))
}

/// Whether a message is whole and plain in all its fields.
#[inline]
pub(crate) fn is_plain(octets: &[u8]) -> bool {
    match right_header(octets) {
        Some(Kind::Request) if octets.len() == REQUEST_LEN => {
            is_filled_text(octets, &USER_NAME)
                && is_filled_text(octets, &PASSWORD)
                && octets[PASSWORD.offset] != 0
                && keeps_name_rules(octets)
        }
        Some(Kind::Response) if octets.len() == RESPONSE_LEN => {
            octets[STATUS.offset] <= STATUS_SUCCESS && is_filled_text(octets, &DESCRIPTION)
        }
        _ => false,
    }
}

/// 1 in each octet of a word.
const ONES: u64 = u64::from_ne_bytes([1; 8]);
/// The highest bit of each octet: how the functions below answer for each of them.
const HIGH: u64 = ONES << 7;
const LOW: u64 = !HIGH;

/// Which octets are 0.
#[inline]
const fn zeros(word: u64) -> u64 {
    !(((word & LOW) + LOW) | word) & HIGH
}

/// Which octets are this one.
#[inline]
const fn are(word: u64, octet: u8) -> u64 {
    zeros(word ^ (ONES * octet as u64))
}

/// Which octets are control characters, NUL among them, or beyond ASCII.
#[inline]
const fn are_not_printable(word: u64) -> u64 {
    let low = word & LOW;
    let from_space = low + ONES * (0x80 - b' ' as u64);
    let from_delete = low + ONES;
    (word | !from_space | from_delete) & HIGH
}

/// Which octets stand behind those told of in `these`; `last` is the same of the word before.
#[inline]
const fn behind(these: u64, last: u64) -> u64 {
    these << 8 | last >> 56
}

/// The octets of a field, eight at a time, the first in the lowest bits; filled up with NUL.
#[inline]
fn words(octets: &[u8], field: &Field) -> impl Iterator<Item = u64> {
    let (words, rest) = octets[field.range()].as_chunks::<8>();
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    let rest = (!rest.is_empty()).then_some(u64::from_le_bytes(last));
    let words = words.iter().map(|word| u64::from_le_bytes(*word));
    words.chain(rest)
}

/// Whether a field is printable ASCII with at least one NUL behind it and nothing but NULs.
#[inline]
fn is_filled_text(octets: &[u8], field: &Field) -> bool {
    let (mut odd, mut last) = (0, 0);
    for word in words(octets, field) {
        let filling = zeros(word);
        odd |= (are_not_printable(word) | behind(filling, last)) & !filling;
        last = filling;
    }
    odd == 0 && octets[field.end() - 1] == 0
}

/// Whether a user name that is filled text has at least one octet, no colon, and no space at its
/// start or end.
#[inline]
fn keeps_name_rules(octets: &[u8]) -> bool {
    let (mut odd, mut last) = (0, 0);
    for word in words(octets, &USER_NAME) {
        let spaces = are(word, b' ');
        odd |= are(word, b':') | behind(spaces, last) & zeros(word);
        last = spaces;
    }
    odd == 0 && !matches!(octets[USER_NAME.offset], 0 | b' ')
}
