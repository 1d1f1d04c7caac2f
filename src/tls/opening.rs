//! Processes the next record in order: whether it is encrypted, which keys decrypt it, and what is reported if none
//! does.

use super::cipher::{Opened, knows_version};
use super::decryptor::Decryptor;
use super::direction::{Keys, Phase, Unopened};
use super::framing::Missed;
use super::handshake::is_plausible;
use super::keylog::Label;
use super::plan::Attempt;
use super::problem::Problem;
use super::record::{ContentType, HEADER_LEN, Header, Version};
use super::resumption::Name;
use super::state::{Sink, State, side};
use super::{Event, Protected, Record};

/// After this many consecutive records that cannot be decrypted, decryption is given up.
const MAX_FAILURES: u32 = 8;

/// Most records of 0-RTT data without a known secret that are skipped.
const MAX_EARLY: u32 = 4096;

/// Bytes of failed decryption attempts after which they end: for one gap, and for one direction.
const MAX_TRIED_AT_ONCE: usize = 16 << 20;
const MAX_TRIED: usize = 64 << 20;

/// Cost of a decryption attempt besides the record's bytes, in bytes.
const TRY: usize = 256;

/// A record to process.
#[derive(Clone, Copy)]
pub(super) struct Sealed {
    /// Index of its direction.
    pub at: usize,
    /// Its offset in the direction's bytes.
    pub start: u64,
    pub header: Header,
}

impl Sealed {
    /// The record without its content.
    pub fn record(self) -> Record<'static> {
        Record::sealed(side(self.at), self.start, self.header)
    }

    /// An event: this many bytes of content were not decrypted.
    const fn lost(self, bytes: usize) -> Event<'static> {
        Event::Lost {
            from: side(self.at),
            at: self.start,
            bytes: bytes as u64,
        }
    }
}

impl State {
    /// Whether a record is encrypted. `Err` is what must come before this is known.
    pub(super) fn protection(
        &self,
        at: usize,
        header: Header,
        body: &[u8],
    ) -> Result<bool, Problem> {
        let direction = &self.directions[at];
        let content = header.content;
        Ok(match direction.phase {
            Phase::Master => true,
            Phase::Early | Phase::Handshake | Phase::Traffic => {
                content == ContentType::APPLICATION_DATA
            }
            Phase::Clear => match content {
                ContentType::APPLICATION_DATA => true,
                ContentType::HANDSHAKE | ContentType::ALERT => {
                    let plausible = match content {
                        ContentType::ALERT => body.len() == 2,
                        _ => is_plausible(body) || direction.assembler.is_inside(),
                    };
                    match self.version() {
                        Some(Version::TLS13) => false,
                        _ if direction.missed.is_some() => !plausible,
                        _ if !direction.change_cipher_spec => false,
                        Some(_) => true,
                        None if self.server_may_come(at) => return Err(Problem::NoServerHello),
                        None => !plausible,
                    }
                }
                _ => false,
            },
        })
    }

    /// Processes the next record. `Err` is what the record must wait for; the body is then unchanged.
    pub(super) fn take(
        &mut self,
        all: &mut Decryptor,
        on: Sealed,
        body: &mut [u8],
        repeated: bool,
        sink: Sink<'_>,
    ) -> Result<(), Problem> {
        let Sealed { at, start, header } = on;
        let record = Record {
            repeated,
            ..on.record()
        };
        if !self.protection(at, header, body)? {
            let direction = &mut self.directions[at];
            if header.content == ContentType::CHANGE_CIPHER_SPEC {
                direction.change_cipher_spec = true;
            } else if direction.phase == Phase::Clear && direction.missed.take().is_some() {
                direction.assembler.clear();
            }
            let record = Record {
                protected: Protected::No,
                text: body,
                text_at: start + HEADER_LEN as u64,
                ..record
            };
            self.content(all, at, record, sink);
            return Ok(());
        }
        if self.directions[at].given_up {
            sink(Event::Record(record));
            return Ok(());
        }
        if let Some(problem) = self.hopeless() {
            self.directions[at].given_up = true;
            self.report(at, problem, sink);
            sink(Event::Record(record));
            return Ok(());
        }
        let opened = self.open(all, on, body, sink)?;
        let Some(opened) = opened else {
            sink(Event::Record(record));
            return Ok(());
        };
        let record = Record {
            protected: Protected::Opened,
            content: opened.content,
            text_at: start + (HEADER_LEN + opened.at.start) as u64,
            text: &body[opened.at],
            ..record
        };
        self.content(all, at, record, sink);
        Ok(())
    }

