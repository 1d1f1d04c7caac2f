//! What slows down those who guess, register without end, or do not take no for an answer.
//!
//! Failures are counted for a name from a network, for a network over all names, and for a name
//! over all networks; networks are an IPv4 address, or an IPv6 /64, /56 and /48. Every count
//! drains. The first two make wait, the last one only delays, so that strangers cannot lock a
//! user out. Time is a parameter.

mod bucket;
mod shared;
mod table;

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::address::{Network, Source};
use super::limits::Limits;
use super::networks::Networks;
use crate::protocol::{Password, UserName};
use bucket::Rate;
pub use shared::{Guesses, written};
use table::{Key, Table};

/// The wait after the last failure that is allowed; each further failure doubles it.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// The longest wait, and the time in which one failure for a name is forgotten.
const LONGEST_WAIT: Duration = Duration::from_mins(15);
/// Failures beyond those allowed that are remembered: enough for the longest wait.
const BEYOND: u32 = 12;

/// Failures for a name over all networks before answers are delayed, for each one that is allowed
/// from one network.
const ACCOUNT_FACTOR: u32 = 10;
/// The first such delay; each further failure doubles it.
const FIRST_DELAY: Duration = Duration::from_millis(250);
/// The longest such delay.
const LONGEST_DELAY: Duration = Duration::from_secs(4);

/// Registrations at once from a network before they are limited.
pub const REGISTRATION_BURST: u32 = 500;

/// Refusals from a network that are answered at once; one is forgotten each second.
const PROMPT_REFUSALS: u32 = 10;
/// What each further refusal is answered later.
const REFUSAL_DELAY: Duration = Duration::from_millis(50);
/// The longest delay of a refusal.
const LONGEST_REFUSAL_DELAY: Duration = Duration::from_secs(1);
const REFUSALS: Rate = Rate {
    drop: Duration::from_secs(1),
    most: PROMPT_REFUSALS + 20,
};

/// For how long a success makes a name known at a network.
const KNOWN: Rate = Rate {
    drop: Duration::from_hours(7 * 24),
    most: 1,
};

/// Entries in each table.
const ENTRIES: usize = 32_768;

/// What is remembered of the networks of one address family.
struct Tables {
    /// Failures for a name from a network.
    names: Table,
    /// Failures from a network over all names.
    networks: Table,
    registrations: Table,
    refusals: Table,
    /// Names that logged in from a source lately.
    known: Table,
}

impl Tables {
    fn new() -> Mutex<Self> {
        Mutex::new(Self {
            names: Table::new(ENTRIES),
            networks: Table::new(ENTRIES),
            registrations: Table::new(ENTRIES),
            refusals: Table::new(ENTRIES),
            known: Table::new(ENTRIES),
        })
    }
}

/// A login that is asked for: by whom, and for whom. Holds no password, only a keyed hash of it.
#[derive(Debug, Clone, Copy)]
pub struct Attempt {
    source: Source,
    name: u64,
    guess: u64,
    exempt: bool,
}

/// Counts what failed and what was refused, and says who has to wait for how long.
pub struct Throttle {
    by_name: u32,
    by_address: u32,
    registrations: u32,
    exempt: Networks,
    secret: RandomState,
    ipv4: Mutex<Tables>,
    ipv6: Mutex<Tables>,
    /// Failures for a name over all networks.
    accounts: Mutex<Table>,
    /// Names that failed, by their hash, for those who ask who has to wait.
    names: Mutex<HashMap<u64, String>>,
}

/// Who has to wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// The network, as it is written: an address, or leading bits and their number.
    pub network: String,
    /// The user name; `None` for all names from the network.
    pub name: Option<String>,
    /// For how long.
    pub wait: Duration,
}

impl Throttle {
    /// With what `limits` allows.
    pub fn new(limits: &Limits) -> Self {
        Self {
            by_name: limits.failures,
            by_address: limits.address_failures,
            registrations: limits.registration_rate,
            exempt: limits.exempt.clone(),
            secret: RandomState::new(),
            ipv4: Tables::new(),
            ipv6: Tables::new(),
            accounts: Mutex::new(Table::new(ENTRIES)),
            names: Mutex::default(),
        }
    }

    /// Whether an address is in a network that no limit holds for.
    pub fn is_exempt(&self, address: IpAddr) -> bool {
        self.exempt.contain(address)
    }

