//! The thread that takes frames from the kernel.

#![expect(
    clippy::cast_possible_truncation,
    reason = "times until the year 2262; counters that wrap"
)]

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::backlog::{Backlog, Room};
use super::{LiveCounters, OpenInterface};
use crate::capture::Stop;
use crate::capture::batch::Batch;
use crate::capture::time::Timestamp;
use crate::platform::process;

/// Shortest time for which the kernel collects frames before it passes them on. libpcap's immediate mode is no
/// alternative: it reserves the largest size for every frame, so that 2 MiB hold 31 frames on loopback.
pub const GATHER: Duration = Duration::from_millis(5);

/// Longest such time, for small buffers.
const LONGEST_GATHER: Duration = Duration::from_millis(40);

/// Size in bytes of a block of the kernel's buffer on Linux, as libpcap divides it: its `MAXIMUM_SNAPLEN`.
const BLOCK: u32 = 256 << 10;

/// How long the reader may pause before nearly empty blocks fill the buffer.
const STAND_STILL: Duration = Duration::from_millis(160);

/// How long the kernel collects frames, for a buffer of `buffer` bytes. After that time it passes a block on even if it
/// is nearly empty. 1 MiB has four blocks: with the time of a large buffer they would all be used in 20 ms.
#[must_use]
pub fn gather(buffer: u32) -> Duration {
    let blocks = (buffer / BLOCK).max(1);
    (STAND_STILL / blocks).clamp(GATHER, LONGEST_GATHER)
}

/// Longest wait for frames before the stop is checked again.
const WAIT: Duration = Duration::from_millis(50);

/// Longest wait after the stop for frames that the kernel has counted.
const LONGEST_END: Duration = Duration::from_secs(1);

/// Time between updates of the counters.
const COUNT_EVERY: Duration = Duration::from_millis(200);

/// When the capture was told to stop, and how much was taken since.
struct Stopped {
    at: Instant,
    /// The same time by the clock of the frames.
    time: Timestamp,
    octets: usize,
    /// Frames that had arrived and were not taken yet, as far as the kernel's counts tell.
    missing: usize,
}

impl Stopped {
    fn now(missing: usize) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        Self {
            at: Instant::now(),
            time: Timestamp(now.unwrap_or_default().as_nanos() as i64),
            octets: 0,
            missing,
        }
    }

    /// Whether the kernel has passed on what it had collected when the stop came: its timer is late on a busy machine.
    fn is_over(&self, gather: Duration) -> bool {
        let waited = self.at.elapsed();
        waited > gather * 3 && (self.missing == 0 || waited > LONGEST_END)
    }

    /// Whether all frames that had arrived before the stop were taken. They fitted into `buffer` bytes, which limits
    /// the wait even if the clock was set back.
    fn has_all(&mut self, batch: &Batch, buffer: u32) -> bool {
        self.octets += batch.buffer.len();
        self.missing = self.missing.saturating_sub(batch.headers.len());
        let last = batch.headers.last();
        last.is_none_or(|last| last.time > self.time) || self.octets > buffer as usize
    }
}

/// Takes frames from the kernel until the capture ends.
pub(super) struct Taker {
    pub opened: Box<dyn OpenInterface>,
    /// Size of the kernel's buffer in bytes.
    pub buffer: u32,
    pub stop: Stop,
    pub counters: Arc<LiveCounters>,
}

impl Taker {
    /// Runs until it is told to stop or the reader has gone.
    pub fn run(mut self, backlog: &Backlog) {
        // The kernel's buffer may be full before this thread has its turn among all that want a processor.
        process::hurry_this_thread();
        let _guard = backlog.guard();
        let mut batch = Batch::default();
        let mut stopped: Option<Stopped> = None;
        let mut counted = Instant::now();
        let mut taken = 0_u32;
        let gather = gather(self.buffer);
        loop {
            if stopped.is_none() && self.stop.is_asked() {
                stopped = Some(Stopped::now(self.missing(taken)));
            }
            // After the stop, frames that the kernel still collects are waited for.
            let last = stopped
                .as_ref()
                .is_some_and(|stopped| stopped.is_over(gather));
            let mut outcome = self.opened.take(&mut batch);
            if outcome.is_ok() && batch.headers.is_empty() && !last {
                let time = stopped.as_ref().map_or(WAIT, |_| GATHER);
                outcome = self
                    .opened
                    .wait(time)
                    .and_then(|()| self.opened.take(&mut batch));
            }
            taken = taken.wrapping_add(batch.headers.len() as u32);
            let has_all = stopped
                .as_mut()
                .is_some_and(|stopped| stopped.has_all(&batch, self.buffer));
            let ended = (has_all && last) || outcome.is_err();
            if ended || counted.elapsed() > COUNT_EVERY {
                self.count();
                counted = Instant::now();
            }
            backlog.add(&mut batch);
            if ended {
                return backlog.end(outcome.err());
            }
            loop {
                match backlog.room(COUNT_EVERY) {
                    Room::Some => break,
                    Room::None => self.count(),
                    Room::Left => return,
                }
            }
        }
    }

