//! Runs every command that reads frames. A command describes in a [`Plan`] where frames come from, how many are read,
//! how they are inspected, and where they go. Opening, limits, stopping, progress, interruption and errors are
//! handled here.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError};

use super::error::Failure;
use super::progress::Progress;
use super::say;
use super::signal::stop_on_signals;
use crate::capture::live::{LiveCounters, LiveOptions, LiveSource};
use crate::capture::{
    FrameSource, Inputs, ReadOptions, Stop, captures_of, is_pipe, open_all_until,
};
use crate::filter::Needs;
use crate::output::{Origin, OutputError, Tee};
use crate::session::{Inspector, Options, Pass, PassLimits, Passed, Sink};

/// What a command does with frames.
pub(super) struct Plan {
    source: PlanInput,
    stop: Stop,
    /// Limits on the frames that are read.
    pub limits: PassLimits,
    /// How they are inspected.
    pub inspection: Options,
    /// Number of threads.
    pub threads: usize,
    /// Whether rows are written to standard output, so that progress must not be shown among them.
    pub rows: bool,
    /// Whether the command has `--each`, which is suggested if files overlap.
    pub offers_each: bool,
    /// With `--each`: all files, and the index of the one that this plan reads. No progress is shown then.
    one_of: Option<(Arc<[PathBuf]>, usize)>,
    /// Whether blocks between frames are kept, for commands that write captures.
    pub keep: bool,
}

/// Where frames come from.
enum PlanInput {
    /// Files; `-` is standard input. They can be read several times unless one is a pipe.
    Files(Vec<PathBuf>),
    /// An interface; `None` once it was read.
    Live(Option<LiveSource>),
}

impl Plan {
    /// Reads files as one capture, with rows. A folder stands for the captures in it. Standard output must not be one
    /// of the files.
    pub fn files(given: &[PathBuf], inspection: Options) -> Result<Self, Failure> {
        let files = files(given)?;
        Ok(Self::of(
            PlanInput::Files(files),
            stop_on_signals()?,
            inspection,
        ))
    }

    /// Reads one of several files that are read at the same time, each on its own thread.
    pub fn one_of(files: &Arc<[PathBuf]>, index: usize, inspection: &Options, stop: &Stop) -> Self {
        let source = PlanInput::Files(vec![files[index].clone()]);
        Self {
            threads: if files.len() > 1 { 1 } else { 2 },
            one_of: Some((Arc::clone(files), index)),
            ..Self::of(source, stop.clone(), inspection.clone())
        }
    }

    /// Captures on an interface until a signal.
    pub fn live(wanted: LiveOptions, inspection: Options) -> Result<Self, Failure> {
        let stop = stop_on_signals()?;
        let wanted = LiveOptions {
            last: true,
            stop: stop.clone(),
            ..wanted
        };
        let source = LiveSource::open(&wanted).map_err(|error| Failure::Sources(vec![error]))?;
        Ok(Self::of(PlanInput::Live(Some(source)), stop, inspection))
    }

