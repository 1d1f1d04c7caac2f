//! What receives the results of an inspector.

use std::ops::ControlFlow;

use super::{FlowEnd, FrameRecord, Inspected, Remainder};
use crate::capture::{Aside, Batch};

/// Receives the results of an inspector. An error of any function ends the run, and [`run`](super::run()) returns it.
pub trait Sink {
    /// Error of the sink.
    type Error;

    /// Receives a frame's record. `Break` ends the run; [`end`](Self::end) is called all the same, without results.
    fn record(&mut self, record: &FrameRecord<'_>) -> Result<ControlFlow<()>, Self::Error>;

    /// Receives the record of a frame without messages, notes or stream events. Most frames are like that, and some
    /// outputs do little with them.
    fn bare(&mut self, record: &FrameRecord<'_>) -> Result<ControlFlow<()>, Self::Error> {
        self.record(record)
    }

    /// Whether the sink does no more with bare frames whose segment has no data than count them. It may then receive
    /// [`empty_segments`](Self::empty_segments) instead, for many of them and at any time.
    fn counts_empty_segments(&self) -> bool {
        false
    }

    /// Receives how many such frames there were.
    fn empty_segments(&mut self, segments: EmptySegments) {
        let _ = segments;
    }

    /// Whether the sink only counts. It then receives each [`batch`](Self::batch) instead of records and asides.
    fn counts(&self) -> bool {
        false
    }

    /// Whether a sink that only counts needs every message itself, none as a [`CleanMessage`](super::CleanMessage).
    fn wants_messages(&self) -> bool {
        false
    }

    /// Receives a batch and the results of inspecting it.
    fn batch(&mut self, batch: &Batch, inspected: &Inspected) -> Result<(), Self::Error> {
        let _ = (batch, inspected);
        Ok(())
    }

    /// Receives flows that the end of the capture ends, if the sink only counts: some at a time before [`end`](Self::end),
    /// which then has none, and in no particular order.
    fn ended_flows(&mut self, flows: &[FlowEnd]) {
        debug_assert!(flows.is_empty(), "a sink that counts must take them");
    }

    /// Whether the sink uses how requests and flows ended. Otherwise records that were held back lack resolutions and
    /// responses without a request, and [`end`](Self::end) the flows that the end of the capture ends.
    fn wants_ends(&self) -> bool {
        true
    }

    /// Called before a batch's records, for sinks that remember where frames are stored.
    fn begin(&mut self, batch: &Batch) {
        let _ = batch;
    }

    /// Receives what is between frames in a capture file, for sinks that write captures.
    fn aside(&mut self, aside: &Aside, batch: &Batch) -> Result<(), Self::Error> {
        let _ = (aside, batch);
        Ok(())
    }

    /// Receives results that do not belong to a frame: in a live capture, what had waited for TLS secrets.
    fn between(&mut self, found: &Remainder<'_>) -> Result<(), Self::Error> {
        let _ = found;
        Ok(())
    }

    /// Called when everything that has arrived was passed on and more may take a while: the sink should flush its
    /// buffers. `Break` ends the run, as a signal would.
    fn pause(&mut self) -> Result<ControlFlow<()>, Self::Error> {
        Ok(ControlFlow::Continue(()))
    }

    /// Receives what the end of the capture brings.
    fn end(&mut self, remainder: &Remainder<'_>) -> Result<(), Self::Error>;
}

/// Bare frames with a TCP segment without data.
#[derive(Debug, Clone, Copy, Default)]
pub struct EmptySegments {
    /// Number of frames.
    pub frames: u64,
    /// How many of them are [watched](FrameRecord::is_watched).
    pub watched: u64,
}

/// Forwards to the sink, so that the caller keeps it and can read it after the run.
impl<S: Sink + ?Sized> Sink for &mut S {
    type Error = S::Error;

    #[inline]
    fn record(&mut self, record: &FrameRecord<'_>) -> Result<ControlFlow<()>, S::Error> {
        (**self).record(record)
    }

    #[inline]
    fn bare(&mut self, record: &FrameRecord<'_>) -> Result<ControlFlow<()>, S::Error> {
        (**self).bare(record)
    }

    fn counts_empty_segments(&self) -> bool {
        (**self).counts_empty_segments()
    }

    fn empty_segments(&mut self, segments: EmptySegments) {
        (**self).empty_segments(segments);
    }

    fn counts(&self) -> bool {
        (**self).counts()
    }

    fn wants_messages(&self) -> bool {
        (**self).wants_messages()
    }

    fn batch(&mut self, batch: &Batch, inspected: &Inspected) -> Result<(), S::Error> {
        (**self).batch(batch, inspected)
    }

    fn ended_flows(&mut self, flows: &[FlowEnd]) {
        (**self).ended_flows(flows);
    }

    fn wants_ends(&self) -> bool {
        (**self).wants_ends()
    }

    fn begin(&mut self, batch: &Batch) {
        (**self).begin(batch);
    }

    fn aside(&mut self, aside: &Aside, batch: &Batch) -> Result<(), S::Error> {
        (**self).aside(aside, batch)
    }

    fn between(&mut self, found: &Remainder<'_>) -> Result<(), S::Error> {
        (**self).between(found)
    }

    fn pause(&mut self) -> Result<ControlFlow<()>, S::Error> {
        (**self).pause()
    }

    fn end(&mut self, remainder: &Remainder<'_>) -> Result<(), S::Error> {
        (**self).end(remainder)
    }
}
