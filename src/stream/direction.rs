//! One direction of a connection: what its receiver got so far.

#![expect(
    clippy::cast_possible_truncation,
    reason = "payloads of segments, and bytes out of order of at most 1 MiB a direction"
)]

use super::ahead::{Ahead, Carrier, Held, difference};
use super::history::{History, Position};
use super::{Carried, Chunk, Conflict};
use crate::packet::{Flags, Segment, SeqNumber, checksum_is_wrong};

/// Octets by which an acknowledgement can be captured before what it acknowledges, at the most: the
/// largest window of connections without window scaling (RFC 9293 section 3.1).
pub(crate) const OVERTAKEN_BY: i32 = 65_535;

/// What is known about a direction, as bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Known(u8);

impl Known {
    /// `base` and `next` are known.
    const BASE: u8 = 1;
    /// Its SYN was seen.
    const SYN: u8 = 2;
    /// `acked` is known.
    const ACKED: u8 = 4;
    /// It has ended; nothing more is delivered.
    const ENDED: u8 = 8;
    /// A segment of this direction was seen.
    const SENT: u8 = 16;
    /// All octets before its FIN were delivered.
    const FIN: u8 = 32;
    /// It was ended by a reset.
    const RESET: u8 = 64;
    /// The checksum of its first segment is right.
    const RIGHT: u8 = 128;

    const fn has(self, bit: u8) -> bool {
        self.0 & bit != 0
    }

    const fn has_all(self, bits: u8) -> bool {
        self.0 & bits == bits
    }

    fn set(&mut self, bit: u8) {
        self.0 |= bit;
    }
}

/// What came of a segment's payload, in order.
#[derive(Debug, Clone, Copy)]
pub(super) enum Event<'a> {
    /// Octets that are next in order.
    Octets(Chunk<'a>),
    /// Octets that were never captured.
    Gap(u64),
    /// A second copy differs.
    Conflict(Conflict),
    /// Octets held out of order are given up.
    GivenUp(u64),
    /// Octets that came again are not compared: their first copy is not kept any more.
    Uncompared(u64),
}

/// Bookkeeping of one direction. Kept small: a capture can have a million open flows.
#[derive(Debug, Default)]
pub(super) struct Direction {
    /// Sequence number that counts as 0: of the SYN, or one before the first octet seen.
    pub base: SeqNumber,
    /// Sequence number of the next octet in order.
    next: SeqNumber,
    /// Highest acknowledgement by the receiver.
    acked: SeqNumber,
    known: Known,
    /// Window scale of the sender's SYN, plus one; 0 where there was none.
    shift_plus_one: u8,
    /// Window that the sender last offered, as in its header.
    window: u16,
    /// Octets of data before `next`, gaps included.
    position: u64,
    ahead: Option<Box<Ahead>>,
    history: Position,
}

impl Direction {
    pub const fn has_base(&self) -> bool {
        self.known.has(Known::BASE)
    }

    /// Whether the octets up to its FIN were delivered.
    pub const fn reached_fin(&self) -> bool {
        self.known.has(Known::FIN)
    }

    /// Whether a segment of this direction was seen.
    pub const fn has_sent(&self) -> bool {
        self.known.has(Known::SENT)
    }

    /// Whether its SYN was seen.
    pub const fn has_syn(&self) -> bool {
        self.known.has(Known::SYN)
    }

    /// Sequence number of the next octet in order.
    pub const fn next(&self) -> SeqNumber {
        self.next
    }

    /// Whether the checksum of its first segment is right.
    pub const fn has_right_checksums(&self) -> bool {
        self.known.has(Known::RIGHT)
    }

    /// Whether it was ended by a reset.
    pub const fn was_reset(&self) -> bool {
        self.known.has(Known::RESET)
    }

    /// Ends it by a reset.
    pub fn reset(&mut self) {
        self.known.set(Known::RESET | Known::ENDED);
    }

    /// Takes octets again although it was reset.
    pub fn revive(&mut self) {
        self.known.0 &= !(Known::RESET | Known::ENDED);
    }

    /// The sequence numbers of which a reset may have one, in the receiver's window as far as an
    /// observer knows it: from what the receiver acknowledged, or the direction's start, to the
    /// window's end, or the last octet seen. `receiver` is the direction of the receiver's own
    /// segments.
    pub fn reset_window(&self, receiver: &Self) -> (SeqNumber, SeqNumber) {
        // The largest shift count (RFC 7323 section 2.3) where it is not known.
        const MOST: u8 = 14;
        let from = if self.known.has(Known::ACKED) {
            self.acked
        } else {
            self.base.plus(1)
        };
        let ahead = self.ahead.as_ref();
        let seen = ahead.map_or(self.next, |ahead| ahead.end().unwrap_or(self.next));
        let window = if receiver.known.has(Known::SENT) {
            let shift = receiver.window_shift(self).unwrap_or(MOST).min(MOST);
            u32::from(receiver.window) << shift
        } else {
            u32::from(u16::MAX) << MOST
        };
        // A FIN takes a number too.
        (from, from.plus(window).later(seen.plus(1)))
    }

