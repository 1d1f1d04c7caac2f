//! Counts by key for a limited number of keys. All further keys are counted together.

#![expect(
    clippy::cast_possible_truncation,
    reason = "indexes in a list of limited length"
)]

use std::hash::{BuildHasher, Hash};

use foldhash::fast::RandomState;
use hashbrown::hash_table::{Entry, HashTable};

/// Values by key. The first `limit` keys have a value each, all others share one.
#[derive(Debug)]
pub struct Capped<K, V> {
    /// In the order of first use.
    entries: Vec<(K, V)>,
    /// Index in `entries`, and half of the key's hash, which is compared before the key is.
    index: HashTable<(u32, u32)>,
    hasher: RandomState,
    limit: usize,
    /// The place asked for last.
    last: usize,
    others: V,
    overflowed: bool,
}

/// The result of looking a key up in a [`Capped`]; it means nothing to another one.
#[derive(Debug, Clone, Copy)]
pub struct Lookup {
    hash: u64,
    /// The place of its value, if it has one.
    place: Option<usize>,
}

impl<K: Hash + Eq, V: Default> Capped<K, V> {
    /// A map of at most `limit` keys, and no more than a `u32` can count.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            entries: Vec::new(),
            index: HashTable::new(),
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
            .is_some_and(|last| last.0 == key)
        {
            return (&mut self.entries[self.last].1, true);
        }
        self.get_found(self.prefetch(&key), key)
    }

    /// Looks a key up for [`get_found`](Self::get_found). Call it for several keys in a row: the processor then fetches their
    /// values from memory at the same time.
    #[inline]
    #[must_use]
    pub fn prefetch(&self, key: &K) -> Lookup {
        let hash = self.hasher.hash_one(key);
        let place = self.find(hash, key);
        Lookup { hash, place }
    }

    /// Like [`get`](Self::get) for a key that was looked up.
    #[inline]
    pub fn get_found(&mut self, found: Lookup, key: K) -> (&mut V, bool) {
        // It may have been added since.
        let place = match found.place.or_else(|| self.find(found.hash, &key)) {
            Some(place) => place,
            None if self.entries.len() < self.limit => self.add(found.hash, key),
            None => {
                self.overflowed = true;
                return (&mut self.others, false);
            }
        };
        self.last = place;
        (&mut self.entries[place].1, true)
    }

    #[inline]
    fn find(&self, hash: u64, key: &K) -> Option<usize> {
        let same = |&(place, other): &(u32, u32)| {
            let entry = self.entries.get(place as usize);
            other == short(hash) && entry.is_some_and(|entry| entry.0 == *key)
        };
        let (place, _) = self.index.find(hash, same)?;
        Some(*place as usize)
    }

    #[cold]
    fn add(&mut self, hash: u64, key: K) -> usize {
        let place = self.entries.len();
        self.entries.push((key, V::default()));
        let (entries, hasher) = (&self.entries, &self.hasher);
        let rehash = |&(place, _): &(u32, u32)| hasher.hash_one(&entries[place as usize].0);
        let new = (place as u32, short(hash));
        self.index.insert_unique(hash, new, rehash);
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
        self.entries.iter().map(|(key, value)| (key, value))
    }
}

/// The half of a hash that is compared before the key.
const fn short(hash: u64) -> u32 {
    (hash >> 32) as u32
}

/// Remembers values that it has seen, up to a limit, as 64-bit hashes.
#[derive(Debug)]
pub struct Seen {
    table: HashTable<u64>,
    hasher: RandomState,
    limit: usize,
    full: bool,
}

impl Seen {
    /// A memory of at most `limit` values.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            table: HashTable::new(),
            hasher: RandomState::default(),
            limit,
            full: false,
        }
    }

    /// Whether a value is seen for the first time. Always false for further values once the limit is reached.
    pub fn is_new(&mut self, thing: impl Hash) -> bool {
        let hash = self.hasher.hash_one(thing);
        let room = self.table.len() < self.limit;
        match self
            .table
            .entry(hash, |other| *other == hash, |other| *other)
        {
            Entry::Occupied(_) => false,
            Entry::Vacant(vacant) => {
                if room {
                    vacant.insert(hash);
                } else {
                    self.full = true;
                }
                room
            }
        }
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
        let found = keys.map(|key| capped.prefetch(&key));
        for (key, found) in keys.into_iter().zip(found) {
            *capped.get_found(found, key).0 += 1;
        }
        let counts: Vec<_> = capped.iter().collect();
        assert_eq!(counts, [(&7, &3), (&8, &1), (&9, &1)]);
    }

    #[test]
    fn a_full_memory_says_so() {
        let mut seen = Seen::new(2);
        assert!(seen.is_new("a") && !seen.is_new("a") && seen.is_new("b"));
        assert!(!seen.overflowed());
        assert!(!seen.is_new("c") && seen.overflowed());
    }
}
