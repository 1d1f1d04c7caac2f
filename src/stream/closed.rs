//! Closed flows of a lane, kept for late segments, in the order in which they closed.
//!
//! After the last acknowledgement a closed flow seldom gets another segment. So all but the latest are buried: what a late
//! segment or the flow's end may need moves into a record of half the size, and the flow's place in the flow table is used
//! again while it is still in the processor's cache. Records are written and read in order. A late segment brings its
//! flow back.

#![expect(
    clippy::cast_possible_truncation,
    reason = "numbers of closed flows, which have 27 bits"
)]

use std::collections::VecDeque;
use std::ops::Range;

use super::direction::StreamDirection;
use super::entry::{Entry, Status};
use super::flow::{Ends, Flow};
use super::index::Tag;
use super::key::FlowKey;
use super::table::FlowTable;
use super::{Handler, HandlerState, SWEEP_EVERY};
use crate::capture::Timestamp;
use crate::packet::Segment;

/// A flow in the flow table, and when it closed or its reset came.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dated {
    pub slot: u32,
    pub stream: u32,
    pub time: Timestamp,
}

/// What is kept of a buried flow. Both of its sides have ended with a FIN, so no more of its bytes are delivered.
#[derive(Debug)]
pub(super) struct Tomb<R> {
    pub flow: Flow<R>,
    directions: [StreamDirection; 2],
    pub tag: Tag,
    /// Nanoseconds from when it closed to its last frame: up to 4.3 s. A flow with a later frame stays whole.
    lag: u32,
}

impl<R: Copy> Tomb<R> {
    /// Moves a closed flow out of its entry. `None` if the entry is another flow's by now, or the flow has to stay there.
    pub fn of<S: HandlerState<Remains = R>>(entry: &mut Entry<S>, dated: Dated) -> Option<Self> {
        if entry.status != Status::Closed || entry.flow.stream != dated.stream {
            return None;
        }
        let lag = u32::try_from(entry.flow.last.since(dated.time)).ok()?;
        let directions = entry.directions_at_rest()?;
        let remains = entry.flow.state.remains()?;
        Some(Self {
            flow: entry.flow.take_with(remains),
            directions,
            tag: entry.tag,
            lag,
        })
    }

    /// When the flow closed.
    fn closed(&self) -> Timestamp {
        self.flow.last.plus(-i64::from(self.lag))
    }

    /// Makes it an entry of the flow table again.
    pub fn into_entry<S: HandlerState<Remains = R>>(self, lane: u8) -> Entry<S> {
        let (tag, directions) = (self.tag, self.directions);
        Entry::again(tag, lane, self.into_flow(), directions)
    }

    /// Reports its end.
    pub fn end<S: HandlerState<Remains = R>>(self, handler: &mut impl Handler<S>) {
        let mut flow = self.into_flow();
        let place = flow.place;
        handler.dropped(&mut flow, place);
    }

    /// The flow alone.
    pub fn into_flow<S: HandlerState<Remains = R>>(mut self) -> Flow<S> {
        let remains = self.flow.state;
        self.flow.take_with(S::of_remains(remains))
    }
}

/// A closed flow.
#[derive(Debug)]
pub(super) enum Closed<R> {
    /// It is in the flow table, unless it was dropped from there.
    Whole(Dated),
    /// It is here.
    Buried(Tomb<R>),
}

impl<R: Copy> Closed<R> {
    /// The flow, if it is in the flow table.
    pub const fn whole(&self) -> Option<Dated> {
        match self {
            Self::Whole(dated) => Some(*dated),
            Self::Buried(_) => None,
        }
    }

    /// When the flow closed.
    pub fn time(&self) -> Timestamp {
        match self {
            Self::Whole(dated) => dated.time,
            Self::Buried(tomb) => tomb.closed(),
        }
    }
}

/// Where a buried flow is: a number that is no slot.
#[derive(Debug, Clone, Copy)]
pub(super) struct Grave(u32);

impl Grave {
    /// No slot has this bit.
    const BIT: u32 = 1 << 31;
    /// Bits of a number. The lane is above it; the bit between the lane and [`BIT`](Self::BIT) is never set.
    const NUMBER_BITS: u32 = 27;
    const NUMBER: u32 = (1 << Self::NUMBER_BITS) - 1;
    const MOST_LANES: usize = 8;

    const fn new(lane: usize, number: u32) -> Self {
        Self(Self::BIT | (lane as u32) << Self::NUMBER_BITS | number)
    }