    /// Shift count of this side's windows: both sides must offer one (RFC 7323 section 2.2). A
    /// SYN that was not captured is believed to have offered what its answer, or what it answers,
    /// does.
    pub fn window_shift(&self, other: &Self) -> Option<u8> {
        let offers = |side: &Self| {
            let has_syn = side.known.has(Known::SYN);
            has_syn.then_some(side.shift_plus_one.checked_sub(1))
        };
        match (offers(self), offers(other)) {
            (Some(None), _) | (_, Some(None)) => Some(0),
            (own, _) => own.flatten(),
        }
    }

    pub const fn has_ended(&self) -> bool {
        self.known.has(Known::ENDED)
    }

    pub fn end(&mut self) {
        self.known.set(Known::ENDED);
    }

    /// Whether anything is held out of order.
    pub const fn holds(&self) -> bool {
        self.ahead.is_some()
    }

    /// Octets of memory held out of order, about.
    pub fn held_memory(&self) -> usize {
        self.ahead.as_ref().map_or(0, |ahead| ahead.memory)
    }

    /// Learns the start of the numbering from a segment that this side sent.
    #[inline]
    pub fn sent(&mut self, carried: &Carried<'_>) {
        let segment = carried.segment;
        self.window = segment.window;
        let knows = self.known.has_all(Known::BASE | Known::SENT);
        if !knows || segment.flags.has(Flags::SYN) {
            self.learn(carried);
        }
    }

    fn learn(&mut self, carried: &Carried<'_>) {
        let segment = carried.segment;
        if !self.known.has(Known::SENT)
            && !checksum_is_wrong(segment, carried.packet).unwrap_or(true)
        {
            self.known.set(Known::RIGHT);
        }
        if segment.flags.has(Flags::SYN) && !self.known.has(Known::SYN) {
            if !self.has_base() || self.base == segment.seq || !self.known.has(Known::SENT) {
                self.known.set(Known::SYN);
                self.shift_plus_one = segment.window_shift.map_or(0, |s| s.saturating_add(1));
                self.start(segment.seq);
            }
        } else if !self.has_base() {
            self.start(SeqNumber(segment.seq.0.wrapping_sub(1)));
        } else if !self.known.has(Known::SENT) && self.is_overtaken(segment) {
            self.next = segment.seq;
        }
        self.known.set(Known::SENT);
    }

    /// Whether the first segment of a direction carries octets from before the acknowledgement that
    /// told where the direction stands: that was captured too early. A keep-alive carries one.
    fn is_overtaken(&self, segment: &Segment) -> bool {
        let before = self.next.since(segment.seq);
        segment.payload_len > 1 && (1..=OVERTAKEN_BY).contains(&before)
    }

    fn start(&mut self, base: SeqNumber) {
        self.base = base;
        self.next = base.plus(1);
        self.known.set(Known::BASE);
    }

    /// Takes an acknowledgement by the receiver of this direction.
    #[inline]
    pub fn acknowledged(&mut self, ack: SeqNumber) {
        if !self.has_base() {
            self.start(SeqNumber(ack.0.wrapping_sub(1)));
        }
        self.acked = if self.known.has(Known::ACKED) {
            self.acked.later(ack)
        } else {
            ack
        };
        self.known.set(Known::ACKED);
    }

    fn receiver_has(&self, seq: SeqNumber) -> bool {
        self.known.has(Known::ACKED) && !self.acked.before(seq)
    }

    /// Whether data or FIN that is held may follow now: an acknowledgement says that the octets
    /// before it arrived, though they were not captured.
    pub fn can_concede(&self) -> bool {
        self.ahead.as_ref().is_some_and(|ahead| {
            let held = ahead.first().map(|held| held.seq);
            held.or(ahead.fin).is_some_and(|seq| self.receiver_has(seq))
        })
    }

