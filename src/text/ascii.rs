//! Numbers, times and addresses as ASCII, on the stack.
//!
//! A line of output has a dozen of them. Format strings take several times as long. Digits from `itoa` must be copied, and a copy of
//! a few bytes costs more than making them. Here eight digits at a time are made and stored as one word.

#![expect(
    clippy::cast_possible_truncation,
    reason = "single digits, and how many"
)]

use std::net::Ipv4Addr;

const WORD: usize = size_of::<u64>();

/// Text for one value: room for some punctuation and the longest value, an address with its port, of 21 bytes.
pub type Ascii = AsciiText<64>;

/// A number below 256 as decimal digits.
#[derive(Clone, Copy)]
struct Octet {
    /// The digits and a dot behind them, as it follows in an address.
    dotted: [u8; 4],
    /// How many digits there are.
    len: u8,
}

/// The digits of 0 to 255.
const OCTETS: [Octet; 256] = {
    let none = Octet {
        dotted: [b'.'; 4],
        len: 0,
    };
    let mut all = [none; 256];
    let mut number = 0;
    while number < all.len() {
        let digits = [number / 100, number / 10 % 10, number % 10];
        let len = if number > 99 {
            3
        } else if number > 9 {
            2
        } else {
            1
        };
        let mut at = 0;
        while at < len {
            all[number].dotted[at] = b'0' + digits[3 - len + at] as u8;
            at += 1;
        }
        all[number].len = len as u8;
        number += 1;
    }
    all
};

/// The least number that has more than eight digits.
const EIGHT_DIGITS: u64 = 100_000_000;

/// Eight decimal digits of a number below [`EIGHT_DIGITS`], the first in the lowest byte, each as its value.
const fn eight_digits(number: u64) -> u64 {
    // Each step splits every number in two: one of eight digits into fours, those into twos, those into single digits. A
    // multiplication and a shift divide exactly numbers that are so small.
    let fours = (number / 10_000) | (number % 10_000) << 32;
    let hundreds = ((fours * 5243) >> 19) & 0x0000_007f_0000_007f;
    let twos = hundreds | (fours - hundreds * 100) << 16;
    let tens = ((twos * 103) >> 10) & 0x000f_000f_000f_000f;
    tens | (twos - tens * 10) << 8
}

/// Text of less than `ROOM` bytes, put together on the stack. Words are stored whole, so that some bytes behind a number are
/// written as well and need room.
///
/// # Panics
///
/// Whatever appends to it panics if there is no room for that.
#[derive(Debug, Clone, Copy)]
pub struct AsciiText<const ROOM: usize> {
    octets: [u8; ROOM],
    len: usize,
}

impl<const ROOM: usize> Default for AsciiText<ROOM> {
    #[inline]
    fn default() -> Self {
        Self {
            octets: [0; ROOM],
            len: 0,
        }
    }
}

impl<const ROOM: usize> AsciiText<ROOM> {
    /// What `put` appends to nothing.
    #[must_use]
    #[inline]
    pub fn of(put: impl FnOnce(&mut Self)) -> Self {
        let mut text = Self::default();
        put(&mut text);
        text
    }

    /// How many bytes can be appended.
    #[must_use]
    #[inline]
    pub const fn room(&self) -> usize {
        ROOM - self.len
    }

    /// Removes the text.
    #[inline]
    pub const fn clear(&mut self) {
        self.len = 0;
    }

    /// Appends a text, which must be ASCII.
    #[inline]
    pub fn put_text(&mut self, text: &str) {
        self.put_octets(text.as_bytes());
    }

    /// Appends characters of ASCII.
    #[inline]
    pub fn put_octets(&mut self, octets: &[u8]) {
        self.octets[self.len..self.len + octets.len()].copy_from_slice(octets);
        self.len += octets.len();
    }

    /// Appends several texts, which must be ASCII. Those that are known at compile time are stored as a few words.
    #[inline]
    pub fn put_all<const N: usize>(&mut self, texts: [&str; N]) {
        let len: usize = texts.iter().map(|text| text.len()).sum();
        let mut to = &mut self.octets[self.len..self.len + len];
        for text in texts {
            let (here, behind) = to.split_at_mut(text.len());
            here.copy_from_slice(text.as_bytes());
            to = behind;
        }
        self.len += len;
    }

    /// Appends an ASCII character.
    #[inline]
    pub fn put(&mut self, octet: u8) {
        self.octets[self.len] = octet;
        self.len += 1;
    }

