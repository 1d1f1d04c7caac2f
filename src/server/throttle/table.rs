//! What is remembered of whom, in bounded memory: what matters least is forgotten first.

use std::collections::HashMap;
use std::time::Instant;

use super::bucket::Bucket;

/// Who or what is remembered: the leading `prefix` bits of an address, a hashed name, or both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    pub network: u128,
    pub prefix: u8,
    pub name: u64,
}

/// Wrong passwords that are remembered, by keyed hash.
const REPEATS: usize = 4;

/// What is remembered.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    pub bucket: Bucket,
    /// The end of the running wait, or a time that is past.
    pub until: Instant,
    repeats: [Option<u64>; REPEATS],
}

impl Entry {
    fn new(now: Instant) -> Self {
        Self {
            bucket: Bucket::new(now),
            until: now,
            repeats: [None; REPEATS],
        }
    }

    /// Whether this guess was seen lately. Else it is remembered, in the place of the oldest.
    pub fn is_repeat(&mut self, guess: u64) -> bool {
        if self.repeats.contains(&Some(guess)) {
            return true;
        }
        self.repeats.rotate_right(1);
        self.repeats[0] = Some(guess);
        false
    }

    /// Entries with a running wait before others, then those that last longer.
    fn weight(&self, now: Instant) -> (bool, Instant) {
        (self.until > now, self.until.max(self.bucket.empty_at()))
    }
}

/// At most so many entries.
pub struct Table {
    entries: HashMap<Key, Entry>,
    most: usize,
}

impl Table {
    pub fn new(most: usize) -> Self {
        Self {
            entries: HashMap::new(),
            most,
        }
    }

    pub fn get(&self, key: &Key) -> Option<&Entry> {
        self.entries.get(key)
    }

    /// The entry of `key`, made where it is missing.
    pub fn entry(&mut self, key: Key, now: Instant) -> &mut Entry {
        if self.entries.len() >= self.most && !self.entries.contains_key(&key) {
            self.make_room(now);
        }
        self.entries.entry(key).or_insert_with(|| Entry::new(now))
    }

    pub fn remove(&mut self, key: &Key) {
        self.entries.remove(key);
    }

    /// Forgets what no longer matters, and else the quarter that matters least.
    fn make_room(&mut self, now: Instant) {
        self.entries
            .retain(|_, entry| entry.until > now || entry.bucket.empty_at() > now);
        let excess = self.entries.len().saturating_sub(self.most / 4 * 3);
        if excess == 0 {
            return;
        }
        let mut all: Vec<_> = self
            .entries
            .iter()
            .map(|(key, entry)| (entry.weight(now), *key))
            .collect();
        all.select_nth_unstable(excess - 1);
        for (_, key) in &all[..excess] {
            self.entries.remove(key);
        }
    }

    /// All waits, running or over.
    pub fn waits(&self) -> impl Iterator<Item = (&Key, Instant)> {
        self.entries.iter().map(|(key, entry)| (key, entry.until))
    }

    /// Forgets those that `goes` names.
    pub fn forget(&mut self, goes: impl Fn(&Key) -> bool) {
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

    const fn key(name: u64) -> Key {
        Key {
            network: 0,
            prefix: 128,
            name,
        }
    }

    #[test]
    fn running_waits_are_the_last_to_be_forgotten() {
        let rate = Rate {
            drop: Duration::from_mins(10),
            most: 10,
        };
        let start = Instant::now();
        let mut table = Table::new(100);
        for name in 0..50 {
            table.entry(key(name), start).until = start + Duration::from_mins(15);
        }
        let now = start + Duration::from_secs(1);
        for name in 1_000..70_000 {
            table.entry(key(name), now).bucket.add(rate, now);
            assert!(table.len() <= 100);
        }
        for name in 0..50 {
            assert!(table.get(&key(name)).is_some(), "the wait of {name}");
        }
        // What is over is no longer in the way.
        let later = start + Duration::from_hours(1);
        for name in 100_000..100_100 {
            table.entry(key(name), later).bucket.add(rate, later);
        }
        assert!(table.get(&key(0)).is_none());
    }

    #[test]
    fn the_last_few_guesses_are_remembered() {
        let now = Instant::now();
        let mut entry = Entry::new(now);
        for guess in 0..4 {
            assert!(!entry.is_repeat(guess));
        }
        for guess in 0..4 {
            assert!(entry.is_repeat(guess));
        }
        assert!(!entry.is_repeat(4));
        assert!(!entry.is_repeat(0));
    }
}
