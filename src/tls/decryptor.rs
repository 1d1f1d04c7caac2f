//! State shared by all connections of a capture: secrets, resumable sessions, and limits on the memory for waiting
//! records.

use super::direction::Scratch;
use super::keylog::KeyLog;
use super::resumption::Sessions;

/// A connection may use this fraction of the free memory. So connections whose secrets never come always leave room for
/// the next one.
const SHARE: usize = 16;

/// Limits in bytes on records that wait for secrets. Records beyond them are dropped, and the number of bytes is
/// reported.
#[derive(Debug, Clone, Copy)]
pub struct TlsLimits {
    /// For one connection; also at most a sixteenth of what is free of `all`.
    pub connection: usize,
    /// For all connections together.
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

/// State shared by all connections of a capture.
#[derive(Default)]
pub struct Decryptor {
    /// The known secrets.
    pub keys: KeyLog,
    /// The limits on memory.
    pub limits: TlsLimits,
    pub(super) sessions: Sessions,
    /// Bytes of memory for waiting records of all connections.
    pub(super) waiting: usize,
    /// Bytes of records that were dropped because too much waited.
    pub dropped: u64,
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
    /// Bytes of memory for records of all connections that wait for secrets.
    #[must_use]
    pub const fn waiting(&self) -> usize {
        self.waiting
    }

    /// Bytes of memory that a connection's waiting records may use.
    pub(super) fn may_wait(&self) -> usize {
        let free = self.limits.all.saturating_sub(self.waiting);
        self.limits.connection.min(free / SHARE)
    }
}
