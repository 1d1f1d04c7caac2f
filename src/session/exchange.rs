//! Pairs RegLogin responses with requests.
//!
//! The server answers in order. So a response answers the oldest request without a response, whichever of the two was
//! captured first. Exception: acknowledgement numbers that show that the server had nothing of the request when it
//! answered, or that the client had the response when it sent the request.

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

/// Most requests of one flow that wait for a response; further ones are not paired.
pub(crate) const MAX_WAITING: usize = 1 << 14;

/// A response that was captured before its request.
#[derive(Debug, Clone, Copy)]
struct Early {
    id: u64,
    frame: u64,
    time: Timestamp,
    /// Sequence number of its first byte.
    start: SeqNumber,
    /// The client's bytes that the server had acknowledged when it answered.
    ack: Option<SeqNumber>,
    action: Action,
    outcome: Outcome,
}

/// What pairing needs of a request or response.
#[derive(Debug, Clone, Copy)]
pub(super) struct Exchanged {
    /// The message's number.
    pub id: u64,
    pub frame: u64,
    pub time: Timestamp,
    pub stream: u32,
    pub client: Endpoint,
    /// Sequence number of its first byte.
    pub start: SeqNumber,
    /// Sequence number after its last byte.
    pub end: Option<SeqNumber>,
    /// The other side's bytes that its sender had acknowledged.
    pub ack: Option<SeqNumber>,
    pub action: Action,
}

impl Exchanged {
    /// From a message that no layout describes.
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

/// Results of pairing for a message.
#[derive(Debug, Default)]
pub(super) struct Paired {
    pub peer: Option<Peer>,
    pub notes: Vec<Note>,
}

/// Whether a response can be that of a request, by their acknowledgement numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fit {
    /// The response can be that of the request.
    Fits,
    /// The response is that of an earlier request.
    Earlier,
}

/// Compares `start` and `ack` of a request with those of a response.
pub(super) fn fit(
    request: (SeqNumber, Option<SeqNumber>),
    response: (SeqNumber, Option<SeqNumber>),
) -> Fit {
    // The server had nothing of the request when it answered, or the client already had the answer when it sent the
    // request.
    let unknown_yet = response.1.is_some_and(|ack| !ack.after(request.0));
    let known_before = request.1.is_some_and(|ack| response.0.before(ack));
    if unknown_yet || known_before {
        Fit::Earlier
    } else {
        Fit::Fits
    }
}

/// Pairing state of a flow: requests that wait, and early responses. Most flows have one request at a time and no early
/// response, so all else is in a box.
#[derive(Debug, Default)]
pub struct ExchangeState {
    first: Option<Place>,
    /// Sequence number after the last request seen.
    asked_to: Option<SeqNumber>,
    more: Option<Box<More>>,
}

/// State that few flows have.
#[derive(Debug, Default)]
struct More {
    /// Waiting requests after the first.
    others: VecDeque<Waiting>,
    /// Responses captured before their requests. There are none while requests wait.
    early: VecDeque<Early>,
    /// Pairing state of a protocol that a layout describes.
    described: DescribedExchange,
}

impl More {
    fn is_empty(&self) -> bool {
        self.others.is_empty() && self.early.is_empty() && self.described.is_empty()
    }
}

/// Lists and counts that receive the results of pairing.
#[derive(Debug)]
pub(super) struct Fates<'a> {
    /// Requests that were resolved.
    pub resolutions: &'a mut Vec<Resolution>,
    /// Numbers of early responses for which no request came.
    pub unasked: &'a mut Vec<u64>,
    /// Notes on streams.
    pub notes: &'a mut Vec<StreamNote>,
    /// Number of requests that were not kept because too many waited.
    pub unpaired: &'a mut u64,
    /// Cache of what descriptions say.
    pub refusals: &'a mut Refusals,
    /// The waiting requests of all flows.
    pub waiting: &'a mut WaitingRequests,
    pub key: &'a PasswordKey,
}

