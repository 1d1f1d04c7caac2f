//! A deadline that moves with nearly every request.

use std::pin::Pin;

use tokio::time::{Instant, Sleep, sleep_until};

/// A deadline, with a timer that is set only when it rings too early or would ring too late: setting one takes a lock
/// that connections share.
pub struct Deadline {
    at: Instant,
    timer: Pin<Box<Sleep>>,
}

impl Deadline {
    pub fn new(at: Instant) -> Self {
        Self {
            at,
            timer: Box::pin(sleep_until(at)),
        }
    }

    /// Moves it to `at`, which may be earlier or later.
    pub fn set(&mut self, at: Instant) {
        self.at = at;
        if at < self.timer.deadline() {
            self.timer.as_mut().reset(at);
        }
    }

    /// Waits for it.
    pub async fn passed(&mut self) {
        loop {
            self.timer.as_mut().await;
            if self.timer.deadline() >= self.at {
                return;
            }
            self.timer.as_mut().reset(self.at);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn it_passes_not_before_the_time_it_was_set_to_last() {
        let start = Instant::now();
        let at = |milliseconds| start + Duration::from_millis(milliseconds);
        let mut deadline = Deadline::new(at(1));
        deadline.set(at(20));
        deadline.passed().await;
        assert!(Instant::now() >= at(20));
        // An hour that is shortened, and lengthened again a little.
        deadline.set(at(3_600_000));
        deadline.set(at(25));
        deadline.set(at(40));
        deadline.passed().await;
        assert!(Instant::now() >= at(40));
    }
}
