//! Clocks of pcapng interfaces, with any resolution and offset.

use super::batch::LinkType;
use super::time::Timestamp;

/// Settings of an interface that its frames need.
#[derive(Debug)]
pub(super) struct InterfaceClock {
    pub(super) link: LinkType,
    pub(super) snaplen: u32,
    pub(super) scale: Scale,
    /// Nanoseconds to add to each time.
    pub(super) offset: i64,
}

impl InterfaceClock {
    #[inline]
    pub(super) fn time(&self, units: u64) -> Timestamp {
        let nanoseconds = match self.scale {
            Scale::Multiply(by) => units.checked_mul(by),
            Scale::PerSecond(rate) => {
                u64::try_from(u128::from(units).saturating_mul(1_000_000_000) / rate).ok()
            }
            Scale::PowerOfTwo(shift) => {
                u64::try_from((u128::from(units) * 1_000_000_000) >> shift).ok()
            }
        };
        let nanoseconds = nanoseconds
            .and_then(|n| i64::try_from(n).ok())
            .unwrap_or(i64::MAX);
        Timestamp(nanoseconds.saturating_add(self.offset))
    }
}

/// A clock's unit.
#[derive(Debug, Clone, Copy)]
pub(super) enum Scale {
    /// This many nanoseconds per unit: for units from seconds to nanoseconds.
    Multiply(u64),
    /// This many units per second: for units shorter than a nanosecond.
    PerSecond(u128),
    /// 2 to this power units per second.
    PowerOfTwo(u32),
}

impl Scale {
    /// The unit for a value of pcapng's `if_tsresol` (draft-ietf-opsawg-pcapng section 4.2).
    pub(super) fn new(resolution: u8) -> Self {
        let exponent = u32::from(resolution & 0x7f);
        if resolution & 0x80 != 0 {
            Self::PowerOfTwo(exponent)
        } else if exponent <= 9 {
            Self::Multiply(10u64.pow(9 - exponent))
        } else {
            Self::PerSecond(10u128.checked_pow(exponent).unwrap_or(u128::MAX))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_of_every_resolution() {
        let time = |resolution, units, offset| {
            InterfaceClock {
                link: LinkType::ETHERNET,
                snaplen: 0,
                scale: Scale::new(resolution),
                offset,
            }
            .time(units)
            .to_string()
        };
        assert_eq!(time(6, 1_700_000_000_123_456, 0), "1700000000.123456000");
        assert_eq!(
            time(9, 1_700_000_000_123_456_789, 0),
            "1700000000.123456789"
        );
        assert_eq!(time(0, 7, -8_000_000_000), "-1.000000000");
        assert_eq!(time(12, 1_500_000_000_000, 0), "1.500000000");
        assert_eq!(time(0x8a, 1024 + 512, 0), "1.500000000");
        assert_eq!(time(0xff, u64::MAX, 0), "0.000000000");
        assert_eq!(time(127, u64::MAX, 0), "0.000000000");
        assert_eq!(time(0, u64::MAX, 0), Timestamp(i64::MAX).to_string());
    }
}
