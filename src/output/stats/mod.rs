//! The summary of a capture as text or as one JSON object. `docs/statistics.md` explains both.

mod json;
mod sentence;
mod text;

use std::io::{self, Write};
use std::ops::ControlFlow;

pub use sentence::Sentence;
pub(super) use sentence::Span;
pub use text::TextStyle;

use super::context::{Context, Output};
use super::tee::OutputError;
use crate::session::summary::Summary;
use crate::session::{Ending, FrameRecord, Remainder, Resolution, Sink};

/// How a summary is written.
#[derive(Debug, Clone, Copy)]
pub enum StatsFormat {
    /// Sections of aligned text.
    Text(TextStyle),
    /// One JSON object.
    Json,
}

/// Counts records and writes the summary at their end.
pub struct Stats<W> {
    out: W,
    summary: Summary,
    format: StatsFormat,
    top: Option<usize>,
}

impl<W: Write> Stats<W> {
    /// Nothing counted yet. `top` says how many users, addresses and connections are listed: as text
    /// 10 and as JSON all where it is not told.
    pub fn new(out: W, summary: Summary, format: StatsFormat, top: Option<usize>) -> Self {
        Self {
            out,
            summary,
            format,
            top,
        }
    }

    fn write(&mut self, remainder: &Remainder<'_>) -> Result<(), OutputError> {
        self.summary.interrupted = remainder.ending == Ending::Interrupted;
        write_summary(&mut self.out, &self.summary, self.format, self.top)?;
        Ok(self.out.flush()?)
    }
}

/// Lines of a section listed in text where nothing else is asked for.
const TOP: usize = 10;

/// Writes a summary.
pub fn write_summary(
    out: &mut impl Write,
    summary: &Summary,
    format: StatsFormat,
    top: Option<usize>,
) -> io::Result<()> {
    match format {
        StatsFormat::Text(style) => text::write(out, summary, style, top.unwrap_or(TOP)),
        StatsFormat::Json => json::write(out, summary, top.unwrap_or(usize::MAX)),
    }
}

/// Counts all frames.
impl<W: Write> Sink for Stats<W> {
    type Error = OutputError;

    #[inline]
    fn record(&mut self, record: &FrameRecord<'_>) -> Result<ControlFlow<()>, OutputError> {
        self.summary.record(record);
        Ok(ControlFlow::Continue(()))
    }

    #[inline]
    fn bare(&mut self, record: &FrameRecord<'_>) -> Result<ControlFlow<()>, OutputError> {
        self.summary.frame(record);
        Ok(ControlFlow::Continue(()))
    }

    fn prefetch(&mut self, resolutions: &[Resolution]) {
        self.summary.expect(resolutions);
    }

    fn end(&mut self, remainder: &Remainder<'_>) -> Result<(), OutputError> {
        self.summary.end(remainder);
        self.write(remainder)
    }
}

/// Counts the frames that a filter matches, where there is one.
impl<W: Write> Output for Stats<W> {
    fn record(
        &mut self,
        record: &FrameRecord<'_>,
        context: &mut Context,
    ) -> Result<ControlFlow<()>, OutputError> {
        if !context.has_filter() {
            return Sink::record(self, record);
        }
        let taken = context.takes(record);
        let late = |message: &_| context.takes_late(message);
        self.summary.record_selected(record, taken, late);
        Ok(ControlFlow::Continue(()))
    }

    fn bare(
        &mut self,
        record: &FrameRecord<'_>,
        context: &mut Context,
    ) -> Result<ControlFlow<()>, OutputError> {
        if context.has_filter() {
            Output::record(self, record, context)
        } else {
            Sink::bare(self, record)
        }
    }

    fn prefetch(&mut self, resolutions: &[Resolution]) {
        self.summary.expect(resolutions);
    }

    fn end(&mut self, remainder: &Remainder<'_>, context: &mut Context) -> Result<(), OutputError> {
        if !context.has_filter() {
            return Sink::end(self, remainder);
        }
        let late = |message: &_| context.takes_late(message);
        self.summary.end_selected(remainder, late);
        self.write(remainder)
    }
}
