//! Any number of threads gives the same records in the same order.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use authscope::capture::{Batch, Frame, FrameHeader, FrameSource, ReadOptions, SourceError, open};
use authscope::session::summary::{Summary, Times};
use authscope::session::{
    FlowEnd, FrameRecord, Inspected, Inspector, Options, Remainder, Sink, run,
};
use authscope::stream::StreamLimits;
use authscope::synth::load::Load;

/// Everything that records say, as text, until there are enough of them.
struct Transcript {
    lines: Vec<String>,
    most: usize,
}

impl Sink for Transcript {
    type Error = std::convert::Infallible;

    fn record(&mut self, record: &FrameRecord<'_>) -> Result<ControlFlow<()>, Self::Error> {
        // Where its bytes lie in memory is no answer.
        let header = FrameHeader {
            start: 0,
            ..*record.frame.header
        };
        let frame = Frame {
            header: &header,
            ..record.frame
        };
        self.lines
            .push(format!("{:?}", FrameRecord { frame, ..*record }));
        Ok(if self.lines.len() < self.most {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        })
    }

    fn end(&mut self, remainder: &Remainder<'_>) -> Result<(), Self::Error> {
        self.lines.push(format!("{remainder:?}"));
        Ok(())
    }
}

fn transcript(path: &Path, threads: usize, most: usize) -> Vec<String> {
    transcript_with(&Options::default(), path, threads, most)
}

fn transcript_with(options: &Options, path: &Path, threads: usize, most: usize) -> Vec<String> {
    let source = open(path, ReadOptions::default()).unwrap();
    let inspector = Inspector::new(options);
    let mut transcript = Transcript {
        lines: Vec::new(),
        most,
    };
    let Ok(errors) = run(Box::new(source), inspector, &mut transcript, threads);
    let errors = errors.iter().map(ToString::to_string);
    transcript.lines.extend(errors);
    transcript.lines
}

fn captures() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures");
    let entries = std::fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .filter(|path| path.to_string_lossy().contains(".pcap"))
        .collect()
}

/// Numbers of threads that are compared with one.
const THREADS: [usize; 4] = [2, 3, 5, 8];

#[test]
fn any_number_of_threads_gives_the_same_records_of_every_capture() {
    let captures = captures();
    assert!(captures.len() > 100);
    for path in captures {
        let one = transcript(&path, 1, usize::MAX);
        assert!(!one.is_empty());
        for threads in [2, 5] {
            let more = transcript(&path, threads, usize::MAX);
            assert_eq!(one, more, "{threads} threads, {}", path.display());
        }
    }
}

/// Enough frames for many batches on their way at once.
fn large_capture() -> tempfile::NamedTempFile {
    let load = Load {
        frames: 30_000,
        connections: 800,
        sizes: vec![20, 1460],
        reorder: 0.05,
        loss: 0.02,
        gaps: 0.01,
        background: 0.2,
        ..Load::default()
    };
    let file = tempfile::NamedTempFile::new().unwrap();
    load.write(file.as_file()).unwrap();
    file
}

#[test]
fn any_number_of_threads_gives_the_same_records_of_a_large_capture() {
    let file = large_capture();
    let one = transcript(file.path(), 1, usize::MAX);
    assert!(one.len() > 25_000, "{}", one.len());
    for threads in THREADS {
        let more = transcript(file.path(), threads, usize::MAX);
        assert!(one == more, "{threads} threads");
    }
}

/// Counts records one by one, or batches as they are.
struct Counted {
    summary: Summary,
    batches: bool,
}

impl Sink for Counted {
    type Error = std::convert::Infallible;

    fn record(&mut self, record: &FrameRecord<'_>) -> Result<ControlFlow<()>, Self::Error> {
        self.summary.record(record);
        Ok(ControlFlow::Continue(()))
    }

    fn counts(&self) -> bool {
        self.batches
    }

    fn batch(&mut self, batch: &Batch, inspected: &Inspected) -> Result<(), Self::Error> {
        self.summary.batch(batch, inspected);
        Ok(())
    }

    fn ended_flows(&mut self, flows: &[FlowEnd]) {
        self.summary.ended_flows(flows);
    }

    fn end(&mut self, remainder: &Remainder<'_>) -> Result<(), Self::Error> {
        self.summary.end(remainder);
        Ok(())
    }
}

