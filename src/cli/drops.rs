//! Frames that the kernel dropped, reported on standard error during a capture.

use std::io::Write;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::capture::live::LiveCounters;
use crate::output::OutputError;
use crate::session::{FrameRecord, Remainder, Sink};
use crate::text::number::number_of;

/// The least time between two lines.
const QUIET: Duration = Duration::from_secs(1);

/// Reads the kernel's counts whenever the frames that have arrived were shown, so that a line never interrupts a row.
pub(super) struct Drops {
    counters: Arc<LiveCounters>,
    told: LastTold,
}

impl Drops {
    /// Nothing has been reported yet.
    pub fn new(counters: Arc<LiveCounters>) -> Self {
        Self {
            counters,
            told: LastTold::default(),
        }
    }
}

impl Sink for Drops {
    type Error = OutputError;

    fn record(&mut self, _: &FrameRecord<'_>) -> Result<ControlFlow<()>, OutputError> {
        Ok(ControlFlow::Continue(()))
    }

    fn pause(&mut self) -> Result<ControlFlow<()>, OutputError> {
        if let Some(line) = self.told.line(self.counters.dropped(), Instant::now) {
            // A closed standard error is not a failure.
            let _ = writeln!(std::io::stderr(), "{line}");
        }
        Ok(ControlFlow::Continue(()))
    }

    fn end(&mut self, _: &Remainder<'_>) -> Result<(), OutputError> {
        Ok(())
    }
}

/// The count that was reported last, and when.
#[derive(Debug, Default)]
struct LastTold {
    dropped: u64,
    at: Option<Instant>,
}

impl LastTold {
    /// The line to report for `dropped` frames, if any. The clock is read only if there are more of them than before.
    fn line(&mut self, dropped: u64, now: impl FnOnce() -> Instant) -> Option<String> {
        if dropped <= self.dropped {
            return None;
        }
        let now = now();
        if self.at.is_some_and(|at| now.duration_since(at) < QUIET) {
            return None;
        }
        *self = Self {
            dropped,
            at: Some(now),
        };
        let frames = number_of(dropped, "frame");
        Some(format!(
            "authscope: {frames} dropped by the kernel so far; a larger buffer (-B) may help"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_drops_are_told_once_a_second_at_the_most() {
        let start = Instant::now();
        let mut told = LastTold::default();
        let mut line = |dropped, milliseconds| {
            told.line(dropped, || start + Duration::from_millis(milliseconds))
        };
        assert_eq!(line(0, 0), None);
        assert_eq!(
            line(1, 10).as_deref(),
            Some("authscope: 1 frame dropped by the kernel so far; a larger buffer (-B) may help")
        );
        assert_eq!(line(900, 500), None);
        assert_eq!(line(1200, 1009), None);
        assert!(line(1234, 1010).unwrap().contains(" 1234 frames dropped "));
        // As many as were told: nothing, however long it takes.
        assert_eq!(line(1234, 60_000), None);
        assert!(line(1235, 60_001).unwrap().contains(" 1235 frames "));
    }

    #[test]
    fn nothing_dropped_asks_no_clock() {
        let asked = || panic!("the clock was asked");
        assert_eq!(LastTold::default().line(0, asked), None);
    }
}
