//! A sink that keeps what was dropped because a bound was reached, to report it after the run.

use std::ops::ControlFlow;

use super::tee::OutputError;
use crate::session::{FrameRecord, GivenUp, Remainder, Sink};

/// Keeps the losses that the end of a run reports.
#[derive(Debug, Clone, Default)]
pub struct Losses(GivenUp);

impl Losses {
    /// What was dropped; complete after the run.
    #[must_use]
    pub const fn given_up(&self) -> GivenUp {
        self.0
    }
}

impl Sink for Losses {
    type Error = OutputError;

    fn record(&mut self, _: &FrameRecord<'_>) -> Result<ControlFlow<()>, OutputError> {
        Ok(ControlFlow::Continue(()))
    }

    fn wants_ends(&self) -> bool {
        false
    }

    fn end(&mut self, remainder: &Remainder<'_>) -> Result<(), OutputError> {
        self.0 = remainder.given_up;
        Ok(())
    }
}
