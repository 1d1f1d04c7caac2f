//! Times of captures.

use std::fmt;

/// Nanoseconds since 1970-01-01 00:00:00 UTC. Covers the years 1678 to 2262.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Nanoseconds in a second.
    pub const SECOND: i64 = 1_000_000_000;

    /// The earliest time.
    pub const FIRST: Self = Self(i64::MIN);

    /// The latest time.
    pub const LAST: Self = Self(i64::MAX);

    /// A time from seconds and nanoseconds. Saturates at the ends of the range.
    #[must_use]
    pub const fn new(seconds: i64, nanoseconds: i64) -> Self {
        Self(
            seconds
                .saturating_mul(Self::SECOND)
                .saturating_add(nanoseconds),
        )
    }

    /// The time so many nanoseconds later. Saturates at the ends of the range.
    #[must_use]
    pub const fn plus(self, nanoseconds: i64) -> Self {
        Self(self.0.saturating_add(nanoseconds))
    }

    /// Nanoseconds from `earlier` to this; negative if this is earlier.
    #[must_use]
    pub const fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// As seconds with nine decimals, like Wireshark's `frame.time_epoch`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Seconds(self.0).fmt(f)
    }
}

/// A duration in nanoseconds, shown as seconds with nine decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seconds(pub i64);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let nanoseconds = self.0.unsigned_abs();
        let second = Timestamp::SECOND.unsigned_abs();
        write!(
            f,
            "{sign}{}.{:09}",
            nanoseconds / second,
            nanoseconds % second
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_nine_decimals_on_both_sides_of_zero() {
        assert_eq!(Timestamp::new(1, 5).to_string(), "1.000000005");
        assert_eq!(Seconds(-1_500_000_000).to_string(), "-1.500000000");
        assert_eq!(Seconds(-1).to_string(), "-0.000000001");
    }

    #[test]
    fn saturates() {
        assert_eq!(Timestamp::new(i64::MAX, 1).0, i64::MAX);
    }
}
