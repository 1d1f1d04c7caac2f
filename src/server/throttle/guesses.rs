//! Failed logins, remembered by this server and, if there is one, by the store that several servers share. If that
//! store does not answer, this server's memory is used alone: guessing is never free.

use std::cmp::Reverse;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::super::address::SourceAddress;
use super::{Attempt, Throttle};
use crate::accounts::failures::Clock;
use crate::accounts::{Count, Failures, LocalFailures, Seen, StoreError};
use crate::locks::lock;
use crate::protocol::UserName;

/// How often it is logged that the store does not answer.
const TELL: Duration = Duration::from_secs(10);

/// How long the store is not asked after it did not answer; otherwise every login would wait for it.
const LEFT_ALONE: Duration = Duration::from_secs(1);

/// The standing of a login attempt.
#[derive(Debug, Clone, Copy, Default)]
pub struct Standing {
    /// How long it must wait; `None` if it need not.
    pub wait: Option<Duration>,
    /// How much later it is processed.
    pub delay: Duration,
    /// Whether the shared store remembers failures for the name from the network.
    remembered: bool,
}

/// An address or user that must wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// The network, as it is written: an address, or leading bits and their number.
    pub network: String,
    /// The user name; `None` for all names from the network.
    pub name: Option<String>,
    /// For how long.
    pub wait: Duration,
}

/// Failed logins: what is allowed, this server's memory of them, and the shared one.
pub struct Guesses {
    pub throttle: Throttle,
    own: LocalFailures,
    shared: Option<Arc<dyn Failures>>,
    clock: Clock,
    outage: Mutex<Outage>,
}

/// State of a shared store that does not answer.
#[derive(Default)]
struct Outage {
    /// When that was logged last.
    told: Option<Instant>,
    /// Until when the store is not asked.
    until: Option<Instant>,
}

impl Guesses {
    pub fn new(throttle: Throttle, shared: Option<Arc<dyn Failures>>) -> Self {
        Self::with_clock(throttle, shared, Arc::new(Instant::now))
    }

    pub(super) fn with_clock(
        throttle: Throttle,
        shared: Option<Arc<dyn Failures>>,
        clock: Clock,
    ) -> Self {
        Self {
            throttle,
            own: LocalFailures::new(Arc::clone(&clock)),
            shared,
            clock,
            outage: Mutex::default(),
        }
    }

    fn now(&self) -> Instant {
        (self.clock)()
    }

    /// What remembers failures: this server first.
    fn all(&self) -> impl Iterator<Item = &dyn Failures> {
        let own: &dyn Failures = &self.own;
        std::iter::once(own).chain(self.shared.as_deref())
    }

    /// Those that a login asks; for a moment after the shared store did not answer, without it.
    fn answering(&self) -> impl Iterator<Item = &dyn Failures> {
        let until = self.shared.as_ref().and_then(|_| lock(&self.outage).until);
        let left_alone = until.is_some_and(|until| self.now() < until);
        self.all().take(if left_alone { 1 } else { 2 })
    }

    /// The standing of a login now. The shared store is not asked if the login must wait here.
    pub async fn standing(&self, attempt: &Attempt) -> Standing {
        let mut standing = Standing::default();
        if attempt.exempt {
            return standing;
        }
        let counts = self.throttle.counts(attempt, self.now());
        for (n, failures) in self.answering().enumerate() {
            if standing.wait.is_some() {
                break;
            }
            let asked = counts.iter().map(|count| count.whom.clone()).collect();
            match failures.seen(asked).await {
                Ok(seen) => {
                    standing.wait = longest_wait(&seen);
                    standing.delay = standing.delay.max(self.delay(attempt, &counts, &seen));
                    standing.remembered = n > 0 && seen.iter().any(is_name_from_network);
                }
                Err(error) => self.missed(&error),
            }
        }
        standing
    }

