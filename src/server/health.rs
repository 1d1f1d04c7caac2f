//! Whether the server works, and whether it can take clients: the answers of `/healthz` and `/readyz`.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// If requests are in progress and none was answered for this long, the server is stuck: a hash takes some tens of
/// milliseconds, a full queue of them some seconds.
const STUCK: Duration = Duration::from_secs(30);
/// For this long after a user could not be looked up, or a registration not be stored, the server is not ready.
const OUT_OF_ORDER: Duration = Duration::from_secs(30);

const STARTING: u8 = 0;
const SERVING: u8 = 1;
const STOPPING: u8 = 2;

/// The server's state as others may see it. Times are milliseconds since it was made.
#[derive(Debug)]
pub struct Health {
    began: Instant,
    phase: AtomicU8,
    paused: AtomicBool,
    /// Requests being worked on.
    in_flight: AtomicU64,
    /// When a request was last answered, or when the first of those in flight arrived.
    progress: AtomicU64,
    /// When a registration last could not be stored; 0 if never, or if one was stored since.
    not_stored: AtomicU64,
    /// When a user last could not be looked up; 0 likewise.
    not_looked_up: AtomicU64,
}

impl Default for Health {
    fn default() -> Self {
        Self {
            began: Instant::now(),
            phase: AtomicU8::new(STARTING),
            paused: AtomicBool::new(false),
            in_flight: AtomicU64::new(0),
            progress: AtomicU64::new(0),
            not_stored: AtomicU64::new(0),
            not_looked_up: AtomicU64::new(0),
        }
    }
}

/// A request that is being worked on, for as long as this lives.
pub struct InFlight<'a> {
    health: &'a Health,
    answered: Option<Instant>,
}

impl InFlight<'_> {
    /// The answer is known.
    pub fn answered(&mut self, at: Instant) {
        self.answered = Some(at);
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        let at = self.answered.unwrap_or_else(Instant::now);
        let progress = self.health.time_of(at);
        self.health.progress.store(progress, Ordering::Relaxed);
        self.health.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Health {
    fn now(&self) -> u64 {
        self.time_of(Instant::now())
    }

    fn time_of(&self, instant: Instant) -> u64 {
        let since = instant.saturating_duration_since(self.began);
        // Starts at 1, so that 0 can mean "never".
        u64::try_from(since.as_millis()).map_or(u64::MAX, |now| now + 1)
    }

    /// Connections are accepted from now on.
    pub fn serving(&self) {
        self.phase.store(SERVING, Ordering::Relaxed);
    }

    /// No further connections are accepted.
    pub fn stopping(&self) {
        self.phase.store(STOPPING, Ordering::Relaxed);
    }

    /// Accepting pauses, or continues.
    pub fn paused(&self, paused: bool) {
        self.paused.store(paused, Ordering::Relaxed);
    }

    /// A request that came at `now` is being worked on until the result is dropped.
    pub fn request(&self, now: Instant) -> InFlight<'_> {
        if self.in_flight.fetch_add(1, Ordering::Relaxed) == 0 {
            self.progress.store(self.time_of(now), Ordering::Relaxed);
        }
        InFlight {
            health: self,
            answered: None,
        }
    }

    /// Records whether a registration could be stored.
    pub fn stored(&self, stored: bool) {
        let at = if stored { 0 } else { self.now() };
        self.not_stored.store(at, Ordering::Relaxed);
    }

    /// Records whether a user could be looked up.
    pub fn looked_up(&self, done: bool) {
        if !done {
            self.not_looked_up.store(self.now(), Ordering::Relaxed);
        } else if self.not_looked_up.load(Ordering::Relaxed) > 0 {
            self.not_looked_up.store(0, Ordering::Relaxed);
        }
    }

    /// Whether the server works; if not, why. A server that does not should be restarted.
    pub fn alive(&self) -> Result<(), &'static str> {
        let still = self
            .now()
            .saturating_sub(self.progress.load(Ordering::Relaxed));
        if self.in_flight.load(Ordering::Relaxed) > 0 && Duration::from_millis(still) > STUCK {
            return Err("requests wait, and none was answered for 30 s");
        }
        Ok(())
    }

    /// Whether the server can take more clients now; if not, why.
    pub fn ready(&self) -> Result<(), &'static str> {
        match self.phase.load(Ordering::Relaxed) {
            STARTING => return Err("starting"),
            STOPPING => return Err("stopping"),
            _ => {}
        }
        self.alive()?;
        if self.paused.load(Ordering::Relaxed) {
            return Err("no room for another connection");
        }
        let lately = |at: &AtomicU64| {
            let at = at.load(Ordering::Relaxed);
            let since = Duration::from_millis(self.now().saturating_sub(at));
            at > 0 && since < OUT_OF_ORDER
        };
        if lately(&self.not_looked_up) {
            return Err("users cannot be looked up");
        }
        if lately(&self.not_stored) {
            return Err("registrations cannot be stored");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ready_between_start_and_stop_and_while_it_stores() {
        let health = Health::default();
        assert_eq!(health.ready(), Err("starting"));
        assert_eq!(health.alive(), Ok(()));
        health.serving();
        assert_eq!(health.ready(), Ok(()));
        health.paused(true);
        assert!(health.ready().is_err());
        health.paused(false);
        health.stored(false);
        assert_eq!(health.ready(), Err("registrations cannot be stored"));
        health.stored(true);
        assert_eq!(health.ready(), Ok(()));
        health.looked_up(false);
        assert_eq!(health.ready(), Err("users cannot be looked up"));
        health.looked_up(true);
        assert_eq!(health.ready(), Ok(()));
        health.stopping();
        assert_eq!(health.ready(), Err("stopping"));
    }

    #[test]
    fn a_request_that_gets_no_answer_is_noticed() {
        let mut health = Health::default();
        health.serving();
        let earlier = Instant::now().checked_sub(Duration::from_mins(1));
        health.began = earlier.expect("a machine that is up for a minute");
        let in_flight = health.request(health.began);
        assert!(health.alive().is_err());
        drop(in_flight);
        assert_eq!(health.alive(), Ok(()));
    }
}
