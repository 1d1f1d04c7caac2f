//! Lines about clients. No source uses more than its share of the log's rate, so that a noisy client does not
//! suppress the lines of others. Of refusals, the first one for each source and reason in a second has its own line,
//! and the others share one. What was left out is logged every second.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::queue::{Loss, Losses};
use crate::locks::lock;
use crate::server::address::SourceAddress;

/// The most sources, and the most kinds of refusals, that are distinguished in one second.
const MOST: usize = 1024;
/// The period in which lines are counted and refusals summed up.
const PERIOD: Duration = Duration::from_secs(1);
/// The fraction of the log's rate for one source, and for refusals of all sources: one divided by this.
const SHARE: u32 = 4;

/// Which lines about clients are logged.
#[derive(Debug)]
pub struct ClientLines {
    /// The most lines of one source in a second, not counting refusals.
    most: u32,
    /// The most kinds of refusals in a second with their own line.
    kinds: usize,
    losses: Arc<Losses>,
    table: Mutex<Table>,
}

/// The counts of the current second.
#[derive(Debug, Default)]
struct Table {
    lines: HashMap<SourceAddress, u32>,
    /// Further refusals after the first.
    further: HashMap<(SourceAddress, &'static str), u64>,
    /// Those for which there was no room.
    others: u64,
}

impl Default for ClientLines {
    /// For a log without a rate.
    fn default() -> Self {
        Self::new(0, Arc::default())
    }
}

impl ClientLines {
    /// For a log with `rate` lines a second; 0 means no limit. What is left out is added to `losses`.
    pub(super) fn new(rate: u32, losses: Arc<Losses>) -> Self {
        let share = match rate {
            0 => u32::MAX,
            rate => rate.div_ceil(SHARE),
        };
        Self {
            most: share,
            kinds: usize::try_from(share).map_or(MOST, |share| share.min(MOST)),
            losses,
            table: Mutex::default(),
        }
    }

    /// Counts a line about `source`; returns whether to log it.
    pub fn admits(&self, source: SourceAddress) -> bool {
        let mut table = lock(&self.table);
        if table.lines.len() >= MOST && !table.lines.contains_key(&source) {
            // The log's own limit must be enough.
            return true;
        }
        let lines = table.lines.entry(source).or_default();
        *lines = lines.saturating_add(1);
        let admitted = *lines <= self.most;
        drop(table);
        if !admitted {
            self.losses.add(Loss::Rate);
        }
        admitted
    }

    /// Counts a refusal of `source`, with its `reason` in words. Returns whether it is the first in this second, and
    /// so has its own line.
    pub fn is_first_refusal(&self, source: SourceAddress, reason: &'static str) -> bool {
        let mut table = lock(&self.table);
        if let Some(further) = table.further.get_mut(&(source, reason)) {
            *further += 1;
            return false;
        }
        if table.further.len() >= self.kinds {
            table.others += 1;
            return false;
        }
        table.further.insert((source, reason), 0);
        true
    }

    /// Logs what was left out and summed up, and starts a new period.
    pub fn tell(&self) {
        let table = std::mem::take(&mut *lock(&self.table));
        for (source, lines) in table.lines {
            let count = lines.saturating_sub(self.most);
            if count > 0 {
                tracing::info!(%source, count, "log lines left out");
            }
        }
        for ((source, reason), count) in table.further {
            if count > 0 {
                tracing::info!(%source, reason, count, "refused further");
            }
        }
        if table.others > 0 {
            tracing::info!(count = table.others, "refused further, from many sources");
        }
    }

    /// Does so every second, as long as the runtime exists.
    pub fn tell_regularly(self: &Arc<Self>) {
        let lines = Arc::clone(self);
        tokio::spawn(async move {
            let mut ticks = tokio::time::interval(PERIOD);
            loop {
                ticks.tick().await;
                lines.tell();
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    fn source(n: u32) -> SourceAddress {
        SourceAddress::from(IpAddr::from(n.to_be_bytes()))
    }

    #[test]
    fn each_source_has_its_share_in_each_second() {
        let lines = ClientLines::new(40, Arc::default());
        for _ in 0..2 {
            let admitted = (0..100).filter(|_| lines.admits(source(1))).count();
            assert_eq!(admitted, 10);
            assert!(lines.admits(source(2)));
            lines.tell();
        }
        assert_eq!(lines.losses.counts()[Loss::Rate as usize], 2 * 90);
        let unbounded = ClientLines::default();
        assert!((0..5000).all(|_| unbounded.admits(source(1))));
        assert!((0..5000).all(|n| unbounded.admits(source(n))));
        assert_eq!(unbounded.table.lock().unwrap().lines.len(), MOST);
    }

    #[test]
    fn the_first_of_each_kind_stands_alone_and_memory_is_bounded() {
        let lines = ClientLines::default();
        assert!(lines.is_first_refusal(source(1), "busy"));
        assert!(!lines.is_first_refusal(source(1), "busy"));
        assert!(lines.is_first_refusal(source(1), "slow"));
        assert!(lines.is_first_refusal(source(2), "busy"));
        lines.tell();
        assert!(lines.is_first_refusal(source(1), "busy"));
        for n in 0..5000 {
            lines.is_first_refusal(source(n), "busy");
        }
        let table = lines.table.lock().unwrap();
        assert_eq!(table.further.len(), MOST);
        assert!(table.others > 3000);
    }

    #[test]
    fn refusals_of_many_sources_leave_room_in_the_log() {
        let lines = ClientLines::new(100, Arc::default());
        let told = (0..5000).filter(|n| lines.is_first_refusal(source(*n), "busy"));
        assert_eq!(told.count(), 25);
    }
}
