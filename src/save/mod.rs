//! Saves frames as pcapng: all of them or those that a filter matches, with comments on messages, or without passwords.

mod annotate;
mod checksum;
mod clear;
pub mod comment;
mod embed;
mod keep;
mod redact;
mod streams;

use std::ops::ControlFlow;
use std::path::PathBuf;

use annotate::LateComments;
pub use embed::Embed;
use keep::Kept;
use redact::Redactor;

use crate::capture::{Aside, AsideContent, Batch, CaptureWriter, Frame, RotationLimits};
use crate::output::{Context, OutputError};
use crate::session::{Ending, FrameRecord, Remainder, Sink};

/// Changes to frames that are saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SaveOptions {
    /// A comment on each message's frame that says what the message is.
    pub annotate: bool,
    /// `*` in place of every byte that may belong to a password.
    pub redact: bool,
    /// All frames of the connections of frames that match.
    pub stream_complete: bool,
}

/// What had to be learnt of a whole capture before its first frame could be saved.
///
/// It is fed as any output is, in passes of its own; without them nothing is known ahead.
#[derive(Default)]
pub struct Survey {
    options: SaveOptions,
    /// What frames must match, of which the connections are to be kept.
    context: Context,
    kept: Kept,
    comments: LateComments,
    redactor: Redactor,
    passes: u8,
}

impl Survey {
    /// An empty survey. If whole connections are to be kept, the first pass evaluates the filter of `context` for
    /// each frame.
    #[must_use]
    pub fn new(options: SaveOptions, context: Context) -> Self {
        Self {
            options,
            context,
            ..Self::default()
        }
    }

    /// Whether another pass over the capture is needed.
    #[must_use]
    pub fn wants_more(&self) -> bool {
        match self.passes {
            0 => self.options != SaveOptions::default(),
            1 => self.options.redact,
            _ => false,
        }
    }
}

impl Sink for Survey {
    type Error = OutputError;

    fn aside(&mut self, aside: &Aside, _: &Batch) -> Result<(), OutputError> {
        self.context.aside(aside);
        Ok(())
    }

    fn record(&mut self, record: &FrameRecord<'_>) -> Result<ControlFlow<()>, OutputError> {
        if self.passes > 0 {
            self.redactor.sum(record);
            self.redactor.learn(record);
            return Ok(ControlFlow::Continue(()));
        }
        if self.options.stream_complete {
            self.context.advance(record);
            self.kept.survey(record, self.context.takes(record));
        }
        if self.options.annotate {
            self.comments.gather(record);
        }
        if self.options.redact {
            self.redactor.survey(record);
        }
        Ok(ControlFlow::Continue(()))
    }

    fn end(&mut self, remainder: &Remainder<'_>) -> Result<(), OutputError> {
        if self.passes == 0 {
            self.comments.gather_end(remainder);
            self.redactor.survey_end(remainder);
        }
        self.passes += 1;
        Ok(())
    }
}

/// Writes the frames that match, with all metadata of the original.
pub struct Save {
    writer: CaptureWriter,
    context: Context,
    survey: Survey,
    comments: Vec<String>,
    stop: RotationLimits,
    keeps: bool,
    left: Option<LeftBeside>,
    embed: Option<Embed>,
    /// Whether the original has secrets that a redacted file is not to have.
    secrets_left_out: bool,
}

/// Where an incomplete capture is.
#[derive(Debug, Clone)]
pub struct LeftBeside {
    /// The incomplete file.
    pub beside: PathBuf,
    /// Its intended path.
    pub place: PathBuf,
}

impl Save {
    /// Saves the frames that match the filter of `context`, with these options and the results of `survey`.
    #[must_use]
    pub fn new(mut writer: CaptureWriter, context: Context, mut survey: Survey) -> Self {
        if survey.options.redact {
            writer.hide_texts(match survey.redactor.take_words() {
                Some(words) => Box::new(move |text| {
                    words.hide(text);
                    true
                }),
                // What they say of frames that come later is not known.
                None => Box::new(|_| false),
            });
        }
        Self {
            writer,
            context,
            survey,
            comments: Vec::new(),
            stop: RotationLimits::default(),
            keeps: false,
            left: None,
            embed: None,
            secrets_left_out: false,
        }
    }

