//! Which keys and sequence numbers may open a record: one where everything before it was seen, many
//! behind a gap or where the handshake was not captured.

use std::ops::RangeInclusive;

use super::cipher::Opener;
use super::decryptor::Decryptor;
use super::direction::{Keys, Phase, TlsDirection};
use super::framing::Missed;
use super::keylog::{Label, Random, Secret};
use super::problem::Problem;
use super::record::{ContentType, Header, Version};
use super::resumption::Name;
use super::schedule::updated;
use super::state::{Role, State};
use super::suite::{CipherSuite, Protection};

/// Sequence numbers tried beyond the first that can be, of one key.
pub(super) const BOUND: u64 = 1024;

/// The same where any connection's secrets may be the right ones.
const BOUND_OF_ANY: u64 = 64;

/// Sequence numbers tried before the number of records that were certainly missed: so many of them
/// stood under earlier keys.
const OF_HANDSHAKE: u64 = 64;

/// A secret to try, with the sequence numbers that the record may have under it.
pub(super) struct Attempt {
    pub phase: Phase,
    /// `None` for the keys that the direction has.
    pub secret: Option<Secret>,
    pub protection: Protection,
    pub sequences: Vec<RangeInclusive<u64>>,
    /// Whose secret it is, in the key log.
    pub random: Option<Random>,
    /// Whether it is a secret of the client.
    pub of_client: bool,
}

/// What to try, and what to wait for where none of it fits.
#[derive(Default)]
pub(super) struct Plan {
    pub attempts: Vec<Attempt>,
    pub wait: Option<Problem>,
}

/// Suites of TLS 1.3 that go with a secret, where the handshake does not tell.
fn suites_by_length(secret: &Secret) -> impl Iterator<Item = Protection> {
    let suites: &[u16] = match secret.bytes().len() {
        48 => &[0x1302],
        _ => &[0x1301, 0x1303, 0x1304, 0x1305],
    };
    suites
        .iter()
        .filter_map(|suite| CipherSuite(*suite).protection())
}

/// Sequence numbers under keys whose next one is `next`.
fn onward(next: u64, missed: Missed) -> Vec<RangeInclusive<u64>> {
    let first = next.saturating_add(missed.least);
    let beyond = (missed.most - missed.least).min(BOUND);
    vec![first..=first.saturating_add(beyond)]
}

/// Sequence numbers under keys that no record was seen of.
fn from_first(missed: Missed, bound: u64) -> Vec<RangeInclusive<u64>> {
    let most = missed.most.min(bound);
    let mut ranges = vec![0..=most];
    if missed.most > bound && missed.least > 0 {
        let first = missed.least.saturating_sub(OF_HANDSHAKE).max(bound + 1);
        let last = missed.most.min(missed.least.saturating_add(bound));
        ranges.push(first..=last);
    }
    ranges
}

/// Adds the secrets behind one or two key updates, which are otherwise like another attempt's.
fn add_updates(
    like: &Attempt,
    secret: &Secret,
    sequences: impl Fn() -> Vec<RangeInclusive<u64>>,
    plan: &mut Plan,
) {
    let mut secret = secret.clone();
    for _ in 0..2 {
        let Some(next) = updated(&secret, like.protection.hash) else {
            return;
        };
        secret = next;
        plan.attempts.push(Attempt {
            secret: Some(secret.clone()),
            sequences: sequences(),
            ..*like
        });
    }
}

impl State {
    /// What may open a protected record of direction `at`.
    pub(super) fn plan(&self, all: &Decryptor, at: usize, header: Header) -> Plan {
        let direction = &self.directions[at];
        let mut plan = Plan::default();
        match direction.missed {
            None => self.plan_in_step(all, at, header, direction, &mut plan),
            Some(missed) => {
                self.plan_behind_gap(all, at, missed, direction, &mut plan);
                if !plan.attempts.is_empty() {
                    plan.wait = None;
                }
            }
        }
        plan
    }

