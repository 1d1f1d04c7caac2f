//! Runs frames from a source through the inspector into a sink, until one of them ends.
//!
//! The work on a batch has four parts: read it, decode it, inspect its frames by groups of lanes, and pass the results to
//! the sink.
//! The calling thread alone feeds the sink, in the order of batches. Of the rest, every thread does what is next.
//! Records, their order and counts are the same with any number of threads.

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};

use super::found::Collected;
use super::inspected::Cursor;
use super::inspector::Wanted;
use super::lanes::{Lanes, LastFlows, StreamNumbering, finish};
use super::schedule::{Part, Shared, Worker, lock};
use super::{Decoded, Decoding, EmptySegments, Ending, Inspected, Inspector, Remainder, Sink};
use crate::capture::{Batch, FrameSource, SourceError};
use crate::packet::Defragmenter;
use crate::platform::process::Halves;

/// Bytes of a batch of which frames are only counted. 256 KiB takes the least processor time: `stats` with two threads takes
/// 0.54 s for 3,000,000 frames, 0.59 s with 128 KiB, 0.55 s with 512 KiB, 0.60 s with 1 MiB.
const COUNTED: usize = 1 << 18;

/// A batch on its way: frames, decoded frames, results.
#[derive(Debug, Default)]
pub(super) struct Work {
    batch: Batch,
    decoded: Decoded,
    /// The results of each group of lanes. Only the thread that inspects it locks them, and then the one that feeds the sink.
    inspected: Vec<Mutex<Inspected>>,
}

/// Whether more batches follow, or the source's error.
pub(super) type More = Result<bool, SourceError>;

impl Work {
    /// Decodes the frames. Needs nothing of other batches.
    pub fn decode(&mut self, decoding: &Decoding) {
        self.decoded.fill(&self.batch, decoding);
        let groups = self.decoded.groups.len();
        self.inspected.resize_with(groups, Mutex::default);
    }

    /// Puts fragments together. Must be called for batches in order.
    pub fn defragment(&mut self, decoding: &Decoding, defragmenter: &mut Defragmenter) {
        self.decoded.defragment(&self.batch, decoding, defragmenter);
    }

    /// Inspects the frames of a group of lanes. Must be called for batches in order.
    pub fn inspect(&self, group: usize, inspector: &mut Inspector) {
        let mut inspected = lock(&self.inspected[group]);
        inspector.inspect_group(group, &self.batch, &self.decoded, &mut inspected);
    }
}

/// Reads batches, and numbers their frames.
pub(super) struct Reader {
    source: Box<dyn FrameSource + Send>,
    next_number: u64,
    /// Whether the source has ended.
    pub ended: bool,
}

impl Reader {
    const fn new(source: Box<dyn FrameSource + Send>) -> Self {
        Self {
            source,
            next_number: 1,
            ended: false,
        }
    }

    /// Reads the next batch.
    pub fn read(&mut self, work: &mut Work) -> More {
        work.batch.clear();
        work.batch.first_number = self.next_number;
        let more = self.source.fill(&mut work.batch);
        self.next_number += work.batch.headers.len() as u64;
        self.ended = matches!(more, Ok(false));
        more
    }

    /// Whether reading may block for long.
    pub fn may_wait(&self) -> bool {
        self.source.may_wait()
    }
}

/// Runs until the source ends or the sink breaks. Returns the source's errors; what was found before them went to the
/// sink. With `threads` above 1, other threads do a part of the work. They end with the source or the process.
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
    mut source: Box<dyn FrameSource + Send>,
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
    if sink.counts() {
        source.set_batch_size(COUNTED);
    }
    let mut reader = Reader::new(source);
    let mut first = Box::<Work>::default();
    let more = reader.read(&mut first);
    let lanes = Lanes::of(&inspector, &first.batch, threads);
    // One can read, one can feed the sink, and one can inspect each group of lanes.
    let threads = threads.min(usize::from(lanes.groups) + 2);
    let shared = Arc::new(Shared::new(reader, inspector, lanes, threads));
    shared.decode(0, first, more);
    let mut feed = Feed::new(sink, lanes);
    let ended = together(&shared, &mut feed, threads)?;
    let Feed {
        errors,
        frames,
        numbers,
        ..
    } = feed;
    if !ended {
        sink.end(&Remainder {
            frames,
            ..Remainder::default()
        })?;
        return Ok(errors);
    }
    let ending = match ending() {
        Ending::Whole if !errors.is_empty() => Ending::Damaged,
        ending => ending,
    };
    let mut groups: Vec<_> = shared.inspectors.iter().map(lock).collect();
    let mut inspectors: Vec<_> = groups.iter_mut().map(|group| &mut **group).collect();
    let datagrams = shared.given_up_datagrams();
    let last = if sink.counts() {
        LastFlows::Passed(|flows: &[_]| sink.ended_flows(flows))
    } else if sink.wants_ends() {
        LastFlows::Listed
    } else {
        LastFlows::Unwanted
    };
    let numbers = numbers.as_ref();
    let found = Collected::default();
    let (found, whole) = finish(&mut inspectors, numbers, datagrams, found, last);
    sink.end(&Remainder {
        ending,
        frames,
        ..found.remainder(whole)
    })?;
    Ok(errors)
}

