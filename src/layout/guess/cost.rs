//! The cost of values: the bits that it takes to write them down. All hypotheses are compared by it.

use std::collections::HashMap;
use std::hash::Hash;

/// Bits of a number of any size; small ones take fewer.
pub(super) fn number(value: u128) -> f64 {
    let bits = (value as f64 + 1.0).log2();
    1.0 + bits + (bits + 1.0).log2()
}

/// Bits of a number that may be negative.
fn signed(value: i128) -> f64 {
    number(value.unsigned_abs().saturating_mul(2))
}

/// How often each value occurs.
pub(super) fn counts<T: Eq + Hash>(values: impl IntoIterator<Item = T>) -> HashMap<T, usize> {
    let mut counts = HashMap::new();
    for value in values {
        *counts.entry(value).or_insert(0) += 1;
    }
    counts
}

/// Bits that say which of the known values each one is.
pub(super) fn entropy<T>(counts: &HashMap<T, usize>) -> f64 {
    let all = counts.values().sum::<usize>() as f64;
    let bits = |count: &usize| *count as f64 * (all / *count as f64).log2();
    counts.values().map(bits).sum()
}

/// Bits of integers of `width` bytes.
pub(super) fn integers(values: &[i128], width: usize) -> f64 {
    let n = values.len() as f64;
    let full = width as f64 * 8.0;
    let counts = counts(values.iter().copied());
    let listed = counts.keys().map(|value| signed(*value)).sum::<f64>() + entropy(&counts);
    let least = values.iter().copied().min().unwrap_or(0);
    let most = values.iter().copied().max().unwrap_or(0);
    let span = ((most - least) as f64 + 1.0).log2();
    let ranged = signed(least).min(full) + 8f64.min(full) + n * span;
    let plain: f64 = values.iter().map(|value| signed(*value)).sum();
    let steps = values.windows(2).map(|pair| signed(pair[1] - pair[0]));
    let stepped = values.first().map_or(0.0, |first| signed(*first)) + steps.sum::<f64>();
    // Two bits say which of the encodings is used.
    2.0 + listed.min(ranged).min(plain).min(stepped).min(n * full)
}

/// Bits of opaque bytes. `counted`: a length says where they end.
pub(super) fn bytes(values: &[&[u8]], counted: bool) -> f64 {
    let of = |value: &[u8]| -> f64 {
        let zeros = memchr::memchr_iter(0, value).count() as f64;
        let mostly_zero = zeros + (value.len() as f64 - zeros) * 9.0;
        (value.len() as f64 * 8.0).min(mostly_zero + 4.0)
    };
    let plain: f64 = values.iter().map(|value| of(value)).sum();
    // Readable text is not opaque, even if it is repeated: it contains fields.
    if !counted && values.iter().any(|value| is_readable(value)) {
        return 2.0 + plain;
    }
    let counts = counts(values.iter().copied());
    let listed = counts.keys().map(|value| of(value)).sum::<f64>() + entropy(&counts);
    2.0 + plain.min(listed)
}

/// Whether there are four printable characters in a row.
fn is_readable(bytes: &[u8]) -> bool {
    let graphic = |window: &[u8]| window.iter().all(|byte| (0x20..0x7f).contains(byte));
    bytes.windows(4).any(graphic)
}

fn character(byte: u8) -> f64 {
    match byte {
        b'a'..=b'z' => 4.8,
        b'0'..=b'9' | b' ' | b'_' | b'.' | b'-' => 5.5,
        b'A'..=b'Z' | b'@' => 6.0,
        0x20..=0x7e => 7.0,
        _ => 8.0,
    }
}

/// Bits of texts, including their lengths.
pub(super) fn texts(values: &[&[u8]]) -> f64 {
    let of = |value: &[u8]| -> f64 {
        number(value.len() as u128) + value.iter().map(|byte| character(*byte)).sum::<f64>()
    };
    let counts_of = counts(values.iter().copied());
    let listed = counts_of.keys().map(|value| of(value)).sum::<f64>() + entropy(&counts_of);
    let longest = values.iter().map(|value| value.len()).max().unwrap_or(0);
    // By columns of characters: names with a common prefix ("user1", "user2") are cheap.
    let columns: f64 = (0..=longest)
        .map(|at| {
            let still = values.iter().filter(|value| value.len() >= at);
            let column = counts(still.map(|value| value.get(at).copied()));
            let known: f64 = column.keys().map(|byte| byte.map_or(4.0, character)).sum();
            known + entropy(&column)
        })
        .sum();
    2.0 + listed.min(columns)
}

/// Bits of floats of `width` bytes (4 or 8), given as raw bits. `None` if one has an exponent that programs rarely send.
pub(super) fn floats(values: &[u64], width: usize) -> Option<f64> {
    let (mantissa, exponent_bits, bias) = match width {
        4 => (23u32, 8, 127i64),
        _ => (52, 11, 1023),
    };
    let mut exponents = Vec::new();
    let mut cost = 14.0;
    let mut meant = 0;
    for value in values {
        if *value == 0 {
            exponents.push(i64::MIN);
            continue;
        }
        let exponent = (value >> mantissa & ((1 << exponent_bits) - 1)) as i64 - bias;
        if !(-30..=40).contains(&exponent) {
            return None;
        }
        let fraction = value & ((1 << mantissa) - 1);
        let zeros = fraction.trailing_zeros().min(mantissa);
        let digits = f64::from(mantissa - zeros);
        cost += (digits + 4.0).min(f64::from(mantissa));
        let negative = value >> (width * 8 - 1) & 1 == 1;
        exponents.push(exponent * 2 + i64::from(negative));
        meant += 1;
    }
    let exponents = counts(exponents);
    cost += exponents.len() as f64 * 5.0 + entropy(&exponents);
    (meant > 0).then_some(cost)
}
