//! Decides who may connect. When most connections are in use, idle ones are closed, the oldest first.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use crate::locks::lock;

/// How long a connection may always stay idle. None is closed earlier than that.
const GRACE: Duration = Duration::from_secs(1);
/// How long a connection may stay without a first request under pressure.
const FIRST_REQUEST: Duration = Duration::from_secs(5);
/// How often pressure, and the end of pressure, is checked.
pub const INTERVAL: Duration = Duration::from_millis(250);

/// What a connection is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// It has not sent a request since then.
    First(Instant),
    /// It was answered, and has been idle since then.
    Between(Instant),
    /// It waits for an answer.
    Busy,
    /// It must be closed.
    Closing,
}

/// One open connection.
pub struct Slot {
    state: Mutex<State>,
    closing: Notify,
}

impl Slot {
    /// The connection has a complete request; `false` if it must be closed nevertheless.
    pub fn begins(&self) -> bool {
        let mut state = lock(&self.state);
        let stays = *state != State::Closing;
        if stays {
            *state = State::Busy;
        }
        stays
    }

    /// The request is answered.
    pub fn rests(&self, now: Instant) {
        let mut state = lock(&self.state);
        if *state != State::Closing {
            *state = State::Between(now);
        }
    }

    /// Ready when the connection must be closed to make room for others.
    pub async fn has_to_go(&self) {
        self.closing.notified().await;
    }

    /// Tells the connection to close, unless it has begun a request since.
    fn close(&self) -> bool {
        let mut state = lock(&self.state);
        if matches!(*state, State::Busy | State::Closing) {
            return false;
        }
        *state = State::Closing;
        self.closing.notify_one();
        true
    }
}

/// All open connections.
pub struct Admission {
    limit: usize,
    permits: Arc<Semaphore>,
    slots: Mutex<HashMap<u64, Arc<Slot>>>,
}

/// One connection's place, for as long as this lives.
pub struct Place {
    admission: Arc<Admission>,
    connection: u64,
    slot: Arc<Slot>,
    _permit: OwnedSemaphorePermit,
}

impl Place {
    /// The connection in this place.
    pub fn slot(&self) -> &Slot {
        &self.slot
    }

    /// The connection is never closed to make room for others.
    pub fn keep(&self) {
        lock(&self.admission.slots).remove(&self.connection);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        lock(&self.admission.slots).remove(&self.connection);
    }
}

impl Admission {
    /// Places for `limit` connections.
    pub fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self {
            limit,
            permits: Arc::new(Semaphore::new(limit)),
            slots: Mutex::default(),
        })
    }

    /// Connections open now.
    pub fn open(&self) -> usize {
        self.limit - self.permits.available_permits()
    }

    /// Waits for a place for the connection with this number. If there is none, idle connections are closed: those
    /// that never sent a request before the others, and in each group the oldest first.
    pub async fn enter(self: &Arc<Self>, connection: u64) -> Place {
        let permit = loop {
            if let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() {
                break permit;
            }
            // A few at a time, so that searching for them does not take all the time.
            self.close_oldest(Instant::now(), 1 + self.limit / 100);
            let permit = Arc::clone(&self.permits).acquire_owned();
            if let Ok(Ok(permit)) = tokio::time::timeout(INTERVAL, permit).await {
                break permit;
            }
        };
        let slot = Arc::new(Slot {
            state: Mutex::new(State::First(Instant::now())),
            closing: Notify::new(),
        });
        lock(&self.slots).insert(connection, Arc::clone(&slot));
        Place {
            admission: Arc::clone(self),
            connection,
            slot,
            _permit: permit,
        }
    }

    /// Waits until no connection is open.
    pub async fn drained(&self) {
        let all = u32::try_from(self.limit).unwrap_or(u32::MAX);
        // Nothing closes the semaphore.
        let _ = self.permits.acquire_many(all).await;
    }

    /// Under pressure, closes connections that have been idle for too long. Logs this once each time.
    pub async fn relieve(self: Arc<Self>) {
        let mut warned = false;
        let mut ticks = tokio::time::interval(INTERVAL);
        loop {
            ticks.tick().await;
            let open = self.open();
            if open * 10 < self.limit * 8 {
                warned &= open * 10 >= self.limit * 7;
                continue;
            }
            let closed = self.close_late(Instant::now());
            if !warned {
                warned = true;
                tracing::warn!(
                    open,
                    limit = self.limit,
                    closed,
                    "80 % of all connections are open; those without a first request are closed early"
                );
            }
        }
    }

    /// Closes idle connections; returns how many.
    fn close_oldest(&self, now: Instant, most: usize) -> usize {
        let mut idle: Vec<_> = lock(&self.slots)
            .values()
            .filter_map(|slot| {
                let (asked, since) = match *lock(&slot.state) {
                    State::First(since) => (false, since),
                    State::Between(since) => (true, since),
                    State::Busy | State::Closing => return None,
                };
                let long = now.saturating_duration_since(since) >= GRACE;
                long.then(|| (asked, since, Arc::clone(slot)))
            })
            .collect();
        idle.sort_unstable_by_key(|(asked, since, _)| (*asked, *since));
        let oldest = idle.iter().take(most);
        oldest.filter(|(.., slot)| slot.close()).count()
    }

    fn close_late(&self, now: Instant) -> usize {
        let slots = lock(&self.slots);
        let late = slots.values().filter(|slot| {
            let state = *lock(&slot.state);
            matches!(state, State::First(since)
                if now.saturating_duration_since(since) >= FIRST_REQUEST)
        });
        late.filter(|slot| slot.close()).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_asks_nothing_goes_first() {
        let admission = Admission::new(3);
        let (asked, busy) = (admission.enter(1).await, admission.enter(2).await);
        let silent = admission.enter(3).await;
        assert!(asked.slot().begins());
        let start = Instant::now();
        asked.slot().rests(start);
        assert!(busy.slot().begins());
        assert_eq!(admission.open(), 3);
        // None is closed within the grace period.
        assert_eq!(admission.close_oldest(start, 3), 0);
        let later = start + FIRST_REQUEST;
        assert_eq!(admission.close_oldest(later, 1), 1);
        assert!(!silent.slot().begins(), "the silent one");
        silent.slot().has_to_go().await;
        assert_eq!(admission.close_oldest(later, 3), 1);
        assert!(!asked.slot().begins(), "the one that has been answered");
        assert!(busy.slot().begins());
        drop((asked, silent));
        let kept = admission.enter(4).await;
        kept.keep();
        assert_eq!(admission.close_late(later + FIRST_REQUEST), 0);
        assert_eq!(admission.open(), 2);
    }
}
