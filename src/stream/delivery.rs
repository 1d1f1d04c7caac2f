//! Puts one direction's bytes in order, and reports them as its receiver got them.

#![expect(
    clippy::cast_possible_truncation,
    reason = "payloads of segments, and bytes out of order of at most 1 MiB a direction"
)]

use super::direction::{Known, StreamDirection};
use super::history::{History, Position};
use super::out_of_order::{Carrier, Held, OutOfOrder, difference};
use super::{Carried, Chunk, Conflict};
use crate::packet::{Flags, SeqNumber};

/// Result of a segment's payload, in order of sequence numbers.
#[derive(Debug, Clone, Copy)]
pub(super) enum Event<'a> {
    /// Bytes that are next in order.
    Octets(Chunk<'a>),
    /// This many bytes were never captured.
    Gap(u64),
    /// A second copy differs.
    Conflict(Conflict),
    /// This many bytes held out of order were given up.
    GivenUp(u64),
    /// This many retransmitted bytes were not compared: their first copy is no longer remembered.
    Uncompared(u64),
}

/// State of a direction that only segments with data need.
#[derive(Debug, Default)]
pub(super) struct Delivered {
    /// Bytes before the next one in order, gaps included.
    position: u64,
    /// The last run of delivered bytes in the history.
    history: Position,
}

/// One direction, borrowed to process a segment with data.
#[derive(Debug)]
pub(super) struct Delivery<'a> {
    pub direction: &'a mut StreamDirection,
    pub delivered: &'a mut Delivered,
    /// Segments that came too early, and a FIN that did.
    pub held: &'a mut Option<Box<OutOfOrder>>,
}

