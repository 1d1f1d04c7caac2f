//! What is counted and timed here, for a Prometheus page.

#![expect(
    clippy::cast_precision_loss,
    reason = "sizes and counts for gauges, which are numbers of 64 bits with a fraction"
)]

use std::time::Duration;

use metrics::{
    Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};

const QUEUE: &str = "authscope_hash_queue_depth";
const BUSY: &str = "authscope_hash_queue_refused_total";
const HASH: &str = "authscope_hash_seconds";
const SYNC: &str = "authscope_sync_seconds";
const STORED: &str = "authscope_registrations_stored_total";
const UPGRADED: &str = "authscope_hashes_upgraded_total";
const FAILED: &str = "authscope_store_failures_total";
const USERS: &str = "authscope_users";

/// Names and explains them; there are `users` at the start.
pub fn describe_meters(users: usize) {
    describe_gauge!(QUEUE, "Passwords that wait to be hashed");
    describe_counter!(BUSY, "Requests refused because that queue was full");
    describe_histogram!(HASH, Unit::Seconds, "Time to hash or verify one password");
    describe_histogram!(SYNC, Unit::Seconds, "Time to store a batch of changes");
    describe_counter!(STORED, "Registrations stored");
    describe_counter!(UPGRADED, "Old or weak hashes replaced");
    describe_counter!(FAILED, "Changes that could not be stored");
    describe_gauge!(USERS, "Users");
    stored(0, 0, users);
    queue_depth(0);
    // A counter that first appears when it counts something shows no increase then.
    for name in [BUSY, FAILED] {
        counter!(name).increment(0);
    }
}

pub fn queue_depth(depth: usize) {
    gauge!(QUEUE).set(depth as f64);
}

pub fn busy() {
    counter!(BUSY).increment(1);
}

pub fn hashed(took: Duration) {
    histogram!(HASH).record(took);
}

pub fn synced(took: Duration) {
    histogram!(SYNC).record(took);
}

pub fn stored(registrations: usize, upgrades: usize, users: usize) {
    counter!(STORED).increment(registrations as u64);
    counter!(UPGRADED).increment(upgrades as u64);
    gauge!(USERS).set(users as f64);
}

pub fn failed(changes: usize) {
    counter!(FAILED).increment(changes as u64);
}