    /// The problem that makes decryption impossible, whatever secrets come.
    fn hopeless(&self) -> Option<Problem> {
        let version = self.version()?;
        if !knows_version(version) {
            return Some(Problem::Version(version));
        }
        let suite = self.suite()?;
        let fits = suite
            .protection()
            .is_some_and(|found| found.tls13 == (version == Version::TLS13));
        (!fits).then_some(Problem::Suite(suite))
    }

    /// Decrypts a record in place. `None` if it is skipped without decryption, `Err` if it must wait.
    fn open(
        &mut self,
        all: &mut Decryptor,
        on: Sealed,
        body: &mut [u8],
        sink: Sink<'_>,
    ) -> Result<Option<Opened>, Problem> {
        let Sealed { at, start, header } = on;
        let direction = &mut self.directions[at];
        if direction.missed.is_none()
            && direction.phase != Phase::Early
            && let Some(keys) = &mut direction.keys
        {
            let opened = keys.opener.open(header, body, keys.sequence);
            keys.sequence += 1;
            if opened.is_some() {
                direction.failures = 0;
                return Ok(opened);
            }
            let lost = body.len().saturating_sub(keys.opener.overhead());
            direction.failures += 1;
            direction.given_up = direction.failures >= MAX_FAILURES;
            self.report(at, Problem::BadTag { at: start }, sink);
            sink(on.lost(lost));
            return Ok(None);
        }
        let next = self.directions[at].keys.as_ref().map(|keys| keys.sequence);
        let plan = self.plan(all, at, header);
        let mut tried = 0;
        let found = plan.attempts.into_iter().find_map(|attempt| {
            let found = self.attempt(all, on, body, &attempt, &mut tried);
            found.map(|found| (attempt, found))
        });
        if let Some((attempt, (keys, opened))) = found {
            self.adopt(all, on, &attempt, keys, next, sink);
            return Ok(Some(opened));
        }
        if let Some(problem) = plan.wait {
            return Err(problem);
        }
        self.not_opened(all, on, body.len(), tried, sink);
        Ok(None)
    }

    /// Tries to decrypt a record with an attempt's keys. Returns the keys that succeeded. If none did, the body is
    /// unchanged.
    fn attempt(
        &mut self,
        all: &mut Decryptor,
        Sealed { at, header, .. }: Sealed,
        body: &mut [u8],
        attempt: &Attempt,
        tried: &mut usize,
    ) -> Option<(Option<Keys>, Opened)> {
        let made = self.opener(attempt);
        let current = self.directions[at].keys.as_mut();
        let opener = match (&made, &current) {
            (Some(made), _) => made,
            (None, Some(keys)) if attempt.secret.is_none() => &keys.opener,
            _ => return None,
        };
        let scratch = &mut all.scratch.0;
        for sequence in attempt.sequences.iter().cloned().flatten() {
            if *tried > MAX_TRIED_AT_ONCE {
                return None;
            }
            scratch.clear();
            scratch.extend_from_slice(body);
            let Some(found) = opener.open(header, scratch, sequence) else {
                *tried += TRY + body.len();
                continue;
            };
            body.copy_from_slice(scratch);
            let secret = attempt.secret.clone();
            let keys = made.zip(secret).map(|(opener, secret)| Keys {
                opener,
                sequence: sequence + 1,
                secret,
                protection: attempt.protection,
            });
            if keys.is_none()
                && let Some(current) = current
            {
                current.sequence = sequence + 1;
            }
            return Some((keys, found));
        }
        None
    }

