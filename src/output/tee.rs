//! Feeds several outputs in one pass, and reports errors of writing.

use std::io;
use std::ops::ControlFlow;

use crate::capture::{Aside, Batch, Stop, WriteError};
use crate::session::{EmptySegments, FrameRecord, Remainder, Sink};
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
    lost: Lost,
}

/// The error that ended the outputs on standard output, and what follows from it.
#[derive(Default)]
struct Lost {
    error: Option<OutputError>,
    /// What stops a live capture.
    stop: Option<Stop>,
    /// Whether there is a sink that must be completed.
    saves: bool,
}

impl Lost {
    /// Continues without standard output if a sink must be completed.
    fn lose(&mut self, error: OutputError) -> Result<(), OutputError> {
        if !self.saves || matches!(error, OutputError::Capture(_)) {
            return Err(error);
        }
        if let Some(stop) = &self.stop {
            stop.ask();
        }
        self.error.get_or_insert(error);
        Ok(())
    }
}

struct Member<'a> {
    sink: Box<dyn Sink<Error = OutputError> + 'a>,
    role: Role,
    /// Whether it does anything with bare frames.
    takes_bare: bool,
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
        self.put(sink, Role::Listens, true);
    }

    /// Adds a sink that is completed even if standard output cannot be written.
    pub fn add_lasting(&mut self, sink: impl Sink<Error = OutputError> + 'a) {
        self.put(sink, Role::Lasts, true);
    }

    /// Adds a sink that writes to standard output.
    pub fn add_printer(&mut self, sink: impl Sink<Error = OutputError> + 'a) {
        self.put(sink, Role::Prints, true);
    }

    /// Adds a sink that writes to standard output and has no use for frames without messages, notes or stream events.
    pub fn add_printer_of_messages(&mut self, sink: impl Sink<Error = OutputError> + 'a) {
        self.put(sink, Role::Prints, false);
    }

    /// Sets what stops a live capture if standard output cannot be written.
    pub fn stopping(&mut self, stop: &Stop) {
        self.lost.stop = Some(stop.clone());
    }

    /// Takes the error that ended the outputs on standard output, for a report after the run.
    pub const fn take_lost(&mut self) -> Option<OutputError> {
        self.lost.error.take()
    }

    fn put(&mut self, sink: impl Sink<Error = OutputError> + 'a, role: Role, takes_bare: bool) {
        self.lost.saves |= role == Role::Lasts;
        self.members.push(Member {
            sink: Box::new(sink),
            role,
            takes_bare,
        });
    }

    #[inline]
    fn each(
        &mut self,
        mut feed: impl FnMut(&mut Member<'a>) -> Result<ControlFlow<()>, OutputError>,
    ) -> Result<ControlFlow<()>, OutputError> {
        let mut flow = ControlFlow::Continue(());
        for member in &mut self.members {
            if member.role == Role::Prints && self.lost.error.is_some() {
                continue;
            }
            match feed(member) {
                Ok(ControlFlow::Continue(())) => {}
                Ok(ControlFlow::Break(())) => flow = ControlFlow::Break(()),
                Err(error) => self.lost.lose(error)?,
            }
        }
        Ok(flow)
    }
}

impl Sink for Tee<'_> {
    type Error = OutputError;

    fn record(&mut self, record: &FrameRecord<'_>) -> Result<ControlFlow<()>, OutputError> {
        self.each(|member| member.sink.record(record))
    }

    fn bare(&mut self, record: &FrameRecord<'_>) -> Result<ControlFlow<()>, OutputError> {
        self.each(|member| {
            if member.takes_bare {
                member.sink.bare(record)
            } else {
                Ok(ControlFlow::Continue(()))
            }
        })
    }

    fn counts_empty_segments(&self) -> bool {
        let mut members = self.members.iter();
        members.all(|member| !member.takes_bare || member.sink.counts_empty_segments())
    }

    fn empty_segments(&mut self, segments: EmptySegments) {
        let members = self.members.iter_mut();
        for member in members.filter(|member| member.takes_bare) {
            member.sink.empty_segments(segments);
        }
    }

    fn wants_ends(&self) -> bool {
        let mut members = self.members.iter();
        members.any(|member| member.sink.wants_ends())
    }

    fn aside(&mut self, aside: &Aside, batch: &Batch) -> Result<(), OutputError> {
        self.each(|member| member.sink.aside(aside, batch).map(ControlFlow::Continue))
            .map(drop)
    }

    fn between(&mut self, found: &Remainder<'_>) -> Result<(), OutputError> {
        self.each(|member| member.sink.between(found).map(ControlFlow::Continue))
            .map(drop)
    }

    fn pause(&mut self) -> Result<ControlFlow<()>, OutputError> {
        self.each(|member| member.sink.pause())
    }

    fn end(&mut self, remainder: &Remainder<'_>) -> Result<(), OutputError> {
        self.each(|member| member.sink.end(remainder).map(ControlFlow::Continue))
            .map(drop)
    }
}
