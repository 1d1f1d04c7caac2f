//! Which response answers which request: the protocol answers in order, so the oldest request
//! without a response is the one.

use std::collections::VecDeque;
use std::fmt;
use std::hash::BuildHasher;

use foldhash::quality::RandomState;

use super::name::Name;
use super::refusal::{Outcome, Refusal};
use crate::capture::Timestamp;
use crate::dissect::{Message, Note, Peer, exchanged};
use crate::packet::Endpoint;
use crate::protocol::layout::{STATUS_FAILURE, STATUS_SUCCESS};
use crate::protocol::{Action, Command, Kind, TextValue};
use crate::text::secret::{self, MASK};

/// Requests of one flow that wait for a response, at the most; further ones are not paired.
const MAX_WAITING: usize = 1 << 14;

/// Stands for a password so that it can be told whether two are the same, and nothing else: 32
/// bits of a hash under a key that is made anew for each run and never leaves it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct PasswordTag(u32);

impl fmt::Debug for PasswordTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordTag")
    }
}

/// The key of a run's [`PasswordTag`]s.
#[derive(Debug, Default)]
pub(super) struct PasswordKey(RandomState);

impl PasswordKey {
    fn tag(&self, password: Option<TextValue<'_>>) -> PasswordTag {
        self.tag_of(password.map(TextValue::octets).unwrap_or_default())
    }

    pub fn tag_of(&self, password: &[u8]) -> PasswordTag {
        PasswordTag(self.0.hash_one(password) as u32)
    }
}

/// A request that waits for its response. Kept in every open flow, so it is packed.
#[derive(Debug, Clone, Copy)]
struct Waiting {
    /// The message's number; [`LOST`] for a request that was never captured.
    id: u64,
    frame: u64,
    time: Timestamp,
    password: PasswordTag,
    action: Action,
    user: Name,
}

/// Number of no message.
const LOST: u64 = u64::MAX;

impl Waiting {
    const NEVER_CAPTURED: Self = Self {
        id: LOST,
        frame: 0,
        time: Timestamp(0),
        password: PasswordTag(0),
        action: Action::Login,
        user: Name::EMPTY,
    };

    fn new(id: u64, message: &Message, action: Action, key: &PasswordKey) -> Self {
        let user = secret::view(message, false).user_name();
        let user = user.map(|name| name.map_or(MASK.as_bytes(), TextValue::octets));
        Self {
            id,
            frame: message.frame,
            time: message.time,
            password: key.tag(message.view().password()),
            action,
            user: Name::new(user.unwrap_or_default()),
        }
    }

    const fn was_captured(&self) -> bool {
        self.id != LOST
    }

    /// What the response in `message`, which is one to `action`, makes of this; the message is told.
    #[inline]
    fn answered(&self, message: &mut Message, action: Action) -> Resolution {
        if self.action != action {
            message.notes.push(Note::WrongResponse {
                request: self.frame,
                command: self.action.request(),
            });
        }
        let elapsed = message.time.since(self.time);
        message.peer = Some(Peer {
            frame: self.frame,
            elapsed,
        });
        let asked = Asked {
            stream: message.stream,
            client: message.destination,
        };
        let response = Peer {
            frame: message.frame,
            elapsed,
        };
        self.resolved(asked, Some(response), outcome(message))
    }

    #[inline]
    fn resolved(&self, asked: Asked, response: Option<Peer>, outcome: Outcome) -> Resolution {
        Resolution {
            request: self.id,
            action: self.action,
            frame: self.frame,
            time: self.time,
            stream: asked.stream,
            client: asked.client,
            user: self.user,
            password: self.password,
            response,
            outcome,
        }
    }
}

/// On which connection a request was made, and by whom.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    pub stream: u32,
    pub client: Endpoint,
}

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolution {
    /// The request's number among all messages of the run, from 0.
    pub request: u64,
    /// What it asked for.
    pub action: Action,
    /// Its frame.
    pub frame: u64,
    /// Its time.
    pub time: Timestamp,
    /// Its stream.
    pub stream: u32,
    /// Who sent it.
    pub client: Endpoint,
    /// Its user name, or what stands in its place where it is not shown.
    pub user: Name,
    /// Stands for its password.
    pub password: PasswordTag,
    /// Its response; `None` where its connection ended without one.
    pub response: Option<Peer>,
    /// What the response says.
    pub outcome: Outcome,
}

