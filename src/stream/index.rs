//! Index of the flow table: maps a flow's tag to its slot.
//!
//! A hash table of one number for each entry, which holds the slot and half of the hash. So a look-up usually reads one
//! cache line before it reads the flow itself. Collisions are resolved by linear probing from the first place of a
//! bucket, and removal moves later entries up.

#![expect(
    clippy::cast_possible_truncation,
    reason = "the lower half of an entry is the slot"
)]

use std::hint::select_unpredictable;

use prefetch_index::prefetch_index;

/// Key of a flow in the index: half of the hash of its [`FlowKey`](super::FlowKey). Several flows can have the same.
pub(crate) type Tag = u32;

/// Buckets at first. The number of buckets is always a power of two.
const LEAST: usize = 1 << 8;
/// Places in a bucket.
const PLACES: usize = 4;

/// Places that a look-up reads together. Aligned, so that they are in one line of the processor's cache.
///
/// Each place holds a tag in the upper half and a slot plus one in the lower half; 0 if it is free.
#[derive(Debug, Clone, Copy, Default)]
#[repr(align(32))]
struct Bucket([u64; PLACES]);

/// Maps tags to slots.
#[derive(Debug)]
pub(crate) struct Index {
    /// An entry is in its tag's own bucket or, if that is full, in the next free place.
    buckets: Box<[Bucket]>,
    taken: usize,
}

/// The slot where a flow was when its tag was looked up, or none. It only saves time: it is checked before it is used.
#[derive(Debug, Clone, Copy)]
pub struct Hint(u32);

impl Hint {
    /// No slot.
    pub const NONE: Self = Self(u32::MAX);

    const fn of(entry: u64) -> Self {
        Self((entry as u32).wrapping_sub(1))
    }

    /// The slot; for none, a number that no slot has.
    #[inline]
    pub(super) const fn slot_or_none(self) -> u32 {
        self.0
    }

    /// The slot.
    #[inline]
    pub(crate) const fn slot(self) -> Option<u32> {
        match self.0 {
            u32::MAX => None,
            slot => Some(slot),
        }
    }
}

const fn entry(tag: Tag, slot: u32) -> u64 {
    (tag as u64) << 32 | (slot as u64 + 1)
}

const fn tag(entry: u64) -> Tag {
    (entry >> 32) as Tag
}

const fn slot(entry: u64) -> Option<u32> {
    (entry as u32).checked_sub(1)
}

impl Index {
    pub fn new() -> Self {
        Self {
            buckets: vec![Bucket::default(); LEAST].into(),
            taken: 0,
        }
    }

    /// Most bytes that a flow takes in the index. The index doubles as soon as half of it is taken, so entries are
    /// seldom outside their own bucket.
    pub const BYTES_PER_FLOW: usize = 2 * size_of::<u64>() * 2;

    const fn places(&self) -> usize {
        self.buckets.len() * PLACES
    }

    /// The first place of a tag's own bucket.
    #[inline]
    const fn own_place(&self, tag: Tag) -> usize {
        (tag as usize & (self.buckets.len() - 1)) * PLACES
    }

    /// The place behind a place. The first one is behind the last one.
    #[inline]
    const fn behind(&self, place: usize) -> usize {
        (place + 1) & (self.places() - 1)
    }

    #[inline]
    fn get(&self, place: usize) -> u64 {
        self.buckets[place / PLACES].0[place % PLACES]
    }

    fn set(&mut self, place: usize, entry: u64) {
        self.buckets[place / PLACES].0[place % PLACES] = entry;
    }

    /// Like [`first_with`](Self::first_with), but looks only in the tag's own bucket. Has no branch, which would depend
    /// on memory that the processor waits for: so it reads the buckets of several tags at the same time.
    #[inline]
    pub fn likely_with(&self, wanted: Tag) -> Hint {
        let Bucket(entries) = &self.buckets[self.own_place(wanted) / PLACES];
        let choose = |found, entry| select_unpredictable(tag(entry) == wanted, entry, found);
        Hint::of(entries.iter().rev().copied().fold(0, choose))
    }

