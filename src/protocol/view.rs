//! Reads a message without judging it, whatever its bytes are: the inspector's view.

use std::borrow::Cow;
use std::fmt;

use super::command::{Command, KnownCommand};
use super::layout::{
    COMMAND, DESCRIPTION, Field, HEADER_LEN, LENGTH, MessageKind, PASSWORD, REQUEST_LEN,
    RESPONSE_LEN, STATUS, USER_NAME,
};
use super::rules::STRICT;

/// The bytes of a message, read through the layout table. They may be cut off or invalid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MessageView<'a>(&'a [u8]);

impl<'a> MessageView<'a> {
    /// A view of `octets`, which begin with the first byte of `totalLength`.
    #[must_use]
    pub const fn new(octets: &'a [u8]) -> Self {
        Self(octets)
    }

    /// All bytes.
    #[must_use]
    pub const fn octets(self) -> &'a [u8] {
        self.0
    }

    /// `totalLength`; `None` if it is cut off.
    #[must_use]
    #[inline]
    pub fn length(self) -> Option<u32> {
        LENGTH.number(self.0)
    }

    /// `commandID`; `None` if it is cut off.
    #[must_use]
    #[inline]
    pub fn command(self) -> Option<Command> {
        COMMAND.number(self.0).map(Command::from)
    }

    /// Request or response; `None` for an unknown or missing command.
    #[must_use]
    #[inline]
    pub fn kind(self) -> Option<MessageKind> {
        self.command().and_then(Command::kind)
    }

    /// `userName` up to its first NUL; `None` if this is no request, or the field is cut off completely.
    #[must_use]
    pub fn user_name(self) -> Option<TextValue<'a>> {
        self.text(MessageKind::Request, &USER_NAME)
    }

    /// `password` up to its first NUL; `None` if this is no request, or the field is cut off completely.
    #[must_use]
    pub fn password(self) -> Option<TextValue<'a>> {
        self.text(MessageKind::Request, &PASSWORD)
    }

    /// `status`; `None` if this is no response, or the field is cut off.
    #[must_use]
    pub fn status(self) -> Option<u8> {
        if self.kind() != Some(MessageKind::Response) {
            return None;
        }
        STATUS.slice(self.0).first().copied()
    }

    /// `description` up to its first NUL; `None` if this is no response, or the field is cut off completely.
    #[must_use]
    pub fn description(self) -> Option<TextValue<'a>> {
        self.text(MessageKind::Response, &DESCRIPTION)
    }

    fn text(self, kind: MessageKind, field: &Field) -> Option<TextValue<'a>> {
        if self.kind() != Some(kind) || self.0.len() <= field.offset {
            return None;
        }
        Some(TextValue::new(field.slice(self.0)))
    }
}

/// The bytes of a text field, and which of them are its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextValue<'a> {
    field: &'a [u8],
    value_len: usize,
}

impl<'a> TextValue<'a> {
    /// A text value from the bytes of its field.
    #[must_use]
    #[inline]
    pub fn new(field: &'a [u8]) -> Self {
        let value_len = memchr::memchr(0, field).unwrap_or(field.len());
        Self { field, value_len }
    }

    /// The bytes up to the first NUL.
    #[must_use]
    pub fn octets(self) -> &'a [u8] {
        &self.field[..self.value_len]
    }

    /// The value as text, with U+FFFD for each invalid part.
    #[must_use]
    pub fn lossy(self) -> Cow<'a, str> {
        String::from_utf8_lossy(self.octets())
    }

    /// Whether the value is UTF-8.
    #[must_use]
    pub fn is_utf8(self) -> bool {
        self.octets().is_ascii() || std::str::from_utf8(self.octets()).is_ok()
    }

    /// Offset in the field of the first byte after the first NUL that is not NUL; `None` if there is none.
    #[must_use]
    pub fn first_after_nul(self) -> Option<usize> {
        let filling = &self.field[self.value_len..];
        // Nearly all fields end here; this check processes many bytes at a time.
        if filling.iter().fold(0, |all, octet| all | octet) == 0 {
            return None;
        }
        filling
            .iter()
            .position(|octet| *octet != 0)
            .map(|at| self.value_len + at)
    }
}

/// Whether `message` is exactly one strictly valid RegLogin message: it has a length and a command that belong
/// together, that many bytes, status 0 or 1, only NULs after each text field's first NUL, and a user name that is not
/// empty.
///
/// No bytes are both this and a valid SMPP PDU; `docs/protocol.md` has the proof.
#[must_use]
pub fn is_strict(message: &[u8]) -> bool {
    right_header(message).is_some_and(|kind| {
        let mut of_kind = STRICT
            .iter()
            .filter(|(field, _)| kind.fields().contains(field));
        message.len() == kind.len()
            && of_kind.all(|(field, content)| content.holds(field.slice(message)))
    })
}

/// Whether `octets` start with a correct header: `totalLength` is the length of the `commandID`'s message.
#[must_use]
#[inline]
pub fn is_header(octets: &[u8]) -> bool {
    right_header(octets).is_some()
}

/// The kind of message if `octets` start with a correct header, otherwise `None`.
#[must_use]
#[inline]
pub fn right_header(octets: &[u8]) -> Option<MessageKind> {
    right_command(octets).map(|command| command.kind)
}

