//! Several outputs fed in one pass.

use std::io;
use std::ops::ControlFlow;

use crate::capture::{Aside, Batch, Stop, WriteError};
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
///
/// Where standard output cannot be written any more, because its reader or its terminal is gone, the
/// outputs on it end; a capture that is being saved goes on to be whole.
#[derive(Default)]
pub struct Tee<'a> {
    sinks: Vec<Output<'a>>,
    lost: Option<OutputError>,
    stop: Option<Stop>,
}

struct Output<'a> {
    sink: Box<dyn Sink<Error = OutputError> + 'a>,
    lasting: bool,
}

impl<'a> Tee<'a> {
    /// Adds an output that says itself where it could not write.
    pub fn add(&mut self, sink: impl Sink<Error = OutputError> + 'a) {
        self.put(sink, false);
    }

    /// Adds an output that is to be whole even where standard output is lost.
    pub fn add_lasting(&mut self, sink: impl Sink<Error = OutputError> + 'a) {
        self.put(sink, true);
    }

    /// Adds an output that writes to standard output.
    pub fn add_printer(&mut self, sink: impl Sink<Error = io::Error> + 'a) {
        self.add(Printer(sink));
    }

    /// Has a live run end, in order, where standard output is lost.
    pub fn stopping(&mut self, stop: &Stop) {
        self.stop = Some(stop.clone());
    }

    /// Gives the error that outputs on standard output ended in, once the others are whole.
    pub fn finish(&mut self) -> Result<(), OutputError> {
        self.lost.take().map_or(Ok(()), Err)
    }

    fn put(&mut self, sink: impl Sink<Error = OutputError> + 'a, lasting: bool) {
        let sink = Box::new(sink);
        self.sinks.push(Output { sink, lasting });
    }

    fn each(
        &mut self,
        mut feed: impl FnMut(
            &mut (dyn Sink<Error = OutputError> + 'a),
        ) -> Result<ControlFlow<()>, OutputError>,
    ) -> Result<ControlFlow<()>, OutputError> {
        let mut flow = ControlFlow::Continue(());
        for index in 0..self.sinks.len() {
            let lost = self.lost.is_some();
            let sink = &mut self.sinks[index].sink;
            if lost && sink.prints() {
                continue;
            }
            match feed(sink.as_mut()) {
                Ok(answer) if answer.is_break() => flow = answer,
                Ok(_) => {}
                Err(error) => self.lose(error)?,
            }
        }
        Ok(flow)
    }

    /// Goes on without standard output where something else is to become whole.
    fn lose(&mut self, error: OutputError) -> Result<(), OutputError> {
        let saves = self.sinks.iter().any(|output| output.lasting);
        if !saves || matches!(error, OutputError::Capture(_)) {
            return Err(error);
        }
        if let Some(stop) = &self.stop {
            stop.ask();
        }
        self.lost.get_or_insert(error);
        Ok(())
    }
}

/// An output whose errors are those of standard output.
pub struct Printer<S>(pub S);

impl<S: Sink<Error = io::Error>> Sink for Printer<S> {
    type Error = OutputError;

    fn prints(&self) -> bool {
        true
    }

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

    fn between(&mut self, found: &Remainder<'_>) -> Result<(), OutputError> {
        self.0.between(found).map_err(OutputError::Standard)
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

    fn prints(&self) -> bool {
        self.sinks.iter().any(|output| output.sink.prints())
    }

    fn record(&mut self, record: &FrameRecord<'_>) -> Result<ControlFlow<()>, OutputError> {
        self.each(|sink| sink.record(record))
    }

    fn quiet(&mut self, record: &FrameRecord<'_>) -> Result<ControlFlow<()>, OutputError> {
        self.each(|sink| sink.quiet(record))
    }

    fn expect(&mut self, resolutions: &[Resolution]) {
        for output in &mut self.sinks {
            output.sink.expect(resolutions);
        }
    }

    fn aside(&mut self, aside: &Aside, batch: &Batch) -> Result<(), OutputError> {
        self.each(|sink| sink.aside(aside, batch).map(ControlFlow::Continue))
            .map(drop)
    }

    fn between(&mut self, found: &Remainder<'_>) -> Result<(), OutputError> {
        self.each(|sink| sink.between(found).map(ControlFlow::Continue))
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
