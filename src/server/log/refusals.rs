//! Refusals in the log: the first of a kind from a source in a second has a line of its own, the
//! others are one line together. A flood from one address is then two lines a second.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::server::address::Source;

/// Kinds of refusals from different sources that are told apart in one second.
const MOST: usize = 1024;
/// How long refusals are summed up.
const PERIOD: Duration = Duration::from_secs(1);

/// Sums refusals up by source and reason.
#[derive(Debug, Default)]
pub struct Refusals {
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    /// Further refusals after the first, in the second that runs.
    further: HashMap<(Source, &'static str), u64>,
    /// Those of sources for which there was no room.
    others: u64,
}

impl Refusals {
    /// Counts a refusal of `source`; `reason` in words. Whether it is the first in this second,
    /// and thus to have a line of its own.
    pub fn is_first(&self, source: Source, reason: &'static str) -> bool {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(further) = table.further.get_mut(&(source, reason)) {
            *further += 1;
            return false;
        }
        if table.further.len() >= MOST {
            table.others += 1;
            return false;
        }
        table.further.insert((source, reason), 0);
        true
    }

    /// Says what was summed up, and begins anew.
    pub fn tell(&self) {
        let table = std::mem::take(&mut *self.table.lock().unwrap_or_else(PoisonError::into_inner));
        for ((source, reason), count) in table.further {
            if count > 0 {
                tracing::info!(%source, reason, count, "refused further");
            }
        }
        if table.others > 0 {
            tracing::info!(count = table.others, "refused further, from many sources");
        }
    }

    /// Says it every second, for as long as the runtime lives.
    pub fn tell_regularly(self: &Arc<Self>) {
        let refusals = Arc::clone(self);
        tokio::spawn(async move {
            let mut ticks = tokio::time::interval(PERIOD);
            loop {
                ticks.tick().await;
                refusals.tell();
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    #[test]
    fn the_first_of_each_kind_stands_alone_and_memory_is_bounded() {
        let refusals = Refusals::default();
        let source = |n: u32| Source::from(IpAddr::from(n.to_be_bytes()));
        assert!(refusals.is_first(source(1), "busy"));
        assert!(!refusals.is_first(source(1), "busy"));
        assert!(refusals.is_first(source(1), "slow"));
        assert!(refusals.is_first(source(2), "busy"));
        refusals.tell();
        assert!(refusals.is_first(source(1), "busy"));
        for n in 0..5000 {
            refusals.is_first(source(n), "busy");
        }
        let table = refusals.table.lock().unwrap();
        assert_eq!(table.further.len(), MOST);
        assert!(table.others > 3000);
    }
}
