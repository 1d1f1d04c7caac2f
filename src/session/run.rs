//! Frames from a source through the inspector to a sink, until one of them ends.

use std::ops::ControlFlow;

use super::{FrameRecord, Inspector, Remainder};
use crate::capture::{Batch, FrameSource, SourceError};

/// Takes what an inspector gives.
pub trait Sink {
    /// Why a sink can fail.
    type Error;

    /// Takes a frame's record. `Break` ends the run; the end is told all the same.
    fn record(&mut self, record: &FrameRecord<'_>) -> Result<ControlFlow<()>, Self::Error>;

    /// Everything that has arrived was given; more may come, and may take its time. What is
    /// buffered for a reader is to be written now.
    fn pause(&mut self) -> Result<(), Self::Error> {
        Ok(())
    }

    /// Takes what the end of the capture brings.
    fn end(&mut self, remainder: &Remainder<'_>) -> Result<(), Self::Error>;
}

/// Why a run ended early.
#[derive(Debug)]
pub enum RunError<E> {
    /// The source gave no more frames; all before were given to the sink, and the end too.
    Source(SourceError),
    /// The sink failed.
    Sink(E),
}

/// Runs until the source ends or the sink breaks. What was found before an error of the source
/// is given to the sink first.
pub fn run<S: Sink>(
    source: &mut dyn FrameSource,
    inspector: &mut Inspector,
    sink: &mut S,
) -> Result<(), RunError<S::Error>> {
    let mut batch = Batch::default();
    let mut next_number = 1;
    let outcome = loop {
        batch.clear();
        batch.first_number = next_number;
        let filled = source.fill(&mut batch);
        next_number += batch.headers.len() as u64;
        let mut broke = false;
        for frame in batch.frames() {
            let record = inspector.push(frame);
            if sink.record(&record).map_err(RunError::Sink)?.is_break() {
                broke = true;
                break;
            }
        }
        match filled {
            _ if broke => break Ok(()),
            Ok(true) => sink.pause().map_err(RunError::Sink)?,
            Ok(false) => break Ok(()),
            Err(error) => break Err(RunError::Source(error)),
        }
    };
    sink.end(&inspector.finish()).map_err(RunError::Sink)?;
    outcome
}
