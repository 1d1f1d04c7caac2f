//! The flow table's entry for a connection, and how a segment changes it.

use super::ahead::fetch;
use super::delivery::{Delivered, Delivery, Event};
use super::direction::StreamDirection;
use super::flow::{Ends, Evidence, Flow, Side};
use super::history::History;
use super::index::Tag;
use super::key::FlowKey;
use super::limits::StreamLimits;
use super::out_of_order::OutOfOrder;
use super::plain::Plain;
use super::table::Placement;
use super::{Carried, End, Handler, Ignored, Remark, StreamEvent};
use crate::packet::{Flags, Segment, SeqNumber, checksum_is_wrong};

/// State of a slot of the flow table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    /// The slot is free.
    Free,
    /// More data can come.
    Open,
    /// Both directions ended; kept for a while for late segments.
    Closed,
}

/// What all flows of a lane share: limits, remembered bytes, counts.
#[derive(Debug)]
pub(super) struct Memory {
    pub limits: StreamLimits,
    pub history: History,
    /// Bytes of memory held out of order, approximately.
    pub held: usize,
    /// Bytes out of order that were given up because a limit was reached.
    pub given_up: u64,
    /// Retransmitted bytes that were not compared with their first copy.
    pub uncompared: u64,
}

/// A connection in the flow table. Fields are in the order of how often they are used: what every segment needs is in
/// the first two cache lines. Only data needs the third, which begins with the handler's state.
#[derive(Debug)]
#[repr(C, align(128))]
pub(super) struct Entry<S> {
    directions: [StreamDirection; 2],
    delivered: [Delivered; 2],
    pub flow: Flow<S>,
    /// Segments of each side that came too early, and a FIN that did.
    held: [Option<Box<OutOfOrder>>; 2],
    /// Its tag in the index.
    pub tag: Tag,
    /// Its lane.
    pub lane: u8,
    pub status: Status,
    /// Whether it has a dispute, or is the rival in one.
    unsettled: bool,
    /// Whether it is a rival. The index has only the other flow with the same ends; the rival is found through that.
    pub rival: bool,
}

impl<S> Entry<S> {
    pub fn open(key: FlowKey, flow: Flow<S>) -> Self {
        Self {
            status: Status::Open,
            ..Self::again(key.tag, key.lane, flow, Default::default())
        }
    }

    /// An entry for a closed flow that was buried.
    pub fn again(tag: Tag, lane: u8, flow: Flow<S>, directions: [StreamDirection; 2]) -> Self {
        Self {
            tag,
            lane,
            flow,
            directions,
            delivered: Default::default(),
            status: Status::Closed,
            unsettled: false,
            rival: false,
            held: [None, None],
        }
    }

    /// What is known of the directions, if that and the flow are all that a later segment can need: each has ended with
    /// a FIN, and nothing is held or undecided.
    pub fn directions_at_rest(&self) -> Option<[StreamDirection; 2]> {
        let holds = self.holds(Side::A) || self.holds(Side::B);
        let undecided = self.unsettled || self.rival || self.was_reset();
        (self.has_ended() && !holds && !undecided).then_some(self.directions)
    }

    /// Whether it has a dispute, or is the rival in one.
    pub const fn is_unsettled(&self) -> bool {
        self.unsettled
    }

    /// Makes it have a dispute, or be the rival in one.
    pub fn unsettle(&mut self) {
        self.unsettled = true;
        self.flow.plain = [Plain::NOTHING; 2];
    }

    /// Frees its slot.
    pub fn free(&mut self) {
        self.status = Status::Free;
        self.flow.plain = [Plain::NOTHING; 2];
    }

    /// Whether this is the flow of a segment that `from` sent. `ends` are the segment's ends.
    #[inline]
    pub fn is_of(&self, ends: Ends, from: Side, segment: &Segment) -> bool {
        self.status != Status::Free && !self.rival && self.flow.is_of(ends, from, segment)
    }

