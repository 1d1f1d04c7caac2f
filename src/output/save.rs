//! What was read or captured, saved as pcapng: all of it or what matches, with comments that say
//! what each message is.

mod annotate;

use std::ops::ControlFlow;

use annotate::LateComments;

use super::select::Select;
use super::tee::OutputError;
use crate::capture::{Aside, Batch, CaptureWriter};
use crate::session::{FrameRecord, Remainder, Sink};

/// What is done to frames on their way into a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SaveOptions {
    /// A comment on each message's frame that says what the message is.
    pub annotate: bool,
}

/// What had to be learnt of a whole capture before its first frame could be saved.
///
/// It is fed as any output is, in a pass of its own; without that pass nothing is known ahead.
#[derive(Debug, Default)]
pub struct Survey {
    options: SaveOptions,
    comments: LateComments,
}

impl Survey {
    /// Nothing learnt yet.
    #[must_use]
    pub fn new(options: SaveOptions) -> Self {
        Self {
            options,
            ..Self::default()
        }
    }
}

impl Sink for Survey {
    type Error = OutputError;

    fn record(&mut self, record: &FrameRecord<'_>) -> Result<ControlFlow<()>, OutputError> {
        if self.options.annotate {
            self.comments.gather(record);
        }
        Ok(ControlFlow::Continue(()))
    }

    fn end(&mut self, remainder: &Remainder<'_>) -> Result<(), OutputError> {
        if self.options.annotate {
            self.comments.gather_end(remainder);
        }
        Ok(())
    }
}

/// Writes the frames that match, with everything that the original said of them.
pub struct Save {
    writer: Option<CaptureWriter>,
    select: Select,
    survey: Survey,
    comments: Vec<String>,
}

impl Save {
    /// Saves what `select` takes, with the options and the knowledge of `survey`.
    #[must_use]
    pub const fn new(writer: CaptureWriter, select: Select, survey: Survey) -> Self {
        Self {
            writer: Some(writer),
            select,
            survey,
            comments: Vec::new(),
        }
    }
}

impl Sink for Save {
    type Error = OutputError;

    fn record(&mut self, record: &FrameRecord<'_>) -> Result<ControlFlow<()>, OutputError> {
        let Some(writer) = &mut self.writer else {
            return Ok(ControlFlow::Continue(()));
        };
        if self.survey.options.annotate {
            self.survey.comments.of(record, &mut self.comments);
        }
        let chosen = self.select.takes(record).then_some(&self.comments[..]);
        writer.frame(&record.frame, chosen)?;
        Ok(ControlFlow::Continue(()))
    }

    fn aside(&mut self, aside: &Aside, batch: &Batch) -> Result<(), OutputError> {
        if let Some(writer) = &mut self.writer {
            writer.aside(batch, &aside.what);
        }
        Ok(())
    }

    fn pause(&mut self) -> Result<ControlFlow<()>, OutputError> {
        if let Some(writer) = &mut self.writer {
            writer.pause()?;
        }
        Ok(ControlFlow::Continue(()))
    }

    fn end(&mut self, _: &Remainder<'_>) -> Result<(), OutputError> {
        if let Some(writer) = self.writer.take() {
            writer.finish()?;
        }
        Ok(())
    }
}