    fn plan_in_step(
        &self,
        all: &Decryptor,
        at: usize,
        header: Header,
        direction: &TlsDirection,
        plan: &mut Plan,
    ) {
        let once = &[0..=0];
        let protected12 = direction.change_cipher_spec
            && (self.version() == Some(Version::TLS12)
                || header.content != ContentType::APPLICATION_DATA);
        match direction.phase {
            Phase::Clear if protected12 => self.add_master(all, at, once, plan),
            Phase::Clear => {
                if self.early_data() && self.is_client(at) {
                    self.add_early(all, once, plan);
                }
                if self.server_may_come(at) {
                    plan.wait = Some(Problem::NoServerHello);
                } else {
                    self.add_traffic(all, at, Phase::Handshake, once, plan);
                }
            }
            Phase::Early => {
                if let Some(keys) = &direction.keys {
                    plan.attempts
                        .push(self.current(at, keys, vec![keys.sequence..=keys.sequence]));
                }
                if self.server_may_come(at) {
                    plan.wait = Some(Problem::NoServerHello);
                } else {
                    self.add_traffic(all, at, Phase::Handshake, once, plan);
                }
            }
            Phase::Handshake | Phase::Traffic => {
                self.add_traffic(all, at, direction.phase, once, plan);
            }
            Phase::Master => self.add_master(all, at, once, plan),
        }
    }

    fn plan_behind_gap(
        &self,
        all: &Decryptor,
        at: usize,
        missed: Missed,
        direction: &TlsDirection,
        plan: &mut Plan,
    ) {
        let bound = if self.random().is_some() {
            BOUND
        } else {
            BOUND_OF_ANY
        };
        let fresh = || from_first(missed, bound);
        if let Some(keys) = &direction.keys {
            let current = self.current(at, keys, onward(keys.sequence, missed));
            if direction.phase == Phase::Traffic {
                add_updates(&current, &keys.secret, fresh, plan);
            }
            plan.attempts.insert(0, current);
        }
        let phase = direction.phase;
        let may_be_13 = self
            .version()
            .is_none_or(|version| version == Version::TLS13);
        if phase == Phase::Clear && self.version() != Some(Version::TLS13) {
            self.add_master(all, at, &fresh(), plan);
        }
        if phase == Phase::Master && direction.keys.is_none() {
            self.add_master(all, at, &fresh(), plan);
        }
        if phase == Phase::Clear && self.early_data() && self.is_client(at) {
            self.add_early(all, &fresh(), plan);
        }
        if phase <= Phase::Handshake
            && may_be_13
            && !(phase == Phase::Handshake && direction.keys.is_some())
        {
            self.add_traffic(all, at, Phase::Handshake, &fresh(), plan);
        }
        if phase <= Phase::Traffic
            && may_be_13
            && !(phase == Phase::Traffic && direction.keys.is_some())
        {
            let first = plan.attempts.len();
            self.add_traffic(all, at, Phase::Traffic, &fresh(), plan);
            for index in first..plan.attempts.len() {
                let attempt = &plan.attempts[index];
                if let Some(secret) = attempt.secret.clone() {
                    let like = Attempt {
                        sequences: Vec::new(),
                        secret: None,
                        ..*attempt
                    };
                    add_updates(&like, &secret, fresh, plan);
                }
            }
        }
    }

    fn current(&self, at: usize, keys: &Keys, sequences: Vec<RangeInclusive<u64>>) -> Attempt {
        Attempt {
            phase: self.directions[at].phase,
            secret: None,
            protection: keys.protection,
            sequences,
            random: None,
            of_client: self.is_client(at),
        }
    }

    fn add_early(&self, all: &Decryptor, sequences: &[RangeInclusive<u64>], plan: &mut Plan) {
        let label = Label::ClientEarlyTrafficSecret;
        self.add13(all, label, Phase::Early, true, sequences, plan);
        // What comes may be 0-RTT data or not: it is not waited for.
        plan.wait = None;
    }

    fn add_traffic(
        &self,
        all: &Decryptor,
        at: usize,
        phase: Phase,
        sequences: &[RangeInclusive<u64>],
        plan: &mut Plan,
    ) {
        let (client, server) = match phase {
            Phase::Handshake => (
                Label::ClientHandshakeTrafficSecret,
                Label::ServerHandshakeTrafficSecret,
            ),
            _ => (Label::ClientTrafficSecret, Label::ServerTrafficSecret),
        };
        let label = |of_client| if of_client { client } else { server };
        match self.role(at) {
            Some(role) => {
                let of_client = role == Role::Client;
                self.add13(all, label(of_client), phase, of_client, sequences, plan);
            }
            None => {
                for of_client in [self.likely_client == at, self.likely_client != at] {
                    self.add13(all, label(of_client), phase, of_client, sequences, plan);
                }
            }
        }
    }