    /// Has the processor fetch what every segment needs.
    #[inline]
    pub fn fetch(&self) {
        fetch(&self.directions);
        fetch(&self.flow);
    }

    /// Has the processor fetch all of it.
    pub fn fetch_whole(&self) {
        self.fetch();
        fetch(&self.flow.state);
        fetch(&self.tag);
    }

    /// The state that puts a side's bytes in order, and the flow to report them with.
    #[inline]
    pub fn delivery(&mut self, from: Side) -> (Delivery<'_>, &mut Flow<S>) {
        let delivery = Delivery {
            direction: &mut self.directions[from.index()],
            delivered: &mut self.delivered[from.index()],
            held: &mut self.held[from.index()],
        };
        (delivery, &mut self.flow)
    }

    /// Whether a segment opens another connection between the same ends: a SYN whose sequence number differs from that
    /// of the flow's first, as in Wireshark.
    #[inline]
    pub fn is_reopened_by(&self, segment: &Segment, from: Side) -> bool {
        let direction = &self.directions[from.index()];
        segment.flags.opens() && direction.has_base() && direction.base != segment.seq
    }

    /// The direction of what `side` sends.
    pub const fn direction(&self, side: Side) -> &StreamDirection {
        &self.directions[side.index()]
    }

    /// Mutable form of [`direction`](Self::direction).
    pub const fn direction_mut(&mut self, side: Side) -> &mut StreamDirection {
        &mut self.directions[side.index()]
    }

    /// Why the receiver of a reset ignores it; `None` if it may accept it. `in_order` says that this flow's bytes are
    /// put in order, so its sequence numbers are known.
    pub fn refuses_reset(
        &self,
        from: Side,
        carried: &Carried<'_>,
        in_order: bool,
    ) -> Option<Ignored> {
        let segment = carried.segment;
        let sender = self.direction(from);
        let receiver = self.direction(from.other());
        if self.has_wrong_checksum(from, carried) {
            return Some(Ignored::Checksum);
        }
        if receiver.has_syn() && !sender.has_sent() {
            let acked = |ack: SeqNumber| ack.after(receiver.base) && !ack.after(receiver.next());
            let answers = !in_order || segment.acknowledges().is_some_and(acked);
            return (!answers).then_some(Ignored::AnswersNoSyn);
        }
        if !in_order || !sender.has_base() {
            return None;
        }
        let (from, to) = sender.reset_window(self.held[from.index()].as_deref(), receiver);
        let outside = segment.seq.before(from) || segment.seq.after(to);
        outside.then_some(Ignored::OutOfWindow)
    }

    /// Whether a segment's checksum is wrong, while the first segment of its sender had a right one.
    pub fn has_wrong_checksum(&self, from: Side, carried: &Carried<'_>) -> bool {
        self.direction(from).has_right_checksums()
            && checksum_is_wrong(carried.segment, carried.packet) == Some(true)
    }

    /// Whether a SYN/ACK does not belong to this connection.
    pub fn is_stray_answer(&self, from: Side, segment: &Segment) -> bool {
        let sender = self.direction(from);
        segment.flags.accepts() && sender.has_sent() && sender.base != segment.seq
    }

    /// Counts a segment that its receiver ignores.
    pub fn count(&mut self, from: Side, carried: &Carried<'_>) {
        self.flow.last = carried.time;
        self.flow.count(from, carried.wire);
    }

    /// Processes the acknowledgement of a segment without data.
    pub fn acknowledge(
        &mut self,
        from: Side,
        segment: &Segment,
        memory: &mut Memory,
        handler: &mut impl Handler<S>,
    ) {
        if let Some(ack) = segment.acknowledges() {
            self.acknowledged(from.other(), ack, memory, handler);
        }
    }

    /// Whether the connection was reset.
    pub fn was_reset(&self) -> bool {
        self.directions.iter().any(StreamDirection::was_reset)
    }

    /// Accepts bytes again after a reset.
    pub fn revive(&mut self) {
        self.directions.iter_mut().for_each(StreamDirection::revive);
        self.status = Status::Open;
    }

