//! Fast path of the flow table: a segment that continues its flow in order, or ends its direction.
//!
//! A few checks find such segments, and nearly all are. Everything else takes the general path, [`FlowTable::place`],
//! which would give the same result for these segments too; a property test compares the two.

use super::entry::{Entry, Memory, Status};
use super::flow::{Flow, Side};
use super::index::Hint;
use super::key::FlowKey;
use super::lane::{Lane, lane_index};
use super::out_of_order::Carrier;
use super::table::{FlowTable, Placement};
use super::{End, Handler, HandlerState, Interest, StreamEvent};
use crate::capture::{Frame, Timestamp};
use crate::packet::{Flags, PlainSegment, VlanTags};

/// What the fast path may do with the segments of one side of a flow: a bit set. It is computed from the flow's state
/// after each change, so that a segment needs to check only this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Plain(u8);

impl Plain {
    /// It may process none.
    pub const NOTHING: Self = Self(0);
    /// It may process segments without data.
    const EMPTY: u8 = 1;
    /// It may process segments with data.
    const DATA: u8 = 2;
    /// The handler needs the bytes, so data must be next in order.
    const IN_ORDER: u8 = 4;
    /// The bytes are remembered to compare retransmitted ones with them.
    const REMEMBERED: u8 = 8;

    const fn has_all(self, bits: u8) -> bool {
        self.0 & bits == bits
    }
}

/// A plain segment and the frame that carried it.
#[derive(Debug, Clone, Copy)]
pub struct PlainCarried<'a, F> {
    /// When it was captured.
    pub time: Timestamp,
    /// Length of the frame on the wire, in bytes.
    pub wire: u32,
    /// The segment.
    pub segment: &'a PlainSegment,
    /// Returns the frame, which is needed only if the segment brings data.
    pub frame: F,
}

/// Result of the fast path.
#[derive(Debug)]
pub struct Taken<'a, S> {
    entry: &'a Entry<S>,
    /// Whether the handler received anything.
    pub delivered: bool,
}

impl<'a, S> Taken<'a, S> {
    /// The segment's flow.
    #[must_use]
    #[inline]
    pub const fn flow(&self) -> &'a Flow<S> {
        &self.entry.flow
    }

    /// The segment's place.
    #[must_use]
    #[inline]
    pub fn place(&self, key: FlowKey, segment: &PlainSegment) -> Placement {
        let numbers = [segment.seq, segment.ack];
        self.entry.place(key.from, segment.flags, numbers, false)
    }
}

impl<S: HandlerState> FlowTable<S> {
    /// Processes a segment that continues its flow in order. Returns `None`, and changes nothing, if it does not.
    #[inline]
    pub fn take_plain<'f>(
        &mut self,
        carried: PlainCarried<'_, impl FnOnce() -> Frame<'f>>,
        key: FlowKey,
        hint: Hint,
        handler: &mut impl Handler<S>,
    ) -> Option<Taken<'_, S>> {
        // Two flows seldom have one tag; the general path tells them apart.
        let slot = hint.slot().or_else(|| self.index.first_with(key.tag))?;
        if carried.segment.flags.has(UNUSUAL) {
            return self.take_plain_fin(slot, key, &carried, handler);
        }
        let entry = self.entries.get_mut(slot)?;
        if !entry.flow.ends.are_of_plain(key.from, carried.segment) {
            return None;
        }
        let delivered = entry.take_plain(key, carried, &mut self.lanes, handler)?;
        Some(Taken { entry, delivered })
    }

    /// Processes a FIN without data that is next in order. Returns `None`, and changes nothing, for any other segment.
    #[inline(never)]
    fn take_plain_fin<F>(
        &mut self,
        slot: u32,
        key: FlowKey,
        carried: &PlainCarried<'_, F>,
        handler: &mut impl Handler<S>,
    ) -> Option<Taken<'_, S>> {
        // A side that may send data has not ended.
        const FIN_IN_ORDER: u8 = Plain::EMPTY | Plain::DATA | Plain::IN_ORDER;
        let (from, segment) = (key.from, carried.segment);
        let entry = self.entries.get_mut(slot)?;
        let is_fin = segment.flags.0 & UNUSUAL.0 == Flags::FIN.0 && segment.payload_len == 0;
        let direction = entry.direction(from);
        if !is_fin
            || !entry.flow.ends.are_of_plain(from, segment)
            || !entry.flow.plain[from.index()].has_all(FIN_IN_ORDER)
            || direction.next() != segment.seq
        {
            return None;
        }
        entry.count_plain(from, carried);
        if segment.flags.has(Flags::ACK) {
            entry.direction_mut(from.other()).acknowledged(segment.ack);
        }
        entry.direction_mut(from).reach_fin();
        let lane = lane_index(&self.lanes, key.lane);
        entry.end(from, End::Fin, &mut self.lanes[lane].memory, handler);
        self.close_if_ended(slot, carried.time);
        let entry = &mut self.entries[slot];
        entry.judge_plain(handler);
        Some(Taken {
            entry,
            delivered: true,
        })
    }
}

