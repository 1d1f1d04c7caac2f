//! What slows down those who guess, register without end, or do not take no for an answer.
//!
//! Failures are counted for a name from a network, for a network over all names, and for a name
//! over all networks; networks are an IPv4 address, or an IPv6 /64, /56 and /48. Every count
//! drains. The first two make wait, the last one only delays, so that strangers cannot lock a
//! user out. Time is a parameter.

mod guesses;

use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use super::address::{Network, SourceAddress};
use super::limits::ServerLimits;
use super::networks::Networks;
use crate::accounts::failures::{LONGEST_WAIT, Rate, Table};
use crate::accounts::{Count, Whom};
use crate::locks::lock;
use crate::protocol::{Password, UserName};
pub use guesses::Guesses;

/// Failures that are remembered beyond the allowed ones: enough for the longest wait.
const BEYOND: u32 = 12;

/// Failures for a name over all networks before answers are delayed, for each one that is allowed
/// from one network.
const EVERYWHERE_FACTOR: u32 = 10;
/// The first such delay; each further failure doubles it.
const FIRST_DELAY: Duration = Duration::from_millis(250);
/// The longest such delay.
const LONGEST_DELAY: Duration = Duration::from_secs(4);

/// Registrations at once from a network before they are limited.
pub const REGISTRATION_BURST: u32 = 500;

/// Refusals from a network that are answered at once; one is forgotten each second.
const PROMPT_REFUSALS: u32 = 10;
/// Additional delay for each further refusal.
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

/// Wrong passwords of a name from a network that are remembered, by keyed hash.
const REPEATS: usize = 4;

/// The last wrong passwords.
#[derive(Default)]
struct Repeats([Option<u64>; REPEATS]);

impl Repeats {
    /// Whether this guess was seen lately. Else it is remembered, in the place of the oldest.
    fn has(&mut self, guess: u64) -> bool {
        if self.0.contains(&Some(guess)) {
            return true;
        }
        self.0.rotate_right(1);
        self.0[0] = Some(guess);
        false
    }
}

/// The tables for the networks of one address family.
struct Tables {
    registrations: Table<Whom>,
    refusals: Table<Whom>,
    /// Names that logged in from a source recently.
    known: Table<Whom>,
    /// What was guessed for a name from a source.
    guessed: Table<Whom, Repeats>,
}

impl Tables {
    fn new() -> Mutex<Self> {
        Mutex::new(Self {
            registrations: Table::new(ENTRIES),
            refusals: Table::new(ENTRIES),
            known: Table::new(ENTRIES),
            guessed: Table::new(ENTRIES),
        })
    }
}

/// A login attempt: its source and its name. Contains no password, only a keyed hash of it.
#[derive(Debug, Clone)]
pub struct Attempt {
    source: SourceAddress,
    /// In NFC: two forms of a name that have the same NFC are one name.
    name: UserName,
    guess: u64,
    exempt: bool,
}

impl Attempt {
    /// The name from the source.
    fn nearest(&self) -> Whom {
        whom(self.source.nearest(), Some(&self.name))
    }

    /// The name from each network that the source is in.
    fn names(&self) -> impl Iterator<Item = Whom> {
        let networks = self.source.networks();
        networks.map(|network| whom(network, Some(&self.name)))
    }
}

/// The limits, and what each server remembers by itself: registrations, refusals, which names are known where, and
/// which passwords were tried.
pub struct Throttle {
    by_name: u32,
    by_address: u32,
    registrations: u32,
    exempt: Networks,
    secret: RandomState,
    ipv4: Mutex<Tables>,
    ipv6: Mutex<Tables>,
}

impl Throttle {
    /// With what `limits` allows.
    pub fn new(limits: &ServerLimits) -> Self {
        Self {
            by_name: limits.failures,
            by_address: limits.address_failures,
            registrations: limits.registration_rate,
            exempt: limits.exempt.clone(),
            secret: RandomState::new(),
            ipv4: Tables::new(),
            ipv6: Tables::new(),
        }
    }

    /// Whether an address is exempt from limits.
    pub fn is_exempt(&self, address: IpAddr) -> bool {
        self.exempt.contain(address)
    }

    /// A login of `name` from `address` with `password`.
    pub fn attempt(&self, address: IpAddr, name: &UserName, password: &Password) -> Attempt {
        let name = name.composed().unwrap_or_else(|| name.clone());
        let exempt = self.by_name == 0 || self.is_exempt(address);
        // Of one that is exempt nothing is remembered.
        let guess = (!exempt).then(|| self.secret.hash_one((name.as_str(), password.expose())));
        Attempt {
            source: SourceAddress::from(address),
            guess: guess.unwrap_or_default(),
            exempt,
            name,
        }
    }

