//! `authscope stats`: the summary of a capture as text or as one JSON object. `docs/statistics.md` explains both.

mod chart;
mod json;
mod section;
mod sentence;
mod text;

use std::io::{self, Write};
use std::ops::ControlFlow;

pub use json::summary_definitions;
pub use sentence::Sentence;
pub(super) use sentence::Span;
pub use text::TextStyle;

use super::context::{Context, Output};
use super::tee::OutputError;
use crate::capture::Batch;
use crate::session::summary::Summary;
use crate::session::{Ending, FlowEnd, FrameRecord, Inspected, Remainder, Sink};
use crate::text::escape::Escaped;

/// The format of a summary.
#[derive(Debug, Clone, Copy)]
pub enum StatsFormat {
    /// Sections of aligned text.
    Text(TextStyle),
    /// One JSON object.
    Json,
}

/// Counts records, and writes the summary at the end.
pub struct Stats<W> {
    out: W,
    summary: Summary,
    format: StatsFormat,
    top: Option<usize>,
    file: Option<String>,
}

impl<W: Write> Stats<W> {
    /// Starts from `summary`. `top`: how many users, addresses and connections are listed; by default 10 in text and all in
    /// JSON.
    pub fn new(out: W, summary: Summary, format: StatsFormat, top: Option<usize>) -> Self {
        Self {
            out,
            summary,
            format,
            top,
            file: None,
        }
    }

    /// Sets the path, for one of several captures. Text begins with it; JSON becomes an element of an array, after a comma.
    #[must_use]
    pub fn of(self, file: Option<String>) -> Self {
        Self { file, ..self }
    }

    /// The summary so far.
    pub const fn summary(&self) -> &Summary {
        &self.summary
    }

    fn write(&mut self, remainder: &Remainder<'_>) -> Result<(), OutputError> {
        self.summary.interrupted = remainder.ending == Ending::Interrupted;
        match (&self.file, self.format) {
            (Some(file), StatsFormat::Json) => {
                let top = self.top.unwrap_or(usize::MAX);
                json::write_element(&mut self.out, &self.summary, top, file)?;
            }
            (Some(file), StatsFormat::Text(_)) => {
                writeln!(self.out, "File {}\n", Escaped(file))?;
                write_summary(&mut self.out, &self.summary, self.format, self.top)?;
                writeln!(self.out)?;
            }
            (None, _) => write_summary(&mut self.out, &self.summary, self.format, self.top)?,
        }
        Ok(self.out.flush()?)
    }
}

/// The default number of lines in a section of text.
const TOP: usize = 10;

/// Writes a summary. `top`: see [`Stats::new`].
///
/// # Errors
/// Fails if writing fails.
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

    fn counts(&self) -> bool {
        true
    }

    fn ended_flows(&mut self, flows: &[FlowEnd]) {
        self.summary.ended_flows(flows);
    }

    fn batch(&mut self, batch: &Batch, inspected: &Inspected) -> Result<(), OutputError> {
        self.summary.batch(batch, inspected);
        Ok(())
    }

    fn end(&mut self, remainder: &Remainder<'_>) -> Result<(), OutputError> {
        self.summary.end(remainder);
        self.write(remainder)
    }
}

