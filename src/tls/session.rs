//! One TLS connection: takes the bytes of both directions, returns records and their content.

use super::decryptor::Decryptor;
use super::direction::Item;
use super::framing::{Found, Framing, Missed};
use super::keylog::Random;
use super::opening::Sealed;
use super::problem::Problem;
use super::record::Version;
use super::state::{Sink, State};
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
    /// State of a connection. `from_start` says for each side whether its first byte was captured. `likely_client` is
    /// the side that probably opened the connection, used without a captured handshake.
    #[must_use]
    pub fn new(from_start: [bool; 2], likely_client: Side) -> Self {
        Self {
            framing: from_start.map(Framing::new),
            state: State::new(from_start, likely_client),
        }
    }

    /// Processes the next bytes from a side.
    pub fn push(&mut self, all: &mut Decryptor, from: Side, mut bytes: &[u8], sink: Sink<'_>) {
        let at = from.index();
        self.state.drain(all, sink);
        while let Some(found) = self.framing[at].take(&mut bytes) {
            match found {
                Found::NotTls(start) => {
                    let direction = &mut self.state.directions[at];
                    if direction.missed.is_none() {
                        self.state.report(at, Problem::NotTls { at: start }, sink);
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

    /// Processes a gap of `bytes` bytes from a side.
    pub fn gap(&mut self, all: &mut Decryptor, from: Side, bytes: u64, sink: Sink<'_>) {
        let at = from.index();
        if let Some(missed) = self.framing[at].gap(bytes) {
            self.state.gap(at, missed);
        }
        // The other side may have waited for what was lost.
        self.state.drain(all, sink);
    }

    /// Tries again to decrypt what waits, after secrets were added.
    pub fn keys_came(&mut self, all: &mut Decryptor, sink: Sink<'_>) {
        self.state.drain(all, sink);
    }

    /// Processes the end of a side. Records still wait until [`finish`](Self::finish).
    pub fn ended(&mut self, all: &mut Decryptor, from: Side, sink: Sink<'_>) {
        self.state.directions[from.index()].ended = true;
        self.state.drain(all, sink);
        let both = self.state.directions.iter().all(|side| side.ended);
        if both && !self.waits() {
            self.state.finish(all, sink);
        }
    }

    /// Ends the connection: no more bytes or secrets come, so what waits is not decrypted.
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
    pub fn dropped_some(&self) -> bool {
        self.state.dropped > 0
    }

    /// Offset in a side's bytes of the first byte that later events can refer to.
    #[must_use]
    pub fn needed_from(&self, from: Side) -> u64 {
        let at = from.index();
        let held = self.framing[at].needed_from();
        let direction = &self.state.directions[at];
        let waiting = direction.queue.front().map(|item| match item {
            Item::Record(record) => record.at,
            Item::Gap(missed) => missed.from,
        });
        // A record that may be reported as damaged later.
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

    /// The server name that the client requested; `None` if it did not.
    #[must_use]
    pub fn server_name(&self) -> Option<&str> {
        self.state.client.as_ref()?.server_name.as_deref()
    }

    /// The client random, which identifies the connection in key logs; `None` if not known.
    #[must_use]
    pub fn random(&self) -> Option<&Random> {
        self.state.random()
    }

    /// Whether the connection resumes a session; `None` while that is not known.
    #[must_use]
    pub fn resumed(&self) -> Option<bool> {
        self.state.resumed()
    }

    /// Number of key updates of both sides so far.
    #[must_use]
    pub fn key_updates(&self) -> u32 {
        self.state.key_updates
    }

    /// Why records wait or are not decrypted; `None` if there are none.
    #[must_use]
    pub fn problem(&self, all: &Decryptor) -> Option<Problem> {
        (0..2).find_map(|at| self.state.reason(all, at))
    }
}