fn counted(path: &Path, threads: usize, batches: bool, options: &Options) -> String {
    let source = open(path, ReadOptions::default()).unwrap();
    let mut counted = Counted {
        summary: Summary::default(),
        batches,
    };
    let inspector = Inspector::new(options);
    let Ok(_) = run(Box::new(source), inspector, &mut counted, threads);
    let summary = &counted.summary;
    let users: Vec<_> = summary
        .users
        .iter()
        .map(|(name, of)| (name, of.counts()))
        .collect();
    let addresses: Vec<_> = summary
        .addresses
        .iter()
        .map(|(end, of)| (end, of.counts()))
        .collect();
    let times = summary.times.each_ref().map(Times::quantiles);
    format!(
        "{:?} {} {:?} {:?} {:?} {:?} {users:?} {addresses:?} {times:?} {:?} {:?} {:?}",
        summary.frames,
        summary.streams,
        summary.rate.bars(),
        summary.messages,
        summary.outcomes,
        summary.protocols,
        summary.conversations.largest(),
        summary.findings(),
        summary.limits(),
    )
}

/// Where only counts are wanted, messages and frames take shorter ways, and flows are distributed over lanes. The counts
/// are the same.
#[test]
fn counts_of_batches_are_those_of_records() {
    let large = large_capture();
    let mut all = captures();
    all.push(large.path().to_owned());
    for path in all {
        let records = counted(&path, 1, false, &Options::default());
        for threads in [1, 2, 3, 5, 8] {
            let batches = counted(&path, threads, true, &Options::default());
            assert_eq!(records, batches, "{threads} threads, {}", path.display());
        }
    }
}

/// Each lane has its part of every limit, whatever threads there are.
#[test]
fn any_number_of_threads_counts_the_same_where_limits_are_reached() {
    let file = large_capture();
    let options = Options {
        streams: StreamLimits {
            buffer: 64 << 10,
            buffer_per_direction: 2 << 10,
            history: 32 << 10,
            closed: 64,
            ..StreamLimits::default()
        },
        ..Options::default()
    };
    let one = counted(file.path(), 1, true, &options);
    for limit in ["forgotten early", "not compared"] {
        assert!(one.contains(limit), "no connection was {limit}");
    }
    for threads in THREADS {
        let more = counted(file.path(), threads, true, &options);
        assert!(one == more, "{threads} threads");
    }
}

/// It shows nowhere how many closed connections are kept whole, however they are distributed over threads.
#[test]
fn buried_connections_give_the_same_answers() {
    let keep_whole = |whole| Options {
        streams: StreamLimits {
            whole,
            ..StreamLimits::default()
        },
        ..Options::default()
    };
    let [none, all] = [0, usize::MAX].map(keep_whole);
    let file = large_capture();
    let mut paths = captures();
    paths.push(file.path().to_owned());
    for path in &paths {
        let [buried, whole] =
            [&none, &all].map(|options| transcript_with(options, path, 1, usize::MAX));
        assert!(buried == whole, "{}", path.display());
    }
    let whole = counted(file.path(), 1, true, &all);
    for threads in [1].into_iter().chain(THREADS) {
        let buried = counted(file.path(), threads, true, &none);
        assert!(buried == whole, "{threads} threads");
    }
}

/// What was read ahead and is not wanted any more shows nowhere.
#[test]
fn any_number_of_threads_gives_the_same_records_when_the_sink_has_enough() {
    let file = large_capture();
    for most in [1, 5_000] {
        let one = transcript(file.path(), 1, most);
        assert_eq!(one.len(), most + 1);
        for threads in THREADS {
            assert!(
                one == transcript(file.path(), threads, most),
                "{threads} threads"
            );
        }
    }
}

/// Gives some batches without frames, then panics. If it may wait, another thread reads it than that which feeds the sink.
struct Faulty {
    left: usize,
    may_wait: bool,
}

impl FrameSource for Faulty {
    fn may_wait(&self) -> bool {
        self.may_wait
    }

    fn fill(&mut self, batch: &mut Batch) -> Result<bool, SourceError> {
        batch.clear();
        self.left = self
            .left
            .checked_sub(1)
            .expect("a fault, as this test wants it");
        Ok(true)
    }
}

/// A fault in another thread does not look like the end of the capture.
#[test]
fn a_fault_is_a_fault_with_any_number_of_threads() {
    let ways = [1, 2, 3]
        .into_iter()
        .flat_map(|threads| [(threads, 0, false), (threads, 9, false), (threads, 9, true)]);
    for (threads, left, may_wait) in ways {
        let outcome = std::panic::catch_unwind(|| {
            let mut transcript = Transcript {
                lines: Vec::new(),
                most: usize::MAX,
            };
            let inspector = Inspector::new(&Options::default());
            let faulty = Faulty { left, may_wait };
            let _ = run(Box::new(faulty), inspector, &mut transcript, threads);
        });
        assert!(outcome.is_err(), "{threads} {left} {may_wait}");
    }
}