    /// Frames that have arrived and were not among the `taken` ones, if the kernel's counts tell it.
    fn missing(&mut self, taken: u32) -> usize {
        let counts = self.opened.counts();
        let counts = counts.filter(|_| self.opened.counts_what_it_gives());
        counts.map_or(0, |counts| counts.missing(taken) as usize)
    }

    fn count(&mut self) {
        let Some(now) = self.opened.counts() else {
            return;
        };
        for (counter, now) in [
            (&self.counters.received, now.received),
            (&self.counters.dropped, now.dropped),
            (&self.counters.interface_dropped, now.interface_dropped),
        ] {
            let before = counter.load(Ordering::Relaxed);
            let more = now.wrapping_sub(before as u32);
            counter.store(before + u64::from(more), Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::batch::{FrameHeader, LinkType};
    use crate::capture::error::SourceError;
    use crate::capture::live::Counts;

    /// An interface whose kernel has counted one frame, and passes it on after `delay`.
    struct Late {
        begun: Instant,
        delay: Duration,
        exact: bool,
        given: bool,
    }

    impl OpenInterface for Late {
        fn name(&self) -> &'static str {
            "late0"
        }

        fn link(&self) -> LinkType {
            LinkType::ETHERNET
        }

        fn unit(&self) -> u64 {
            1
        }

        fn take(&mut self, batch: &mut Batch) -> Result<(), SourceError> {
            if !self.given && self.begun.elapsed() > self.delay {
                self.given = true;
                batch.headers.push(FrameHeader {
                    time: Timestamp(0),
                    start: 0,
                    captured: 0,
                    wire: 0,
                    interface: 0,
                    link: LinkType::ETHERNET,
                });
            }
            Ok(())
        }

        fn wait(&self, time: Duration) -> Result<(), SourceError> {
            std::thread::sleep(time);
            Ok(())
        }

        fn counts(&mut self) -> Option<Counts> {
            Some(Counts {
                received: 1,
                ..Counts::default()
            })
        }

        fn counts_what_it_gives(&self) -> bool {
            self.exact
        }
    }

    /// How many frames such an interface gives if the stop comes at once.
    fn frames(delay: Duration, exact: bool) -> usize {
        let taker = Taker {
            opened: Box::new(Late {
                begun: Instant::now(),
                delay,
                exact,
                given: false,
            }),
            buffer: 16 << 20,
            stop: Stop::default(),
            counters: Arc::default(),
        };
        taker.stop.ask();
        let backlog = Backlog::new(1 << 20);
        taker.run(&backlog);
        let mut batch = Batch::default();
        assert!(!backlog.next(&mut batch, Duration::ZERO).unwrap());
        batch.headers.len()
    }

    #[test]
    fn a_frame_that_the_kernel_has_counted_is_waited_for() {
        assert_eq!(frames(Duration::from_millis(100), true), 1);
        let never = Duration::MAX;
        assert_eq!(frames(never, true), 0);
        assert_eq!(frames(never, false), 0);
    }

    #[test]
    fn frames_that_are_missing_are_counted_over_the_end_of_a_counter() {
        let counts = |received, dropped| Counts {
            received,
            dropped,
            ..Counts::default()
        };
        assert_eq!(counts(10, 2).missing(5), 3);
        assert_eq!(counts(1, u32::MAX).missing(0), 2);
        assert_eq!(counts(10, 0).missing(12), 0);
        let since = counts(3, 1).since(counts(u32::MAX, 1));
        assert_eq!((since.received, since.dropped), (4, 0));
    }

    #[test]
    fn small_buffers_are_handed_on_more_rarely() {
        let milliseconds = |mebibytes: u32| gather(mebibytes << 20).as_millis();
        assert_eq!(
            [0, 1, 2, 4, 8, 16, 2047].map(milliseconds),
            [40, 40, 20, 10, 5, 5, 5]
        );
    }
}
