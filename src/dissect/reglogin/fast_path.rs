//! Fast path for messages without notes.
//!
//! Nearly all messages have none. They are recognised eight bytes at a time, while [`judge`](super::judge()) checks
//! rule by rule. Some messages without notes are not recognised here and go to `judge`: those with a full field, or
//! with text other than ASCII. A property test compares the two.

use crate::protocol::layout::{
    DESCRIPTION, MessageKind, PASSWORD, REQUEST_LEN, RESPONSE_LEN, STATUS, STATUS_SUCCESS,
    USER_NAME,
};
use crate::protocol::{KnownCommand, right_command};
use crate::text::swar;

/// The command and bytes of the message at the start of `octets`, if it is complete and all its fields are plain: ASCII
/// text followed by NULs.
#[inline]
pub(in crate::dissect) fn clean_message(octets: &[u8]) -> Option<(KnownCommand, &[u8])> {
    let command = right_command(octets)?;
    let message = octets.get(..command.kind.len())?;
    has_plain_fields(command.kind, message).then_some((command, message))
}

/// The command if `octets` is exactly one message whose fields are all plain.
#[inline]
pub(crate) fn one_clean_message(octets: &[u8]) -> Option<KnownCommand> {
    if !may_be_clean(octets.len()) {
        return None;
    }
    let (command, message) = clean_message(octets)?;
    (message.len() == octets.len()).then_some(command)
}

/// Whether one message has this length, which rules out nearly everything else.
#[inline]
pub(crate) const fn may_be_clean(len: usize) -> bool {
    len == REQUEST_LEN || len == RESPONSE_LEN
}

/// Whether a message is complete and all its fields are plain.
#[inline]
pub(crate) fn is_clean(octets: &[u8]) -> bool {
    one_clean_message(octets).is_some()
}

/// Whether all fields of a complete message with a correct header are plain.
#[inline]
fn has_plain_fields(kind: MessageKind, message: &[u8]) -> bool {
    match kind {
        MessageKind::Request => {
            let name = USER_NAME.array::<{ USER_NAME.width }>(message);
            let password = PASSWORD.array::<{ PASSWORD.width }>(message);
            name.is_some_and(is_plain_name)
                && password.and_then(filled_text).is_some_and(|len| len > 0)
        }
        MessageKind::Response => {
            let description = DESCRIPTION.array::<{ DESCRIPTION.width }>(message);
            message[STATUS.offset] <= STATUS_SUCCESS && description.and_then(filled_text).is_some()
        }
    }
}

/// Whether a name is plain, has at least one byte, no colon, and no space at its start or end.
#[inline]
fn is_plain_name<const WIDTH: usize>(name: &[u8; WIDTH]) -> bool {
    let Some(last) = filled_text(name).and_then(|len| len.checked_sub(1)) else {
        return false;
    };
    let (words, rest) = swar::words(name);
    let colons = |word| swar::are(word, b':');
    let all = |all, word: &[u8; 8]| all | colons(u64::from_le_bytes(*word));
    words.iter().fold(colons(rest), all) == 0 && name[0] != b' ' && name[last] != b' '
}

/// Length of the text in a field that is printable ASCII followed by at least one NUL and only NULs.
#[inline]
fn filled_text<const WIDTH: usize>(field: &[u8; WIDTH]) -> Option<usize> {
    let (mut words, rest) = swar::words(field);
    let mut before = 0;
    while let Some((word, behind)) = words.split_first() {
        let word = u64::from_le_bytes(*word);
        let end = swar::are_not_printable(word);
        if end != 0 {
            let all = |all, word: &[u8; 8]| all | u64::from_le_bytes(*word);
            let filling = behind.iter().fold(rest | swar::from_first(word, end), all);
            return (filling == 0).then_some(before + swar::first(end));
        }
        words = behind;
        before += size_of::<u64>();
    }
    // `words` pads the last bytes with NUL, so the text can end behind the field.
    let end = swar::are_not_printable(rest);
    let len = before + swar::first(end);
    (swar::from_first(rest, end) == 0 && len < WIDTH).then_some(len)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A field of text and padding, with up to two bytes changed.
    fn field<const WIDTH: usize>() -> impl Strategy<Value = [u8; WIDTH]> {
        let text = proptest::collection::vec(b' '..=b'~', 0..=WIDTH);
        let changes = proptest::collection::vec((0..WIDTH, any::<u8>()), 0..3);
        (text, changes).prop_map(|(text, changes)| {
            let mut field = [0; WIDTH];
            field[..text.len()].copy_from_slice(&text);
            for (at, octet) in changes {
                field[at] = octet;
            }
            field
        })
    }

    fn is_told_as_byte_by_byte<const WIDTH: usize>(field: &[u8; WIDTH]) {
        let len = field.iter().position(|octet| *octet == 0);
        let is_text = |text: &[u8]| text.iter().all(|octet| (b' '..=b'~').contains(octet));
        let is_filling = |rest: &[u8]| rest.iter().all(|octet| *octet == 0);
        let expected = len.filter(|len| is_text(&field[..*len]) && is_filling(&field[*len..]));
        assert_eq!(filled_text(field), expected);
        let expected = expected.is_some_and(|len| {
            let name = &field[..len];
            let ends = [name.first(), name.last()];
            len > 0 && !name.contains(&b':') && !ends.contains(&Some(&b' '))
        });
        assert_eq!(is_plain_name(field), expected);
    }

    proptest! {
        #[test]
        fn fields_are_told_as_byte_by_byte(
            name in field::<{ USER_NAME.width }>(),
            password in field::<{ PASSWORD.width }>(),
            description in field::<{ DESCRIPTION.width }>(),
        ) {
            is_told_as_byte_by_byte(&name);
            is_told_as_byte_by_byte(&password);
            is_told_as_byte_by_byte(&description);
        }
    }
}
