//! A source that ends early: after so many frames or so much time, or once the process is asked to
//! end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::capture::{Batch, FrameSource, SourceError, Timestamp};

/// Gives what another source gives until one of its own limits is met.
pub(super) struct Limited<S> {
    source: S,
    left: Option<u64>,
    lasts: Option<Lasts>,
    frames: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
}

impl<S> Limited<S> {
    /// At most `count` frames, and none after `stop` is set.
    pub fn new(source: S, count: Option<u64>, stop: Arc<AtomicBool>) -> Self {
        Self {
            source,
            left: count,
            lasts: None,
            frames: Arc::default(),
            stop,
        }
    }
}

/// For how long frames are given.
#[derive(Debug)]
enum Lasts {
    /// Until then, whether frames come or not: the source is told to stop, and gives what it has.
    Live(Instant, Arc<AtomicBool>),
    /// This long after the first frame, by the frames' times.
    Replay(Duration, Option<Timestamp>),
}

impl<S> Limited<S> {
    /// Ends after this long too: by the clock where what stops a `live` source is given, else by
    /// the frames' times.
    #[must_use]
    pub fn lasting(mut self, duration: Option<Duration>, live: Option<Arc<AtomicBool>>) -> Self {
        self.lasts = duration.map(|duration| match live {
            Some(stop) => Lasts::Live(Instant::now() + duration, stop),
            None => Lasts::Replay(duration, None),
        });
        self
    }

    /// How many frames of a batch come in time, where not all do.
    fn in_time(&mut self, batch: &Batch) -> Option<usize> {
        let Some(Lasts::Replay(duration, first)) = &mut self.lasts else {
            return None;
        };
        let first = *first.get_or_insert(batch.headers.first()?.time);
        let most = i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX);
        let mut headers = batch.headers.iter();
        headers.position(|header| header.time.since(first) >= most)
    }

    /// Frames given so far, to be looked at while another thread reads.
    pub fn frames(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.frames)
    }
}

impl<S: FrameSource> FrameSource for Limited<S> {
    fn may_wait(&self) -> bool {
        self.source.may_wait()
    }

    fn fill(&mut self, batch: &mut Batch) -> Result<bool, SourceError> {
        if let Some(Lasts::Live(end, stop)) = &self.lasts
            && Instant::now() >= *end
        {
            stop.store(true, Ordering::Relaxed);
        }
        if self.left == Some(0) || self.stop.load(Ordering::Relaxed) {
            batch.clear();
            return Ok(false);
        }
        let outcome = self.source.fill(batch);
        let wanted = [self.left.map(|left| left as usize), self.in_time(batch)];
        let wanted = wanted.into_iter().flatten().min();
        let filled = batch.headers.len();
        self.frames.fetch_add(filled as u64, Ordering::Relaxed);
        match wanted {
            // What comes behind the last frame wanted was not asked for, damage included.
            Some(wanted) if wanted <= filled => {
                batch.headers.truncate(wanted);
                batch.asides.retain(|aside| aside.before <= wanted);
                self.left = Some(0);
                Ok(false)
            }
            _ => {
                self.left = self.left.map(|left| left - filled as u64);
                outcome
            }
        }
    }
}
