//! Merges the results of several lanes for one batch.

use std::vec::Drain;

use super::super::found::{Collected, FlowEnd, StreamNote};
use super::super::inspector::Wanted;
use super::super::lanes::{LANES, StreamNumbering};
use super::super::resolution::Resolution;
use super::{Counts, Inspected, Lengths};
use crate::dissect::Message;

impl Inspected {
    /// Replaces the content by the results of several lanes for one batch, in the order of frames, and moves these
    /// out of `lanes`. `numbers` numbers the streams.
    pub(in super::super) fn merge(&mut self, lanes: &mut [Self], numbers: &mut StreamNumbering) {
        self.begin(0, Wanted::Counts);
        numbers.number(lanes);
        let mut found = std::mem::take(&mut self.found);
        let mut counts = Counts::default();
        let (mut brought, mut resolved) = (Vec::new(), Vec::new());
        for (lane, own) in (0..).zip(&*lanes) {
            brought.extend(own.brought.iter().map(|to| Turn::new(to.frame, lane)));
            resolved.extend(
                own.resolved_with
                    .iter()
                    .map(|frame| Turn::new(*frame, lane)),
            );
            found.clean.extend_from_slice(&own.found.clean);
            counts.watched += own.watched();
            counts.without_tcp.add(&own.without_tcp());
        }
        self.counts = Some(counts);
        brought.sort_unstable();
        resolved.sort_unstable();
        let mut lanes: Vec<_> = lanes.iter_mut().map(Lane::of).collect();
        for turn in brought {
            lanes[turn.lane()].move_next(&mut found);
            found.frame = turn.frame();
            self.note_lengths(&found);
        }
        let next = |turn: Turn| lanes[turn.lane()].resolutions.next();
        found
            .resolutions
            .extend(resolved.into_iter().filter_map(next));
        self.found = found;
    }
}

/// A frame and the lane that found something with it, as one number that sorts by frame. What a lane finds stays in its
/// order, because all of its turns with one frame are equal.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Turn(u32);

impl Turn {
    /// A batch has far fewer frames than fit.
    const fn new(frame: u32, lane: u32) -> Self {
        Self(frame * LANES as u32 + lane)
    }

    const fn frame(self) -> u32 {
        self.0 / LANES as u32
    }

    const fn lane(self) -> usize {
        self.0 as usize % LANES
    }
}

/// The results of a lane that are not merged yet.
struct Lane<'a> {
    brought: std::slice::Iter<'a, Lengths>,
    from: Lengths,
    messages: Drain<'a, Message>,
    notes: Drain<'a, StreamNote>,
    flows: Drain<'a, FlowEnd>,
    unasked: Drain<'a, u64>,
    resolutions: Drain<'a, Resolution>,
}

impl<'a> Lane<'a> {
    fn of(inspected: &'a mut Inspected) -> Self {
        let found = &mut inspected.found;
        Self {
            brought: inspected.brought.iter(),
            from: Lengths::default(),
            messages: found.messages.drain(..),
            notes: found.notes.drain(..),
            flows: found.flows.drain(..),
            unasked: found.unasked.drain(..),
            resolutions: found.resolutions.drain(..),
        }
    }

    /// Moves what the next frame brought, except resolutions.
    fn move_next(&mut self, to: &mut Collected) {
        let Some(next) = self.brought.next() else {
            return;
        };
        let from = std::mem::replace(&mut self.from, *next);
        let count = |from: u32, to: u32| (to - from) as usize;
        let messages = count(from.messages, next.messages);
        to.messages.extend(self.messages.by_ref().take(messages));
        let notes = count(from.notes, next.notes);
        to.notes.extend(self.notes.by_ref().take(notes));
        let flows = count(from.flows, next.flows);
        to.flows.extend(self.flows.by_ref().take(flows));
        let unasked = count(from.rare.unasked, next.rare.unasked);
        to.unasked.extend(self.unasked.by_ref().take(unasked));
    }
}