impl Fates<'_> {
    /// Reports that no request came for an early response of this stream.
    pub fn unasked(&mut self, stream: u32, id: u64, frame: u64) {
        self.unasked.push(id);
        let note = Note::NoRequestFor { frame };
        self.notes.push(StreamNote { stream, note });
    }
}

impl ExchangeState {
    /// Whether a request waits.
    #[inline]
    pub(super) const fn has_waiting(&self) -> bool {
        self.first.is_some()
    }

    /// Reads a part of the request that waits longest, so that the processor fetches it from memory.
    #[inline]
    pub(super) fn touch(&self, room: &WaitingRequests) -> u64 {
        self.first.map_or(0, |place| room.get(place).frame)
    }

    /// Keeps a request. Returns whether there was room.
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

    /// Pairs a message with number `id`. Sets its peer and notes as far as they are known, and adds what becomes known
    /// of other messages to `fates`.
    pub(super) fn pair(
        &mut self,
        id: u64,
        message: &mut Message,
        command: Command,
        fates: &mut Fates<'_>,
    ) {
        if !message.notes.is_empty() && exchanged(message).is_none() {
            return;
        }
        let (Some(kind), Some(action)) = (command.kind(), command.action()) else {
            return;
        };
        let one = Exchanged::of(id, message, kind, action);
        let paired = match kind {
            MessageKind::Request => {
                let user = secret::user_name(message);
                let user = user.map(|name| name.map_or(MASK.as_bytes(), TextValue::octets));
                let password = fates.key.tag(message.view().password());
                self.request(&one, Name::new(user.unwrap_or_default()), password, fates)
            }
            MessageKind::Response => {
                let outcome = outcome(&message.octets, fates.refusals);
                self.response(&one, outcome, fates)
            }
        };
        if kind == MessageKind::Response && paired.peer.is_some() {
            // The resolution of its request was added last.
            message.answered = fates.resolutions.last().and_then(Resolution::answered);
        }
        message.peer = paired.peer.or(message.peer);
        if !paired.notes.is_empty() {
            message.notes.extend(paired.notes);
        }
    }

