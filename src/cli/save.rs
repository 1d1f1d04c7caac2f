//! What is saved and how: the arguments that every command with frames has, and their output.

use std::io::Write;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use clap::Args;

use super::error::Failure;
use super::reading::Reading;
use crate::capture::{Aside, Batch, CaptureWriter, LimitError, Limits, What, WriteOptions};
use crate::filter::{Filter, FilterOptions, Needs};
use crate::output::{
    Answers, Embed, LeftBeside, OutputError, RecordFilter, Rows, Save, SaveOptions, Select, Survey,
    Tee, Watch,
};
use crate::session::{FrameRecord, KeyLogSource, Remainder, Sink};

// Each of these is a flag of its own on the command line.
#[allow(clippy::struct_excessive_bools)]
#[derive(Debug, Args)]
#[command(next_help_heading = "Saving")]
pub(super) struct SaveArguments {
    /// Save the frames as pcapng; - is standard output, in place of rows.
    #[arg(short = 'w', long = "write", value_name = "FILE")]
    path: Option<PathBuf>,

    /// Say in a comment on each message's frame what the message is, for programs that do not
    /// know the protocol.
    #[arg(long, requires = "path")]
    annotate: bool,

    /// Replace all that may be part of a password by asterisks, so that the capture can be given to
    /// others.
    #[arg(long, requires = "path")]
    redact: bool,

    /// Write the secrets of the TLS connections that are saved, and only those, into the file before
    /// their packets, so that Wireshark decrypts it. Who has the file can then read them.
    #[arg(long, requires = "path", conflicts_with = "redact")]
    embed_keys: bool,

    /// Save the frames that match, in Wireshark's display filter language.
    #[arg(long, value_name = "FILTER", requires = "path")]
    only: Option<String>,

    /// With --only, save whole connections of the frames that match. Not live or from a pipe.
    #[arg(long, requires = "only")]
    stream_complete: bool,

    /// Begin a further file after duration:SECONDS, filesize:KB or packets:N, and with files:N
    /// keep the newest N of them; several may be joined with commas.
    #[arg(
        short = 'b',
        long = "ring-buffer",
        value_name = "CONDITION",
        requires = "path"
    )]
    rotate: Vec<String>,

    /// Stop after duration:SECONDS, filesize:KB, files:N or packets:N; several may be joined with
    /// commas.
    #[arg(short = 'a', long = "autostop", value_name = "CONDITION")]
    stop: Vec<String>,
}

/// What is known of saving once a run is over.
#[derive(Default)]
pub(super) struct Saving {
    /// What says whether any frame matched.
    pub watch: Option<Watch>,
    left: LeftBeside,
    /// Where the capture is while it goes on, and its place, where something stands there.
    beside: Option<(PathBuf, PathBuf)>,
}

impl Saving {
    /// Says on standard error where a live capture can be found that does not stand in its place
    /// yet.
    pub fn say_where(&self) {
        if let Some((beside, place)) = &self.beside {
            let [beside, place] = [beside, place].map(|path| path.to_string_lossy());
            let _ = writeln!(
                std::io::stderr(),
                "authscope: {place:?} exists and is replaced at the end; until then the capture is in {beside:?}"
            );
        }
    }

    /// Says on standard error where a capture is that did not become whole.
    pub fn say(&self) {
        if let Some((beside, place)) = self.left.get() {
            let [beside, place] = [&beside, &place].map(|path| path.to_string_lossy());
            // That nobody reads it is no failure.
            let _ = writeln!(
                std::io::stderr(),
                "authscope: what was saved so far is in {beside:?}; {place:?} is as it was"
            );
        }
    }
}

impl SaveArguments {
    /// Where to save, if at all.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// When to stop. Limits of files need files.
    pub fn stop(&self) -> Result<Limits, Failure> {
        let stop = limits("-a", &self.stop)?;
        if stop.filesize.is_some() && self.path.is_none() {
            let text = "-a filesize:KB is about the file that is written; name one with -w";
            return Err(Failure::Text(text.to_owned()));
        }
        if stop.files.is_some() && self.rotate.is_empty() {
            let text = "-a files:NUMBER needs -b, which begins further files";
            return Err(Failure::Text(text.to_owned()));
        }
        Ok(stop)
    }

    fn options(&self) -> SaveOptions {
        SaveOptions {
            annotate: self.annotate,
            redact: self.redact,
            stream_complete: self.stream_complete,
        }
    }