    /// The grave that a number stands for; `None` if it stands for a slot.
    #[inline]
    pub const fn of(id: u32) -> Option<Self> {
        if id & Self::BIT == 0 || id == u32::MAX {
            None
        } else {
            Some(Self(id))
        }
    }

    /// The number that stands for it where others are slots.
    pub const fn id(self) -> u32 {
        self.0
    }

    /// Index of its lane.
    pub const fn lane(self) -> usize {
        (self.0 >> Self::NUMBER_BITS) as usize % Self::MOST_LANES
    }

    const fn number(self) -> u32 {
        self.0 & Self::NUMBER
    }
}

/// The closed flows of a lane.
#[derive(Debug)]
pub(super) struct ClosedFlows<R> {
    /// Index of the lane.
    lane: usize,
    flows: VecDeque<Closed<R>>,
    /// Room that they need at the most.
    most: usize,
    /// Number of the first one, modulo 2^27.
    first: u32,
    /// How many of the first are buried, or have to stay whole.
    done: usize,
}

impl<R: Copy> ClosedFlows<R> {
    /// No flows of the lane with this index. At most this many are kept.
    pub const fn of_lane(lane: usize, most: usize) -> Self {
        assert!(lane < Grave::MOST_LANES, "a grave has room for fewer lanes");
        Self {
            lane,
            // They are swept once in this many frames, and a frame closes one.
            most: most.saturating_add(SWEEP_EVERY),
            flows: VecDeque::new(),
            first: 0,
            done: 0,
        }
    }

    pub fn len(&self) -> usize {
        self.flows.len()
    }

    /// The flow that closed first.
    pub fn first(&self) -> Option<&Closed<R>> {
        self.flows.front()
    }

    /// The flow at this position, from 0.
    pub fn get(&self, at: usize) -> &Closed<R> {
        &self.flows[at]
    }

    pub fn push(&mut self, dated: Dated) {
        let flows = &mut self.flows;
        if flows.len() == flows.capacity() {
            // No more than needed, because a ring goes through all of its memory again and again.
            let doubled = (2 * flows.len()).max(SWEEP_EVERY);
            let room = doubled.min(self.most).max(flows.len() + 1);
            flows.reserve_exact(room - flows.len());
        }
        flows.push_back(Closed::Whole(dated));
    }

    /// Takes out the flow that closed first, and what its grave is or would be.
    pub fn pop(&mut self) -> Option<(Grave, Closed<R>)> {
        let grave = self.grave(0);
        let first = self.flows.pop_front()?;
        self.first = (self.first + 1) & Grave::NUMBER;
        self.done = self.done.saturating_sub(1);
        Some((grave, first))
    }

    /// Whether flows are to be buried, if this many are kept whole.
    pub fn can_bury(&self, whole: usize) -> bool {
        // Several at a time, so that their memory is fetched together.
        let together = (whole / 2).max(1);
        let candidates = self.flows.len() - self.done;
        candidates >= whole.saturating_add(together) && self.flows.len() < Grave::NUMBER as usize
    }

    /// The positions of flows that are to be buried, which must be done next.
    pub fn begin_burying(&mut self, whole: usize) -> Range<usize> {
        let done = self.done;
        self.done = self.flows.len() - whole;
        done..self.done
    }

    /// Buries the flow at a position. Returns its grave.
    pub fn bury(&mut self, at: usize, tomb: Tomb<R>) -> Grave {
        self.flows[at] = Closed::Buried(tomb);
        self.grave(at)
    }

    /// Where the flow at a position is buried or would be.
    pub const fn grave(&self, at: usize) -> Grave {
        Grave::new(self.lane, (self.first + at as u32) & Grave::NUMBER)
    }

    const fn position(&self, grave: Grave) -> usize {
        (grave.number().wrapping_sub(self.first) & Grave::NUMBER) as usize
    }

    /// The slot of the flow at a position, or what stands for its grave.
    pub fn slot(&self, at: usize) -> u32 {
        let grave = self.grave(at).id();
        self.flows[at].whole().map_or(grave, |dated| dated.slot)
    }

    /// The buried flows.
    pub fn buried(&self) -> impl Iterator<Item = (Grave, &Tomb<R>)> {
        let all = self.flows.iter().enumerate();
        all.filter_map(|(at, closed)| match closed {
            Closed::Buried(tomb) => Some((self.grave(at), tomb)),
            Closed::Whole(_) => None,
        })
    }

