//! Distribution of response times: exact for few times, a histogram for many.

#![expect(
    clippy::cast_precision_loss,
    reason = "a mean of times, shown with few digits"
)]
#![expect(clippy::cast_possible_truncation, reason = "ranks in a list in memory")]

use hdrhistogram::Histogram;

/// Most times that are kept one by one, for each type of request.
pub const EXACT_TIMES: usize = 1 << 16;
/// Times that wait for the histogram together.
const UNSETTLED: usize = 32;
/// Longest time in the histogram, in nanoseconds: a day. Longer times saturate.
const LONGEST: u64 = 86_400 * 1_000_000_000;
/// Exact decimal digits of a time read from the histogram.
const DIGITS: u8 = 3;

/// Distribution of times in nanoseconds. Times can be negative, if the two frames were captured with different clocks
/// or with one that was set back.
#[derive(Debug)]
pub struct Times {
    exact: Vec<i64>,
    limit: usize,
    /// Holds the times once there are more than `limit`; `exact` then has those that are added next.
    histograms: Option<Histograms>,
    count: u64,
    negative: u64,
    least: i64,
    most: i64,
}

/// Histograms of times from 0, and of negative times without their sign.
#[derive(Debug)]
struct Histograms {
    positive: Histogram<u64>,
    negative: Histogram<u64>,
}

impl Histograms {
    fn new() -> Option<Self> {
        let one = || Histogram::new_with_bounds(1, LONGEST, DIGITS).ok();
        Some(Self {
            positive: one()?,
            negative: one()?,
        })
    }

    fn record(&mut self, time: i64) {
        let of_sign = if time < 0 {
            &mut self.negative
        } else {
            &mut self.positive
        };
        of_sign.saturating_record(time.unsigned_abs());
    }

    /// The time of this rank, from 1, in ascending order.
    fn at_rank(&self, rank: u64) -> i64 {
        // Just below the rank's upper limit, so that rounding does not reach the next one.
        let at = |histogram: &Histogram<u64>, rank: u64| {
            let quantile = (rank as f64 - 0.5) / histogram.len() as f64;
            i64::try_from(histogram.value_at_quantile(quantile)).unwrap_or(i64::MAX)
        };
        let below = self.negative.len();
        if rank <= below {
            -at(&self.negative, below - rank + 1)
        } else {
            at(&self.positive, rank - below)
        }
    }
}

impl Default for Times {
    fn default() -> Self {
        Self::with_limit(EXACT_TIMES)
    }
}

/// Statistics of a distribution. Times are in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quantiles {
    /// Number of times.
    pub count: u64,
    /// Number of negative times.
    pub negative: u64,
    /// The shortest.
    pub min: i64,
    /// Median.
    pub p50: i64,
    /// 90th percentile.
    pub p90: i64,
    /// 99th percentile.
    pub p99: i64,
    /// The longest.
    pub max: i64,
    /// Whether the values are exact. Otherwise those between min and max have three exact digits.
    pub exact: bool,
}

impl Times {
    fn with_limit(limit: usize) -> Self {
        Self {
            exact: Vec::new(),
            limit,
            histograms: None,
            count: 0,
            negative: 0,
            least: i64::MAX,
            most: i64::MIN,
        }
    }

    /// Counts a time. Call [`settle`](Self::settle) after a few of them.
    #[inline]
    pub(super) fn add_unsettled(&mut self, nanoseconds: i64) {
        self.count += 1;
        self.negative += u64::from(nanoseconds < 0);
        self.least = self.least.min(nanoseconds);
        self.most = self.most.max(nanoseconds);
        self.exact.push(nanoseconds);
    }

    /// Moves times into the histogram if there are too many. The processor reads what several of them need of the
    /// histogram from memory at the same time.
    #[inline]
    pub(super) fn settle(&mut self) {
        if self.histograms.is_some() || self.exact.len() > self.limit {
            self.record();
        }
    }

    fn record(&mut self) {
        if self.histograms.is_none() {
            self.histograms = Histograms::new();
        }
        if let Some(histograms) = &mut self.histograms {
            for time in self.exact.drain(..) {
                histograms.record(time);
            }
            self.exact.shrink_to(UNSETTLED);
        }
    }

    /// Counts a time.
    pub fn add(&mut self, nanoseconds: i64) {
        self.add_unsettled(nanoseconds);
        self.settle();
    }

    /// Number of negative times.
    #[must_use]
    pub const fn negative(&self) -> u64 {
        self.negative
    }

    /// Statistics; `None` if there are no times.
    #[must_use]
    pub fn quantiles(&self) -> Option<Quantiles> {
        if self.count == 0 {
            return None;
        }
        let mut exact = self.exact.clone();
        exact.sort_unstable();
        let at = |percent: u64| {
            let rank = (self.count * percent).div_ceil(100).max(1);
            match &self.histograms {
                Some(histograms) => histograms.at_rank(rank),
                None => exact[rank as usize - 1],
            }
        };
        let within = |percent| at(percent).clamp(self.least, self.most);
        Some(Quantiles {
            count: self.count,
            negative: self.negative,
            min: self.least,
            p50: within(50),
            p90: within(90),
            p99: within(99),
            max: self.most,
            exact: self.histograms.is_none(),
        })
    }