impl Delivery<'_> {
    /// Processes a segment's payload and FIN. With a `history`, delivered bytes are remembered there and retransmitted
    /// ones compared with them.
    pub fn push(
        &mut self,
        carried: &Carried<'_>,
        history: Option<&mut History>,
        event: &mut impl FnMut(Event<'_>),
    ) {
        if self.direction.has_ended() {
            return;
        }
        let Carried {
            segment, payload, ..
        } = *carried;
        let seq = segment.payload_seq();
        let len = segment.payload_len;
        if len > 0 {
            let by = Carrier {
                frame: carried.number,
                time: carried.time,
                ack: segment.acknowledges(),
            };
            let missing = len - payload.len() as u32;
            if seq == self.direction.next && self.held.is_none() {
                self.deliver_whole(payload, missing, by, segment.payload_start, history, event);
            } else {
                let held = Held {
                    seq,
                    octets: payload.to_vec(),
                    missing,
                    carrier: by,
                    offset: segment.payload_start,
                };
                self.push_out_of_order(held, history, event);
            }
        }
        if segment.flags.has(Flags::FIN) {
            let fin = seq.plus(len);
            if fin == self.direction.next {
                self.direction.reach_fin();
            } else if fin.after(self.direction.next) {
                self.held.get_or_insert_default().fin = Some(fin);
            }
        }
    }

    fn deliver_whole(
        &mut self,
        payload: &[u8],
        missing: u32,
        carrier: Carrier,
        offset: u32,
        history: Option<&mut History>,
        event: &mut impl FnMut(Event<'_>),
    ) {
        if !payload.is_empty() {
            let seq = self.next_in_order(payload, history);
            event(Event::Octets(carrier.chunk(payload, offset, seq)));
        }
        if missing > 0 {
            self.advance(missing);
            event(Event::Gap(u64::from(missing)));
        }
    }

    /// Delivers bytes that are next in order, and returns their first sequence number.
    #[inline]
    pub fn next_in_order(&mut self, payload: &[u8], history: Option<&mut History>) -> SeqNumber {
        let seq = self.direction.next;
        if let Some(history) = history {
            self.delivered.history = history.remember(self.delivered.history, seq, payload);
        }
        self.advance(payload.len() as u32);
        seq
    }

    fn advance(&mut self, octets: u32) {
        self.direction.next = self.direction.next.plus(octets);
        self.delivered.position += u64::from(octets);
    }

    /// Whether anything is held out of order.
    pub const fn holds(&self) -> bool {
        self.held.is_some()
    }

    /// Bytes of memory that the segments held out of order use, approximately.
    pub fn held_memory(&self) -> usize {
        self.held.as_ref().map_or(0, |held| held.memory)
    }

    /// Whether an acknowledgement shows that the bytes before those held arrived.
    fn can_concede(&self) -> bool {
        let held = self.held.as_ref();
        held.is_some_and(|held| self.direction.can_concede(held))
    }

    /// Offset of a sequence number from the start of the direction's data. The number must be within 2 GiB of `next`.
    fn offset_of(&self, seq: SeqNumber) -> u64 {
        self.delivered
            .position
            .saturating_add_signed(i64::from(seq.since(self.direction.next)))
    }

    #[inline(never)]
    fn push_out_of_order(
        &mut self,
        mut held: Held,
        mut history: Option<&mut History>,
        event: &mut impl FnMut(Event<'_>),
    ) {
        let frame = held.carrier.frame;
        if held.seq.before(self.direction.next) {
            let old = self.direction.next.since(held.seq).unsigned_abs();
            // One byte just before the next one is a keep-alive; the byte means nothing (RFC 9293 section 3.8.4).
            let keep_alive = old == 1 && held.octets.len() + held.missing as usize == 1;
            if let (Some(history), false) = (&history, keep_alive) {
                self.compare_with_delivered(history, &held, event);
            }
            if !held.end().after(self.direction.next) {
                return;
            }
            let captured_old = old.min(held.octets.len() as u32);
            held.octets.drain(..captured_old as usize);
            held.missing -= old - captured_old;
            held.offset += captured_old;
            held.seq = self.direction.next;
        }
        let out_of_order = self.held.get_or_insert_default();
        for differs in out_of_order.insert(held) {
            event(Event::Conflict(Conflict {
                frame,
                from: self.offset_of(differs.from),
                to: self.offset_of(differs.to),
            }));
        }
        self.deliver_held(history.as_deref_mut(), event);
        if self.can_concede() {
            self.concede(history, event);
        }
    }

    fn compare_with_delivered(
        &self,
        history: &History,
        held: &Held,
        event: &mut impl FnMut(Event<'_>),
    ) {
        let (mut from, mut to) = (u64::MAX, 0);
        let len = held.octets.len() as u32;
        let delivered = len.min(self.direction.next.bytes_after(held.seq));
        let mut compared = 0;
        let kept_all = history.overlaps(
            self.delivered.history,
            held.seq,
            delivered,
            |run, octets| {
                let start = run.later(held.seq);
                let first = &octets[start.bytes_after(run) as usize..];
                let second = &held.octets[start.bytes_after(held.seq) as usize..];
                let common = first.len().min(second.len());
                compared += common as u64;
                if let Some(differs) = difference(start, &first[..common], &second[..common]) {
                    from = from.min(self.offset_of(differs.from));
                    to = to.max(self.offset_of(differs.to));
                }
            },
        );
        if !kept_all {
            event(Event::Uncompared(
                u64::from(delivered).saturating_sub(compared),
            ));
        }
        if from < to {
            event(Event::Conflict(Conflict {
                frame: held.carrier.frame,
                from,
                to,
            }));
        }
    }

    /// Delivers held segments that are next in order.
    fn deliver_held(
        &mut self,
        mut history: Option<&mut History>,
        event: &mut impl FnMut(Event<'_>),
    ) {
        loop {
            let next = self.direction.next;
            let Some(out_of_order) = &mut *self.held else {
                return;
            };
            if out_of_order.first().is_some_and(|held| held.seq == next) {
                if let Some(held) = out_of_order.pop() {
                    self.deliver_whole(
                        &held.octets,
                        held.missing,
                        held.carrier,
                        held.offset,
                        history.as_deref_mut(),
                        event,
                    );
                }
                continue;
            }
            // A FIN numbered before the last byte sent counts as soon as the bytes before it are delivered.
            if out_of_order.fin.is_some_and(|fin| !fin.after(next)) {
                self.direction.reach_fin();
                *self.held = None;
            } else if out_of_order.is_empty() {
                *self.held = None;
            }
            return;
        }
    }

    /// Skips the hole before the first held bytes, and delivers what follows it.
    pub fn concede(&mut self, history: Option<&mut History>, event: &mut impl FnMut(Event<'_>)) {
        let Some(out_of_order) = &*self.held else {
            return;
        };
        let Some(seq) = out_of_order
            .first()
            .map(|held| held.seq)
            .or(out_of_order.fin)
        else {
            return;
        };
        let hole = seq.bytes_after(self.direction.next);
        self.advance(hole);
        if hole > 0 {
            event(Event::Gap(u64::from(hole)));
        }
        self.deliver_held(history, event);
    }

    /// Called when nothing more comes: skips holes until nothing is held, and reports acknowledged bytes that were
    /// never captured as a gap.
    pub fn flush(&mut self, event: &mut impl FnMut(Event<'_>)) {
        while self.held.is_some() && !self.direction.has_ended() {
            self.concede(None, event);
        }
        let lost = self.direction.acked.since(self.direction.next);
        // One number more than there was data is a FIN that was not captured.
        if self.direction.known.has(Known::ACKED)
            && self.direction.known.has(Known::SENT)
            && lost > 1
        {
            self.advance(lost.unsigned_abs());
            event(Event::Gap(u64::from(lost.unsigned_abs())));
        }
    }

    /// Gives up waiting for the first hole because a limit was reached: reports and returns the number of held bytes
    /// that this concerns, and continues after the hole.
    pub fn give_up(&mut self, event: &mut impl FnMut(Event<'_>)) -> u64 {
        let position = self.delivered.position;
        let out_of_order = self
            .held
            .as_ref()
            .and_then(|out_of_order| out_of_order.first_run());
        let octets = out_of_order.unwrap_or_default();
        event(Event::GivenUp(octets));
        self.concede(None, event);
        debug_assert!(self.delivered.position >= position + octets);
        octets
    }
}
