//! Fast path for messages without notes.
//!
//! Nearly all messages have none. They are recognised eight bytes at a time, while [`judge`](super::judge()) checks
//! rule by rule. Some messages without notes are not recognised here and go to `judge`: those with a full field, or
//! with text other than ASCII. A property test compares the two.

use crate::protocol::layout::{
    COMMAND, DESCRIPTION, Field, MessageKind, PASSWORD, REQUEST_LEN, RESPONSE_LEN, STATUS,
    STATUS_SUCCESS, USER_NAME,
};
use crate::protocol::{Command, right_header};
use crate::text::swar;

/// The command and bytes of the message at the start of `octets`, if it is complete and all its fields are plain: ASCII
/// text followed by NULs.
#[inline]
pub(in crate::dissect) fn clean_message(octets: &[u8]) -> Option<(Command, &[u8])> {
    let kind = right_header(octets)?;
    let message = octets.get(..kind.len())?;
    let command = command(message)?;
    has_plain_fields(kind, message).then_some((command, message))
}

/// Whether `octets` is exactly one message whose fields are all plain.
#[inline]
pub(crate) fn one_clean_message(octets: &[u8]) -> bool {
    // The length rules out nearly everything else.
    matches!(octets.len(), REQUEST_LEN | RESPONSE_LEN) && is_clean(octets)
}

/// The command of a message.
#[inline]
pub(in crate::dissect) fn command(message: &[u8]) -> Option<Command> {
    COMMAND.number(message).map(Command::from)
}

/// Whether a message is complete and all its fields are plain.
#[inline]
pub(crate) fn is_clean(octets: &[u8]) -> bool {
    right_header(octets)
        .is_some_and(|kind| octets.len() == kind.len() && has_plain_fields(kind, octets))
}

/// Whether all fields of a complete message with a correct header are plain.
#[inline]
fn has_plain_fields(kind: MessageKind, message: &[u8]) -> bool {
    match kind {
        MessageKind::Request => {
            let name = field::<{ USER_NAME.width }>(message, &USER_NAME);
            let password = field::<{ PASSWORD.width }>(message, &PASSWORD);
            name.is_some_and(|name| is_filled_text(name) && keeps_name_rules(name))
                && password.is_some_and(|password| is_filled_text(password) && password[0] != 0)
        }
        MessageKind::Response => {
            let description = field::<{ DESCRIPTION.width }>(message, &DESCRIPTION);
            message[STATUS.offset] <= STATUS_SUCCESS && description.is_some_and(is_filled_text)
        }
    }
}

/// A field of a complete message, with its width known at compile time.
#[inline]
fn field<'a, const WIDTH: usize>(message: &'a [u8], field: &Field) -> Option<&'a [u8; WIDTH]> {
    message.get(field.offset..)?.first_chunk()
}

/// Whether a field is printable ASCII followed by at least one NUL and only NULs.
#[inline]
fn is_filled_text<const WIDTH: usize>(field: &[u8; WIDTH]) -> bool {
    let (words, last) = words(field);
    let mut behind = words;
    while let Some((word, rest)) = behind.split_first() {
        let word = u64::from_le_bytes(*word);
        behind = rest;
        let filling = swar::zeros(word);
        if swar::are_not_printable(word) & !filling != 0 {
            return false;
        }
        if filling != 0 {
            let (text, _) = swar::split_at_first(word, filling);
            let all = |all, word: &[u8; 8]| all | u64::from_le_bytes(*word);
            return text == word && behind.iter().fold(last, all) == 0;
        }
    }
    // `words` pads the last bytes with NUL, so the field's own last byte must be checked.
    let filling = swar::zeros(last);
    let (text, _) = swar::split_at_first(last, filling);
    text == last && swar::are_not_printable(last) & !filling == 0 && field[WIDTH - 1] == 0
}

/// The bytes of a field as groups of eight, and the remaining bytes as one number padded with NUL. The first byte is in
/// the lowest bits.
#[inline]
fn words<const WIDTH: usize>(field: &[u8; WIDTH]) -> (&[[u8; 8]], u64) {
    let (words, rest) = field.as_chunks::<8>();
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    (words, u64::from_le_bytes(last))
}

/// Whether a plain user name has at least one byte, no colon, and no space at its start or end.
#[inline]
fn keeps_name_rules<const WIDTH: usize>(name: &[u8; WIDTH]) -> bool {
    let (words, rest) = words(name);
    let mut last = 0;
    for word in words
        .iter()
        .map(|word| u64::from_le_bytes(*word))
        .chain([rest])
    {
        let (spaces, filling) = (swar::are(word, b' '), swar::zeros(word));
        if swar::are(word, b':') | swar::behind(spaces, last) & filling != 0 {
            return false;
        }
        if filling != 0 {
            break;
        }
        last = spaces;
    }
    !matches!(name[0], 0 | b' ')
}
