//! Remembers failed logins: in a table in this process's memory, or in one that several servers share. Without a
//! shared one each server counts by itself, so N servers allow N times as many guesses.

mod bucket;
mod local;
mod table;

use std::time::Duration;

use super::store::Answer;
use crate::protocol::UserName;
pub use bucket::Rate;
pub use local::{Clock, LocalFailures};
pub use table::Table;

/// The wait after the last failure that is allowed; each further failure doubles it.
pub const FIRST_WAIT: Duration = Duration::from_secs(1);
/// The longest wait.
pub const LONGEST_WAIT: Duration = Duration::from_mins(15);
/// The most entries that `waiting` returns.
const WAITING: usize = 1000;

/// The key of a count: failures for a name, from a network, or for a name from a network.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Whom {
    /// Leading bits of an address, IPv4 as IPv6 maps it, and how many they are.
    pub network: Option<(u128, u8)>,
    /// The user name.
    pub name: Option<UserName>,
}

/// One more failure.
#[derive(Debug, Clone)]
pub struct Count {
    /// Whose it is.
    pub whom: Whom,
    /// Failures before the next login must wait: 1 s, then twice as long each time, 15 minutes at most. `None` if
    /// nobody must wait.
    pub allowed: Option<u32>,
    /// The time in which one failure is forgotten.
    pub forgotten: Duration,
    /// Failures past which no more are remembered.
    pub most: u32,
}

/// An entry: how long to wait, and for how long failures are remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Of whom.
    pub whom: Whom,
    /// How long the next login must wait; zero if it need not.
    pub wait: Duration,
    /// How long until the last failure is forgotten.
    pub left: Duration,
}

/// Failed logins, counted with the store's own clock. Every count drains.
pub trait Failures: Send + Sync {
    /// The entries of these keys; none for keys whose failures are forgotten and that need not wait.
    fn seen(&self, whom: Vec<Whom>) -> Answer<'_, Vec<Seen>>;

    /// Adds these counts; no two have the same key.
    fn count(&self, counts: Vec<Count>) -> Answer<'_, ()>;

    /// Forgets all failures of these.
    fn forgive(&self, whom: Vec<Whom>) -> Answer<'_, ()>;

    /// Keys that must wait now, at most a thousand, the longest wait first.
    fn waiting(&self) -> Answer<'_, Vec<Seen>>;

    /// Forgets failures with this name and this network, if given.
    fn clear(&self, name: Option<UserName>, network: Option<(u128, u8)>) -> Answer<'_, ()>;
}