    /// Number of times by duration: for each bucket its upper end in nanoseconds, in the steps 1, 2, 5, 10 and so on,
    /// and the number of times greater than the previous end and at most this one. Negative times are in no bucket.
    /// Empty if there are no others.
    #[must_use]
    pub fn buckets(&self) -> Vec<(u64, u64)> {
        let Ok(most) = u64::try_from(self.most) else {
            return Vec::new();
        };
        let steps = (0..19).flat_map(|power| [1, 2, 5].map(|digit| digit * 10_u64.pow(power)));
        let mut buckets: Vec<_> = steps.map(|end| (end, 0)).collect();
        let last = buckets.partition_point(|(end, _)| *end < most);
        buckets.truncate(last + 1);
        if self.histograms.is_some() {
            let mut left = self.count - self.negative;
            for (end, count) in &mut buckets {
                // A histogram's bucket can exceed the last end.
                let longer = if *end >= most {
                    0
                } else {
                    self.longer_than(*end)
                };
                *count = left - longer;
                left = longer;
            }
        } else {
            for time in self
                .exact
                .iter()
                .filter_map(|time| u64::try_from(*time).ok())
            {
                let place = buckets.partition_point(|(end, _)| *end < time);
                if let Some((_, count)) = buckets.get_mut(place) {
                    *count += 1;
                }
            }
        }
        let first = buckets.iter().position(|(_, count)| *count > 0);
        buckets.drain(..first.unwrap_or(buckets.len()));
        buckets
    }

    /// Number of times longer than this.
    #[must_use]
    pub fn longer_than(&self, nanoseconds: u64) -> u64 {
        let longer = |time: &&i64| u64::try_from(**time).is_ok_and(|time| time > nanoseconds);
        match &self.histograms {
            Some(Histograms { positive, .. }) => {
                positive.count_between(nanoseconds.saturating_add(1), u64::MAX)
            }
            None => self.exact.iter().filter(longer).count() as u64,
        }
    }
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
    fn few_times_are_exact() {
        let quantiles = filled(1000, (1..=200).rev()).quantiles().unwrap();
        let Quantiles {
            count,
            negative,
            min,
            p50,
            p90,
            p99,
            max,
            exact,
        } = quantiles;
        assert_eq!(
            (count, negative, min, p50, p90, p99, max),
            (200, 0, 1, 100, 180, 198, 200)
        );
        assert!(exact);
        assert_eq!(filled(1000, []).quantiles(), None);
        let one = filled(1000, [-5]).quantiles().unwrap();
        assert_eq!((one.negative, one.min, one.p50, one.max), (1, -5, -5, -5));
    }

    #[test]
    fn the_limit_is_the_documented_one() {
        let at_limit = filled(EXACT_TIMES, std::iter::repeat_n(7, EXACT_TIMES));
        assert!(at_limit.quantiles().unwrap().exact);
        let beyond = filled(EXACT_TIMES, std::iter::repeat_n(7, EXACT_TIMES + 1));
        assert!(!beyond.quantiles().unwrap().exact);
        assert!(beyond.exact.capacity() <= UNSETTLED);
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

    #[test]
    fn buckets_have_round_ends_and_hold_all() {
        let times = filled(1000, [-3, 0, 150_000, 200_000, 200_001, 5_000_000]);
        assert_eq!(times.buckets().first(), Some(&(1, 1)));
        let times = filled(1000, [150_000, 200_000, 200_001, 1_900_000]);
        assert_eq!(
            times.buckets(),
            [(200_000, 2), (500_000, 1), (1_000_000, 0), (2_000_000, 1)]
        );
        assert_eq!(filled(1000, [-1]).buckets(), []);
        assert_eq!(filled(1000, []).buckets(), []);
    }

    proptest! {
        #[test]
        fn no_time_is_lost_between_buckets(times in proptest::collection::vec(-1_000_000i64..1_000_000_000_000, 1..400), limit in 5_usize..500) {
            let all = filled(limit, times.iter().copied());
            let sum: u64 = all.buckets().iter().map(|(_, count)| count).sum();
            prop_assert_eq!(sum, times.iter().filter(|time| **time >= 0).count() as u64);
        }

        #[test]
        fn a_histogram_is_right_to_three_digits(times in proptest::collection::vec(-1_000_000_000_000i64..1_000_000_000_000, 20..400)) {
            let exact = filled(1000, times.iter().copied()).quantiles().unwrap();
            let rough = filled(10, times.iter().copied()).quantiles().unwrap();
            prop_assert!(exact.exact && !rough.exact);
            prop_assert_eq!((exact.count, exact.min, exact.max), (rough.count, rough.min, rough.max));
            for (one, other) in [(exact.p50, rough.p50), (exact.p90, rough.p90), (exact.p99, rough.p99)] {
                prop_assert!(one.abs_diff(other) <= one.unsigned_abs() / 1000 + 1, "{} {}", one, other);
            }
        }
    }
}
