//! Finds the keys and sequence numbers that may decrypt a record: one if all records before it were seen, many after a
//! gap or without a captured handshake.

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

/// How many sequence numbers after the first possible one are tried with a key.
pub(super) const BOUND: u64 = 1024;

/// The same if the secrets can be those of any connection.
const BOUND_OF_ANY: u64 = 64;

/// Most of the missed records that may have used earlier keys. The sequence number is lower by their number.
const OF_HANDSHAKE: u64 = 64;

/// A secret to try, with the possible sequence numbers of the record.
pub(super) struct Attempt {
    pub phase: Phase,
    /// `None` for the direction's current keys.
    pub secret: Option<Secret>,
    pub protection: Protection,
    pub sequences: Vec<RangeInclusive<u64>>,
    /// The client random of the secret in the key log.
    pub random: Option<Random>,
    /// Whether it is a secret of the client.
    pub of_client: bool,
}

/// What to try, and what to wait for if nothing succeeds.
#[derive(Default)]
pub(super) struct Plan {
    pub attempts: Vec<Attempt>,
    pub wait: Option<Problem>,
}

/// TLS 1.3 suites that fit a secret's length, for connections without a captured handshake.
fn suites_by_length(secret: &Secret) -> impl Iterator<Item = Protection> {
    let suites: &[u16] = match secret.bytes().len() {
        48 => &[0x1302],
        _ => &[0x1301, 0x1303, 0x1304, 0x1305],
    };
    suites
        .iter()
        .filter_map(|suite| CipherSuite(*suite).protection())
}

/// Possible sequence numbers with keys whose next number is `next`.
fn onward(next: u64, missed: Missed) -> Vec<RangeInclusive<u64>> {
    let first = next.saturating_add(missed.least);
    let beyond = (missed.most - missed.least).min(BOUND);
    vec![first..=first.saturating_add(beyond)]
}

/// Possible sequence numbers with keys of which no record was seen.
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

impl State {
    /// The keys and sequence numbers that may decrypt a record of direction `at`.
    pub(super) fn plan(&self, all: &Decryptor, at: usize, header: Header) -> Plan {
        let mut planner = Planner {
            state: self,
            direction: &self.directions[at],
            all,
            at,
            plan: Plan::default(),
        };
        match planner.direction.missed {
            None => planner.in_step(header),
            Some(missed) => {
                planner.behind_gap(missed);
                if !planner.plan.attempts.is_empty() {
                    planner.plan.wait = None;
                }
            }
        }
        planner.plan
    }

    /// The keys of an attempt; `None` if they are the direction's current ones.
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

/// Collects the attempts for a record of one direction.
struct Planner<'a> {
    state: &'a State,
    direction: &'a TlsDirection,
    all: &'a Decryptor,
    /// Index of the direction.
    at: usize,
    plan: Plan,
}

impl<'a> Planner<'a> {
    /// Adds attempts if all records before this one were seen.
    fn in_step(&mut self, header: Header) {
        let (state, direction) = (self.state, self.direction);
        let once = &[0..=0];
        let protected12 = direction.change_cipher_spec
            && (state.version() == Some(Version::TLS12)
                || header.content != ContentType::APPLICATION_DATA);
        match direction.phase {
            Phase::Clear if protected12 => self.add_master(once),
            Phase::Clear => {
                if state.early_data() && state.is_client(self.at) {
                    self.add_early(once);
                }
                if state.server_may_come(self.at) {
                    self.plan.wait = Some(Problem::NoServerHello);
                } else {
                    self.add_traffic(Phase::Handshake, once);
                }
            }
            Phase::Early => {
                if let Some(keys) = &direction.keys {
                    let current = self.current(keys, vec![keys.sequence..=keys.sequence]);
                    self.plan.attempts.push(current);
                }
                if state.server_may_come(self.at) {
                    self.plan.wait = Some(Problem::NoServerHello);
                } else {
                    self.add_traffic(Phase::Handshake, once);
                }
            }
            Phase::Handshake | Phase::Traffic => {
                self.add_traffic(direction.phase, once);
            }
            Phase::Master => self.add_master(once),
        }
    }

    /// Adds attempts if records before this one may have been missed.
    fn behind_gap(&mut self, missed: Missed) {
        let (state, direction) = (self.state, self.direction);
        let bound = if state.random().is_some() {
            BOUND
        } else {
            BOUND_OF_ANY
        };
        let fresh = || from_first(missed, bound);
        if let Some(keys) = &direction.keys {
            let current = self.current(keys, onward(keys.sequence, missed));
            if direction.phase == Phase::Traffic {
                self.add_updates(&current, &keys.secret, fresh);
            }
            self.plan.attempts.insert(0, current);
        }
        let phase = direction.phase;
        let may_be_13 = state
            .version()
            .is_none_or(|version| version == Version::TLS13);
        if phase == Phase::Clear && state.version() != Some(Version::TLS13) {
            self.add_master(&fresh());
        }
        if phase == Phase::Master && direction.keys.is_none() {
            self.add_master(&fresh());
        }
        if phase == Phase::Clear && state.early_data() && state.is_client(self.at) {
            self.add_early(&fresh());
        }
        if phase <= Phase::Handshake
            && may_be_13
            && !(phase == Phase::Handshake && direction.keys.is_some())
        {
            self.add_traffic(Phase::Handshake, &fresh());
        }
        if phase <= Phase::Traffic
            && may_be_13
            && !(phase == Phase::Traffic && direction.keys.is_some())
        {
            let first = self.plan.attempts.len();
            self.add_traffic(Phase::Traffic, &fresh());
            for index in first..self.plan.attempts.len() {
                let attempt = &self.plan.attempts[index];
                if let Some(secret) = attempt.secret.clone() {
                    let like = Attempt {
                        sequences: Vec::new(),
                        secret: None,
                        ..*attempt
                    };
                    self.add_updates(&like, &secret, fresh);
                }
            }
        }
    }