    /// Adds the file that frames are saved to, where there is one, and gives what says whether
    /// any matched. Files are read an extra time where something must be known of all of them
    /// before the first frame is saved.
    pub fn add_to(
        &self,
        tee: &mut Tee<'_>,
        inputs: Option<&Reading<'_>>,
        key_logs: &[KeyLogSource],
    ) -> Result<Saving, Failure> {
        let stop = self.stop()?;
        let Some(path) = self.path() else {
            return Ok(Saving::default());
        };
        let rotate = match &self.rotate[..] {
            [] => None,
            given => Some(
                limits("-b", given)?
                    .ends_files()
                    .map_err(|e| unusable("-b", &e))?,
            ),
        };
        let twice = inputs.filter(|inputs| inputs.can_be_repeated());
        if self.stream_complete && twice.is_none() {
            let text = "--stream-complete reads the capture twice, which is not possible live or \
                        from a pipe; save it all with -w first, then read that file";
            return Err(Failure::Text(text.to_owned()));
        }
        let mut watch = self.watch(twice)?;
        let files = inputs.map_or(&[][..], |inputs| inputs.files);
        let options = WriteOptions {
            packet_buffered: inputs.is_none(),
            rotate,
            redacted: self.redact,
            own_secrets: self.embed_keys,
        };
        let writer = CaptureWriter::create(path, files, &options).map_err(OutputError::Capture)?;
        let beside = writer.path_beside().filter(|_| inputs.is_none());
        let beside = beside.map(|beside| (beside.to_owned(), path.to_owned()));
        let mut survey = Survey::new(self.options(), select(watch.as_ref()));
        if let Some(inputs) = twice {
            while survey.wants_more() {
                inputs.first_pass(&mut Surveying {
                    watch: watch.as_mut(),
                    survey: &mut survey,
                })?;
                // Times and TCP's analysis begin anew with the capture.
                if self.stream_complete {
                    watch = self.watch(twice)?;
                }
            }
        }
        if let Some(watch) = &watch {
            tee.add(watch.clone());
        }
        let left = LeftBeside::default();
        let mut save = Save::new(writer, select(watch.as_ref()), survey).stopping(stop);
        save.when_not_whole(twice.is_none(), left.clone());
        if self.embed_keys {
            save.embed(Embed::new(key_logs));
        }
        tee.add_lasting(save);
        if self.redact {
            tee.add(LeftOut::default());
        }
        Ok(Saving {
            watch,
            left,
            beside,
        })
    }

    /// What must be known of frames.
    pub fn needs(&self) -> Result<Needs, Failure> {
        let filter = self.filter()?;
        Ok(filter.as_ref().map(Filter::needs).unwrap_or_default())
    }

    fn filter(&self) -> Result<Option<Filter>, Failure> {
        let text = self.only.as_deref();
        text.map(|text| Filter::parse(text, FilterOptions::default()))
            .transpose()
            .map_err(|error| Failure::Text(format!("cannot use the filter of --only: {error}")))
    }

    /// What is asked about frames, with the responses that come later where they are needed.
    fn watch(&self, inputs: Option<&Reading<'_>>) -> Result<Option<Watch>, Failure> {
        let Some(filter) = self.filter()? else {
            return Ok(None);
        };
        let needs = filter.needs();
        let answers = match inputs {
            _ if !needs.responses => None,
            Some(inputs) => {
                let mut answers = Answers::default();
                inputs.first_pass(&mut answers)?;
                Some(answers)
            }
            None => {
                let text = "reglogin.response_in looks ahead, which is not possible live or from \
                            a pipe; save it all with -w first, then read that file";
                return Err(Failure::Text(text.to_owned()));
            }
        };
        Ok(Some(Watch::new(Some(filter), needs, answers, false)))
    }
}

fn select(watch: Option<&Watch>) -> Select {
    Select {
        rows: Rows::All,
        filter: watch.map(|watch| Rc::new(watch.clone()) as Rc<dyn RecordFilter>),
        ..Select::default()
    }
}

fn limits(option: &str, given: &[String]) -> Result<Limits, Failure> {
    Limits::join(given.iter().map(String::as_str)).map_err(|error| unusable(option, &error))
}

fn unusable(option: &str, error: &LimitError) -> Failure {
    Failure::Text(format!("cannot use {option}: {error}"))
}

/// Says that secrets of the original are not in the redacted file.
#[derive(Default)]
struct LeftOut {
    secrets: bool,
}

impl Sink for LeftOut {
    type Error = OutputError;

    fn record(&mut self, _: &FrameRecord<'_>) -> Result<ControlFlow<()>, OutputError> {
        Ok(ControlFlow::Continue(()))
    }

    fn aside(&mut self, aside: &Aside, _: &Batch) -> Result<(), OutputError> {
        if let What::KeyLog(text) = &aside.what {
            self.secrets |= !text.bytes().is_empty();
        }
        Ok(())
    }

    fn end(&mut self, _: &Remainder<'_>) -> Result<(), OutputError> {
        if self.secrets {
            let text =
                "authscope: the TLS secrets in the capture were left out of the redacted file";
            let _ = writeln!(std::io::stderr(), "{text}");
        }
        Ok(())
    }
}

/// A survey, and what it asks about frames.
struct Surveying<'a> {
    watch: Option<&'a mut Watch>,
    survey: &'a mut Survey,
}

impl Sink for Surveying<'_> {
    type Error = OutputError;

    fn record(&mut self, record: &FrameRecord<'_>) -> Result<ControlFlow<()>, OutputError> {
        if let Some(watch) = &mut self.watch {
            // It never ends a run.
            let _ = watch.record(record)?;
        }
        self.survey.record(record)
    }

    fn end(&mut self, remainder: &Remainder<'_>) -> Result<(), OutputError> {
        self.survey.end(remainder)
    }
}
