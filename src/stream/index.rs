//! Index of the flow table: maps a flow's tag to its slot.
//!
//! A hash table of one number for each entry, which holds the slot and half of the hash. So a look-up usually reads one
//! cache line before it reads the flow itself. Collisions are resolved by linear probing, and removal moves later
//! entries up.

#![expect(
    clippy::cast_possible_truncation,
    reason = "the lower half of an entry is the slot"
)]

/// Key of a flow in the index: half of the hash of its [`FlowKey`](super::FlowKey). Several flows can have the same.
pub(crate) type Tag = u32;

/// Places at first. The number of places is always a power of two.
const LEAST: usize = 1 << 10;

/// Maps tags to slots.
#[derive(Debug)]
pub(crate) struct Index {
    /// Each holds a tag in the upper half and a slot plus one in the lower half; 0 if the place is free.
    places: Box<[u64]>,
    taken: usize,
}

/// What was read at a tag's own place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OwnPlace(u64);

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
            places: vec![0; LEAST].into(),
            taken: 0,
        }
    }

    /// Most bytes that a flow takes in the index. The index doubles as soon as half of it is taken, so entries are
    /// rarely far from their own place.
    pub const BYTES_PER_FLOW: usize = 2 * size_of::<u64>() * 2;

    #[inline]
    fn mask(&self) -> usize {
        self.places.len() - 1
    }

    /// What is at a tag's own place, for [`first_from`](Self::first_from). This decides nothing, so a processor reads
    /// the places of several tags from memory at the same time.
    #[inline]
    pub fn own_place(&self, tag: Tag) -> OwnPlace {
        OwnPlace(self.places[tag as usize & self.mask()])
    }

    /// Like [`first_with`](Self::first_with) for a tag whose own place was read, if the index has not changed since.
    #[inline]
    pub fn first_from(&self, OwnPlace(entry): OwnPlace, wanted: Tag) -> Option<u32> {
        match slot(entry) {
            Some(_) if tag(entry) != wanted => self.first_with(wanted),
            slot => slot,
        }
    }

    /// The first slot with this tag: nearly always that of the flow looked for.
    #[inline]
    pub fn first_with(&self, tag: Tag) -> Option<u32> {
        self.find(tag, |_| true)
    }

    /// The first slot with this tag for which `is` returns true.
    #[inline]
    pub fn find(&self, wanted: Tag, is: impl Fn(u32) -> bool) -> Option<u32> {
        let mut at = wanted as usize & self.mask();
        loop {
            let entry = self.places[at];
            let slot = slot(entry)?;
            if tag(entry) == wanted && is(slot) {
                return Some(slot);
            }
            at = (at + 1) & self.mask();
        }
    }

    pub fn insert(&mut self, tag: Tag, slot: u32) {
        if (self.taken + 1) * 2 > self.places.len() {
            self.grow();
        }
        self.taken += 1;
        self.put(entry(tag, slot));
    }

    fn put(&mut self, entry: u64) {
        let mut at = tag(entry) as usize & self.mask();
        while self.places[at] != 0 {
            at = (at + 1) & self.mask();
        }
        self.places[at] = entry;
    }

    #[cold]
    fn grow(&mut self) {
        let more = vec![0; 2 * self.places.len()].into();
        let entries = std::mem::replace(&mut self.places, more);
        for entry in entries.into_iter().filter(|entry| *entry != 0) {
            self.put(entry);
        }
    }

    /// Removes this slot with this tag, if it is there.
    pub fn remove(&mut self, tag_of: Tag, slot: u32) {
        let mut free = tag_of as usize & self.mask();
        while self.places[free] != entry(tag_of, slot) {
            if self.places[free] == 0 {
                return;
            }
            free = (free + 1) & self.mask();
        }
        self.taken -= 1;
        let mut at = free;
        loop {
            at = (at + 1) & self.mask();
            let entry = self.places[at];
            if entry == 0 {
                break;
            }
            // An entry may move to the free place unless it would then be before its own place.
            let from = |place: usize| at.wrapping_sub(place) & self.mask();
            if from(tag(entry) as usize) >= from(free) {
                self.places[free] = entry;
                free = at;
            }
        }
        self.places[free] = 0;
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
                let read = index.own_place(*tag);
                prop_assert_eq!(index.first_from(read, *tag), index.first_with(*tag));
            }
            for tag in 0..40 {
                let found = index.find(tag, |found| !model.contains(&(tag, found)));
                prop_assert_eq!(found, None);
            }
        }
    }
}
