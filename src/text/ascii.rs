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
    /// The digits and a dot behind them, as it follows in an address. The first is in the lowest byte.
    dotted: u32,
    /// How many digits there are.
    len: u32,
}

/// The digits of 0 to 255.
const OCTETS: [Octet; 256] = {
    let mut all = [Octet { dotted: 0, len: 0 }; 256];
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
        let mut dotted = [0; 4];
        let mut at = 0;
        while at < len {
            dotted[at] = b'0' + digits[3 - len + at] as u8;
            at += 1;
        }
        dotted[len] = b'.';
        all[number] = Octet {
            dotted: u32::from_le_bytes(dotted),
            len: len as u32,
        };
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
    pub fn of(put: impl FnOnce(&mut Pen<'_, ROOM>)) -> Self {
        let mut text = Self::default();
        text.append(put);
        text
    }

    /// Appends what `put` appends.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "as `Pen`'s functions")]
    pub fn append(&mut self, put: impl FnOnce(&mut Pen<'_, ROOM>)) {
        let mut pen = Pen {
            octets: &mut self.octets,
            len: self.len,
        };
        put(&mut pen);
        self.len = pen.len;
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
}

/// Appends to a text. It keeps the text's length itself, and its functions are inlined, so that the length stays in a
/// register; otherwise each function would have to load what the one before it has just stored.
#[derive(Debug)]
pub struct Pen<'t, const ROOM: usize> {
    octets: &'t mut [u8; ROOM],
    len: usize,
}

#[allow(
    clippy::inline_always,
    reason = "the length is to stay in a register, see above"
)]
impl<const ROOM: usize> Pen<'_, ROOM> {
    /// Appends a text, which must be ASCII.
    #[inline(always)]
    pub fn put_text(&mut self, text: &str) {
        self.put_octets(text.as_bytes());
    }

    /// Appends characters of ASCII.
    #[inline(always)]
    pub fn put_octets(&mut self, octets: &[u8]) {
        self.octets[self.len..self.len + octets.len()].copy_from_slice(octets);
        self.len += octets.len();
    }

    /// Appends several texts, which must be ASCII. Those that are known at compile time are stored as a few words.
    #[inline(always)]
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
    #[inline(always)]
    pub fn put(&mut self, octet: u8) {
        self.octets[self.len] = octet;
        self.len += 1;
    }

    /// Appends a decimal number.
    #[inline(always)]
    pub fn put_number(&mut self, number: u64) {
        if number < EIGHT_DIGITS {
            self.put_short_number(number);
        } else {
            self.len = put_long_number(self.octets, self.len, number);
        }
    }

    /// Appends nanoseconds as seconds with nine decimals.
    #[inline(always)]
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
    #[inline(always)]
    pub fn put_ipv4(&mut self, address: Ipv4Addr) {
        let [a, b, c, d] = address.octets().map(|octet| OCTETS[usize::from(octet)]);
        for [first, second] in [[a, b], [c, d]] {
            // Both with their dots are no longer than a word.
            let place = (first.len + 1) * u8::BITS;
            let word = u64::from(first.dotted) | u64::from(second.dotted) << place;
            self.put_word(word, (first.len + second.len) as usize + 2);
        }
        self.len -= 1;
    }

    /// Appends an IPv4 address and a port.
    #[inline(always)]
    pub fn put_ipv4_endpoint(&mut self, address: Ipv4Addr, port: u16) {
        self.put_ipv4(address);
        self.put(b':');
        self.put_number(port.into());
    }

    /// Appends a number below [`EIGHT_DIGITS`].
    #[inline(always)]
    fn put_short_number(&mut self, number: u64) {
        if let Ok(octet) = u8::try_from(number) {
            let Octet { dotted, len } = OCTETS[usize::from(octet)];
            self.put_word(dotted.into(), len as usize);
        } else {
            let leading = eight_digits(number).trailing_zeros() / u8::BITS;
            self.put_digits(number, leading.min(7));
        }
    }

    /// Appends eight digits of a number below [`EIGHT_DIGITS`], without so many at their start.
    #[inline(always)]
    fn put_digits(&mut self, number: u64, without: u32) {
        const ZEROS: u64 = u64::from_ne_bytes([b'0'; WORD]);
        let digits = (eight_digits(number) | ZEROS) >> (without * u8::BITS);
        self.put_word(digits, WORD - without as usize);
    }

    /// Appends the first bytes of a word, and writes the others behind them.
    #[inline(always)]
    fn put_word(&mut self, word: u64, len: usize) {
        self.octets[self.len..self.len + WORD].copy_from_slice(&word.to_le_bytes());
        self.len += len;
    }
}

/// Writes a number of more than eight digits at an offset. Returns the offset behind it.
#[inline(never)]
fn put_long_number<const ROOM: usize>(octets: &mut [u8; ROOM], len: usize, number: u64) -> usize {
    let mut pen = Pen { octets, len };
    pen.put_number(number / EIGHT_DIGITS);
    pen.put_digits(number % EIGHT_DIGITS, 0);
    pen.len
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddrV4;

    use proptest::prelude::*;

    use super::*;

    fn assert_all_alike(number: u64, port: u16) {
        let put = |put: &dyn Fn(&mut Pen<'_, 64>)| Ascii::of(put).as_str().to_owned();
        assert_eq!(put(&|text| text.put_number(number)), number.to_string());
        let nanoseconds = number.cast_signed();
        let all = nanoseconds.unsigned_abs();
        let sign = if nanoseconds < 0 { "-" } else { "" };
        let shown = format!("{sign}{}.{:09}", all / 1_000_000_000, all % 1_000_000_000);
        assert_eq!(put(&|text| text.put_seconds(nanoseconds)), shown);
        let address = Ipv4Addr::from_bits(number as u32);
        assert_eq!(put(&|text| text.put_ipv4(address)), address.to_string());
        let end = SocketAddrV4::new(address, port).to_string();
        let whole = |text: &mut Pen<'_, 64>| {
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
