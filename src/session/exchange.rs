//! Pairs responses with requests.
//!
//! The protocol answers in order, so it is the oldest request without a response, whichever of the
//! two was captured first; unless their acknowledgement numbers say that the server had none of
//! the request when it answered, or that the client had the response when it asked.

use std::collections::VecDeque;

use super::described::DescribedExchange;
use super::found::StreamNote;
use super::password_tag::{PasswordKey, PasswordTag};
use super::refusal::{Outcome, Refusals};
use super::resolution::{Asked, EarlyResponse, Resolution};
use super::waiting::{Place, Waiting, WaitingRequests};
use crate::capture::Timestamp;
use crate::dissect::{Message, Name, Note, Peer, exchanged, is_exchanged};
use crate::packet::{Endpoint, SeqNumber};
use crate::protocol::layout::{DESCRIPTION, STATUS_FAILURE, STATUS_SUCCESS};
use crate::protocol::{Action, Command, MessageKind, MessageView, TextValue};
use crate::text::secret::{self, MASK};

/// Requests of one flow that wait for a response, at most; further ones are not paired.
pub(crate) const MAX_WAITING: usize = 1 << 14;

/// A response that was captured before its request.
#[derive(Debug, Clone, Copy)]
struct Early {
    id: u64,
    frame: u64,
    time: Timestamp,
    /// Where it begins in the server's bytes.
    start: SeqNumber,
    /// How far the server had the client's bytes when it answered.
    ack: Option<SeqNumber>,
    action: Action,
    outcome: Outcome,
}

/// A message that asks or answers, as far as pairing looks at it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Exchanged {
    /// Its number.
    pub id: u64,
    pub frame: u64,
    pub time: Timestamp,
    pub stream: u32,
    pub client: Endpoint,
    /// Where it begins in its sender's bytes.
    pub start: SeqNumber,
    /// Behind its last byte.
    pub end: Option<SeqNumber>,
    /// How far its sender had the other side's bytes.
    pub ack: Option<SeqNumber>,
    pub action: Action,
}

impl Exchanged {
    /// A message that a layout does not describe.
    fn of(id: u64, message: &Message, kind: MessageKind, action: Action) -> Self {
        let (start, all_acked) = place(message);
        let (client, ack) = match kind {
            MessageKind::Request => {
                let first = message.sources.first();
                (message.source, first.and_then(|source| source.ack))
            }
            MessageKind::Response => (message.destination, all_acked),
        };
        Self {
            id,
            frame: message.frame,
            time: message.time,
            stream: message.stream,
            client,
            start,
            end: message.end(),
            ack,
            action,
        }
    }
}

/// What pairing says of a message.
#[derive(Debug, Default)]
pub(super) struct Paired {
    pub peer: Option<Peer>,
    pub notes: Vec<Note>,
}

/// What the acknowledgement numbers of a request and a response say of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fit {
    /// The response may be the request's.
    Fits,
    /// It answers an earlier one.
    Earlier,
}

/// `start` and `ack` of a request, then those of a response.
pub(super) fn fit(
    request: (SeqNumber, Option<SeqNumber>),
    response: (SeqNumber, Option<SeqNumber>),
) -> Fit {
    // The server had nothing of the request when it answered, or the client had the answer
    // already when it asked.
    let unknown_yet = response.1.is_some_and(|ack| !ack.after(request.0));
    let known_before = request.1.is_some_and(|ack| response.0.before(ack));
    if unknown_yet || known_before {
        Fit::Earlier
    } else {
        Fit::Fits
    }
}

/// The requests of a flow that wait, and the responses that came before theirs. Most connections
/// have one request at a time, and no such response.
#[derive(Debug, Default)]
pub struct ExchangeState {
    first: Option<Place>,
    /// Behind the last request seen.
    asked_to: Option<SeqNumber>,
    more: Option<Box<More>>,
}

/// What few flows have.
#[derive(Debug, Default)]
struct More {
    /// Requests behind the first that waits.
    others: VecDeque<Waiting>,
    /// Responses whose requests are still to come; there are none while requests wait.
    early: VecDeque<Early>,
    /// What waits where a layout says what answers what.
    described: DescribedExchange,
}

impl More {
    fn is_empty(&self) -> bool {
        self.others.is_empty() && self.early.is_empty() && self.described.is_empty()
    }
}

/// Where what becomes of messages is put.
#[derive(Debug)]
pub(super) struct Fates<'a> {
    /// What became of requests.
    pub resolutions: &'a mut Vec<Resolution>,
    /// Numbers of early responses whose requests never came.
    pub unasked: &'a mut Vec<u64>,
    /// What is said of the stream.
    pub notes: &'a mut Vec<StreamNote>,
    /// Requests that were not kept, as too many waited.
    pub unpaired: &'a mut u64,
    /// What descriptions say, as far as they came before.
    pub refusals: &'a mut Refusals,
    /// The requests that wait.
    pub waiting: &'a mut WaitingRequests,
}