    /// Whether both directions have ended.
    #[inline]
    pub fn has_ended(&self) -> bool {
        self.directions.iter().all(StreamDirection::has_ended)
    }

    /// Whether both directions have ended and the flow is not marked closed yet.
    #[inline]
    pub fn closes(&self) -> bool {
        self.status == Status::Open && self.has_ended()
    }

    /// Processes a segment that its receiver accepts.
    #[inline]
    pub fn take_segment(
        &mut self,
        from: Side,
        carried: &Carried<'_>,
        memory: &mut Memory,
        handler: &mut impl Handler<S>,
    ) {
        self.learn(from, carried);
        if handler.interest(&self.flow).octets {
            self.deliver(from, carried, memory, handler);
        } else {
            self.take_fin(from, carried.segment, memory, handler);
        }
    }

    /// Updates what does not depend on the flow's protocol: times, counts, sequence numbers, roles.
    #[inline]
    pub fn learn(&mut self, from: Side, carried: &Carried<'_>) {
        let segment = carried.segment;
        self.flow.last = carried.time;
        self.flow.count(from, carried.wire);
        self.directions[from.index()].sent(carried);
        if segment.flags.has(Flags::SYN) {
            self.flow.saw_syn(from);
            let client = if segment.flags.accepts() {
                from.other()
            } else {
                from
            };
            self.flow.roles.set(client, Evidence::Handshake);
        }
    }

    /// Puts a segment's bytes in order and reports what its receiver got.
    #[inline]
    pub fn deliver(
        &mut self,
        from: Side,
        carried: &Carried<'_>,
        memory: &mut Memory,
        handler: &mut impl Handler<S>,
    ) {
        let segment = carried.segment;
        let other = from.other();
        let mut held = false;
        if segment.flags.has(Flags::ACK) {
            held = self.acknowledged(other, segment.ack, memory, handler);
        }
        let fin = segment.flags.has(Flags::FIN);
        if segment.payload_len > 0 || fin {
            held |= self.take(from, carried, memory, handler);
        }
        if fin || held {
            for side in [from, other] {
                if self.directions[side.index()].reached_fin() {
                    self.end(side, End::Fin, memory, handler);
                }
            }
        }
    }

    /// Processes an acknowledgement of what `side` sent. Returns whether it shows that a hole arrived.
    #[inline]
    fn acknowledged(
        &mut self,
        side: Side,
        ack: SeqNumber,
        memory: &mut Memory,
        handler: &mut impl Handler<S>,
    ) -> bool {
        let direction = &mut self.directions[side.index()];
        direction.acknowledged(ack);
        let held = self.held[side.index()].as_deref();
        let concedes = held.is_some_and(|held| direction.can_concede(held));
        if concedes {
            self.concede(side, memory, handler);
        }
        concedes
    }

    /// Whether segments of a side are held because they came too early.
    pub const fn holds(&self, side: Side) -> bool {
        self.held[side.index()].is_some()
    }

    /// Skips a hole that the receiver acknowledged: its bytes arrived, but were not captured.
    #[cold]
    fn concede(&mut self, side: Side, memory: &mut Memory, handler: &mut impl Handler<S>) {
        let (mut delivery, flow) = self.delivery(side);
        let before = delivery.held_memory();
        let compares = handler.interest(flow).comparison;
        let history = compares.then_some(&mut memory.history);
        delivery.concede(history, &mut |event| notify(handler, flow, side, event));
        memory.held -= before - delivery.held_memory();
    }

