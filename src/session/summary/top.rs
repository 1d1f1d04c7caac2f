//! Users and addresses with the most requests.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
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
    let all: Vec<_> = all.collect();
    let mut ranks = all.iter().enumerate().map(|(at, (key, value))| {
        let counts = counts(value);
        let weight = Reverse((counts.requests(), counts.all_failures()));
        (weight, *key, at)
    });
    // Nearly all compare with the last of the list alone, and most of them do not need their key for that.
    let mut listed: BinaryHeap<_> = ranks.by_ref().take(most).collect();
    for rank in ranks {
        if let Some(mut last) = listed.peek_mut()
            && rank < *last
        {
            *last = rank;
        }
    }
    let listed = listed.into_sorted_vec().into_iter();
    listed.map(|(_, _, at)| all[at]).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_first_of_the_list_are_listed(
            counted in proptest::collection::btree_map(any::<u8>(), (0..4u64, 0..3u64), 0..40),
            most in 0..50usize,
        ) {
            let counts = |(unanswered, failures): &(u64, u64)| Counts {
                unanswered: *unanswered,
                failures: [*failures, 0],
                ..Counts::default()
            };
            let listed = top(counted.iter(), most, counts);
            let mut all: Vec<_> = counted.iter().collect();
            all.sort_by_key(|(key, value)| {
                let counts = counts(value);
                (Reverse((counts.requests(), counts.all_failures())), **key)
            });
            all.truncate(most);
            prop_assert_eq!(listed, all);
        }
    }
}