/// Counts the frames that the filter matches.
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

    fn end(&mut self, remainder: &Remainder<'_>, context: &mut Context) -> Result<(), OutputError> {
        if !context.has_filter() {
            return Sink::end(self, remainder);
        }
        let late = |message: &_| context.takes_late(message);
        self.summary.end_selected(remainder, late);
        self.write(remainder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::{FileSource, ReadOptions};
    use crate::session::summary::Thresholds;
    use crate::session::{Inspector, Options, run};
    use crate::synth::load::Load;

    /// Receives records instead of batches.
    struct OneByOne<'a>(Stats<&'a mut Vec<u8>>);

    impl Sink for OneByOne<'_> {
        type Error = OutputError;

        fn record(&mut self, record: &FrameRecord<'_>) -> Result<ControlFlow<()>, OutputError> {
            Sink::record(&mut self.0, record)
        }

        fn end(&mut self, remainder: &Remainder<'_>) -> Result<(), OutputError> {
            Sink::end(&mut self.0, remainder)
        }
    }

    /// Receives batches with complete messages.
    struct Whole<'a>(Stats<&'a mut Vec<u8>>);

    impl Sink for Whole<'_> {
        type Error = OutputError;

        fn record(&mut self, record: &FrameRecord<'_>) -> Result<ControlFlow<()>, OutputError> {
            Sink::record(&mut self.0, record)
        }

        fn counts(&self) -> bool {
            true
        }

        fn wants_messages(&self) -> bool {
            true
        }

        fn batch(&mut self, batch: &Batch, inspected: &Inspected) -> Result<(), OutputError> {
            assert!(inspected.clean().is_empty());
            self.0.batch(batch, inspected)
        }

        fn ended_flows(&mut self, flows: &[FlowEnd]) {
            self.0.ended_flows(flows);
        }

        fn end(&mut self, remainder: &Remainder<'_>) -> Result<(), OutputError> {
            Sink::end(&mut self.0, remainder)
        }
    }

    /// The statistics of a capture, counted from batches, from batches with complete messages, and from records.
    fn ways(file: &[u8]) -> [String; 3] {
        [0, 1, 2].map(|way| {
            let source =
                FileSource::from_reader(io::Cursor::new(file.to_vec()), ReadOptions::default());
            let source = Box::new(source.unwrap());
            let inspector = Inspector::new(&Options {
                checksums: true,
                ..Options::default()
            });
            let mut out = Vec::new();
            let summary = Summary::new(Thresholds::default());
            let mut stats = Stats::new(&mut out, summary, StatsFormat::Json, None);
            assert!(stats.counts());
            let _ = match way {
                0 => run(source, inspector, &mut stats, 1).unwrap(),
                1 => run(source, inspector, &mut Whole(stats), 1).unwrap(),
                _ => run(source, inspector, &mut OneByOne(stats), 1).unwrap(),
            };
            String::from_utf8(out).unwrap()
        })
    }

    #[test]
    fn batches_count_as_records_do() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/captures");
        let mut captures = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let Ok(file) = std::fs::read(&path) else {
                continue;
            };
            if FileSource::from_reader(io::Cursor::new(file.clone()), ReadOptions::default())
                .is_ok()
            {
                let [batches, whole, records] = ways(&file);
                assert_eq!(batches, records, "{}", path.display());
                assert_eq!(whole, records, "{}", path.display());
                captures += 1;
            }
        }
        assert!(captures > 100, "{captures} captures");
    }

    #[test]
    fn text_fits_a_terminal_of_80_columns() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/captures");
        let mut captures = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let Ok(source) = crate::capture::open(&path, ReadOptions::default()) else {
                continue;
            };
            let style = TextStyle {
                width: Some(80),
                ..TextStyle::default()
            };
            let mut out = Vec::new();
            let summary = Summary::new(Thresholds::default());
            let mut stats = Stats::new(&mut out, summary, StatsFormat::Text(style), None);
            let _ = run(
                Box::new(source),
                Inspector::new(&Options::default()),
                &mut stats,
                1,
            );
            drop(stats);
            for line in String::from_utf8(out).unwrap().lines() {
                let width = unicode_width::UnicodeWidthStr::width(line);
                assert!(width <= 80, "{}: {width} columns: {line}", path.display());
            }
            captures += 1;
        }
        assert!(captures > 100, "{captures} captures");
    }

    #[test]
    fn batches_count_as_records_do_whatever_gets_lost() {
        for seed in 0..8 {
            let load = Load {
                frames: 4_000,
                connections: 90,
                sizes: vec![1460, 60, 30, 7],
                reorder: 0.05,
                loss: 0.05,
                gaps: 0.02,
                background: 0.2,
                open: seed % 2 == 0,
                active: 20,
                seed,
                ..Load::default()
            };
            let mut file = Vec::new();
            load.write(&mut file).unwrap();
            let [batches, whole, records] = ways(&file);
            assert_eq!(batches, records, "seed {seed}");
            assert_eq!(whole, records, "seed {seed}");
        }
    }
}
