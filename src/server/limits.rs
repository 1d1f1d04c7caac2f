//! Every limit and timeout of the server, in one place.

use std::time::Duration;

use super::networks::Networks;

/// What the server spends at most on its clients.
#[derive(Debug, Clone)]
pub struct ServerLimits {
    /// Connections at once; further ones wait in the system's backlog.
    pub connections: usize,
    /// Connections at once from one address (an IPv6 /64 counts as one); further ones are closed.
    pub per_address: usize,
    /// Pipelined requests read ahead on one connection; one of them is worked on at a time.
    pub read_ahead: usize,
    /// How long a connection may stay without a request.
    pub idle: Duration,
    /// How long a request may take from its first byte to its last, and how long a response
    /// may wait for a peer that does not read.
    pub request: Duration,
    /// How long a shutdown waits for requests in flight.
    pub drain: Duration,
    /// Failed logins for one name from one address before further ones have to wait; 0 for no
    /// waiting at all.
    pub failures: u32,
    /// Failed logins from one address, over all names, before further ones have to wait.
    pub address_failures: u32,
    /// Registrations a second from one address, after a burst; 0 for no limit.
    pub registration_rate: u32,
    /// Networks that are exempt from limits per address.
    pub exempt: Networks,
}

impl ServerLimits {
    /// The default limits.
    pub const DEFAULT: Self = Self {
        connections: 10_000,
        per_address: 1_000,
        read_ahead: 16,
        idle: Duration::from_mins(5),
        request: Duration::from_secs(10),
        drain: Duration::from_secs(10),
        failures: 5,
        address_failures: 100,
        registration_rate: 10,
        exempt: Networks::NONE,
    };
}

impl Default for ServerLimits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// What clients may do and learn.
#[derive(Debug, Clone, Copy, Default)]
pub struct Policy {
    /// Nobody can register.
    pub registration_closed: bool,
    /// Unknown user and wrong password get the same answer.
    pub uniform_failures: bool,
}
