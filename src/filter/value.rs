//! The types and values of fields: their order, and how they are printed.

use std::cmp::Ordering;
use std::fmt;
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use jiff::tz::TimeZone;

use crate::capture::{Seconds, Timestamp};
use crate::text::ascii::Ascii;
use crate::text::escape::{EscapedOctets, Hex};
use crate::text::swar::is_printable;

/// How a number is printed, as in Wireshark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Base {
    /// Decimal.
    Decimal,
    /// Hexadecimal with `0x`, padded to the field's width.
    Hex,
    /// Its name in the field's [`names`](super::Field::names), or decimal if it has none.
    Name,
}

/// The type of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldType {
    /// A label is present or absent, and has no value.
    Label,
    /// Unsigned number with so many bits.
    Number(u8, Base),
    /// Signed number.
    Signed,
    /// Floating-point number.
    Float,
    /// True or false.
    Bool,
    /// IPv4 address.
    V4,
    /// IPv6 address.
    V6,
    /// Text.
    Text,
    /// Bytes.
    Bytes,
    /// A protocol: its header and the bytes after it.
    Protocol,
    /// Point in time.
    Time,
    /// Duration in seconds.
    Span,
}

impl FieldType {
    /// The type's name for people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Label => "label",
            Self::Number(..) => "number",
            Self::Signed => "signed number",
            Self::Float => "floating-point number",
            Self::Bool => "boolean",
            Self::V4 => "IPv4 address",
            Self::V6 => "IPv6 address",
            Self::Text => "text",
            Self::Bytes => "bytes",
            Self::Protocol => "protocol",
            Self::Time => "time",
            Self::Span => "seconds",
        }
    }

    /// Whether values are bytes, which can be searched and sliced.
    #[must_use]
    pub const fn is_octets(self) -> bool {
        matches!(self, Self::Text | Self::Bytes | Self::Protocol)
    }

    /// Whether values are whole numbers.
    #[must_use]
    pub const fn is_number(self) -> bool {
        matches!(self, Self::Number(..) | Self::Signed)
    }
}

/// A floating-point number. NaN is neither less than, nor greater than, nor equal to any.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Real(pub f64);

/// Lets filters be compared with each other. Two that name NaN count as different.
impl Eq for Real {}

/// A value of a field. Addresses have a mask, which has only ones except in a filter's constants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value<'a> {
    /// A label that is there.
    Present,
    /// A number.
    Number(i64),
    /// A floating-point number.
    Float(Real),
    /// True or false.
    Bool(bool),
    /// An IPv4 address and its mask.
    V4(u32, u32),
    /// An IPv6 address and its mask.
    V6(u128, u128),
    /// Text from the wire, which may not be UTF-8.
    Text(&'a [u8]),
    /// Bytes.
    Bytes(&'a [u8]),
    /// A protocol's header with the bytes after it, and the length of the header.
    Protocol(&'a [u8], usize),
    /// A point in time.
    Time(Timestamp),
    /// A duration in nanoseconds.
    Span(i64),
}

impl From<IpAddr> for Value<'_> {
    fn from(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => Self::V4(address.to_bits(), u32::MAX),
            IpAddr::V6(address) => Self::V6(address.to_bits(), u128::MAX),
        }
    }
}

impl<'a> Value<'a> {
    /// The bytes of text, bytes, or a protocol's header, which slices are taken from.
    #[must_use]
    pub fn octets(self) -> Option<&'a [u8]> {
        match self {
            Self::Text(octets) | Self::Bytes(octets) => Some(octets),
            Self::Protocol(octets, header) => Some(&octets[..header.min(octets.len())]),
            _ => None,
        }
    }

    /// The bytes that `contains` and `matches` search: as [`octets`](Self::octets), but with those after a protocol's header.
    #[must_use]
    pub fn searched(self) -> Option<&'a [u8]> {
        match self {
            Self::Protocol(octets, _) => Some(octets),
            other => other.octets(),
        }
    }

    /// The value as a number, for arithmetic; a duration in nanoseconds.
    #[must_use]
    pub fn number(self) -> Option<i64> {
        match self {
            Self::Number(number) => Some(number),
            Self::Bool(flag) => Some(i64::from(flag)),
            Self::Span(nanoseconds) => Some(nanoseconds),
            _ => None,
        }
    }

    /// The order of this value and `other`; `None` if they cannot be compared.
    #[must_use]
    pub fn order(self, other: Value<'_>) -> Option<Ordering> {
        use Value::{Bool, Float, Number, Span, Time, V4, V6};
        match (self, other) {
            (Number(a), Number(b)) | (Span(a), Span(b)) => Some(a.cmp(&b)),
            (Bool(a), Bool(b)) => Some(a.cmp(&b)),
            (Float(a), Float(b)) => a.partial_cmp(&b),
            (Time(a), Time(b)) => Some(a.cmp(&b)),
            (V4(a, mask_a), V4(b, mask_b)) => {
                let mask = mask_a & mask_b;
                Some((a & mask).cmp(&(b & mask)))
            }
            (V6(a, mask_a), V6(b, mask_b)) => {
                let mask = mask_a & mask_b;
                Some((a & mask).cmp(&(b & mask)))
            }
            _ => Some(self.octets()?.cmp(other.octets()?)),
        }
    }

    /// The value as tshark prints it for a field of this type, with control characters in text escaped.
    #[must_use]
    pub const fn shown(self, kind: FieldType, names: &'static [(i64, &'static str)]) -> Shown<'a> {
        Shown {
            value: self,
            kind,
            names,
        }
    }
}

