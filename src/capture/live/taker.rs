//! The thread that takes frames from the kernel as they come.

#![expect(
    clippy::cast_possible_truncation,
    reason = "times until the year 2262; libpcap's own lengths have 32 bits"
)]

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use pcap::{Active, Capture};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::backlog::{Backlog, FRAMES, OCTETS, Room};
use super::libpcap::words;
use super::{LiveCounters, LiveOptions};
use crate::capture::batch::{Batch, FrameHeader, LinkType};
use crate::capture::error::SourceError;
use crate::capture::time::Timestamp;

/// How long the kernel may gather frames before it hands them on. Gathering instead of libpcap's
/// immediate mode, because that gives every frame a slot of the largest size: on loopback 31
/// frames in 2 MiB.
pub(super) const GATHER: Duration = Duration::from_millis(5);

/// How long it waits for frames before it looks whether it is to stop.
const WAIT: Duration = Duration::from_millis(50);

/// How often the kernel's counters are asked for.
const COUNT_EVERY: Duration = Duration::from_millis(200);

/// When the capture was told to stop, and what was given since.
struct Stopped {
    at: Instant,
    /// The same by the clock that gives frames their times.
    time: Timestamp,
    octets: usize,
}

impl Stopped {
    fn now() -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        Self {
            at: Instant::now(),
            time: Timestamp(now.unwrap_or_default().as_nanos() as i64),
            octets: 0,
        }
    }

    /// Whether the kernel has handed on what it had gathered by then.
    fn is_over(&self) -> bool {
        self.at.elapsed() > GATHER * 3
    }

    /// Whether nothing waits any more that had arrived by then. What waited fitted in `buffer`
    /// octets; that holds also where the clock was set back.
    fn has_all(&mut self, batch: &Batch, buffer: u32) -> bool {
        self.octets += batch.buffer.len();
        let last = batch.headers.last();
        last.is_none_or(|last| last.time > self.time) || self.octets > buffer as usize
    }
}

/// Takes frames from the kernel.
pub(super) struct Taker {
    pub capture: Capture<Active>,
    pub name: String,
    pub link: LinkType,
    /// Nanoseconds in a unit of the frames' times.
    pub unit: u64,
    pub options: LiveOptions,
    pub counters: Arc<LiveCounters>,
}

impl Taker {
    /// Works until it is told to stop, or nobody wants frames any more.
    pub fn run(mut self, backlog: &Backlog) {
        let _guard = backlog.guard();
        let mut batch = Batch::default();
        let mut stopped: Option<Stopped> = None;
        let mut counted = Instant::now();
        loop {
            if stopped.is_none() && self.options.stop.is_asked() {
                stopped = Some(Stopped::now());
            }
            // After the stop, what the kernel still gathers is waited for.
            let last = stopped.as_ref().is_some_and(Stopped::is_over);
            let mut outcome = self.take(&mut batch);
            if outcome.is_ok() && batch.headers.is_empty() && !last {
                let time = stopped.as_ref().map_or(WAIT, |_| GATHER);
                outcome = self.wait(time).and_then(|()| self.take(&mut batch));
            }
            let has_all = stopped
                .as_mut()
                .is_some_and(|stopped| stopped.has_all(&batch, self.options.buffer));
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

    /// Waits until frames have arrived; not for longer than `time`.
    fn wait(&self, time: Duration) -> Result<(), SourceError> {
        let time = Timespec {
            tv_sec: 0,
            tv_nsec: i64::from(time.subsec_nanos()),
        };
        let mut waited = [PollFd::new(&self.capture, PollFlags::IN)];
        match poll(&mut waited, Some(&time)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(std::io::Error::from(error).into()),
        }
    }

    /// Takes over what has arrived.
    #[allow(
        clippy::useless_conversion,
        reason = "fractions of a second are of 32 bits on macOS"
    )]
    fn take(&mut self, batch: &mut Batch) -> Result<(), SourceError> {
        let link = self.link;
        // Where the system gives nanoseconds they stand in the field for microseconds.
        let fraction = self.unit.cast_signed();
        while batch.headers.len() < FRAMES && batch.buffer.len() < OCTETS {
            let taken = self
                .capture
                .dispatch(Some(FRAMES - batch.headers.len()), |packet| {
                    batch.headers.push(FrameHeader {
                        time: Timestamp::new(
                            packet.header.ts.tv_sec,
                            i64::from(packet.header.ts.tv_usec) * fraction,
                        ),
                        start: batch.buffer.len(),
                        captured: packet.data.len() as u32,
                        wire: packet.header.len,
                        interface: 0,
                        link,
                    });
                    batch.buffer.extend_from_slice(packet.data);
                });
            match taken {
                Ok(0) => break,
                Ok(_) => {}
                Err(error) => {
                    return Err(SourceError::Live(format!(
                        "the capture on {:?} stopped: {}",
                        self.name,
                        words(&error)
                    )));
                }
            }
        }
        Ok(())
    }

    fn count(&mut self) {
        let Ok(now) = self.capture.stats() else {
            return;
        };
        // The system's counters have 32 bits and wrap.
        for (counter, now) in [
            (&self.counters.received, now.received),
            (&self.counters.dropped, now.dropped),
            (&self.counters.interface_dropped, now.if_dropped),
        ] {
            let before = counter.load(Ordering::Relaxed);
            let more = now.wrapping_sub(before as u32);
            counter.store(before + u64::from(more), Ordering::Relaxed);
        }
    }
}
