//! Master secrets of TLS 1.2 sessions, so that a connection that resumes a session can be decrypted without its own
//! secrets.

use std::collections::{HashMap, VecDeque};

use sha2::{Digest, Sha256};

use super::keylog::Secret;

/// Most sessions that are kept, at 100 bytes each. The oldest is dropped first.
const MAX_SESSIONS: usize = 1 << 16;

/// What identifies a session to be resumed.
#[derive(Debug, Clone, Copy)]
pub(super) enum Name<'a> {
    /// The session id from the server.
    Id(&'a [u8]),
    /// The session ticket from the server.
    Ticket(&'a [u8]),
}

/// Digest of a name. Stored instead of the name, because tickets are large.
type Digested = [u8; 32];

impl Name<'_> {
    fn digest(self) -> Digested {
        let (kind, bytes) = match self {
            Self::Id(bytes) => (b"i", bytes),
            Self::Ticket(bytes) => (b"t", bytes),
        };
        Sha256::new()
            .chain_update(kind)
            .chain_update(bytes)
            .finalize()
            .into()
    }

    fn is_empty(self) -> bool {
        match self {
            Self::Id(bytes) | Self::Ticket(bytes) => bytes.is_empty(),
        }
    }
}

/// Sessions that can be resumed.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    masters: HashMap<Digested, Secret>,
    oldest: VecDeque<Digested>,
}

impl Sessions {
    /// Stores a session by one of its names. An empty name is ignored.
    pub fn remember(&mut self, name: Name<'_>, master: &Secret) {
        if name.is_empty() {
            return;
        }
        let digest = name.digest();
        if self.masters.insert(digest, master.clone()).is_none() {
            self.oldest.push_back(digest);
        }
        if self.oldest.len() > MAX_SESSIONS
            && let Some(oldest) = self.oldest.pop_front()
        {
            self.masters.remove(&oldest);
        }
    }

    /// The master secret of a session; `None` if it is not known.
    pub fn master(&self, name: Name<'_>) -> Option<&Secret> {
        if name.is_empty() {
            return None;
        }
        self.masters.get(&name.digest())
    }
}
