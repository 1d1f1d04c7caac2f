//! Counts by key for a limited number of keys; what comes beyond is counted together.

use std::hash::Hash;

use foldhash::fast::RandomState;
use hashbrown::hash_map::{Entry, HashMap};
use hashbrown::hash_table::{Entry as TableEntry, HashTable};

/// Values by key. The first `limit` keys have one each, all others share one.
#[derive(Debug)]
pub struct Capped<K, V> {
    map: HashMap<K, V, RandomState>,
    limit: usize,
    others: V,
    overflowed: bool,
}

impl<K: Hash + Eq, V: Default> Capped<K, V> {
    /// At most this many keys.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            map: HashMap::default(),
            limit,
            others: V::default(),
            overflowed: false,
        }
    }

    /// The key's value, made where there is none and room is left; else that of all others. The
    /// flag says that the value is the key's own.
    pub fn get(&mut self, key: K) -> (&mut V, bool) {
        let room = self.map.len() < self.limit;
        match self.map.entry(key) {
            Entry::Occupied(found) => (found.into_mut(), true),
            Entry::Vacant(vacant) if room => (vacant.insert(V::default()), true),
            Entry::Vacant(_) => {
                self.overflowed = true;
                (&mut self.others, false)
            }
        }
    }

    /// Keys that have a value of their own.
    #[must_use]
    pub fn len(&self) -> usize {
        self.map.len()
    }

    /// Whether there is no key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.map.is_empty()
    }

    /// What all keys beyond the limit share; `None` where there was none.
    #[must_use]
    pub fn others(&self) -> Option<&V> {
        self.overflowed.then_some(&self.others)
    }

    /// The keys and their values, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.map.iter()
    }
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
        use std::hash::BuildHasher as _;
        let hash = self.hasher.hash_one(thing);
        let room = self.table.len() < self.limit;
        match self
            .table
            .entry(hash, |other| *other == hash, |other| *other)
        {
            TableEntry::Occupied(_) => false,
            TableEntry::Vacant(vacant) => {
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
