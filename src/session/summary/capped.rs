//! Counts by key for a limited number of keys. All further keys are counted together.

#![expect(
    clippy::cast_possible_truncation,
    reason = "indexes in a list of limited length, and halves of a hash"
)]

use std::hash::{BuildHasher, Hash};

use foldhash::fast::RandomState;

use crate::stream::index::{Hint, Index, Tag};

/// Values by key. The first `limit` keys have a value each, all others share one.
#[derive(Debug)]
pub struct Capped<K, V> {
    /// In the order of first use.
    entries: Vec<Entry<K, V>>,
    /// Maps half of a key's hash to its place in `entries`.
    index: Index,
    hasher: RandomState,
    limit: usize,
    /// The place asked for last.
    last: usize,
    others: V,
    overflowed: bool,
}

/// A key and its value. Aligned to a line of the processor's cache, which most of them fit into.
#[derive(Debug)]
#[repr(align(64))]
struct Entry<K, V> {
    key: K,
    value: V,
}

/// The first step of looking a key up.
#[derive(Debug, Clone, Copy)]
pub struct Asked {
    tag: Tag,
    likely: Hint,
}

/// The result of looking a key up in a [`Capped`]; it means nothing to another one.
#[derive(Debug, Clone, Copy)]
pub struct Lookup {
    tag: Tag,
    /// The place of its value, if it has one.
    place: Option<u32>,
}

impl<K: Hash + Eq, V: Default> Capped<K, V> {
    /// A map of at most `limit` keys, and no more than a `u32` can count.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            entries: Vec::new(),
            index: Index::new(),
            hasher: RandomState::default(),
            limit: limit.min(u32::MAX as usize),
            last: 0,
            others: V::default(),
            overflowed: false,
        }
    }

    /// The key's value, added if there is none and the limit allows it; otherwise the value that all further keys
    /// share. The flag is true for the key's own value.
    #[inline]
    pub fn get(&mut self, key: K) -> (&mut V, bool) {
        // Often it is the same key again, as with one client's address.
        if self
            .entries
            .get(self.last)
            .is_some_and(|last| last.key == key)
        {
            return (&mut self.entries[self.last].value, true);
        }
        self.get_found(self.find(&key), key)
    }

    /// Looks a key up, for [`get_found`](Self::get_found).
    #[must_use]
    #[inline]
    pub fn find(&self, key: &K) -> Lookup {
        self.find_asked(self.ask(key), key)
    }

    /// Looks a key up in two steps. Take each step for several keys in a row: the processor then reads what the step
    /// needs of all of them from memory at the same time.
    #[must_use]
    #[inline]
    pub fn ask(&self, key: &K) -> Asked {
        let tag = (self.hasher.hash_one(key) >> 32) as Tag;
        let likely = self.index.likely_with(tag);
        Asked { tag, likely }
    }

    /// The second step.
    #[must_use]
    #[inline]
    pub fn find_asked(&self, Asked { tag, likely }: Asked, key: &K) -> Lookup {
        match likely.slot() {
            Some(place) if self.is(place, key) => Lookup {
                tag,
                place: Some(place),
            },
            _ => self.find_tagged(tag, key),
        }
    }

    /// Like [`get`](Self::get) for a key that was looked up.
    #[inline]
    pub fn get_found(&mut self, found: Lookup, key: K) -> (&mut V, bool) {
        // It may have been added since.
        let place = match found
            .place
            .or_else(|| self.find_tagged(found.tag, &key).place)
        {
            Some(place) => place,
            None if self.entries.len() < self.limit => self.add(found.tag, key),
            None => {
                self.overflowed = true;
                return (&mut self.others, false);
            }
        };
        self.last = place as usize;
        (&mut self.entries[self.last].value, true)
    }

    #[inline]
    fn is(&self, place: u32, key: &K) -> bool {
        let entry = self.entries.get(place as usize);
        entry.is_some_and(|entry| entry.key == *key)
    }

    fn find_tagged(&self, tag: Tag, key: &K) -> Lookup {
        let place = self.index.find(tag, |place| self.is(place, key));
        Lookup { tag, place }
    }

    #[cold]
    fn add(&mut self, tag: Tag, key: K) -> u32 {
        let place = self.entries.len() as u32;
        let value = V::default();
        self.entries.push(Entry { key, value });
        self.index.insert(tag, place);
        place
    }

    /// Number of keys that have their own value.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are no keys.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The value that all further keys share; `None` if there were none.
    #[must_use]
    pub fn others(&self) -> Option<&V> {
        self.overflowed.then_some(&self.others)
    }

    /// The keys and their values, in the order of first use.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.entries.iter().map(|Entry { key, value }| (key, value))
    }
}

/// The first step of asking whether a value was seen.
#[derive(Debug, Clone, Copy)]
pub struct AskedSeen {
    hash: u64,
    likely: Hint,
}

/// Remembers values that it has seen, up to a limit, as 63 bits of their hashes.
#[derive(Debug)]
pub struct Seen {
    /// Maps half of a hash to 31 bits of the other half.
    index: Index,
    hasher: RandomState,
    room: usize,
    full: bool,
}

impl Seen {
    /// A memory of at most `limit` values.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            index: Index::new(),
            hasher: RandomState::default(),
            room: limit,
            full: false,
        }
    }

    /// The first step of [`is_new`](Self::is_new), as in [`Capped::ask`].
    pub fn ask(&self, thing: impl Hash) -> AskedSeen {
        let hash = self.hasher.hash_one(thing);
        let likely = self.index.likely_with((hash >> 32) as Tag);
        AskedSeen { hash, likely }
    }

    /// Whether a value is seen for the first time. Always false for further values once the limit is reached.
    pub fn is_new(&mut self, AskedSeen { hash, likely }: AskedSeen) -> bool {
        let (tag, rest) = ((hash >> 32) as Tag, hash as u32 >> 1);
        // It may have been added since.
        let is_seen =
            likely.slot() == Some(rest) || self.index.find(tag, |other| other == rest).is_some();
        if is_seen {
            return false;
        }
        if self.room == 0 {
            self.full = true;
            return false;
        }
        self.room -= 1;
        self.index.insert(tag, rest);
        true
    }

    /// Whether the limit was reached, so that counts based on this are too low.
    #[must_use]
    pub const fn overflowed(&self) -> bool {
        self.full
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_beyond_the_limit_share_a_value() {
        let mut capped: Capped<u32, u64> = Capped::new(2);
        for key in [1, 2, 1, 3, 4, 3] {
            *capped.get(key).0 += 1;
        }
        assert_eq!(capped.get(1), (&mut 2, true));
        assert_eq!((capped.len(), capped.others()), (2, Some(&3)));
    }

    #[test]
    fn a_key_that_was_looked_up_is_found_though_it_was_added_since() {
        let mut capped: Capped<u32, u64> = Capped::new(4);
        let keys = [7, 8, 7, 9, 7];
        let found = keys.map(|key| capped.find(&key));
        for (key, found) in keys.into_iter().zip(found) {
            *capped.get_found(found, key).0 += 1;
        }
        let counts: Vec<_> = capped.iter().collect();
        assert_eq!(counts, [(&7, &3), (&8, &1), (&9, &1)]);
    }

    #[test]
    fn a_full_memory_says_so() {
        let mut seen = Seen::new(2);
        let mut is_new = |name| seen.is_new(seen.ask(name));
        assert!(is_new("a") && !is_new("a") && is_new("b"));
        assert!(!seen.overflowed());
        let asked = seen.ask("c");
        assert!(!seen.is_new(asked) && seen.overflowed());
    }
}
