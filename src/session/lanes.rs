//! Lanes: a capture's flows, distributed over several inspectors that can work at the same time.
//!
//! A flow's lane depends on its ends alone, and the number of lanes is always the same. So results do not depend on how
//! many threads there are, even where a limit is reached: each lane has its part of the limits. Streams are numbered in
//! the order of their first frames, when the lanes' results for a batch are merged.

#![expect(
    clippy::cast_possible_truncation,
    reason = "stream numbers, 32 bits as in Wireshark"
)]

use super::found::Collected;
use super::record::Remainder;
use super::{GivenUp, Inspected, Inspector};
use crate::capture::{AsideContent, Batch};
use crate::packet::GivenUpDatagrams;
use crate::stream::Totals;

/// Lanes of a run that only counts. More threads than this find too little to do: one alone counts, and one at a time
/// reads.
pub(super) const LANES: usize = 8;
/// Flows whose memory is fetched together at the end.
const ENDED_TOGETHER: usize = 64;

/// How many lanes there are for a capture that begins with this batch: 1 if something depends on all its flows, as
/// sessions do that TLS resumes.
pub(super) fn lanes_for(inspector: &Inspector, first: &Batch) -> usize {
    let has_secrets = first
        .asides
        .iter()
        .any(|aside| matches!(&aside.what, AsideContent::KeyLog(text) if !text.bytes().is_empty()));
    if inspector.can_have_lanes(LANES) && !has_secrets {
        LANES
    } else {
        1
    }
}

/// Numbers the streams of all lanes in the order of their first frames.
#[derive(Debug, Default)]
pub(super) struct StreamNumbering {
    next: u32,
    /// For each lane, the stream numbers of its open flows by slot.
    numbers: Vec<Vec<u32>>,
}

impl StreamNumbering {
    /// Numbers the flows that a batch opened, and tells those that ended their numbers.
    pub(super) fn number(&mut self, lanes: &mut [Inspected]) {
        self.numbers.resize_with(lanes.len(), Vec::new);
        let mut opened: Vec<(u32, usize)> = Vec::new();
        for (lane, inspected) in lanes.iter().enumerate() {
            let frames = inspected.found.opened.iter().map(|opened| opened.frame);
            opened.extend(frames.map(|frame| (frame, lane)));
        }
        opened.sort_by_key(|(frame, _)| *frame);
        let mut numbered: Vec<_> = lanes
            .iter_mut()
            .zip(&mut self.numbers)
            .map(|(inspected, numbers)| Numbered::of(&mut inspected.found, numbers))
            .collect();
        for (_, lane) in opened {
            numbered[lane].open(self.next);
            self.next = self.next.wrapping_add(1);
        }
        numbered.into_iter().for_each(Numbered::end);
    }

    fn number_of(&self, lane: usize, slot: u32) -> u32 {
        self.numbers[lane][slot as usize]
    }
}

/// A lane while its streams are numbered.
struct Numbered<'a> {
    found: &'a mut Collected,
    numbers: &'a mut Vec<u32>,
    opened: usize,
    ended: usize,
}

impl<'a> Numbered<'a> {
    const fn of(found: &'a mut Collected, numbers: &'a mut Vec<u32>) -> Self {
        Self {
            found,
            numbers,
            opened: 0,
            ended: 0,
        }
    }

    /// Numbers the next opened flow.
    fn open(&mut self, number: u32) {
        let opened = self.found.opened[self.opened];
        self.opened += 1;
        self.end_before(opened.ended_before as usize);
        let slot = opened.slot as usize;
        if self.numbers.len() <= slot {
            self.numbers.resize(slot + 1, 0);
        }
        self.numbers[slot] = number;
    }

    fn end(mut self) {
        self.end_before(self.found.flows.len());
    }

    fn end_before(&mut self, ended: usize) {
        for flow in &mut self.found.flows[self.ended..ended] {
            flow.stream = self.numbers[flow.stream as usize];
        }
        self.ended = ended;
    }
}

/// Ends the streams of all lanes in the order of their numbers, and returns what that brings. `numbers` is not used if
/// there is one lane: it has numbered its streams.
pub(super) fn finish<'a>(
    lanes: &mut [&mut Inspector],
    numbers: &StreamNumbering,
    datagrams: GivenUpDatagrams,
    found: &'a mut Collected,
) -> Remainder<'a> {
    found.clear();
    let is_one = lanes.len() == 1;
    let mut flows = Vec::new();
    for (lane, inspector) in lanes.iter_mut().enumerate() {
        inspector.begin_finish();
        found.append(&mut inspector.tracker.found);
        let own = inspector.table.begin_finish().into_iter();
        flows.extend(own.map(|(stream, slot)| {
            let number = if is_one {
                stream
            } else {
                numbers.number_of(lane, slot)
            };
            (number, lane as u32, slot)
        }));
    }
    flows.sort_unstable();
    for together in flows.chunks(ENDED_TOGETHER) {
        for (_, lane, slot) in together {
            lanes[*lane as usize].table.touch(std::iter::once(*slot));
        }
        for (number, lane, slot) in together {
            let Inspector { table, tracker, .. } = &mut *lanes[*lane as usize];
            std::mem::swap(found, &mut tracker.found);
            table.finish_flow(*slot, tracker);
            std::mem::swap(found, &mut tracker.found);
            if let Some(flow) = found.flows.last_mut() {
                flow.stream = *number;
            }
        }
    }
    let totals = lanes.iter().map(|lane| lane.totals());
    let totals = totals.fold(Totals::default(), |all, one| all + one);
    let given_up = GivenUp {
        unpaired_requests: lanes.iter().map(|lane| lane.tracker.unpaired).sum(),
        tls_bytes: lanes.iter().map(|lane| lane.tracker.given_up_bytes()).sum(),
        ..GivenUp::of_streams(totals).datagrams(datagrams)
    };
    let messages = lanes.iter().map(|lane| lane.tracker.messages).sum();
    found.remainder(messages, totals, given_up)
}
