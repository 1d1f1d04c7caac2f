//! Master secrets of TLS 1.2 sessions, so that a connection which resumes one can be decrypted
//! without secrets of its own.

use std::collections::{HashMap, VecDeque};

use sha2::{Digest, Sha256};

use super::keylog::Secret;

/// Sessions remembered at most, 100 bytes each; the oldest is forgotten for another.
const MAX_SESSIONS: usize = 1 << 16;

/// What a session is resumed by.
#[derive(Debug, Clone, Copy)]
pub(super) enum Name<'a> {
    /// The session id that the server gave.
    Id(&'a [u8]),
    /// The ticket that the server gave.
    Ticket(&'a [u8]),
}

/// The digest of a name: tickets are large.
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
    /// Remembers a session by one of its names; one without bytes is none.
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

    /// The master secret of a session.
    pub fn master(&self, name: Name<'_>) -> Option<&Secret> {
        if name.is_empty() {
            return None;
        }
        self.masters.get(&name.digest())
    }
}