    /// How much later a login is processed because too many failed for its name, from any network. Zero if the name
    /// logged in from the same source recently.
    fn delay(&self, attempt: &Attempt, counts: &[Count], seen: &[Seen]) -> Duration {
        // What is counted over all networks is the one without a network: it only delays.
        let everywhere = seen.iter().find(|seen| seen.whom.network.is_none());
        let Some(seen) = everywhere.filter(|_| !self.throttle.knows(attempt, self.now())) else {
            return Duration::ZERO;
        };
        let count = counts.iter().find(|count| count.whom == seen.whom);
        count.map_or(Duration::ZERO, |count| {
            let failures = seen.left.as_secs_f64() / count.forgotten.as_secs_f64();
            self.throttle.delay_after(whole(failures))
        })
    }

    /// Records a failed login; `true` if the same guess was made before, which does not count as a further one.
    pub async fn failed(&self, attempt: &Attempt) -> bool {
        if attempt.exempt {
            return false;
        }
        let now = self.now();
        if self.throttle.is_repeated(attempt, now) {
            return true;
        }
        let counts = self.throttle.counts(attempt, now);
        for failures in self.answering() {
            if let Err(error) = failures.count(counts.clone()).await {
                self.missed(&error);
            }
        }
        false
    }

    /// Records a successful login: forgives the failures of this name, but not those of other names from the address,
    /// or an attacker could log in between guesses.
    pub async fn succeeded(&self, attempt: &Attempt, standing: Standing) {
        if attempt.exempt {
            return;
        }
        self.throttle.succeeded(attempt, self.now());
        let asked = if standing.remembered { 2 } else { 1 };
        for failures in self.answering().take(asked) {
            if let Err(error) = failures.forgive(attempt.names().collect()).await {
                self.missed(&error);
            }
        }
    }

    /// Those who must wait, here or at all servers with the same store, and the error if the store did not answer.
    pub async fn waiting(&self) -> (Vec<Waiting>, Result<(), StoreError>) {
        let mut all: Vec<Waiting> = Vec::new();
        for failures in self.all() {
            let seen = match failures.waiting().await {
                Ok(seen) => seen,
                Err(error) => return (all, Err(error)),
            };
            for seen in seen {
                let Some((bits, prefix)) = seen.whom.network else {
                    continue;
                };
                let waiting = Waiting {
                    network: written(bits, prefix),
                    name: seen.whom.name.map(|name| name.to_string()),
                    wait: seen.wait,
                };
                let same = |other: &&mut Waiting| {
                    (&other.network, &other.name) == (&waiting.network, &waiting.name)
                };
                match all.iter_mut().find(same) {
                    Some(other) => other.wait = other.wait.max(waiting.wait),
                    None => all.push(waiting),
                }
            }
        }
        all.sort_by_key(|waiting| Reverse(waiting.wait));
        (all, Ok(()))
    }

    /// Forgets failures, here and in the shared store.
    pub async fn clear(
        &self,
        name: Option<UserName>,
        address: Option<IpAddr>,
    ) -> Result<(), StoreError> {
        let name = name.map(|name| name.composed().unwrap_or(name));
        let networks: Vec<_> = match address {
            None => vec![None],
            Some(address) => SourceAddress::from(address)
                .networks()
                .map(|network| Some((network.bits, network.prefix)))
                .collect(),
        };
        for network in &networks {
            self.throttle.forget_guesses(name.as_ref(), *network);
        }
        for failures in self.all() {
            for network in &networks {
                failures.clear(name.clone(), *network).await?;
            }
        }
        Ok(())
    }

    /// Handles an error of the shared store.
    fn missed(&self, error: &StoreError) {
        let now = self.now();
        let mut outage = lock(&self.outage);
        // A busy store has answered, and anybody can keep it busy.
        if !matches!(error, StoreError::Busy) {
            outage.until = Some(now + LEFT_ALONE);
        }
        if outage.told.is_none_or(|told| now - told >= TELL) {
            outage.told = Some(now);
            tracing::warn!(%error, "failed logins are counted by this server alone for now");
        }
    }
}

