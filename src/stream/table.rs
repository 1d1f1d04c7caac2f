//! The flow table: finds a segment's flow, numbers streams, and passes the segment on.

#![expect(
    clippy::cast_possible_truncation,
    reason = "stream numbers, 32 bits as in Wireshark"
)]

use std::fmt;
use std::sync::Arc;

use hashbrown::HashMap;

use super::closed::Dated;
use super::dispute::Dispute;
use super::entry::{Entry, Status};
use super::expiry::IDLE_SWEEP_AFTER;
use super::flow::{Ends, Flow, Role, Side};
use super::index::{Hint, Index};
use super::key::{FlowHasher, FlowKey};
use super::lane::{Lane, lane_index};
use super::limits::{StreamLimits, Totals};
use super::slab::Slab;
use super::{Carried, Handler, HandlerState};
use crate::capture::Timestamp;
use crate::packet::{Flags, Segment};

/// A segment's place in its stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placement {
    /// The stream's number (`tcp.stream`).
    pub stream: u32,
    /// Which side sent the segment.
    pub side: Side,
    /// The role of that side, by the best evidence so far.
    pub sender: Role,
    /// Whether RegLogin is expected on one of the two ports.
    pub watched: bool,
    /// Whether the segment opened a stream between ends that had one before (`tcp.analysis.reused_ports`).
    pub reused: bool,
    /// Sequence number relative to the direction's start, as Wireshark's `tcp.seq`.
    pub relative_seq: u32,
    /// Acknowledgement number relative to the other direction's start, as Wireshark's `tcp.ack`.
    pub relative_ack: u32,
    /// Shift count of the sender's windows; `None` if unknown.
    pub window_shift: Option<u8>,
}

/// All flows of a capture. `S` is the handler's state for each flow.
#[derive(Debug)]
pub struct FlowTable<S: HandlerState> {
    pub(super) entries: Slab<Entry<S>>,
    pub(super) free: Vec<u32>,
    pub(super) places: Places,
    /// Finds slots by addresses, ports and VLAN tags.
    pub(super) index: Index,
    /// Finds buried flows in the same way. Apart from the others, so that the index that every frame needs stays in the
    /// processor's cache.
    pub(super) buried: Index,
    hasher: FlowHasher,
    pub(super) lanes: Vec<Lane<S::Remains>>,
    watched_ports: Vec<u16>,
    /// What is undecided about flows, by slot.
    pub(super) disputes: HashMap<u32, Dispute, foldhash::fast::RandomState>,
    /// Capture time of the last sweep for idle flows.
    pub(super) swept: Timestamp,
    /// Capture time after which a closed flow or a reset is due; the earliest if a lane has too many closed flows.
    pub(super) due: Timestamp,
    /// Frames until the next sweep for idle flows.
    pub(super) idle_sweep_in: usize,
    /// Flows in each piece of `entries` that are still to be ended.
    pub(super) unfinished: Vec<usize>,
    pub(super) totals: Totals,
    /// Stream numbers from an earlier pass. Without them, streams are numbered in order.
    numbers: Option<StreamNumbers>,
}

/// Numbers of flows that are not dropped.
#[derive(Debug, Default)]
pub(super) struct Places {
    free: Vec<u32>,
    next: u32,
}

impl Places {
    fn take(&mut self) -> u32 {
        self.free.pop().unwrap_or_else(|| {
            self.next += 1;
            self.next - 1
        })
    }

    pub fn give_back(&mut self, place: u32) {
        self.free.push(place);
    }
}

/// Stream numbers from an earlier pass over the same frames, for a pass that sees only some of them. The function takes
/// the number of the frame that opens a stream.
#[derive(Clone)]
pub struct StreamNumbers(pub Arc<dyn Fn(u64) -> Option<u32> + Send + Sync>);

impl fmt::Debug for StreamNumbers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StreamNumbers")
    }
}

impl<S: HandlerState> FlowTable<S> {
    /// Most bytes of memory for an open flow, without data held out of order: its entry and its place in the index.
    pub const BYTES_PER_FLOW: usize = size_of::<Entry<S>>() + Index::BYTES_PER_FLOW;

