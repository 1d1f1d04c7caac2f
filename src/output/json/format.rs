//! The format of JSON: compact, with times as exact decimals, and without control characters for terminals.

#![expect(
    clippy::cast_precision_loss,
    reason = "seconds for serializers that have no exact decimals"
)]

use std::io::{self, Write};

use serde::ser::Error as _;
use serde::{Serialize, Serializer};
use serde_json::ser::Formatter;
use serde_json::value::RawValue;

use crate::text::ascii::Ascii;
use crate::text::escape::write_json_fragment;

/// Compact JSON in which characters that JSON allows but a terminal interprets are `\u` escapes.
pub(in crate::output) struct TerminalSafe;

impl Formatter for TerminalSafe {
    fn write_string_fragment<W>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()>
    where
        W: ?Sized + Write,
    {
        write_json_fragment(writer, fragment)
    }
}

/// Nanoseconds, serialised as seconds: as an exact decimal in JSON, as floating point in binary formats.
#[derive(Debug, Clone, Copy)]
pub(in crate::output) struct Decimal(pub i64);

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !serializer.is_human_readable() {
            return serializer.serialize_f64(self.0 as f64 / 1e9);
        }
        let text = Ascii::of(|text| text.put_seconds(self.0));
        let text = text.as_str().to_owned();
        let exact = RawValue::from_string(text).map_err(S::Error::custom)?;
        exact.serialize(serializer)
    }
}

/// A value serialised as the string that `Display` writes.
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
    fn times_are_exact_in_json_by_any_serializer() {
        for (nanoseconds, seconds) in [
            (1_600_000_000_000_000_001, "1600000000.000000001"),
            (i64::MAX, "9223372036.854775807"),
            (i64::MIN, "-9223372036.854775808"),
            (-1, "-0.000000001"),
            (0, "0.000000000"),
        ] {
            let time = Decimal(nanoseconds);
            assert_eq!(json(&time), seconds);
            assert_eq!(
                serde_json::to_string(&[time]).unwrap(),
                format!("[{seconds}]")
            );
            let value = serde_json::to_value(time).unwrap().as_f64().unwrap();
            assert!((value - nanoseconds as f64 / 1e9).abs() < 1e-6);
        }
    }
}
