//! Users and addresses with the most requests.

use std::cmp::Reverse;
use std::net::IpAddr;

use super::{Address, Counts, Summary, Tally, User};
use crate::session::Name;

/// The `most` users with the most requests; of equal ones, those with more failures first.
#[must_use]
pub fn top_users(summary: &Summary, most: usize) -> Vec<(&Name, &User)> {
    top(summary.users.iter(), most, Tally::counts)
}

/// The `most` client addresses with the most requests; of equal ones, those with more failures first.
#[must_use]
pub fn top_addresses(summary: &Summary, most: usize) -> Vec<(&IpAddr, &Address)> {
    top(summary.addresses.iter(), most, Tally::counts)
}

fn top<'a, K: Ord, V>(
    all: impl Iterator<Item = (&'a K, &'a V)>,
    most: usize,
    counts: fn(&V) -> Counts,
) -> Vec<(&'a K, &'a V)> {
    let weighed = all.map(|(key, value)| {
        let counts = counts(value);
        let weight = Reverse((counts.requests(), counts.all_failures()));
        (weight, key, value)
    });
    let mut all: Vec<_> = weighed.collect();
    let order = |one: &(_, &K, &V), other: &(_, &K, &V)| (one.0, one.1).cmp(&(other.0, other.1));
    if most < all.len() {
        // Entries that are not listed need no order.
        all.select_nth_unstable_by(most, order);
        all.truncate(most);
    }
    all.sort_unstable_by(order);
    all.into_iter()
        .map(|(_, key, value)| (key, value))
        .collect()
}
