//! Makes all failed logins take the same time, whatever must be computed for them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::pool::Computed;

/// How many times the cost of a new hash is made up for from the start: other schemes and older
/// parameters cost a few times as much, or as little.
const MARGIN: u32 = 4;

/// The inverse of the fraction of the time that one faster observation takes away.
const FORGETTING: u64 = 1024;

/// The time that every failed login is given for its computation.
pub struct EqualTime {
    nanoseconds: AtomicU64,
    least: u64,
}

impl EqualTime {
    /// At first, a few times what a new hash costs.
    pub fn new(cost: Duration) -> Self {
        let least = nanoseconds(cost * MARGIN);
        Self {
            nanoseconds: AtomicU64::new(least),
            least,
        }
    }

    /// Records how long a verification took. The time follows the slowest one at once, and goes down slowly if that
    /// was a busy moment.
    pub fn observe(&self, computed: &Computed) {
        let took = nanoseconds(computed.took + computed.took / 4);
        let follow = |given: u64| Some((given - given / FORGETTING).max(took).max(self.least));
        let (set, fetch) = (Ordering::Relaxed, Ordering::Relaxed);
        // The closure always gives a value.
        let _ = self.nanoseconds.fetch_update(set, fetch, follow);
    }

    /// Waits until a failed login that started at `started` may be answered: until the time is over, not counting how
    /// long the login waited for its turn.
    pub async fn make_up(&self, started: Instant, computed: &Computed) {
        let given = Duration::from_nanos(self.nanoseconds.load(Ordering::Relaxed));
        tokio::time::sleep_until((started + computed.waited + given).into()).await;
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::super::pool::Done;
    use super::*;

    #[test]
    fn what_is_given_follows_the_slowest_and_comes_back() {
        let given = EqualTime::new(Duration::from_millis(20));
        let now = || given.nanoseconds.load(Ordering::Relaxed) / 1_000_000;
        let observe = |milliseconds| {
            given.observe(&Computed {
                done: Done::Wrong,
                waited: Duration::ZERO,
                took: Duration::from_millis(milliseconds),
            });
        };
        observe(1);
        assert_eq!(now(), 80);
        observe(400);
        assert_eq!(now(), 500);
        observe(1);
        assert!((490..500).contains(&now()));
        for _ in 0..10_000 {
            observe(1);
        }
        assert_eq!(now(), 80);
    }
}