    /// Takes the payload and FIN of a segment. `keep` says that delivered octets are to be
    /// remembered for comparison with second copies.
    pub fn push(
        &mut self,
        carried: &Carried<'_>,
        history: Option<&mut History>,
        event: &mut impl FnMut(Event<'_>),
    ) {
        if self.has_ended() {
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
            if seq == self.next && self.ahead.is_none() {
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
            if fin == self.next {
                self.known.set(Known::FIN);
            } else if fin.after(self.next) {
                self.ahead.get_or_insert_default().fin = Some(fin);
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
            if let Some(history) = history {
                self.history = history.remember(self.history, self.next, payload);
            }
            let seq = self.next;
            self.advance(payload.len() as u32);
            event(Event::Octets(carrier.chunk(payload, offset, seq)));
        }
        if missing > 0 {
            self.advance(missing);
            event(Event::Gap(u64::from(missing)));
        }
    }

    fn advance(&mut self, octets: u32) {
        self.next = self.next.plus(octets);
        self.position += u64::from(octets);
    }

    /// Offset of a sequence number from the start of the data, for numbers near `next`.
    fn offset_of(&self, seq: SeqNumber) -> u64 {
        self.position
            .saturating_add_signed(i64::from(seq.since(self.next)))
    }

    #[inline(never)]
    fn push_out_of_order(
        &mut self,
        mut held: Held,
        mut history: Option<&mut History>,
        event: &mut impl FnMut(Event<'_>),
    ) {
        let frame = held.carrier.frame;
        if held.seq.before(self.next) {
            let old = self.next.since(held.seq).unsigned_abs();
            // One octet just before the next one is a keep-alive, whose octet means nothing
            // (RFC 9293 section 3.8.4).
            let keep_alive = old == 1 && held.octets.len() + held.missing as usize == 1;
            if let (Some(history), false) = (&history, keep_alive) {
                self.compare_with_delivered(history, &held, event);
            }
            if !held.end().after(self.next) {
                return;
            }
            let captured_old = old.min(held.octets.len() as u32);
            held.octets.drain(..captured_old as usize);
            held.missing -= old - captured_old;
            held.offset += captured_old;
            held.seq = self.next;
        }
        let ahead = self.ahead.get_or_insert_default();
        for differs in ahead.insert(held) {
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
        let delivered = len.min(self.next.octets_after(held.seq));
        let mut compared = 0;
        let kept_all = history.overlaps(self.history, held.seq, delivered, |run, octets| {
            let start = run.later(held.seq);
            let first = &octets[start.octets_after(run) as usize..];
            let second = &held.octets[start.octets_after(held.seq) as usize..];
            let common = first.len().min(second.len());
            compared += common as u64;
            if let Some(differs) = difference(start, &first[..common], &second[..common]) {
                from = from.min(self.offset_of(differs.from));
                to = to.max(self.offset_of(differs.to));
            }
        });
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

    /// Delivers what is held and next in order.
    fn deliver_held(
        &mut self,
        mut history: Option<&mut History>,
        event: &mut impl FnMut(Event<'_>),
    ) {
        loop {
            let next = self.next;
            let Some(ahead) = &mut self.ahead else { return };
            if ahead.first().is_some_and(|held| held.seq == next) {
                if let Some(held) = ahead.pop() {
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
            // A FIN that says less than was sent counts as soon as the octets before it are there.
            if ahead.fin.is_some_and(|fin| !fin.after(next)) {
                self.known.set(Known::FIN);
                self.ahead = None;
            } else if ahead.is_empty() {
                self.ahead = None;
            }
            return;
        }
    }

    /// Gives the hole before the first held octets up and delivers what follows.
    pub fn concede(&mut self, history: Option<&mut History>, event: &mut impl FnMut(Event<'_>)) {
        let Some(ahead) = &self.ahead else { return };
        let Some(seq) = ahead.first().map(|held| held.seq).or(ahead.fin) else {
            return;
        };
        let hole = seq.octets_after(self.next);
        self.advance(hole);
        if hole > 0 {
            event(Event::Gap(u64::from(hole)));
        }
        self.deliver_held(history, event);
    }

    /// Concedes holes until nothing is held, and tells of acknowledged octets that were never
    /// captured: nothing more comes.
    pub fn flush(&mut self, event: &mut impl FnMut(Event<'_>)) {
        while self.ahead.is_some() && !self.has_ended() {
            self.concede(None, event);
        }
        let lost = self.acked.since(self.next);
        // One octet more than there was data is the FIN that was not captured.
        if self.known.has(Known::ACKED) && self.known.has(Known::SENT) && lost > 1 {
            self.advance(lost.unsigned_abs());
            event(Event::Gap(u64::from(lost.unsigned_abs())));
        }
    }

    /// Lets what is held behind the first hole wait no longer because a bound was reached: says how
    /// much that is, goes on behind the hole, and gives how many octets it was.
    pub fn give_up(&mut self, event: &mut impl FnMut(Event<'_>)) -> u64 {
        let position = self.position;
        let ahead = self.ahead.as_ref().and_then(|ahead| ahead.first_run());
        let octets = ahead.unwrap_or_default();
        event(Event::GivenUp(octets));
        self.concede(None, event);
        debug_assert!(self.position >= position + octets);
        octets
    }
}
