//! Several outputs fed in one pass.

use std::io;
use std::ops::ControlFlow;

use crate::capture::{Aside, Batch, WriteError};
use crate::session::{FrameRecord, Remainder, Resolution, Sink};

/// An output that could not be written.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// Standard output.
    #[error("cannot write standard output: {0}")]
    Standard(io::Error),
    /// A capture file.
    #[error(transparent)]
    Capture(#[from] WriteError),
}

impl OutputError {
    /// Whether nobody reads any more, which is no error.
    #[must_use]
    pub fn is_closed_pipe(&self) -> bool {
        match self {
            Self::Standard(error) => error.kind() == io::ErrorKind::BrokenPipe,
            Self::Capture(error) => error.is_closed_pipe(),
        }
    }
}

/// Feeds several outputs, in the order in which they were added.
#[derive(Default)]
pub struct Tee<'a> {
    sinks: Vec<Box<dyn Sink<Error = OutputError> + 'a>>,
}

impl<'a> Tee<'a> {
    /// Adds an output that says itself where it could not write.
    pub fn add(&mut self, sink: impl Sink<Error = OutputError> + 'a) {
        self.sinks.push(Box::new(sink));
    }

    /// Adds an output that writes to standard output.
    pub fn add_printer(&mut self, sink: impl Sink<Error = io::Error> + 'a) {
        self.add(Printer(sink));
    }

    fn each(
        &mut self,
        mut feed: impl FnMut(
            &mut (dyn Sink<Error = OutputError> + 'a),
        ) -> Result<ControlFlow<()>, OutputError>,
    ) -> Result<ControlFlow<()>, OutputError> {
        let mut flow = ControlFlow::Continue(());
        for sink in &mut self.sinks {
            let answer = feed(sink.as_mut())?;
            if answer.is_break() {
                flow = answer;
            }
        }
        Ok(flow)
    }
}

/// An output whose errors are those of standard output.
pub struct Printer<S>(pub S);

impl<S: Sink<Error = io::Error>> Sink for Printer<S> {
    type Error = OutputError;

    #[inline]
    fn record(&mut self, record: &FrameRecord<'_>) -> Result<ControlFlow<()>, OutputError> {
        self.0.record(record).map_err(OutputError::Standard)
    }

    #[inline]
    fn quiet(&mut self, record: &FrameRecord<'_>) -> Result<ControlFlow<()>, OutputError> {
        self.0.quiet(record).map_err(OutputError::Standard)
    }

    fn expect(&mut self, resolutions: &[Resolution]) {
        self.0.expect(resolutions);
    }

    fn aside(&mut self, aside: &Aside, batch: &Batch) -> Result<(), OutputError> {
        self.0.aside(aside, batch).map_err(OutputError::Standard)
    }

    fn pause(&mut self) -> Result<ControlFlow<()>, OutputError> {
        self.0.pause().map_err(OutputError::Standard)
    }

    fn end(&mut self, remainder: &Remainder<'_>) -> Result<(), OutputError> {
        self.0.end(remainder).map_err(OutputError::Standard)
    }
}

impl Sink for Tee<'_> {
    type Error = OutputError;

    fn record(&mut self, record: &FrameRecord<'_>) -> Result<ControlFlow<()>, OutputError> {
        self.each(|sink| sink.record(record))
    }

    fn quiet(&mut self, record: &FrameRecord<'_>) -> Result<ControlFlow<()>, OutputError> {
        self.each(|sink| sink.quiet(record))
    }

    fn expect(&mut self, resolutions: &[Resolution]) {
        for sink in &mut self.sinks {
            sink.expect(resolutions);
        }
    }

    fn aside(&mut self, aside: &Aside, batch: &Batch) -> Result<(), OutputError> {
        self.each(|sink| sink.aside(aside, batch).map(ControlFlow::Continue))
            .map(drop)
    }

    fn pause(&mut self) -> Result<ControlFlow<()>, OutputError> {
        self.each(Sink::pause)
    }

    fn end(&mut self, remainder: &Remainder<'_>) -> Result<(), OutputError> {
        self.each(|sink| sink.end(remainder).map(ControlFlow::Continue))
            .map(drop)
    }
}
