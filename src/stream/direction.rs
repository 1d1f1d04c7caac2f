//! One direction of a connection: its sequence numbers, as far as they are known.

use super::Carried;
use super::out_of_order::OutOfOrder;
use crate::packet::{Flags, Segment, SeqNumber, checksum_is_wrong};

/// Most bytes by which the first segment of a direction can precede an acknowledgement that was captured before it: the
/// largest window without window scaling (RFC 9293 section 3.1).
pub(crate) const OVERTAKEN_BY: i32 = 65_535;

/// What is known about a direction, as a bit set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Known(u8);

impl Known {
    /// `base` and `next` are known.
    const BASE: u8 = 1;
    /// Its SYN was seen.
    const SYN: u8 = 2;
    /// `acked` is known.
    pub(super) const ACKED: u8 = 4;
    /// It has ended; nothing more is delivered.
    const ENDED: u8 = 8;
    /// A segment of this direction was seen.
    pub(super) const SENT: u8 = 16;
    /// All bytes before its FIN were delivered.
    pub(super) const FIN: u8 = 32;
    /// It was ended by a reset.
    const RESET: u8 = 64;
    /// The checksum of its first captured segment is right.
    const RIGHT: u8 = 128;

    pub(super) const fn has(self, bit: u8) -> bool {
        self.0 & bit != 0
    }

    const fn has_all(self, bits: u8) -> bool {
        self.0 & bits == bits
    }

    pub(super) fn set(&mut self, bit: u8) {
        self.0 |= bit;
    }
}

/// State of a direction that every segment needs. What only segments with data need is in
/// [`Delivered`](super::delivery::Delivered). Small, because a capture can have a million open flows.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct StreamDirection {
    /// Sequence number shown as relative 0: that of the SYN, or one before the first byte captured.
    pub base: SeqNumber,
    /// Sequence number of the next byte in order.
    pub(super) next: SeqNumber,
    /// Highest acknowledgement number that the receiver sent.
    pub(super) acked: SeqNumber,
    pub(super) known: Known,
    /// Shift count from the sender's SYN, plus one; 0 if it had none.
    shift_plus_one: u8,
    /// Window that the sender last offered, not shifted.
    pub(super) window: u16,
}

impl StreamDirection {
    pub const fn has_base(&self) -> bool {
        self.known.has(Known::BASE)
    }

    /// Records that the bytes up to its FIN were delivered.
    pub fn reach_fin(&mut self) {
        self.known.set(Known::FIN);
    }

    /// Whether the bytes up to its FIN were delivered.
    pub const fn reached_fin(&self) -> bool {
        self.known.has(Known::FIN)
    }

    /// Whether a segment of this direction was seen.
    pub const fn has_sent(&self) -> bool {
        self.known.has(Known::SENT)
    }

    /// Whether its sequence numbers are known and a segment of it was seen.
    pub const fn is_known(&self) -> bool {
        self.known.has_all(Known::BASE | Known::SENT)
    }

    /// Whether its SYN was seen.
    pub const fn has_syn(&self) -> bool {
        self.known.has(Known::SYN)
    }

    /// Sequence number of the next byte in order.
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

    /// Accepts bytes again after a reset.
    pub fn revive(&mut self) {
        self.known.0 &= !(Known::RESET | Known::ENDED);
    }

    /// The first and last sequence number with which a reset may be accepted: the receiver's window as far as an
    /// observer knows it. It goes from what the receiver acknowledged, or the direction's start, to the window's end or
    /// the last byte seen, whichever is later. `held` is what came too early of this direction, `receiver` the direction
    /// of the receiver's own segments.
    pub fn reset_window(
        &self,
        held: Option<&OutOfOrder>,
        receiver: &Self,
    ) -> (SeqNumber, SeqNumber) {
        // The largest shift count (RFC 7323 section 2.3), used where the count is unknown.
        const MOST: u8 = 14;
        let from = if self.known.has(Known::ACKED) {
            self.acked
        } else {
            self.base.plus(1)
        };
        let seen = held.and_then(OutOfOrder::end).unwrap_or(self.next);
        let window = if receiver.known.has(Known::SENT) {
            let shift = receiver.window_shift(self).unwrap_or(MOST).min(MOST);
            u32::from(receiver.window) << shift
        } else {
            u32::from(u16::MAX) << MOST
        };
        // A FIN takes one sequence number.
        (from, from.plus(window).later(seen.plus(1)))
    }

    /// Shift count of this side's windows; `None` if unknown. Scaling needs the option in both SYNs (RFC 7323 section
    /// 2.2). A SYN that was not captured is assumed to have the option if the other SYN has it.
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

    /// Updates the state with a segment that this side sent.
    #[inline]
    pub fn sent(&mut self, carried: &Carried<'_>) {
        let segment = carried.segment;
        self.window = segment.window;
        if !self.is_known() || segment.flags.has(Flags::SYN) {
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

    /// Whether this segment, the first captured of its direction, carries bytes that an acknowledgement captured before
    /// it already covers: the acknowledgement was captured too early. One such byte is a keep-alive.
    fn is_overtaken(&self, segment: &Segment) -> bool {
        let before = self.next.since(segment.seq);
        segment.payload_len > 1 && (1..=OVERTAKEN_BY).contains(&before)
    }

    fn start(&mut self, base: SeqNumber) {
        self.base = base;
        self.next = base.plus(1);
        self.known.set(Known::BASE);
    }

    /// Processes an acknowledgement number from this direction's receiver.
    #[inline]
    pub fn acknowledged(&mut self, ack: SeqNumber) {
        if self.known.has(Known::ACKED) {
            self.acked = self.acked.later(ack);
        } else {
            self.acknowledged_first(ack);
        }
    }

    #[cold]
    fn acknowledged_first(&mut self, ack: SeqNumber) {
        if !self.has_base() {
            self.start(SeqNumber(ack.0.wrapping_sub(1)));
        }
        self.acked = ack;
        self.known.set(Known::ACKED);
    }

    fn receiver_has(&self, seq: SeqNumber) -> bool {
        self.known.has(Known::ACKED) && !self.acked.before(seq)
    }

    /// Whether an acknowledgement shows that the bytes before `held`, which came too early, arrived although they were
    /// not captured.
    pub fn can_concede(&self, held: &OutOfOrder) -> bool {
        let first = held.first().map(|held| held.seq);
        first.or(held.fin).is_some_and(|seq| self.receiver_has(seq))
    }
}
