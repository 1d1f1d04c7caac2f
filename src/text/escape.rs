//! Escapes text from the wire for a terminal, XML and JSON. Nothing else does.

use std::fmt::{self, Write as _};
use std::io;

use super::swar::is_printable;

/// Whether a character affects a terminal or the text around it instead of being seen: control characters, marks that change
/// the direction of text, and invisible characters.
#[must_use]
pub const fn is_harmful(character: char) -> bool {
    matches!(character,
        '\0'..='\x1f' | '\x7f'..='\u{9f}' | '\u{ad}' | '\u{61c}' | '\u{180e}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// Displays text with every harmful character as `\n`, `\t`, `\r` or `\u{1b}`, and a backslash as `\\`, so that the text can
/// be recovered.
#[derive(Debug, Clone, Copy)]
pub struct Escaped<'a>(pub &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_escaped(f, self.0, true)
    }
}

/// Displays a name from this machine, such as a path. As [`Escaped`], but backslashes stay as they are, so that paths of
/// Windows can be copied from a message.
#[derive(Debug, Clone, Copy)]
pub struct Local<'a>(pub &'a str);

impl fmt::Display for Local<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_escaped(f, self.0, false)
    }
}

fn write_escaped(f: &mut fmt::Formatter<'_>, text: &str, with_backslash: bool) -> fmt::Result {
    let mut shown = 0;
    for (at, character) in text.char_indices() {
        let is_spelled_out = is_harmful(character) || with_backslash && character == '\\';
        if !is_spelled_out {
            continue;
        }
        f.write_str(&text[shown..at])?;
        shown = at + character.len_utf8();
        match character {
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            '\\' => f.write_str("\\\\")?,
            other => write!(f, "\\u{{{:x}}}", u32::from(other))?,
        }
    }
    f.write_str(&text[shown..])
}

/// Displays text as the value of an XML attribute in double quotes. It must already be [`Escaped`].
#[derive(Debug, Clone, Copy)]
pub struct Xml<'a>(pub &'a str);

impl fmt::Display for Xml<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        while let Some(at) = rest.find(['&', '<', '>', '"', '\'']) {
            f.write_str(&rest[..at])?;
            f.write_str(match rest.as_bytes()[at] {
                b'&' => "&amp;",
                b'<' => "&lt;",
                b'>' => "&gt;",
                b'"' => "&quot;",
                _ => "&#x27;",
            })?;
            rest = &rest[at + 1..];
        }
        f.write_str(rest)
    }
}

/// Writes a part of a JSON string. Characters that JSON allows but a terminal interprets become `\u` escapes.
///
/// # Errors
///
/// If writing fails.
pub fn write_json_fragment<W>(writer: &mut W, fragment: &str) -> io::Result<()>
where
    W: ?Sized + io::Write,
{
    let octets = fragment.as_bytes();
    // Fast path for nearly all texts.
    if is_printable(octets) {
        return writer.write_all(octets);
    }
    let mut written = 0;
    for (at, character) in fragment.char_indices() {
        if !is_harmful(character) {
            continue;
        }
        writer.write_all(&octets[written..at])?;
        written = at + character.len_utf8();
        for unit in character.encode_utf16(&mut [0; 2]) {
            write!(writer, "\\u{unit:04x}")?;
        }
    }
    writer.write_all(&octets[written..])
}

/// Displays bytes that should be text: U+FFFD for each part that is not UTF-8, the rest [`Escaped`].
#[derive(Debug, Clone, Copy)]
pub struct EscapedOctets<'a>(pub &'a [u8]);

impl fmt::Display for EscapedOctets<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            Escaped(chunk.valid()).fmt(f)?;
            if !chunk.invalid().is_empty() {
                f.write_char(char::REPLACEMENT_CHARACTER)?;
            }
        }
        Ok(())
    }
}

/// Displays bytes as hexadecimal digits, two for each byte.
#[derive(Debug, Clone, Copy)]
pub struct Hex<'a>(pub &'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

/// Displays bytes as hexadecimal digits with a separator between the bytes.
#[derive(Debug, Clone, Copy)]
pub struct HexJoined<'a>(pub &'a [u8], pub char);

impl fmt::Display for HexJoined<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((first, rest)) = self.0.split_first() else {
            return Ok(());
        };
        write!(f, "{first:02x}")?;
        rest.iter()
            .try_for_each(|octet| write!(f, "{}{octet:02x}", self.1))
    }
}

/// Displays a byte as two hexadecimal digits, and a hidden byte (`None`) as `**`.
#[derive(Debug, Clone, Copy)]
pub struct HexOctet(pub Option<u8>);

impl fmt::Display for HexOctet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(octet) => write!(f, "{octet:02x}"),
            None => f.write_str("**"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_spelled_out() {
        let cases = [
            ("alice", "alice"),
            ("\u{1b}[2J\u{7}\r\n", "\\u{1b}[2J\\u{7}\\r\\n"),
            ("a\u{202e}b\u{9b}", "a\\u{202e}b\\u{9b}"),
            ("a\\b", "a\\\\b"),
            ("日本 é", "日本 é"),
        ];
        for (text, shown) in cases {
            assert_eq!(Escaped(text).to_string(), shown);
        }
        let path = "C:\\Users\\a\u{1b}[2J";
        assert_eq!(Local(path).to_string(), "C:\\Users\\a\\u{1b}[2J");
    }

    #[test]
    fn each_bad_part_is_one_replacement() {
        assert_eq!(
            EscapedOctets(b"J\xfcrgen\xff\n").to_string(),
            "J\u{fffd}rgen\u{fffd}\\n"
        );
        assert_eq!(Hex(&[0, 0xfc]).to_string(), "00fc");
        assert_eq!(HexJoined(&[0, 0xfc], ':').to_string(), "00:fc");
        assert_eq!(HexJoined(&[], ':').to_string(), "");
        assert_eq!(HexOctet(Some(0xa)).to_string(), "0a");
        assert_eq!(HexOctet(None).to_string(), "**");
    }

    proptest! {
        #[test]
        fn nothing_harmful_is_left(octets in proptest::collection::vec(any::<u8>(), 0..80)) {
            let shown = EscapedOctets(&octets).to_string();
            prop_assert!(!shown.chars().any(is_harmful));
        }

        #[test]
        fn replacements_are_those_of_a_lossy_reading(octets in proptest::collection::vec(any::<u8>(), 0..80)) {
            let lossy = String::from_utf8_lossy(&octets);
            prop_assert_eq!(EscapedOctets(&octets).to_string(), Escaped(&lossy).to_string());
        }
    }
}
