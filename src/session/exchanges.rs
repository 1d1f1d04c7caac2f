//! Requests and their responses put together: an [`Exchange`] each, as they complete.

use std::borrow::Cow;
use std::collections::HashMap;

use arrayvec::ArrayVec;
use foldhash::fast::RandomState;
use smallvec::SmallVec;

use super::exchange::awaits;
use super::{Brought, FrameRecord, Refusal, Remainder, Resolution};
use crate::capture::Timestamp;
use crate::dissect::{Message, Peer};
use crate::layout::Said;
use crate::packet::Endpoint;
use crate::protocol::{Action, TextValue};
use crate::stream::Role;
use crate::text::secret::{self, MASK};

/// Messages that wait for their other half at most; further requests are given without it.
const MOST: usize = 1 << 16;

/// A request and its response, or one of them.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// One or both, the request first.
    messages: ArrayVec<Message, 2>,
    has_request: bool,
    number: u64,
}

impl Exchange {
    /// Of a request and a response, the first of which has this number among all messages of the run, from 0; `None` where
    /// there is neither.
    #[must_use]
    pub fn of(number: u64, request: Half<'_>, response: Half<'_>) -> Option<Self> {
        let has_request = request.is_some();
        let halves = request.into_iter().chain(response);
        let mut messages: ArrayVec<Message, 2> = halves.map(Cow::into_owned).collect();
        if let [request, response] = &mut messages[..] {
            // A request came before its response was known, and an early response before its request.
            let elapsed = || response.time.since(request.time);
            let elapsed = response.peer.map_or_else(elapsed, |peer| peer.elapsed);
            let of = |frame| Peer { frame, elapsed };
            request.peer.get_or_insert(of(response.frame));
            response.peer.get_or_insert(of(request.frame));
        }
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

    /// The request, if it was captured.
    #[must_use]
    pub fn request(&self) -> Option<&Message> {
        self.messages.first().filter(|_| self.has_request)
    }

    /// The response, if there is one.
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

    /// What was asked for; of a RegLogin response whose request was not captured, what it says that it answers.
    #[must_use]
    pub fn action(&self) -> Option<&'static str> {
        let of_response = || {
            let response = self.response().filter(|one| one.described.is_none())?;
            response.command().action().map(Action::noun)
        };
        let asked = self.messages.iter().find_map(action_of);
        asked.or_else(of_response)
    }

    /// The user who asked.
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

    /// Why the server said no, as far as its words tell, in RegLogin.
    #[must_use]
    pub fn refusal(&self) -> Option<Refusal> {
        let response = self.response().filter(|one| one.described.is_none())?;
        let words = response.view().description().map(TextValue::octets);
        let refused = response.said() == Some(Said::Failure);
        refused.then(|| Refusal::of(words.unwrap_or_default()))
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
        return asked.or_else(|| own().flatten()).map(Action::noun);
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

/// A request or a response that pairing has come to the end of: borrowed from the frame that it came with, or kept since.
pub type Half<'a> = Option<Cow<'a, Message>>;

/// Says which request and which response belong together, without a copy of those that are at hand.
#[derive(Debug, Default)]
pub struct Pairing {
    /// Requests whose response has not come, by number.
    waiting: HashMap<u64, Message, RandomState>,
    /// Responses that came before their requests, by number.
    early: HashMap<u64, Message, RandomState>,
}

/// What frames brought, as far as pairing looks at it.
#[derive(Debug, Clone, Copy)]
pub struct PairedFrom<'a> {
    /// Number of the first of `messages` among all of the run, from 0.
    pub first_message: u64,
    /// Messages, in order.
    pub messages: &'a [Message],
    /// What became of requests.
    pub resolutions: &'a [Resolution],
    /// Numbers of responses for which no request came after all.
    pub unasked: &'a [u64],
}

impl<'a> From<&FrameRecord<'a>> for PairedFrom<'a> {
    fn from(record: &FrameRecord<'a>) -> Self {
        Self {
            first_message: record.first_message,
            messages: record.messages,
            resolutions: record.resolutions,
            unasked: record.unasked,
        }
    }
}

