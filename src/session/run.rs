//! Runs frames from a source through the inspector into a sink, until one of them ends.
//!
//! With a second thread, reading, decoding and inspecting run while the sink processes earlier frames. Records and
//! their order are the same as with one thread.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crossbeam_channel::{Receiver, Sender, TryRecvError, bounded};

use super::inspected::Cursor;
use super::inspector::Wanted;
use super::{Decoded, Decoding, Ending, FrameRecord, Inspected, Inspector, Remainder};
use crate::capture::{Aside, Batch, FrameSource, SourceError};

/// Receives the results of an inspector. An error of any function ends the run, and [`run`] returns it.
pub trait Sink {
    /// Error of the sink.
    type Error;

    /// Receives a frame's record. `Break` ends the run; [`end`](Self::end) is called all the same, without results.
    fn record(&mut self, record: &FrameRecord<'_>) -> Result<ControlFlow<()>, Self::Error>;

    /// Receives the record of a frame without messages, notes or stream events. Most frames are like that, and some
    /// outputs do little with them.
    fn bare(&mut self, record: &FrameRecord<'_>) -> Result<ControlFlow<()>, Self::Error> {
        self.record(record)
    }

    /// Whether the sink only counts. It then receives each [`batch`](Self::batch) instead of records and asides.
    fn counts(&self) -> bool {
        false
    }

    /// Whether a sink that only counts needs every message itself, none as a [`CleanMessage`](super::CleanMessage).
    fn wants_messages(&self) -> bool {
        false
    }

    /// Receives a batch and the results of inspecting it.
    fn batch(&mut self, batch: &Batch, inspected: &Inspected) -> Result<(), Self::Error> {
        let _ = (batch, inspected);
        Ok(())
    }

    /// Called before a batch's records, for sinks that remember where frames are stored.
    fn begin(&mut self, batch: &Batch) {
        let _ = batch;
    }

    /// Receives what is between frames in a capture file, for sinks that write captures.
    fn aside(&mut self, aside: &Aside, batch: &Batch) -> Result<(), Self::Error> {
        let _ = (aside, batch);
        Ok(())
    }

    /// Receives results that do not belong to a frame: in a live capture, what had waited for TLS secrets.
    fn between(&mut self, found: &Remainder<'_>) -> Result<(), Self::Error> {
        let _ = found;
        Ok(())
    }

    /// Called when everything that has arrived was passed on and more may take a while: the sink should flush its
    /// buffers. `Break` ends the run, as a signal would.
    fn pause(&mut self) -> Result<ControlFlow<()>, Self::Error> {
        Ok(ControlFlow::Continue(()))
    }

    /// Receives what the end of the capture brings.
    fn end(&mut self, remainder: &Remainder<'_>) -> Result<(), Self::Error>;
}

/// Forwards to the sink, so that the caller keeps it and can read it after the run.
impl<S: Sink + ?Sized> Sink for &mut S {
    type Error = S::Error;

    #[inline]
    fn record(&mut self, record: &FrameRecord<'_>) -> Result<ControlFlow<()>, S::Error> {
        (**self).record(record)
    }

    #[inline]
    fn bare(&mut self, record: &FrameRecord<'_>) -> Result<ControlFlow<()>, S::Error> {
        (**self).bare(record)
    }

    fn counts(&self) -> bool {
        (**self).counts()
    }

    fn wants_messages(&self) -> bool {
        (**self).wants_messages()
    }

    fn batch(&mut self, batch: &Batch, inspected: &Inspected) -> Result<(), S::Error> {
        (**self).batch(batch, inspected)
    }

    fn begin(&mut self, batch: &Batch) {
        (**self).begin(batch);
    }

    fn aside(&mut self, aside: &Aside, batch: &Batch) -> Result<(), S::Error> {
        (**self).aside(aside, batch)
    }

    fn between(&mut self, found: &Remainder<'_>) -> Result<(), S::Error> {
        (**self).between(found)
    }

    fn pause(&mut self) -> Result<ControlFlow<()>, S::Error> {
        (**self).pause()
    }

    fn end(&mut self, remainder: &Remainder<'_>) -> Result<(), S::Error> {
        (**self).end(remainder)
    }
}

/// Most batches between two parts of the work. Each is about half a megabyte.
const BATCHES: usize = 4;

/// A batch on its way: frames, decoded frames, results.
#[derive(Debug, Default)]
struct Work {
    batch: Batch,
    decoded: Decoded,
    inspected: Inspected,
    /// Whether more follows, or the source's error.
    more: Option<Result<bool, SourceError>>,
}

impl Work {
    fn inspect(&mut self, inspector: &mut Inspector) {
        inspector.inspect(&self.batch, &self.decoded, &mut self.inspected);
    }

    /// Passes everything to the sink. `Break` ends the run; its value says whether the sink asked for that.
    fn give<S: Sink>(
        &mut self,
        sink: &mut S,
        errors: &mut Vec<SourceError>,
    ) -> Result<ControlFlow<bool>, S::Error> {
        sink.begin(&self.batch);
        if self.inspected.counts() {
            sink.batch(&self.batch, &self.inspected)?;
        } else if self.give_records(sink)?.is_break() {
            return Ok(ControlFlow::Break(true));
        }
        match self.more.take() {
            Some(Ok(true)) => Ok(match sink.pause()? {
                ControlFlow::Continue(()) => ControlFlow::Continue(()),
                ControlFlow::Break(()) => ControlFlow::Break(true),
            }),
            // A source of several files continues after the damaged one.
            Some(Err(error)) => {
                errors.push(error);
                Ok(ControlFlow::Continue(()))
            }
            Some(Ok(false)) | None => Ok(ControlFlow::Break(false)),
        }
    }

    /// Passes the frames on one by one. `Break` if the sink wants no more.
    fn give_records<S: Sink>(&self, sink: &mut S) -> Result<ControlFlow<()>, S::Error> {
        let batch = &self.batch;
        let mut asides = batch.asides.iter().peekable();
        let mut cursor = Cursor::default();
        for (index, (frame, decoded)) in batch.frames().zip(&self.decoded.frames).enumerate() {
            let inspected = &self.inspected;
            while let Some(aside) = asides.next_if(|aside| aside.before <= index) {
                sink.aside(aside, batch)?;
            }
            let packet = &self.decoded.packet(decoded);
            let flow = if inspected.is_quiet(index) {
                sink.bare(&inspected.quiet(index, frame, packet, &cursor))?
            } else {
                sink.record(&inspected.record(index, frame, packet, &mut cursor))?
            };
            if flow.is_break() {
                return Ok(flow);
            }
        }
        for aside in asides {
            sink.aside(aside, batch)?;
        }
        if let Some(found) = self.inspected.behind(&cursor) {
            sink.between(&found)?;
        }
        Ok(ControlFlow::Continue(()))
    }
}

/// The source, and the decoding of its frames.
struct Reader {
    source: Box<dyn FrameSource + Send>,
    decoding: Decoding,
    next_number: u64,
    ended: bool,
}

impl Reader {
    fn new(source: Box<dyn FrameSource + Send>, inspector: &Inspector) -> Self {
        Self {
            source,
            decoding: inspector.decoding(),
            next_number: 1,
            ended: false,
        }
    }

    fn read(&mut self, work: &mut Work) {
        work.batch.clear();
        work.batch.first_number = self.next_number;
        let more = self.source.fill(&mut work.batch);
        self.next_number += work.batch.headers.len() as u64;
        work.decoded.fill(&work.batch, &self.decoding);
        self.ended = matches!(more, Ok(false));
        work.more = Some(more);
    }
}

/// Runs until the source ends or the sink breaks. Returns the source's errors; what was found before them went to the
/// sink. With `threads` above 1, a second thread inspects. It ends with the source or the process.
///
/// # Errors
///
/// The sink's error.
pub fn run<S: Sink>(
    source: Box<dyn FrameSource + Send>,
    inspector: Inspector,
    sink: &mut S,
    threads: usize,
) -> Result<Vec<SourceError>, S::Error> {
    feed(source, inspector, sink, threads, || Ending::Whole)
}

/// Like [`run`]. At the end, `ending` says whether the pass ended early.
pub(super) fn feed<S: Sink>(
    source: Box<dyn FrameSource + Send>,
    mut inspector: Inspector,
    sink: &mut S,
    threads: usize,
    ending: impl FnOnce() -> Ending,
) -> Result<Vec<SourceError>, S::Error> {
    inspector.wanted = match (sink.counts(), sink.wants_messages()) {
        (false, _) => Wanted::Records,
        (true, true) => Wanted::Messages,
        (true, false) => Wanted::Counts,
    };
    let mut errors = Vec::new();
    let reader = Reader::new(source, &inspector);
    let mut frames = 0;
    let ended = if threads > 1 {
        together(reader, inspector, sink, &mut errors, &mut frames)?
    } else {
        alone(reader, inspector, sink, &mut errors, &mut frames)?
    };
    let ending = match ending() {
        Ending::Whole if !errors.is_empty() => Ending::Damaged,
        ending => ending,
    };
    match ended {
        Some(mut inspector) => sink.end(&Remainder {
            ending,
            frames,
            ..inspector.finish()
        })?,
        None => sink.end(&Remainder {
            frames,
            ..Remainder::default()
        })?,
    }
    Ok(errors)
}

/// Does all work in turn. Returns the inspector if the source ended.
fn alone<S: Sink>(
    mut reader: Reader,
    mut inspector: Inspector,
    sink: &mut S,
    errors: &mut Vec<SourceError>,
    frames: &mut u64,
) -> Result<Option<Inspector>, S::Error> {
    let mut work = Work::default();
    loop {
        reader.read(&mut work);
        work.inspect(&mut inspector);
        *frames += work.batch.headers.len() as u64;
        if let ControlFlow::Break(by_sink) = work.give(sink, errors)? {
            return Ok((!by_sink).then_some(inspector));
        }
    }
}

/// Shared by the two threads.
struct Shared {
    /// The thread that has nothing else to do reads.
    reader: Mutex<Reader>,
    /// Batches that are read, in order. Only the holder of `reader` adds to it.
    read: Mutex<VecDeque<Work>>,
    /// Batches to reuse.
    empty: Mutex<Vec<Work>>,
}

/// Locks a mutex. Ignores poisoning: a thread that panicked leaves the data consistent, and its panic is reported.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    fn empty(&self) -> Work {
        lock(&self.empty).pop().unwrap_or_default()
    }