    /// Adds the secrets after one and two key updates; all else is like in `like`.
    fn add_updates(
        &mut self,
        like: &Attempt,
        secret: &Secret,
        sequences: impl Fn() -> Vec<RangeInclusive<u64>>,
    ) {
        let mut secret = secret.clone();
        for _ in 0..2 {
            let Some(next) = updated(&secret, like.protection.hash) else {
                return;
            };
            secret = next;
            self.plan.attempts.push(Attempt {
                secret: Some(secret.clone()),
                sequences: sequences(),
                ..*like
            });
        }
    }

    fn current(&self, keys: &Keys, sequences: Vec<RangeInclusive<u64>>) -> Attempt {
        Attempt {
            phase: self.direction.phase,
            secret: None,
            protection: keys.protection,
            sequences,
            random: None,
            of_client: self.state.is_client(self.at),
        }
    }

    fn add_early(&mut self, sequences: &[RangeInclusive<u64>]) {
        let label = Label::ClientEarlyTrafficSecret;
        self.add13(label, Phase::Early, true, sequences);
        // What comes may or may not be 0-RTT data, so its secret is not waited for.
        self.plan.wait = None;
    }

    fn add_traffic(&mut self, phase: Phase, sequences: &[RangeInclusive<u64>]) {
        let (state, at) = (self.state, self.at);
        let (client, server) = match phase {
            Phase::Handshake => (
                Label::ClientHandshakeTrafficSecret,
                Label::ServerHandshakeTrafficSecret,
            ),
            _ => (Label::ClientTrafficSecret, Label::ServerTrafficSecret),
        };
        let label = |of_client| if of_client { client } else { server };
        match state.role(at) {
            Some(role) => {
                let of_client = role == Role::Client;
                self.add13(label(of_client), phase, of_client, sequences);
            }
            None => {
                for of_client in [state.likely_client == at, state.likely_client != at] {
                    self.add13(label(of_client), phase, of_client, sequences);
                }
            }
        }
    }

    /// Adds the TLS 1.3 secrets with a label.
    fn add13(
        &mut self,
        label: Label,
        phase: Phase,
        of_client: bool,
        sequences: &[RangeInclusive<u64>],
    ) {
        // 0-RTT data uses the suite of the previous session. That is also the connection's if the session is resumed.
        let known = match (phase, &self.state.server) {
            (Phase::Early, Some(server)) if !server.pre_shared_key => None,
            _ => match self.state.suite() {
                Some(suite) => {
                    let known = suite.protection().filter(|protection| protection.tls13);
                    if known.is_none() {
                        self.wait(Problem::Suite(suite));
                        return;
                    }
                    known
                }
                None => self.state.found,
            },
        };
        let before = self.plan.attempts.len();
        for (random, secret) in self.secrets(label) {
            let by_length = known.is_none().then(|| suites_by_length(secret));
            for protection in known.into_iter().chain(by_length.into_iter().flatten()) {
                if protection.hash.len() == secret.bytes().len() {
                    self.plan.attempts.push(Attempt {
                        phase,
                        secret: Some(secret.clone()),
                        protection,
                        sequences: sequences.to_vec(),
                        random: Some(random),
                        of_client,
                    });
                }
            }
        }
        if self.plan.attempts.len() == before {
            self.wait(self.missing(label));
        }
    }

    /// Adds the TLS 1.2 master secrets that may be the connection's.
    fn add_master(&mut self, sequences: &[RangeInclusive<u64>]) {
        let (state, label) = (self.state, Label::ClientRandom);
        let Some(server) = &state.server else {
            return self.wait(match state.random() {
                Some(_) => Problem::NoServerHello,
                None => Problem::NoHandshake,
            });
        };
        let Some(protection) = server.suite.protection().filter(|p| !p.tls13) else {
            return self.wait(Problem::Suite(server.suite));
        };
        let mut secrets = self.secrets(label);
        if let Some(random) = state.random() {
            let ticket = state
                .client
                .as_ref()
                .and_then(|hello| hello.ticket.as_deref());
            let names = [
                Name::Id(&server.session_id),
                Name::Ticket(ticket.unwrap_or_default()),
            ];
            let resumed = names
                .into_iter()
                .filter_map(|name| self.all.sessions.master(name));
            secrets.extend(resumed.map(|secret| (*random, secret)));
        }
        if secrets.is_empty() {
            return self.wait(self.missing(label));
        }
        let attempts = secrets.into_iter().map(|(random, secret)| Attempt {
            phase: Phase::Master,
            secret: Some(secret.clone()),
            protection,
            sequences: sequences.to_vec(),
            random: Some(random),
            of_client: state.is_client(self.at),
        });
        self.plan.attempts.extend(attempts);
    }

    /// The secrets with a label that may be the connection's, each with its client random in the key log.
    fn secrets(&self, label: Label) -> Vec<(Random, &'a Secret)> {
        let keys = &self.all.keys;
        if let Some(random) = self.state.random() {
            let secrets = keys.secrets(random, label);
            return secrets.map(|secret| (*random, secret)).collect();
        }
        let secrets = keys.all(label);
        secrets.map(|(random, secret)| (*random, secret)).collect()
    }

    /// Sets what to wait for, unless it is set.
    fn wait(&mut self, problem: Problem) {
        self.plan.wait.get_or_insert(problem);
    }

    fn missing(&self, label: Label) -> Problem {
        match self.state.random() {
            Some(&random) if self.all.keys.knows(&random) => Problem::NoSecret { random, label },
            Some(&random) => Problem::NoKeys { random },
            None => Problem::NoHandshake,
        }
    }
}