impl Fates<'_> {
    /// No request came for an early response of this stream.
    pub fn unasked(&mut self, stream: u32, id: u64, frame: u64) {
        self.unasked.push(id);
        let note = Note::NoRequestFor { frame };
        self.notes.push(StreamNote { stream, note });
    }
}

impl ExchangeState {
    /// Keeps a request; whether there was room.
    fn push(&mut self, waiting: Waiting, room: &mut WaitingRequests) -> bool {
        if self.first.is_none() {
            self.first = room.put(waiting);
            return self.first.is_some();
        }
        let others = &mut self.more.get_or_insert_default().others;
        let room = others.len() < MAX_WAITING;
        if room {
            others.push_back(waiting);
        }
        room
    }

    fn pop(&mut self, room: &mut WaitingRequests) -> Option<Waiting> {
        let first = *room.get(self.first?);
        self.drop_first(room);
        Some(first)
    }

    #[inline]
    fn drop_first(&mut self, room: &mut WaitingRequests) {
        if let Some(first) = self.first.take() {
            room.give_back(first);
        }
        if let Some(more) = &mut self.more {
            self.first = more.others.pop_front().and_then(|next| room.put(next));
            if self.first.is_none() && more.is_empty() {
                self.more = None;
            }
        }
    }

    fn last<'a>(&'a self, room: &'a WaitingRequests) -> Option<&'a Waiting> {
        let last = self.more.as_ref().and_then(|more| more.others.back());
        last.or_else(|| self.first.map(|first| room.get(first)))
    }

    fn has_early(&self) -> bool {
        self.more
            .as_ref()
            .is_some_and(|more| !more.early.is_empty())
    }

    fn pop_early(&mut self) -> Option<Early> {
        let more = self.more.as_mut()?;
        let early = more.early.pop_front();
        if more.is_empty() {
            self.more = None;
        }
        early
    }

    /// Pairs a message that has number `id` and this command: its peer and its notes are set where
    /// they are known already, and what became of messages is put among `fates`.
    pub(super) fn pair(
        &mut self,
        id: u64,
        message: &mut Message,
        command: Command,
        key: &PasswordKey,
        fates: &mut Fates<'_>,
    ) {
        if !message.notes.is_empty() && exchanged(message).is_none() {
            return;
        }
        let (Some(kind), Some(action)) = (command.kind(), command.action()) else {
            return;
        };
        let one = Exchanged::of(id, message, kind, action);
        let told = match kind {
            MessageKind::Request => {
                let user = secret::user_name(message);
                let user = user.map(|name| name.map_or(MASK.as_bytes(), TextValue::octets));
                let password = key.tag(message.view().password());
                self.request(&one, Name::new(user.unwrap_or_default()), password, fates)
            }
            MessageKind::Response => {
                let outcome = outcome(&message.octets, fates.refusals);
                self.response(&one, outcome, fates)
            }
        };
        if kind == MessageKind::Response && told.peer.is_some() {
            // What became of its request was told last.
            message.answered = fates.resolutions.last().and_then(Resolution::answered);
        }
        message.peer = told.peer.or(message.peer);
        if !told.notes.is_empty() {
            message.notes.extend(told.notes);
        }
    }

    /// Pairs a request of this user, with this password.
    pub(super) fn request(
        &mut self,
        request: &Exchanged,
        user: Name,
        password: PasswordTag,
        fates: &mut Fates<'_>,
    ) -> Paired {
        let mut told = Paired::default();
        let last = self.last(fates.waiting);
        if let Some(last) = last.filter(|last| last.was_captured()) {
            told.notes.push(Note::Pipelined { after: last.frame });
        }
        self.asked_to = request.end;
        let waiting = Waiting::new(request, user, password);
        if self.has_early() && self.answer_early(&waiting, request, fates, &mut told) {
            return told;
        }
        if !self.push(waiting, fates.waiting) {
            *fates.unpaired += 1;
            told.notes.push(Note::NotPaired);
        }
        told
    }

    /// Looks among the early responses for that to a request; whether there is one. Those before
    /// it answer requests that were never captured.
    #[cold]
    fn answer_early(
        &mut self,
        waiting: &Waiting,
        request: &Exchanged,
        fates: &mut Fates<'_>,
        told: &mut Paired,
    ) -> bool {
        while let Some(early) = self.pop_early() {
            if fit((waiting.start, waiting.ack), (early.start, early.ack)) == Fit::Earlier {
                fates.unasked(request.stream, early.id, early.frame);
                continue;
            }
            let response = Peer {
                frame: early.frame,
                elapsed: early.time.since(waiting.time),
            };
            told.peer = Some(response);
            if response.elapsed < 0 {
                let response = early.frame;
                told.notes.push(Note::AnsweredBefore { response });
            }
            let asked = Asked {
                stream: request.stream,
                client: request.client,
            };
            let answer = EarlyResponse {
                number: early.id,
                action: Some(early.action),
            };
            let resolution = waiting.resolved(asked, Some(response), early.outcome, Some(answer));
            fates.resolutions.push(resolution);
            return true;
        }
        false
    }

