//! Drops flows: closed ones after a while, idle ones, and all at the end.

#![expect(clippy::cast_possible_truncation, reason = "slots, which have 32 bits")]

use super::closed::{Closed, Dated, Grave};
use super::entry::{Entry, Status};
use super::flow::{Flow, Role};
use super::history::History;
use super::index::{Index, Tag};
use super::lane::{Lane, lane_index};
use super::plain::Plain;
use super::slab::Slab;
use super::table::FlowTable;
use super::{End, Handler, HandlerState};
use crate::capture::Timestamp;

/// [`FlowTable::sweep`] must be called before each frame whose number this divides.
pub const SWEEP_EVERY: usize = 16;
/// A sweep for idle flows runs at most once in this many frames.
pub(super) const IDLE_SWEEP_AFTER: usize = 1024;
/// Closed flows that are dropped together if there are too many.
const DROPPED_TOGETHER: usize = 64;
/// Sweeps for idle flows run at most this often per idle limit of capture time.
const SWEEPS_PER_IDLE_TIME: i64 = 16;

/// A flow at the end of a capture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unfinished {
    /// The stream's number.
    pub stream: u32,
    /// The flow's place, as in [`Handler::opened`].
    pub place: u32,
    /// Where it is, as [`FlowTable::finish_flow`] and [`FlowTable::fetch_flow`] need it.
    pub slot: u32,
}

impl Unfinished {
    const fn of<T>(flow: &Flow<T>, slot: u32) -> Self {
        Self {
            stream: flow.stream,
            place: flow.place,
            slot,
        }
    }
}

impl<S: HandlerState> FlowTable<S> {
    /// Drops closed flows that are too old or too many, and open ones that were idle for too long. Must be called once in
    /// [`SWEEP_EVERY`] frames, whether they are frames of this table's flows or not, with the time of the next frame.
    #[inline]
    pub fn sweep(&mut self, now: Timestamp, handler: &mut impl Handler<S>) {
        self.idle_sweep_in = self.idle_sweep_in.saturating_sub(SWEEP_EVERY);
        if now > self.due || self.idle_sweep_in == 0 {
            self.sweep_due(now, handler);
        }
    }

    /// Drops what is due, lane by lane: then the order is the same if each lane has its own table.
    #[inline(never)]
    fn sweep_due(&mut self, now: Timestamp, handler: &mut impl Handler<S>) {
        let idle = if self.idle_sweep_in == 0 {
            self.idle(now)
        } else {
            Vec::new()
        };
        let mut idle = idle.into_iter().peekable();
        for lane in 0..self.lanes.len() {
            self.sweep_resets(lane, now, handler);
            self.sweep_closed(lane, now, handler);
            while let Some((_, _, slot)) = idle.next_if(|(of, ..)| *of == lane) {
                self.totals.idle += 1;
                self.drop_flow(slot, handler);
            }
        }
        let due = self.lanes.iter().map(Lane::due).min();
        self.due = due.unwrap_or(Timestamp::LAST);
    }

    fn sweep_closed(&mut self, lane: usize, now: Timestamp, handler: &mut impl Handler<S>) {
        let limits = self.lanes[lane].memory.limits;
        let closed = &self.lanes[lane].closed;
        let mut most = limits.closed;
        if closed.len() > most {
            most -= (most / 2).min(DROPPED_TOGETHER);
            let beyond = (0..closed.len() - most).map(|at| closed.slot(at));
            beyond.for_each(|slot| self.fetch_flow(slot));
        }
        while let Some(first) = self.lanes[lane].closed.first() {
            let old = now.since(first.time()) > limits.linger;
            if !old && self.lanes[lane].closed.len() <= most {
                break;
            }
            let dropped = match self.lanes[lane].closed.pop() {
                None => break,
                Some((grave, Closed::Buried(tomb))) => {
                    self.drop_buried(grave, tomb, handler);
                    true
                }
                Some((_, Closed::Whole(Dated { slot, stream, .. }))) => {
                    let entry = &self.entries[slot];
                    // A rival is dropped together with the flow whose rival it is.
                    let drops = entry.status == Status::Closed
                        && entry.flow.stream == stream
                        && !entry.rival;
                    if drops {
                        self.drop_flow(slot, handler);
                    }
                    drops
                }
            };
            self.totals.closed_early += u64::from(dropped && !old);
        }
    }

    /// Has the processor fetch a flow that is to be dropped or ended. Call it for several flows before their turn.
    pub fn fetch_flow(&self, slot: u32) {
        match Grave::of(slot) {
            None => self.entries[slot].fetch_whole(),
            Some(grave) => {
                if let Some(tomb) = self.lanes[grave.lane()].closed.tomb(grave) {
                    self.buried.fetch(tomb.tag);
                }
            }
        }
    }

