//! A running capture as a source of frames.

#![expect(
    clippy::cast_possible_truncation,
    reason = "times in two halves, valid until the year 2554"
)]

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::backlog::Backlog;
use super::capturing::{capturing, renounce};
use super::taker::Taker;
use super::{InterfaceInfo, LiveCounters, LiveOptions};
use crate::capture::batch::{Aside, AsideContent, Batch, FrameSource, Interface, LinkType};
use crate::capture::error::SourceError;
use crate::capture::options;

/// Least bytes of memory for frames after a smaller kernel buffer. It is used only while frames wait; frames that wait
/// here are not lost.
const LEAST_BACKLOG: usize = 16 << 20;

/// Longest wait for a frame before an empty batch is returned.
const WAIT: Duration = Duration::from_millis(50);

/// A running capture on an interface.
pub struct LiveSource {
    backlog: Arc<Backlog>,
    name: String,
    link: LinkType,
    snaplen: u32,
    /// Nanoseconds per unit of the frames' times.
    unit: u64,
    counters: Arc<LiveCounters>,
    /// Number of frames returned so far.
    frames: u64,
    begun: bool,
    ended: bool,
}

impl LiveSource {
    /// Starts a capture, in a thread of its own.
    ///
    /// # Errors
    ///
    /// If the interface cannot be opened. The text is a whole sentence, with what to do about it.
    pub fn open(options: &LiveOptions) -> Result<Self, SourceError> {
        let opened = capturing()?.open(options)?;
        if options.last {
            renounce()?;
        }
        let backlog = Arc::new(Backlog::new(LEAST_BACKLOG.max(options.buffer as usize)));
        let source = Self {
            backlog: Arc::clone(&backlog),
            name: opened.name().to_owned(),
            link: opened.link(),
            snaplen: options.snaplen,
            unit: opened.unit(),
            counters: Arc::default(),
            frames: 0,
            begun: false,
            ended: false,
        };
        let taker = Taker {
            opened,
            buffer: options.buffer,
            stop: options.stop.clone(),
            counters: Arc::clone(&source.counters),
        };
        std::thread::Builder::new()
            .name("capture".into())
            .spawn(move || taker.run(&backlog))?;
        Ok(source)
    }

    /// The kernel's counts, which another thread can read during the capture.
    #[must_use]
    pub fn counters(&self) -> Arc<LiveCounters> {
        Arc::clone(&self.counters)
    }

    /// The name of the interface.
    #[must_use]
    pub fn interface(&self) -> &str {
        &self.name
    }

    /// Adds the kernel's counts as pcapng interface statistics, for a file that is being written.
    fn statistics(&self, batch: &mut Batch) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.unwrap_or_default().as_nanos() as u64 / self.unit;
        let start = batch.buffer.len();
        for word in [0, (now >> 32) as u32, now as u32] {
            batch.buffer.extend(word.to_le_bytes());
        }
        for (code, counter) in [
            (options::RECEIVED, self.counters.received()),
            (
                options::INTERFACE_DROPPED,
                self.counters.interface_dropped(),
            ),
            (options::SYSTEM_DROPPED, self.counters.dropped()),
        ] {
            options::push(&mut batch.buffer, code, &counter.to_le_bytes());
        }
        options::push(&mut batch.buffer, options::END, &[]);
        batch.asides.push(Aside {
            before: batch.headers.len(),
            what: AsideContent::Block {
                kind: options::STATISTICS,
                body: start..batch.buffer.len(),
            },
        });
    }
}

impl FrameSource for LiveSource {
    fn fill(&mut self, batch: &mut Batch) -> Result<bool, SourceError> {
        if self.ended {
            batch.clear();
            return Ok(false);
        }
        let outcome = self.backlog.next(batch, WAIT);
        batch.first_number = self.frames + 1;
        self.frames += batch.headers.len() as u64;
        if !self.begun {
            self.begun = true;
            batch.asides.push(Aside {
                before: 0,
                what: AsideContent::Interface(Box::new(Interface {
                    index: 0,
                    file: 0,
                    link: self.link,
                    snaplen: self.snaplen,
                    resolution: if self.unit == 1 { 9 } else { 6 },
                    offset: 0,
                    name: Some(self.name.clone()),
                    options: Vec::new(),
                })),
            });
        }
        if !matches!(outcome, Ok(true)) {
            self.ended = true;
            self.statistics(batch);
        }
        outcome
    }
}

impl Drop for LiveSource {
    /// The thread ends soon; there is no need to wait for it.
    fn drop(&mut self) {
        self.backlog.leave();
    }
}

/// The interfaces that can be captured on, in the system's order.
///
/// # Errors
///
/// If this program cannot capture, or the system does not list them.
pub fn interfaces() -> Result<Vec<InterfaceInfo>, SourceError> {
    capturing()?.interfaces()
}