/// Does the work, with other threads if there are to be more than one. Returns whether the source ended: otherwise the
/// sink wants no more.
fn together<S: Sink>(
    shared: &Arc<Shared>,
    feed: &mut Feed<'_, S>,
    threads: usize,
) -> Result<bool, S::Error> {
    // Nobody waits for the other threads: one may be reading from a pipe.
    let leaving = shared.leaving();
    let halves = (threads == 2 && shared.feeder_reads())
        .then(Halves::of_this_thread)
        .flatten();
    let _kept = halves.map(|halves| halves.keep());
    let others: Vec<_> = (1..threads)
        .map(|number| {
            let shared = Arc::clone(shared);
            std::thread::spawn(move || {
                if let Some(halves) = halves {
                    halves.cross();
                }
                shared.work(Worker {
                    number,
                    feeds: false,
                });
            })
        })
        .collect();
    let own = Worker {
        number: 0,
        feeds: true,
    };
    loop {
        match shared.next(own) {
            Part::Give(work, more) => {
                if let ControlFlow::Break(by_sink) = feed.give(&work, more)? {
                    return Ok(!by_sink);
                }
                shared.take_back(work);
            }
            Part::Leave => break,
            part => shared.perform(part),
        }
    }
    // Another thread panicked, which must not look like success.
    drop(leaving);
    for other in others {
        if let Err(panic) = other.join() {
            std::panic::resume_unwind(panic);
        }
    }
    Ok(false)
}

/// Passes the results of batches to a sink.
struct Feed<'a, S: Sink> {
    sink: &'a mut S,
    errors: Vec<SourceError>,
    frames: u64,
    /// `None` if there is one group, which numbers its streams.
    numbers: Option<StreamNumbering>,
    /// The results of each group of lanes for a batch, and those of all.
    groups: Vec<Inspected>,
    merged: Inspected,
}

impl<'a, S: Sink> Feed<'a, S> {
    fn new(sink: &'a mut S, lanes: Lanes) -> Self {
        Self {
            sink,
            errors: Vec::new(),
            frames: 0,
            numbers: (lanes.groups > 1).then(StreamNumbering::default),
            groups: Vec::new(),
            merged: Inspected::default(),
        }
    }

    /// Passes everything of a batch to the sink. `Break` ends the run; its value says whether the sink asked for that.
    fn give(&mut self, work: &Work, more: More) -> Result<ControlFlow<bool>, S::Error> {
        let Work {
            batch,
            decoded,
            inspected,
        } = work;
        self.frames += batch.headers.len() as u64;
        self.sink.begin(batch);
        match &inspected[..] {
            [one] => {
                let inspected = lock(one);
                if inspected.counts() {
                    self.sink.batch(batch, &inspected)?;
                } else if self.give_records(batch, decoded, &inspected)?.is_break() {
                    return Ok(ControlFlow::Break(true));
                }
            }
            groups => {
                self.merge(groups);
                self.sink.batch(batch, &self.merged)?;
            }
        }
        match more {
            Ok(true) => Ok(match self.sink.pause()? {
                ControlFlow::Continue(()) => ControlFlow::Continue(()),
                ControlFlow::Break(()) => ControlFlow::Break(true),
            }),
            // A source of several files continues after the damaged one.
            Err(error) => {
                self.errors.push(error);
                Ok(ControlFlow::Continue(()))
            }
            Ok(false) => Ok(ControlFlow::Break(false)),
        }
    }

