//! The same records in the same order come out for any number of threads.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use authscope::capture::{ReadOptions, open};
use authscope::session::{FrameRecord, Inspector, Options, Remainder, Sink, run};

/// Everything a record says, as text.
#[derive(Default)]
struct Transcript(Vec<String>);

impl Sink for Transcript {
    type Error = std::convert::Infallible;

    fn record(&mut self, record: &FrameRecord<'_>) -> Result<ControlFlow<()>, Self::Error> {
        self.0.push(format!("{record:?}"));
        Ok(ControlFlow::Continue(()))
    }

    fn end(&mut self, remainder: &Remainder<'_>) -> Result<(), Self::Error> {
        self.0.push(format!("{remainder:?}"));
        Ok(())
    }
}

fn transcript(path: &Path, threads: usize) -> Vec<String> {
    let source = open(path, ReadOptions::default()).unwrap();
    let inspector = Inspector::new(&Options::default());
    let mut transcript = Transcript::default();
    let Ok(errors) = run(Box::new(source), inspector, &mut transcript, threads);
    transcript.0.extend(errors.iter().map(ToString::to_string));
    transcript.0
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
        let one = transcript(&path, 1);
        assert!(!one.is_empty());
        assert_eq!(one, transcript(&path, 2), "{}", path.display());
    }
}
