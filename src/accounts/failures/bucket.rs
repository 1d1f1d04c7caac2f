//! A leaky bucket, which drains at a constant rate. Time is a parameter.

use std::time::{Duration, Instant};

/// How fast a bucket drains, and how much it holds at most.
#[derive(Debug, Clone, Copy)]
pub struct Rate {
    /// The time that one drop takes to drain.
    pub drop: Duration,
    /// The most drops that the bucket holds.
    pub most: u32,
}

/// How full a bucket is, kept as the time when it will be empty.
#[derive(Debug, Clone, Copy)]
pub struct Bucket {
    empty_at: Instant,
}

impl Bucket {
    /// An empty one.
    pub const fn new(now: Instant) -> Self {
        Self { empty_at: now }
    }

    /// Drops in it; a partly drained one counts as whole.
    pub fn drops(&self, rate: Rate, now: Instant) -> u32 {
        let left = self.empty_at.saturating_duration_since(now).as_nanos();
        u32::try_from(left.div_ceil(rate.drop.as_nanos().max(1))).unwrap_or(u32::MAX)
    }

    /// Adds a drop; returns how many there are now.
    pub fn add(&mut self, rate: Rate, now: Instant) -> u32 {
        let full_at = now + rate.drop.saturating_mul(rate.most);
        self.empty_at = (self.empty_at.max(now) + rate.drop).min(full_at);
        self.drops(rate, now)
    }

    /// How long until there are no more than `drops` in it.
    pub fn until(&self, drops: u32, rate: Rate, now: Instant) -> Duration {
        let left = self.empty_at.saturating_duration_since(now);
        left.saturating_sub(rate.drop.saturating_mul(drops))
    }

    /// When it will be empty.
    pub const fn empty_at(&self) -> Instant {
        self.empty_at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_in_drains_one_by_one() {
        let rate = Rate {
            drop: Duration::from_secs(10),
            most: 5,
        };
        let start = Instant::now();
        let mut bucket = Bucket::new(start);
        for drops in [1, 2, 3, 4, 5, 5, 5] {
            assert_eq!(bucket.add(rate, start), drops);
        }
        assert_eq!(bucket.until(3, rate, start), Duration::from_secs(20));
        for (seconds, drops) in [(1, 5), (10, 4), (39, 2), (40, 1), (50, 0), (500, 0)] {
            let now = start + Duration::from_secs(seconds);
            assert_eq!(bucket.drops(rate, now), drops, "after {seconds} s");
        }
        assert_eq!(bucket.add(rate, start + Duration::from_secs(500)), 1);
    }
}