    /// What is kept of a buried flow.
    #[inline]
    pub fn tomb(&self, grave: Grave) -> Option<&Tomb<R>> {
        match self.flows.get(self.position(grave)) {
            Some(Closed::Buried(tomb)) => Some(tomb),
            _ => None,
        }
    }

    /// Takes out what is kept of a buried flow, which is to be in this slot of the flow table from now on.
    pub fn exhume(&mut self, grave: Grave, slot: u32) -> Option<Tomb<R>> {
        let at = self.position(grave);
        let closed = self.flows.get_mut(at)?;
        let Closed::Buried(tomb) = closed else {
            return None;
        };
        let dated = Dated {
            slot,
            stream: tomb.flow.stream,
            time: tomb.closed(),
        };
        match std::mem::replace(closed, Closed::Whole(dated)) {
            Closed::Buried(tomb) => Some(tomb),
            Closed::Whole(_) => None,
        }
    }
}

impl<S: HandlerState> FlowTable<S> {
    /// Buries the closed flows of a lane that are no longer among the latest. Called when a flow is to be opened, which can
    /// use the place in memory; while none is, burying would save nothing.
    pub(super) fn bury(&mut self, lane: usize) {
        let whole = self.lanes[lane].memory.limits.whole;
        if !self.lanes[lane].closed.can_bury(whole) {
            return;
        }
        let positions = self.lanes[lane].closed.begin_burying(whole);
        let closed = &self.lanes[lane].closed;
        let slots = positions.clone().filter_map(|at| closed.get(at).whole());
        let slots = slots.map(|dated| dated.slot);
        slots.clone().for_each(|slot| self.fetch_flow(slot));
        slots.for_each(|slot| self.buried.fetch(self.entries[slot].tag));
        for at in positions {
            let closed = &mut self.lanes[lane].closed;
            let Some(dated) = closed.get(at).whole() else {
                continue;
            };
            let entry = &mut self.entries[dated.slot];
            let Some(tomb) = Tomb::of(entry, dated) else {
                continue;
            };
            entry.free();
            self.free.push(dated.slot);
            let tag = tomb.tag;
            let grave = closed.bury(at, tomb);
            self.index.remove(tag, dated.slot);
            self.buried.insert(tag, grave.id());
        }
    }

    /// Brings a segment's flow back into the flow table if it is buried. `ends` are the segment's ends. Returns its slot.
    #[cold]
    pub(super) fn exhume(&mut self, key: FlowKey, ends: Ends, segment: &Segment) -> Option<u32> {
        let tomb = |grave: Grave| self.lanes[grave.lane()].closed.tomb(grave);
        let is = |id: u32| {
            let tomb = Grave::of(id).and_then(tomb);
            tomb.is_some_and(|tomb| tomb.flow.is_of(ends, key.from, segment))
        };
        let grave = self.buried.find(key.tag, is).and_then(Grave::of)?;
        let slot = self.next_slot();
        let tomb = self.lanes[grave.lane()].closed.exhume(grave, slot)?;
        self.buried.remove(tomb.tag, grave.id());
        self.index.insert(tomb.tag, slot);
        Some(self.put(tomb.into_entry(key.lane)))
    }

    /// Drops a buried flow, which was taken out of its lane's closed flows.
    pub(super) fn drop_buried(
        &mut self,
        grave: Grave,
        tomb: Tomb<S::Remains>,
        handler: &mut impl Handler<S>,
    ) {
        self.buried.remove(tomb.tag, grave.id());
        self.places.give_back(tomb.flow.place);
        tomb.end(handler);
    }

    /// Ends at most so many buried flows, lane by lane in the order in which they closed. Returns `false` if there are none.
    /// No segment may follow.
    pub fn finish_buried(&mut self, most: usize, handler: &mut impl Handler<S>) -> bool {
        let closed = self.lanes.iter_mut().map(|lane| &mut lane.closed);
        let all = closed.flat_map(|closed| std::iter::from_fn(|| closed.pop()));
        let buried = all.filter_map(|(_, closed)| match closed {
            Closed::Buried(tomb) => Some(tomb),
            Closed::Whole(_) => None,
        });
        let ended = buried.take(most).map(|tomb| tomb.end(handler)).count();
        ended > 0
    }

