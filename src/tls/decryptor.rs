//! What the connections of a capture have in common: secrets, sessions that can be resumed, and the
//! memory that waiting records may take.

use super::direction::Scratch;
use super::keylog::KeyLog;
use super::resumption::Sessions;

/// A connection may hold this part of the memory that is free: those whose secrets never come
/// leave room for the next one, however many they are.
const SHARE: usize = 16;

/// Bounds on records that wait for secrets, in bytes. What goes beyond them is dropped and told.
#[derive(Debug, Clone, Copy)]
pub struct TlsLimits {
    /// Of one connection, and never more than a sixteenth of what is free of `all`.
    pub connection: usize,
    /// Of all together.
    pub all: usize,
}

impl Default for TlsLimits {
    fn default() -> Self {
        Self {
            connection: 1 << 20,
            all: 64 << 20,
        }
    }
}

/// What the connections of a capture have in common.
#[derive(Default)]
pub struct Decryptor {
    /// The secrets that are known.
    pub keys: KeyLog,
    /// The bounds.
    pub limits: TlsLimits,
    pub(super) sessions: Sessions,
    /// Bytes that wait, of all connections.
    pub(super) waiting: usize,
    /// Bytes of records that were dropped because too much waited.
    pub let_go: u64,
    pub(super) scratch: Scratch,
}

impl std::fmt::Debug for Decryptor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Decryptor")
            .field("secrets", &self.keys.added())
            .field("waiting", &self.waiting)
            .finish_non_exhaustive()
    }
}

impl Decryptor {
    /// Bytes of records that wait for secrets, of all connections.
    #[must_use]
    pub const fn waiting(&self) -> usize {
        self.waiting
    }

    /// Bytes of records that a connection may hold now.
    pub(super) fn may_wait(&self) -> usize {
        let free = self.limits.all.saturating_sub(self.waiting);
        self.limits.connection.min(free / SHARE)
    }
}
