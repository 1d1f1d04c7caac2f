//! Feeds several outputs in one pass, and reports errors of writing.

use std::io;
use std::ops::ControlFlow;

use crate::capture::{Aside, Batch, Stop, WriteError};
use crate::session::{FrameRecord, Remainder, Sink};
use crate::text::trouble::Trouble;

/// An output that could not be written.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// Standard output.
    #[error("cannot write standard output: {}", Trouble(.0))]
    Standard(#[from] io::Error),
    /// A capture file.
    #[error(transparent)]
    Capture(#[from] WriteError),
}

impl OutputError {
    /// Whether the reader of a pipe has closed it, which is not reported as an error.
    #[must_use]
    pub fn is_closed_pipe(&self) -> bool {
        match self {
            Self::Standard(error) => error.kind() == io::ErrorKind::BrokenPipe,
            Self::Capture(error) => error.is_closed_pipe(),
        }
    }
}

/// Feeds several sinks, in the order in which they were added.
///
/// If standard output cannot be written, for example because its reader is gone, the outputs on it end, but a capture that
/// is being saved is completed.
#[derive(Default)]
pub struct Tee<'a> {
    members: Vec<Member<'a>>,
    lost: Option<OutputError>,
    stop: Option<Stop>,
}

struct Member<'a> {
    sink: Box<dyn Sink<Error = OutputError> + 'a>,
    role: Role,
}

/// What happens to a sink when standard output cannot be written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    /// It continues as long as another sink does.
    Listens,
    /// It writes to standard output, and ends.
    Prints,
    /// It is completed, and keeps the run going.
    Lasts,
}

impl<'a> Tee<'a> {
    /// Adds a sink that writes nothing.
    pub fn add(&mut self, sink: impl Sink<Error = OutputError> + 'a) {
        self.put(sink, Role::Listens);
    }

    /// Adds a sink that is completed even if standard output cannot be written.
    pub fn add_lasting(&mut self, sink: impl Sink<Error = OutputError> + 'a) {
        self.put(sink, Role::Lasts);
    }

    /// Adds a sink that writes to standard output.
    pub fn add_printer(&mut self, sink: impl Sink<Error = OutputError> + 'a) {
        self.put(sink, Role::Prints);
    }

    /// Sets what stops a live capture if standard output cannot be written.
    pub fn stopping(&mut self, stop: &Stop) {
        self.stop = Some(stop.clone());
    }

    /// Takes the error that ended the outputs on standard output, for a report after the run.
    pub const fn take_lost(&mut self) -> Option<OutputError> {
        self.lost.take()
    }

    fn put(&mut self, sink: impl Sink<Error = OutputError> + 'a, role: Role) {
        let sink = Box::new(sink);
        self.members.push(Member { sink, role });
    }

    fn each(
        &mut self,
        mut feed: impl FnMut(
            &mut (dyn Sink<Error = OutputError> + 'a),
        ) -> Result<ControlFlow<()>, OutputError>,
    ) -> Result<ControlFlow<()>, OutputError> {
        let mut flow = ControlFlow::Continue(());
        for index in 0..self.members.len() {
            let member = &mut self.members[index];
            if self.lost.is_some() && member.role == Role::Prints {
                continue;
            }
            match feed(member.sink.as_mut()) {
                Ok(answer) if answer.is_break() => flow = answer,
                Ok(_) => {}
                Err(error) => self.lose(error)?,
            }
        }
        Ok(flow)
    }

    /// Continues without standard output if another sink must be completed.
    fn lose(&mut self, error: OutputError) -> Result<(), OutputError> {
        let saves = self.members.iter().any(|member| member.role == Role::Lasts);
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

impl Sink for Tee<'_> {
    type Error = OutputError;

    fn record(&mut self, record: &FrameRecord<'_>) -> Result<ControlFlow<()>, OutputError> {
        self.each(|sink| sink.record(record))
    }

    fn bare(&mut self, record: &FrameRecord<'_>) -> Result<ControlFlow<()>, OutputError> {
        self.each(|sink| sink.bare(record))
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
