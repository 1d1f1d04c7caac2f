//! Requests of all connections that wait for their response. Few connections have one at a time, so flows have no room
//! for it.

#![expect(
    clippy::cast_possible_truncation,
    reason = "indexes of waiting requests, which have 32 bits"
)]

use std::num::NonZeroU32;

use super::exchanged::{Exchanged, Fit, fit};
use super::password_tag::PasswordTag;
use super::refusal::Outcome;
use super::resolution::{Asked, EarlyResponse, Resolution, Subject, clocks};
use crate::capture::Timestamp;
use crate::dissect::{Name, Note, Peer};
use crate::packet::SeqNumber;
use crate::protocol::Action;
use crate::stream::fetch;
use crate::stream::slab::Slab;

/// A request that waits for its response. In one cache line.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
pub(super) struct Waiting {
    /// The message's number, or [`LOST`] for a request that was never captured.
    pub id: u64,
    pub frame: u64,
    pub time: Timestamp,
    pub password: PasswordTag,
    /// Sequence number of its first byte.
    pub start: SeqNumber,
    /// The server's bytes that the client had acknowledged when it sent the request.
    pub ack: Option<SeqNumber>,
    pub action: Action,
    pub user: Name,
}

/// A number that no message has.
const LOST: u64 = u64::MAX;

impl Waiting {
    pub const NEVER_CAPTURED: Self = Self {
        id: LOST,
        frame: 0,
        time: Timestamp(0),
        password: PasswordTag::NONE,
        start: SeqNumber(0),
        ack: None,
        action: Action::Login,
        user: Name::EMPTY,
    };

    pub fn new(request: &Exchanged, user: Name, password: PasswordTag) -> Self {
        Self {
            id: request.id,
            frame: request.frame,
            time: request.time,
            password,
            start: request.start,
            ack: request.ack,
            action: request.action,
            user,
        }
    }

    pub const fn was_captured(&self) -> bool {
        self.id != LOST
    }

    /// Whether a response can be that of this request.
    #[inline]
    pub fn can_have(&self, response: &Exchanged) -> bool {
        self.was_captured()
            && fit((self.start, self.ack), (response.start, response.ack)) == Fit::Fits
    }

    /// The resolution of a request that gets no response; `None` if it was never captured.
    pub fn unanswered(&self, asked: Asked) -> Option<Resolution> {
        self.was_captured()
            .then(|| self.resolved(asked, None, Outcome::Unanswered, None))
    }

    /// Adds notes on a response that came `elapsed` nanoseconds after this request.
    #[inline]
    pub fn judge_response(&self, response: &Exchanged, elapsed: i64, notes: &mut Vec<Note>) {
        if self.action != response.action {
            notes.push(Note::WrongResponse {
                request: self.frame,
                command: self.action.request(),
            });
        }
        if let Some(note) = clocks(elapsed, self.frame) {
            notes.push(note);
        }
    }

    #[inline(always)]
    #[allow(
        clippy::inline_always,
        reason = "its parts are to be stored where they stay"
    )]
    pub fn resolved(
        &self,
        asked: Asked,
        response: Option<Peer>,
        outcome: Outcome,
        early: Option<EarlyResponse>,
    ) -> Resolution {
        Resolution {
            request: self.id,
            subject: Subject::RegLogin(self.action),
            frame: self.frame,
            time: self.time,
            stream: asked.stream,
            client: asked.client,
            user: self.user,
            password: self.password,
            response,
            outcome,
            early,
        }
    }
}

/// Index of a waiting request, plus one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place(NonZeroU32);

impl Place {
    const fn number(self) -> u32 {
        self.0.get() - 1
    }
}

/// The waiting requests, by place.
#[derive(Debug, Default)]
pub(super) struct WaitingRequests {
    requests: Slab<Waiting>,
    free: Vec<Place>,
}

impl WaitingRequests {
    /// Adds a request; `None` if there is no place left.
    pub fn put(&mut self, request: Waiting) -> Option<Place> {
        let place = self.place()?;
        *self.at(place) = request;
        Some(place)
    }

    /// A place for a request; `None` if there is none left.
    #[inline]
    pub fn place(&mut self) -> Option<Place> {
        self.free.pop().or_else(|| self.add_place())
    }

    #[cold]
    fn add_place(&mut self) -> Option<Place> {
        let place = Place(NonZeroU32::new(self.requests.len() as u32 + 1)?);
        self.requests.push(Waiting::NEVER_CAPTURED);
        Some(place)
    }

    /// What is at a place, to be replaced.
    #[inline]
    pub fn at(&mut self, place: Place) -> &mut Waiting {
        &mut self.requests[place.number()]
    }

    /// Has the processor fetch the request at a place. Without a place, fetches another one: half of all messages have
    /// one, and no processor can foresee which.
    #[inline]
    pub fn fetch(&self, place: Option<Place>) {
        let number = place.map_or(0, |place| place.0.get()).saturating_sub(1);
        if let Some(request) = self.requests.get(number) {
            fetch(request);
        }
    }

    /// The request at a place, even if the place was freed since.
    #[inline]
    pub fn get(&self, place: Place) -> &Waiting {
        &self.requests[place.number()]
    }

    /// Frees a place.
    pub fn give_back(&mut self, place: Place) {
        self.free.push(place);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_used_again() {
        let mut waiting = WaitingRequests::default();
        let mut put = |frame| {
            let request = Waiting {
                frame,
                ..Waiting::NEVER_CAPTURED
            };
            waiting.put(request).unwrap()
        };
        let (first, second) = (put(1), put(2));
        waiting.give_back(first);
        let request = Waiting {
            frame: 3,
            ..Waiting::NEVER_CAPTURED
        };
        assert_eq!(waiting.put(request), Some(first));
        assert_eq!(waiting.get(first).frame, 3);
        assert_eq!(waiting.get(second).frame, 2);
    }

    #[test]
    fn a_request_that_waits_is_small() {
        assert!(size_of::<Waiting>() <= 64);
    }
}
