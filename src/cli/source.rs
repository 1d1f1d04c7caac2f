//! A source that ends early: after so many frames, or once the process is asked to end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::capture::{Batch, FrameSource, SourceError};

/// Gives what another source gives until one of its own limits is met.
pub(super) struct Limited<S> {
    source: S,
    left: Option<u64>,
    frames: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
}

impl<S> Limited<S> {
    /// At most `count` frames, and none after `stop` is set.
    pub fn new(source: S, count: Option<u64>, stop: Arc<AtomicBool>) -> Self {
        Self {
            source,
            left: count,
            frames: Arc::default(),
            stop,
        }
    }
}

impl<S> Limited<S> {
    /// Frames given so far, to be looked at while another thread reads.
    pub fn frames(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.frames)
    }
}

impl<S: FrameSource> FrameSource for Limited<S> {
    fn fill(&mut self, batch: &mut Batch) -> Result<bool, SourceError> {
        if self.left == Some(0) || self.stop.load(Ordering::Relaxed) {
            batch.clear();
            return Ok(false);
        }
        let outcome = self.source.fill(batch);
        let filled = batch.headers.len() as u64;
        self.frames.fetch_add(filled, Ordering::Relaxed);
        let Some(left) = &mut self.left else {
            return outcome;
        };
        if filled < *left {
            *left -= filled;
            return outcome;
        }
        // What comes behind the last frame wanted was not asked for, damage included.
        let wanted = *left as usize;
        batch.headers.truncate(wanted);
        batch.asides.retain(|aside| aside.before <= wanted);
        *left = 0;
        Ok(false)
    }
}