    /// An empty table that expects RegLogin on `watched_ports`.
    #[must_use]
    pub fn new(watched_ports: &[u16], limits: StreamLimits) -> Self {
        Self {
            entries: Slab::new(),
            free: Vec::new(),
            places: Places::default(),
            index: Index::new(),
            buried: Index::new(),
            hasher: FlowHasher::default(),
            lanes: vec![Lane::new(0, limits)],
            watched_ports: watched_ports.to_vec(),
            disputes: HashMap::default(),
            due: Timestamp::LAST,
            swept: Timestamp(0),
            idle_sweep_in: IDLE_SWEEP_AFTER,
            unfinished: Vec::new(),
            totals: Totals::default(),
            numbers: None,
        }
    }

    /// An empty table with the same settings, for `own` of `all` lanes over which flows are distributed. Each lane has
    /// its part of the limits. Both numbers are powers of two.
    #[must_use]
    pub fn of_lanes(&self, own: u8, all: u8) -> Self {
        let limits = self.lanes[0].memory.limits.part(all.into());
        Self {
            hasher: self.hasher.clone().with_lanes(all),
            lanes: (0..own)
                .map(|lane| Lane::new(lane.into(), limits))
                .collect(),
            ..Self::new(&self.watched_ports, limits)
        }
    }

    /// Whether each of this many lanes would have a sensible part of the limits, and streams are numbered in order.
    #[must_use]
    pub fn can_have_lanes(&self, lanes: u8) -> bool {
        self.numbers.is_none() && self.lanes[0].memory.limits.can_be_part(lanes.into())
    }

    /// Uses the stream numbers of an earlier pass.
    pub fn number_as(&mut self, numbers: StreamNumbers) {
        self.numbers = Some(numbers);
    }

    /// Counts over all flows so far.
    #[must_use]
    pub fn totals(&self) -> Totals {
        let memories = || self.lanes.iter().map(|lane| &lane.memory);
        Totals {
            given_up: memories().map(|memory| memory.given_up).sum(),
            uncompared: memories().map(|memory| memory.uncompared).sum(),
            ..self.totals
        }
    }

    /// Computes the keys that find this table's flows.
    #[must_use]
    pub fn hasher(&self) -> FlowHasher {
        self.hasher.clone()
    }

    /// The entries at hinted slots, for as far as there are any.
    #[inline]
    pub(super) fn hinted<'a>(&'a self, hints: &'a [Hint]) -> impl Iterator<Item = &'a Entry<S>> {
        let slots = hints.iter().map(|hint| hint.slot_or_none());
        slots.filter_map(|slot| self.entries.get(slot))
    }

    /// Processes a segment: passes what its receiver got to `handler`, and returns the segment's place and flow.
    #[inline]
    pub fn place(
        &mut self,
        carried: &Carried<'_>,
        key: FlowKey,
        hint: Hint,
        handler: &mut impl Handler<S>,
    ) -> (Placement, &Flow<S>) {
        let (slot, reused) = self.take(carried, key, hint, handler);
        let segment = carried.segment;
        let (flags, numbers) = (segment.flags, [segment.seq, segment.ack]);
        let entry = &self.entries[slot];
        (entry.place(key.from, flags, numbers, reused), &entry.flow)
    }

    /// Like [`place`](Self::place), but does not compute the segment's place.
    #[inline]
    pub fn count(
        &mut self,
        carried: &Carried<'_>,
        key: FlowKey,
        hint: Hint,
        handler: &mut impl Handler<S>,
    ) -> &Flow<S> {
        let (slot, _) = self.take(carried, key, hint, handler);
        &self.entries[slot].flow
    }

