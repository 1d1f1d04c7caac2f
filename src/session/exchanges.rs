//! Requests and their responses put together: an [`Exchange`] each, as they complete.

use std::borrow::Cow;
use std::collections::HashMap;

use arrayvec::ArrayVec;

use super::exchange::awaits;
use super::{FrameRecord, Remainder, Resolution};
use crate::capture::Timestamp;
use crate::dissect::Message;
use crate::layout::Said;
use crate::packet::Endpoint;
use crate::protocol::TextValue;
use crate::stream::Role;
use crate::text::secret::{self, MASK};

/// Messages that wait for their other half at the most; further requests are given without it.
const MOST: usize = 1 << 16;

/// A request and its response, or what there is of them.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// One or both, the request first.
    messages: ArrayVec<Message, 2>,
    has_request: bool,
    number: u64,
}

impl Exchange {
    fn of(number: u64, request: Option<Message>, response: Option<Message>) -> Option<Self> {
        let has_request = request.is_some();
        let messages: ArrayVec<Message, 2> = request.into_iter().chain(response).collect();
        (!messages.is_empty()).then_some(Self {
            messages,
            has_request,
            number,
        })
    }

    /// Its messages, the request first.
    #[must_use]
    pub fn messages(&self) -> &[Message] {
        &self.messages
    }

    /// The request, where it was captured.
    #[must_use]
    pub fn request(&self) -> Option<&Message> {
        self.messages.first().filter(|_| self.has_request)
    }

    /// The response, where there is one.
    #[must_use]
    pub fn response(&self) -> Option<&Message> {
        self.messages.get(usize::from(self.has_request))
    }

    /// The number of the first of its messages among all of the run, from 0.
    #[must_use]
    pub const fn number(&self) -> u64 {
        self.number
    }

    fn first(&self) -> &Message {
        &self.messages[0]
    }

    /// When it began: the request's time, or the response's.
    #[must_use]
    pub fn time(&self) -> Timestamp {
        self.first().time
    }

    /// Its connection.
    #[must_use]
    pub fn stream(&self) -> u32 {
        self.first().stream
    }

    /// The name of its protocol.
    #[must_use]
    pub fn protocol_name(&self) -> &'static str {
        self.first().protocol_name()
    }

    /// Client and server.
    #[must_use]
    pub fn ends(&self) -> [Endpoint; 2] {
        let message = self.first();
        match message.sender {
            Role::Client => [message.source, message.destination],
            Role::Server => [message.destination, message.source],
        }
    }

    /// What was asked for.
    #[must_use]
    pub fn action(&self) -> Option<&'static str> {
        self.messages.iter().find_map(action_of)
    }

    /// Who asked.
    #[must_use]
    pub fn user(&self, show_passwords: bool) -> Option<Cow<'_, [u8]>> {
        let mut all = self.messages.iter();
        all.find_map(|message| user_of(message, show_passwords))
    }

    /// What the response says.
    #[must_use]
    pub fn said(&self) -> Option<Said> {
        self.response().and_then(Message::said)
    }

    /// Nanoseconds from the request to the response.
    #[must_use]
    pub fn elapsed(&self) -> Option<i64> {
        Some(self.response()?.peer?.elapsed).filter(|_| self.has_request)
    }
}

/// What a message asks for, or what the request asked for that it answers; of RegLogin `registration` or `login`, of a
/// layout the request's kind.
#[must_use]
pub fn action_of(message: &Message) -> Option<&'static str> {
    let Some(described) = &message.described else {
        let asked = message.answered.map(|answered| answered.action);
        let own = || message.is_request().then(|| message.command().action());
        return asked
            .or_else(|| own().flatten())
            .map(crate::protocol::Action::noun);
    };
    let kind = match &described.asked {
        Some(asked) => Some(asked.kind),
        None => described.kind.filter(|_| described.is_request()),
    };
    kind.map(|kind| described.plan().layout.kinds[kind].name.as_str())
}

