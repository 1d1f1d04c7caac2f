//! Lanes: parts of a capture's flows, so that several inspectors can work at the same time.
//!
//! A flow's lane depends on its ends alone, and the number of lanes is always the same. So results do not depend on how
//! many threads there are, even where a limit is reached: each lane has its part of the limits. Consecutive lanes are a
//! group, which has its own inspector. With one or two threads all lanes are one group, so that no results need
//! merging. With more, streams are numbered when a batch's results are complete, in the order of their first frames.

use super::found::{Collected, FlowEnd, Whole};
use super::{GivenUp, Inspected, Inspector};
use crate::capture::{AsideContent, Batch};
use crate::packet::GivenUpDatagrams;
use crate::stream::Totals;

/// Lanes of a run that only counts. More threads than this find too little to do: one alone counts, and one at a time
/// reads.
pub(super) const LANES: u8 = 8;
/// Flows that are ended together, so that their memory is fetched together.
pub(super) const ENDED_TOGETHER: usize = 64;

/// How flows are distributed. Both numbers are powers of two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lanes {
    /// Number of lanes.
    pub lanes: u8,
    /// Number of groups of as many consecutive lanes.
    pub groups: u8,
}

impl Default for Lanes {
    fn default() -> Self {
        Self::ONE
    }
}

impl Lanes {
    pub const ONE: Self = Self {
        lanes: 1,
        groups: 1,
    };

    /// The lanes for a capture that begins with this batch: one if something depends on all its flows, as sessions do
    /// that TLS resumes.
    pub fn of(inspector: &Inspector, first: &Batch, threads: usize) -> Self {
        let has_secrets = first.asides.iter().any(
            |aside| matches!(&aside.what, AsideContent::KeyLog(text) if !text.bytes().is_empty()),
        );
        if !inspector.can_have_lanes(LANES) || has_secrets {
            return Self::ONE;
        }
        let groups = match threads {
            0..=2 => 1,
            3..=4 => 4,
            _ => LANES,
        };
        Self {
            lanes: LANES,
            groups,
        }
    }

    /// Base-2 logarithm of the number of lanes in a group: by how much a lane is shifted right to get its group.
    pub const fn shift(self) -> u32 {
        self.lanes.trailing_zeros() - self.groups.trailing_zeros()
    }
}

/// The place of a flow among those of all groups: its place in its group's flow table, and the group.
pub(super) const fn place_of(group: u8, place: u32) -> u32 {
    place * LANES as u32 + group as u32
}

/// Numbers the streams of several groups in the order of their first frames.
#[derive(Debug, Default)]
pub(super) struct StreamNumbering {
    next: u32,
    /// The stream numbers of open flows, by place.
    numbers: Vec<u32>,
}

impl StreamNumbering {
    /// Numbers the flows that a batch opened, and tells those that ended their numbers. `groups` has the results of
    /// all groups of lanes.
    pub(super) fn number(&mut self, groups: &mut [Inspected]) {
        let mut opened: Vec<(u32, usize)> = Vec::new();
        for (group, inspected) in groups.iter().enumerate() {
            let frames = inspected.found.opened.iter().map(|opened| opened.frame);
            opened.extend(frames.map(|frame| (frame, group)));
        }
        // What one group opened with one frame stays in order.
        opened.sort_by_key(|(frame, _)| *frame);
        let mut done = vec![(0, 0); groups.len()];
        for (_, group) in opened {
            let found = &mut groups[group].found;
            let (opened, ended) = &mut done[group];
            let one = found.opened[*opened];
            *opened += 1;
            let before = one.ended_before as usize;
            self.tell(&mut found.flows[*ended..before]);
            *ended = before;
            let place = one.place as usize;
            if self.numbers.len() <= place {
                self.numbers.resize(place + 1, 0);
            }
            self.numbers[place] = self.next;
            self.next = self.next.wrapping_add(1);
        }
        for (inspected, (_, ended)) in groups.iter_mut().zip(done) {
            self.tell(&mut inspected.found.flows[ended..]);
        }
    }

    /// Tells flows that ended their numbers.
    pub(super) fn tell(&self, ended: &mut [FlowEnd]) {
        for flow in ended {
            flow.stream = self.numbers[flow.stream as usize];
        }
    }
}

/// Where the flows go that the end of the capture ends.
pub(super) enum LastFlows<F> {
    /// Into the lists.
    Listed,
    /// To this, some at a time and in no particular order: a list of all would be long.
    Passed(F),
    /// Nowhere.
    Unwanted,
}

/// Ends the streams of all groups in the order of their numbers. Returns what that brings, in the lists of `found`, and
/// counts over the whole capture. There are no `numbers` if there is one group, which has numbered its streams.
pub(super) fn finish(
    groups: &mut [&mut Inspector],
    numbers: Option<&StreamNumbering>,
    datagrams: GivenUpDatagrams,
    mut found: Collected,
    mut last: LastFlows<impl FnMut(&[FlowEnd])>,
) -> (Collected, Whole) {
    found.clear();
    let mut flows = Vec::new();
    for (group, inspector) in (0..).zip(&mut *groups) {
        std::mem::swap(&mut found, &mut inspector.tracker.found);
        inspector.begin_finish();
        match &mut last {
            LastFlows::Listed => {}
            LastFlows::Passed(pass) => inspector.finish_buried(numbers, pass),
            LastFlows::Unwanted => inspector.table.forget_buried(),
        }
        std::mem::swap(&mut found, &mut inspector.tracker.found);
        let own = inspector.table.begin_finish().into_iter();
        flows.extend(own.map(|flow| {
            let place = place_of(group, flow.place) as usize;
            let number = numbers.map(|numbers| numbers.numbers[place]);
            (number.unwrap_or(flow.stream), group, flow.slot)
        }));
    }
    flows.sort_unstable();
    // The group whose tracker has the lists.
    let mut has_lists = 0;
    std::mem::swap(&mut found, &mut groups[has_lists].tracker.found);
    for together in flows.chunks(ENDED_TOGETHER) {
        for (_, group, slot) in together {
            groups[usize::from(*group)].table.fetch_flow(*slot);
        }
        for (number, group, slot) in together {
            let group = usize::from(*group);
            if group != has_lists {
                std::mem::swap(&mut found, &mut groups[has_lists].tracker.found);
                std::mem::swap(&mut found, &mut groups[group].tracker.found);
                has_lists = group;
            }
            let Inspector { table, tracker, .. } = &mut *groups[group];
            table.finish_flow(*slot, tracker);
            if let Some(flow) = tracker.found.flows.last_mut() {
                flow.stream = *number;
            }
        }
        let flows = &mut groups[has_lists].tracker.found.flows;
        match &mut last {
            LastFlows::Listed => continue,
            LastFlows::Passed(pass) => pass(flows),
            LastFlows::Unwanted => {}
        }
        flows.clear();
    }
    std::mem::swap(&mut found, &mut groups[has_lists].tracker.found);
    let totals = groups.iter().map(|group| group.totals());
    let totals = totals.fold(Totals::default(), |all, one| all + one);
    let given_up = GivenUp {
        unpaired_requests: groups.iter().map(|group| group.tracker.unpaired).sum(),
        tls_bytes: groups
            .iter()
            .map(|group| group.tracker.given_up_bytes())
            .sum(),
        ..GivenUp::of_streams(totals).datagrams(datagrams)
    };
    let whole = Whole {
        messages: groups.iter().map(|group| group.tracker.messages).sum(),
        totals,
        given_up,
    };
    (found, whole)
}