impl Resolution {
    /// When it was resolved: the response's time, or the request's where there is none.
    #[must_use]
    pub fn ended(&self) -> Timestamp {
        let elapsed = self.response.map_or(0, |response| response.elapsed);
        Timestamp(self.time.0.saturating_add(elapsed))
    }
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
        let first = self.first;
        self.drop_first();
        first
    }

    #[inline]
    fn drop_first(&mut self) {
        self.first = None;
        if let Some(others) = &mut self.others {
            self.first = others.pop_front();
            if self.first.is_none() {
                self.others = None;
            }
        }
    }

    fn last(&self) -> Option<&Waiting> {
        let last = self.others.as_ref().and_then(|others| others.back());
        last.or(self.first.as_ref())
    }

    /// Pairs a message that has number `id` and this command; a response's peer and both kinds'
    /// notes are set, and what became of the request is put among `resolutions`.
    pub(super) fn pair(
        &mut self,
        id: u64,
        message: &mut Message,
        command: Command,
        key: &PasswordKey,
        resolutions: &mut Vec<Resolution>,
    ) {
        if !message.notes.is_empty() && exchanged(message).is_none() {
            return;
        }
        match (command.kind(), command.action()) {
            (Some(Kind::Request), Some(action)) => {
                if let Some(last) = self.last().filter(|last| last.was_captured()) {
                    message.notes.push(Note::Pipelined { after: last.frame });
                }
                self.push(Waiting::new(id, message, action, key));
            }
            (Some(Kind::Response), Some(action)) => {
                match self.first.as_ref().filter(|first| first.was_captured()) {
                    Some(request) => resolutions.push(request.answered(message, action)),
                    None => message.notes.push(Note::NoRequest),
                }
                self.drop_first();
            }
            _ => {}
        }
    }

    /// This many messages of a kind were never captured: requests whose responses may come, or
    /// responses to the requests that have waited longest, which are given.
    pub(super) fn lost(&mut self, kind: Kind, messages: u64, asked: Asked) -> Vec<Resolution> {
        let messages = messages.min(MAX_WAITING as u64);
        let mut resolved = Vec::new();
        for _ in 0..messages {
            match kind {
                Kind::Request => self.push(Waiting::NEVER_CAPTURED),
                Kind::Response => match self.pop() {
                    None => break,
                    Some(request) if request.was_captured() => {
                        resolved.push(request.resolved(asked, None, Outcome::Unanswered));
                    }
                    Some(_) => {}
                },
            }
        }
        resolved
    }

    /// The requests left without a response, oldest first.
    pub(super) fn unanswered(&mut self, asked: Asked) -> impl Iterator<Item = Resolution> {
        std::iter::from_fn(|| self.pop())
            .filter(Waiting::was_captured)
            .map(move |request| request.resolved(asked, None, Outcome::Unanswered))
    }
}

/// What a response says.
fn outcome(response: &Message) -> Outcome {
    let view = response.view();
    match view.status() {
        Some(STATUS_SUCCESS) => Outcome::Success,
        Some(STATUS_FAILURE) => {
            let words = view.description().map(TextValue::octets);
            Outcome::Failure(Refusal::of(words.unwrap_or_default()))
        }
        _ => Outcome::Unclear,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_open_flow_keeps_little() {
        assert_eq!(size_of::<Option<Waiting>>(), 56);
        assert_eq!(size_of::<ExchangeState>(), 64);
    }

    #[test]
    fn a_password_is_compared_and_not_shown() {
        let key = PasswordKey::default();
        let tag = |text: &'static [u8]| key.tag(Some(TextValue::new(text)));
        assert_eq!(tag(b"secret\0\0"), tag(b"secret"));
        assert_ne!(tag(b"secret"), tag(b"Secret"));
        assert_eq!(format!("{:?}", tag(b"secret")), "PasswordTag");
    }
}