    /// Keeps an incomplete capture after an interruption, because its source cannot be read again.
    pub const fn keep_half(&mut self) {
        self.keeps = true;
    }

    /// Where the incomplete capture is, once the run is over.
    #[must_use]
    pub const fn left(&self) -> Option<&LeftBeside> {
        self.left.as_ref()
    }

    /// Whether there is a filter and nothing has matched it.
    #[must_use]
    pub fn has_missed(&self) -> bool {
        self.context.has_missed()
    }

    /// Whether the original has TLS secrets that the redacted file leaves out.
    #[must_use]
    pub const fn left_secrets_out(&self) -> bool {
        self.secrets_left_out
    }

    fn leave_beside(&mut self) -> Result<(), OutputError> {
        let place = self.writer.path().to_owned();
        if let Some(beside) = self.writer.leave_beside()? {
            self.left = Some(LeftBeside { beside, place });
        }
        Ok(())
    }

    /// Writes secrets that came after the frames of their streams.
    fn embed_late(&mut self) {
        if let Some(embed) = &mut self.embed {
            embed.late(&mut self.writer);
        }
    }

    /// Writes the secrets of the TLS connections that are saved too. The writer has to leave those
    /// of the original out.
    pub fn embed(&mut self, embed: Embed) {
        self.embed = Some(embed);
    }

    /// Ends the run when the file has this many bytes, or this many files are written; other limits are not checked.
    #[must_use]
    pub fn stopping(self, stop: RotationLimits) -> Self {
        Self { stop, ..self }
    }
}

impl Sink for Save {
    type Error = OutputError;

    fn record(&mut self, record: &FrameRecord<'_>) -> Result<ControlFlow<()>, OutputError> {
        let writer = &mut self.writer;
        if self.survey.options.annotate {
            self.survey.comments.of(record, &mut self.comments);
        }
        self.context.advance(record);
        let takes = self.context.takes(record)
            || self.survey.options.stream_complete && self.survey.kept.has(record);
        let full = self.stop.files.is_some_and(|most| writer.files() >= most);
        if takes && full && writer.would_begin_file(record.frame.header.time) {
            return Ok(ControlFlow::Break(()));
        }
        if let Some(embed) = &mut self.embed {
            embed.frame(record, takes, writer);
        }
        let chosen = takes.then_some(&self.comments[..]);
        if self.survey.options.redact {
            let octets = self.survey.redactor.redacted(record);
            let frame = Frame {
                octets: &octets,
                ..record.frame
            };
            writer.frame(&frame, chosen)?;
        } else {
            writer.frame(&record.frame, chosen)?;
        }
        let most = self.stop.filesize;
        if most.is_some_and(|most| writer.octets() >= most) {
            return Ok(ControlFlow::Break(()));
        }
        Ok(ControlFlow::Continue(()))
    }

    fn aside(&mut self, aside: &Aside, batch: &Batch) -> Result<(), OutputError> {
        self.context.aside(aside);
        if let Some(embed) = &mut self.embed {
            embed.aside(aside);
        }
        if let AsideContent::KeyLog(text) = &aside.what {
            self.secrets_left_out |= self.survey.options.redact && !text.bytes().is_empty();
        }
        self.writer.aside(batch, &aside.what);
        Ok(())
    }

    fn pause(&mut self) -> Result<ControlFlow<()>, OutputError> {
        self.embed_late();
        self.writer.pause()?;
        Ok(ControlFlow::Continue(()))
    }

    /// An existing file is replaced only by a complete one.
    fn end(&mut self, remainder: &Remainder<'_>) -> Result<(), OutputError> {
        self.embed_late();
        match remainder.ending {
            Ending::Interrupted if self.keeps => self.leave_beside(),
            // A pipe or a ring has what it was given.
            Ending::Interrupted => Ok(self.writer.flush()?),
            Ending::Damaged if self.writer.replaces() => self.leave_beside(),
            Ending::Damaged | Ending::Whole => Ok(self.writer.finish()?),
        }
    }
}