    /// Processes a segment's payload and FIN. Returns whether bytes or a FIN are, or were, held out of order.
    #[inline]
    fn take(
        &mut self,
        from: Side,
        carried: &Carried<'_>,
        memory: &mut Memory,
        handler: &mut impl Handler<S>,
    ) -> bool {
        let (mut delivery, flow) = self.delivery(from);
        let (held_some, before) = (delivery.holds(), delivery.held_memory());
        let compares = handler.interest(flow).comparison;
        let history = compares.then_some(&mut memory.history);
        let uncompared = &mut memory.uncompared;
        let mut event = |event: Event<'_>| match event {
            Event::Uncompared(octets) => *uncompared += octets,
            event => notify(handler, flow, from, event),
        };
        delivery.push(carried, history, &mut event);
        if !held_some && !delivery.holds() {
            return false;
        }
        let limits = memory.limits;
        let mut own = delivery.held_memory();
        let mut held = memory.held - before + own;
        while own > limits.buffer_per_direction || (held > limits.buffer && own > 0) {
            memory.given_up += delivery.give_up(&mut event);
            let left = delivery.held_memory();
            held -= own - left;
            own = left;
        }
        memory.held = held;
        true
    }

    /// Processes a segment of a flow whose bytes no handler needs: only its FIN counts.
    pub fn take_fin(
        &mut self,
        from: Side,
        segment: &Segment,
        memory: &mut Memory,
        handler: &mut impl Handler<S>,
    ) {
        if segment.flags.has(Flags::FIN) {
            self.end(from, End::Fin, memory, handler);
        }
    }

    /// Ends a direction, once. What is held is delivered first, with gaps.
    pub fn end(&mut self, side: Side, by: End, memory: &mut Memory, handler: &mut impl Handler<S>) {
        let (mut delivery, flow) = self.delivery(side);
        if !delivery.direction.has_ended() {
            memory.held -= delivery.held_memory();
            delivery.flush(&mut |event| notify(handler, flow, side, event));
            match by {
                End::Reset => delivery.direction.reset(),
                _ => delivery.direction.end(),
            }
            handler.take(flow, side, StreamEvent::Ended(by));
        }
    }

    /// The place of a segment with these flags, sequence and acknowledgement numbers.
    #[inline]
    pub fn place(
        &self,
        from: Side,
        flags: Flags,
        [seq, ack]: [SeqNumber; 2],
        reused: bool,
    ) -> Placement {
        let own = &self.directions[from.index()];
        let other = &self.directions[from.other().index()];
        let window_shift = if flags.has(Flags::SYN) {
            Some(0)
        } else {
            own.window_shift(other)
        };
        Placement {
            stream: self.flow.stream,
            side: from,
            sender: self.flow.role(from),
            watched: self.flow.is_watched(),
            reused,
            // An ignored segment does not define where its direction starts. Shown alone, its number is 1.
            relative_seq: if own.has_base() {
                seq.0.wrapping_sub(own.base.0)
            } else {
                1
            },
            relative_ack: if flags.has(Flags::ACK) {
                ack.0.wrapping_sub(other.base.0)
            } else {
                ack.0
            },
            window_shift,
        }
    }
}

fn notify<S>(handler: &mut impl Handler<S>, flow: &mut Flow<S>, from: Side, event: Event<'_>) {
    let event = match event {
        Event::Octets(chunk) => StreamEvent::Octets(chunk),
        Event::Gap(octets) => StreamEvent::Gap(octets),
        Event::Conflict(conflict) => StreamEvent::Remark(Remark::Conflict(conflict)),
        Event::GivenUp(octets) => StreamEvent::Remark(Remark::GivenUp(octets)),
        // It is only counted: one remark for each would be too many.
        Event::Uncompared(_) => return,
    };
    handler.take(flow, from, event);
}

#[cfg(test)]
mod tests {
    use std::mem::offset_of;

    use super::*;

    type State = [u64; 10];

    #[test]
    fn what_every_segment_needs_is_in_two_lines_of_the_cache() {
        assert!(size_of::<[StreamDirection; 2]>() + size_of::<[Delivered; 2]>() <= 64);
        assert_eq!(offset_of!(Entry<State>, flow), 64);
        // What data needs is at the start of the handler's state.
        assert_eq!(offset_of!(Flow<State>, state), 64);
        assert_eq!(size_of::<Entry<State>>(), 256);
    }
}