    /// The next batch: one that is already read, or that this thread reads; `None` at the end.
    fn next(&self) -> Option<Work> {
        if let Some(work) = lock(&self.read).pop_front() {
            return Some(work);
        }
        let mut reader = lock(&self.reader);
        // Another thread may have added one while this thread waited for the reader.
        if let Some(work) = lock(&self.read).pop_front() {
            return Some(work);
        }
        if reader.ended {
            return None;
        }
        let mut work = self.empty();
        reader.read(&mut work);
        Some(work)
    }

    /// Reads one batch ahead, unless there are enough or the other thread reads. Returns whether it did.
    fn read_ahead(&self) -> bool {
        if lock(&self.read).len() >= BATCHES {
            return false;
        }
        let Ok(mut reader) = self.reader.try_lock() else {
            return false;
        };
        if reader.ended {
            return false;
        }
        let mut work = self.empty();
        reader.read(&mut work);
        lock(&self.read).push_back(work);
        true
    }
}

/// One thread inspects, this one feeds the sink. Whichever has nothing else to do reads; only the inspecting one if a
/// read can block. Returns the inspector if the source ended.
fn together<S: Sink>(
    reader: Reader,
    inspector: Inspector,
    sink: &mut S,
    errors: &mut Vec<SourceError>,
    frames: &mut u64,
) -> Result<Option<Inspector>, S::Error> {
    let helps = !reader.source.may_wait();
    let shared = Arc::new(Shared {
        reader: Mutex::new(reader),
        read: Mutex::default(),
        empty: Mutex::default(),
    });
    let (send, inspected) = bounded(BATCHES);
    let (leave, left) = bounded(1);
    let others = Arc::clone(&shared);
    let thread = std::thread::spawn(move || inspect_all(&others, inspector, &send, &leave));
    loop {
        let Some(mut work) = next_inspected(&shared, &inspected, helps) else {
            // The thread ends before its last batch only if it panicked, which must not look like success.
            if let Err(panic) = thread.join() {
                std::panic::resume_unwind(panic);
            }
            return Ok(None);
        };
        *frames += work.batch.headers.len() as u64;
        if let ControlFlow::Break(by_sink) = work.give(sink, errors)? {
            return Ok(if by_sink { None } else { left.recv().ok() });
        }
        lock(&shared.empty).push(work);
    }
}

fn inspect_all(
    shared: &Shared,
    mut inspector: Inspector,
    inspected: &Sender<Work>,
    leave: &Sender<Inspector>,
) {
    while let Some(mut work) = shared.next() {
        work.inspect(&mut inspector);
        if inspected.send(work).is_err() {
            // The sink wants no more.
            return;
        }
    }
    let _ = leave.send(inspector);
}

/// The next inspected batch. Reads batches ahead while it is not ready.
fn next_inspected(shared: &Shared, inspected: &Receiver<Work>, helps: bool) -> Option<Work> {
    if !helps {
        return inspected.recv().ok();
    }
    loop {
        match inspected.try_recv() {
            Ok(work) => return Some(work),
            Err(TryRecvError::Disconnected) => return None,
            Err(TryRecvError::Empty) => {
                if !shared.read_ahead() {
                    break;
                }
            }
        }
    }
    inspected.recv().ok()
}
