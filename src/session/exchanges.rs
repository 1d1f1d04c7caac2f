//! Puts requests and responses together: one [`Exchange`] for each pair, as it completes.

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

/// Most messages that wait for their other half; a request or response beyond is passed on alone.
const MOST: usize = 1 << 16;

/// A request and its response, or one of the two.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// One or two, the request first.
    messages: ArrayVec<Message, 2>,
    has_request: bool,
    number: u64,
}

impl Exchange {
    /// An exchange of a request and a response; `None` if there is neither. `number` is that of the first of them among
    /// all messages of the run, from 0.
    #[must_use]
    pub fn of(number: u64, request: Half<'_>, response: Half<'_>) -> Option<Self> {
        let has_request = request.is_some();
        let halves = request.into_iter().chain(response);
        let mut messages: ArrayVec<Message, 2> = halves.map(Cow::into_owned).collect();
        if let [request, response] = &mut messages[..] {
            // A request was passed on before its response was known, and an early response before its request.
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

    /// One or two messages, the request first.
    #[must_use]
    pub fn messages(&self) -> &[Message] {
        &self.messages
    }

    /// The request; `None` if it was not captured.
    #[must_use]
    pub fn request(&self) -> Option<&Message> {
        self.messages.first().filter(|_| self.has_request)
    }

    /// The response; `None` if there is none.
    #[must_use]
    pub fn response(&self) -> Option<&Message> {
        self.messages.get(usize::from(self.has_request))
    }

    /// Number of its first message among all messages of the run, from 0.
    #[must_use]
    pub const fn number(&self) -> u64 {
        self.number
    }

    fn first(&self) -> &Message {
        &self.messages[0]
    }

    /// Time of the request, or of the response if there is no request.
    #[must_use]
    pub fn time(&self) -> Timestamp {
        self.first().time
    }

    /// Number of its stream.
    #[must_use]
    pub fn stream(&self) -> u32 {
        self.first().stream
    }

    /// The name of its protocol.
    #[must_use]
    pub fn protocol_name(&self) -> &'static str {
        self.first().protocol_name()
    }

    /// Address and port of client and server.
    #[must_use]
    pub fn ends(&self) -> [Endpoint; 2] {
        let message = self.first();
        match message.sender {
            Role::Client => [message.source, message.destination],
            Role::Server => [message.destination, message.source],
        }
    }

    /// What was requested. For a RegLogin response whose request was not captured, the action that its command names.
    #[must_use]
    pub fn action(&self) -> Option<&'static str> {
        let of_response = || {
            let response = self.response().filter(|one| one.described.is_none())?;
            response.command().action().map(Action::noun)
        };
        let asked = self.messages.iter().find_map(action_of);
        asked.or_else(of_response)
    }

    /// The user name in the request. Bytes that may belong to a password are masked unless `show_passwords`.
    #[must_use]
    pub fn user(&self, show_passwords: bool) -> Option<Cow<'_, [u8]>> {
        let mut all = self.messages.iter();
        all.find_map(|message| user_of(message, show_passwords))
    }

    /// The outcome that the response states; `None` without one.
    #[must_use]
    pub fn said(&self) -> Option<Said> {
        self.response().and_then(Message::said)
    }

    /// For a RegLogin failure, why the server refused, as far as the description says.
    #[must_use]
    pub fn refusal(&self) -> Option<Refusal> {
        let response = self.response().filter(|one| one.described.is_none())?;
        let words = response.view().description().map(TextValue::octets);
        let refused = response.said() == Some(Said::Failure);
        refused.then(|| Refusal::of(words.unwrap_or_default()))
    }

    /// Nanoseconds from request to response; `None` without one of them.
    #[must_use]
    pub fn elapsed(&self) -> Option<i64> {
        Some(self.response()?.peer?.elapsed).filter(|_| self.has_request)
    }
}

/// What a message requests, or what the request that it answers did: `registration` or `login` for RegLogin, the kind
/// of the request for a layout.
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

/// The user name of a message, or of the request that it answers. Bytes that may belong to a password are masked unless
/// `show_passwords`.
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

/// A request or response whose pairing is complete: borrowed from the record it came with, or kept from an earlier one.
/// `None` if there is no such half.
pub type Half<'a> = Option<Cow<'a, Message>>;

/// Finds out which request and response belong together. Does not copy messages of the current record.
#[derive(Debug, Default)]
pub struct Pairing {
    /// Requests whose response has not come, by number.
    waiting: HashMap<u64, Message, RandomState>,
    /// Responses that came before their requests, by number.
    early: HashMap<u64, Message, RandomState>,
}

/// What pairing needs of a record.
#[derive(Debug, Clone, Copy)]
pub struct PairedFrom<'a> {
    /// Number of the first of `messages` among all messages of the run, from 0.
    pub first_message: u64,
    /// Messages, in order.
    pub messages: &'a [Message],
    /// Requests that were resolved.
    pub resolutions: &'a [Resolution],
    /// Numbers of responses for which no request came.
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
    /// Processes the messages of a record. Calls `pair` for each exchange that this completes, with the number of its
    /// first message, the request and the response.
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

    /// Ends the capture: passes on what still waits.
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

/// Collects complete exchanges.
#[derive(Debug, Default)]
pub struct Exchanges {
    pairing: Pairing,
    done: Vec<Exchange>,
}

impl Exchanges {
    /// Processes a record. [`take`](Self::take) then returns the exchanges that it completed.
    pub fn record(&mut self, record: &FrameRecord<'_>) {
        let is_any = !(record.messages.is_empty()
            && record.resolutions.is_empty()
            && record.unasked.is_empty());
        if is_any {
            self.add(PairedFrom::from(record));
        }
    }

    /// Processes what the end of the capture, or a time without frames, brought.
    pub fn rest(&mut self, found: &Remainder<'_>) {
        self.add(PairedFrom::from(found));
    }

    fn add(&mut self, from: PairedFrom<'_>) {
        let done = &mut self.done;
        self.pairing.take(from, |number, request, response| {
            done.extend(Exchange::of(number, request, response));
        });
    }

    /// Removes and returns the exchanges completed since the last call.
    pub fn take(&mut self) -> std::vec::Drain<'_, Exchange> {
        self.done.drain(..)
    }

    /// Ends the capture: everything that still waits is complete.
    pub fn finish(&mut self) {
        let done = &mut self.done;
        self.pairing.finish(|number, request, response| {
            done.extend(Exchange::of(number, request, response));
        });
    }
}
