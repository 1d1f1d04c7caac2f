//! Detects failures that follow each other faster than people make mistakes.

use std::net::IpAddr;

use smallvec::SmallVec;

use crate::capture::Timestamp;

/// A run of failures at a rate that counts as guessing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Burst {
    /// Number of failures.
    pub count: u64,
    /// Time of the first failure.
    pub first: Timestamp,
    /// Time of the last failure.
    pub last: Timestamp,
    /// Frame of the first failure.
    pub frame: u64,
    /// Frame of a successful login that followed while the run lasted.
    pub broken_in: Option<u64>,
}

/// Where failures came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Origin {
    /// No failures yet.
    #[default]
    Nowhere,
    /// All from this address.
    One(IpAddr),
    /// From several addresses.
    Several,
}

/// The recent failures of one user or address, and their most serious run.
#[derive(Debug, Default)]
pub struct Window {
    /// Times and frames of the last failures: no more than make a run, none older than the span.
    recent: SmallVec<[(Timestamp, u64); 2]>,
    /// Allocated only for a run: most users and addresses fail only once or twice.
    runs: Option<Box<Runs>>,
    /// Where they came from.
    pub origin: Origin,
}

#[derive(Debug, Default)]
struct Runs {
    running: Option<Burst>,
    longest: Option<Burst>,
}

/// The rate at which failures are a run: this many failures within this many nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Failures.
    pub failures: usize,
    /// Nanoseconds of capture time.
    pub span: i64,
}

impl Window {
    /// Counts a failure.
    pub fn failure(&mut self, time: Timestamp, frame: u64, from: IpAddr, pace: Pace) {
        self.origin = match self.origin {
            Origin::Nowhere => Origin::One(from),
            Origin::One(address) if address == from => self.origin,
            _ => Origin::Several,
        };
        let most = pace.failures.max(1) - 1;
        let mut old = self.recent.len().saturating_sub(most);
        while let Some((since, _)) = self.recent.get(old)
            && time.since(*since) > pace.span
        {
            old += 1;
        }
        self.recent.drain(..old);
        self.recent.push((time, frame));
        if self.recent.len() < pace.failures {
            if let Some(runs) = &mut self.runs {
                runs.running = None;
            }
            return;
        }
        let (first, first_frame) = self.recent.first().copied().unwrap_or((time, frame));
        let runs = self.runs.get_or_insert_default();
        let mut running = runs.running.unwrap_or(Burst {
            count: self.recent.len() as u64 - 1,
            first,
            last: time,
            frame: first_frame,
            broken_in: None,
        });
        running.count += 1;
        running.last = time;
        runs.running = Some(running);
        runs.keep(running);
    }

    /// Records a success in frame `frame`. After a run of failures, it means that a guess was right.
    pub fn success(&mut self, time: Timestamp, frame: u64, pace: Pace) {
        if let Some(runs) = &mut self.runs
            && let Some(running) = &mut runs.running
            && time.since(running.last) <= pace.span
        {
            running.broken_in.get_or_insert(frame);
            let running = *running;
            runs.keep(running);
        }
    }

    /// The most serious run: one in which a guess was right, otherwise the longest.
    #[must_use]
    pub fn longest(&self) -> Option<Burst> {
        self.runs.as_ref()?.longest
    }
}

impl Runs {
    /// Keeps a run in which a guess was right before any other, then the longest.
    fn keep(&mut self, running: Burst) {
        let weight = |burst: &Burst| (burst.broken_in.is_some(), burst.count);
        if self
            .longest
            .is_none_or(|longest| weight(&running) >= weight(&longest))
        {
            self.longest = Some(running);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const PACE: Pace = Pace {
        failures: 3,
        span: 100,
    };

    fn fed(times: &[i64]) -> Window {
        let mut window = Window::default();
        for (index, time) in times.iter().enumerate() {
            window.failure(
                Timestamp(*time),
                index as u64 + 1,
                Ipv4Addr::LOCALHOST.into(),
                PACE,
            );
        }
        window
    }

    fn longest(times: &[i64]) -> Option<(u64, i64, i64, u64)> {
        let burst = fed(times).longest()?;
        Some((burst.count, burst.first.0, burst.last.0, burst.frame))
    }

    #[test]
    fn a_run_needs_enough_failures_in_the_span() {
        assert_eq!(longest(&[0, 50]), None);
        assert_eq!(longest(&[0, 50, 101]), None);
        assert_eq!(longest(&[0, 50, 100]), Some((3, 0, 100, 1)));
        assert_eq!(longest(&[0, 150, 200, 249]), Some((3, 150, 249, 2)));
    }

    #[test]
    fn a_run_goes_on_while_the_pace_lasts() {
        assert_eq!(longest(&[0, 50, 100, 150, 200]), Some((5, 0, 200, 1)));
        let twice = [0, 50, 100, 1000, 1010, 1020, 1030, 2000];
        assert_eq!(longest(&twice), Some((4, 1000, 1030, 4)));
    }

    #[test]
    fn a_success_after_a_run_is_remembered() {
        let mut window = fed(&[0, 50, 100]);
        window.success(Timestamp(300), 9, PACE);
        assert_eq!(window.longest().and_then(|burst| burst.broken_in), None);
        window.success(Timestamp(200), 9, PACE);
        assert_eq!(window.longest().and_then(|burst| burst.broken_in), Some(9));
        let mut slow = fed(&[0, 50]);
        slow.success(Timestamp(60), 9, PACE);
        assert_eq!(slow.longest(), None);
    }

    #[test]
    fn memory_is_bounded_by_the_pace() {
        let window = fed(&[5; 1000]);
        assert_eq!(window.recent.len(), 3);
        assert_eq!(window.longest().map(|burst| burst.count), Some(1000));
    }
}
