//! The flow table: finds a segment's flow, numbers streams, lets flows go.

use std::collections::VecDeque;

use hashbrown::{HashMap, HashTable};

use super::dispute::{Choice, Dispute, Reset, Rival, SETTLED_AFTER, choose};
use super::entry::{Entry, Memory, Status};
use super::flow::{Flow, Role, Side};
use super::history::History;
use super::key::{FlowHasher, FlowKey};
use super::{Carried, End, Handler, Ignored, Remark};
use crate::capture::Timestamp;
use crate::packet::{Flags, Segment, SeqNumber};

/// Bounds on what is kept. Whatever is given up because of them is said.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Octets of out-of-order data of all flows, about.
    pub buffer: usize,
    /// Octets of out-of-order data of one direction, about.
    pub buffer_per_direction: usize,
    /// Octets of delivered data remembered for comparison with retransmissions, of all flows.
    pub history: usize,
    /// Nanoseconds of capture time without a frame after which an open flow is let go. Longer
    /// than the two hours after which keep-alives are usual (RFC 9293 section 3.8.4).
    pub idle: i64,
    /// Nanoseconds of capture time for which a closed flow is kept for late segments.
    pub linger: i64,
    /// Closed flows kept at the most.
    pub closed: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            buffer: 64 << 20,
            buffer_per_direction: 1 << 20,
            history: 4 << 20,
            idle: 4 * 3600 * Timestamp::SECOND,
            linger: 120 * Timestamp::SECOND,
            closed: 1 << 16,
        }
    }
}

/// Counts over all flows so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Streams numbered.
    pub streams: u64,
    /// Flows open now.
    pub open: u64,
    /// Flows let go because they were idle.
    pub idle: u64,
    /// Flows forgotten soon after they had closed, as there were too many.
    pub closed_early: u64,
    /// Octets out of order that were given up because a bound was reached.
    pub given_up: u64,
    /// Octets sent again whose first copy was not kept so long.
    pub uncompared: u64,
}

/// Where a segment belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placement {
    /// The stream's number.
    pub stream: u32,
    /// Which side sent the segment.
    pub from: Side,
    /// What that side is, as far as it can be told.
    pub sender: Role,
    /// Whether one of the ports is one where RegLogin is expected.
    pub watched: bool,
    /// Whether the segment opened a stream on addresses and ports that had one before.
    pub reused: bool,
    /// Sequence number relative to the direction's start, as Wireshark shows it.
    pub relative_seq: u32,
    /// Acknowledgement number relative to the other direction's start.
    pub relative_ack: u32,
    /// Shift count of the sender's window scale; `None` where it is not known.
    pub window_shift: Option<u8>,
}

/// Segments between two looks for flows that can be let go.
const SWEEP_EVERY: usize = 16;
/// Segments between two looks for idle flows, at the least.
const IDLE_SWEEP_AFTER: usize = 1024;
/// Looks for idle flows in the time after which they are let go, at the most.
const SWEEPS_PER_IDLE_TIME: i64 = 16;

/// Slots remembered as found last.
const RECENT: usize = 1 << 14;

/// Where the slot of a flow with this hash is remembered.
#[inline]
const fn place(hash: u64) -> usize {
    hash as usize % RECENT
}

/// A flow whose directions have ended.
#[derive(Debug, Clone, Copy)]
struct Closed {
    slot: u32,
    stream: u32,
    /// When it ended.
    time: Timestamp,
}

/// Where a segment's flow stood a few frames ago. It saves nothing but time: it is checked before
/// it is believed.
pub type Hint = Option<u32>;

/// All flows of a capture. `S` is what the handler keeps with each.
#[derive(Debug)]
pub struct FlowTable<S> {
    entries: Vec<Entry<S>>,
    free: Vec<u32>,
    /// Slots by addresses and ports.
    index: HashTable<u32>,
    /// The slots found last, by the low bits of their hashes: those of flows that are busy now lie
    /// close together here, which those in the index, closed flows among them, do not.
    recent: Box<[u32]>,
    hasher: FlowHasher,
    memory: Memory,
    watched_ports: Vec<u16>,
    /// What is open about flows, by their slots.
    disputes: HashMap<u32, Dispute, foldhash::fast::RandomState>,
    /// Flows with a reset that is not settled yet, in the order of the resets.
    resets: VecDeque<Closed>,
    /// In the order in which they closed.
    closed: VecDeque<Closed>,
    /// Capture time of the last look for idle flows.
    swept: Timestamp,
    /// Segments until the next one.
    idle_sweep_in: usize,
    /// Segments until the next look for closed ones.
    sweep_in: usize,
    totals: Totals,
}

