//! Runs frames from a source through an inspector into a sink, with limits, stopping and a frame counter.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::run::feed;
use super::{Ending, Inspector, Sink};
use crate::capture::{Batch, FrameSource, SourceError, Stop, Timestamp};

/// Limits of a pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PassLimits {
    /// Most frames.
    pub frames: Option<u64>,
    /// Longest duration: by the clock if the source is live, otherwise by the frames' times.
    pub duration: Option<Duration>,
}

/// The result of a pass.
#[derive(Debug)]
pub struct Passed {
    /// Errors of the source. What was found before them went to the sink.
    pub errors: Vec<SourceError>,
    /// Frames read.
    pub frames: u64,
    /// The signal that ended the pass before its source ended.
    pub interrupted: Option<i32>,
}

/// One pass over frames.
pub struct Pass {
    limited: Limited,
    inspector: Inspector,
    threads: usize,
    live: bool,
}

impl Pass {
    /// A pass over all frames of `source`, with two threads. `stop` ends it early.
    #[must_use]
    pub fn new(source: Box<dyn FrameSource + Send>, inspector: Inspector, stop: &Stop) -> Self {
        Self {
            limited: Limited {
                source,
                left: None,
                lasts: None,
                watch: Arc::default(),
                stop: stop.clone(),
                live: false,
                ended: false,
            },
            inspector,
            threads: 2,
            live: false,
        }
    }

    /// Marks the source as live: it runs until it is stopped, which is its normal end. It checks the stop itself, and
    /// still returns the frames that had arrived.
    #[must_use]
    pub fn live(mut self) -> Self {
        self.live = true;
        self.limited.live = true;
        self
    }

    /// Sets limits. Call it after [`live`](Self::live), which decides which clock counts.
    #[must_use]
    pub fn limited(mut self, limits: PassLimits) -> Self {
        self.limited.left = limits.frames;
        self.limited.lasts = limits.duration.map(|duration| {
            if self.live {
                Lasts::Until(Instant::now() + duration)
            } else {
                Lasts::For(duration, None)
            }
        });
        self
    }

    /// Sets the number of threads. If records are wanted, more than 3 are like 3.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads;
        self
    }

    /// Counter of frames read so far, for another thread to watch.
    #[must_use]
    pub fn frames(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.limited.watch.frames)
    }

    /// Runs until the source ends, a limit is reached, the sink breaks or the pass is stopped.
    ///
    /// # Errors
    ///
    /// The sink's error. Errors of the source are in [`Passed::errors`].
    pub fn run<S: Sink>(self, sink: &mut S) -> Result<Passed, S::Error> {
        let watch = Arc::clone(&self.limited.watch);
        let ending = || {
            if watch.interrupted.load(Ordering::Relaxed) {
                Ending::Interrupted
            } else {
                Ending::Whole
            }
        };
        let stop = self.limited.stop.clone();
        let source = Box::new(self.limited);
        let errors = feed(source, self.inspector, sink, self.threads, ending)?;
        let interrupted = watch.interrupted.load(Ordering::Relaxed);
        Ok(Passed {
            errors,
            frames: watch.frames.load(Ordering::Relaxed),
            interrupted: stop.signal().filter(|_| interrupted),
        })
    }
}

/// State of a pass that others read while it runs.
#[derive(Debug, Default)]
struct Watched {
    frames: Arc<AtomicU64>,
    /// Whether the source was stopped before its end.
    interrupted: AtomicBool,
}

/// When to end by time.
#[derive(Debug)]
enum Lasts {
    /// At this time, whether frames arrive or not. The source is told to stop, and returns what it has.
    Until(Instant),
    /// This long after the first frame, by the frames' times.
    For(Duration, Option<Timestamp>),
}

/// A source that ends at its limits.
struct Limited {
    source: Box<dyn FrameSource + Send>,
    left: Option<u64>,
    lasts: Option<Lasts>,
    watch: Arc<Watched>,
    stop: Stop,
    live: bool,
    ended: bool,
}

impl Limited {
    /// How many frames of a batch are within the duration; `None` if all are.
    fn in_time(&mut self, batch: &Batch) -> Option<usize> {
        let Some(Lasts::For(duration, first)) = &mut self.lasts else {
            return None;
        };
        let first = *first.get_or_insert(batch.headers.first()?.time);
        let most = i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX);
        let mut headers = batch.headers.iter();
        headers.position(|header| header.time.since(first) >= most)
    }

    /// Ends the pass: what is left was not asked for, or nobody waits for it.
    fn end(&mut self) -> bool {
        self.ended = true;
        false
    }

    fn interrupt(&mut self) -> bool {
        self.watch.interrupted.store(true, Ordering::Relaxed);
        self.end()
    }
}

