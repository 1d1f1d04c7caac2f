//! Users and addresses in the order of their requests.

use std::net::IpAddr;

use super::{Address, Counts, Summary, User};
use crate::session::Name;

/// The users with the most requests; of those with as many, with the most failures.
#[must_use]
pub fn top_users(summary: &Summary, most: usize) -> Vec<(&Name, &User)> {
    top(summary.users.iter(), most, |user| user.counts)
}

/// The client addresses with the most requests; of those with as many, with the most failures.
#[must_use]
pub fn top_addresses(summary: &Summary, most: usize) -> Vec<(&IpAddr, &Address)> {
    top(summary.addresses.iter(), most, |address| address.counts)
}

fn top<'a, K: Ord, V>(
    all: impl Iterator<Item = (&'a K, &'a V)>,
    most: usize,
    counts: fn(&V) -> Counts,
) -> Vec<(&'a K, &'a V)> {
    let mut all: Vec<_> = all.collect();
    all.sort_unstable_by(|(name, one), (other_name, other)| {
        let weight = |value: &V| (counts(value).requests(), counts(value).all_failures());
        weight(other)
            .cmp(&weight(one))
            .then_with(|| name.cmp(other_name))
    });
    all.truncate(most);
    all
}