    /// Pairs a response that says this.
    pub(super) fn response(
        &mut self,
        response: &Exchanged,
        outcome: Outcome,
        fates: &mut Fates<'_>,
    ) -> Paired {
        let mut told = Paired::default();
        let Some(place) = self.first else {
            self.before_its_request(response, outcome, fates, &mut told);
            return told;
        };
        let first = fates.waiting.get(place);
        if !first.was_captured() {
            told.notes.push(Note::NoRequest);
            self.drop_first(fates.waiting);
            return told;
        }
        if fit((first.start, first.ack), (response.start, response.ack)) == Fit::Earlier {
            told.notes.push(Note::NoRequest);
            return told;
        }
        let resolution = first.answered(response, outcome, &mut told);
        fates.resolutions.push(resolution);
        self.drop_first(fates.waiting);
        told
    }

    /// Takes a response while no request waits.
    #[cold]
    fn before_its_request(
        &mut self,
        response: &Exchanged,
        outcome: Outcome,
        fates: &mut Fates<'_>,
        told: &mut Paired,
    ) {
        let all_seen = |to: SeqNumber| response.ack.is_none_or(|ack| !ack.after(to));
        let early = &mut self.more.get_or_insert_default().early;
        if early.is_empty() && self.asked_to.is_some_and(all_seen) {
            told.notes.push(Note::NoRequest);
            self.more = None;
            return;
        }
        if early.len() >= MAX_WAITING
            && let Some(oldest) = early.pop_front()
        {
            fates.unasked(response.stream, oldest.id, oldest.frame);
        }
        early.push_back(Early {
            id: response.id,
            frame: response.frame,
            time: response.time,
            start: response.start,
            ack: response.ack,
            action: response.action,
            outcome,
        });
    }

    /// This many messages of a kind were never captured: requests whose responses may come, or
    /// responses to the requests that have waited longest, which are told.
    pub(super) fn lost(
        &mut self,
        kind: MessageKind,
        messages: u64,
        asked: Asked,
        fates: &mut Fates<'_>,
    ) {
        for _ in 0..messages.min(MAX_WAITING as u64) {
            match kind {
                MessageKind::Request => match self.pop_early() {
                    Some(early) => fates.unasked(asked.stream, early.id, early.frame),
                    None => {
                        self.push(Waiting::NEVER_CAPTURED, fates.waiting);
                    }
                },
                MessageKind::Response => match self.pop(fates.waiting) {
                    None => break,
                    Some(request) => fates.resolutions.extend(request.unanswered(asked)),
                },
            }
        }
    }

    /// What waits of a stream that a layout describes.
    pub(super) fn described(&mut self) -> &mut DescribedExchange {
        &mut self.more.get_or_insert_default().described
    }

    /// The same, where there is any.
    pub(super) fn if_described(&mut self) -> Option<&mut DescribedExchange> {
        self.more.as_mut().map(|more| &mut more.described)
    }

    /// No response comes any more: the requests left are told, oldest first.
    pub(super) fn unanswered(&mut self, asked: Asked, fates: &mut Fates<'_>) {
        while let Some(request) = self.pop(fates.waiting) {
            fates.resolutions.extend(request.unanswered(asked));
        }
    }

    /// No request comes any more: the early responses left are told.
    pub(super) fn unasked(&mut self, asked: Asked, fates: &mut Fates<'_>) {
        while let Some(early) = self.pop_early() {
            fates.unasked(asked.stream, early.id, early.frame);
        }
    }
}

/// Where a response begins in the server's bytes, and how far the server had the client's.
pub(super) fn place(response: &Message) -> (SeqNumber, Option<SeqNumber>) {
    let acks = response.sources.iter().filter_map(|source| source.ack);
    (
        response.start().unwrap_or_default(),
        acks.reduce(SeqNumber::later),
    )
}

/// Whether it is known only later what becomes of a message that was just paired.
pub(super) fn awaits(message: &Message) -> bool {
    let settled = |note: &Note| matches!(note, Note::NoRequest | Note::NotPaired);
    is_exchanged(message) && message.peer.is_none() && !message.notes.iter().any(settled)
}

/// What a response says.
pub(super) fn outcome(response: &[u8], refusals: &mut Refusals) -> Outcome {
    let view = MessageView::new(response);
    match view.status() {
        Some(STATUS_SUCCESS) => Outcome::Success,
        Some(STATUS_FAILURE) => {
            let words = view.description().map(TextValue::octets);
            let field = DESCRIPTION.slice(response);
            Outcome::Failure(refusals.of(field, words.unwrap_or_default()))
        }
        _ => Outcome::Unclear,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_open_flow_keeps_little() {
        assert!(size_of::<ExchangeState>() <= 24);
    }
}
