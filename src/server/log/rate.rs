//! The limit on the log's rate in lines per second. Warnings and errors are counted separately, so that a flood of
//! one kind does not hide the other.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use super::queue::{Loss, Losses};
use crate::locks::lock;

/// Lines that were let through since a second began.
struct Second {
    began: Instant,
    lines: u32,
}

impl Second {
    /// Whether another line may pass at `now`, `cap` being the most in a second.
    fn admits(&mut self, cap: u32, now: Instant) -> bool {
        if now.saturating_duration_since(self.began) >= Duration::from_secs(1) {
            self.began = now;
            self.lines = 0;
        }
        let admitted = self.lines < cap;
        self.lines += u32::from(admitted);
        admitted
    }
}

/// Lets this many events per second through, and counts the others as lost.
pub struct RateCap {
    /// Events a second; 0 for all.
    cap: u32,
    severe: Mutex<Second>,
    usual: Mutex<Second>,
    losses: Arc<Losses>,
}

impl RateCap {
    pub fn new(cap: u32, losses: Arc<Losses>) -> Self {
        let second = || {
            Mutex::new(Second {
                began: Instant::now(),
                lines: 0,
            })
        };
        Self {
            cap,
            severe: second(),
            usual: second(),
            losses,
        }
    }
}

impl<S: Subscriber> Layer<S> for RateCap {
    fn event_enabled(&self, event: &Event<'_>, _: Context<'_, S>) -> bool {
        if self.cap == 0 || super::queue::is_own_report() {
            return true;
        }
        let severe = *event.metadata().level() <= Level::WARN;
        let second = if severe { &self.severe } else { &self.usual };
        let admitted = lock(second).admits(self.cap, Instant::now());
        if !admitted {
            self.losses.add(Loss::Rate);
        }
        admitted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_second_has_its_share() {
        let mut now = Instant::now();
        let mut second = Second {
            began: now,
            lines: 0,
        };
        for _ in 0..3 {
            let admitted = (0..10).filter(|_| second.admits(4, now)).count();
            assert_eq!(admitted, 4);
            now += Duration::from_secs(1);
        }
    }
}
