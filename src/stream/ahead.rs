//! Looks ahead: has the processor fetch the memory that later segments need, while it processes the ones before them.
//!
//! With many open flows, nearly every segment needs memory that is in no cache. What it needs is known in steps, as each
//! step reads what the one before it names: its place in the index, its flow, what the flow refers to. So segments are
//! processed in chunks, and each step is done for a whole chunk, some chunks before the chunk's turn.

use std::slice::{self, Chunks};

use arrayvec::ArrayVec;
use prefetch_index::prefetch_index;

use super::index::Hint;
use super::key::FlowKey;
use super::table::FlowTable;
use super::{Handler, HandlerState};

/// Segments in a chunk.
const CHUNK: usize = 32;

/// Has the processor fetch the line of the cache at the start of `thing`, without waiting for it.
#[inline]
pub(crate) fn fetch<T>(thing: &T) {
    prefetch_index(slice::from_ref(thing), 0);
}

/// Goes through segments in chunks.
#[derive(Debug)]
pub struct LookAhead<'a, T, K> {
    /// Chunks whose places in the index were not fetched yet.
    places: Chunks<'a, T>,
    /// Chunks whose flows were not fetched yet.
    flows: Chunks<'a, T>,
    /// Chunks whose turn has not come yet.
    chunks: Chunks<'a, T>,
    /// Returns a segment's key and whether it brings data.
    key_of: K,
    /// Where the flows of the next chunk are.
    hints: [Hint; CHUNK],
    /// Those of its segments that bring data.
    with_data: ArrayVec<Hint, CHUNK>,
}

impl<'a, T, K: Fn(&T) -> (FlowKey, bool)> LookAhead<'a, T, K> {
    /// Begins with the first of `segments`, whose flows are in `table`. `key_of` returns a segment's key and whether it
    /// brings data.
    pub fn new<S: HandlerState>(segments: &'a [T], table: &FlowTable<S>, key_of: K) -> Self {
        let chunks = segments.chunks(CHUNK);
        let mut ahead = Self {
            places: chunks.clone(),
            flows: chunks.clone(),
            chunks,
            key_of,
            hints: [Hint::NONE; CHUNK],
            with_data: ArrayVec::new(),
        };
        // A place is fetched two chunks ahead, a flow one.
        ahead.fetch_places(table);
        ahead.fetch_places(table);
        ahead.fetch_flows(table);
        ahead
    }

    /// The next chunk, with hints where the flows of its segments are.
    #[inline(never)]
    pub fn next<S: HandlerState>(
        &mut self,
        table: &FlowTable<S>,
        handler: &impl Handler<S>,
    ) -> Option<(&'a [T], [Hint; CHUNK])> {
        let chunk = self.chunks.next()?;
        let hints = self.hints;
        for entry in table.hinted(&self.with_data) {
            handler.fetch_referred(&entry.flow);
        }
        self.fetch_places(table);
        self.fetch_flows(table);
        Some((chunk, hints))
    }

    fn fetch_places<S: HandlerState>(&mut self, table: &FlowTable<S>) {
        let chunk = self.places.next();
        // A small index is in the cache anyway.
        if table.index.is_large() {
            for segment in chunk.into_iter().flatten() {
                table.index.fetch((self.key_of)(segment).0.tag);
            }
        }
    }

    /// Has no branch that depends on whether a segment brings data, which the processor cannot foresee.
    fn fetch_flows<S: HandlerState>(&mut self, table: &FlowTable<S>) {
        let chunk = self.flows.next().unwrap_or_default();
        let (mut count, mut with_data) = (0, [Hint::NONE; CHUNK]);
        for (hint, segment) in self.hints.iter_mut().zip(chunk) {
            let (key, brings_data) = (self.key_of)(segment);
            *hint = table.index.likely_with(key.tag);
            with_data[count] = *hint;
            count += usize::from(brings_data);
        }
        self.with_data = with_data[..count].iter().copied().collect();
        for entry in table.hinted(&self.hints[..chunk.len()]) {
            entry.fetch();
        }
        for entry in table.hinted(&self.with_data) {
            fetch(&entry.flow.state);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::capture::Timestamp;
    use crate::packet::Endpoint;
    use crate::stream::entry::Entry;
    use crate::stream::{Flow, Interest, StreamEvent, StreamLimits, flow::Side};

    /// Counts the flows whose state it was asked to fetch.
    #[derive(Default)]
    struct Fetched(std::cell::Cell<usize>);

    impl Handler<()> for Fetched {
        fn interest(&self, _: &Flow<()>) -> Interest {
            Interest {
                octets: true,
                comparison: false,
            }
        }
        fn take(&mut self, _: &mut Flow<()>, _: Side, _: StreamEvent<'_>) {}
        fn dropped(&mut self, _: &mut Flow<()>, _: u32) {}
        fn fetch_referred(&self, _: &Flow<()>) {
            self.0.set(self.0.get() + 1);
        }
    }

    #[test]
    fn each_segment_has_its_turn_and_a_hint_where_its_flow_is() {
        // So many flows that places in the index are fetched, too.
        const FLOWS: u32 = 40_000;
        let mut table = FlowTable::<()>::new(&[8888], StreamLimits::default());
        let slots: Vec<u32> = (0..FLOWS)
            .map(|tag| {
                let end = |port| Endpoint {
                    address: Ipv4Addr::LOCALHOST.into(),
                    port,
                };
                let flow = Flow::new([end(1), end(2)], [tag, tag], Timestamp(0), [false; 2]);
                let key = FlowKey {
                    tag,
                    ..FlowKey::default()
                };
                let slot = table.put(Entry::open(key, flow));
                table.index.insert(tag, slot);
                slot
            })
            .collect();
        assert!(table.index.is_large());
        for count in [0, 1, CHUNK, 2 * CHUNK, 5 * CHUNK + 7] {
            // Every third segment is of no flow yet, and every second one brings data.
            let segments: Vec<u32> = (0..count as u32).collect();
            let tag = |segment: u32| {
                if segment.is_multiple_of(3) {
                    FLOWS
                } else {
                    segment
                }
            };
            let key_of = |segment: &u32| {
                let key = FlowKey {
                    tag: tag(*segment),
                    ..FlowKey::default()
                };
                (key, segment.is_multiple_of(2))
            };
            let fetched = Fetched::default();
            let mut ahead = LookAhead::new(&segments, &table, key_of);
            let mut seen = Vec::new();
            while let Some((chunk, hints)) = ahead.next(&table, &fetched) {
                for (segment, hint) in chunk.iter().zip(hints) {
                    let slot = slots.get(tag(*segment) as usize).copied();
                    assert_eq!(hint.slot(), slot, "{segment}");
                    seen.push(*segment);
                }
            }
            assert_eq!(seen, segments);
            let with_data = segments
                .iter()
                .filter(|one| one.is_multiple_of(2) && !one.is_multiple_of(3));
            assert_eq!(fetched.0.get(), with_data.count());
        }
    }
}
