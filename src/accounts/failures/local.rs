//! Failed logins in this process's memory. It is bounded, and always answers.

use std::cmp::Reverse;
use std::future::ready;
use std::net::Ipv6Addr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;

use super::{Count, FIRST_WAIT, Failures, LONGEST_WAIT, Rate, Seen, Table, WAITING, Whom};
use crate::accounts::store::Answer;
use crate::locks::lock;
use crate::protocol::UserName;

/// Entries in each table.
const ENTRIES: usize = 32_768;

/// Tells the time.
pub type Clock = Arc<dyn Fn() -> Instant + Send + Sync>;

/// Failures that one server counts by itself. IPv4 and IPv6, names and networks have separate tables, so that filling
/// one does not affect the others.
pub struct LocalFailures {
    clock: Clock,
    ipv4: Family,
    ipv6: Family,
    /// For a name over all networks.
    everywhere: Mutex<Table<Whom>>,
}

/// Failures from the networks of one address family.
struct Family {
    /// For a name from a network.
    names: Mutex<Table<Whom>>,
    /// From a network over all names.
    networks: Mutex<Table<Whom>>,
}

impl Family {
    fn new() -> Self {
        Self {
            names: Mutex::new(Table::new(ENTRIES)),
            networks: Mutex::new(Table::new(ENTRIES)),
        }
    }
}

impl Default for LocalFailures {
    fn default() -> Self {
        Self::new(Arc::new(Instant::now))
    }
}

impl LocalFailures {
    /// Remembers nothing yet.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self {
            clock,
            ipv4: Family::new(),
            ipv6: Family::new(),
            everywhere: Mutex::new(Table::new(ENTRIES)),
        }
    }

    fn table(&self, whom: &Whom) -> MutexGuard<'_, Table<Whom>> {
        let table = match (whom.network, &whom.name) {
            (None, _) => &self.everywhere,
            (Some((bits, _)), name) => {
                let is_ipv4 = Ipv6Addr::from(bits).to_ipv4_mapped().is_some();
                let family = if is_ipv4 { &self.ipv4 } else { &self.ipv6 };
                if name.is_some() {
                    &family.names
                } else {
                    &family.networks
                }
            }
        };
        lock(table)
    }

    fn tables(&self) -> [&Mutex<Table<Whom>>; 5] {
        [
            &self.ipv4.names,
            &self.ipv4.networks,
            &self.ipv6.names,
            &self.ipv6.networks,
            &self.everywhere,
        ]
    }

    fn seen_of(&self, whom: Whom, now: Instant) -> Option<Seen> {
        let table = self.table(&whom);
        let entry = table.get(&whom).filter(|entry| entry.matters(now))?;
        Some(Seen {
            wait: entry.until.saturating_duration_since(now),
            left: entry.bucket.empty_at().saturating_duration_since(now),
            whom,
        })
    }

    fn add(&self, count: Count, now: Instant) {
        let rate = Rate {
            drop: count.forgotten,
            most: count.most,
        };
        let mut table = self.table(&count.whom);
        let entry = table.entry(count.whom, now);
        let failures = entry.bucket.add(rate, now);
        let beyond = count
            .allowed
            .and_then(|allowed| failures.checked_sub(allowed));
        if let Some(beyond) = beyond {
            entry.until = now + (FIRST_WAIT * (1 << beyond.min(16))).min(LONGEST_WAIT);
        }
    }
}

/// An answer that is ready.
fn now<T: Send + 'static>(answer: T) -> Answer<'static, T> {
    Box::pin(ready(Ok(answer)))
}

impl Failures for LocalFailures {
    fn seen(&self, whom: Vec<Whom>) -> Answer<'_, Vec<Seen>> {
        let time = (self.clock)();
        let seen = whom.into_iter().filter_map(|whom| self.seen_of(whom, time));
        now(seen.collect())
    }

    fn count(&self, counts: Vec<Count>) -> Answer<'_, ()> {
        let time = (self.clock)();
        for count in counts {
            self.add(count, time);
        }
        now(())
    }

    fn forgive(&self, whom: Vec<Whom>) -> Answer<'_, ()> {
        for whom in whom {
            self.table(&whom).remove(&whom);
        }
        now(())
    }

    fn waiting(&self) -> Answer<'_, Vec<Seen>> {
        let time = (self.clock)();
        let mut all = Vec::new();
        for table in self.tables() {
            let table = lock(table);
            let waiting = table.iter().filter(|(_, entry)| entry.until > time);
            all.extend(waiting.map(|(whom, entry)| Seen {
                whom: whom.clone(),
                wait: entry.until - time,
                left: entry.bucket.empty_at().saturating_duration_since(time),
            }));
        }
        all.sort_by_key(|seen| Reverse(seen.wait));
        all.truncate(WAITING);
        now(all)
    }

    fn clear(&self, name: Option<UserName>, network: Option<(u128, u8)>) -> Answer<'_, ()> {
        let goes = |whom: &Whom| {
            (name.is_none() || whom.name == name) && (network.is_none() || whom.network == network)
        };
        for table in self.tables() {
            lock(table).forget(goes);
        }
        now(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn memory_is_bounded_and_who_fills_it_leaves_other_tables_alone() {
        let failures = LocalFailures::default();
        let fail = |bits: u128, name: Option<&str>| Count {
            whom: Whom {
                network: Some((bits, 128)),
                name: name.map(|name| UserName::new(name).unwrap()),
            },
            allowed: Some(1),
            forgotten: Duration::from_mins(15),
            most: 10,
        };
        let mapped = 0xffff_0000_0000;
        let alone = fail(mapped | 7, None);
        failures.count(vec![alone.clone()]).await.unwrap();
        for n in 0..2 * ENTRIES as u128 {
            let mut failed = vec![fail(mapped | n, Some("alice"))];
            failed.push(fail(n << 64, None));
            failures.count(failed).await.unwrap();
        }
        let lengths = failures.tables().map(|table| lock(table).len());
        assert!(lengths.iter().all(|len| *len <= ENTRIES), "{lengths:?}");
        assert_eq!((lengths[1], lengths[2], lengths[4]), (1, 0, 0));
        let seen = failures.seen(vec![alone.whom]).await.unwrap();
        assert_eq!(seen.len(), 1);
        assert_eq!(failures.waiting().await.unwrap().len(), WAITING);
    }
}
