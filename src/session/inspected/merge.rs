//! Merges the results of several groups of lanes for one batch.

use std::vec::Drain;

use super::super::found::{Collected, FlowEnd, StreamNote};
use super::super::inspector::Wanted;
use super::super::lanes::LANES;
use super::super::resolution::Resolution;
use super::{Counts, Inspected, Lengths, Moment};
use crate::dissect::Message;

impl Inspected {
    /// Replaces the content by the results of several groups of lanes for one batch, in the order of frames, and moves
    /// these out of `groups`.
    pub(in super::super) fn merge(&mut self, groups: &mut [Self]) {
        self.begin(0, Wanted::Counts);
        let mut found = std::mem::take(&mut self.found);
        let mut counts = Counts::default();
        let (mut brought, mut resolved) = (Vec::new(), Vec::new());
        for (group, own) in (0..).zip(&*groups) {
            brought.extend(own.brought.iter().map(|to| Turn::new(to.moment, group)));
            resolved.extend(own.resolved.iter().map(|moment| Turn::new(*moment, group)));
            found.clean.extend_from_slice(&own.found.clean);
            counts.watched += own.watched();
            counts.without_tcp.add(&own.without_tcp());
        }
        self.counts = Some(counts);
        brought.sort_unstable();
        resolved.sort_unstable();
        let mut groups: Vec<_> = groups.iter_mut().map(Group::of).collect();
        for turn in brought {
            groups[turn.group()].move_next(&mut found);
            let Moment(moment) = turn.moment();
            (found.frame, found.sweeps) = (moment >> 1, moment & 1 == 0);
            self.note_lengths(&found);
        }
        let next = |turn: Turn| groups[turn.group()].resolutions.next();
        let resolutions = resolved.into_iter().filter_map(next);
        found.resolutions.extend(resolutions);
        self.found = found;
    }
}

/// A moment and the group that found something then, as one number that sorts by moment and then by group. What a group
/// finds stays in its order, because all of its turns at one moment are equal.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Turn(u32);

impl Turn {
    /// A batch has far fewer frames than fit.
    const fn new(Moment(moment): Moment, group: u32) -> Self {
        Self(moment * LANES as u32 + group)
    }

    const fn moment(self) -> Moment {
        Moment(self.0 / LANES as u32)
    }

    const fn group(self) -> usize {
        self.0 as usize % LANES as usize
    }
}

/// The results of a group that are not merged yet.
struct Group<'a> {
    brought: std::slice::Iter<'a, Lengths>,
    from: Lengths,
    messages: Drain<'a, Message>,
    notes: Drain<'a, StreamNote>,
    flows: Drain<'a, FlowEnd>,
    unasked: Drain<'a, u64>,
    resolutions: Drain<'a, Resolution>,
}

impl<'a> Group<'a> {
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