    /// Continues with the keys that decrypted a record. `next` is the sequence number of the previous keys.
    fn adopt(
        &mut self,
        all: &mut Decryptor,
        Sealed { at, start, .. }: Sealed,
        attempt: &Attempt,
        keys: Option<Keys>,
        next: Option<u64>,
        sink: Sink<'_>,
    ) {
        let direction = &mut self.directions[at];
        let under_same_keys = next.filter(|_| keys.is_none());
        direction.phase = attempt.phase;
        if let Some(keys) = keys {
            direction.keys = Some(keys);
        }
        (direction.failures, direction.tried) = (0, 0);
        let unopened = direction.unopened.take();
        let missed = direction.missed.take();
        if missed.is_some() {
            direction.assembler.clear();
        }
        let Some(keys) = &direction.keys else { return };
        if let Some(missed) = missed.filter(|missed| missed.most < u64::MAX) {
            // Bytes of the missed records that are not content.
            let records = match under_same_keys {
                Some(next) => keys.sequence - 1 - next,
                None => keys.sequence,
            };
            let around = records * (HEADER_LEN + keys.opener.overhead()) as u64;
            let bytes = (start - missed.from).saturating_sub(around);
            sink(Event::Lost {
                from: side(at),
                at: missed.from,
                bytes,
            });
        }
        if let Some(Unopened { at: damaged, .. }) = unopened.filter(|record| record.in_step) {
            self.report(at, Problem::BadTag { at: damaged }, sink);
        }
        self.learn(all, at, attempt);
    }

    /// Learns about the connection from keys that succeeded.
    fn learn(&mut self, all: &mut Decryptor, at: usize, attempt: &Attempt) {
        if attempt.phase == Phase::Master
            && let Some(keys) = &self.directions[at].keys
        {
            let names = [
                self.server
                    .as_ref()
                    .map(|server| Name::Id(&server.session_id)),
                self.ticket.as_deref().map(Name::Ticket),
            ];
            for name in names.into_iter().flatten() {
                all.sessions.remember(name, &keys.secret);
            }
        }
        if self.random.is_none() {
            self.random = attempt.random;
        }
        if self.client_is.is_none() {
            self.client_is = Some(if attempt.of_client { at } else { 1 - at });
        }
        if self.server.is_none() && attempt.phase != Phase::Early {
            self.found = Some(attempt.protection);
        }
    }

    /// Processes a record that no keys could decrypt.
    fn not_opened(
        &mut self,
        all: &Decryptor,
        on: Sealed,
        len: usize,
        tried: usize,
        sink: Sink<'_>,
    ) {
        let Sealed { at, start, .. } = on;
        let early = Label::ClientEarlyTrafficSecret;
        let no_secret = |random| all.keys.secrets(random, early).next().is_none();
        let direction = &self.directions[at];
        let in_step = direction.missed.is_none();
        let passes = in_step
            && self.early_data
            && self.is_client(at)
            && matches!(direction.phase, Phase::Clear | Phase::Handshake)
            && direction.failures < MAX_EARLY
            && self.random().is_none_or(no_secret);
        let direction = &mut self.directions[at];
        if passes {
            direction.failures += 1;
            self.report(at, Problem::NoEarlySecret, sink);
            sink(on.lost(len));
            return;
        }
        // The record is damaged, its sequence number is out of range, or its secret is unknown; later records will
        // show. After some of them, or many attempts, decryption is given up.
        let first = Unopened { at: start, in_step };
        let first = *direction.unopened.get_or_insert(first);
        direction.miss(Missed::one(start));
        direction.tried += tried;
        direction.failures += u32::from(first.in_step);
        if direction.tried > MAX_TRIED || direction.failures >= MAX_FAILURES {
            direction.given_up = true;
            if let Some(problem) = self.why_unopened(at) {
                self.report(at, problem, sink);
            }
        }
    }

    /// Why the last records of a direction were not decrypted; `None` if they were.
    pub(super) fn why_unopened(&self, at: usize) -> Option<Problem> {
        let Unopened { at, in_step } = self.directions[at].unopened?;
        Some(match self.random {
            None => Problem::NoHandshake,
            Some(_) if in_step => Problem::WrongKeys { at },
            Some(_) => Problem::OutOfStep { at },
        })
    }
}