impl FrameSource for Limited {
    fn may_wait(&self) -> bool {
        self.source.may_wait()
    }

    fn set_batch_size(&mut self, octets: usize) {
        self.source.set_batch_size(octets);
    }

    fn fill(&mut self, batch: &mut Batch) -> Result<bool, SourceError> {
        if matches!(self.lasts, Some(Lasts::Until(end)) if Instant::now() >= end) {
            self.stop.ask();
        }
        if self.ended || self.left == Some(0) {
            batch.clear();
            return Ok(self.end());
        }
        let may_stop = !self.live;
        if may_stop && self.stop.is_asked() {
            batch.clear();
            return Ok(self.interrupt());
        }
        let outcome = self.source.fill(batch);
        let wanted = [
            self.left
                .map(|left| usize::try_from(left).unwrap_or(usize::MAX)),
            self.in_time(batch),
        ];
        let wanted = wanted.into_iter().flatten().min();
        let filled = batch.headers.len();
        let given = wanted.map_or(filled, |wanted| wanted.min(filled));
        self.watch.frames.fetch_add(given as u64, Ordering::Relaxed);
        if let Some(wanted) = wanted.filter(|wanted| *wanted <= filled) {
            // What follows the last wanted frame was not asked for, including damage.
            batch.headers.truncate(wanted);
            batch.asides.retain(|aside| aside.before <= wanted);
            return Ok(self.end());
        }
        self.left = self.left.map(|left| left - filled as u64);
        // A pipe that is told to stop looks as if it had ended.
        if may_stop && matches!(outcome, Ok(false)) && self.stop.is_asked() {
            return Ok(self.interrupt());
        }
        outcome
    }
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use super::*;
    use crate::capture::{FrameHeader, LinkType};
    use crate::session::{FrameRecord, Options, Remainder};

    /// Returns one frame per second in batches of three, and requests the stop with the batch `stops`.
    struct Seconds {
        given: i64,
        stop: Stop,
        stops: i64,
    }

    impl FrameSource for Seconds {
        fn may_wait(&self) -> bool {
            false
        }

        fn fill(&mut self, batch: &mut Batch) -> Result<bool, SourceError> {
            batch.clear();
            for _ in 0..3 {
                batch.headers.push(FrameHeader {
                    time: Timestamp::new(self.given, 0),
                    start: 0,
                    captured: 0,
                    wire: 0,
                    interface: 0,
                    link: LinkType::RAW,
                });
                self.given += 1;
            }
            if self.given / 3 == self.stops {
                self.stop.ask();
            }
            Ok(self.given < 30)
        }
    }

    #[derive(Default)]
    struct Count(u64, Option<Ending>);

    impl Sink for Count {
        type Error = std::convert::Infallible;

        fn record(&mut self, _: &FrameRecord<'_>) -> Result<ControlFlow<()>, Self::Error> {
            self.0 += 1;
            Ok(ControlFlow::Continue(()))
        }

        fn end(&mut self, remainder: &Remainder<'_>) -> Result<(), Self::Error> {
            assert_eq!(remainder.frames, self.0);
            self.1 = Some(remainder.ending);
            Ok(())
        }
    }

    fn run(limits: PassLimits, stops: i64, threads: usize) -> (u64, Ending) {
        let stop = Stop::default();
        let source = Seconds {
            given: 0,
            stop: stop.clone(),
            stops,
        };
        let inspector = Inspector::new(&Options::default());
        let pass = Pass::new(Box::new(source), inspector, &stop);
        let mut count = Count::default();
        let Ok(passed) = pass.limited(limits).threads(threads).run(&mut count);
        assert_eq!(passed.frames, count.0);
        (count.0, count.1.unwrap())
    }

    #[test]
    fn a_pass_ends_with_its_source_its_limits_or_a_stop() {
        let limits = |frames, seconds: Option<u64>| PassLimits {
            frames,
            duration: seconds.map(Duration::from_secs),
        };
        for threads in [1, 2] {
            let never = -1;
            let whole = |limits| run(limits, never, threads);
            assert_eq!(whole(limits(None, None)), (30, Ending::Whole));
            assert_eq!(whole(limits(Some(7), None)), (7, Ending::Whole));
            assert_eq!(whole(limits(None, Some(5))), (5, Ending::Whole));
            assert_eq!(whole(limits(Some(4), Some(5))), (4, Ending::Whole));
            let stopped = run(limits(None, None), 2, threads);
            assert_eq!(stopped, (6, Ending::Interrupted));
            // The source ended first: nothing is missing.
            assert_eq!(run(limits(Some(6), None), 2, threads), (6, Ending::Whole));
        }
    }
}
