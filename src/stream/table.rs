//! The flow table: finds a segment's flow, numbers streams, lets flows go.

use std::collections::VecDeque;

use foldhash::fast::FixedState;
use hashbrown::HashTable;

use super::direction::{Direction, Event};
use super::flow::{Evidence, Flow, Role, Side};
use super::history::History;
use super::key::{ends_of, hash_ends};
use super::{End, Handler};
use crate::capture::Timestamp;
use crate::packet::{Endpoint, Flags, Segment};

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
    /// Octets out of order that were given up because a bound was reached.
    pub given_up: u64,
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

/// Segments between two looks at a slot for idle flows: every flow's turn comes, in order of
/// memory, at next to no cost a segment.
const SWEEP_EVERY: u8 = 8;

/// Octets before and after the next one in which a reset counts; a receiver ignores one outside
/// of its window (RFC 9293 section 3.5.3).
const RESET_WINDOW: std::ops::RangeInclusive<i32> = -1..=(1 << 20);

/// How far a flow's life has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Status {
    /// Nothing here: the slot is free.
    Free,
    /// Data may come.
    Open,
    /// Both directions ended; kept for a while for late segments.
    Closed,
}

/// Where a segment's flow stood a few frames ago. It saves nothing but time: whatever it says is
/// checked before it is believed.
#[derive(Debug, Clone, Copy)]
pub struct Hint {
    hash: u64,
    slot: Option<u32>,
}

#[derive(Debug)]
struct Entry<S> {
    hash: u64,
    flow: Flow<S>,
    directions: [Direction; 2],
    status: Status,
}