    fn merge(&mut self, groups: &[Mutex<Inspected>]) {
        let taken = groups.iter().map(|group| std::mem::take(&mut *lock(group)));
        self.groups.extend(taken);
        if let Some(numbers) = &mut self.numbers {
            numbers.number(&mut self.groups);
        }
        self.merged.merge(&mut self.groups);
        for (group, inspected) in groups.iter().zip(self.groups.drain(..)) {
            *lock(group) = inspected;
        }
    }

    /// Passes the frames on one by one. `Break` if the sink wants no more.
    fn give_records(
        &mut self,
        batch: &Batch,
        decoded: &Decoded,
        inspected: &Inspected,
    ) -> Result<ControlFlow<()>, S::Error> {
        let sink = &mut *self.sink;
        let mut asides = batch.asides.iter().peekable();
        let mut cursor = Cursor::default();
        let mut empty = EmptySegments::default();
        let counts_empty = sink.counts_empty_segments();
        for (index, one) in decoded.groups[0].iter().enumerate() {
            while let Some(aside) = asides.next_if(|aside| aside.before <= index) {
                sink.aside(aside, batch)?;
            }
            if counts_empty && one.is_empty_segment() && inspected.is_quiet(index) {
                empty.frames += 1;
                empty.watched += u64::from(inspected.is_watched(index));
                continue;
            }
            let frame = batch.frame(index);
            let packet = &decoded.packet(one);
            let datagram = decoded.datagram(one);
            let flow = if inspected.is_quiet(index) && datagram.is_none() {
                sink.bare(&inspected.quiet(index, frame, packet, None, &cursor))?
            } else {
                sink.record(&inspected.record(index, frame, packet, datagram, &mut cursor))?
            };
            if flow.is_break() {
                sink.empty_segments(empty);
                return Ok(flow);
            }
        }
        for aside in asides {
            sink.aside(aside, batch)?;
        }
        sink.empty_segments(empty);
        if let Some(found) = inspected.behind(&cursor) {
            sink.between(&found)?;
        }
        Ok(ControlFlow::Continue(()))
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::path::Path;

    use super::*;
    use crate::capture::{ReadOptions, open};
    use crate::session::{FrameRecord, Options};
    use crate::synth::load::Load;

    /// What the end of a capture brought, and how many flows it ended.
    #[derive(Debug, Default, PartialEq, Eq)]
    struct Last {
        wants_ends: bool,
        flows: usize,
        rest: String,
    }

    impl Sink for Last {
        type Error = Infallible;

        fn record(&mut self, _: &FrameRecord<'_>) -> Result<ControlFlow<()>, Infallible> {
            Ok(ControlFlow::Continue(()))
        }

        fn wants_ends(&self) -> bool {
            self.wants_ends
        }

        fn end(&mut self, remainder: &Remainder<'_>) -> Result<(), Infallible> {
            self.flows = remainder.ended_flows.len();
            let rest = Remainder {
                ended_flows: &[],
                ..*remainder
            };
            self.rest = format!("{rest:?}");
            Ok(())
        }
    }

    fn last(path: &Path, wants_ends: bool) -> Last {
        let source = open(path, ReadOptions::default()).unwrap();
        let mut last = Last {
            wants_ends,
            ..Last::default()
        };
        let inspector = Inspector::new(&Options::default());
        let Ok(errors) = run(Box::new(source), inspector, &mut last, 2);
        assert!(errors.is_empty(), "{errors:?}");
        last
    }

    #[test]
    fn a_sink_that_wants_no_ends_gets_all_else_of_the_end() {
        let captures = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures");
        // So many connections that most of the closed ones are buried.
        let many = tempfile::NamedTempFile::new().unwrap();
        let load = Load {
            frames: 20_000,
            connections: 2_000,
            ..Load::default()
        };
        load.write(many.as_file()).unwrap();
        for (path, flows) in [
            (captures.join("lab-report.pcap"), 2),
            (captures.join("rst-all-checksums-wrong.pcap"), 1),
            (many.path().to_owned(), 2_000),
        ] {
            let (with, without) = (last(&path, true), last(&path, false));
            assert_eq!(with.flows, flows, "{}", path.display());
            assert_eq!(without.flows, 0, "{}", path.display());
            assert_eq!(without.rest, with.rest, "{}", path.display());
        }
    }
}
