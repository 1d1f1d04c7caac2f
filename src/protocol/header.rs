//! Detects headers whose numbers are in another form: little-endian, or written as text.

use super::command::Command;
use super::layout::{COMMAND, HEADER_LEN, LENGTH, MessageKind};
use super::view::right_header;

/// The kind of message that the header means if its numbers are read as little-endian; `None` if they are not valid
/// then.
#[must_use]
pub fn swapped_header(octets: &[u8]) -> Option<MessageKind> {
    let mut header = *octets.first_chunk::<HEADER_LEN>()?;
    let (length, command) = header.split_at_mut(LENGTH.width);
    length.reverse();
    command.reverse();
    right_header(&header)
}

/// The kind of message that the header means if its numbers are read as text, such as `0058` and `0001`; `None` if they
/// are not valid then.
#[must_use]
pub fn text_header(octets: &[u8]) -> Option<MessageKind> {
    let kind = kind_of_len(text_number(octets.get(LENGTH.range())?)?)?;
    let command = Command::from(text_number(octets.get(COMMAND.range())?)?);
    command.kind().is_some().then_some(kind)
}

/// The kind of message with this length in bytes; `None` if there is none.
#[must_use]
pub fn kind_of_len(length: u32) -> Option<MessageKind> {
    [MessageKind::Request, MessageKind::Response]
        .into_iter()
        .find(|kind| kind.len() == length as usize)
}

/// The number that a header field contains as text: ASCII digits, padded with spaces at either end, or with NULs at the
/// end. `None` otherwise.
#[must_use]
pub fn text_number(field: &[u8]) -> Option<u32> {
    let text = std::str::from_utf8(field).ok()?;
    let digits = text.trim_end_matches('\0').trim_matches(' ');
    let all_digits = digits.bytes().all(|octet| octet.is_ascii_digit());
    all_digits.then(|| digits.parse().ok())?
}
