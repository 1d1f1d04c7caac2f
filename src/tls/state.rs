//! State of a connection shared by both directions.

use std::mem::{Discriminant, discriminant};

use smallvec::SmallVec;

use super::Event;
use super::direction::{Phase, TlsDirection};
use super::framing::Missed;
use super::handshake::{ClientHello, ServerHello};
use super::keylog::Random;
use super::problem::Problem;
use super::record::Version;
use super::suite::{CipherSuite, Protection};
use crate::stream::Side;

/// Role of one end of the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Client,
    Server,
}

/// Receives events.
pub(super) type Sink<'a> = &'a mut dyn FnMut(Event<'_>);

/// State of a connection.
#[derive(Default)]
pub(super) struct State {
    pub(super) directions: [TlsDirection; 2],
    /// Index of the client's direction, if the handshake shows it.
    pub(super) client_is: Option<usize>,
    /// Index of the direction that is the client's otherwise.
    pub(super) likely_client: usize,
    pub(super) client: Option<ClientHello>,
    pub(super) server: Option<ServerHello>,
    /// The server's HelloRetryRequest.
    pub(super) retry: Option<ServerHello>,
    /// The client random: from the ClientHello, or that of a secret that succeeded.
    pub(super) random: Option<Random>,
    /// The cipher of keys that succeeded without a captured ServerHello.
    pub(super) found: Option<Protection>,
    /// Whether the client may send 0-RTT data.
    pub(super) early_data: bool,
    /// Whether the server authenticated itself, so that the session is not resumed.
    pub(super) full_handshake: bool,
    /// A TLS 1.2 session ticket from the server.
    pub(super) ticket: Option<Vec<u8>>,
    pub(super) key_updates: u32,
    /// Whether no more bytes or secrets come.
    pub(super) finishing: bool,
    pub(super) reported: SmallVec<[(Discriminant<Problem>, bool); 2]>,
    pub(super) waiting: usize,
    pub(super) dropped: u64,
    pub(super) records: u64,
}

pub(super) const fn side(index: usize) -> Side {
    match index {
        0 => Side::A,
        _ => Side::B,
    }
}

impl State {
    /// See [`Session::new`](super::Session::new).
    pub(super) fn new(from_start: [bool; 2], likely_client: Side) -> Self {
        let midway = |from_start: bool| TlsDirection {
            missed: (!from_start).then_some(Missed::any(0)),
            ..TlsDirection::default()
        };
        Self {
            directions: from_start.map(midway),
            likely_client: likely_client.index(),
            ..Self::default()
        }
    }

    pub(super) fn version(&self) -> Option<Version> {
        let server = self.server.as_ref().or(self.retry.as_ref());
        server
            .map(ServerHello::chosen_version)
            .or(self.found.map(|found| {
                if found.tls13 {
                    Version::TLS13
                } else {
                    Version::TLS12
                }
            }))
    }

    pub(super) fn suite(&self) -> Option<CipherSuite> {
        let server = self.server.as_ref().or(self.retry.as_ref());
        server.map(|server| server.suite)
    }

    pub(super) const fn random(&self) -> Option<&Random> {
        self.random.as_ref()
    }

    pub(super) const fn early_data(&self) -> bool {
        self.early_data
    }

    pub(super) fn role(&self, at: usize) -> Option<Role> {
        let client = self.client_is?;
        Some(if client == at {
            Role::Client
        } else {
            Role::Server
        })
    }

    pub(super) fn is_client(&self, at: usize) -> bool {
        self.client_is.unwrap_or(self.likely_client) == at
    }

    /// Whether direction `at` needs the ServerHello, and it may still come.
    pub(super) fn server_may_come(&self, at: usize) -> bool {
        let other = &self.directions[1 - at];
        self.server.is_none()
            && self.role(at) == Some(Role::Client)
            && other.missed.is_none()
            && other.phase == Phase::Clear
            && !other.ended
            && !self.finishing
    }

    /// Whether the connection resumes a session; `None` while that is not known.
    pub(super) fn resumed(&self) -> Option<bool> {
        let server = self.server.as_ref()?;
        if server.chosen_version() >= Version::TLS13 {
            return Some(server.pre_shared_key);
        }
        if self.full_handshake {
            return Some(false);
        }
        let server = &self.directions[1 - self.client_is?];
        (server.change_cipher_spec || server.phase == Phase::Master).then_some(true)
    }

    /// Reports a problem, each kind once. Of problems that prevent decryption only the first is reported, because the
    /// others may follow from it.
    pub(super) fn report(&mut self, at: usize, problem: Problem, sink: Sink<'_>) {
        let kind = discriminant(&problem);
        let hides = |reported: &(Discriminant<Problem>, bool)| {
            reported.0 == kind || (reported.1 && problem.prevents_decryption())
        };
        if !self.reported.iter().any(hides) {
            self.reported.push((kind, problem.prevents_decryption()));
            sink(Event::Problem {
                from: side(at),
                problem,
            });
        }
    }
}
