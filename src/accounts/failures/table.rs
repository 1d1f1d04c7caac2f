//! A bounded table of entries by key; the least important are forgotten first.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Instant;

use super::bucket::Bucket;

/// What is remembered.
#[derive(Debug, Clone, Copy)]
pub struct Entry<T = ()> {
    pub bucket: Bucket,
    /// The end of the running wait, or a time that is past.
    pub until: Instant,
    /// Additional data, remembered as long.
    pub more: T,
}

impl<T: Default> Entry<T> {
    fn new(now: Instant) -> Self {
        Self {
            bucket: Bucket::new(now),
            until: now,
            more: T::default(),
        }
    }
}

impl<T> Entry<T> {
    /// Whether the entry still matters.
    pub fn matters(&self, now: Instant) -> bool {
        self.until > now || self.bucket.empty_at() > now
    }

    /// Entries with a running wait before others, then those that last longer.
    fn weight(&self, now: Instant) -> (bool, Instant) {
        (self.until > now, self.until.max(self.bucket.empty_at()))
    }
}

/// A table with a limited number of entries. The hash function is keyed, so that nobody can choose keys that collide.
pub struct Table<K, T = ()> {
    entries: HashMap<K, Entry<T>>,
    most: usize,
}

impl<K: Eq + Hash, T: Default> Table<K, T> {
    pub fn new(most: usize) -> Self {
        Self {
            entries: HashMap::new(),
            most,
        }
    }

    pub fn get(&self, key: &K) -> Option<&Entry<T>> {
        self.entries.get(key)
    }

    /// The entry of `key`, made where it is missing.
    pub fn entry(&mut self, key: K, now: Instant) -> &mut Entry<T> {
        if self.entries.len() >= self.most && !self.entries.contains_key(&key) {
            self.make_room(now);
        }
        self.entries.entry(key).or_insert_with(|| Entry::new(now))
    }

    pub fn remove(&mut self, key: &K) {
        self.entries.remove(key);
    }

    /// Forgets entries that do not matter any more, or else the quarter that matters least.
    fn make_room(&mut self, now: Instant) {
        self.entries.retain(|_, entry| entry.matters(now));
        let mut excess = self.entries.len().saturating_sub(self.most / 4 * 3);
        if excess == 0 {
            return;
        }
        let mut weights: Vec<_> = self
            .entries
            .values()
            .map(|entry| entry.weight(now))
            .collect();
        let (_, heaviest, _) = weights.select_nth_unstable(excess - 1);
        self.entries.retain(|_, entry| {
            let goes = excess > 0 && entry.weight(now) <= *heaviest;
            excess -= usize::from(goes);
            !goes
        });
    }

    pub fn iter(&self) -> impl Iterator<Item = (&K, &Entry<T>)> {
        self.entries.iter()
    }

    /// Forgets the entries for which `goes` is true.
    pub fn forget(&mut self, goes: impl Fn(&K) -> bool) {
        self.entries.retain(|key, _| !goes(key));
    }

    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.entries.len()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::bucket::Rate;
    use super::*;

    #[test]
    fn running_waits_are_the_last_to_be_forgotten() {
        let rate = Rate {
            drop: Duration::from_mins(10),
            most: 10,
        };
        let start = Instant::now();
        let mut table: Table<u32> = Table::new(100);
        for name in 0..50 {
            table.entry(name, start).until = start + Duration::from_mins(15);
        }
        let now = start + Duration::from_secs(1);
        for name in 1_000..70_000 {
            table.entry(name, now).bucket.add(rate, now);
            assert!(table.len() <= 100);
        }
        for name in 0..50 {
            assert!(table.get(&name).is_some(), "the wait of {name}");
        }
        // What is over is no longer in the way.
        let later = start + Duration::from_hours(1);
        for name in 100_000..100_100 {
            table.entry(name, later).bucket.add(rate, later);
        }
        assert!(table.get(&0).is_none());
    }
}
