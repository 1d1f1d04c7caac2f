//! What stands in for live capture in a build without it.

use std::convert::Infallible;
use std::sync::Arc;

use super::{InterfaceInfo, LiveCounters, LiveOptions};
use crate::capture::batch::{Batch, FrameSource};
use crate::capture::error::SourceError;

fn absent() -> SourceError {
    SourceError::Live(
        "this build of authscope has no live capture. Build it with the cargo feature \"live\", or capture with another tool: tcpdump -U -w - | authscope read -".into(),
    )
}

/// A live capture, which this build cannot make.
#[derive(Debug)]
pub struct LiveSource(Infallible);

impl LiveSource {
    /// Answers that this build has no live capture.
    pub fn open(_: &LiveOptions) -> Result<Self, SourceError> {
        Err(absent())
    }

    /// What the kernel counted.
    #[must_use]
    pub fn counters(&self) -> Arc<LiveCounters> {
        match self.0 {}
    }

    /// The name of the interface.
    #[must_use]
    pub fn interface(&self) -> &str {
        match self.0 {}
    }
}

impl FrameSource for LiveSource {
    fn fill(&mut self, _: &mut Batch) -> Result<bool, SourceError> {
        match self.0 {}
    }
}

/// Answers that this build has no live capture.
pub fn interfaces() -> Result<Vec<InterfaceInfo>, SourceError> {
    Err(absent())
}