impl<S: Default> FlowTable<S> {
    /// Octets that an open flow takes up here, but for what it holds out of order: its entry and
    /// its place in the index, whose slots are at least half in use.
    pub const OCTETS_PER_FLOW: usize = size_of::<Entry<S>>() + 2 * (size_of::<u32>() + 1);

    /// An empty table that expects RegLogin on these ports.
    #[must_use]
    pub fn new(watched_ports: &[u16], limits: Limits) -> Self {
        Self {
            entries: Vec::new(),
            free: Vec::new(),
            index: HashTable::new(),
            recent: vec![0; RECENT].into(),
            hasher: FlowHasher::default(),
            memory: Memory {
                limits,
                history: History::new(limits.history),
                held: 0,
                given_up: 0,
                uncompared: 0,
            },
            watched_ports: watched_ports.to_vec(),
            disputes: HashMap::default(),
            resets: VecDeque::new(),
            closed: VecDeque::new(),
            swept: Timestamp(0),
            idle_sweep_in: IDLE_SWEEP_AFTER,
            sweep_in: SWEEP_EVERY,
            totals: Totals::default(),
        }
    }

    /// Counts over all flows so far.
    #[must_use]
    pub const fn totals(&self) -> Totals {
        Totals {
            given_up: self.memory.given_up,
            uncompared: self.memory.uncompared,
            ..self.totals
        }
    }

    /// What finds the keys that this table's flows are found by.
    #[must_use]
    pub fn hasher(&self) -> FlowHasher {
        self.hasher.clone()
    }

    /// Looks where a segment's flow is, ahead of [`push`](Self::push). Called for a few segments
    /// in a row, it lets the processor fetch their flows from memory at the same time instead of
    /// one after the other: with 20,000 flows at once that halves the time a frame takes.
    #[must_use]
    #[inline]
    pub fn look_ahead(&self, key: FlowKey) -> Hint {
        let slot = self.recent[place(key.hash)];
        let entry = self.entries.get(slot as usize)?;
        (entry.hash == key.hash).then_some(slot)
    }

    /// Takes a segment, tells `handler` what its receiver got from it, and says where it belongs.
    #[inline]
    pub fn push(
        &mut self,
        carried: &Carried<'_>,
        key: FlowKey,
        hint: Hint,
        handler: &mut impl Handler<S>,
    ) -> (Placement, &Flow<S>) {
        let (from, segment) = (key.from, carried.segment);
        self.sweep_in -= 1;
        if self.sweep_in == 0 {
            self.sweep(carried.time, handler);
        }
        let (slot, reused) = self.find(carried, key, hint, handler);
        let unusual = segment.flags.has(Flags(Flags::SYN.0 | Flags::RST.0))
            || self.entries[slot as usize].unsettled;
        if !unusual || self.takes_unusual(slot, from, carried, handler) {
            let entry = &mut self.entries[slot as usize];
            entry.learn(from, carried);
            if handler.wants(&entry.flow) {
                entry.deliver(from, carried, &mut self.memory, handler);
            } else {
                entry.pass_by(from, segment, &mut self.memory, handler);
            }
        }
        self.close_if_ended(slot, carried.time);
        let entry = &self.entries[slot as usize];
        (entry.place(from, segment, reused), &entry.flow)
    }

    #[inline]
    fn close_if_ended(&mut self, slot: u32, time: Timestamp) {
        let entry = &mut self.entries[slot as usize];
        if entry.status == Status::Open && entry.has_ended() {
            entry.status = Status::Closed;
            self.totals.open -= 1;
            let stream = entry.flow.stream;
            self.closed.push_back(Closed { slot, stream, time });
        }
    }

    /// Looks at a segment that is a SYN or a reset, or comes after one that may not have been
    /// accepted; whether its receiver takes it as any other.
    #[cold]
    fn takes_unusual(
        &mut self,
        slot: u32,
        from: Side,
        carried: &Carried<'_>,
        handler: &mut impl Handler<S>,
    ) -> bool {
        let (segment, frame) = (carried.segment, carried.number);
        if segment.flags.has(Flags::RST) {
            self.take_reset(slot, from, carried, handler);
            return false;
        }
        let entry = &mut self.entries[slot as usize];
        if entry.is_stray_answer(from, segment) {
            entry.count(from, carried);
            let why = Ignored::GoesOn;
            handler.remark(&mut entry.flow, from, Remark::SynIgnored { frame, why });
            return false;
        }
        self.take_after_reset(slot, from, carried, handler);
        true
    }