    /// Appends a decimal number.
    #[inline(always)]
    #[allow(
        clippy::inline_always,
        reason = "a call takes as long as a small number"
    )]
    pub fn put_number(&mut self, number: u64) {
        if let Ok(octet) = u8::try_from(number) {
            self.put_octet(octet);
        } else if number < EIGHT_DIGITS {
            let leading = eight_digits(number).trailing_zeros() / u8::BITS;
            self.put_digits(number, leading.min(7));
        } else {
            self.put_long_number(number);
        }
    }

    #[inline(never)]
    fn put_long_number(&mut self, number: u64) {
        self.put_number(number / EIGHT_DIGITS);
        self.put_digits(number % EIGHT_DIGITS, 0);
    }

    /// Appends nanoseconds as seconds with nine decimals.
    pub fn put_seconds(&mut self, nanoseconds: i64) {
        const SECOND: u64 = 1_000_000_000;
        if nanoseconds < 0 {
            self.put(b'-');
        }
        let nanoseconds = nanoseconds.unsigned_abs();
        self.put_number(nanoseconds / SECOND);
        self.put(b'.');
        let decimals = nanoseconds % SECOND;
        self.put_digits(decimals / 10, 0);
        self.put(b'0' + (decimals % 10) as u8);
    }

    /// Appends an IPv4 address.
    pub fn put_ipv4(&mut self, address: Ipv4Addr) {
        for octet in address.octets() {
            self.put_octet(octet);
            // The dot is there already.
            self.len += 1;
        }
        self.len -= 1;
    }

    /// Appends an IPv4 address and a port.
    pub fn put_ipv4_endpoint(&mut self, address: Ipv4Addr, port: u16) {
        self.put_ipv4(address);
        self.put(b':');
        self.put_number(port.into());
    }

    /// The text's bytes.
    #[must_use]
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        &self.octets[..self.len]
    }

    /// The text.
    #[must_use]
    #[inline]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    /// Appends a number, and writes a dot behind it.
    #[inline]
    fn put_octet(&mut self, octet: u8) {
        let Octet { dotted, len } = OCTETS[usize::from(octet)];
        self.octets[self.len..self.len + dotted.len()].copy_from_slice(&dotted);
        self.len += usize::from(len);
    }

    /// Appends eight digits of a number below [`EIGHT_DIGITS`], without so many at their start.
    #[inline]
    fn put_digits(&mut self, number: u64, without: u32) {
        const ZEROS: u64 = u64::from_ne_bytes([b'0'; WORD]);
        let digits = (eight_digits(number) | ZEROS) >> (without * u8::BITS);
        self.octets[self.len..self.len + WORD].copy_from_slice(&digits.to_le_bytes());
        self.len += WORD - without as usize;
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddrV4;

    use proptest::prelude::*;

    use super::*;

    fn assert_all_alike(number: u64, port: u16) {
        let put = |put: &dyn Fn(&mut Ascii)| Ascii::of(put).as_str().to_owned();
        assert_eq!(put(&|text| text.put_number(number)), number.to_string());
        let nanoseconds = number.cast_signed();
        let all = nanoseconds.unsigned_abs();
        let sign = if nanoseconds < 0 { "-" } else { "" };
        let shown = format!("{sign}{}.{:09}", all / 1_000_000_000, all % 1_000_000_000);
        assert_eq!(put(&|text| text.put_seconds(nanoseconds)), shown);
        let address = Ipv4Addr::from_bits(number as u32);
        assert_eq!(put(&|text| text.put_ipv4(address)), address.to_string());
        let end = SocketAddrV4::new(address, port).to_string();
        let whole = |text: &mut Ascii| {
            text.put_text("an end: ");
            text.put_ipv4_endpoint(address, port);
        };
        assert_eq!(put(&whole), format!("an end: {end}"));
    }

    #[test]
    fn borders_read_as_a_format_string_writes_them() {
        for digits in 0..20 {
            let power = 10u64.pow(digits);
            for number in [power - 1, power, power + 1, power.wrapping_mul(9)] {
                assert_all_alike(number, number as u16);
            }
        }
        assert_all_alike(u64::MAX, u16::MAX);
        assert_all_alike(i64::MIN.cast_unsigned(), 0);
    }

    proptest! {
        #[test]
        fn everything_reads_as_a_format_string_writes_it(
            bits in any::<u64>(),
            shift in 0..64u32,
            port in any::<u16>(),
        ) {
            assert_all_alike(bits >> shift, port);
        }
    }
}