impl<'a> From<&Remainder<'a>> for PairedFrom<'a> {
    fn from(found: &Remainder<'a>) -> Self {
        Self {
            first_message: found.first_message,
            messages: found.messages,
            resolutions: found.resolutions,
            unasked: found.unasked,
        }
    }
}

impl<'a> From<&Brought<'a>> for PairedFrom<'a> {
    fn from(brought: &Brought<'a>) -> Self {
        Self {
            first_message: brought.first_message,
            messages: brought.messages,
            resolutions: brought.resolutions,
            unasked: brought.unasked,
        }
    }
}

impl Pairing {
    /// Takes what a frame brought, and hands on what that completes: the number of the first message, and a request, a
    /// response, or both.
    pub fn take(&mut self, from: PairedFrom<'_>, mut pair: impl FnMut(u64, Half<'_>, Half<'_>)) {
        let mut answers: SmallVec<[(u64, &Message); 4]> = SmallVec::new();
        for (number, message) in (from.first_message..).zip(from.messages) {
            if message.is_answer() && message.peer.is_some() {
                answers.push((number, message));
            } else if message.is_request() {
                let is_open = awaits(message) || message.peer.is_some();
                if is_open && self.waiting.len() < MOST {
                    self.waiting.insert(number, message.clone());
                } else {
                    pair(number, Some(Cow::Borrowed(message)), None);
                }
            } else if message.is_response() {
                if awaits(message) && self.early.len() < MOST {
                    self.early.insert(number, message.clone());
                } else {
                    pair(number, None, Some(Cow::Borrowed(message)));
                }
            }
        }
        for resolution in from.resolutions {
            let request = self.waiting.remove(&resolution.request);
            let response = if let Some(early) = resolution.early {
                let response = self.early.remove(&early.number);
                response.map(|mut response| {
                    resolution.tell_early(&mut response);
                    (early.number, Cow::Owned(response))
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
                found.map(|(number, message)| (number, Cow::Borrowed(message)))
            };
            let (number, response) = response.unzip();
            let number = request
                .as_ref()
                .map_or(number, |_| Some(resolution.request));
            pair(
                number.unwrap_or_default(),
                request.map(Cow::Owned),
                response,
            );
        }
        for (number, message) in answers {
            pair(number, None, Some(Cow::Borrowed(message)));
        }
        for number in from.unasked {
            pair(*number, None, self.early.remove(number).map(Cow::Owned));
        }
    }

    /// Ends the capture: hands over what waits.
    pub fn finish(&mut self, mut pair: impl FnMut(u64, Half<'_>, Half<'_>)) {
        let mut left: Vec<(u64, Message)> =
            self.waiting.drain().chain(self.early.drain()).collect();
        left.sort_unstable_by_key(|(number, _)| *number);
        for (number, message) in left {
            if message.is_request() {
                pair(number, Some(Cow::Owned(message)), None);
            } else {
                pair(number, None, Some(Cow::Owned(message)));
            }
        }
    }
}

/// Assembles exchanges.
#[derive(Debug, Default)]
pub struct Exchanges {
    pairing: Pairing,
    done: Vec<Exchange>,
}

impl Exchanges {
    /// Adds a frame's messages. The exchanges that it completes can then be taken.
    pub fn record(&mut self, record: &FrameRecord<'_>) {
        let is_any = !(record.messages.is_empty()
            && record.resolutions.is_empty()
            && record.unasked.is_empty());
        if is_any {
            self.add(PairedFrom::from(record));
        }
    }

    /// Adds what no frame completed.
    pub fn rest(&mut self, found: &Remainder<'_>) {
        self.add(PairedFrom::from(found));
    }

    fn add(&mut self, from: PairedFrom<'_>) {
        let done = &mut self.done;
        self.pairing.take(from, |number, request, response| {
            done.extend(Exchange::of(number, request, response));
        });
    }

    /// The exchanges that were completed since the last call.
    pub fn take(&mut self) -> std::vec::Drain<'_, Exchange> {
        self.done.drain(..)
    }

    /// Ends the capture: exchanges that wait are complete.
    pub fn finish(&mut self) {
        let done = &mut self.done;
        self.pairing.finish(|number, request, response| {
            done.extend(Exchange::of(number, request, response));
        });
    }
}