    /// Takes a reset: its receiver ignores it, or may have accepted it.
    fn take_reset(
        &mut self,
        slot: u32,
        from: Side,
        carried: &Carried<'_>,
        handler: &mut impl Handler<S>,
    ) {
        let Carried {
            number: frame,
            time,
            segment,
            payload,
            ..
        } = *carried;
        let entry = &mut self.entries[slot as usize];
        let wanted = handler.wants(&entry.flow);
        if let Some(why) = entry.refuses_reset(from, carried, wanted) {
            entry.count(from, carried);
            return handler.remark(&mut entry.flow, from, Remark::ResetIgnored { frame, why });
        }
        entry.learn(from, carried);
        if wanted {
            entry.acknowledge(from, segment, &mut self.memory, handler);
        }
        if !payload.is_empty() {
            handler.remark(&mut entry.flow, from, Remark::ResetCause(payload));
        }
        let dispute = self.disputes.entry(slot).or_default();
        if !entry.has_ended() && dispute.reset.is_none_or(|reset| reset.settled) {
            dispute.reset = Some(Reset {
                from,
                frame,
                time,
                seq: segment.seq,
                next: entry.direction(from).next(),
                settled: false,
                told: false,
            });
            let stream = entry.flow.stream;
            self.resets.push_back(Closed { slot, stream, time });
        }
        entry.unsettled = true;
    }

    /// Lets a segment tell whether the reset before it was accepted, and takes it for data again
    /// where it is some.
    fn take_after_reset(
        &mut self,
        slot: u32,
        from: Side,
        carried: &Carried<'_>,
        handler: &mut impl Handler<S>,
    ) {
        let Some(mut reset) = self.disputes.get(&slot).and_then(|dispute| dispute.reset) else {
            return;
        };
        if !reset.settled && carried.time.since(reset.time) > SETTLED_AFTER {
            self.settle(slot, handler);
            reset.settled = true;
        }
        let segment = carried.segment;
        let entry = &mut self.entries[slot as usize];
        let end = segment.next_seq();
        let brings = end.after(entry.direction(from).next()) && segment.seq_len() > 0;
        // Its sender sends on behind it, or its receiver answers what came after it.
        let answers = |ack: SeqNumber| ack.after(reset.next);
        let goes_on = if from == reset.from {
            brings && end.after(reset.seq)
        } else {
            segment.payload_len > 0 && segment.acknowledges().is_some_and(answers)
        };
        if goes_on && !reset.settled {
            let (frame, why) = (reset.frame, Ignored::GoesOn);
            let remark = Remark::ResetIgnored { frame, why };
            handler.remark(&mut entry.flow, reset.from, remark);
        } else if brings && segment.payload_len > 0 && !reset.told {
            let remark = Remark::AfterReset { reset: reset.frame };
            handler.remark(&mut entry.flow, from, remark);
            reset.told = true;
        }
        if brings && entry.was_reset() {
            if entry.status == Status::Closed {
                self.totals.open += 1;
            }
            entry.revive();
        }
        if let Some(dispute) = self.disputes.get_mut(&slot) {
            let forged = goes_on && !reset.settled;
            dispute.reset = (!forged).then_some(reset);
        }
    }

    /// Takes the reset of a flow, if there is one, for accepted.
    fn settle(&mut self, slot: u32, handler: &mut impl Handler<S>) {
        let dispute = self.disputes.get_mut(&slot);
        let Some(reset) = dispute.and_then(|dispute| dispute.reset.as_mut()) else {
            return;
        };
        if std::mem::replace(&mut reset.settled, true) {
            return;
        }
        let (from, time) = (reset.from, reset.time);
        for side in [from, from.other()] {
            self.entries[slot as usize].end(side, End::Reset, &mut self.memory, handler);
        }
        self.close_if_ended(slot, time);
    }

    /// Calls `each` with every flow, in order of their streams.
    pub fn flows(&mut self, mut each: impl FnMut(&mut Flow<S>)) {
        let live = |entry: &&mut Entry<S>| entry.status != Status::Free;
        let mut flows: Vec<_> = self.entries.iter_mut().filter(live).collect();
        flows.sort_unstable_by_key(|entry| entry.flow.stream);
        for entry in flows {
            each(&mut entry.flow);
        }
    }

