//! Which response answers which request: the protocol answers in order, so the oldest request
//! without a response is the one.

use std::collections::VecDeque;

use crate::capture::Timestamp;
use crate::dissect::{Message, Note, Peer, exchanged};
use crate::protocol::{Command, Kind};

/// Requests of one flow that wait for a response, at the most; further ones are not paired.
const MAX_WAITING: usize = 1 << 14;

/// A request that waits for its response.
#[derive(Debug, Clone, Copy)]
struct Waiting {
    /// The message's number; [`LOST`] for a request that was never captured.
    id: u64,
    frame: u64,
    time: Timestamp,
    command: Command,
}

/// Number of no message.
const LOST: u64 = u64::MAX;

impl Waiting {
    const fn was_captured(&self) -> bool {
        self.id != LOST
    }

    const fn resolved(&self, response: Option<Peer>) -> Resolution {
        Resolution {
            request: self.id,
            command: self.command,
            response,
        }
    }
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resolution {
    /// The request's number among all messages of the run, from 0.
    pub request: u64,
    /// Its command.
    pub command: Command,
    /// Its response; `None` where its connection ended without one.
    pub response: Option<Peer>,
}

/// The requests of a flow that wait. Most connections have one at a time.
#[derive(Debug, Default)]
pub struct ExchangeState {
    first: Option<Waiting>,
    #[expect(
        clippy::box_collection,
        reason = "8 octets instead of 32 in each open flow"
    )]
    others: Option<Box<VecDeque<Waiting>>>,
}

impl ExchangeState {
    fn push(&mut self, waiting: Waiting) {
        if self.first.is_none() {
            self.first = Some(waiting);
            return;
        }
        let others = self.others.get_or_insert_default();
        if others.len() < MAX_WAITING {
            others.push_back(waiting);
        }
    }

    fn pop(&mut self) -> Option<Waiting> {
        let first = self.first.take();
        self.first = self.others.as_mut().and_then(|others| others.pop_front());
        if self.first.is_none() {
            self.others = None;
        }
        first
    }

    fn last(&self) -> Option<&Waiting> {
        let last = self.others.as_ref().and_then(|others| others.back());
        last.or(self.first.as_ref())
    }

    /// Pairs a message that has number `id`; a response's peer and both kinds' notes are set.
    pub(super) fn pair(&mut self, id: u64, message: &mut Message) -> Option<Resolution> {
        let command = exchanged(message)?;
        if command.kind() == Some(Kind::Request) {
            if let Some(last) = self.last().filter(|last| last.was_captured()) {
                message.notes.push(Note::Pipelined { after: last.frame });
            }
            self.push(Waiting {
                id,
                frame: message.frame,
                time: message.time,
                command,
            });
            return None;
        }
        let Some(request) = self.pop().filter(Waiting::was_captured) else {
            message.notes.push(Note::NoRequest);
            return None;
        };
        if request.command.action() != command.action() {
            message.notes.push(Note::WrongResponse {
                request: request.frame,
                command: request.command,
            });
        }
        let elapsed = message.time.since(request.time);
        message.peer = Some(Peer {
            frame: request.frame,
            elapsed,
        });
        Some(request.resolved(Some(Peer {
            frame: message.frame,
            elapsed,
        })))
    }

    /// This many messages of a kind were never captured: requests whose responses may come, or
    /// responses to the requests that have waited longest, which are given.
    pub(super) fn lost(&mut self, kind: Kind, messages: u64) -> Vec<Resolution> {
        let messages = messages.min(MAX_WAITING as u64);
        let mut resolved = Vec::new();
        for _ in 0..messages {
            match kind {
                Kind::Request => self.push(Waiting {
                    id: LOST,
                    frame: 0,
                    time: Timestamp::default(),
                    command: Command::Unknown(0),
                }),
                Kind::Response => match self.pop() {
                    None => break,
                    Some(request) if request.was_captured() => {
                        resolved.push(request.resolved(None));
                    }
                    Some(_) => {}
                },
            }
        }
        resolved
    }

    /// The requests left without a response, oldest first.
    pub(super) fn unanswered(&mut self) -> impl Iterator<Item = Resolution> {
        std::iter::from_fn(|| self.pop())
            .filter(Waiting::was_captured)
            .map(|request| request.resolved(None))
    }
}
