//! The one runner. A command that reads frames says in a [`Plan`] where they come from, how far they are read and how
//! they are inspected, and what takes them; opening, limits, the stop, progress, interruption and errors are wired here.

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
    /// How far frames are read.
    pub limits: PassLimits,
    /// How they are inspected.
    pub inspection: Options,
    /// Threads at work.
    pub threads: usize,
    /// Whether rows are written to standard output, among which no progress may stand.
    pub rows: bool,
    /// Whether the command can read each of several files by itself, which is said where they overlap.
    pub offers_each: bool,
    /// The files of which it is one that is read by itself, and its place among them. Then no progress is shown.
    one_of: Option<(Arc<[PathBuf]>, usize)>,
    /// Whether what stands between frames is kept, for those who write captures.
    pub keep: bool,
}

/// Where frames come from.
enum PlanInput {
    /// Files, which can be read several times unless one is a pipe; `-` is standard input.
    Files(Vec<PathBuf>),
    /// An interface, until it was read.
    Live(Option<LiveSource>),
}

impl Plan {
    /// All of some files as one capture, with rows. Of a folder they are the captures in it. Standard output must be none
    /// of them.
    pub fn files(given: &[PathBuf], inspection: Options) -> Result<Self, Failure> {
        let files = files(given)?;
        Ok(Self::of(
            PlanInput::Files(files),
            stop_on_signals()?,
            inspection,
        ))
    }

    /// One of files that are read at the same time, each by itself on a thread of its own.
    pub fn one_of(files: &Arc<[PathBuf]>, index: usize, inspection: &Options, stop: &Stop) -> Self {
        let source = PlanInput::Files(vec![files[index].clone()]);
        Self {
            threads: if files.len() > 1 { 1 } else { 2 },
            one_of: Some((Arc::clone(files), index)),
            ..Self::of(source, stop.clone(), inspection.clone())
        }
    }

    /// What comes on an interface until a signal.
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

    /// The files that are read; none of a live capture.
    pub fn paths(&self) -> &[PathBuf] {
        match &self.source {
            PlanInput::Files(files) => files,
            PlanInput::Live(_) => &[],
        }
    }

    /// Which captures frames are of.
    pub fn origin(&self) -> Origin {
        match &self.one_of {
            Some((files, index)) => Origin::one_of(files, *index),
            None => Origin::merged(self.paths()),
        }
    }

    /// The interface's name and counts, of a live capture that was not run yet.
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
        let (passed, _) = self.read_files(sink, ReadOptions::default(), false)?;
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
    ) -> Result<(Passed, Option<String>), Failure> {
        let opened = open_all_until(self.paths(), options, &self.stop);
        let source = match (opened, self.stop.signal()) {
            (Ok(source), _) => source,
            // A pipe that nothing came from yet is no capture because of that only.
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
    /// How the files overlap that were read as one.
    overlap: Option<String>,
    /// Why standard output could not be written any more, where others went on.
    lost: Option<OutputError>,
}

impl Ended {
    /// That a signal came before the end, where one did.
    pub fn interruption(&self) -> Option<Failure> {
        Failure::of_interruption(&self.passed)
    }

    /// What was wrong with the files, a sentence each.
    pub fn damage(&self) -> Vec<String> {
        self.passed.errors.iter().map(ToString::to_string).collect()
    }

    /// What the command ends with: what `finish` gives, which says what there is to say of the
    /// run, where nothing went wrong.
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

/// The files that a command is given, those of folders among them. Standard output must be none of them.
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
