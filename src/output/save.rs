//! What was read or captured, saved as pcapng.

use std::ops::ControlFlow;

use super::select::Select;
use super::tee::OutputError;
use crate::capture::{Aside, Batch, CaptureWriter};
use crate::session::{FrameRecord, Remainder, Sink};

/// Writes the frames that match, with everything that the original said of them.
pub struct Save {
    writer: Option<CaptureWriter>,
    select: Select,
}

impl Save {
    /// Saves what `select` takes.
    #[must_use]
    pub const fn new(writer: CaptureWriter, select: Select) -> Self {
        Self {
            writer: Some(writer),
            select,
        }
    }
}

impl Sink for Save {
    type Error = OutputError;

    fn record(&mut self, record: &FrameRecord<'_>) -> Result<ControlFlow<()>, OutputError> {
        if let Some(writer) = &mut self.writer {
            let chosen = self.select.takes(record).then_some(&[][..]);
            writer.frame(&record.frame, chosen)?;
        }
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
