//! Counts by key for a limited number of keys; what comes beyond is counted together.

#![expect(
    clippy::cast_possible_truncation,
    reason = "places in a list that is capped"
)]

use std::hash::{BuildHasher, Hash};

use foldhash::fast::RandomState;
use hashbrown::hash_table::{Entry, HashTable};

/// Values by key. The first `limit` keys have one each, all others share one.
#[derive(Debug)]
pub struct Capped<K, V> {
    /// In the order in which they came.
    entries: Vec<(K, V)>,
    /// Places in `entries`, with what of the key's hash is compared before the key is.
    index: HashTable<(u32, u32)>,
    hasher: RandomState,
    limit: usize,
    others: V,
    overflowed: bool,
}

impl<K: Hash + Eq, V: Default> Capped<K, V> {
    /// At most this many keys, and no more than a `u32` can count.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            entries: Vec::new(),
            index: HashTable::new(),
            hasher: RandomState::default(),
            limit: limit.min(u32::MAX as usize),
            others: V::default(),
            overflowed: false,
        }
    }

    /// The key's value, made where there is none and room is left; else that of all others. The
    /// flag says that the value is the key's own.
    pub fn get(&mut self, key: K) -> (&mut V, bool) {
        self.get_hashed(self.hash(&key), key)
    }

    /// The same of a key whose [`hash`](Self::hash) is known.
    #[inline]
    pub fn get_hashed(&mut self, hash: u64, key: K) -> (&mut V, bool) {
        let place = match self.find(hash, &key) {
            Some(place) => place,
            None if self.entries.len() < self.limit => self.add(hash, key),
            None => {
                self.overflowed = true;
                return (&mut self.others, false);
            }
        };
        (&mut self.entries[place].1, true)
    }

    /// The hash that a key is found by.
    #[inline]
    #[must_use]
    pub fn hash(&self, key: &K) -> u64 {
        self.hasher.hash_one(key)
    }

    /// The same of a key whose value is needed soon. Asked for several keys in a row, it has the processor fetch their
    /// values from memory at the same time.
    #[inline]
    #[must_use]
    pub fn expect(&self, key: &K) -> u64 {
        let hash = self.hash(key);
        std::hint::black_box(self.find(hash, key));
        hash
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

    /// Keys that have a value of their own.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// What all keys beyond the limit share; `None` if there was none.
    #[must_use]
    pub fn others(&self) -> Option<&V> {
        self.overflowed.then_some(&self.others)
    }

    /// The keys and their values, in the order in which they came.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.entries.iter().map(|(key, value)| (key, value))
    }
}

/// What of a hash is compared before the key is.
const fn short(hash: u64) -> u32 {
    (hash >> 32) as u32
}

/// Remembers which things it has seen, by a 64-bit hash each, up to a limit.
#[derive(Debug)]
pub struct Seen {
    table: HashTable<u64>,
    hasher: RandomState,
    limit: usize,
    full: bool,
}

impl Seen {
    /// At most this many things.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            table: HashTable::new(),
            hasher: RandomState::default(),
            limit,
            full: false,
        }
    }

    /// Whether a thing is seen for the first time; when the limit is reached, none is.
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

    /// Whether the limit was reached, so that counts made with this are too low.
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
    fn a_full_memory_says_so() {
        let mut seen = Seen::new(2);
        assert!(seen.is_new("a") && !seen.is_new("a") && seen.is_new("b"));
        assert!(!seen.overflowed());
        assert!(!seen.is_new("c") && seen.overflowed());
    }
}