/// Displays a value as tshark prints it.
#[derive(Debug, Clone, Copy)]
pub struct Shown<'a> {
    value: Value<'a>,
    kind: FieldType,
    names: &'static [(i64, &'static str)],
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.value {
            Value::Present => f.write_str("1"),
            Value::Number(number) => match self.kind {
                FieldType::Number(bits, Base::Hex) => {
                    write!(
                        f,
                        "0x{number:0width$x}",
                        width = usize::from(bits).div_ceil(4)
                    )
                }
                FieldType::Number(_, Base::Name) => match name_of(self.names, number) {
                    Some(name) => f.write_str(name),
                    None => number.fmt(f),
                },
                _ => number.fmt(f),
            },
            Value::Float(Real(number)) => number.fmt(f),
            Value::Bool(flag) => u8::from(flag).fmt(f),
            Value::V4(bits, _) => Ipv4Addr::from_bits(bits).fmt(f),
            Value::V6(bits, _) => Ipv6Addr::from_bits(bits).fmt(f),
            Value::Text(octets) => EscapedOctets(octets).fmt(f),
            Value::Bytes(octets) | Value::Protocol(octets, _) => Hex(octets).fmt(f),
            Value::Time(time) => local(f, time),
            Value::Span(nanoseconds) => Seconds(nanoseconds).fmt(f),
        }
    }
}

impl Shown<'_> {
    /// Appends the printed form, without a format string where it is a usual value.
    #[inline]
    pub fn put(&self, out: &mut Vec<u8>) {
        let short = match (self.value, self.kind) {
            (Value::Number(number @ 0..), FieldType::Number(_, Base::Decimal)) => {
                Ascii::of(|text| text.put_number(number.cast_unsigned()))
            }
            (Value::V4(bits, _), _) => Ascii::of(|text| text.put_ipv4(Ipv4Addr::from_bits(bits))),
            (Value::Span(nanoseconds), _) => Ascii::of(|text| text.put_seconds(nanoseconds)),
            (Value::Text(octets), _) if is_printable(octets) && !octets.contains(&b'\\') => {
                return out.extend_from_slice(octets);
            }
            // Writing to memory does not fail.
            _ => return drop(write!(out, "{self}")),
        };
        out.extend_from_slice(short.as_bytes());
    }
}

fn name_of(names: &'static [(i64, &'static str)], number: i64) -> Option<&'static str> {
    let found = names.iter().find(|(value, _)| *value == number);
    found.map(|(_, name)| *name)
}

/// Writes a time in the local zone: `Jan 15, 2024 10:00:00.000000000 UTC`.
fn local(f: &mut fmt::Formatter<'_>, time: Timestamp) -> fmt::Result {
    let Ok(instant) = jiff::Timestamp::from_nanosecond(i128::from(time.0)) else {
        return write!(f, "{time}");
    };
    let zoned = instant.to_zoned_datetime(TimeZone::system());
    write!(f, "{}", zoned.strftime("%b %e, %Y %H:%M:%S.%9f %Z"))
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn shown(value: Value<'_>, kind: FieldType) -> String {
        value.shown(kind, &[(3, "three")]).to_string()
    }

    proptest! {
        #[test]
        fn what_is_appended_is_what_is_printed(
            octets in prop_oneof!["[ -~]{0,9}".prop_map(String::into_bytes), vec(any::<u8>(), 0..9)],
            number in prop_oneof![0..5i64, any::<i64>()],
            bits in any::<u32>(),
        ) {
            use Base::{Decimal, Hex, Name};
            let kinds = [Decimal, Hex, Name].map(|base| FieldType::Number(16, base));
            let others = [Value::V4(bits, 0), Value::Text(&octets), Value::Bytes(&octets), Value::Span(number)];
            let numbers = kinds.map(|kind| (Value::Number(number), kind));
            let all = others.map(|value| (value, FieldType::Signed)).into_iter().chain(numbers);
            for (value, kind) in all.chain([(Value::Number(number), FieldType::Signed)]) {
                let mut put = Vec::new();
                value.shown(kind, &[(3, "three")]).put(&mut put);
                prop_assert_eq!(String::from_utf8(put).unwrap(), shown(value, kind));
            }
        }
    }

    #[test]
    fn values_are_printed_as_tshark_prints_them() {
        assert_eq!(
            shown(Value::Number(2), FieldType::Number(12, Base::Hex)),
            "0x002"
        );
        assert_eq!(
            shown(Value::Number(3), FieldType::Number(8, Base::Name)),
            "three"
        );
        assert_eq!(
            shown(Value::Number(4), FieldType::Number(8, Base::Name)),
            "4"
        );
        assert_eq!(shown(Value::Bool(true), FieldType::Bool), "1");
        assert_eq!(shown(Value::Bytes(&[0, 0x3a]), FieldType::Bytes), "003a");
        assert_eq!(shown(Value::Span(-1), FieldType::Span), "-0.000000001");
        let v6 = Value::from(IpAddr::from(Ipv6Addr::LOCALHOST));
        assert_eq!(shown(v6, FieldType::V6), "::1");
    }

    #[test]
    fn nothing_of_the_wire_reaches_a_terminal_raw() {
        let text = Value::Text(b"a\x1b[31m\xff\n\xe2\x80\xae");
        assert_eq!(
            shown(text, FieldType::Text),
            "a\\u{1b}[31m\u{fffd}\\n\\u{202e}"
        );
    }

    #[test]
    fn masks_of_addresses_count_in_comparisons() {
        let net = Value::V4(0x7f00_0000, 0xff00_0000);
        assert_eq!(
            Value::V4(0x7f01_0203, u32::MAX).order(net),
            Some(Ordering::Equal)
        );
        assert_eq!(
            Value::V4(0x8001_0203, u32::MAX).order(net),
            Some(Ordering::Greater)
        );
        assert_eq!(Value::Number(1).order(net), None);
    }
}
