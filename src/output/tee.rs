//! Several outputs fed in one pass.

use std::io;
use std::ops::ControlFlow;
use std::path::Path;

use crate::capture::{Aside, Batch, FileName};
use crate::session::{FrameRecord, Remainder, Sink};

/// An output that could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {to}: {error}")]
pub struct OutputError {
    /// Where it was written to.
    pub to: FileName,
    /// What went wrong.
    #[source]
    pub error: io::Error,
}

impl OutputError {
    /// Whether nobody reads any more, which is no error.
    #[must_use]
    pub fn is_closed_pipe(&self) -> bool {
        self.error.kind() == io::ErrorKind::BrokenPipe
    }
}

/// Feeds several outputs, in the order in which they were added.
#[derive(Default)]
pub struct Tee<'a> {
    sinks: Vec<(FileName, Box<dyn Sink<Error = io::Error> + 'a>)>,
}

impl<'a> Tee<'a> {
    /// Adds an output; `to` is where it goes, for errors (`-` is standard output).
    pub fn add(&mut self, to: impl AsRef<Path>, sink: impl Sink<Error = io::Error> + 'a) {
        let to = FileName(to.as_ref().to_owned());
        self.sinks.push((to, Box::new(sink)));
    }

    fn each(
        &mut self,
        mut feed: impl FnMut(&mut (dyn Sink<Error = io::Error> + 'a)) -> io::Result<ControlFlow<()>>,
    ) -> Result<ControlFlow<()>, OutputError> {
        let mut flow = ControlFlow::Continue(());
        for (to, sink) in &mut self.sinks {
            let answer = feed(sink.as_mut()).map_err(|error| OutputError {
                to: to.clone(),
                error,
            })?;
            if answer.is_break() {
                flow = answer;
            }
        }
        Ok(flow)
    }
}

impl Sink for Tee<'_> {
    type Error = OutputError;

    fn record(&mut self, record: &FrameRecord<'_>) -> Result<ControlFlow<()>, OutputError> {
        self.each(|sink| sink.record(record))
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
