//! Any number of threads gives the same records in the same order.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use authscope::capture::{Batch, Frame, FrameHeader, FrameSource, ReadOptions, SourceError, open};
use authscope::session::summary::{Summary, Times};
use authscope::session::{FrameRecord, Inspected, Inspector, Options, Remainder, Sink, run};
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
    let source = open(path, ReadOptions::default()).unwrap();
    let inspector = Inspector::new(&Options::default());
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

#[test]
fn one_thread_and_two_agree_on_every_capture() {
    let captures = captures();
    assert!(captures.len() > 100);
    for path in captures {
        let one = transcript(&path, 1, usize::MAX);
        assert!(!one.is_empty());
        let two = transcript(&path, 2, usize::MAX);
        assert_eq!(one, two, "{}", path.display());
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
fn one_thread_and_two_agree_on_a_large_capture() {
    let file = large_capture();
    let one = transcript(file.path(), 1, usize::MAX);
    assert!(one.len() > 25_000, "{}", one.len());
    assert!(one == transcript(file.path(), 2, usize::MAX));
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

    fn end(&mut self, remainder: &Remainder<'_>) -> Result<(), Self::Error> {
        self.summary.end(remainder);
        Ok(())
    }
}

fn counted(path: &Path, threads: usize, batches: bool) -> String {
    let source = open(path, ReadOptions::default()).unwrap();
    let mut counted = Counted {
        summary: Summary::default(),
        batches,
    };
    let inspector = Inspector::new(&Options::default());
    let Ok(_) = run(Box::new(source), inspector, &mut counted, threads);
    let summary = &counted.summary;
    let users: Vec<_> = summary
        .users
        .iter()
        .map(|(name, of)| (name, of.counts))
        .collect();
    let addresses: Vec<_> = summary
        .addresses
        .iter()
        .map(|(end, of)| (end, of.counts))
        .collect();
    let times = summary.times.each_ref().map(Times::quantiles);
    format!(
        "{:?} {} {:?} {:?} {:?} {:?} {users:?} {addresses:?} {times:?} {:?} {:?}",
        summary.frames,
        summary.streams,
        summary.rate.bars(),
        summary.messages,
        summary.outcomes,
        summary.protocols,
        summary.findings(),
        summary.limits(),
    )
}

/// Where only counts are wanted, messages and frames take shorter ways, which lead to the same.
#[test]
fn counts_of_batches_are_those_of_records() {
    let large = large_capture();
    let mut all = captures();
    all.push(large.path().to_owned());
    for path in all {
        let records = counted(&path, 1, false);
        for threads in [1, 2] {
            let batches = counted(&path, threads, true);
            assert_eq!(records, batches, "{} threads, {}", threads, path.display());
        }
    }
}

/// What was read ahead and is not wanted any more shows nowhere.
#[test]
fn one_thread_and_two_agree_when_the_sink_has_enough() {
    let file = large_capture();
    for most in [1, 5_000] {
        let one = transcript(file.path(), 1, most);
        assert_eq!(one.len(), most + 1);
        assert!(one == transcript(file.path(), 2, most));
    }
}

/// Panics at once.
struct Faulty;

impl FrameSource for Faulty {
    fn fill(&mut self, _: &mut Batch) -> Result<bool, SourceError> {
        panic!("a fault, as this test wants it");
    }
}

/// A fault in another thread does not look like the end of the capture.
#[test]
fn a_fault_is_a_fault_with_one_thread_and_with_two() {
    for threads in [1, 2] {
        let outcome = std::panic::catch_unwind(|| {
            let mut transcript = Transcript {
                lines: Vec::new(),
                most: usize::MAX,
            };
            let inspector = Inspector::new(&Options::default());
            let _ = run(Box::new(Faulty), inspector, &mut transcript, threads);
        });
        assert!(outcome.is_err(), "{threads}");
    }
}
