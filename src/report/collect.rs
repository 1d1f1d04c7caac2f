//! Collects, in the pass that counts, what a page shows besides the counts.

use std::ops::ControlFlow;

use super::chosen::Chosen;
use super::examples::Examples;
use super::facts::Facts;
use super::failing::Failing;
use super::faults::Faults;
use super::points::Points;
use crate::capture::{Aside, Batch, Timestamp};
use crate::output::OutputError;
use crate::session::summary::Summary;
use crate::session::{
    Ending, FlowEnd, FrameRecord, Inspected, PairedFrom, Pairing, Remainder, Sink,
};

/// What is kept of a capture for its page: the summary, as in `stats`, and a bounded selection of the rest.
#[derive(Debug)]
pub struct Collector {
    pub(super) summary: Summary,
    pub(super) chosen: Chosen,
    pub(super) faults: Faults,
    pub(super) examples: Examples,
    pub(super) facts: Facts,
    pub(super) over_time: Option<OverTime>,
    pub(super) is_damaged: bool,
    pairing: Pairing,
}

/// What is counted over time, from the first frame on.
#[derive(Debug)]
pub(super) struct OverTime {
    pub points: Points,
    pub failing: Failing,
}

impl OverTime {
    fn new(start: Timestamp) -> Self {
        Self {
            points: Points::new(start),
            failing: Failing::new(start),
        }
    }
}

impl Collector {
    /// Nothing collected yet; the summary has counted nothing.
    #[must_use]
    pub fn new(summary: Summary) -> Self {
        Self {
            summary,
            chosen: Chosen::default(),
            faults: Faults::default(),
            examples: Examples::default(),
            facts: Facts::default(),
            over_time: None,
            is_damaged: false,
            pairing: Pairing::default(),
        }
    }

    fn begin(&mut self, time: Option<Timestamp>) {
        if let (None, Some(time)) = (&self.over_time, time) {
            self.over_time = Some(OverTime::new(time));
        }
    }

    fn take(&mut self, from: PairedFrom<'_>) {
        if let Some(over_time) = &mut self.over_time {
            for resolution in from.resolutions {
                over_time.points.add(resolution);
                over_time.failing.add(resolution);
            }
        }
        self.examples.see(from.messages);
        for message in from.messages {
            if !message.notes.is_empty() {
                self.faults.see(message);
            }
        }
        let chosen = &mut self.chosen;
        self.pairing.take(from, |number, request, response| {
            chosen.see(number, request, response);
        });
    }
}

impl Sink for Collector {
    type Error = OutputError;

    fn record(&mut self, record: &FrameRecord<'_>) -> Result<ControlFlow<()>, OutputError> {
        self.begin(Some(record.frame.header.time));
        self.summary.record(record);
        self.take(PairedFrom::from(record));
        Ok(ControlFlow::Continue(()))
    }

    fn counts(&self) -> bool {
        true
    }

    fn wants_messages(&self) -> bool {
        true
    }

    fn ended_flows(&mut self, flows: &[FlowEnd]) {
        self.summary.ended_flows(flows);
    }

    fn batch(&mut self, batch: &Batch, inspected: &Inspected) -> Result<(), OutputError> {
        self.begin(batch.headers.first().map(|header| header.time));
        self.facts.see(batch);
        self.summary.batch(batch, inspected);
        for brought in inspected.brought() {
            self.take(PairedFrom::from(&brought));
        }
        Ok(())
    }

    fn aside(&mut self, _: &Aside, batch: &Batch) -> Result<(), OutputError> {
        self.facts.see(batch);
        Ok(())
    }

    fn end(&mut self, remainder: &Remainder<'_>) -> Result<(), OutputError> {
        self.summary.end(remainder);
        self.summary.interrupted = remainder.ending == Ending::Interrupted;
        self.is_damaged = remainder.ending == Ending::Damaged;
        self.take(PairedFrom::from(remainder));
        let chosen = &mut self.chosen;
        self.pairing
            .finish(|number, request, response| chosen.see(number, request, response));
        Ok(())
    }
}