/// The user that a message, or the request that it answers, is about.
#[must_use]
pub fn user_of(message: &Message, show_passwords: bool) -> Option<Cow<'_, [u8]>> {
    let Some(described) = &message.described else {
        if let Some(answered) = &message.answered {
            return Some(Cow::Borrowed(&answered.user));
        }
        let name = secret::view(message, show_passwords).user_name()?;
        return Some(Cow::Borrowed(
            name.map_or(MASK.as_bytes(), TextValue::octets),
        ));
    };
    match (described.user_name(show_passwords), &described.asked) {
        (Some(user), _) => Some(Cow::Owned(user.into_bytes())),
        (None, Some(asked)) => Some(Cow::Borrowed(&asked.user)),
        (None, None) => None,
    }
}

/// Puts exchanges together.
#[derive(Debug, Default)]
pub struct Exchanges {
    /// Requests whose response has not come, by number.
    waiting: HashMap<u64, Message>,
    /// Responses that came before their requests, by number.
    early: HashMap<u64, Message>,
    done: Vec<Exchange>,
}

impl Exchanges {
    /// Takes a frame's messages. What it completes can then be taken.
    pub fn record(&mut self, record: &FrameRecord<'_>) {
        if !record.messages.is_empty() {
            self.messages(record.first_message, record.messages, record.resolutions);
        } else if !record.resolutions.is_empty() {
            self.resolve(record.resolutions, &mut Vec::new());
        }
        self.unasked(record.unasked);
    }

    /// Takes what no frame completed.
    pub fn rest(&mut self, found: &Remainder<'_>) {
        self.messages(found.first_message, found.messages, found.resolutions);
        self.unasked(found.unasked);
    }

    /// The exchanges that are complete since it was asked last.
    pub fn take(&mut self) -> std::vec::Drain<'_, Exchange> {
        self.done.drain(..)
    }

    /// No more comes: what waits is complete.
    pub fn finish(&mut self) {
        let mut left: Vec<(u64, Message)> =
            self.waiting.drain().chain(self.early.drain()).collect();
        left.sort_unstable_by_key(|(number, _)| *number);
        for (number, message) in left {
            if message.is_request() {
                self.push(number, Some(message), None);
            } else {
                self.push(number, None, Some(message));
            }
        }
    }

    fn push(&mut self, number: u64, request: Option<Message>, response: Option<Message>) {
        self.done.extend(Exchange::of(number, request, response));
    }

    fn messages(&mut self, first: u64, messages: &[Message], resolutions: &[Resolution]) {
        let mut answers: Vec<(u64, &Message)> = Vec::new();
        for (number, message) in (first..).zip(messages) {
            if message.is_answer() && message.peer.is_some() {
                answers.push((number, message));
            } else if message.is_request() {
                let is_open = awaits(message) || message.peer.is_some();
                if is_open && self.waiting.len() < MOST {
                    self.waiting.insert(number, message.clone());
                } else {
                    self.push(number, Some(message.clone()), None);
                }
            } else if message.is_response() {
                if awaits(message) && self.early.len() < MOST {
                    self.early.insert(number, message.clone());
                } else {
                    self.push(number, None, Some(message.clone()));
                }
            }
        }
        self.resolve(resolutions, &mut answers);
        for (number, message) in answers {
            self.push(number, None, Some(message.clone()));
        }
    }

    fn resolve(&mut self, resolutions: &[Resolution], answers: &mut Vec<(u64, &Message)>) {
        for resolution in resolutions {
            let request = self.waiting.remove(&resolution.request);
            let response = if let Some(early) = resolution.early {
                let response = self.early.remove(&early.number);
                response.map(|mut response| {
                    resolution.tell_early(&mut response);
                    (early.number, response)
                })
            } else {
                let is_its = |(_, message): &(u64, &Message)| {
                    message.stream == resolution.stream
                        && message
                            .peer
                            .is_some_and(|peer| peer.frame == resolution.frame)
                };
                let at = answers.iter().position(is_its);
                let found = at.map(|at| answers.remove(at));
                found.map(|(number, message)| (number, message.clone()))
            };
            let (number, response) = response.unzip();
            let number = request
                .as_ref()
                .map_or(number, |_| Some(resolution.request));
            self.push(number.unwrap_or_default(), request, response);
        }
    }

    fn unasked(&mut self, unasked: &[u64]) {
        for number in unasked {
            let response = self.early.remove(number);
            self.push(*number, None, response);
        }
    }
}
