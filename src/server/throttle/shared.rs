//! Failed logins as this server remembers them and, where there is one, as the store that several servers share does. What
//! the store does not answer, this server's own memory does: guessing is never free.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::super::address::Source;
use super::{Attempt, FIRST_DELAY, LONGEST_DELAY, Throttle, Waiting};
use crate::accounts::{Count, Failures, Seen, StoreError, Whom};
use crate::protocol::UserName;

/// How often it is told that the store does not answer.
const TELL: Duration = Duration::from_secs(10);

/// How an attempt stands.
#[derive(Debug, Clone, Copy, Default)]
pub struct Standing {
    /// How long it has to wait; `None` where it need not.
    pub wait: Option<Duration>,
    /// How much later it is looked at.
    pub delay: Duration,
    /// Whether the shared store remembers failures for the name from the network.
    remembered: bool,
}

/// This server's memory of failures, and the shared one.
pub struct Guesses {
    pub local: Throttle,
    shared: Option<Arc<dyn Failures>>,
    told: Mutex<Option<Instant>>,
}

impl Guesses {
    pub fn new(local: Throttle, shared: Option<Arc<dyn Failures>>) -> Self {
        Self {
            local,
            shared,
            told: Mutex::new(None),
        }
    }

    /// How a login of `name` stands now.
    pub async fn standing(&self, attempt: &Attempt, name: &UserName) -> Standing {
        let now = Instant::now();
        let wait = self.local.wait(attempt, now);
        let delay = self.local.delay(attempt, now);
        let own = Standing {
            wait,
            delay,
            remembered: false,
        };
        let (Some(shared), None, false) = (&self.shared, wait, attempt.exempt) else {
            return own;
        };
        let counts = self.local.counts(attempt, name, now);
        let asked = counts.iter().map(|count| count.whom.clone()).collect();
        match shared.seen(asked).await {
            Ok(seen) => self.with(own, attempt, &counts, &seen),
            Err(error) => {
                self.tell(&error);
                own
            }
        }
    }

    fn with(&self, own: Standing, attempt: &Attempt, counts: &[Count], seen: &[Seen]) -> Standing {
        let longest = seen.iter().map(|seen| seen.wait).max();
        let wait = longest.filter(|wait| !wait.is_zero());
        // The account over all networks is the one without a network: it only delays.
        let account = seen.iter().find(|seen| seen.whom.network.is_none());
        let known = self.local.knows(attempt, Instant::now());
        let delay = account.filter(|_| !known).map_or(Duration::ZERO, |seen| {
            let count = counts.iter().find(|count| count.whom == seen.whom);
            count.map_or(Duration::ZERO, |count| {
                let failures = seen.left.as_secs_f64() / count.forgotten.as_secs_f64();
                self.local.delay_after(whole(failures))
            })
        });
        let remembered = |seen: &Seen| seen.whom.network.is_some() && seen.whom.name.is_some();
        Standing {
            wait: own.wait.max(wait),
            delay: own.delay.max(delay),
            remembered: seen.iter().any(remembered),
        }
    }

    /// The login failed; `true` where the same guess was made before, which is no further one.
    pub async fn failed(&self, attempt: &Attempt, name: &UserName) -> bool {
        let now = Instant::now();
        let counts = self.local.counts(attempt, name, now);
        self.local.remember(attempt.name, name);
        let repeated = self.local.failed(attempt, now);
        if let (Some(shared), false, false) = (&self.shared, repeated, attempt.exempt)
            && let Err(error) = shared.count(counts).await
        {
            self.tell(&error);
        }
        repeated
    }

    /// The login succeeded, which stood so before.
    pub async fn succeeded(&self, attempt: &Attempt, name: &UserName, standing: Standing) {
        let now = Instant::now();
        let counts = self.local.counts(attempt, name, now);
        self.local.succeeded(attempt, now);
        let (Some(shared), true) = (&self.shared, standing.remembered) else {
            return;
        };
        let of_name = |whom: &Whom| whom.network.is_some() && whom.name.is_some();
        let all = counts.into_iter().map(|count| count.whom);
        if let Err(error) = shared.forgive(all.filter(of_name).collect()).await {
            self.tell(&error);
        }
    }

