//! Messages without notes, told at a glance.
//!
//! Nearly all are like that, and are told here by a look at eight bytes at a time, where
//! [`judge`](super::judge()) asks one question after the other. Not all are: a field that is full,
//! or text beyond ASCII, is left to be judged. A property test holds the two against each other.

use crate::protocol::layout::{
    COMMAND, DESCRIPTION, Field, MessageKind, PASSWORD, REQUEST_LEN, RESPONSE_LEN, STATUS,
    STATUS_SUCCESS, USER_NAME,
};
use crate::protocol::{Command, right_header};
use crate::text::swar;

/// The command and the bytes of the message at the start of `octets`, where that is whole and plain
/// in all its fields.
#[inline]
pub(in crate::dissect) fn clean_message(octets: &[u8]) -> Option<(Command, &[u8])> {
    let kind = right_header(octets)?;
    let message = octets.get(..kind.len())?;
    let command = command(message)?;
    has_plain_fields(kind, message).then_some((command, message))
}

/// Whether all of `octets` is one message that is plain in all its fields.
#[inline]
pub(crate) fn one_clean_message(octets: &[u8]) -> bool {
    // Nearly all that is none has another length.
    matches!(octets.len(), REQUEST_LEN | RESPONSE_LEN) && is_clean(octets)
}

/// The command of a message.
#[inline]
pub(in crate::dissect) fn command(message: &[u8]) -> Option<Command> {
    COMMAND.number(message).map(Command::from)
}

/// Whether a message is whole and plain in all its fields.
#[inline]
pub(crate) fn is_clean(octets: &[u8]) -> bool {
    right_header(octets)
        .is_some_and(|kind| octets.len() == kind.len() && has_plain_fields(kind, octets))
}

/// Whether a whole message with a right header is plain in all its fields.
#[inline]
fn has_plain_fields(kind: MessageKind, message: &[u8]) -> bool {
    match kind {
        MessageKind::Request => {
            is_filled_text(message, &USER_NAME)
                && is_filled_text(message, &PASSWORD)
                && message[PASSWORD.offset] != 0
                && keeps_name_rules(message)
        }
        MessageKind::Response => {
            message[STATUS.offset] <= STATUS_SUCCESS && is_filled_text(message, &DESCRIPTION)
        }
    }
}

/// Whether a field is printable ASCII with at least one NUL behind it and nothing but NULs.
#[inline]
fn is_filled_text(octets: &[u8], field: &Field) -> bool {
    let mut words = words(octets, field);
    while let Some(word) = words.next() {
        let filling = swar::zeros(word);
        if filling == 0 {
            if swar::are_not_printable(word) != 0 {
                return false;
            }
            continue;
        }
        let (text, rest) = swar::split_at_first(word, filling);
        // What is cut off a word leaves NULs there, which are none of the text's.
        let odd = swar::are_not_printable(text) & !swar::zeros(text);
        let behind = words.fold(rest, |all, word| all | word);
        return odd == 0 && behind == 0 && octets[field.end() - 1] == 0;
    }
    false
}

/// The bytes of a field, eight at a time, the first in the lowest bits; filled up with NUL.
#[inline]
fn words(octets: &[u8], field: &Field) -> impl Iterator<Item = u64> {
    let (words, rest) = octets[field.range()].as_chunks::<8>();
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    let rest = (!rest.is_empty()).then_some(u64::from_le_bytes(last));
    let words = words.iter().map(|word| u64::from_le_bytes(*word));
    words.chain(rest)
}

/// Whether a user name that is filled text has at least one byte, no colon, and no space at its
/// start or end.
#[inline]
fn keeps_name_rules(octets: &[u8]) -> bool {
    let mut last = 0;
    for word in words(octets, &USER_NAME) {
        let (spaces, filling) = (swar::are(word, b' '), swar::zeros(word));
        if swar::are(word, b':') | swar::behind(spaces, last) & filling != 0 {
            return false;
        }
        if filling != 0 {
            break;
        }
        last = spaces;
    }
    !matches!(octets[USER_NAME.offset], 0 | b' ')
}
