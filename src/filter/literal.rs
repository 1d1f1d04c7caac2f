//! Parses the values in a filter, by the type of the field that they are compared with.

use std::net::{Ipv4Addr, Ipv6Addr};

use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;

use super::value::{FieldType, Real, Value};
use crate::capture::Timestamp;

/// A value from a filter's text. Addresses have a mask; a span is in nanoseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Constant {
    Number(i64),
    Float(Real),
    Bool(bool),
    V4(u32, u32),
    V6(u128, u128),
    Text(Vec<u8>),
    Bytes(Vec<u8>),
    Time(Timestamp),
    Span(i64),
}

impl Constant {
    pub fn value(&self) -> Value<'_> {
        match self {
            Self::Number(number) => Value::Number(*number),
            Self::Float(number) => Value::Float(*number),
            Self::Bool(flag) => Value::Bool(*flag),
            Self::V4(bits, mask) => Value::V4(*bits, *mask),
            Self::V6(bits, mask) => Value::V6(*bits, *mask),
            Self::Text(octets) => Value::Text(octets),
            Self::Bytes(octets) => Value::Bytes(octets),
            Self::Time(time) => Value::Time(*time),
            Self::Span(nanoseconds) => Value::Span(*nanoseconds),
        }
    }
}

/// Parses a word without quotes. `names`: the names of the field's values.
///
/// # Errors
///
/// A clause that says what is wrong.
pub(super) fn word(
    word: &str,
    kind: FieldType,
    names: &[(i64, &'static str)],
) -> Result<Constant, String> {
    match kind {
        FieldType::Number(bits, _) => number_of(word, bits, names).map(Constant::Number),
        FieldType::Signed => number(word).map(Constant::Number),
        FieldType::Float => float(word).map(Constant::Float),
        FieldType::Bool => boolean(word).map(Constant::Bool),
        FieldType::V4 => v4(word),
        FieldType::V6 => v6(word),
        FieldType::Text => Ok(Constant::Text(word.as_bytes().to_vec())),
        FieldType::Bytes | FieldType::Protocol => bytes(word).map(Constant::Bytes),
        FieldType::Time => time(word).map(Constant::Time),
        FieldType::Span => span(word).map(Constant::Span),
        FieldType::Label => Err(format!("\"{word}\" cannot be compared with a label")),
    }
}

/// Parses a quoted string. `names`: the names of the field's values.
///
/// # Errors
///
/// A clause that says what is wrong.
pub(super) fn text(
    octets: &[u8],
    kind: FieldType,
    names: &[(i64, &'static str)],
) -> Result<Constant, String> {
    if kind.is_octets() {
        return Ok(Constant::Text(octets.to_vec()));
    }
    let shown = String::from_utf8_lossy(octets);
    match kind {
        FieldType::Time => time(&shown).map(Constant::Time),
        FieldType::Number(..) if !names.is_empty() => name(&shown, names).map(Constant::Number),
        _ => Err(format!(
            "a string cannot be compared with a {}; write the value without quotes",
            kind.name()
        )),
    }
}

fn name(word: &str, names: &[(i64, &'static str)]) -> Result<i64, String> {
    let found = names
        .iter()
        .find(|(_, name)| name.eq_ignore_ascii_case(word));
    found.map(|(number, _)| *number).ok_or_else(|| {
        let all: Vec<&str> = names.iter().map(|(_, name)| *name).collect();
        format!("\"{word}\" is none of the names here: {}", all.join(", "))
    })
}

/// Parses a decimal number with an optional fraction and exponent.
fn float(word: &str) -> Result<Real, String> {
    match word.parse() {
        Ok(number) => Ok(Real(number)),
        Err(_) => Err(format!("\"{word}\" is not a number")),
    }
}

/// Parses a number: decimal, hexadecimal (`0x`), binary (`0b`) or octal (`0`).
pub(super) fn number(word: &str) -> Result<i64, String> {
    let (negative, digits) = match word.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, word),
    };
    let lower = digits.to_ascii_lowercase();
    let (radix, digits) = if let Some(digits) = lower.strip_prefix("0x") {
        (16, digits)
    } else if let Some(digits) = lower.strip_prefix("0b") {
        (2, digits)
    } else if lower.len() > 1 && lower.starts_with('0') {
        (8, &lower[1..])
    } else {
        (10, lower.as_str())
    };
    let plain = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_alphanumeric());
    match i64::from_str_radix(digits, radix) {
        Ok(number) if plain => Ok(if negative { -number } else { number }),
        _ => Err(format!("\"{word}\" is not a number")),
    }
}

fn number_of(word: &str, bits: u8, names: &[(i64, &'static str)]) -> Result<i64, String> {
    let starts_as_number = word.starts_with(|c: char| c.is_ascii_digit() || c == '-');
    if !names.is_empty() && !starts_as_number {
        return name(word, names);
    }
    let number = number(word)?;
    let most = (1i64 << bits.min(62)) - 1;
    if number < 0 {
        return Err(format!("{word} is negative, and the field never is"));
    }
    if number > most {
        return Err(format!(
            "{word} is too big for the field, which has {bits} bits: at most {most}"
        ));
    }
    Ok(number)
}

fn boolean(word: &str) -> Result<bool, String> {
    match word {
        "True" | "TRUE" | "true" => Ok(true),
        "False" | "FALSE" | "false" => Ok(false),
        _ => number(word)
            .map(|number| number != 0)
            .map_err(|_| format!("\"{word}\" is neither true (1) nor false (0)")),
    }
}

fn prefix(word: &str, most: u32) -> Result<(&str, u32), String> {
    let Some((address, bits)) = word.split_once('/') else {
        return Ok((word, most));
    };
    match bits.parse() {
        Ok(bits) if bits <= most => Ok((address, bits)),
        _ => Err(format!("\"{word}\" has a prefix longer than {most} bits")),
    }
}

fn v4(word: &str) -> Result<Constant, String> {
    let (address, bits) = prefix(word, 32)?;
    let address: Ipv4Addr = address
        .parse()
        .map_err(|_| format!("\"{word}\" is not an IPv4 address; names are not looked up"))?;
    let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
    Ok(Constant::V4(address.to_bits(), mask))
}

fn v6(word: &str) -> Result<Constant, String> {
    let (address, bits) = prefix(word, 128)?;
    let address: Ipv6Addr = address
        .parse()
        .map_err(|_| format!("\"{word}\" is not an IPv6 address; names are not looked up"))?;
    let mask = u128::MAX.checked_shl(128 - bits).unwrap_or(0);
    Ok(Constant::V6(address.to_bits(), mask))
}

/// Parses bytes: `aa:bb`, `aa-bb`, `aa.bb`, `aabb`, `0xaa`.
fn bytes(word: &str) -> Result<Vec<u8>, String> {
    let error = || {
        format!(
            "\"{word}\" is no run of bytes; write them as 0a:1b, or as a string in double quotes"
        )
    };
    let octet = |digits: &str| {
        let plain = matches!(digits.len(), 1 | 2) && digits.bytes().all(|d| d.is_ascii_hexdigit());
        u8::from_str_radix(digits, 16).ok().filter(|_| plain)
    };
    if let Some(digits) = word.strip_prefix("0x").or_else(|| word.strip_prefix("0X")) {
        return octet(digits).map(|octet| vec![octet]).ok_or_else(error);
    }
    let octets: Option<Vec<u8>> = if word.contains([':', '-', '.']) {
        word.split([':', '-', '.']).map(octet).collect()
    } else if word.len() <= 2 {
        octet(word).map(|octet| vec![octet])
    } else if word.len().is_multiple_of(2) && word.is_ascii() {
        let pairs = (0..word.len()).step_by(2);
        pairs.map(|at| octet(&word[at..at + 2])).collect()
    } else {
        None
    };
    octets.ok_or_else(error)
}

/// Parses seconds with up to nine decimals. Returns nanoseconds.
fn span(word: &str) -> Result<i64, String> {
    const DECIMALS: usize = 9;
    let error = || format!("\"{word}\" is not a time in seconds, such as 0.25");
    let (negative, digits) = match word.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, word),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let plain = |digits: &str| digits.bytes().all(|digit| digit.is_ascii_digit());
    if whole.is_empty() || !plain(whole) || !plain(fraction) || fraction.len() > DECIMALS {
        return Err(error());
    }
    let seconds: i64 = whole.parse().map_err(|_| error())?;
    let fraction: i64 = format!("{fraction:0<DECIMALS$}")
        .parse()
        .map_err(|_| error())?;
    let nanoseconds = seconds
        .checked_mul(Timestamp::SECOND)
        .and_then(|nanoseconds| nanoseconds.checked_add(fraction))
        .ok_or_else(error)?;
    Ok(if negative { -nanoseconds } else { nanoseconds })
}

/// Parses a time: `2024-01-15 10:00:00.5`, also with `T` for the space, or `Jan 15, 2024 10:00:00.5`. `Z`, ` UTC` or
/// `+01:00` may follow; without a zone it is local time.
fn time(word: &str) -> Result<Timestamp, String> {
    const ZONED: [&str; 4] = [
        "%Y-%m-%d %H:%M:%S%.f%:z",
        "%Y-%m-%d %H:%M:%S%.f%z",
        "%Y-%m-%d %H:%M%:z",
        "%Y-%m-%d %H:%M%z",
    ];
    const LOCAL: [&str; 5] = [
        "%Y-%m-%d %H:%M:%S%.f",
        "%Y-%m-%d %H:%M",
        "%Y-%m-%d",
        "%b %d, %Y %H:%M:%S%.f",
        "%b %d, %Y %H:%M",
    ];
    let error = || {
        format!(
            "\"{word}\" is not a point in time, such as \"2024-01-15 10:00:00\" or \"Jan 15, 2024 10:00:00\""
        )
    };
    let mut text = word.trim().to_owned();
    if text.len() > 10 && text.is_char_boundary(10) && text[10..].starts_with('T') {
        text.replace_range(10..11, " ");
    }
    let utc = ["Z", " UTC"]
        .into_iter()
        .find_map(|zone| text.strip_suffix(zone));
    let (text, zone) = match utc {
        Some(text) => (text.to_owned(), TimeZone::UTC),
        None => (text, TimeZone::system()),
    };
    let instant = ZONED
        .into_iter()
        .find_map(|format| jiff::Timestamp::strptime(format, &text).ok())
        .or_else(|| {
            LOCAL.into_iter().find_map(|format| {
                let broken = jiff::fmt::strtime::BrokenDownTime::parse(format, &text).ok()?;
                let time = broken.to_time().unwrap_or(Time::midnight());
                let local = DateTime::from_parts(broken.to_date().ok()?, time);
                zone.to_timestamp(local).ok()
            })
        })
        .ok_or_else(error)?;
    let nanoseconds = i64::try_from(instant.as_nanosecond()).map_err(|_| error())?;
    Ok(Timestamp(nanoseconds))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::value::Base;

    const NUMBER: FieldType = FieldType::Number(16, Base::Decimal);

    fn read(text: &str, kind: FieldType) -> Result<Constant, String> {
        word(text, kind, &[])
    }

    #[test]
    fn numbers_are_read_in_every_base_and_held_to_their_width() {
        for (text, number) in [
            ("10", 10),
            ("012", 10),
            ("0xa", 10),
            ("0b1010", 10),
            ("0", 0),
        ] {
            assert_eq!(read(text, NUMBER), Ok(Constant::Number(number)), "{text}");
        }
        for (text, why) in [
            ("99999", "at most 65535"),
            ("-1", "negative"),
            ("08", "not a number"),
            ("0x", "not a number"),
            ("--1", "not a number"),
            ("1.5", "not a number"),
        ] {
            let error = read(text, NUMBER).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
        let names = &[(1, "success")];
        assert_eq!(word("Success", NUMBER, names), Ok(Constant::Number(1)));
        assert!(word("no", NUMBER, names).unwrap_err().contains("success"));
    }

    #[test]
    fn addresses_have_prefixes() {
        assert_eq!(
            read("10.1.2.3/8", FieldType::V4),
            Ok(Constant::V4(0x0a01_0203, 0xff00_0000))
        );
        assert_eq!(read("0.0.0.0/0", FieldType::V4), Ok(Constant::V4(0, 0)));
        assert_eq!(read("::1", FieldType::V6), Ok(Constant::V6(1, u128::MAX)));
        assert_eq!(read("::/0", FieldType::V6), Ok(Constant::V6(0, 0)));
        assert!(
            read("1.2.3.4/33", FieldType::V4)
                .unwrap_err()
                .contains("32 bits")
        );
        assert!(
            read("localhost", FieldType::V4)
                .unwrap_err()
                .contains("looked up")
        );
    }

    #[test]
    fn octets_are_read_with_and_without_separators() {
        for text in ["0a:1b", "0a-1b", "a.1b", "0a1b"] {
            assert_eq!(
                read(text, FieldType::Bytes),
                Ok(Constant::Bytes(vec![10, 27])),
                "{text}"
            );
        }
        assert_eq!(
            read("0xff", FieldType::Bytes),
            Ok(Constant::Bytes(vec![255]))
        );
        for text in ["0x100", "abc", "zz", "aa:", "a:bbb"] {
            assert!(read(text, FieldType::Bytes).is_err(), "{text}");
        }
    }

    #[test]
    fn spans_are_exact_to_the_nanosecond() {
        assert_eq!(
            read("1.000000001", FieldType::Span),
            Ok(Constant::Span(1_000_000_001))
        );
        assert_eq!(
            read("-0.5", FieldType::Span),
            Ok(Constant::Span(-500_000_000))
        );
        for text in ["1e3", ".5", "0x1", "1.0000000001", "99999999999"] {
            assert!(read(text, FieldType::Span).is_err(), "{text}");
        }
    }

    #[test]
    fn times_are_read_in_both_forms_and_with_zones() {
        let at =
            |seconds: i64, nanoseconds| Ok(Constant::Time(Timestamp::new(seconds, nanoseconds)));
        for (text, seconds, nanoseconds) in [
            ("2024-01-15T10:00:00Z", 1_705_312_800, 0),
            ("2024-01-15 10:00:00.25 UTC", 1_705_312_800, 250_000_000),
            ("2024-01-15 11:00:00+01:00", 1_705_312_800, 0),
            ("2024-01-15 11:00:00.5+0100", 1_705_312_800, 500_000_000),
            ("Jan 15, 2024 10:00:00.5 UTC", 1_705_312_800, 500_000_000),
            ("2024-01-15 10:00Z", 1_705_312_800, 0),
        ] {
            assert_eq!(
                read(text, FieldType::Time),
                at(seconds, nanoseconds),
                "{text}"
            );
        }
        for text in ["10:00", "1705312800", "2024-13-01", "yesterday"] {
            assert!(read(text, FieldType::Time).is_err(), "{text}");
        }
    }
}
