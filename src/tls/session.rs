//! One TLS connection: bytes of both directions in, records and what they hold out.

use super::decryptor::Decryptor;
use super::direction::Item;
use super::framing::{Found, Framing, Missed};
use super::keylog::Random;
use super::opening::Sealed;
use super::problem::Problem;
use super::record::Version;
use super::state::{Sink, State, index};
use super::suite::CipherSuite;
use crate::stream::Side;

/// One TLS connection.
pub struct Session {
    framing: [Framing; 2],
    state: State,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("version", &self.version())
            .field("suite", &self.suite())
            .finish_non_exhaustive()
    }
}

impl Session {
    /// A connection. `from_start` says for each side whether its first byte is captured;
    /// `likely_client` is who probably opened the connection, for where the handshake was not
    /// captured.
    #[must_use]
    pub fn new(from_start: [bool; 2], likely_client: Side) -> Self {
        Self {
            framing: from_start.map(Framing::new),
            state: State::new(from_start, likely_client),
        }
    }

    /// Takes the bytes that a side sent next.
    pub fn push(&mut self, all: &mut Decryptor, from: Side, mut bytes: &[u8], sink: Sink<'_>) {
        let at = index(from);
        self.state.drain(all, sink);
        while let Some(found) = self.framing[at].take(&mut bytes) {
            match found {
                Found::NotTls(start) => {
                    let direction = &mut self.state.directions[at];
                    if direction.missed.is_none() {
                        self.state.tell(at, Problem::NotTls { at: start }, sink);
                    }
                    self.state.gap(at, Missed::any(start));
                }
                Found::Record(start) => {
                    if let Some((header, body)) = self.framing[at].record() {
                        let on = Sealed { at, start, header };
                        self.state.record(all, on, body, sink);
                    }
                }
            }
        }
        self.state.drain(all, sink);
    }

    /// Takes that so many bytes which a side sent next were never captured.
    pub fn gap(&mut self, all: &mut Decryptor, from: Side, bytes: u64, sink: Sink<'_>) {
        let at = index(from);
        if let Some(missed) = self.framing[at].gap(bytes) {
            self.state.gap(at, missed);
        }
        // The other side may have waited for what does not come.
        self.state.drain(all, sink);
    }

    /// Tries what waits again: secrets were added.
    pub fn keys_came(&mut self, all: &mut Decryptor, sink: Sink<'_>) {
        self.state.drain(all, sink);
    }

    /// Takes that a side sends no more. What waits goes on waiting until [`finish`](Self::finish).
    pub fn ended(&mut self, all: &mut Decryptor, from: Side, sink: Sink<'_>) {
        self.state.directions[index(from)].ended = true;
        self.state.drain(all, sink);
        let both = self.state.directions.iter().all(|side| side.ended);
        if both && !self.waits() {
            self.state.finish(all, sink);
        }
    }

    /// Takes that nothing more comes, neither bytes nor secrets: what waits stays as it is.
    pub fn finish(&mut self, all: &mut Decryptor, sink: Sink<'_>) {
        self.state.finish(all, sink);
    }

    /// Whether records wait for secrets.
    #[must_use]
    pub fn waits(&self) -> bool {
        self.state.waiting > 0
    }

    /// Whether records were dropped because too many waited for secrets.
    #[must_use]
    pub fn let_some_go(&self) -> bool {
        self.state.let_go > 0
    }

    /// Offset in a side's bytes of the first one that what is still to be given can refer to.
    #[must_use]
    pub fn needed_from(&self, from: Side) -> u64 {
        let at = index(from);
        let held = self.framing[at].needed_from();
        let direction = &self.state.directions[at];
        let waiting = direction.queue.front().map(|item| match item {
            Item::Record(record) => record.at,
            Item::Gap(missed) => missed.from,
        });
        // A record that may turn out to be damaged is named then.
        let unopened = direction.unopened;
        let unopened = unopened.filter(|record| record.in_step && !direction.given_up);
        let unopened = unopened.map(|record| record.at);
        [waiting, unopened]
            .into_iter()
            .flatten()
            .fold(held, u64::min)
    }

    /// The version, once the server has chosen one.
    #[must_use]
    pub fn version(&self) -> Option<Version> {
        self.state.version()
    }

    /// The cipher suite, once the server has chosen one.
    #[must_use]
    pub fn suite(&self) -> Option<CipherSuite> {
        self.state.suite()
    }

    /// The name of the server that the client asked for.
    #[must_use]
    pub fn server_name(&self) -> Option<&str> {
        self.state.client.as_ref()?.server_name.as_deref()
    }

    /// The connection's name in key logs.
    #[must_use]
    pub fn random(&self) -> Option<&Random> {
        self.state.random()
    }

    /// Whether the connection resumes a session; `None` while that is not known.
    #[must_use]
    pub fn resumed(&self) -> Option<bool> {
        self.state.resumed()
    }

    /// Key updates of both sides so far.
    #[must_use]
    pub fn key_updates(&self) -> u32 {
        self.state.key_updates
    }

    /// Why records wait or are not decrypted, where some are not.
    #[must_use]
    pub fn problem(&self, all: &Decryptor) -> Option<Problem> {
        (0..2).find_map(|at| self.state.reason(all, at))
    }
}
