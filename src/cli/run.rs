//! The one runner. A command that reads frames says in a [`Plan`] where they come from, how far they are read and how
//! they are inspected, and what takes them; opening, limits, the stop, progress, interruption and errors are wired here.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use super::error::Failure;
use super::progress::Progress;
use super::signal::stop_on_signals;
use crate::capture::live::{LiveCounters, LiveOptions, LiveSource};
use crate::capture::{FrameSource, Inputs, ReadOptions, Stop, open_all_until};
use crate::filter::Needs;
use crate::output::{OutputError, Tee};
use crate::session::{Inspector, Options, Pass, PassLimits, Passed, Sink};

/// What a command does with frames.
pub(super) struct Plan<'a> {
    source: Source<'a>,
    stop: Stop,
    /// How far frames are read.
    pub limits: PassLimits,
    /// How they are inspected.
    pub inspection: Options,
    /// Threads at work.
    pub threads: usize,
    /// Whether rows are written to standard output, among which no progress may stand.
    pub rows: bool,
    /// Whether what stands between frames is kept, for those who write captures.
    pub keep: bool,
}

/// Where frames come from.
enum Source<'a> {
    /// Files, which can be read several times unless one is a pipe; `-` is standard input.
    Files(&'a [PathBuf]),
    /// An interface, until it was read.
    Live(Option<LiveSource>),
}

impl<'a> Plan<'a> {
    /// All of some files, with rows. Standard output must be none of them.
    pub fn files(files: &'a [PathBuf], inspection: Options) -> Result<Self, Failure> {
        if Inputs::of(files).has_standard_output() {
            return Err(Failure::Text(
                "cannot write standard output: it is the file that is being read. Write elsewhere"
                    .to_owned(),
            ));
        }
        Ok(Self::of(
            Source::Files(files),
            stop_on_signals()?,
            inspection,
        ))
    }

    /// What comes on an interface until a signal.
    pub fn live(wanted: LiveOptions, inspection: Options) -> Result<Self, Failure> {
        let stop = stop_on_signals()?;
        let wanted = LiveOptions {
            stop: stop.clone(),
            ..wanted
        };
        let source = LiveSource::open(&wanted).map_err(|error| Failure::Sources(vec![error]))?;
        Ok(Self::of(Source::Live(Some(source)), stop, inspection))
    }

    const fn of(source: Source<'a>, stop: Stop, inspection: Options) -> Self {
        Self {
            source,
            stop,
            limits: PassLimits {
                frames: None,
                duration: None,
            },
            inspection,
            threads: 2,
            rows: true,
            keep: false,
        }
    }

    /// The files that are read; none of a live capture.
    pub const fn paths(&self) -> &'a [PathBuf] {
        match self.source {
            Source::Files(files) => files,
            Source::Live(_) => &[],
        }
    }

    /// The interface's name and counts, of a live capture that was not run yet.
    pub fn interface(&self) -> Option<(String, Arc<LiveCounters>)> {
        match &self.source {
            Source::Live(Some(source)) => Some((source.interface().to_owned(), source.counters())),
            _ => None,
        }
    }

    const fn is_live(&self) -> bool {
        matches!(self.source, Source::Live(_))
    }

    /// Whether every frame can be read as often as is needed: none may still have to come.
    pub fn can_be_repeated(&self) -> bool {
        !self.is_live() && !self.paths().iter().any(|file| is_pipe(file))
    }

    /// Whether responses have to be learnt before, so that what is asked about requests is known; of what responses say of
    /// them only where that can be.
    pub fn looks_ahead(&self, needs: Needs) -> bool {
        needs.responses || (needs.outcomes && self.can_be_repeated())
    }

    /// Reads all files into `sink` to learn something before the pass that counts, which says what
    /// is wrong with the files.
    pub fn learn<S: Sink<Error = OutputError>>(&self, sink: &mut S) -> Result<(), Failure> {
        let passed = self.read_files(sink, ReadOptions::default(), false)?;
        match Failure::of_interruption(&passed) {
            Some(failure) => Err(failure),
            None => Ok(()),
        }
    }

    /// Gives everything to one sink.
    pub fn run_alone<S: Sink<Error = OutputError>>(
        &mut self,
        sink: &mut S,
    ) -> Result<Ended, Failure> {
        let passed = match &mut self.source {
            Source::Live(source) => {
                let source = source
                    .take()
                    .ok_or_else(|| Failure::Text("an interface is read only once".to_owned()))?;
                let pass = self.pass(Box::new(source));
                pass.run(sink)?
            }
            Source::Files(_) => {
                let keep = self.keep;
                self.read_files(sink, ReadOptions { keep }, self.rows)?
            }
        };
        Ok(Ended { passed, lost: None })
    }

    /// Gives everything to several sinks.
    pub fn run(&mut self, mut sinks: Tee<'_>) -> Result<Ended, Failure> {
        if self.is_live() {
            sinks.stopping(&self.stop);
        }
        let ended = self.run_alone(&mut sinks)?;
        // A terminal that is gone is no failure: the capture that is saved is whole.
        let is_gone = self.is_live() && self.stop.signal().is_some();
        Ok(Ended {
            lost: sinks.take_lost().filter(|_| !is_gone),
            ..ended
        })
    }

    fn pass(&self, source: Box<dyn FrameSource + Send>) -> Pass {
        let mut pass = Pass::new(source, Inspector::new(&self.inspection), &self.stop);
        if self.is_live() {
            pass = pass.live();
        }
        pass.limited(self.limits).threads(self.threads)
    }

    fn read_files<S: Sink<Error = OutputError>>(
        &self,
        sink: &mut S,
        options: ReadOptions,
        rows: bool,
    ) -> Result<Passed, Failure> {
        let opened = open_all_until(self.paths(), options, &self.stop);
        let source = match (opened, self.stop.signal()) {
            (Ok(source), _) => source,
            // A pipe that nothing came from yet is no capture because of that only.
            (Err(_), Some(signal)) => return Err(Failure::Interrupted { frames: 0, signal }),
            (Err(error), None) => return Err(error.into()),
        };
        let files = source.progress();
        let pass = self.pass(Box::new(source));
        let progress = Progress::start(files, pass.frames(), rows);
        let passed = pass.run(sink);
        drop(progress);
        Ok(passed?)
    }
}

/// How a run ended.
pub(super) struct Ended {
    passed: Passed,
    /// Why standard output could not be written any more, where others went on.
    lost: Option<OutputError>,
}

impl Ended {
    /// What the command ends with: what `finish` gives, which says what there is to say of the
    /// run, where nothing went wrong.
    pub fn conclude(self, finish: impl FnOnce() -> ExitCode) -> Result<ExitCode, Failure> {
        if let Some(lost) = self.lost {
            return Err(lost.into());
        }
        let code = finish();
        if let Some(interrupted) = Failure::of_interruption(&self.passed) {
            return Err(interrupted);
        }
        if self.passed.errors.is_empty() {
            Ok(code)
        } else {
            Err(Failure::Sources(self.passed.errors))
        }
    }
}

/// Whether it may still be written: nothing is then to wait for what comes later.
pub(super) fn is_pipe(path: &Path) -> bool {
    path.as_os_str() == "-" || path.metadata().is_ok_and(|found| !found.is_file())
}