    /// Ends all flows, in order of their streams: nothing more comes.
    pub fn finish(&mut self, handler: &mut impl Handler<S>) {
        // Nothing is looked for any more, and what the handler makes of so many flows takes memory.
        self.index = HashTable::new();
        self.memory.history = History::new(0);
        let live = |slot: &u32| self.entries[*slot as usize].status != Status::Free;
        let mut slots: Vec<u32> = (0..self.entries.len() as u32).filter(live).collect();
        slots.sort_unstable_by_key(|slot| self.entries[*slot as usize].flow.stream);
        for slot in slots {
            self.end(slot, handler);
        }
        self.entries = Vec::new();
        self.free = Vec::new();
        self.closed = VecDeque::new();
    }

    /// Finds the segment's flow, or makes one; whether its ends had another one before.
    #[inline]
    fn find(
        &mut self,
        carried: &Carried<'_>,
        key: FlowKey,
        hint: Hint,
        handler: &mut impl Handler<S>,
    ) -> (u32, bool) {
        let FlowKey { hash, from } = key;
        let segment = carried.segment;
        let entries = &self.entries;
        let same = |slot: &u32| {
            let entry = entries.get(*slot as usize);
            entry.is_some_and(|entry| entry.is_of(segment, from))
        };
        let mut found = hint.filter(same);
        if found.is_none() {
            found = self.index.find(hash, same).copied();
            if let Some(slot) = found {
                self.recent[place(hash)] = slot;
            }
        }
        let Some(slot) = found else {
            return (self.open(hash, from, carried, false), false);
        };
        let entry = &entries[slot as usize];
        if entry.unsettled || entry.is_reopened_by(segment, from) {
            return self.find_unusual(slot, carried, key, handler);
        }
        (slot, false)
    }

    /// Finds the flow of a segment that opens one in place of another, or comes when that is
    /// tried.
    #[cold]
    fn find_unusual(
        &mut self,
        slot: u32,
        carried: &Carried<'_>,
        key: FlowKey,
        handler: &mut impl Handler<S>,
    ) -> (u32, bool) {
        let FlowKey { hash, from } = key;
        let segment = carried.segment;
        let dispute = self.disputes.get_mut(&slot);
        if let Some(rival) = dispute.and_then(|dispute| dispute.rival.as_mut()) {
            let (old, new) = (
                &self.entries[slot as usize],
                &self.entries[rival.slot as usize],
            );
            let other = rival.slot;
            match choose(old, new, rival.client, segment, from) {
                Choice::Rival => return (other, false),
                Choice::Accepted => {
                    self.let_go(slot, handler);
                    return (other, false);
                }
                Choice::Old { shows } => {
                    if shows && !std::mem::replace(&mut rival.told, true) {
                        let Rival {
                            frame, why, client, ..
                        } = *rival;
                        let flow = &mut self.entries[slot as usize].flow;
                        handler.remark(flow, client, Remark::SynIgnored { frame, why });
                    }
                    return (slot, false);
                }
                Choice::New => {
                    self.let_go(other, handler);
                }
            }
        }
        let entry = &self.entries[slot as usize];
        if !entry.is_reopened_by(segment, from) {
            return (slot, false);
        }
        let dispute = self.disputes.get(&slot);
        let reset = dispute.is_some_and(|dispute| dispute.reset.is_some());
        if entry.status == Status::Closed || reset {
            self.let_go(slot, handler);
            return (self.open(hash, from, carried, false), true);
        }
        let why = if entry.has_wrong_checksum(from, carried) {
            Ignored::Checksum
        } else {
            Ignored::GoesOn
        };
        let new = self.open(hash, from, carried, true);
        self.entries[slot as usize].unsettled = true;
        self.disputes.entry(slot).or_default().rival = Some(Rival {
            slot: new,
            client: from,
            frame: carried.number,
            why,
            told: false,
        });
        (new, true)
    }

    #[cold]
    fn open(&mut self, hash: u64, from: Side, carried: &Carried<'_>, rival: bool) -> u32 {
        let Segment {
            source,
            destination,
            tags,
            ..
        } = *carried.segment;
        let ends = match from {
            Side::A => [source, destination],
            Side::B => [destination, source],
        };
        let watch = ends.map(|end| self.watched_ports.contains(&end.port));
        let mut flow = Flow::new(ends, self.totals.streams as u32, carried.time, watch);
        flow.tags = tags;
        let mut entry = Entry::open(hash, flow);
        entry.rival = rival;
        self.totals.streams += 1;
        self.totals.open += 1;
        let slot = if let Some(slot) = self.free.pop() {
            self.entries[slot as usize] = entry;
            slot
        } else {
            self.entries.push(entry);
            self.entries.len() as u32 - 1
        };
        if !rival {
            self.enter(hash, slot);
        }
        slot
    }

