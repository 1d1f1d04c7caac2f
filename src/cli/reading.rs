//! Passes over capture files, however many a command needs: opened, limited, stopped and shown in
//! progress alike.

use std::path::{Path, PathBuf};

use super::error::Failure;
use super::progress::Progress;
use crate::capture::{FrameSource, Inputs, ReadOptions, Stop, open_all_until};
use crate::output::OutputError;
use crate::session::{Inspector, Options, Pass, PassLimits, Passed, Sink};

/// Capture files, how far they are read and how they are inspected.
pub(super) struct Reading<'a> {
    /// The files; `-` is standard input.
    pub files: &'a [PathBuf],
    /// How far.
    pub limits: PassLimits,
    /// How.
    pub inspection: Options,
    /// What ends a pass.
    pub stop: &'a Stop,
    /// Threads at work.
    pub threads: usize,
    /// Whether rows are written to standard output, among which no progress may stand.
    pub rows: bool,
}

impl<'a> Reading<'a> {
    /// All of some files, with rows.
    pub fn of(files: &'a [PathBuf], inspection: Options, stop: &'a Stop) -> Self {
        Self {
            files,
            limits: PassLimits::default(),
            inspection,
            stop,
            threads: 2,
            rows: true,
        }
    }

    /// Whether every file can be read as often as is needed: none may still be written.
    pub fn can_be_repeated(&self) -> bool {
        !self.files.iter().any(|file| is_pipe(file))
    }

    /// Refuses to write to standard output where that is one of the files.
    pub fn spare_inputs(&self) -> Result<(), Failure> {
        if Inputs::of(self.files).has_standard_output() {
            return Err(Failure::Text(
                "cannot write standard output: it is the file that is being read. Write elsewhere"
                    .to_owned(),
            ));
        }
        Ok(())
    }

    /// Reads everything into `sink` to learn something before the pass that counts, which says what
    /// is wrong with the files.
    pub fn first_pass<S: Sink<Error = OutputError>>(&self, sink: &mut S) -> Result<(), Failure> {
        let passed = self.pass(sink, ReadOptions::default(), false)?;
        match Failure::of_interruption(&passed) {
            Some(failure) => Err(failure),
            None => Ok(()),
        }
    }

    /// Reads everything into `sink`; `keep` as in [`ReadOptions`].
    pub fn run<S: Sink<Error = OutputError>>(
        &self,
        sink: &mut S,
        keep: bool,
    ) -> Result<Passed, Failure> {
        self.pass(sink, ReadOptions { keep }, self.rows)
    }

    fn pass<S: Sink<Error = OutputError>>(
        &self,
        sink: &mut S,
        options: ReadOptions,
        rows: bool,
    ) -> Result<Passed, Failure> {
        let opened = open_all_until(self.files, options, self.stop);
        let source = match (opened, self.stop.signal()) {
            (Ok(source), _) => source,
            // A pipe that nothing came from yet is no capture because of that only.
            (Err(_), Some(signal)) => return Err(Failure::Interrupted { frames: 0, signal }),
            (Err(error), None) => return Err(error.into()),
        };
        let files = source.progress();
        let source: Box<dyn FrameSource + Send> = Box::new(source);
        let pass = Pass::new(source, Inspector::new(&self.inspection), self.stop)
            .limited(self.limits)
            .threads(self.threads);
        let progress = Progress::start(files, pass.frames(), rows);
        let passed = pass.run(sink);
        drop(progress);
        Ok(passed?)
    }
}

/// Whether it may still be written: nothing is then to wait for what comes later.
pub(super) fn is_pipe(path: &Path) -> bool {
    path.as_os_str() == "-" || path.metadata().is_ok_and(|found| !found.is_file())
}
