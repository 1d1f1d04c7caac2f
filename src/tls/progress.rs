//! Updates the connection's state from the content of records: handshake messages, tickets, key updates.

use super::decryptor::Decryptor;
use super::direction::{Keys, Phase};
use super::handshake::{Body, Handshake, HandshakeType};
use super::problem::Problem;
use super::record::{ContentType, Version};
use super::resumption::Name;
use super::schedule::updated;
use super::state::{Sink, State};
use super::{Event, Protected, Record};

impl State {
    /// Reports a record whose content is known, and processes that content.
    pub(super) fn content(
        &mut self,
        all: &mut Decryptor,
        at: usize,
        record: Record<'_>,
        sink: Sink<'_>,
    ) {
        let mut messages = Vec::new();
        if record.content == ContentType::HANDSHAKE {
            let assembler = &mut self.directions[at].assembler;
            assembler.push(record.text, &mut messages);
        }
        let opened = record.protected == Protected::Opened;
        sink(Event::Record(Record {
            messages: &messages,
            ..record
        }));
        for message in messages {
            self.message(all, at, message, sink);
        }
        // TLS 1.2: the next records use the secrets negotiated within the connection.
        if opened && record.content == ContentType::CHANGE_CIPHER_SPEC {
            self.directions[at].begin(Phase::Master);
        }
    }

    /// Processes a handshake message.
    fn message(&mut self, all: &mut Decryptor, at: usize, message: Handshake, sink: Sink<'_>) {
        let phase = self.directions[at].phase;
        match (message.kind, message.body) {
            (_, Body::ClientHello(hello)) => {
                if phase == Phase::Master {
                    self.report(at, Problem::Renegotiated, sink);
                    self.server = None;
                    self.full_handshake = false;
                    self.ticket = None;
                }
                self.client_is = Some(at);
                self.random = Some(hello.random);
                self.early_data |= hello.early_data;
                self.client = Some(*hello);
            }
            (_, Body::ServerHello(hello)) => {
                self.client_is = Some(1 - at);
                if hello.is_retry() {
                    self.retry = Some(*hello);
                    return;
                }
                if hello.chosen_version() == Version::TLS13 {
                    self.directions[at].begin(Phase::Handshake);
                }
                self.server = Some(*hello);
            }
            (_, Body::NewSessionTicket(ticket)) if self.version() == Some(Version::TLS12) => {
                self.ticket = Some(ticket);
            }
            (HandshakeType::CERTIFICATE | HandshakeType::SERVER_HELLO_DONE, _) => {
                self.full_handshake = true;
            }
            (HandshakeType::END_OF_EARLY_DATA, _) if phase == Phase::Early => {
                self.directions[at].begin(Phase::Handshake);
            }
            (HandshakeType::FINISHED, _) if phase == Phase::Handshake => {
                self.directions[at].begin(Phase::Traffic);
            }
            (HandshakeType::FINISHED, _) if phase == Phase::Master => {
                // The ticket came before, and the secret is proved by this message.
                if let (Some(ticket), Some(keys)) = (&self.ticket, &self.directions[at].keys) {
                    all.sessions.remember(Name::Ticket(ticket), &keys.secret);
                }
            }
            (HandshakeType::KEY_UPDATE, _) if phase == Phase::Traffic => self.key_update(at),
            _ => {}
        }
    }

    fn key_update(&mut self, at: usize) {
        let Some(keys) = &mut self.directions[at].keys else {
            return;
        };
        let Some(secret) = updated(&keys.secret, keys.protection.hash) else {
            return;
        };
        if let Some(opener) = super::cipher::Opener::tls13(&secret, keys.protection) {
            let sequence = 0;
            *keys = Keys {
                opener,
                sequence,
                secret,
                ..*keys
            };
            self.key_updates += 1;
        }
    }
}