/// Flags of segments that open or end something.
const UNUSUAL: Flags = Flags(Flags::SYN.0 | Flags::FIN.0 | Flags::RST.0);

impl<S> Entry<S> {
    /// Computes anew what the fast path may do. Must be called after each change except those of the fast path itself.
    pub fn judge_plain(&mut self, handler: &impl Handler<S>) {
        let interest = handler.interest(&self.flow);
        self.flow.plain = Side::BOTH.map(|side| self.plain_of(side, interest));
    }

    fn plain_of(&self, from: Side, interest: Interest) -> Plain {
        let sender = self.direction(from);
        let is_usual = self.status != Status::Free
            && !self.is_unsettled()
            && !self.rival
            && self.flow.tags == VlanTags::NONE
            && sender.is_known();
        if !is_usual || interest.octets && (self.holds(from) || self.holds(from.other())) {
            return Plain::NOTHING;
        }
        let bit = |is: bool, bit: u8| if is { bit } else { 0 };
        Plain(
            Plain::EMPTY
                | bit(!interest.octets || !sender.has_ended(), Plain::DATA)
                | bit(interest.octets, Plain::IN_ORDER)
                | bit(interest.comparison, Plain::REMEMBERED),
        )
    }

    /// Processes a segment that continues this flow in order. Returns whether the handler received bytes.
    #[inline]
    fn take_plain<'f, R>(
        &mut self,
        key: FlowKey,
        carried: PlainCarried<'_, impl FnOnce() -> Frame<'f>>,
        lanes: &mut [Lane<R>],
        handler: &mut impl Handler<S>,
    ) -> Option<bool> {
        let (from, segment) = (key.from, carried.segment);
        let plain = self.flow.plain[from.index()];
        debug_assert!(
            plain == Plain::NOTHING || plain == self.plain_of(from, handler.interest(&self.flow)),
            "{plain:?} is out of date"
        );
        let brings_data = segment.payload_len > 0;
        let needed = Plain::EMPTY | (u8::from(brings_data) * Plain::DATA);
        if !plain.has_all(needed) {
            return None;
        }
        let in_order = plain.has_all(Plain::IN_ORDER);
        let delivers = brings_data && in_order;
        if delivers
            && (self.direction(from).next() != segment.seq
                || segment.payload_captured < segment.payload_len)
        {
            return None;
        }
        self.count_plain(from, &carried);
        if in_order && segment.flags.has(Flags::ACK) {
            self.direction_mut(from.other()).acknowledged(segment.ack);
        }
        if delivers {
            let memory = &mut lanes[lane_index(lanes, key.lane)].memory;
            let frame = (carried.frame)();
            self.deliver_plain(from, &frame, segment, memory, handler);
        }
        Some(delivers)
    }

    /// Updates what each segment changes.
    #[inline]
    fn count_plain<F>(&mut self, from: Side, carried: &PlainCarried<'_, F>) {
        self.flow.last = carried.time;
        self.flow.count(from, carried.wire);
        self.direction_mut(from).window = carried.segment.window;
    }

    #[inline(never)]
    fn deliver_plain(
        &mut self,
        from: Side,
        frame: &Frame<'_>,
        segment: &PlainSegment,
        memory: &mut Memory,
        handler: &mut impl Handler<S>,
    ) {
        let plain = self.flow.plain[from.index()];
        let payload = segment.payload(frame.octets);
        let (mut delivery, flow) = self.delivery(from);
        let remembered = plain.has_all(Plain::REMEMBERED);
        delivery.next_in_order(payload, remembered.then_some(&mut memory.history));
        let by = Carrier {
            frame: frame.number,
            time: frame.header.time,
            ack: segment.flags.has(Flags::ACK).then_some(segment.ack),
        };
        let offset = u32::from(segment.payload_start);
        let chunk = by.chunk(payload, offset, segment.seq);
        handler.take(flow, from, StreamEvent::Octets(chunk));
        let needed = Interest {
            octets: true,
            comparison: remembered,
        };
        // Nothing else has changed.
        if handler.interest(&self.flow) != needed {
            self.judge_plain(handler);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use proptest::prelude::*;
    use proptest::test_runner::TestRunner;

    use super::super::{Carried, FlowHasher, SWEEP_EVERY, StreamLimits};
    use super::*;
    use crate::capture::{FrameHeader, LinkType};
    use crate::packet::plain_segment;

    /// Records what it receives, and needs a flow's bytes until it has received some number of events.
    #[derive(Default)]
    struct Told(Vec<String>);

    /// Number of events, and which sides have ended.
    impl HandlerState for u32 {
        type Remains = Self;

        fn remains(&self) -> Option<Self> {
            has_ended(*self).then_some(*self)
        }

        fn of_remains(remains: Self) -> Self {
            remains
        }
    }

    const ENDED: [u32; 2] = [1 << 16, 1 << 17];

    fn has_ended(state: u32) -> bool {
        ENDED.iter().all(|bit| state & bit != 0)
    }

    impl Handler<u32> for Told {
        fn interest(&self, flow: &Flow<u32>) -> Interest {
            Interest {
                octets: flow.state % ENDED[0] < 9,
                comparison: flow.is_watched(),
            }
        }
        fn take(&mut self, flow: &mut Flow<u32>, from: Side, event: StreamEvent<'_>) {
            flow.state += 1;
            if matches!(event, StreamEvent::Ended(_)) {
                flow.state |= ENDED[from.index()];
            }
            let stream = flow.stream;
            self.0.push(format!("{stream} {from:?} {event:?}"));
        }
        fn dropped(&mut self, flow: &mut Flow<u32>, _: u32) {
            // Computed from the rest, and not always at once.
            flow.plain = [Plain::NOTHING; 2];
            self.0.push(format!("{flow:?}"));
        }
    }

    /// A segment that one side of a connection sends.
    #[derive(Debug, Clone)]
    struct Sent {
        port: u8,
        by_client: bool,
        flags: Flags,
        /// Distance of its sequence number from the sender's next one.
        aside: i32,
        ack: u32,
        payload: Vec<u8>,
        cut: usize,
        later: i64,
        /// Whether the handler needs all flows' bytes again before it comes.
        needed_again: bool,
    }

    fn sent() -> impl Strategy<Value = Sent> {
        let flags = prop_oneof![
            8 => Just(Flags::ACK),
            2 => Just(Flags(Flags::ACK.0 | Flags::PSH.0)),
            1 => Just(Flags::SYN),
            1 => Just(Flags(Flags::SYN.0 | Flags::ACK.0)),
            2 => Just(Flags(Flags::FIN.0 | Flags::ACK.0)),
            1 => Just(Flags::RST),
            1 => Just(Flags(0)),
        ];
        let aside = prop_oneof![6 => Just(0), 1 => -20..20i32];
        let payload = prop_oneof![
            2 => proptest::collection::vec(any::<u8>(), 1..12),
            1 => Just(Vec::new()),
        ];
        let cut = prop_oneof![9 => Just(0), 1 => 0..4usize];
        let values = (0..3u8, any::<bool>(), flags, aside, 0..60u32, payload, cut);
        let needed_again = prop_oneof![20 => Just(false), 1 => Just(true)];
        (values, 0..6i64, needed_again).prop_map(
            |((port, by_client, flags, aside, ack, payload, cut), later, needed_again)| Sent {
                port,
                by_client,
                flags,
                aside,
                ack,
                payload,
                cut,
                later,
                needed_again,
            },
        )
    }

    fn frame(sent: &Sent, seq: u32) -> Vec<u8> {
        let client = (40_000 + u16::from(sent.port)).to_be_bytes();
        let server = (8888 + u16::from(sent.port % 2)).to_be_bytes();
        let ends = if sent.by_client {
            [client, server]
        } else {
            [server, client]
        };
        let total = 40 + sent.payload.len() as u8;
        let mut octets = vec![0x45, 0, 0, total, 0, 0, 0, 0, 64, 6, 0, 0];
        octets.extend([127, 0, 0, 1, 127, 0, 0, 1]);
        octets.extend(ends.concat());
        octets.extend(seq.to_be_bytes());
        octets.extend(sent.ack.to_be_bytes());
        octets.extend((0x5000 | sent.flags.0).to_be_bytes());
        octets.extend([0, 9, 0, 0, 0, 0]);
        octets.extend(&sent.payload);
        octets.truncate(octets.len() - sent.cut.min(sent.payload.len()));
        octets
    }

    /// Passes segments to two tables, and compares them: one with a fast path that buries flows soon, and one that does
    /// neither. Returns how many segments took the fast path, how many of those were FINs, and how many brought a flow
    /// back.
    fn compare(all: &[Sent]) -> Result<[usize; 3], TestCaseError> {
        let [mut fast, mut general] = [0, usize::MAX].map(|whole| {
            let limits = StreamLimits {
                closed: 2,
                whole,
                linger: 30,
                idle: 100,
                buffer_per_direction: 200,
                ..StreamLimits::default()
            };
            FlowTable::new(&[8888], limits)
        });
        let [mut told, mut told_generally] = [(); 2].map(|()| Told::default());
        let hasher = FlowHasher::default();
        let mut next = [[0u32; 2]; 3];
        let (mut time, mut taken) = (Timestamp(0), [0; 3]);
        for (number, sent) in (1..).zip(all) {
            time.0 += sent.later;
            let next = &mut next[usize::from(sent.port)][usize::from(sent.by_client)];
            let seq = next.wrapping_add_signed(sent.aside);
            let octets = frame(sent, seq);
            let plain = plain_segment(LinkType::RAW, &octets).unwrap();
            let segment = plain.segment();
            if sent.aside == 0 {
                *next = segment.next_seq().0;
            }
            let carried = Carried {
                number,
                time,
                wire: 60,
                segment: &segment,
                payload: segment.payload(&octets),
                packet: &octets,
            };
            let key = hasher.key(&segment);
            let header = FrameHeader {
                time,
                start: 0,
                captured: octets.len() as u32,
                wire: 60,
                interface: 0,
                link: LinkType::RAW,
            };
            if sent.needed_again {
                for table in [&mut fast, &mut general] {
                    table.flows(|flow| {
                        if !has_ended(flow.state) {
                            flow.state = 0;
                        }
                    });
                }
            }
            let sweeps = number.is_multiple_of(SWEEP_EVERY as u64);
            let one: Placement = {
                let handler = &mut told;
                if sweeps {
                    fast.sweep(time, handler);
                }
                let carried_plainly = PlainCarried {
                    time,
                    wire: 60,
                    segment: &plain,
                    frame: || Frame {
                        number,
                        header: &header,
                        octets: &octets,
                    },
                };
                let key = hasher.key_of_plain(&plain);
                taken[2] += usize::from(fast.buried.first_with(key.tag).is_some());
                match fast.take_plain(carried_plainly, key, Hint::NONE, handler) {
                    Some(found) => {
                        taken[0] += 1;
                        taken[1] += usize::from(plain.flags.has(Flags::FIN));
                        found.place(key, &plain)
                    }
                    None => fast.place(&carried, key, Hint::NONE, handler).0,
                }
            };
            if sweeps {
                general.sweep(time, &mut told_generally);
            }
            let other = general
                .place(&carried, key, Hint::NONE, &mut told_generally)
                .0;
            prop_assert_eq!(one, other);
            prop_assert_eq!(&told.0, &told_generally.0);
        }
        for (table, told) in [(&mut fast, &mut told), (&mut general, &mut told_generally)] {
            let mut flows = table.begin_finish();
            flows.sort_unstable();
            for flow in flows {
                table.finish_flow(flow.slot, told);
            }
        }
        prop_assert_eq!(&told.0, &told_generally.0);
        prop_assert_eq!(fast.totals(), general.totals());
        Ok(taken)
    }

    #[test]
    fn the_fast_path_gives_what_the_general_path_gives() {
        let (segments, taken) = (Cell::new(0), Cell::new([0; 3]));
        let cases = ProptestConfig {
            source_file: Some(file!()),
            ..ProptestConfig::with_cases(1_000)
        };
        let lists = proptest::collection::vec(sent(), 1..200);
        let compared = TestRunner::new(cases).run(&lists, |all| {
            segments.set(segments.get() + all.len());
            let more = compare(&all)?;
            taken.set(std::array::from_fn(|at| taken.get()[at] + more[at]));
            Ok(())
        });
        compared.unwrap();
        let (segments, [taken, fins, again]) = (segments.get(), taken.get());
        assert!(taken * 10 > segments, "{taken} of {segments} took it");
        assert!(fins > 200, "{fins} FINs took it");
        assert!(again > 200, "{again} segments brought a flow back");
    }
}