    /// A login of `name` from `address` with `password`. Two forms of a name that have the same
    /// NFC are one name.
    pub fn attempt(&self, address: IpAddr, name: &UserName, password: &Password) -> Attempt {
        let composed = name.composed();
        let name = composed.as_ref().unwrap_or(name).as_str();
        Attempt {
            source: Source::from(address),
            name: self.secret.hash_one(name),
            guess: self.secret.hash_one((name, password.expose())),
            exempt: self.by_name == 0 || self.is_exempt(address),
        }
    }

    /// Takes note of the name behind a hash.
    fn remember(&self, hash: u64, name: &UserName) {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        if names.len() >= ENTRIES {
            names.clear();
        }
        let composed = name.composed();
        let name = composed.as_ref().unwrap_or(name).as_str();
        names.entry(hash).or_insert_with(|| name.to_owned());
    }

    /// Those who have to wait now, the longest first.
    pub fn waiting(&self, now: Instant) -> Vec<Waiting> {
        let names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all = Vec::new();
        for tables in [&self.ipv4, &self.ipv6] {
            let tables = tables.lock().unwrap_or_else(PoisonError::into_inner);
            for (key, until) in tables.names.waits().chain(tables.networks.waits()) {
                let wait = until.saturating_duration_since(now);
                if !wait.is_zero() {
                    let name = (key.name != 0).then(|| names.get(&key.name).cloned());
                    all.push(Waiting {
                        network: written(key.network, key.prefix),
                        name: name.map(Option::unwrap_or_default),
                        wait,
                    });
                }
            }
        }
        all.sort_by_key(|waiting| std::cmp::Reverse(waiting.wait));
        all
    }

    /// Forgets failures: all that have this name and this network, where they are given.
    pub fn clear(&self, name: Option<&UserName>, network: Option<(u128, u8)>) {
        let composed = name.and_then(UserName::composed);
        let name = composed.as_ref().or(name);
        let name = name.map(|name| self.secret.hash_one(name.as_str()));
        let goes = |key: &Key| {
            name.is_none_or(|name| name == key.name)
                && network.is_none_or(|network| network == (key.network, key.prefix))
        };
        for tables in [&self.ipv4, &self.ipv6] {
            let mut tables = tables.lock().unwrap_or_else(PoisonError::into_inner);
            tables.names.forget(goes);
            tables.networks.forget(goes);
        }
        self.accounts().forget(goes);
    }

    fn tables(&self, source: Source) -> MutexGuard<'_, Tables> {
        let tables = if source.is_ipv4() {
            &self.ipv4
        } else {
            &self.ipv6
        };
        tables.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn accounts(&self) -> MutexGuard<'_, Table> {
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How long a login has to wait; `None` where it need not.
    pub fn wait(&self, attempt: &Attempt, now: Instant) -> Option<Duration> {
        if attempt.exempt {
            return None;
        }
        let tables = self.tables(attempt.source);
        let known = is_known(&tables.known, attempt, now);
        let left = |table: &Table, key| {
            let entry = table.get(&key)?;
            let left = entry.until.saturating_duration_since(now);
            (!left.is_zero()).then_some(left)
        };
        let of_networks = attempt.source.networks().filter_map(|network| {
            let by_name = left(&tables.names, key(network, attempt.name));
            // Who shares an address with others does not wait for what they did.
            let by_address = if known {
                None
            } else {
                left(&tables.networks, key(network, 0))
            };
            by_name.max(by_address)
        });
        of_networks.max()
    }

    /// How much later a login is looked at because too many failed for the name, wherever they
    /// came from. Zero where the name logged in from the same source lately.
    pub fn delay(&self, attempt: &Attempt, now: Instant) -> Duration {
        if attempt.exempt || self.knows(attempt, now) {
            return Duration::ZERO;
        }
        let allowed = self.by_name.saturating_mul(ACCOUNT_FACTOR);
        let accounts = self.accounts();
        let failures = accounts.get(&account(attempt)).map_or(0, |entry| {
            entry.bucket.drops(rate(allowed, ACCOUNT_FACTOR), now)
        });
        self.delay_after(failures)
    }

    /// Whether the name logged in from the same source lately.
    fn knows(&self, attempt: &Attempt, now: Instant) -> bool {
        is_known(&self.tables(attempt.source).known, attempt, now)
    }