    /// Forgets the buried flows. No segment may follow.
    pub fn forget_buried(&mut self) {
        for lane in &mut self.lanes {
            lane.closed.flows = VecDeque::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::super::Side;
    use super::*;
    use crate::packet::Endpoint;

    /// State of the tests' handler when both sides have ended.
    const ENDED: u32 = 3 << 16;

    fn entry(stream: u32, address: impl Into<std::net::IpAddr>) -> Entry<u32> {
        let address = address.into();
        let ends = [8888, 40_000].map(|port| Endpoint { address, port });
        let mut flow = Flow::new(ends, [stream, stream + 7], Timestamp(5), [true, false]);
        flow.state = ENDED;
        flow.last = Timestamp(50);
        let mut entry = Entry::open(FlowKey::default(), flow);
        for side in Side::BOTH {
            entry.direction_mut(side).end();
        }
        entry.status = Status::Closed;
        entry
    }

    fn dated(stream: u32, time: i64) -> Dated {
        Dated {
            slot: 0,
            stream,
            time: Timestamp(time),
        }
    }

    #[test]
    fn a_buried_flow_comes_back_as_it_was() {
        let addresses: [std::net::IpAddr; 2] =
            [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
        for address in addresses {
            let mut before = entry(3, address);
            let told = format!("{:?}", before.flow);
            let tomb = Tomb::of(&mut before, dated(3, 45)).unwrap();
            assert_eq!(tomb.closed(), Timestamp(45));
            let again: Entry<u32> = tomb.into_entry(0);
            assert_eq!(format!("{:?}", again.flow), told);
            assert!(again.has_ended() && again.status == Status::Closed);
        }
    }

    #[test]
    fn what_a_late_segment_may_need_stays_where_it_is() {
        let stays = |change: fn(&mut Entry<u32>), dated: Dated| {
            let mut entry = entry(3, Ipv4Addr::LOCALHOST);
            change(&mut entry);
            Tomb::of(&mut entry, dated).is_none()
        };
        assert!(!stays(|_| {}, dated(3, 45)));
        // Another flow has its slot by now.
        assert!(stays(|_| {}, dated(4, 45)));
        // It closed too long before its last frame, or seemingly after it.
        assert!(stays(|_| {}, dated(3, 50 - (1 << 32))));
        assert!(stays(|_| {}, dated(3, 51)));
        assert!(stays(|entry| entry.flow.state = 0, dated(3, 45)));
        assert!(stays(Entry::unsettle, dated(3, 45)));
        assert!(stays(|entry| entry.rival = true, dated(3, 45)));
        assert!(stays(
            |entry| entry.direction_mut(Side::A).reset(),
            dated(3, 45)
        ));
        assert!(stays(|entry| entry.status = Status::Open, dated(3, 45)));
    }

    /// Numbers begin anew after the last one, and a grave is found by its number.
    #[test]
    fn graves_are_found_also_when_numbers_begin_anew() {
        let mut closed = ClosedFlows::of_lane(5, 1 << 16);
        closed.first = Grave::NUMBER - 1;
        let mut graves = Vec::new();
        for stream in 0..4 {
            closed.push(dated(stream, 45));
            let tomb = Tomb::of(&mut entry(stream, Ipv4Addr::LOCALHOST), dated(stream, 45));
            let grave = closed.bury(stream as usize, tomb.unwrap());
            assert_eq!(
                (Grave::of(grave.id()).unwrap().id(), grave.lane()),
                (grave.id(), 5)
            );
            graves.push(grave);
        }
        let found = |closed: &ClosedFlows<u32>| {
            let stream = |grave| closed.tomb(grave).map(|tomb| tomb.flow.stream);
            graves.iter().copied().map(stream).collect::<Vec<_>>()
        };
        assert_eq!(found(&closed), [Some(0), Some(1), Some(2), Some(3)]);
        assert!(closed.exhume(graves[2], 9).is_some());
        assert!(closed.exhume(graves[2], 9).is_none());
        assert_eq!(closed.get(2).whole().map(|dated| dated.slot), Some(9));
        assert!(closed.pop().is_some());
        assert_eq!(found(&closed), [None, Some(1), None, Some(3)]);
        assert_eq!(closed.buried().count(), 2);
        assert!(Grave::of(7).is_none() && Grave::of(u32::MAX).is_none());
    }

    #[test]
    fn a_tomb_takes_half_of_an_entry() {
        assert_eq!(size_of::<Closed<u32>>(), 128);
    }
}
