//! Appends numbers, times and addresses to text, several times as fast as a format string. It is for lines of which a
//! capture has millions.

use std::fmt::{self, Write as _};
use std::net::IpAddr;

use super::ascii::Ascii;
use super::escape::EscapedOctets;
use super::swar::is_printable;

/// `00` to `99`, joined.
const DECIMAL_PAIRS: &str = pairs(&pair_octets::<200>(b"0123456789"));
const SPACES: &str = "                                ";
const HEX_DIGITS: &str = "0123456789abcdef";
/// `00` to `ff`, joined.
const HEX_PAIRS: &str = pairs(&pair_octets::<512>(HEX_DIGITS.as_bytes()));

const fn pair_octets<const LEN: usize>(digits: &[u8]) -> [u8; LEN] {
    let mut octets = [0; LEN];
    let mut at = 0;
    while at < LEN / 2 {
        octets[2 * at] = digits[at / digits.len()];
        octets[2 * at + 1] = digits[at % digits.len()];
        at += 1;
    }
    octets
}

const fn pairs(octets: &[u8]) -> &str {
    match std::str::from_utf8(octets) {
        Ok(pairs) => pairs,
        Err(_) => panic!("digits are ASCII"),
    }
}

#[inline]
fn pair(out: &mut String, pairs: &str, number: usize) {
    out.push_str(&pairs[2 * number..2 * number + 2]);
}

/// Appends formatted text.
pub fn formatted(out: &mut String, text: fmt::Arguments<'_>) {
    // Writing to a string does not fail.
    let _ = out.write_fmt(text);
}

/// Appends a number.
#[inline]
pub fn number(out: &mut String, number: impl itoa::Integer) {
    out.push_str(itoa::Buffer::new().format(number));
}

/// Appends `count` spaces.
#[inline]
pub fn spaces(out: &mut String, mut count: usize) {
    while count > 0 {
        let some = count.min(SPACES.len());
        out.push_str(&SPACES[..some]);
        count -= some;
    }
}

/// Appends what `write` appends, aligned to the right in `columns` columns, at most 32. It must be ASCII.
#[inline]
pub fn right(out: &mut String, columns: usize, write: impl FnOnce(&mut String)) {
    let start = out.len();
    write(out);
    let missing = columns.saturating_sub(out.len() - start);
    if missing > 0 {
        out.insert_str(start, &SPACES[..missing.min(SPACES.len())]);
    }
}

/// Appends the last two digits of a number, padded with zeros.
#[inline]
pub fn two_digits(out: &mut String, number: u32) {
    pair(out, DECIMAL_PAIRS, (number % 100) as usize);
}

/// Appends the last four digits of a number, padded with zeros.
#[inline]
pub fn four_digits(out: &mut String, number: u32) {
    two_digits(out, number / 100);
    two_digits(out, number);
}

/// Appends nanoseconds as nine decimals.
#[inline]
pub fn nine_digits(out: &mut String, nanoseconds: u32) {
    four_digits(out, nanoseconds / 100_000);
    four_digits(out, nanoseconds / 10);
    number(out, nanoseconds % 10);
}

/// Appends nanoseconds as seconds with nine decimals.
#[inline]
pub fn seconds(out: &mut String, nanoseconds: i64) {
    out.push_str(Ascii::of(|text| text.put_seconds(nanoseconds)).as_str());
}

/// Appends a byte as two hexadecimal digits.
#[inline]
pub fn hex_octet(out: &mut String, octet: u8) {
    pair(out, HEX_PAIRS, octet.into());
}

/// Appends `0x` and the last `digits` hexadecimal digits of a number.
#[inline]
pub fn hex(out: &mut String, number: impl Into<u32>, digits: u32) {
    let number = number.into();
    out.push_str("0x");
    for digit in (0..digits).rev() {
        let digit = (number >> (4 * digit)) as usize & 0xf;
        out.push_str(&HEX_DIGITS[digit..=digit]);
    }
}

/// Appends an address.
#[inline]
pub fn address(out: &mut String, address: IpAddr) {
    match address {
        IpAddr::V4(v4) => out.push_str(Ascii::of(|text| text.put_ipv4(v4)).as_str()),
        IpAddr::V6(v6) => formatted(out, format_args!("{v6}")),
    }
}

/// Appends an address and a port.
#[inline]
pub fn endpoint(out: &mut String, ip: IpAddr, port: u16) {
    match ip {
        IpAddr::V4(v4) => out.push_str(Ascii::of(|text| text.put_ipv4_endpoint(v4, port)).as_str()),
        IpAddr::V6(v6) => formatted(out, format_args!("[{v6}]:{port}")),
    }
}

/// Appends bytes that should be text, as [`EscapedOctets`] does.
#[inline]
pub fn escaped(out: &mut String, octets: &[u8]) {
    match std::str::from_utf8(octets) {
        Ok(text) if is_printable(octets) && !octets.contains(&b'\\') => out.push_str(text),
        _ => formatted(out, format_args!("{}", EscapedOctets(octets))),
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use proptest::prelude::*;

    use super::*;

    fn put(write: impl FnOnce(&mut String)) -> String {
        let mut out = String::from("x");
        write(&mut out);
        out.remove(0);
        out
    }

    proptest! {
        #[test]
        fn everything_reads_as_a_format_string_writes_it(
            any in any::<u32>(),
            octets in any::<[u8; 16]>(),
            text in prop_oneof![
                "[ -~]{0,20}".prop_map(String::into_bytes),
                proptest::collection::vec(any::<u8>(), 0..20),
            ],
            span in any::<i64>(),
        ) {
            prop_assert_eq!(put(|out| number(out, any)), any.to_string());
            prop_assert_eq!(put(|out| right(out, 8, |out| number(out, any))), format!("{any:>8}"));
            prop_assert_eq!(put(|out| spaces(out, octets.len() * 3)), " ".repeat(48));
            prop_assert_eq!(put(|out| two_digits(out, any)), format!("{:02}", any % 100));
            prop_assert_eq!(put(|out| four_digits(out, any)), format!("{:04}", any % 10_000));
            let nanoseconds = any % 1_000_000_000;
            prop_assert_eq!(put(|out| nine_digits(out, nanoseconds)), format!("{nanoseconds:09}"));
            prop_assert_eq!(put(|out| hex_octet(out, octets[0])), format!("{:02x}", octets[0]));
            let half = u16::from_be_bytes([octets[0], octets[1]]);
            prop_assert_eq!(put(|out| hex(out, half, 4)), format!("{half:#06x}"));
            let all = span.unsigned_abs();
            let sign = if span < 0 { "-" } else { "" };
            let shown = format!("{sign}{}.{:09}", all / 1_000_000_000, all % 1_000_000_000);
            prop_assert_eq!(put(|out| seconds(out, span)), shown);
            let v4 = IpAddr::from([octets[0], octets[1], octets[2], octets[3]]);
            for ip in [v4, IpAddr::from(octets)] {
                prop_assert_eq!(put(|out| address(out, ip)), ip.to_string());
                prop_assert_eq!(put(|out| endpoint(out, ip, half)), SocketAddr::new(ip, half).to_string());
            }
            prop_assert_eq!(put(|out| escaped(out, &text)), EscapedOctets(&text).to_string());
        }
    }
}
