//! Counts of a protocol that a layout describes.

use super::{Outcomes, Times};
use crate::dissect::Described;
use crate::layout::{LayoutId, Said};
use crate::session::Resolution;

/// Counts of one layout.
#[derive(Debug)]
pub struct DescribedCounts {
    /// The layout.
    pub layout: LayoutId,
    /// Connections that speak it.
    pub streams: u64,
    /// Messages by kind, in the layout's order. The last entry counts those of unknown kinds.
    pub messages: Vec<u64>,
    /// Responses by outcome.
    pub outcomes: Outcomes,
    /// Times from request to response.
    pub times: Times,
    /// Requests without a response.
    pub unanswered: u64,
}

impl DescribedCounts {
    /// No counts for this layout.
    #[must_use]
    pub fn new(layout: LayoutId) -> Self {
        Self {
            layout,
            streams: 0,
            messages: vec![0; layout.plan().kinds.len() + 1],
            outcomes: Outcomes::default(),
            times: Times::default(),
            unanswered: 0,
        }
    }

    /// Names of kinds with their numbers of messages. Messages of unknown kinds come last, if there are any.
    pub fn by_kind(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let kinds = self.layout.plan().layout.kinds.iter();
        let names = kinds.map(|kind| kind.name.as_str());
        let unknown = self.messages.last().is_some_and(|count| *count > 0);
        let names = names.chain(unknown.then_some("unknown"));
        names.zip(self.messages.iter().copied())
    }

    /// Counts a message.
    pub(super) fn message(&mut self, message: &Described) {
        let unknown = self.messages.len() - 1;
        self.messages[message.kind.unwrap_or(unknown)] += 1;
        match message.said {
            Some(Said::Success) => self.outcomes.success += 1,
            Some(Said::Failure) => self.outcomes.failure += 1,
            Some(Said::Unclear) => self.outcomes.unclear += 1,
            None => {}
        }
    }

    /// Counts a resolution.
    pub(super) fn resolution(&mut self, resolution: &Resolution) {
        match resolution.response {
            Some(response) => self.times.add(response.elapsed),
            None => self.unanswered += 1,
        }
    }
}