    /// Those who have to wait, here or at all servers with the same store.
    pub async fn waiting(&self) -> Result<Vec<Waiting>, StoreError> {
        let mut all = self.local.waiting(Instant::now());
        let Some(shared) = &self.shared else {
            return Ok(all);
        };
        for seen in shared.waiting().await? {
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
                Some(own) => own.wait = own.wait.max(waiting.wait),
                None => all.push(waiting),
            }
        }
        all.sort_by_key(|waiting| std::cmp::Reverse(waiting.wait));
        Ok(all)
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
            Some(address) => Source::from(address)
                .networks()
                .map(|network| Some((network.bits, network.prefix)))
                .collect(),
        };
        for network in networks {
            self.local.clear(name.as_ref(), network);
            if let Some(shared) = &self.shared {
                shared.clear(name.clone(), network).await?;
            }
        }
        Ok(())
    }

    fn tell(&self, error: &StoreError) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.is_none_or(|told| told.elapsed() >= TELL) {
            *told = Some(Instant::now());
            tracing::warn!(%error, "failed logins are counted by this server alone for now");
        }
    }
}

/// A network as it is written.
pub fn written(bits: u128, prefix: u8) -> String {
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

impl Throttle {
    /// What a failed attempt counts as, where `name` is the name that was given.
    fn counts(&self, attempt: &Attempt, name: &UserName, now: Instant) -> Vec<Count> {
        let composed = name.composed();
        let name = composed.as_ref().unwrap_or(name);
        let known = self.knows(attempt, now);
        let count = |network, name: Option<&UserName>, allowed: u32, each: u32| {
            let rate = super::rate(allowed, each);
            Count {
                whom: Whom {
                    network,
                    name: name.cloned(),
                },
                allowed: Some(allowed),
                forgotten: rate.drop,
                most: rate.most,
            }
        };
        let per_address = (self.by_address / self.by_name.max(1)).max(1);
        let mut counts = Vec::new();
        for network in attempt.source.networks() {
            let (bits, share) = (Some((network.bits, network.prefix)), network.share);
            counts.push(count(
                bits,
                Some(name),
                self.by_name.saturating_mul(share),
                share,
            ));
            if !known {
                let allowed = self.by_address.saturating_mul(share);
                counts.push(count(
                    bits,
                    None,
                    allowed,
                    per_address.saturating_mul(share),
                ));
            }
        }
        let allowed = self.by_name.saturating_mul(super::ACCOUNT_FACTOR);
        let mut account = count(None, Some(name), allowed, super::ACCOUNT_FACTOR);
        account.allowed = None;
        counts.push(account);
        counts
    }

    /// How much later a login is looked at after so many failures for its name, wherever they came from.
    pub(super) fn delay_after(&self, failures: u32) -> Duration {
        let allowed = self.by_name.saturating_mul(super::ACCOUNT_FACTOR);
        match failures.checked_sub(allowed) {
            None => Duration::ZERO,
            Some(beyond) => (FIRST_DELAY * (1 << beyond.min(8))).min(LONGEST_DELAY),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::limits::Limits;
    use super::*;
    use crate::accounts::Answer;
    use crate::protocol::Password;

    /// A store that remembers one wait, or does not answer.
    struct Remembers(Option<Duration>);

    impl Failures for Remembers {
        fn seen(&self, whom: Vec<Whom>) -> Answer<'_, Vec<Seen>> {
            let wait = self.0.ok_or(StoreError::Stopped);
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
        let guesses = |remembers| {
            let shared: Arc<dyn Failures> = Arc::new(Remembers(remembers));
            Guesses::new(Throttle::new(&Limits::DEFAULT), Some(shared))
        };
        let alice = UserName::new("alice").unwrap();
        let address = "192.0.2.1".parse().unwrap();
        let shared = guesses(Some(Duration::from_secs(9)));
        let guess = |guesses: &Guesses, n: u32| {
            let password = Password::new(format!("guess{n}")).unwrap();
            guesses.local.attempt(address, &alice, &password)
        };
        let standing = shared.standing(&guess(&shared, 0), &alice).await;
        assert_eq!(standing.wait, Some(Duration::from_secs(9)));
        let alone = guesses(None);
        for n in 0..5 {
            let attempt = guess(&alone, n);
            assert_eq!(alone.standing(&attempt, &alice).await.wait, None);
            assert!(!alone.failed(&attempt, &alice).await);
        }
        let standing = alone.standing(&guess(&alone, 5), &alice).await;
        assert!(standing.wait.is_some());
    }
}
