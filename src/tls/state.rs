//! What is known of a connection: what both directions share.

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

/// What an end of the connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Client,
    Server,
}

/// Takes what is found.
pub(super) type Sink<'a> = &'a mut dyn FnMut(Event<'_>);

/// What both directions share.
#[derive(Default)]
pub(super) struct State {
    pub(super) directions: [TlsDirection; 2],
    /// Which direction is the client's, as the handshake tells.
    pub(super) client_is: Option<usize>,
    /// Which one is where the handshake does not tell.
    pub(super) likely_client: usize,
    pub(super) client: Option<ClientHello>,
    pub(super) server: Option<ServerHello>,
    /// The server's wish for another ClientHello.
    pub(super) retry: Option<ServerHello>,
    /// The connection's name in key logs: from its ClientHello, or where a secret was found to fit.
    pub(super) random: Option<Random>,
    /// The protection that was found to fit where no ServerHello tells it.
    pub(super) found: Option<Protection>,
    /// Whether 0-RTT data may come.
    pub(super) early_data: bool,
    /// Whether the server proved who it is: the session is not resumed.
    pub(super) full_handshake: bool,
    /// A ticket of TLS 1.2 that the server gave.
    pub(super) ticket: Option<Vec<u8>>,
    pub(super) key_updates: u32,
    /// Nothing more comes.
    pub(super) finishing: bool,
    pub(super) told: SmallVec<[(Discriminant<Problem>, bool); 2]>,
    pub(super) waiting: usize,
    pub(super) let_go: u64,
    pub(super) records: u64,
}

pub(super) const fn index(side: Side) -> usize {
    match side {
        Side::A => 0,
        Side::B => 1,
    }
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
            likely_client: index(likely_client),
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

    /// Whether the server's hello may still come, where direction `at` needs what it says.
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

    /// Says something once a connection; of what keeps it from being decrypted, only the first, which the
    /// others may follow from.
    pub(super) fn tell(&mut self, at: usize, problem: Problem, sink: Sink<'_>) {
        let kind = discriminant(&problem);
        let hides = |told: &(Discriminant<Problem>, bool)| {
            told.0 == kind || (told.1 && problem.is_in_the_way())
        };
        if !self.told.iter().any(hides) {
            self.told.push((kind, problem.is_in_the_way()));
            sink(Event::Problem {
                from: side(at),
                problem,
            });
        }
    }
}
