//! Frames from a source through the inspector to a sink, until one of them ends.
//!
//! With a second thread, reading and decoding of the next frames overlap with everything else;
//! records and their order are the same.

use std::ops::ControlFlow;

use crossbeam_channel::{Receiver, Sender, bounded};

use super::{Decoded, FrameRecord, Inspector, Remainder};
use crate::capture::{Aside, Batch, FrameSource, SourceError};
use crate::stream::FlowHasher;

/// Takes what an inspector gives.
pub trait Sink {
    /// Why a sink can fail.
    type Error;

    /// Takes a frame's record. `Break` ends the run; the end is told all the same.
    fn record(&mut self, record: &FrameRecord<'_>) -> Result<ControlFlow<()>, Self::Error>;

    /// Takes what stands between frames, for those who write captures.
    fn aside(&mut self, aside: &Aside, batch: &Batch) -> Result<(), Self::Error> {
        let _ = (aside, batch);
        Ok(())
    }

    /// Everything that has arrived was given; more may come, and may take its time. What is
    /// buffered for a reader is to be written now. `Break` ends the run, as after a signal.
    fn pause(&mut self) -> Result<ControlFlow<()>, Self::Error> {
        Ok(ControlFlow::Continue(()))
    }

    /// Takes what the end of the capture brings.
    fn end(&mut self, remainder: &Remainder<'_>) -> Result<(), Self::Error>;
}

/// Batches on their way between the threads, at the most. Each is about a megabyte.
const BATCHES: usize = 4;

/// Frames whose flows are looked for together.
const LOOK_AHEAD: usize = 32;

/// A batch, its frames decoded, and what the source said.
#[derive(Debug, Default)]
struct DecodedBatch {
    batch: Batch,
    /// One for each of the batch's frames.
    decoded: Vec<Decoded>,
    /// Whether more comes, or what went wrong.
    more: Option<Result<bool, SourceError>>,
}

impl DecodedBatch {
    fn fill(&mut self, source: &mut dyn FrameSource, next_number: &mut u64, hasher: &FlowHasher) {
        self.batch.clear();
        self.decoded.clear();
        self.batch.first_number = *next_number;
        self.more = Some(source.fill(&mut self.batch));
        *next_number += self.batch.headers.len() as u64;
        let frames = self.batch.frames();
        self.decoded
            .extend(frames.map(|frame| Decoded::new(&frame, hasher)));
    }
}

/// Runs until the source ends or the sink breaks, and gives what went wrong with the source; what
/// was found before that has gone to the sink. With `threads` above 1 the source is read and its
/// frames are decoded by a thread of its own, which ends with the source or the process.
pub fn run<S: Sink>(
    mut source: Box<dyn FrameSource + Send>,
    inspector: &mut Inspector,
    sink: &mut S,
    threads: usize,
) -> Result<Vec<SourceError>, S::Error> {
    let mut errors = Vec::new();
    let hasher = inspector.hasher();
    if threads > 1 {
        let (filled, batches) = bounded(BATCHES);
        let (used, empty) = bounded(BATCHES);
        std::thread::spawn(move || read_ahead(&mut *source, &hasher, &filled, &empty));
        for mut decoded in &batches {
            if consume(&mut decoded, inspector, sink, &mut errors)?.is_break() {
                break;
            }
            // The reader makes another batch where this one does not come back.
            let _ = used.try_send(decoded);
        }
    } else {
        let mut decoded = DecodedBatch::default();
        let mut next_number = 1;
        loop {
            decoded.fill(&mut *source, &mut next_number, &hasher);
            if consume(&mut decoded, inspector, sink, &mut errors)?.is_break() {
                break;
            }
        }
    }
    sink.end(&inspector.finish())?;
    Ok(errors)
}

fn read_ahead(
    source: &mut dyn FrameSource,
    hasher: &FlowHasher,
    filled: &Sender<DecodedBatch>,
    empty: &Receiver<DecodedBatch>,
) {
    let mut next_number = 1;
    loop {
        let mut decoded = empty.try_recv().unwrap_or_default();
        decoded.fill(source, &mut next_number, hasher);
        let ended = matches!(decoded.more, Some(Ok(false)));
        if filled.send(decoded).is_err() || ended {
            return;
        }
    }
}

/// Takes a batch through the inspector to the sink. `Break` where nothing more is to come.
fn consume<S: Sink>(
    decoded: &mut DecodedBatch,
    inspector: &mut Inspector,
    sink: &mut S,
    errors: &mut Vec<SourceError>,
) -> Result<ControlFlow<()>, S::Error> {
    let batch = &decoded.batch;
    let mut asides = batch.asides.iter().peekable();
    let mut frames = batch.frames().enumerate();
    let mut hints = [None; LOOK_AHEAD];
    for chunk in decoded.decoded.chunks(LOOK_AHEAD) {
        for (hint, decoded) in hints.iter_mut().zip(chunk) {
            *hint = inspector.look_ahead(decoded);
        }
        for ((decoded, hint), (index, frame)) in chunk.iter().zip(hints).zip(&mut frames) {
            while let Some(aside) = asides.next_if(|aside| aside.before <= index) {
                sink.aside(aside, batch)?;
            }
            let record = inspector.push_decoded(frame, decoded, hint);
            if sink.record(&record)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
    }
    for aside in asides {
        sink.aside(aside, batch)?;
    }
    match decoded.more.take() {
        Some(Ok(true)) => sink.pause(),
        // A source of several files goes on behind the damaged one.
        Some(Err(error)) => {
            errors.push(error);
            Ok(ControlFlow::Continue(()))
        }
        Some(Ok(false)) | None => Ok(ControlFlow::Break(())),
    }
}
