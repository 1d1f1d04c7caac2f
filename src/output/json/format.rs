//! How JSON is written: compact, times as exact decimals, and nothing in it that a terminal obeys.

use std::fmt::Write as _;
use std::io::{self, Write};

use arrayvec::ArrayString;
use serde::ser::Error as _;
use serde::{Serialize, Serializer};
use serde_json::ser::Formatter;
use serde_json::value::RawValue;

use crate::capture::Seconds;
use crate::output::escape::is_harmful;

/// Compact JSON in which characters that JSON would allow, but a terminal obeys, are `\u` escapes.
pub(in crate::output) struct TerminalSafe;

impl Formatter for TerminalSafe {
    fn write_string_fragment<W>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()>
    where
        W: ?Sized + Write,
    {
        let is_plain = |octet: &u8| matches!(octet, 0x20..=0x7e);
        if fragment.as_bytes().iter().all(is_plain) {
            return writer.write_all(fragment.as_bytes());
        }
        let mut written = 0;
        for (at, character) in fragment.char_indices() {
            if !is_harmful(character) {
                continue;
            }
            writer.write_all(&fragment.as_bytes()[written..at])?;
            written = at + character.len_utf8();
            for unit in character.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
        }
        writer.write_all(&fragment.as_bytes()[written..])
    }
}

/// Nanoseconds written as a JSON number of seconds with nine decimals, exactly.
#[derive(Debug, Clone, Copy)]
pub(in crate::output) struct Decimal(pub i64);

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // A sign, ten digits, a point, nine digits.
        let mut text = ArrayString::<24>::new();
        write!(text, "{}", Seconds(self.0)).map_err(S::Error::custom)?;
        let raw: &RawValue = serde_json::from_str(&text).map_err(S::Error::custom)?;
        raw.serialize(serializer)
    }
}

/// A value written as the string that it is shown as.
#[derive(Debug, Clone, Copy)]
pub(in crate::output) struct Shown<T>(pub T);

impl<T: std::fmt::Display> Serialize for Shown<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(value: &impl Serialize) -> String {
        let mut out = Vec::new();
        value
            .serialize(&mut serde_json::Serializer::with_formatter(
                &mut out,
                TerminalSafe,
            ))
            .unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_a_terminal_obeys_is_escaped_and_reads_back_the_same() {
        let text = "a\u{1b}[2J\u{7f}\u{9b}\u{202e}\u{e0041}é\"\\日";
        let shown = json(&text);
        assert_eq!(
            shown,
            "\"a\\u001b[2J\\u007f\\u009b\\u202e\\udb40\\udc41é\\\"\\\\日\""
        );
        assert_eq!(serde_json::from_str::<String>(&shown).unwrap(), text);
    }

    #[test]
    fn times_are_exact() {
        assert_eq!(
            json(&Decimal(1_600_000_000_000_000_001)),
            "1600000000.000000001"
        );
        assert_eq!(json(&Decimal(i64::MIN)), "-9223372036.854775808");
    }
}
