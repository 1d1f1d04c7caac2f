//! The format of JSON: compact, with times as exact decimals, and without control characters for terminals.

#![expect(
    clippy::cast_precision_loss,
    reason = "seconds for serializers that have no exact decimals"
)]

use std::io::{self, Write};
use std::net::IpAddr;

use arrayvec::ArrayString;
use serde::ser::Error as _;
use serde::{Serialize, Serializer};
use serde_json::ser::Formatter;
use serde_json::value::RawValue;

use crate::capture::Timestamp;
use crate::packet::Endpoint;
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

/// Appends an endpoint as text. Every message has two, and `Display` takes four times as long.
pub(in crate::output) fn endpoint(out: &mut Vec<u8>, endpoint: Endpoint) {
    let IpAddr::V4(v4) = endpoint.address else {
        // Writing to memory does not fail.
        let _ = write!(out, "{endpoint}");
        return;
    };
    let mut digits = itoa::Buffer::new();
    for (sign, octet) in ["", ".", ".", "."].into_iter().zip(v4.octets()) {
        out.extend_from_slice(sign.as_bytes());
        out.extend_from_slice(digits.format(octet).as_bytes());
    }
    out.push(b':');
    out.extend_from_slice(digits.format(endpoint.port).as_bytes());
}

/// Length of the longest [`decimal`] in bytes.
const DECIMAL: usize = "-9223372036.854775808".len();

/// Nanoseconds as seconds with nine decimals.
pub(in crate::output) fn decimal(nanoseconds: i64) -> ArrayString<DECIMAL> {
    const SECOND: u64 = Timestamp::SECOND.unsigned_abs();
    let all = nanoseconds.unsigned_abs();
    let (seconds, mut rest) = (all / SECOND, all % SECOND);
    let mut digits = [b'0'; 9];
    for digit in digits.iter_mut().rev() {
        *digit += u8::try_from(rest % 10).unwrap_or_default();
        rest /= 10;
    }
    let mut text = ArrayString::new();
    text.push_str(if nanoseconds < 0 { "-" } else { "" });
    text.push_str(itoa::Buffer::new().format(seconds));
    text.push('.');
    text.push_str(std::str::from_utf8(&digits).unwrap_or_default());
    text
}

/// Nanoseconds, serialised as seconds: as an exact [`decimal`] in JSON, as floating point in binary formats.
#[derive(Debug, Clone, Copy)]
pub(in crate::output) struct Decimal(pub i64);

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !serializer.is_human_readable() {
            return serializer.serialize_f64(self.0 as f64 / 1e9);
        }
        let text = decimal(self.0).as_str().to_owned();
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
    fn endpoints_are_written_as_they_are_shown() {
        for address in [
            "0.0.0.0",
            "255.255.255.255",
            "127.0.0.1",
            "::1",
            "2001:db8::1",
        ] {
            for port in [0, 8888, u16::MAX] {
                let address = address.parse().unwrap();
                let end = Endpoint { address, port };
                let mut written = Vec::new();
                endpoint(&mut written, end);
                assert_eq!(String::from_utf8(written).unwrap(), end.to_string());
            }
        }
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
