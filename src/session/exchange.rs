//! Pairs RegLogin responses with requests.
//!
//! The server answers in order. So a response answers the oldest request without a response, whichever of the two was
//! captured first. Exception: acknowledgement numbers that show that the server had nothing of the request when it
//! answered, or that the client had the response when it sent the request.

use std::collections::VecDeque;

use super::clean::outcome;
use super::described::DescribedExchange;
use super::exchanged::{Exchanged, Fit, fit};
use super::found::StreamNote;
use super::password_tag::{PasswordKey, PasswordTag};
use super::refusal::{Outcome, Refusals};
use super::resolution::{Asked, EarlyResponse, Resolution};
use super::waiting::{Place, Waiting, WaitingRequests};
use crate::capture::Timestamp;
use crate::dissect::{Message, Name, Note, Peer, exchanged, is_exchanged};
use crate::packet::SeqNumber;
use crate::protocol::{Action, Command, MessageKind, TextValue};
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
    /// Whether the end of the flow would bring anything.
    pub(super) const fn has_any(&self) -> bool {
        self.first.is_some() || self.more.is_some()
    }

    /// Has the processor fetch the request that waits longest.
    #[inline]
    pub(super) fn fetch(&self, room: &WaitingRequests) {
        room.fetch(self.first);
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
        let mut notes = Vec::new();
        let peer = match kind {
            MessageKind::Request => {
                let user = secret::user_name(message);
                let user = user.map(|name| name.map_or(MASK.as_bytes(), TextValue::octets));
                let password = fates.key.tag(message.view().password());
                let user = Name::new(user.unwrap_or_default());
                self.request(one, user, password, fates, &mut notes)
            }
            MessageKind::Response => {
                let status = message.view().status();
                let outcome = outcome(status, &message.octets, fates.refusals);
                self.response(one, outcome, fates, &mut notes)
            }
        };
        if kind == MessageKind::Response && peer.is_some() {
            // The resolution of its request was added last.
            message.answered = fates.resolutions.last().and_then(Resolution::answered);
        }
        message.peer = peer.or(message.peer);
        if !notes.is_empty() {
            message.notes.extend(notes);
        }
    }

    /// Pairs a request with this user name and password tag. Adds to `notes` what there is to note about it, and
    /// returns its response if that was captured already.
    #[inline(always)]
    #[allow(
        clippy::inline_always,
        reason = "both callers are to store the parts of a request where they stay"
    )]
    pub(super) fn request(
        &mut self,
        request: Exchanged,
        user: Name,
        password: PasswordTag,
        fates: &mut Fates<'_>,
        notes: &mut Vec<Note>,
    ) -> Option<Peer> {
        self.asked_to = request.end;
        if self.first.is_some() || self.more.is_some() {
            let waiting = Waiting::new(&request, user, password);
            return self.request_among_others(request, waiting, fates, notes);
        }
        self.first = fates.waiting.place();
        match self.first {
            Some(place) => *fates.waiting.at(place) = Waiting::new(&request, user, password),
            None => not_paired(fates, notes),
        }
        None
    }

    /// Pairs a request while others wait, or responses that were captured early.
    #[inline(never)]
    fn request_among_others(
        &mut self,
        request: Exchanged,
        waiting: Waiting,
        fates: &mut Fates<'_>,
        notes: &mut Vec<Note>,
    ) -> Option<Peer> {
        let last = self.last(fates.waiting);
        if let Some(last) = last.filter(|last| last.was_captured()) {
            notes.push(Note::Pipelined { after: last.frame });
        }
        let early = self.has_early();
        let answer = early.then(|| self.answer_early(&waiting, &request, fates, notes));
        if let Some(response) = answer.flatten() {
            return Some(response);
        }
        if !self.push(waiting, fates.waiting) {
            not_paired(fates, notes);
        }
        None
    }

    /// Looks for the response to a request among the early ones. The early responses before it answer requests that were
    /// never captured.
    #[cold]
    fn answer_early(
        &mut self,
        waiting: &Waiting,
        request: &Exchanged,
        fates: &mut Fates<'_>,
        notes: &mut Vec<Note>,
    ) -> Option<Peer> {
        while let Some(early) = self.pop_early() {
            if fit((waiting.start, waiting.ack), (early.start, early.ack)) == Fit::Earlier {
                fates.unasked(request.stream, early.id, early.frame);
                continue;
            }
            let response = Peer {
                frame: early.frame,
                elapsed: early.time.since(waiting.time),
            };
            if response.elapsed < 0 {
                let response = early.frame;
                notes.push(Note::AnsweredBefore { response });
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
            return Some(response);
        }
        None
    }

    /// Pairs a response with this outcome. Adds to `notes` what there is to note about it, and returns its request.
    #[inline(always)]
    #[allow(
        clippy::inline_always,
        reason = "both callers are to store the parts of a response where they stay"
    )]
    pub(super) fn response(
        &mut self,
        response: Exchanged,
        outcome: Outcome,
        fates: &mut Fates<'_>,
        notes: &mut Vec<Note>,
    ) -> Option<Peer> {
        let first = self.first.map(|place| fates.waiting.get(place));
        let Some(first) = first.filter(|first| first.can_have(&response)) else {
            self.without_request(response, outcome, fates, notes);
            return None;
        };
        let request = Peer {
            frame: first.frame,
            elapsed: response.time.since(first.time),
        };
        first.judge_response(&response, request.elapsed, notes);
        let asked = Asked {
            stream: response.stream,
            client: response.client,
        };
        let answer = Peer {
            frame: response.frame,
            ..request
        };
        let resolution = first.resolved(asked, Some(answer), outcome, None);
        fates.resolutions.push(resolution);
        self.drop_first(fates.waiting);
        Some(request)
    }

    /// Processes a response that does not answer the request that waits longest.
    #[inline(never)]
    fn without_request(
        &mut self,
        response: Exchanged,
        outcome: Outcome,
        fates: &mut Fates<'_>,
        notes: &mut Vec<Note>,
    ) {
        match self.first.map(|place| fates.waiting.get(place)) {
            None => self.before_its_request(&response, outcome, fates, notes),
            Some(first) => {
                notes.push(Note::NoRequest);
                if !first.was_captured() {
                    self.drop_first(fates.waiting);
                }
            }
        }
    }

    /// Processes a response while no request waits.
    fn before_its_request(
        &mut self,
        response: &Exchanged,
        outcome: Outcome,
        fates: &mut Fates<'_>,
        notes: &mut Vec<Note>,
    ) {
        let all_seen = |to: SeqNumber| response.ack.is_none_or(|ack| !ack.after(to));
        let early = &mut self.more.get_or_insert_default().early;
        if early.is_empty() && self.asked_to.is_some_and(all_seen) {
            notes.push(Note::NoRequest);
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
fn not_paired(fates: &mut Fates<'_>, notes: &mut Vec<Note>) {
    *fates.unpaired += 1;
    notes.push(Note::NotPaired);
}

/// Whether the outcome of a message that was just paired is still unknown.
pub(super) fn awaits(message: &Message) -> bool {
    let settled = |note: &Note| matches!(note, Note::NoRequest | Note::NotPaired);
    is_exchanged(message) && message.peer.is_none() && !message.notes.iter().any(settled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_open_flow_keeps_little() {
        assert!(size_of::<ExchangeState>() <= 24);
    }
}