    /// Processes a segment. Returns its flow's slot, and whether it opened that flow in place of another.
    #[inline]
    fn take(
        &mut self,
        carried: &Carried<'_>,
        key: FlowKey,
        hint: Hint,
        handler: &mut impl Handler<S>,
    ) -> (u32, bool) {
        let (from, segment) = (key.from, carried.segment);
        let (slot, reused) = self.find(carried, key, hint, handler);
        let lane = lane_index(&self.lanes, key.lane);
        let entry = &mut self.entries[slot];
        let unusual = segment.flags.has(Flags(Flags::SYN.0 | Flags::RST.0)) || entry.is_unsettled();
        if !unusual {
            entry.take_segment(from, carried, &mut self.lanes[lane].memory, handler);
        } else if self.takes_unusual(slot, from, carried, handler) {
            let entry = &mut self.entries[slot];
            entry.take_segment(from, carried, &mut self.lanes[lane].memory, handler);
        }
        self.close_if_ended(slot, carried.time);
        self.entries[slot].judge_plain(handler);
        (slot, reused)
    }

    #[inline]
    pub(super) fn close_if_ended(&mut self, slot: u32, time: Timestamp) {
        let entry = &mut self.entries[slot];
        if entry.closes() {
            entry.status = Status::Closed;
            self.totals.open -= 1;
            let stream = entry.flow.stream;
            let lane = lane_index(&self.lanes, entry.lane);
            self.lanes[lane].closed.push(Dated { slot, stream, time });
            self.due = self.due.min(self.lanes[lane].due());
        }
    }

    /// Finds or opens the segment's flow. Returns its slot, and whether it was opened in place of another flow between
    /// the same ends.
    #[inline]
    fn find(
        &mut self,
        carried: &Carried<'_>,
        key: FlowKey,
        hint: Hint,
        handler: &mut impl Handler<S>,
    ) -> (u32, bool) {
        let (segment, entries, from) = (carried.segment, &self.entries, key.from);
        let ends = match from {
            Side::A => [&segment.source, &segment.destination],
            Side::B => [&segment.destination, &segment.source],
        };
        let ends = Ends::of(ends);
        let same = |slot: u32| {
            let entry = entries.get(slot);
            entry.is_some_and(|entry| entry.is_of(ends, from, segment))
        };
        let found = match hint.slot() {
            Some(slot) if same(slot) => Some(slot),
            _ => self.index.find(key.tag, same),
        };
        let Some(slot) = found.or_else(|| self.exhume(key, ends, segment)) else {
            return (self.open(key, carried, false, handler), false);
        };
        let entry = &self.entries[slot];
        if entry.is_unsettled() || entry.is_reopened_by(segment, from) {
            return self.find_unusual(slot, carried, key, handler);
        }
        (slot, false)
    }

    /// Opens a flow. A `rival` is not put into the index, because that has another flow between the same ends.
    #[cold]
    pub(super) fn open(
        &mut self,
        key: FlowKey,
        carried: &Carried<'_>,
        rival: bool,
        handler: &mut impl Handler<S>,
    ) -> u32 {
        self.bury(lane_index(&self.lanes, key.lane));
        let Segment {
            source,
            destination,
            tags,
            ..
        } = *carried.segment;
        let ends = match key.from {
            Side::A => [source, destination],
            Side::B => [destination, source],
        };
        let watch = ends.map(|end| self.watched_ports.contains(&end.port));
        let known = self.numbers.as_ref();
        let known = known.and_then(|StreamNumbers(number)| number(carried.number));
        let stream = known.unwrap_or(self.totals.streams as u32);
        let place = self.places.take();
        let mut flow = Flow::new(ends, [stream, place], carried.time, watch);
        flow.tags = tags;
        let mut entry = Entry::open(key, flow);
        entry.rival = rival;
        self.totals.streams += 1;
        self.totals.open += 1;
        let slot = self.put(entry);
        if !rival {
            self.index.insert(key.tag, slot);
        }
        handler.opened(place);
        slot
    }

    /// The slot that the next entry gets.
    pub(super) fn next_slot(&self) -> u32 {
        let last = self.free.last();
        last.map_or_else(|| self.entries.len() as u32, |slot| *slot)
    }

    /// Puts an entry into a free slot.
    pub(super) fn put(&mut self, entry: Entry<S>) -> u32 {
        match self.free.pop() {
            Some(slot) => {
                self.entries[slot] = entry;
                slot
            }
            None => self.entries.push(entry),
        }
    }
}
