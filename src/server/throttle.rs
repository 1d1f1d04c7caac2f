//! Failed logins make further ones wait: for a name from an address, and for an address over all
//! names. Other names and other addresses do not notice. Time is a parameter.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::address::Source;
use crate::protocol::UserName;

/// The wait after the last failure that is allowed; each further failure doubles it.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// The longest wait.
const LONGEST_WAIT: Duration = Duration::from_mins(15);
/// Failures older than this, and up to twice as old, are forgotten.
const MEMORY: Duration = Duration::from_mins(30);
/// Entries in each of the two halves of the table.
const HALF: usize = 32_768;

#[derive(Clone, PartialEq, Eq, Hash)]
enum Key {
    Name(Source, UserName),
    Address(Source),
}

#[derive(Clone, Copy)]
struct Failures {
    count: u32,
    until: Instant,
}

/// The failures of the last while. When one half is full or old, the other is dropped and the
/// two change places, so that memory is bounded and what is forgotten first is what is oldest.
struct Table {
    young: HashMap<Key, Failures>,
    old: HashMap<Key, Failures>,
    since: Instant,
}

impl Table {
    fn get(&mut self, key: &Key) -> Option<Failures> {
        self.young.get(key).or_else(|| self.old.get(key)).copied()
    }

    fn put(&mut self, key: Key, failures: Failures, now: Instant) {
        let full = self.young.len() >= HALF && !self.young.contains_key(&key);
        if full || now.saturating_duration_since(self.since) > MEMORY {
            self.old = std::mem::take(&mut self.young);
            self.since = now;
        }
        self.young.insert(key, failures);
    }

    fn remove(&mut self, key: &Key) -> Option<Failures> {
        let old = self.old.remove(key);
        self.young.remove(key).or(old)
    }
}

/// Counts failed logins and says how long the next one has to wait.
pub struct Throttle {
    by_name: u32,
    by_address: u32,
    table: Mutex<Table>,
}

impl Throttle {
    /// Lets `by_name` logins fail for a name from an address, and `by_address` from an address,
    /// before it makes the next wait; 0 for `by_name` lets everything through.
    pub fn new(by_name: u32, by_address: u32, now: Instant) -> Self {
        Self {
            by_name,
            by_address,
            table: Mutex::new(Table {
                young: HashMap::new(),
                old: HashMap::new(),
                since: now,
            }),
        }
    }

    fn keys(&self, source: Source, name: &UserName) -> [(Key, u32); 2] {
        [
            (Key::Name(source, name.clone()), self.by_name),
            (Key::Address(source), self.by_address),
        ]
    }

    /// How long a login of `name` from `source` has to wait; `None` where it need not.
    pub fn wait(&self, source: Source, name: &UserName, now: Instant) -> Option<Duration> {
        if self.by_name == 0 {
            return None;
        }
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        self.keys(source, name)
            .iter()
            .filter_map(|(key, allowed)| {
                let failures = table.get(key)?;
                let left = failures.until.saturating_duration_since(now);
                (failures.count >= *allowed && !left.is_zero()).then_some(left)
            })
            .max()
    }

    /// A login of `name` from `source` failed.
    pub fn failed(&self, source: Source, name: &UserName, now: Instant) {
        if self.by_name == 0 {
            return;
        }
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, allowed) in self.keys(source, name) {
            let count = table
                .get(&key)
                .map_or(1, |failures| failures.count.saturating_add(1));
            let beyond = count.saturating_sub(allowed).min(16);
            let wait = (FIRST_WAIT * (1 << beyond)).min(LONGEST_WAIT);
            let until = now + wait;
            table.put(key, Failures { count, until }, now);
        }
    }

    /// A login of `name` from `source` succeeded: the failures of this name are forgiven, those
    /// of other names from the address are not, or an attacker could log in in between.
    pub fn succeeded(&self, source: Source, name: &UserName, now: Instant) {
        if self.by_name == 0 {
            return;
        }
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        let [(by_name, _), (by_address, _)] = self.keys(source, name);
        let Some(forgiven) = table.remove(&by_name) else {
            return;
        };
        if let Some(mut failures) = table.remove(&by_address) {
            failures.count = failures.count.saturating_sub(forgiven.count);
            if failures.count > 0 {
                table.put(by_address, failures, now);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;

    fn source(last: u8) -> Source {
        Source::from(IpAddr::V4(Ipv4Addr::new(192, 0, 2, last)))
    }

    fn name(name: &str) -> UserName {
        UserName::new(name).unwrap()
    }

    #[test]
    fn the_wait_starts_after_the_allowed_failures_and_doubles() {
        let mut now = Instant::now();
        let throttle = Throttle::new(5, 100, now);
        let (source_1, alice) = (source(1), name("alice"));
        for _ in 0..4 {
            throttle.failed(source_1, &alice, now);
            assert_eq!(throttle.wait(source_1, &alice, now), None);
        }
        for seconds in [1, 2, 4, 8] {
            throttle.failed(source_1, &alice, now);
            let wait = Duration::from_secs(seconds);
            assert_eq!(throttle.wait(source_1, &alice, now), Some(wait));
            assert_eq!(throttle.wait(source_1, &name("bob"), now), None);
            assert_eq!(throttle.wait(source(2), &alice, now), None);
            now += wait;
            assert_eq!(throttle.wait(source_1, &alice, now), None);
        }
        for _ in 0..40 {
            throttle.failed(source_1, &alice, now);
        }
        assert_eq!(throttle.wait(source_1, &alice, now), Some(LONGEST_WAIT));
        throttle.succeeded(source_1, &alice, now);
        assert_eq!(throttle.wait(source_1, &alice, now), None);
    }

    #[test]
    fn an_address_over_many_names_waits_too() {
        let now = Instant::now();
        let throttle = Throttle::new(5, 20, now);
        for n in 0..20 {
            assert_eq!(throttle.wait(source(1), &name("new"), now), None);
            throttle.failed(source(1), &name(&format!("user{n}")), now);
        }
        assert!(throttle.wait(source(1), &name("new"), now).is_some());
        assert_eq!(throttle.wait(source(2), &name("new"), now), None);
        // A login of the attacker's own does not wipe out the failures of others.
        throttle.succeeded(source(1), &name("attacker"), now);
        assert!(throttle.wait(source(1), &name("new"), now).is_some());
    }

    #[test]
    fn memory_is_bounded_and_old_failures_are_forgotten() {
        let mut now = Instant::now();
        let throttle = Throttle::new(1, 1_000_000, now);
        for n in 0..3 * HALF {
            throttle.failed(source(1), &name(&format!("u{n}")), now);
        }
        let entries = || {
            let table = throttle.table.lock().unwrap();
            table.young.len() + table.old.len()
        };
        assert!(entries() <= 2 * HALF);
        for _ in 0..2 {
            now += MEMORY + Duration::from_secs(1);
            throttle.failed(source(2), &name("x"), now);
        }
        assert!(entries() <= 4, "{}", entries());
    }

    #[test]
    fn no_limit_no_memory() {
        let now = Instant::now();
        let throttle = Throttle::new(0, 100, now);
        for _ in 0..1000 {
            throttle.failed(source(1), &name("alice"), now);
        }
        assert_eq!(throttle.wait(source(1), &name("alice"), now), None);
        assert!(throttle.table.lock().unwrap().young.is_empty());
    }
}
