//! What remembers failed logins: a table in this process's memory, or one that several servers share. Without a shared one each
//! server remembers its own, and so many servers allow so many times the guesses.

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
/// Those who have to wait, of whom is told at once.
const WAITING: usize = 1000;

/// Whose failures are counted: those for a name, those from a network, or those for a name from a network.
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
    /// Failures before the next has to wait: 1 s, then twice as long each time, 15 minutes at most. `None` where nobody is
    /// made to wait.
    pub allowed: Option<u32>,
    /// The time in which one failure is forgotten.
    pub forgotten: Duration,
    /// Failures past which no more are remembered.
    pub most: u32,
}

/// What is remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Of whom.
    pub whom: Whom,
    /// How long the next login has to wait; zero where it need not.
    pub wait: Duration,
    /// How long until the last failure is forgotten.
    pub left: Duration,
}

/// Failed logins, counted by a clock of its own. Every count drains.
pub trait Failures: Send + Sync {
    /// What is remembered of these; nothing of those whose failures are forgotten and who need not wait.
    fn seen(&self, whom: Vec<Whom>) -> Answer<'_, Vec<Seen>>;

    /// Counts these, of which no two are for the same.
    fn count(&self, counts: Vec<Count>) -> Answer<'_, ()>;

    /// Forgets all failures of these.
    fn forgive(&self, whom: Vec<Whom>) -> Answer<'_, ()>;

    /// Those who have to wait now, a thousand at the most, the longest first.
    fn waiting(&self) -> Answer<'_, Vec<Seen>>;

    /// Forgets failures: all that have this name and this network, where they are given.
    fn clear(&self, name: Option<UserName>, network: Option<(u128, u8)>) -> Answer<'_, ()>;
}
