//! Saving captures: the arguments of every command that reads frames, and their output.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use clap::Args;

use super::error::Failure;
use super::query::needs_of;
use super::run::Plan;
use super::say;
use crate::capture::{CaptureWriter, LimitError, RotationLimits, WriteOptions};
use crate::filter::{Filter, FilterOptions, Needs};
use crate::output::{Answers, Context, OutputError, Tee};
use crate::save::{Embed, LeftBeside, Save, SaveOptions, Survey};
use crate::session::PassLimits;

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

/// The capture that is saved, if any, and the lines to print about it.
#[derive(Default)]
pub(super) struct Saving {
    save: Option<Save>,
    /// Where a live capture is until it ends, if its file exists already.
    beside: Option<LeftBeside>,
}

impl Saving {
    /// Adds the sinks that save.
    pub fn add_to<'a>(&'a mut self, tee: &mut Tee<'a>) {
        if let Some(save) = &mut self.save {
            tee.add_lasting(save);
        }
    }

    /// Whether a filter selects what to save, and nothing matched it.
    pub fn has_missed(&self) -> bool {
        self.save.as_ref().is_some_and(Save::has_missed)
    }

    /// Prints where a live capture is, if it is not in its final file yet.
    pub fn say_where(&self) {
        if let Some(LeftBeside { beside, place }) = &self.beside {
            let [beside, place] = [beside, place].map(|path| path.to_string_lossy());
            say(&format!(
                "{place:?} exists and is replaced at the end; until then the capture is in {beside:?}"
            ));
        }
    }

    /// Lines for the end: where an incomplete capture is, and what is missing in the saved one.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let Some(save) = &self.save else {
            return lines;
        };
        if save.left_secrets_out() {
            lines.push("the TLS secrets in the capture were left out of the redacted file".into());
        }
        if let Some(LeftBeside { beside, place }) = save.left() {
            let [beside, place] = [beside, place].map(|path| path.to_string_lossy());
            lines.push(format!(
                "what was saved so far is in {beside:?}; {place:?} is as it was"
            ));
        }
        lines
    }
}

impl SaveArguments {
    /// Where to save, if at all.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// The limits of the pass, of which `count` frames is another one.
    pub fn limits(&self, count: Option<u64>) -> Result<PassLimits, Failure> {
        let stop = self.stop()?;
        Ok(PassLimits {
            frames: [count, stop.packets].into_iter().flatten().min(),
            duration: stop.duration,
        })
    }

    /// When to stop. Limits of files need files.
    fn stop(&self) -> Result<RotationLimits, Failure> {
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

    /// Opens the file that frames are saved to, if there is one. Reads files an extra time if something must be known
    /// about all frames before the first is saved.
    pub fn open(&self, plan: &Plan) -> Result<Saving, Failure> {
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
        let again = plan.can_be_repeated();
        if self.stream_complete && !again {
            let text = "--stream-complete reads the capture twice, which is not possible live or \
                        from a pipe; save it all with -w first, then read that file";
            return Err(Failure::Text(text.to_owned()));
        }
        let answers = self.answers(plan)?;
        let is_live = plan.paths().is_empty();
        let options = WriteOptions {
            packet_buffered: is_live,
            rotate,
            redacted: self.redact,
            own_secrets: self.embed_keys,
        };
        let writer =
            CaptureWriter::create(path, plan.paths(), &options).map_err(OutputError::Capture)?;
        let beside = writer.path_beside().filter(|_| is_live);
        let beside = beside.map(|beside| LeftBeside {
            beside: beside.to_owned(),
            place: path.to_owned(),
        });
        let mut survey = Survey::new(self.options(), self.context(answers.as_ref(), plan)?);
        while again && survey.wants_more() {
            plan.learn(&mut survey)?;
        }
        let context = self.context(answers.as_ref(), plan)?;
        let mut save = Save::new(writer, context, survey).stopping(stop);
        if !again {
            save.keep_half();
        }
        if self.embed_keys {
            save.embed(Embed::new(&plan.inspection.key_logs));
        }
        Ok(Saving {
            save: Some(save),
            beside,
        })
    }

    /// What saving needs to know about frames.
    pub fn needs(&self) -> Result<Needs, Failure> {
        Ok(needs_of(self.filter()?.as_ref()))
    }

    fn filter(&self) -> Result<Option<Filter>, Failure> {
        let text = self.only.as_deref();
        text.map(|text| Filter::parse(text, FilterOptions::default()))
            .transpose()
            .map_err(|error| Failure::Text(format!("cannot use the filter of --only: {error}")))
    }

    /// The responses that come later than their requests, if they are needed.
    fn answers(&self, plan: &Plan) -> Result<Option<Rc<Answers>>, Failure> {
        if !plan.looks_ahead(self.needs()?) {
            return Ok(None);
        }
        if !plan.can_be_repeated() {
            let text = "reglogin.response_in looks ahead, which is not possible live or from \
                        a pipe; save it all with -w first, then read that file";
            return Err(Failure::Text(text.to_owned()));
        }
        let mut answers = Answers::default();
        plan.learn(&mut answers)?;
        Ok(Some(Rc::new(answers)))
    }

    /// The context in which filters are evaluated.
    fn context(&self, answers: Option<&Rc<Answers>>, plan: &Plan) -> Result<Context, Failure> {
        let filter = self.filter()?;
        let needs = needs_of(filter.as_ref());
        let context = Context::new(filter, needs, answers.cloned(), false);
        Ok(context.reading(plan.origin()))
    }
}

fn limits(option: &str, given: &[String]) -> Result<RotationLimits, Failure> {
    RotationLimits::join(given.iter().map(String::as_str)).map_err(|error| unusable(option, &error))
}

fn unusable(option: &str, error: &LimitError) -> Failure {
    Failure::Text(format!("cannot use {option}: {error}"))
}