    /// Adds the secrets of TLS 1.3 that a label has.
    fn add13(
        &self,
        all: &Decryptor,
        label: Label,
        phase: Phase,
        of_client: bool,
        sequences: &[RangeInclusive<u64>],
        plan: &mut Plan,
    ) {
        // 0-RTT data stands under the suite of the session before, which is the connection's where
        // that is resumed.
        let known = match (phase, &self.server) {
            (Phase::Early, Some(server)) if !server.pre_shared_key => None,
            _ => match self.suite() {
                Some(suite) => {
                    let known = suite.protection().filter(|protection| protection.tls13);
                    if known.is_none() {
                        plan.wait = plan.wait.or(Some(Problem::Suite(suite)));
                        return;
                    }
                    known
                }
                None => self.found,
            },
        };
        let before = plan.attempts.len();
        let mut add = |random: &Random, secret: &Secret| {
            let by_length = known.is_none().then(|| suites_by_length(secret));
            for protection in known.into_iter().chain(by_length.into_iter().flatten()) {
                if protection.hash.len() == secret.bytes().len() {
                    plan.attempts.push(Attempt {
                        phase,
                        secret: Some(secret.clone()),
                        protection,
                        sequences: sequences.to_vec(),
                        random: Some(*random),
                        of_client,
                    });
                }
            }
        };
        match self.random() {
            Some(random) => all
                .keys
                .secrets(random, label)
                .for_each(|secret| add(random, secret)),
            None => all
                .keys
                .all(label)
                .for_each(|(random, secret)| add(random, secret)),
        }
        if plan.attempts.len() == before {
            plan.wait = plan.wait.or(Some(self.missing(all, label)));
        }
    }

    /// Adds the master secrets of TLS 1.2 that may be the connection's.
    fn add_master(
        &self,
        all: &Decryptor,
        at: usize,
        sequences: &[RangeInclusive<u64>],
        plan: &mut Plan,
    ) {
        let Some(server) = &self.server else {
            let problem = match self.random() {
                Some(_) => Problem::NoServerHello,
                None => Problem::NoHandshake,
            };
            plan.wait = plan.wait.or(Some(problem));
            return;
        };
        let Some(protection) = server.suite.protection().filter(|p| !p.tls13) else {
            plan.wait = plan.wait.or(Some(Problem::Suite(server.suite)));
            return;
        };
        let before = plan.attempts.len();
        let mut add = |random: &Random, secret: &Secret| {
            plan.attempts.push(Attempt {
                phase: Phase::Master,
                secret: Some(secret.clone()),
                protection,
                sequences: sequences.to_vec(),
                random: Some(*random),
                of_client: self.is_client(at),
            });
        };
        let label = Label::ClientRandom;
        match self.random() {
            Some(random) => {
                all.keys
                    .secrets(random, label)
                    .for_each(|secret| add(random, secret));
                let ticket = self
                    .client
                    .as_ref()
                    .and_then(|hello| hello.ticket.as_deref());
                let names = [
                    Name::Id(&server.session_id),
                    Name::Ticket(ticket.unwrap_or_default()),
                ];
                names
                    .into_iter()
                    .filter_map(|name| all.sessions.master(name))
                    .for_each(|secret| add(random, secret));
            }
            None => all
                .keys
                .all(label)
                .for_each(|(random, secret)| add(random, secret)),
        }
        if plan.attempts.len() == before {
            plan.wait = plan.wait.or(Some(self.missing(all, label)));
        }
    }

    fn missing(&self, all: &Decryptor, label: Label) -> Problem {
        match self.random() {
            Some(random) if all.keys.knows(random) => Problem::NoSecret {
                random: *random,
                label,
            },
            Some(random) => Problem::NoKeys { random: *random },
            None => Problem::NoHandshake,
        }
    }

    /// The keys that an attempt stands for, where they are not those that the direction has.
    pub(super) fn opener(&self, attempt: &Attempt) -> Option<Opener> {
        let secret = attempt.secret.as_ref()?;
        if attempt.phase != Phase::Master {
            return Opener::tls13(secret, attempt.protection);
        }
        let server = self.server.as_ref()?;
        Opener::tls12(
            secret,
            (attempt.random.as_ref()?, &server.random),
            attempt.protection,
            server.encrypt_then_mac,
            attempt.of_client,
        )
    }
}
