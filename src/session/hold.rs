//! Holds items back until the messages in them are paired, so that a request can name its response, which comes later,
//! and a response captured too early (an early response) its request.
//!
//! Order is kept: what follows a waiting message is held too. Memory is bounded: beyond the limit, the oldest item is
//! passed on without its response.

#![expect(
    clippy::cast_possible_truncation,
    reason = "indexes in a queue in memory, and numbers of messages of a frame"
)]

use std::collections::VecDeque;

use super::Resolution;
use super::begun::Begun;
use super::exchange::awaits;
use crate::dissect::{Message, Note};

/// An item with messages, to be passed on in order.
pub trait Held {
    /// The messages in it, which have consecutive numbers.
    fn messages(&mut self) -> &mut [Message];

    /// Bytes of memory that it takes, approximately.
    fn memory(&self) -> usize;

    /// Number of its frame if it has notes that can wait, otherwise 0. Items are in the order of frames.
    fn frame(&self) -> u64 {
        0
    }

    /// Updates it with where a message that its frame began continues.
    fn begun(&mut self, begun: Begun) {
        let _ = begun;
    }
}

impl Held for Message {
    fn messages(&mut self) -> &mut [Message] {
        std::slice::from_mut(self)
    }

    fn memory(&self) -> usize {
        size_of::<Self>()
    }
}

impl Held for Vec<Message> {
    fn messages(&mut self) -> &mut [Message] {
        self
    }

    fn memory(&self) -> usize {
        size_of_val(self.as_slice())
    }
}

/// Most bytes that are held, approximately: enough for the messages of 200,000 connections that all wait for a
/// response.
pub const MAX_HELD: usize = 64 << 20;

#[derive(Debug)]
struct Item<T> {
    content: T,
    /// Number of its first message.
    first: u64,
    /// Messages in it whose pairing is not complete.
    waiting: u32,
    /// Incomplete messages that it begins.
    begun: u32,
}

/// Items in order, each held until it and those before it wait for nothing.
#[derive(Debug)]
pub struct Hold<T> {
    items: VecDeque<Item<T>>,
    memory: usize,
    limit: usize,
    /// Items that were passed on while they waited, because too much was held.
    early: u64,
}

impl<T> Default for Hold<T> {
    fn default() -> Self {
        Self {
            items: VecDeque::new(),
            memory: 0,
            limit: MAX_HELD,
            early: 0,
        }
    }
}

impl<T: Held> Hold<T> {
    /// A hold of at most `limit` bytes, approximately.
    #[must_use]
    pub fn with_limit(limit: usize) -> Self {
        Self {
            limit,
            ..Self::default()
        }
    }

    /// Adds an item. `first` is the number of its first message.
    pub fn push(&mut self, mut content: T, first: u64) {
        let waits = |message: &&Message| awaits(message);
        let waiting = content.messages().iter().filter(waits).count() as u32;
        self.put(content, first, [waiting, 0]);
    }

    /// Adds an item in which `waiting` messages wait to be paired and `begun` messages are incomplete.
    pub(super) fn put(&mut self, content: T, first: u64, [waiting, begun]: [u32; 2]) {
        self.memory += content.memory();
        self.items.push_back(Item {
            content,
            first,
            waiting,
            begun,
        });
    }

    /// Updates the item of this frame, if it is held, with where a message that it began continues.
    pub(super) fn begun(&mut self, frame: u64, begun: Begun) {
        let at = self
            .items
            .partition_point(|item| item.content.frame() < frame);
        if let Some(item) = self.items.get_mut(at)
            && item.content.frame() == frame
        {
            item.content.begun(begun);
            item.begun = item.begun.saturating_sub(1);
        }
    }

    /// Updates a request, and an early response to it, with a resolution.
    pub fn resolve(&mut self, resolution: &Resolution) {
        self.update(resolution.request, |message| match resolution.response {
            Some(peer) => message.peer = Some(peer),
            None => message.notes.push(Note::Unanswered),
        });
        if let Some(early) = resolution.early {
            self.update(early.number, |message| resolution.tell_early(message));
        }
    }

    /// Updates an early response: no request came for it.
    pub fn unasked(&mut self, response: u64) {
        self.update(response, |message| message.notes.push(Note::NoRequest));
    }

    /// Updates the message with this number, if it is held and waits.
    fn update(&mut self, number: u64, update: impl FnOnce(&mut Message)) {
        let behind = self.behind(number);
        // An item without messages has the same number as the first message of the next item.
        let mut candidates = self.items.range_mut(..behind).rev();
        let found = candidates.find_map(|item| {
            let index = (number - item.first) as usize;
            (index < item.content.messages().len()).then_some((item, index))
        });
        let Some((item, index)) = found else {
            return;
        };
        // The message may have been complete when its item was added.
        let message = &mut item.content.messages()[index];
        if item.waiting == 0 || !awaits(message) {
            return;
        }
        update(message);
        item.waiting -= 1;
    }

    /// How many items have a first message with at most this number.
    fn behind(&self, number: u64) -> usize {
        // If every item has one message, as most do, the index follows from the number.
        let first = self.items.front().map_or(0, |item| item.first);
        let place = number.saturating_sub(first) as usize;
        let is = |place: usize| self.items.get(place).map(|item| item.first);
        if is(place) == Some(number) && is(place + 1).is_none_or(|next| next > number) {
            return place + 1;
        }
        self.items.partition_point(|item| item.first <= number)
    }

    /// The next item in order that waits for nothing, or that exceeds the memory limit.
    pub fn pop(&mut self) -> Option<T> {
        let front = self.items.front()?;
        let waits = (front.waiting, front.begun) != (0, 0);
        if waits && self.memory <= self.limit {
            return None;
        }
        self.early += u64::from(waits);
        self.take()
    }