    /// Pairs a request with this user name and password tag.
    #[inline(always)]
    #[allow(
        clippy::inline_always,
        reason = "both callers are to store the parts of a request where they stay"
    )]
    pub(super) fn request(
        &mut self,
        request: &Exchanged,
        user: Name,
        password: PasswordTag,
        fates: &mut Fates<'_>,
    ) -> Paired {
        self.asked_to = request.end;
        let waiting = Waiting::new(request, user, password);
        if self.first.is_some() || self.more.is_some() {
            return self.request_among_others(request, waiting, fates);
        }
        self.first = fates.waiting.put(waiting);
        match self.first {
            Some(_) => Paired::default(),
            None => not_paired(fates),
        }
    }

    /// Pairs a request while others wait, or responses that were captured early.
    #[inline(never)]
    fn request_among_others(
        &mut self,
        request: &Exchanged,
        waiting: Waiting,
        fates: &mut Fates<'_>,
    ) -> Paired {
        let mut paired = Paired::default();
        let last = self.last(fates.waiting);
        if let Some(last) = last.filter(|last| last.was_captured()) {
            paired.notes.push(Note::Pipelined { after: last.frame });
        }
        if self.has_early() && self.answer_early(&waiting, request, fates, &mut paired) {
            return paired;
        }
        if !self.push(waiting, fates.waiting) {
            paired.notes.append(&mut not_paired(fates).notes);
        }
        paired
    }

    /// Looks for the response to a request among the early ones. Returns whether there is one. The early responses
    /// before it answer requests that were never captured.
    #[cold]
    fn answer_early(
        &mut self,
        waiting: &Waiting,
        request: &Exchanged,
        fates: &mut Fates<'_>,
        paired: &mut Paired,
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
            paired.peer = Some(response);
            if response.elapsed < 0 {
                let response = early.frame;
                paired.notes.push(Note::AnsweredBefore { response });
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

    /// Pairs a response with this outcome.
    #[inline(always)]
    #[allow(
        clippy::inline_always,
        reason = "both callers are to store the parts of a response where they stay"
    )]
    pub(super) fn response(
        &mut self,
        response: &Exchanged,
        outcome: Outcome,
        fates: &mut Fates<'_>,
    ) -> Paired {
        let first = self.first.map(|place| fates.waiting.get(place));
        let Some(first) = first.filter(|first| first.can_have(response)) else {
            return self.without_request(response, outcome, fates);
        };
        let mut paired = Paired::default();
        let resolution = first.answered(response, outcome, &mut paired);
        fates.resolutions.push(resolution);
        self.drop_first(fates.waiting);
        paired
    }

    /// Processes a response that does not answer the request that waits longest.
    #[inline(never)]
    fn without_request(
        &mut self,
        response: &Exchanged,
        outcome: Outcome,
        fates: &mut Fates<'_>,
    ) -> Paired {
        let mut paired = Paired::default();
        match self.first.map(|place| fates.waiting.get(place)) {
            None => self.before_its_request(response, outcome, fates, &mut paired),
            Some(first) => {
                paired.notes.push(Note::NoRequest);
                if !first.was_captured() {
                    self.drop_first(fates.waiting);
                }
            }
        }
        paired
    }

    /// Processes a response while no request waits.
    fn before_its_request(
        &mut self,
        response: &Exchanged,
        outcome: Outcome,
        fates: &mut Fates<'_>,
        paired: &mut Paired,
    ) {
        let all_seen = |to: SeqNumber| response.ack.is_none_or(|ack| !ack.after(to));
        let early = &mut self.more.get_or_insert_default().early;
        if early.is_empty() && self.asked_to.is_some_and(all_seen) {
            paired.notes.push(Note::NoRequest);
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

    /// Records that this many messages of a kind were never captured. Lost requests will get responses. Lost responses
    /// belong to the requests that have waited longest, which are reported as unanswered.
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

    /// Pairing state for a stream that a layout describes; created if needed.
    pub(super) fn described(&mut self) -> &mut DescribedExchange {
        &mut self.more.get_or_insert_default().described
    }

    /// The same, if there is any.
    pub(super) fn if_described(&mut self) -> Option<&mut DescribedExchange> {
        self.more.as_mut().map(|more| &mut more.described)
    }

    /// Reports the remaining requests as unanswered, oldest first: no more responses come.
    pub(super) fn unanswered(&mut self, asked: Asked, fates: &mut Fates<'_>) {
        while let Some(request) = self.pop(fates.waiting) {
            fates.resolutions.extend(request.unanswered(asked));
        }
    }

    /// Reports the remaining early responses: no more requests come.
    pub(super) fn unasked(&mut self, asked: Asked, fates: &mut Fates<'_>) {
        while let Some(early) = self.pop_early() {
            fates.unasked(asked.stream, early.id, early.frame);
        }
    }
}

/// Counts a request that is not kept because too many wait.
#[cold]
fn not_paired(fates: &mut Fates<'_>) -> Paired {
    *fates.unpaired += 1;
    Paired {
        peer: None,
        notes: vec![Note::NotPaired],
    }
}

/// Sequence number of a response's first byte, and the client's bytes that the server had acknowledged with its last
/// part.
pub(super) fn place(response: &Message) -> (SeqNumber, Option<SeqNumber>) {
    let acks = response.sources.iter().filter_map(|source| source.ack);
    (
        response.start().unwrap_or_default(),
        acks.reduce(SeqNumber::later),
    )
}

/// Whether the outcome of a message that was just paired is still unknown.
pub(super) fn awaits(message: &Message) -> bool {
    let settled = |note: &Note| matches!(note, Note::NoRequest | Note::NotPaired);
    is_exchanged(message) && message.peer.is_none() && !message.notes.iter().any(settled)
}

/// The outcome that a response states.
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