/// All flows of a capture. `S` is what the handler keeps with each.
#[derive(Debug)]
pub struct FlowTable<S> {
    entries: Vec<Entry<S>>,
    free: Vec<u32>,
    /// Slots by addresses and ports.
    index: HashTable<u32>,
    hasher: FixedState,
    history: History,
    limits: Limits,
    watched_ports: Vec<u16>,
    /// Closed flows in the order in which they closed: slot, stream, time.
    closed: VecDeque<(u32, u32, Timestamp)>,
    held_memory: usize,
    sweep_at: usize,
    sweep_in: u8,
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
            hasher: FixedState::default(),
            history: History::new(limits.history),
            limits,
            watched_ports: watched_ports.to_vec(),
            closed: VecDeque::new(),
            held_memory: 0,
            sweep_at: 0,
            sweep_in: 0,
            totals: Totals::default(),
        }
    }

    /// Counts over all flows so far.
    #[must_use]
    pub const fn totals(&self) -> Totals {
        self.totals
    }

    /// Looks where a segment's flow is, ahead of [`push`](Self::push). Called for a few segments
    /// in a row, it lets the processor fetch their flows from memory at the same time instead of
    /// one after the other: with 20,000 flows at once that halves the time a frame takes.
    #[must_use]
    pub fn look_ahead(&self, segment: &Segment) -> Hint {
        let ends = ends_of(segment).1;
        let hash = hash_ends(&self.hasher, &ends);
        let alike = |slot: &u32| self.entries[*slot as usize].hash == hash;
        Hint {
            hash,
            slot: self.index.find(hash, alike).copied(),
        }
    }

    /// Takes a segment of frame `number` and its captured payload, tells `handler` what its
    /// receiver got from it, and says where it belongs. `wire` is the frame's length on the wire.
    #[expect(clippy::too_many_arguments, reason = "what a frame says, one by one")]
    pub fn push(
        &mut self,
        number: u64,
        time: Timestamp,
        wire: u32,
        segment: &Segment,
        hint: Option<Hint>,
        payload: &[u8],
        handler: &mut impl Handler<S>,
    ) -> (Placement, &Flow<S>) {
        self.sweep(time, handler);
        let (from, ends) = ends_of(segment);
        let hint = hint.unwrap_or_else(|| Hint {
            hash: hash_ends(&self.hasher, &ends),
            slot: None,
        });
        let (slot, reused) = self.find(segment, hint, from, ends, time, handler);
        self.learn(slot, from, time, wire, segment);
        if handler.wants(&self.entries[slot as usize].flow) {
            self.deliver(slot, from, number, segment, payload, handler);
        } else {
            self.pass_by(slot, from, segment, handler);
        }
        self.settle(slot, time);
        let placement = self.place(slot, from, segment, reused);
        (placement, &self.entries[slot as usize].flow)
    }

    /// Ends all flows, in order of their streams: nothing more comes.
    pub fn finish(&mut self, handler: &mut impl Handler<S>) {
        let live = |slot: &u32| self.entries[*slot as usize].status != Status::Free;
        let mut slots: Vec<u32> = (0..self.entries.len() as u32).filter(live).collect();
        slots.sort_unstable_by_key(|slot| self.entries[*slot as usize].flow.stream);
        for slot in slots {
            self.let_go(slot, handler);
        }
    }

    fn slot(&self, hash: u64, ends: &[Endpoint; 2]) -> Option<u32> {
        let same = |slot: &u32| self.holds(*slot, ends);
        self.index.find(hash, same).copied()
    }

    /// Whether a slot is the flow between these ends.
    fn holds(&self, slot: u32, ends: &[Endpoint; 2]) -> bool {
        let entry = self.entries.get(slot as usize);
        entry.is_some_and(|entry| entry.flow.ends == *ends && entry.status != Status::Free)
    }

    /// Finds the segment's flow, or makes one. A SYN with another sequence number than the
    /// flow's first opens a connection of its own, as Wireshark has it.
    fn find(
        &mut self,
        segment: &Segment,
        hint: Hint,
        from: Side,
        ends: [Endpoint; 2],
        time: Timestamp,
        handler: &mut impl Handler<S>,
    ) -> (u32, bool) {
        let mut reused = false;
        let hinted = hint.slot.filter(|slot| self.holds(*slot, &ends));
        if let Some(slot) = hinted.or_else(|| self.slot(hint.hash, &ends)) {
            let direction = &self.entries[slot as usize].directions[from.index()];
            reused = segment.flags.opens() && direction.has_base() && direction.base != segment.seq;
            if !reused {
                return (slot, false);
            }
            self.let_go(slot, handler);
        }
        (self.open(hint.hash, ends, time), reused)
    }

    fn open(&mut self, hash: u64, ends: [Endpoint; 2], time: Timestamp) -> u32 {
        let watch = ends.map(|end| self.watched_ports.contains(&end.port));
        let entry = Entry {
            hash,
            flow: Flow::new(ends, self.totals.streams as u32, time, watch),
            directions: Default::default(),
            status: Status::Open,
        };
        self.totals.streams += 1;
        self.totals.open += 1;
        let slot = if let Some(slot) = self.free.pop() {
            self.entries[slot as usize] = entry;
            slot
        } else {
            self.entries.push(entry);
            self.entries.len() as u32 - 1
        };
        let entries = &self.entries;
        self.index
            .insert_unique(hash, slot, |slot| entries[*slot as usize].hash);
        slot
    }

    fn learn(&mut self, slot: u32, from: Side, time: Timestamp, wire: u32, segment: &Segment) {
        let Entry {
            flow, directions, ..
        } = &mut self.entries[slot as usize];
        flow.last = time;
        flow.count(from, wire);
        directions[from.index()].sent(segment);
        if segment.flags.has(Flags::SYN) {
            flow.saw_syn(from);
            let client = if segment.flags.accepts() {
                from.other()
            } else {
                from
            };
            flow.set_client(client, Evidence::Handshake);
        }
    }

    fn deliver(
        &mut self,
        slot: u32,
        from: Side,
        number: u64,
        segment: &Segment,
        payload: &[u8],
        handler: &mut impl Handler<S>,
    ) {
        let Entry {
            flow, directions, ..
        } = &mut self.entries[slot as usize];
        let remembers = handler.remembers(flow);
        let other = from.other();
        if segment.flags.has(Flags::ACK) {
            let receiver = &mut directions[other.index()];
            receiver.acknowledged(segment.ack);
            if receiver.can_concede() {
                let before = receiver.held_memory();
                let history = remembers.then_some(&mut self.history);
                receiver.concede(history, &mut |event| tell(handler, flow, other, event));
                self.held_memory -= before - receiver.held_memory();
            }
        }
        let sender = &mut directions[from.index()];
        let before = sender.held_memory();
        let history = remembers.then_some(&mut self.history);
        let mut event = |event: Event<'_>| {
            if let Event::GivenUp(octets) = event {
                self.totals.given_up += octets;
            }
            tell(handler, flow, from, event);
        };
        sender.push(segment, payload, number, history, &mut event);
        let mut held = self.held_memory - before + sender.held_memory();
        while sender.held_memory() > self.limits.buffer_per_direction
            || (held > self.limits.buffer && sender.held_memory() > 0)
        {
            let before = sender.held_memory();
            sender.give_up(&mut event);
            held -= before - sender.held_memory();
        }
        self.held_memory = held;
        if segment.flags.has(Flags::RST) && sender.takes_reset(segment.seq, RESET_WINDOW) {
            for side in [from, other] {
                self.held_memory -= directions[side.index()].held_memory();
                end(
                    &mut directions[side.index()],
                    handler,
                    flow,
                    side,
                    End::Reset,
                );
            }
        } else {
            for side in [from, other] {
                let direction = &mut directions[side.index()];
                if direction.reached_fin() {
                    end(direction, handler, flow, side, End::Fin);
                }
            }
        }
    }

    /// Heeds only the ends of a flow whose octets nobody wants.
    fn pass_by(&mut self, slot: u32, from: Side, segment: &Segment, handler: &mut impl Handler<S>) {
        let (reset, fin) = (segment.flags.has(Flags::RST), segment.flags.has(Flags::FIN));
        if !reset && !fin {
            return;
        }
        let Entry {
            flow, directions, ..
        } = &mut self.entries[slot as usize];
        for side in [from, from.other()] {
            if reset || side == from {
                let direction = &mut directions[side.index()];
                self.held_memory -= direction.held_memory();
                let by = if reset { End::Reset } else { End::Fin };
                end(direction, handler, flow, side, by);
            }
        }
    }

    /// Marks a flow closed once both directions have ended.
    fn settle(&mut self, slot: u32, time: Timestamp) {
        let entry = &mut self.entries[slot as usize];
        if entry.status == Status::Open && entry.directions.iter().all(Direction::has_ended) {
            entry.status = Status::Closed;
            self.totals.open -= 1;
            self.closed.push_back((slot, entry.flow.stream, time));
        }
    }

    fn place(&self, slot: u32, from: Side, segment: &Segment, reused: bool) -> Placement {
        let Entry {
            flow, directions, ..
        } = &self.entries[slot as usize];
        let own = &directions[from.index()];
        let other = &directions[from.other().index()];
        let window_shift = if segment.flags.has(Flags::SYN) {
            Some(0)
        } else {
            own.window_shift(other)
        };
        Placement {
            stream: flow.stream,
            from,
            sender: flow.role(from),
            watched: flow.is_watched(),
            reused,
            relative_seq: segment.seq.0.wrapping_sub(own.base.0),
            relative_ack: if segment.flags.has(Flags::ACK) {
                segment.ack.0.wrapping_sub(other.base.0)
            } else {
                segment.ack.0
            },
            window_shift,
        }
    }

    /// Lets closed flows go when their time is over or they are too many, and now and then looks
    /// whether a flow has been idle for too long.
    fn sweep(&mut self, now: Timestamp, handler: &mut impl Handler<S>) {
        while let Some(&(slot, stream, since)) = self.closed.front() {
            let old = now.since(since) > self.limits.linger;
            if !old && self.closed.len() <= self.limits.closed {
                break;
            }
            self.closed.pop_front();
            let entry = &self.entries[slot as usize];
            if entry.status == Status::Closed && entry.flow.stream == stream {
                self.let_go(slot, handler);
            }
        }
        self.sweep_in = self.sweep_in.checked_sub(1).unwrap_or(SWEEP_EVERY - 1);
        if self.sweep_in > 0 {
            return;
        }
        self.sweep_at = if self.sweep_at + 1 < self.entries.len() {
            self.sweep_at + 1
        } else {
            0
        };
        let Some(entry) = self.entries.get(self.sweep_at) else {
            return;
        };
        if entry.status == Status::Open && now.since(entry.flow.last) > self.limits.idle {
            self.totals.idle += 1;
            self.let_go(self.sweep_at as u32, handler);
        }
    }

    fn let_go(&mut self, slot: u32, handler: &mut impl Handler<S>) {
        let Entry {
            hash,
            flow,
            directions,
            status,
        } = &mut self.entries[slot as usize];
        for side in [flow.side(Role::Client), flow.side(Role::Server)] {
            self.held_memory -= directions[side.index()].held_memory();
            end(
                &mut directions[side.index()],
                handler,
                flow,
                side,
                End::LetGo,
            );
        }
        handler.let_go(flow);
        if *status == Status::Open {
            self.totals.open -= 1;
        }
        *status = Status::Free;
        flow.state = S::default();
        if let Ok(found) = self.index.find_entry(*hash, |other| *other == slot) {
            found.remove();
        }
        self.free.push(slot);
    }
}

fn tell<S>(handler: &mut impl Handler<S>, flow: &mut Flow<S>, from: Side, event: Event<'_>) {
    match event {
        Event::Octets(chunk) => handler.octets(flow, from, chunk),
        Event::Gap(octets) => handler.gap(flow, from, octets),
        Event::Conflict(conflict) => handler.conflict(flow, from, conflict),
        Event::GivenUp(octets) => handler.given_up(flow, from, octets),
    }
}

/// Ends a direction once: what is held is delivered behind its gaps first.
fn end<S>(
    direction: &mut Direction,
    handler: &mut impl Handler<S>,
    flow: &mut Flow<S>,
    side: Side,
    end: End,
) {
    if !direction.has_ended() {
        direction.flush(&mut |event| tell(handler, flow, side, event));
        direction.end();
        handler.ended(flow, side, end);
    }
}