    /// Lets the flow in a slot be found by its ends.
    fn enter(&mut self, hash: u64, slot: u32) {
        self.recent[place(hash)] = slot;
        let entries = &self.entries;
        self.index
            .insert_unique(hash, slot, |slot| entries[*slot as usize].hash);
    }

    /// Lets closed flows go when their time is over or they are too many, and open ones that have
    /// been idle for too long.
    #[cold]
    fn sweep(&mut self, now: Timestamp, handler: &mut impl Handler<S>) {
        self.sweep_in = SWEEP_EVERY;
        self.sweep_resets(now, handler);
        self.sweep_closed(now, handler);
        self.idle_sweep_in = self.idle_sweep_in.saturating_sub(SWEEP_EVERY);
        if self.idle_sweep_in == 0 {
            self.sweep_idle(now, handler);
        }
    }

    fn sweep_resets(&mut self, now: Timestamp, handler: &mut impl Handler<S>) {
        while let Some(&Closed { slot, stream, time }) = self.resets.front() {
            if now.since(time) <= SETTLED_AFTER {
                break;
            }
            self.resets.pop_front();
            let entry = &self.entries[slot as usize];
            let dispute = self.disputes.get(&slot);
            let reset = dispute.and_then(|dispute| dispute.reset);
            if entry.flow.stream == stream && reset.is_some_and(|reset| reset.time == time) {
                self.settle(slot, handler);
            }
        }
    }

    fn sweep_closed(&mut self, now: Timestamp, handler: &mut impl Handler<S>) {
        let limits = self.memory.limits;
        while let Some(&Closed { slot, stream, time }) = self.closed.front() {
            let old = now.since(time) > limits.linger;
            if !old && self.closed.len() <= limits.closed {
                break;
            }
            self.closed.pop_front();
            let entry = &self.entries[slot as usize];
            // A rival goes with the flow whose rival it is.
            if entry.status == Status::Closed && entry.flow.stream == stream && !entry.rival {
                self.totals.closed_early += u64::from(!old);
                self.let_go(slot, handler);
            }
        }
    }

    /// Looks at all flows once in as many segments as there are flows, and not more often than
    /// capture time makes worth while.
    #[cold]
    fn sweep_idle(&mut self, now: Timestamp, handler: &mut impl Handler<S>) {
        self.idle_sweep_in = IDLE_SWEEP_AFTER.max(self.entries.len());
        let idle = self.memory.limits.idle;
        let pause = idle / SWEEPS_PER_IDLE_TIME;
        if (0..pause).contains(&now.since(self.swept)) {
            return;
        }
        self.swept = now;
        for slot in 0..self.entries.len() {
            let entry = &self.entries[slot];
            let idle = now.since(entry.flow.last) > idle && !entry.rival;
            if entry.status == Status::Open && idle {
                self.totals.idle += 1;
                self.let_go(slot as u32, handler);
            }
        }
    }

    #[cold]
    fn let_go(&mut self, slot: u32, handler: &mut impl Handler<S>) {
        let rival = self.disputes.get(&slot).and_then(|dispute| dispute.rival);
        let hash = self.end(slot, handler);
        if let Ok(found) = self.index.find_entry(hash, |other| *other == slot) {
            found.remove();
        }
        self.free.push(slot);
        if let Some(rival) = rival {
            self.entries[rival.slot as usize].rival = false;
            self.enter(hash, rival.slot);
        }
    }

    /// Ends a flow, whose slot is free then; gives the hash that it was found by.
    fn end(&mut self, slot: u32, handler: &mut impl Handler<S>) -> u64 {
        if self.entries[slot as usize].unsettled {
            self.settle(slot, handler);
            self.disputes.remove(&slot);
        }
        let entry = &mut self.entries[slot as usize];
        for side in [Role::Client, Role::Server].map(|role| entry.flow.side(role)) {
            entry.end(side, End::LetGo, &mut self.memory, handler);
        }
        handler.let_go(&mut entry.flow);
        if entry.status == Status::Open {
            self.totals.open -= 1;
        }
        entry.status = Status::Free;
        entry.flow.state = S::default();
        entry.hash
    }
}
