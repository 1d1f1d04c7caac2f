//! Failures over time, by user and by address: what the heat maps show.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;

use foldhash::fast::RandomState;

use super::scale::{Scale, folded, halve};
use crate::capture::Timestamp;
use crate::session::summary::BARS;
use crate::session::{Name, Resolution};

/// The most users, and the most addresses, with their own row: the first ones that fail.
const MOST: usize = 4096;

/// Failures of those that have a key, over time.
#[derive(Debug)]
pub(super) struct Rows<K> {
    places: HashMap<K, usize, RandomState>,
    rows: Vec<[u32; BARS]>,
}

/// Failures by user and by address, and requests without a response.
#[derive(Debug)]
pub(super) struct Failing {
    scale: Scale,
    users: Rows<Name>,
    addresses: Rows<IpAddr>,
    unanswered: [u32; BARS],
}

impl<K: Hash + Eq> Rows<K> {
    fn new() -> Self {
        Self {
            places: HashMap::default(),
            rows: Vec::new(),
        }
    }

    fn add(&mut self, key: K, column: usize) {
        let next = self.rows.len();
        let place = match self.places.get(&key) {
            Some(place) => *place,
            None if next < MOST => {
                self.places.insert(key, next);
                self.rows.push([0; BARS]);
                next
            }
            None => return,
        };
        let cell = &mut self.rows[place][column];
        *cell = cell.saturating_add(1);
    }

    fn double(&mut self) {
        self.rows.iter_mut().for_each(|row| halve(row));
    }
}

impl Failing {
    /// An empty table; time begins at `start`.
    pub fn new(start: Timestamp) -> Self {
        Self {
            scale: Scale::new(start, BARS),
            users: Rows::new(),
            addresses: Rows::new(),
            unanswered: [0; BARS],
        }
    }

    /// Counts the result of a request, if the summary counts it by user.
    pub fn add(&mut self, resolution: &Resolution) {
        let failed = resolution.outcome.is_failure();
        if !failed && resolution.response.is_some() || resolution.action().is_none() {
            return;
        }
        let (users, addresses) = (&mut self.users, &mut self.addresses);
        let unanswered = &mut self.unanswered;
        let column = self.scale.column(resolution.ended(), || {
            users.double();
            addresses.double();
            halve(unanswered);
        });
        if failed {
            users.add(resolution.user, column);
            addresses.add(resolution.client.address, column);
        } else {
            unanswered[column] = unanswered[column].saturating_add(1);
        }
    }

    fn as_bars(&self, row: &[u32; BARS], width: u64, bars: usize) -> Vec<u32> {
        folded(row, self.scale.width(), width, bars)
    }

    /// A user's failures in bars of such a width; `None` if there was no room for them.
    pub fn of_user(&self, user: &Name, width: u64, bars: usize) -> Option<Vec<u32>> {
        let row = &self.users.rows[*self.users.places.get(user)?];
        Some(self.as_bars(row, width, bars))
    }

    /// The same of an address.
    pub fn of_address(&self, address: &IpAddr, width: u64, bars: usize) -> Option<Vec<u32>> {
        let row = &self.addresses.rows[*self.addresses.places.get(address)?];
        Some(self.as_bars(row, width, bars))
    }

    /// Requests without a response, by the time of the request.
    pub fn unanswered(&self, width: u64, bars: usize) -> Vec<u32> {
        self.as_bars(&self.unanswered, width, bars)
    }
}