    /// Items that were passed on while they waited, because too much was held.
    #[must_use]
    pub const fn early(&self) -> u64 {
        self.early
    }

    /// The next item in order, even if it waits.
    pub fn take(&mut self) -> Option<T> {
        let item = self.items.pop_front()?;
        self.memory -= item.content.memory();
        Some(item.content)
    }

    /// Whether nothing is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::super::{Name, Outcome, PasswordTag, Subject};
    use super::*;
    use crate::capture::Timestamp;
    use crate::dissect::{Answered, Peer, SourceBytes};
    use crate::packet::{Endpoint, SeqNumber};
    use crate::protocol::{Action, Description, Password, Request, Response, UserName};
    use crate::stream::Role;

    fn message(octets: &[u8]) -> Message {
        let end = Endpoint {
            address: Ipv4Addr::LOCALHOST.into(),
            port: 8888,
        };
        Message {
            frame: 1,
            time: Timestamp(0),
            stream: 0,
            sender: Role::Client,
            source: end,
            destination: end,
            octets: octets.iter().copied().collect(),
            sources: smallvec::SmallVec::new(),
            notes: smallvec::SmallVec::new(),
            described: None,
            encrypted: false,
            clean: false,
            peer: None,
            answered: None,
        }
    }

    fn request() -> Message {
        let request = Request {
            action: Action::Login,
            user_name: UserName::new("alice").unwrap(),
            password: Password::new(b"secret".to_vec()).unwrap(),
        };
        message(request.encode().as_ref())
    }

    fn response() -> Message {
        let response = Response {
            action: Action::Login,
            success: true,
            description: Description::default(),
        };
        message(&response.encode())
    }

    fn resolution(request: u64, frame: Option<u64>) -> Resolution {
        Resolution {
            request,
            subject: Subject::RegLogin(Action::Login),
            frame: 1,
            time: Timestamp(0),
            stream: 0,
            client: message(&[]).source,
            user: Name::EMPTY,
            password: PasswordTag::default(),
            response: frame.map(|frame| Peer { frame, elapsed: 5 }),
            outcome: Outcome::Unanswered,
            early: None,
        }
    }

    #[test]
    fn a_message_is_copied_whole_into_the_memory_of_another() {
        let mut answer = response();
        answer.notes.push(Note::NoRequest);
        answer.answered = Some(Answered {
            action: Action::Login,
            user: Name::EMPTY,
        });
        answer.sources.push(SourceBytes {
            frame: 7,
            offset: 54,
            seq: SeqNumber(1),
            ack: None,
            start: 0,
            len: 73,
        });
        let mut copy = request();
        for message in [&answer, &request(), &answer] {
            copy.clone_from(message);
            assert_eq!(copy, *message);
        }
    }

    #[test]
    fn what_follows_a_request_waits_with_it() {
        let mut hold = Hold::default();
        hold.push(request(), 0);
        hold.push(request(), 1);
        let mut answer = response();
        answer.peer = Some(Peer {
            frame: 1,
            elapsed: 5,
        });
        hold.push(answer, 2);
        hold.resolve(&resolution(1, Some(3)));
        assert!(hold.pop().is_none());
        hold.resolve(&resolution(0, None));
        let first = hold.pop().unwrap();
        assert_eq!(first.notes.as_slice(), [Note::Unanswered]);
        assert_eq!(hold.pop().unwrap().peer.unwrap().frame, 3);
        assert!(hold.pop().is_some());
        assert!(hold.pop().is_none());
    }

    #[test]
    fn what_is_known_of_one_message_ends_no_other_ones_waiting() {
        let mut hold = Hold::default();
        let mut answered = request();
        answered.peer = Some(Peer {
            frame: 1,
            elapsed: -5,
        });
        hold.push(vec![answered, request()], 0);
        hold.resolve(&resolution(0, Some(1)));
        assert!(hold.pop().is_none());
        hold.resolve(&resolution(1, Some(3)));
        let messages = hold.pop().unwrap();
        let frames = messages.iter().map(|message| message.peer.unwrap().frame);
        assert_eq!(frames.collect::<Vec<_>>(), [1, 3]);
    }

    #[test]
    fn a_response_that_came_before_its_request_waits_for_it() {
        let mut hold = Hold::default();
        hold.push(response(), 0);
        hold.push(request(), 1);
        assert!(hold.pop().is_none());
        hold.resolve(&Resolution {
            early: Some(super::super::EarlyResponse {
                number: 0,
                action: Some(Action::Login),
            }),
            response: Some(Peer {
                frame: 1,
                elapsed: -5,
            }),
            ..resolution(1, None)
        });
        let early = hold.pop().unwrap();
        assert_eq!(early.peer.unwrap().elapsed, -5);
        let request = 1;
        assert_eq!(early.notes.as_slice(), [Note::NegativeTime { request }]);
        assert!(hold.pop().is_some());
        hold.push(response(), 2);
        hold.unasked(2);
        assert_eq!(hold.pop().unwrap().notes.as_slice(), [Note::NoRequest]);
    }

    #[test]
    fn the_oldest_goes_on_when_the_hold_is_full() {
        let mut hold = Hold::with_limit(2 * size_of::<Message>());
        for first in 0..3 {
            hold.push(request(), first);
        }
        assert_eq!(hold.pop().unwrap().peer, None);
        assert!(hold.pop().is_none());
        assert_eq!(hold.early(), 1);
        assert!(hold.take().is_some() && hold.take().is_some());
        assert!(hold.take().is_none());
    }
}
