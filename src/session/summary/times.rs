//! How long answers took: exact while there are few of them, in a histogram beyond.

use hdrhistogram::Histogram;

/// Times kept one by one at the most, of each type of request.
pub const EXACT_TIMES: usize = 1 << 16;
/// Longest time that the histogram tells from longer ones: a day in nanoseconds.
const LONGEST: u64 = 86_400 * 1_000_000_000;
/// Decimal digits that a time read from the histogram has right.
const DIGITS: u8 = 3;

/// The distribution of times, in nanoseconds. Times below 0 (a clock that was set back) count
/// as 0.
#[derive(Debug)]
pub struct Times {
    exact: Vec<u64>,
    limit: usize,
    /// Instead of `exact` once there are more than `limit`.
    histogram: Option<Histogram<u64>>,
    count: u64,
    least: u64,
    most: u64,
}

impl Default for Times {
    fn default() -> Self {
        Self::with_limit(EXACT_TIMES)
    }
}

/// The times that a distribution is told by, in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quantiles {
    /// How many there were.
    pub count: u64,
    /// The shortest.
    pub min: u64,
    /// Half of them took at most this long.
    pub p50: u64,
    /// Nine of ten took at most this long.
    pub p90: u64,
    /// 99 of 100 took at most this long.
    pub p99: u64,
    /// The longest.
    pub max: u64,
    /// Whether the values are exact; else those between min and max have three digits.
    pub exact: bool,
}

impl Times {
    fn with_limit(limit: usize) -> Self {
        Self {
            exact: Vec::new(),
            limit,
            histogram: None,
            count: 0,
            least: u64::MAX,
            most: 0,
        }
    }

    /// Counts a time.
    pub fn add(&mut self, nanoseconds: i64) {
        let time = u64::try_from(nanoseconds).unwrap_or(0);
        self.count += 1;
        self.least = self.least.min(time);
        self.most = self.most.max(time);
        if let Some(histogram) = &mut self.histogram {
            histogram.saturating_record(time);
            return;
        }
        self.exact.push(time);
        if self.exact.len() > self.limit
            && let Ok(mut histogram) = Histogram::new_with_bounds(1, LONGEST, DIGITS)
        {
            for time in self.exact.drain(..) {
                histogram.saturating_record(time);
            }
            self.exact = Vec::new();
            self.histogram = Some(histogram);
        }
    }

    /// The distribution; `None` where there was no time.
    #[must_use]
    pub fn quantiles(&self) -> Option<Quantiles> {
        if self.count == 0 {
            return None;
        }
        let mut sorted = self.exact.clone();
        sorted.sort_unstable();
        let at = |percent: u32| match &self.histogram {
            Some(histogram) => histogram.value_at_quantile(f64::from(percent) / 100.0),
            None => nearest_rank(&sorted, percent),
        };
        let within = |percent| at(percent).clamp(self.least, self.most);
        Some(Quantiles {
            count: self.count,
            min: self.least,
            p50: within(50),
            p90: within(90),
            p99: within(99),
            max: self.most,
            exact: self.histogram.is_none(),
        })
    }

    /// How many took longer than this.
    #[must_use]
    pub fn longer_than(&self, nanoseconds: u64) -> u64 {
        match &self.histogram {
            Some(histogram) => histogram.count_between(nanoseconds.saturating_add(1), u64::MAX),
            None => self
                .exact
                .iter()
                .filter(|time| **time > nanoseconds)
                .count() as u64,
        }
    }
}

/// The least of the values that so many percent do not exceed.
fn nearest_rank(sorted: &[u64], percent: u32) -> u64 {
    let rank = (sorted.len() * percent as usize).div_ceil(100);
    let found = sorted.get(rank.saturating_sub(1));
    found.copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn filled(limit: usize, times: impl IntoIterator<Item = i64>) -> Times {
        let mut all = Times::with_limit(limit);
        times.into_iter().for_each(|time| all.add(time));
        all
    }

    #[test]
    fn few_times_are_told_exactly() {
        let quantiles = filled(1000, (1..=200).rev()).quantiles().unwrap();
        let Quantiles {
            count,
            min,
            p50,
            p90,
            p99,
            max,
            exact,
        } = quantiles;
        assert_eq!(
            (count, min, p50, p90, p99, max),
            (200, 1, 100, 180, 198, 200)
        );
        assert!(exact);
        assert_eq!(filled(1000, []).quantiles(), None);
        let one = filled(1000, [-5]).quantiles().unwrap();
        assert_eq!((one.min, one.p50, one.max), (0, 0, 0));
    }

    #[test]
    fn the_limit_is_where_it_is_said_to_be() {
        let at_limit = filled(EXACT_TIMES, std::iter::repeat_n(7, EXACT_TIMES));
        assert!(at_limit.quantiles().unwrap().exact);
        let beyond = filled(EXACT_TIMES, std::iter::repeat_n(7, EXACT_TIMES + 1));
        assert!(!beyond.quantiles().unwrap().exact);
        assert!(beyond.exact.capacity() == 0);
    }

    #[test]
    fn those_that_took_longer_are_counted() {
        for limit in [1000, 10] {
            let times = filled(limit, (1..=100).map(|n| n * 1_000_000));
            let longer = times.longer_than(90_000_000);
            assert!((9..=11).contains(&longer), "{longer}");
            assert_eq!(times.longer_than(200_000_000), 0);
        }
    }

    proptest! {
        #[test]
        fn a_histogram_is_right_to_three_digits(times in proptest::collection::vec(0i64..1_000_000_000_000, 20..400)) {
            let exact = filled(1000, times.iter().copied()).quantiles().unwrap();
            let rough = filled(10, times.iter().copied()).quantiles().unwrap();
            prop_assert!(exact.exact && !rough.exact);
            prop_assert_eq!((exact.count, exact.min, exact.max), (rough.count, rough.min, rough.max));
            for (one, other) in [(exact.p50, rough.p50), (exact.p90, rough.p90), (exact.p99, rough.p99)] {
                prop_assert!(one.abs_diff(other) <= one / 1000 + 1, "{} {}", one, other);
            }
        }
    }
}