fn longest_wait(seen: &[Seen]) -> Option<Duration> {
    let longest = seen.iter().map(|seen| seen.wait).max();
    longest.filter(|wait| !wait.is_zero())
}

const fn is_name_from_network(seen: &Seen) -> bool {
    seen.whom.network.is_some() && seen.whom.name.is_some()
}

/// A network as it is written.
fn written(bits: u128, prefix: u8) -> String {
    let address = Ipv6Addr::from(bits);
    match address.to_ipv4_mapped() {
        Some(address) if prefix == 128 => address.to_string(),
        _ => format!("{address}/{prefix}"),
    }
}

/// Rounded up.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a count of failures, bounded by what is remembered of them"
)]
fn whole(failures: f64) -> u32 {
    (failures - 1e-6).ceil().clamp(0.0, 1e9) as u32
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::super::super::limits::ServerLimits;
    use super::*;
    use crate::accounts::{Answer, Whom};
    use crate::protocol::Password;

    /// A store that remembers one wait, or does not answer.
    struct Remembers {
        wait: Mutex<Option<Duration>>,
        asked: AtomicUsize,
    }

    impl Failures for Remembers {
        fn seen(&self, whom: Vec<Whom>) -> Answer<'_, Vec<Seen>> {
            self.asked.fetch_add(1, Ordering::Relaxed);
            let wait = self.wait.lock().unwrap().ok_or(StoreError::Stopped);
            Box::pin(std::future::ready(wait.map(|wait| {
                let seen = |whom| Seen {
                    whom,
                    wait,
                    left: wait,
                };
                whom.into_iter().take(1).map(seen).collect()
            })))
        }

        fn count(&self, _: Vec<Count>) -> Answer<'_, ()> {
            self.asked.fetch_add(1, Ordering::Relaxed);
            Box::pin(std::future::ready(Err(StoreError::Stopped)))
        }

        fn forgive(&self, _: Vec<Whom>) -> Answer<'_, ()> {
            Box::pin(std::future::ready(Ok(())))
        }

        fn waiting(&self) -> Answer<'_, Vec<Seen>> {
            Box::pin(std::future::ready(Ok(Vec::new())))
        }

        fn clear(&self, _: Option<UserName>, _: Option<(u128, u8)>) -> Answer<'_, ()> {
            Box::pin(std::future::ready(Ok(())))
        }
    }

    #[tokio::test]
    async fn an_outage_of_the_store_leaves_this_servers_own_memory() {
        let store = Arc::new(Remembers {
            wait: Mutex::new(None),
            asked: AtomicUsize::new(0),
        });
        let now = Arc::new(Mutex::new(Instant::now()));
        let clock = Arc::clone(&now);
        let guesses = Guesses::with_clock(
            Throttle::new(&ServerLimits::DEFAULT),
            Some(Arc::clone(&store) as Arc<dyn Failures>),
            Arc::new(move || *clock.lock().unwrap()),
        );
        let alice = UserName::new("alice").unwrap();
        let guess = |n: u32| {
            let password = Password::new(format!("guess{n}")).unwrap();
            let address = "192.0.2.1".parse().unwrap();
            guesses.throttle.attempt(address, &alice, &password)
        };
        for n in 0..5 {
            assert_eq!(guesses.standing(&guess(n)).await.wait, None);
            assert!(!guesses.failed(&guess(n)).await);
        }
        assert!(guesses.standing(&guess(5)).await.wait.is_some());
        // Logins do not wait for it again and again.
        assert_eq!(store.asked.load(Ordering::Relaxed), 1);
        // It is asked again, and what it knows holds.
        *store.wait.lock().unwrap() = Some(Duration::from_secs(9));
        *now.lock().unwrap() += Duration::from_secs(2);
        let standing = guesses.standing(&guess(6)).await;
        assert_eq!(standing.wait, Some(Duration::from_secs(9)));
        assert_eq!(store.asked.load(Ordering::Relaxed), 2);
    }
}