    fn tables(&self, source: SourceAddress) -> MutexGuard<'_, Tables> {
        let tables = if source.is_ipv4() {
            &self.ipv4
        } else {
            &self.ipv6
        };
        lock(tables)
    }

    /// Whether the name logged in from the same source recently.
    fn knows(&self, attempt: &Attempt, now: Instant) -> bool {
        let tables = self.tables(attempt.source);
        let known = tables.known.get(&attempt.nearest());
        known.is_some_and(|entry| entry.matters(now))
    }

    /// What a failed attempt counts as.
    fn counts(&self, attempt: &Attempt, now: Instant) -> Vec<Count> {
        let known = self.knows(attempt, now);
        let per_address = (self.by_address / self.by_name.max(1)).max(1);
        let mut counts = Vec::new();
        for network in attempt.source.networks() {
            let share = network.share;
            let by_name = self.by_name.saturating_mul(share);
            counts.push(count(whom(network, Some(&attempt.name)), by_name, share));
            // A known user of a shared address neither counts there nor waits for the failures of others.
            if !known {
                let by_address = self.by_address.saturating_mul(share);
                let each = per_address.saturating_mul(share);
                counts.push(count(whom(network, None), by_address, each));
            }
        }
        let everywhere = Whom {
            network: None,
            name: Some(attempt.name.clone()),
        };
        counts.push(Count {
            allowed: None,
            ..count(everywhere, self.everywhere(), EVERYWHERE_FACTOR)
        });
        counts
    }

    /// Failures for a name over all networks before answers are delayed.
    const fn everywhere(&self) -> u32 {
        self.by_name.saturating_mul(EVERYWHERE_FACTOR)
    }

    /// How much later a login is processed after this many failures for its name, from any network.
    fn delay_after(&self, failures: u32) -> Duration {
        match failures.checked_sub(self.everywhere()) {
            None => Duration::ZERO,
            Some(beyond) => (FIRST_DELAY * (1 << beyond.min(8))).min(LONGEST_DELAY),
        }
    }

    /// Records a wrong password; `true` if it was tried before, which is not a further guess.
    fn is_repeated(&self, attempt: &Attempt, now: Instant) -> bool {
        let mut tables = self.tables(attempt.source);
        let guessed = tables.guessed.entry(attempt.nearest(), now);
        // For as long as one failure for the name is remembered.
        let rate = rate(self.by_name, 1);
        guessed.bucket.add(rate, now);
        guessed.more.has(attempt.guess)
    }

    /// Records a login, which makes the name known at the source.
    fn succeeded(&self, attempt: &Attempt, now: Instant) {
        let mut tables = self.tables(attempt.source);
        tables.guessed.remove(&attempt.nearest());
        let known = tables.known.entry(attempt.nearest(), now);
        known.bucket.add(KNOWN, now);
    }

    /// Forgets guesses with this name and this network, if given.
    fn forget_guesses(&self, name: Option<&UserName>, network: Option<(u128, u8)>) {
        let goes = |whom: &Whom| {
            name.is_none_or(|name| whom.name.as_ref() == Some(name))
                && (network.is_none() || whom.network == network)
        };
        for tables in [&self.ipv4, &self.ipv6] {
            let mut tables = lock(tables);
            tables.guessed.forget(goes);
        }
    }

    /// Counts a registration from `address`. If there were too many, returns how long to wait instead.
    pub fn register(&self, address: IpAddr, now: Instant) -> Option<Duration> {
        if self.registrations == 0 || self.is_exempt(address) {
            return None;
        }
        let source = SourceAddress::from(address);
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
            let entry = tables.registrations.get(&whom(network, None))?;
            let wait = entry.bucket.until(burst - 1, rate, now);
            (!wait.is_zero()).then_some(wait)
        });
        if let Some(wait) = wait.max() {
            return Some(wait);
        }
        for network in source.networks() {
            let (rate, _) = limits(network);
            let entry = tables.registrations.entry(whom(network, None), now);
            entry.bucket.add(rate, now);
        }
        None
    }

    /// Counts a request that is refused without processing, or is a repeated guess. Returns the delay of the answer.
    pub fn refused(&self, address: IpAddr, now: Instant) -> Duration {
        if self.is_exempt(address) {
            return Duration::ZERO;
        }
        let source = SourceAddress::from(address);
        let mut tables = self.tables(source);
        let entry = tables.refusals.entry(whom(source.nearest(), None), now);
        let beyond = entry
            .bucket
            .add(REFUSALS, now)
            .saturating_sub(PROMPT_REFUSALS);
        (REFUSAL_DELAY * beyond).min(LONGEST_REFUSAL_DELAY)
    }
}

/// A name, or all names, from a network.
fn whom(network: Network, name: Option<&UserName>) -> Whom {
    Whom {
        network: Some((network.bits, network.prefix)),
        name: name.cloned(),
    }
}

/// The rate at which failures are forgotten if `allowed` may fail: `each` of them in the longest wait.
fn rate(allowed: u32, each: u32) -> Rate {
    Rate {
        drop: LONGEST_WAIT / each.max(1),
        most: allowed.saturating_add(BEYOND),
    }
}

fn count(whom: Whom, allowed: u32, each: u32) -> Count {
    let rate = rate(allowed, each);
    Count {
        whom,
        allowed: Some(allowed),
        forgotten: rate.drop,
        most: rate.most,
    }
}

#[cfg(test)]
mod tests;
