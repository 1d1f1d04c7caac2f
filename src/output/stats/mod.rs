//! The summary of a capture as text or as one JSON object. `docs/statistics.md` explains both.

mod json;
mod sentence;
mod text;

use std::io::{self, Write};
use std::ops::ControlFlow;
use std::rc::Rc;

pub use sentence::Sentence;
pub(super) use sentence::Span;
pub use text::TextStyle;

use super::select::RecordFilter;
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
    filter: Option<Rc<dyn RecordFilter>>,
    format: StatsFormat,
    top: Option<usize>,
}

impl<W: Write> Stats<W> {
    /// Nothing counted yet. `filter` says which frames count; `top` how many users, addresses and
    /// connections are listed: as text 10 and as JSON all where it is not told.
    pub fn new(
        out: W,
        summary: Summary,
        filter: Option<Rc<dyn RecordFilter>>,
        format: StatsFormat,
        top: Option<usize>,
    ) -> Self {
        Self {
            out,
            summary,
            filter,
            format,
            top,
        }
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

#[inline(never)]
fn select(summary: &mut Summary, filter: &dyn RecordFilter, record: &FrameRecord<'_>) {
    let late = |message: &_| filter.message(message);
    let taken = filter.frame(record);
    summary.record_selected(record, taken, late);
}

impl<W: Write> Sink for Stats<W> {
    type Error = io::Error;

    #[inline]
    fn record(&mut self, record: &FrameRecord<'_>) -> io::Result<ControlFlow<()>> {
        match &self.filter {
            None => self.summary.record(record),
            Some(filter) => select(&mut self.summary, &**filter, record),
        }
        Ok(ControlFlow::Continue(()))
    }

    #[inline]
    fn quiet(&mut self, record: &FrameRecord<'_>) -> io::Result<ControlFlow<()>> {
        if self.filter.is_some() {
            return self.record(record);
        }
        self.summary.frame(record);
        Ok(ControlFlow::Continue(()))
    }

    fn expect(&mut self, resolutions: &[Resolution]) {
        self.summary.expect(resolutions);
    }

    fn end(&mut self, remainder: &Remainder<'_>) -> io::Result<()> {
        match &self.filter {
            None => self.summary.end(remainder),
            Some(filter) => {
                let late = |message: &_| filter.message(message);
                self.summary.end_selected(remainder, late);
            }
        }
        self.summary.interrupted = remainder.ending == Ending::Interrupted;
        write_summary(&mut self.out, &self.summary, self.format, self.top)?;
        self.out.flush()
    }
}
