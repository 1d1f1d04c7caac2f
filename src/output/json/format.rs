//! How JSON is written: compact, times as exact decimals, and nothing in it that a terminal obeys.

#![expect(
    clippy::cast_possible_truncation,
    reason = "nanoseconds, which fit 64 bits"
)]

use std::io::{self, Write};
use std::net::IpAddr;

use arrayvec::ArrayString;
use serde::{Serialize, Serializer};
use serde_json::ser::Formatter;

use crate::capture::Timestamp;
use crate::packet::Endpoint;
use crate::text::escape::write_json_fragment;

/// Compact JSON in which characters that JSON would allow, but a terminal obeys, are `\u` escapes,
/// and in which a [`Decimal`] is written as such.
pub(in crate::output) struct TerminalSafe;

impl Formatter for TerminalSafe {
    fn write_string_fragment<W>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()>
    where
        W: ?Sized + Write,
    {
        write_json_fragment(writer, fragment)
    }

    /// No other signed value here has 128 bits: it is a [`Decimal`]'s nanoseconds, which fit 64.
    fn write_i128<W>(&mut self, writer: &mut W, value: i128) -> io::Result<()>
    where
        W: ?Sized + Write,
    {
        const SECOND: u64 = Timestamp::SECOND.unsigned_abs();
        let nanoseconds = value.unsigned_abs() as u64;
        let (seconds, mut rest) = (nanoseconds / SECOND, (nanoseconds % SECOND) as u32);
        let mut decimals = *b".000000000";
        for decimal in decimals[1..].iter_mut().rev() {
            *decimal += (rest % 10) as u8;
            rest /= 10;
        }
        if value < 0 {
            writer.write_all(b"-")?;
        }
        writer.write_all(itoa::Buffer::new().format(seconds).as_bytes())?;
        writer.write_all(&decimals)
    }

    /// No other unsigned value here has 128 bits: it is the number of a [`ShownEndpoint`], in which
    /// there is nothing to escape.
    fn write_u128<W>(&mut self, writer: &mut W, value: u128) -> io::Result<()>
    where
        W: ?Sized + Write,
    {
        let mut text = ArrayString::<{ ENDPOINT + 2 }>::new();
        for part in ["\"", &endpoint_of(value), "\""] {
            text.push_str(part);
        }
        writer.write_all(text.as_bytes())
    }
}

/// Bytes of an IPv4 address and port as text: four numbers of three digits, four signs, five digits.
const ENDPOINT: usize = 4 * 3 + 4 + 5;

/// The text of a [`ShownEndpoint`]'s number.
pub(in crate::output) fn endpoint_of(value: u128) -> ArrayString<ENDPOINT> {
    let [.., a, b, c, d, high, low] = value.to_be_bytes();
    let mut text = ArrayString::new();
    let mut digits = itoa::Buffer::new();
    for (sign, octet) in ["", ".", ".", "."].into_iter().zip([a, b, c, d]) {
        text.push_str(sign);
        text.push_str(digits.format(octet));
    }
    text.push(':');
    text.push_str(digits.format(u16::from_be_bytes([high, low])));
    text
}

/// Nanoseconds written as a JSON number of seconds with nine decimals, exactly; by
/// [`TerminalSafe`] only.
#[derive(Debug, Clone, Copy)]
pub(in crate::output) struct Decimal(pub i64);

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i128(i128::from(self.0))
    }
}

/// An endpoint as it is shown, by [`TerminalSafe`] only: every message has two, and the general way
/// of writing one takes four times as long.
#[derive(Debug, Clone, Copy)]
pub(in crate::output) struct ShownEndpoint(pub Endpoint);

impl Serialize for ShownEndpoint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let IpAddr::V4(v4) = self.0.address else {
            return serializer.collect_str(&self.0);
        };
        serializer.serialize_u128(u128::from(v4.to_bits()) << u16::BITS | u128::from(self.0.port))
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
                assert_eq!(json(&ShownEndpoint(end)), format!("\"{end}\""));
            }
        }
    }

    #[test]
    fn times_are_exact() {
        assert_eq!(
            json(&Decimal(1_600_000_000_000_000_001)),
            "1600000000.000000001"
        );
        assert_eq!(json(&Decimal(i64::MIN)), "-9223372036.854775808");
        assert_eq!(json(&Decimal(-1)), "-0.000000001");
    }
}