    /// A login failed. The same guess once more is no further guess: then nothing is counted,
    /// and the result is `true`.
    pub fn failed(&self, attempt: &Attempt, now: Instant) -> bool {
        if attempt.exempt {
            return false;
        }
        let mut tables = self.tables(attempt.source);
        let nearest = key(attempt.source.nearest(), attempt.name);
        if tables.names.entry(nearest, now).is_repeat(attempt.guess) {
            return true;
        }
        let known = is_known(&tables.known, attempt, now);
        let per_address = (self.by_address / self.by_name).max(1);
        for network in attempt.source.networks() {
            let by_name = self.by_name.saturating_mul(network.share);
            let names = &mut tables.names;
            count(
                names,
                key(network, attempt.name),
                by_name,
                network.share,
                now,
            );
            if !known {
                let by_address = self.by_address.saturating_mul(network.share);
                let each = per_address.saturating_mul(network.share);
                count(&mut tables.networks, key(network, 0), by_address, each, now);
            }
        }
        drop(tables);
        let allowed = self.by_name.saturating_mul(ACCOUNT_FACTOR);
        self.accounts()
            .entry(account(attempt), now)
            .bucket
            .add(rate(allowed, ACCOUNT_FACTOR), now);
        false
    }

    /// A login succeeded: the failures of this name are forgiven, those of other names from the
    /// address are not, or an attacker could log in in between.
    pub fn succeeded(&self, attempt: &Attempt, now: Instant) {
        if attempt.exempt {
            return;
        }
        let mut tables = self.tables(attempt.source);
        for network in attempt.source.networks() {
            tables.names.remove(&key(network, attempt.name));
        }
        let nearest = key(attempt.source.nearest(), attempt.name);
        tables.known.entry(nearest, now).bucket.add(KNOWN, now);
    }

    /// Counts a registration from `address`; where there were too many, how long to wait instead.
    pub fn register(&self, address: IpAddr, now: Instant) -> Option<Duration> {
        if self.registrations == 0 || self.is_exempt(address) {
            return None;
        }
        let source = Source::from(address);
        let mut tables = self.tables(source);
        let limits = |network: Network| {
            let each_second = self.registrations.saturating_mul(network.share);
            let burst = REGISTRATION_BURST * network.share;
            let drop = Duration::from_secs(1) / each_second;
            let most = burst;
            (Rate { drop, most }, burst)
        };
        let wait = source.networks().filter_map(|network| {
            let (rate, burst) = limits(network);
            let entry = tables.registrations.get(&key(network, 0))?;
            let wait = entry.bucket.until(burst - 1, rate, now);
            (!wait.is_zero()).then_some(wait)
        });
        if let Some(wait) = wait.max() {
            return Some(wait);
        }
        for network in source.networks() {
            let (rate, _) = limits(network);
            let entry = tables.registrations.entry(key(network, 0), now);
            entry.bucket.add(rate, now);
        }
        None
    }

    /// Counts a request that is refused without being looked at, or is a guess made before; how
    /// much later to say so.
    pub fn refused(&self, address: IpAddr, now: Instant) -> Duration {
        if self.is_exempt(address) {
            return Duration::ZERO;
        }
        let source = Source::from(address);
        let mut tables = self.tables(source);
        let entry = tables.refusals.entry(key(source.nearest(), 0), now);
        let beyond = entry
            .bucket
            .add(REFUSALS, now)
            .saturating_sub(PROMPT_REFUSALS);
        (REFUSAL_DELAY * beyond).min(LONGEST_REFUSAL_DELAY)
    }
}

const fn key(network: Network, name: u64) -> Key {
    Key {
        network: network.bits,
        prefix: network.prefix,
        name,
    }
}

const fn account(attempt: &Attempt) -> Key {
    Key {
        network: 0,
        prefix: 0,
        name: attempt.name,
    }
}

fn is_known(known: &Table, attempt: &Attempt, now: Instant) -> bool {
    known
        .get(&key(attempt.source.nearest(), attempt.name))
        .is_some_and(|entry| entry.bucket.empty_at() > now)
}

/// How failures are forgotten where `allowed` may fail: `each` of them in the longest wait.
fn rate(allowed: u32, each: u32) -> Rate {
    Rate {
        drop: LONGEST_WAIT / each.max(1),
        most: allowed.saturating_add(BEYOND),
    }
}

fn count(table: &mut Table, key: Key, allowed: u32, each: u32, now: Instant) {
    let entry = table.entry(key, now);
    let failures = entry.bucket.add(rate(allowed, each), now);
    if let Some(beyond) = failures.checked_sub(allowed) {
        entry.until = now + (FIRST_WAIT * (1 << beyond.min(16))).min(LONGEST_WAIT);
    }
}

#[cfg(test)]
mod tests;