    /// Lane index, stream number and slot of each open flow that was idle for too long, in this order. Checks every flow,
    /// but not more often than capture time requires.
    #[cold]
    fn idle(&mut self, now: Timestamp) -> Vec<(usize, u32, u32)> {
        self.idle_sweep_in = IDLE_SWEEP_AFTER;
        let idle = self.lanes[0].memory.limits.idle;
        let pause = idle / SWEEPS_PER_IDLE_TIME;
        if (0..pause).contains(&now.since(self.swept)) {
            return Vec::new();
        }
        self.swept = now;
        let is_idle = |slot: &u32| {
            let entry = &self.entries[*slot];
            let idle = now.since(entry.flow.last) > idle && !entry.rival;
            entry.status == Status::Open && idle
        };
        let slots = (0..self.entries.len() as u32).filter(is_idle);
        let mut idle: Vec<_> = slots
            .map(|slot| (self.lane_of(slot), self.entries[slot].flow.stream, slot))
            .collect();
        idle.sort_unstable();
        idle
    }

    /// The index of the lane of the flow in a slot.
    pub(super) fn lane_of(&self, slot: u32) -> usize {
        lane_index(&self.lanes, self.entries[slot].lane)
    }

    #[cold]
    pub(super) fn drop_flow(&mut self, slot: u32, handler: &mut impl Handler<S>) {
        let rival = self.disputes.get(&slot).and_then(|dispute| dispute.rival);
        let tag = self.end(slot, handler);
        let flow = &mut self.entries[slot].flow;
        flow.state = S::default();
        self.places.give_back(flow.place);
        self.index.remove(tag, slot);
        self.free.push(slot);
        if let Some(rival) = rival {
            self.entries[rival.slot].rival = false;
            self.index.insert(tag, rival.slot);
        }
    }

    /// Ends a flow and frees its slot, which keeps the handler's state. Returns its tag.
    fn end(&mut self, slot: u32, handler: &mut impl Handler<S>) -> Tag {
        if self.entries[slot].is_unsettled() {
            self.settle(slot, handler);
            self.disputes.remove(&slot);
        }
        let lane = self.lane_of(slot);
        let entry = &mut self.entries[slot];
        for side in [Role::Client, Role::Server].map(|role| entry.flow.side(role)) {
            entry.end(side, End::Dropped, &mut self.lanes[lane].memory, handler);
        }
        let place = entry.flow.place;
        handler.dropped(&mut entry.flow, place);
        if entry.status == Status::Open {
            self.totals.open -= 1;
        }
        entry.free();
        entry.tag
    }

    /// Calls `each` with every flow that more bytes can come of, in the order of lanes and then of stream numbers. It may
    /// change what the handler needs of a flow.
    pub fn flows(&mut self, mut each: impl FnMut(&mut Flow<S>)) {
        let live = |entry: &&mut Entry<S>| entry.status != Status::Free;
        let mut flows: Vec<_> = self.entries.iter_mut().filter(live).collect();
        flows.sort_unstable_by_key(|entry| (entry.lane, entry.flow.stream));
        for entry in flows {
            each(&mut entry.flow);
            entry.flow.plain = [Plain::NOTHING; 2];
        }
    }

    /// Returns all flows. Each must be passed to [`finish_flow`](Self::finish_flow) next, and no segment may follow.
    pub fn begin_finish(&mut self) -> Vec<Unfinished> {
        // Freed first, because the handler needs memory to process the ends of so many flows.
        self.index = Index::new();
        self.buried = Index::new();
        for lane in &mut self.lanes {
            lane.memory.history = History::new(0);
        }
        self.free = Vec::new();
        let entries = &self.entries;
        let live = (0..entries.len() as u32).filter(|slot| entries[*slot].status != Status::Free);
        let mut flows: Vec<_> = live
            .map(|slot| Unfinished::of(&entries[slot].flow, slot))
            .collect();
        self.unfinished = entries.count_by_piece(flows.iter().map(|flow| flow.slot));
        for lane in &self.lanes {
            let buried = lane.closed.buried();
            flows.extend(buried.map(|(grave, tomb)| Unfinished::of(&tomb.flow, grave.id())));
        }
        flows
    }

    /// Ends a flow, and frees the memory of flows piece by piece, because the handler needs memory for their ends.
    pub fn finish_flow(&mut self, slot: u32, handler: &mut impl Handler<S>) {
        if let Some(grave) = Grave::of(slot) {
            let tomb = self.lanes[grave.lane()].closed.exhume(grave, slot);
            if let Some(tomb) = tomb {
                tomb.end(handler);
            }
            return;
        }
        self.end(slot, handler);
        let piece = Slab::<Entry<S>>::piece_of(slot);
        self.unfinished[piece] -= 1;
        if self.unfinished[piece] == 0 {
            self.entries.free_piece(piece);
        }
    }
}