/// The command if `octets` start with a correct header, otherwise `None`.
#[must_use]
#[inline]
pub fn right_command(octets: &[u8]) -> Option<KnownCommand> {
    const RIGHT: [(u64, Option<KnownCommand>); Command::KNOWN.len()] = {
        let mut right = [(0, None); Command::KNOWN.len()];
        let mut index = 0;
        while index < right.len() {
            let command = Command::KNOWN[index];
            if let Some(known) = command.known() {
                let len = known.kind.len() as u64;
                right[index] = (len << 32 | command.code() as u64, Some(known));
            }
            index += 1;
        }
        right
    };
    // Reads both fields as one number.
    const { assert!(LENGTH.offset == 0 && COMMAND.offset == 4 && HEADER_LEN == 8) };
    let header = u64::from_be_bytes(*octets.first_chunk::<HEADER_LEN>()?);
    let right = RIGHT.iter().find(|(right, _)| *right == header);
    right.and_then(|(_, command)| *command)
}

/// Whether a header number reads as text: it has two adjacent characters, or one character after a byte that is not
/// NUL. In a message that was found at a wrong offset, or that has another layout, bytes of a name or password can be
/// where the header should be. No valid number has such bytes, except a size in reverse byte order.
#[must_use]
pub fn reads_as_text(number: u32) -> bool {
    const SIZES: [usize; 4] = [
        REQUEST_LEN,
        RESPONSE_LEN,
        REQUEST_LEN - HEADER_LEN,
        RESPONSE_LEN - HEADER_LEN,
    ];
    if SIZES.contains(&(number.swap_bytes() as usize)) {
        return false;
    }
    let octets = number.to_be_bytes();
    let is_text = |octet: u8| octet >= b' ' && octet != u8::MAX;
    let pairs = octets
        .windows(2)
        .any(|pair| is_text(pair[0]) && is_text(pair[1]));
    pairs || number > 0xff && octets.iter().any(u8::is_ascii_graphic)
}

/// The largest length that fits into two bytes.
pub const MAX_SHORT_LENGTH: u32 = 0xffff;

/// Whether `totalLength` reads as text. With a known command, a length of two bytes never does.
#[must_use]
pub fn length_reads_as_text(length: u32, command: Command) -> bool {
    reads_as_text(length) && (length > MAX_SHORT_LENGTH || command.kind().is_none())
}

/// A header number for messages. It is hidden if it reads as text.
#[derive(Debug, Clone, Copy)]
pub struct HeaderNumber(Option<u32>);

impl HeaderNumber {
    /// A number of which nothing else is known.
    #[must_use]
    pub fn new(number: u32) -> Self {
        Self((!reads_as_text(number)).then_some(number))
    }

    /// A `totalLength` followed by this command.
    #[must_use]
    pub fn length(length: u32, command: Command) -> Self {
        Self((!length_reads_as_text(length, command)).then_some(length))
    }
}

impl fmt::Display for HeaderNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(number) => number.fmt(f),
            None => f.write_str("(text)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> Vec<u8> {
        let mut octets = vec![0, 0, 0, 58, 0, 0, 0, 1];
        octets.extend_from_slice(b"alice");
        octets.resize(28, 0);
        octets.extend_from_slice(b"secret");
        octets.resize(58, 0);
        octets
    }

    #[test]
    fn reads_a_request() {
        let octets = request();
        let view = MessageView::new(&octets);
        assert_eq!(view.length(), Some(58));
        assert_eq!(view.command(), Some(Command::RegistrationRequest));
        assert_eq!(view.user_name().unwrap().lossy(), "alice");
        assert_eq!(view.password().unwrap().octets(), b"secret");
        assert_eq!(view.status(), None);
        assert!(is_strict(&octets));
    }

    #[test]
    fn strict_needs_nothing_but_nul_after_a_nul() {
        let mut octets = request();
        octets[57] = b'x';
        assert!(!is_strict(&octets));
        assert_eq!(
            MessageView::new(&octets)
                .password()
                .unwrap()
                .first_after_nul(),
            Some(29)
        );
    }

    #[test]
    fn strict_needs_a_user_name() {
        let mut octets = request();
        octets[8..28].fill(0);
        assert!(!is_strict(&octets));
    }

    #[test]
    fn strict_needs_the_length_of_the_command() {
        for (index, octet) in [(3, 57), (7, 2), (7, 5)] {
            let mut octets = request();
            octets[index] = octet;
            assert!(!is_strict(&octets));
        }
        assert!(!is_strict(&request()[..57]));
    }

    #[test]
    fn any_bytes_can_be_read() {
        for len in 0..80 {
            let octets = vec![0xa5; len];
            let view = MessageView::new(&octets);
            assert_eq!(view.user_name(), None);
            assert_eq!(view.description(), None);
            assert!(!is_strict(&octets));
        }
    }

    #[test]
    fn numbers_that_read_as_text_are_recognised() {
        for number in [58, 73, 258, 1000, 4096, 0x3a00_0000, u32::MAX] {
            assert_eq!(HeaderNumber::new(number).to_string(), number.to_string());
        }
        let known = HeaderNumber::length(850, Command::LoginRequest);
        assert_eq!(known.to_string(), "850");
        assert_eq!(HeaderNumber::new(850).to_string(), "(text)");
        for text in [
            *b"hunt",
            *b"\0\0er",
            *b"2\xc3\xa4\0",
            *b"0058",
            *b"r\0\0\0",
            *b"\0\0r\0",
        ] {
            let number = HeaderNumber::new(u32::from_be_bytes(text));
            assert_eq!(number.to_string(), "(text)");
        }
    }

    #[test]
    fn a_bad_utf8_part_is_replaced() {
        let value = TextValue::new(b"a\xffb\0");
        assert_eq!(value.lossy(), "a\u{fffd}b");
        assert!(!value.is_utf8());
    }
}