    const fn of(source: PlanInput, stop: Stop, inspection: Options) -> Self {
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
            offers_each: false,
            one_of: None,
            keep: false,
        }
    }

    /// The files that are read; empty for a live capture.
    pub fn paths(&self) -> &[PathBuf] {
        match &self.source {
            PlanInput::Files(files) => files,
            PlanInput::Live(_) => &[],
        }
    }

    /// Maps frames to the captures that they come from.
    pub fn origin(&self) -> Origin {
        match &self.one_of {
            Some((files, index)) => Origin::one_of(files, *index),
            None => Origin::merged(self.paths()),
        }
    }

    /// The interface's name and counters, for a live capture that has not run yet.
    pub fn interface(&self) -> Option<(String, Arc<LiveCounters>)> {
        match &self.source {
            PlanInput::Live(Some(source)) => {
                Some((source.interface().to_owned(), source.counters()))
            }
            _ => None,
        }
    }

    const fn is_live(&self) -> bool {
        matches!(self.source, PlanInput::Live(_))
    }

    /// Whether all frames can be read again: the input is complete, and not a pipe.
    pub fn can_be_repeated(&self) -> bool {
        !self.is_live() && !self.paths().iter().any(|file| is_pipe(file))
    }

    /// Whether responses must be found in an extra pass, so that filters on requests can use them; only possible if
    /// frames can be read again.
    pub fn looks_ahead(&self, needs: Needs) -> bool {
        needs.responses || (needs.outcomes && self.can_be_repeated())
    }

    /// Reads all files into `sink` in an extra pass, before the main pass, which reports errors in the files.
    pub fn learn<S: Sink<Error = OutputError>>(&self, sink: &mut S) -> Result<(), Failure> {
        let (passed, _) = self.read_files(sink, ReadOptions::default(), false)?;
        match Failure::of_interruption(&passed) {
            Some(failure) => Err(failure),
            None => Ok(()),
        }
    }

    /// Runs the plan into one sink.
    pub fn run_alone<S: Sink<Error = OutputError>>(
        &mut self,
        sink: &mut S,
    ) -> Result<Ended, Failure> {
        let (passed, overlap) = match &mut self.source {
            PlanInput::Live(source) => {
                let source = source
                    .take()
                    .ok_or_else(|| Failure::Text("an interface is read only once".to_owned()))?;
                let pass = self.pass(Box::new(source));
                (pass.run(sink)?, None)
            }
            PlanInput::Files(_) => {
                let keep = self.keep;
                self.read_files(sink, ReadOptions { keep }, self.rows)?
            }
        };
        let each = if self.offers_each {
            "; --each reads every file by itself"
        } else {
            ""
        };
        Ok(Ended {
            passed,
            overlap: overlap.map(|overlap| format!("{overlap}{each}")),
            lost: None,
        })
    }

    /// Runs the plan into several sinks.
    pub fn run(&mut self, mut sinks: Tee<'_>) -> Result<Ended, Failure> {
        if self.is_live() {
            sinks.stopping(&self.stop);
        }
        let ended = self.run_alone(&mut sinks)?;
        // A closed terminal is not a failure: the saved capture is complete.
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
    ) -> Result<(Passed, Option<String>), Failure> {
        let opened = open_all_until(self.paths(), options, &self.stop);
        let source = match (opened, self.stop.signal()) {
            (Ok(source), _) => source,
            // If nothing came from a pipe yet, that alone is why it is not a capture.
            (Err(_), Some(signal)) => return Err(Failure::Interrupted { frames: 0, signal }),
            (Err(error), None) => return Err(error.into()),
        };
        let files = source.progress();
        let overlaps = source.overlaps();
        let pass = self.pass(Box::new(source));
        let shows = self.one_of.is_none();
        let progress = shows.then(|| Progress::start(files, pass.frames(), rows));
        let passed = pass.run(sink);
        drop(progress);
        let overlaps = overlaps.lock().unwrap_or_else(PoisonError::into_inner);
        Ok((passed?, overlaps.sentence()))
    }
}

/// How a run ended.
pub(super) struct Ended {
    passed: Passed,
    /// How the files that were read as one capture overlap.
    overlap: Option<String>,
    /// Why standard output could not be written any more, if other sinks continued.
    lost: Option<OutputError>,
}

impl Ended {
    /// The interruption, if a signal came before the end.
    pub fn interruption(&self) -> Option<Failure> {
        Failure::of_interruption(&self.passed)
    }

    /// Errors in the files, one sentence each.
    pub fn damage(&self) -> Vec<String> {
        self.passed.errors.iter().map(ToString::to_string).collect()
    }

    /// The result of the command: that of `finish`, which prints the closing lines, or the failure of the run.
    pub fn conclude<T>(self, finish: impl FnOnce() -> T) -> Result<T, Failure> {
        if let Some(lost) = self.lost {
            return Err(lost.into());
        }
        let finished = finish();
        if let Some(overlap) = self.overlap {
            say(&overlap);
        }
        if let Some(interrupted) = Failure::of_interruption(&self.passed) {
            return Err(interrupted);
        }
        if self.passed.errors.is_empty() {
            Ok(finished)
        } else {
            Err(Failure::Sources(self.passed.errors))
        }
    }
}

/// The files given to a command, including those in folders. Standard output must not be one of them.
pub(super) fn files(given: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let files = captures_of(given)?;
    if Inputs::of(&files).has_standard_output() {
        return Err(Failure::Text(
            "cannot write standard output: it is the file that is being read. Write elsewhere"
                .to_owned(),
        ));
    }
    Ok(files)
}