    /// Whether it is too large to stay in the fast part of a processor's cache.
    pub const fn is_large(&self) -> bool {
        self.buckets.len() * size_of::<Bucket>() > 512 << 10
    }

    /// Has the processor fetch a tag's own bucket.
    #[inline]
    pub fn fetch(&self, tag: Tag) {
        prefetch_index(&self.buckets, self.own_place(tag) / PLACES);
    }

    /// The first slot with this tag: nearly always that of the flow looked for.
    #[inline]
    pub fn first_with(&self, tag: Tag) -> Option<u32> {
        self.find(tag, |_| true)
    }

    /// The first slot with this tag for which `is` returns true.
    #[inline]
    pub fn find(&self, wanted: Tag, is: impl Fn(u32) -> bool) -> Option<u32> {
        let mut at = self.own_place(wanted);
        loop {
            let entry = self.get(at);
            let slot = slot(entry)?;
            if tag(entry) == wanted && is(slot) {
                return Some(slot);
            }
            at = self.behind(at);
        }
    }

    pub fn insert(&mut self, tag: Tag, slot: u32) {
        if (self.taken + 1) * 2 > self.places() {
            self.grow();
        }
        self.taken += 1;
        self.put(entry(tag, slot));
    }

    fn put(&mut self, entry: u64) {
        let mut at = self.own_place(tag(entry));
        while self.get(at) != 0 {
            at = self.behind(at);
        }
        self.set(at, entry);
    }

    #[cold]
    fn grow(&mut self) {
        let more = vec![Bucket::default(); 2 * self.buckets.len()].into();
        let buckets = std::mem::replace(&mut self.buckets, more);
        for entry in buckets.iter().flat_map(|bucket| bucket.0) {
            if entry != 0 {
                self.put(entry);
            }
        }
    }

    /// Removes this slot with this tag, if it is there.
    pub fn remove(&mut self, tag_of: Tag, slot: u32) {
        let mut free = self.own_place(tag_of);
        while self.get(free) != entry(tag_of, slot) {
            if self.get(free) == 0 {
                return;
            }
            free = self.behind(free);
        }
        self.taken -= 1;
        let mut at = free;
        loop {
            at = self.behind(at);
            let entry = self.get(at);
            if entry == 0 {
                break;
            }
            // An entry may move to the free place unless it would then be before its own bucket.
            let from = |place: usize| at.wrapping_sub(place) & (self.places() - 1);
            if from(self.own_place(tag(entry))) >= from(free) {
                self.set(free, entry);
                free = at;
            }
        }
        self.set(free, 0);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn finds_what_was_put_in_and_not_taken_out(
            // Tags close together, so that they collide.
            acts in proptest::collection::vec((any::<bool>(), 0..40u32), 0..3000),
        ) {
            let mut index = Index::new();
            let mut model: Vec<(Tag, u32)> = Vec::new();
            for (slot, (adds, tag)) in (0..).zip(acts) {
                let tag = if tag < 20 { tag } else { u32::MAX - tag };
                if adds {
                    index.insert(tag, slot);
                    model.push((tag, slot));
                } else if let Some(at) = model.iter().position(|(other, _)| *other == tag) {
                    let (tag, slot) = model.swap_remove(at);
                    index.remove(tag, slot);
                    index.remove(tag, slot);
                }
            }
            prop_assert_eq!(index.taken, model.len());
            for (tag, slot) in &model {
                prop_assert_eq!(index.find(*tag, |found| found == *slot), Some(*slot));
                let likely = index.likely_with(*tag).slot();
                prop_assert!(likely.is_none() || likely == index.first_with(*tag));
            }
            for tag in 0..40 {
                let found = index.find(tag, |found| !model.contains(&(tag, found)));
                prop_assert_eq!(found, None);
            }
        }
    }
}
