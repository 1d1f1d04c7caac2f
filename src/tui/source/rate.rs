//! The rate of arriving frames.

use std::time::{Duration, Instant};

use crate::tui::state::Live;

/// How often the rate of a live capture is updated.
const RATE_EVERY: Duration = Duration::from_secs(1);

/// Frames a second.
pub(super) struct Rate {
    began: Instant,
    at: Instant,
    frames: u64,
    a_second: u64,
}

impl Default for Rate {
    fn default() -> Self {
        let now = Instant::now();
        Self {
            began: now,
            at: now,
            frames: 0,
            a_second: 0,
        }
    }
}

impl Rate {
    pub fn look(&mut self, frames: u64, dropped: u64, ring: u64) -> Live {
        let now = Instant::now();
        let since = now.duration_since(self.at);
        if since >= RATE_EVERY {
            let more = frames.saturating_sub(self.frames);
            self.a_second = (more * 1000)
                .checked_div(u64::try_from(since.as_millis()).unwrap_or(1))
                .unwrap_or_default();
            (self.at, self.frames) = (now, frames);
        }
        let running = now.duration_since(self.began);
        Live {
            rate: self.a_second,
            dropped,
            running: Duration::from_secs(running.as_secs()),
            ring,
        }
    }
}
