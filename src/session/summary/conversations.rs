//! The connections that carried the most bytes, and how many there were.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use crate::session::FlowEnd;

/// Most connections that are kept one by one.
pub const KEPT_CONVERSATIONS: usize = 100;

/// A connection, ordered by its bytes; of equal ones the earlier is greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct BySize(FlowEnd);

impl BySize {
    fn key(&self) -> (u64, Reverse<u32>) {
        (self.0.octets.iter().sum(), Reverse(self.0.stream))
    }
}

impl Ord for BySize {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

impl PartialOrd for BySize {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The connections with the most bytes.
#[derive(Debug, Default)]
pub struct Conversations {
    largest: BinaryHeap<Reverse<BySize>>,
    count: u64,
}

impl Conversations {
    /// Counts a connection, and keeps it if it is among the largest.
    pub fn add(&mut self, flow: &FlowEnd) {
        self.count += 1;
        let new = Reverse(BySize(*flow));
        if self.largest.len() < KEPT_CONVERSATIONS {
            self.largest.push(new);
        } else if let Some(mut smallest) = self.largest.peek_mut()
            && new < *smallest
        {
            *smallest = new;
        }
    }

    /// Number of all connections, kept or not.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// The kept connections by bytes on the wire, the largest first.
    #[must_use]
    pub fn largest(&self) -> Vec<FlowEnd> {
        let mut largest: Vec<BySize> = self.largest.iter().map(|kept| kept.0).collect();
        largest.sort_unstable_by(|one, other| other.cmp(one));
        largest.into_iter().map(|kept| kept.0).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::capture::Timestamp;
    use crate::dissect::Protocol;
    use crate::packet::Endpoint;

    #[test]
    fn the_largest_are_kept() {
        let mut conversations = Conversations::default();
        let count = u32::try_from(KEPT_CONVERSATIONS).unwrap() * 2;
        for stream in 0..count {
            let end = Endpoint {
                address: Ipv4Addr::LOCALHOST.into(),
                port: 1,
            };
            conversations.add(&FlowEnd {
                stream,
                ends: [end; 2],
                frames: [1; 2],
                octets: [u64::from(stream * 7 % count), 5],
                times: [Timestamp(0); 2],
                protocol: Protocol::Unknown,
                on_tcp: Protocol::RegLogin,
            });
        }
        assert_eq!(conversations.count(), u64::from(count));
        let sizes: Vec<u64> = conversations
            .largest()
            .iter()
            .map(|flow| flow.octets[0])
            .collect();
        let expected: Vec<u64> = (u64::from(count) / 2..u64::from(count)).rev().collect();
        assert_eq!(sizes, expected);
    }
}
