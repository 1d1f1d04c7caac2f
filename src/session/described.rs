//! Pairs responses with requests of protocols that a layout describes.
//!
//! Pairs by the value of the field with the role `id` if there is one, otherwise in order: a response answers the
//! oldest request of the other side that its kind can answer. Both sides can send requests.

use std::collections::VecDeque;
use std::net::Ipv4Addr;

use smallvec::SmallVec;

use super::exchange::{Fates, MAX_WAITING};
use super::exchanged::{Fit, fit, place};
use super::password_tag::{PasswordKey, PasswordTag};
use super::resolution::{EarlyResponse, Resolution, Subject, clocks};
use super::{Name, Outcome, Refusal};
use crate::capture::Timestamp;
use crate::dissect::{AskedFor, Described, Message, Note, Peer, is_exchanged};
use crate::layout::{LayoutId, Said};
use crate::packet::{Endpoint, SeqNumber};
use crate::stream::Role;

/// Value of the field with the role `id`, which a response repeats.
type Id = SmallVec<[u8; 16]>;

/// A request without a response so far.
#[derive(Debug, Clone)]
struct Waiting {
    number: u64,
    frame: u64,
    time: Timestamp,
    start: SeqNumber,
    ack: Option<SeqNumber>,
    client: Endpoint,
    /// Layout, and index of the kind; `None` for a request that was never captured.
    kind: Option<(LayoutId, usize)>,
    id: Option<Id>,
    user: Name,
    password: PasswordTag,
}

/// A response that was captured before its request.
#[derive(Debug, Clone)]
struct Early {
    number: u64,
    frame: u64,
    time: Timestamp,
    start: SeqNumber,
    ack: Option<SeqNumber>,
    kind: usize,
    id: Option<Id>,
    outcome: Outcome,
}

/// State of the requests that one side sends.
#[derive(Debug, Default)]
struct Asker {
    waiting: VecDeque<Waiting>,
    early: VecDeque<Early>,
    /// Sequence number after its last request seen.
    asked_to: Option<SeqNumber>,
}

/// Pairing state of a stream.
#[derive(Debug, Default)]
pub(super) struct DescribedExchange {
    askers: [Asker; 2],
}

const fn index(role: Role) -> usize {
    match role {
        Role::Client => 0,
        Role::Server => 1,
    }
}

/// The user name of a request, as far as it may be shown.
fn user_of(described: &Described) -> Name {
    let user = described.user_name(false).unwrap_or_default();
    Name::new(user.as_bytes())
}

fn id_of(described: &Described) -> Option<Id> {
    let range = described.id.clone()?;
    Some(SmallVec::from_slice(&described.bytes[range]))
}

fn outcome_of(described: &Described) -> Outcome {
    match described.said {
        Some(Said::Success) => Outcome::Success,
        Some(Said::Failure) => Outcome::Failure(Refusal::Unsaid),
        Some(Said::Unclear) | None => Outcome::Unclear,
    }
}

impl Waiting {
    fn new(number: u64, message: &Message, described: &Described, key: &PasswordKey) -> Self {
        let secret = described.secret.clone();
        Self {
            number,
            frame: message.frame,
            time: message.time,
            start: message.start().unwrap_or_default(),
            ack: message.sources.first().and_then(|source| source.ack),
            client: message.source,
            kind: described.kind.map(|kind| (described.layout, kind)),
            id: id_of(described),
            user: user_of(described),
            password: key.tag_of(secret.map_or(&[], |range| &described.bytes[range])),
        }
    }

    /// A request that was never captured.
    fn lost() -> Self {
        Self {
            number: u64::MAX,
            frame: 0,
            time: Timestamp(0),
            start: SeqNumber::default(),
            ack: None,
            client: Endpoint {
                address: Ipv4Addr::UNSPECIFIED.into(),
                port: 0,
            },
            kind: None,
            id: None,
            user: Name::EMPTY,
            password: PasswordTag::default(),
        }
    }

    /// Whether a response of this kind, with this id, answers the request.
    fn is_answered_by(&self, response: usize, id: Option<&Id>) -> bool {
        match self.kind {
            // Of a request that was never captured, only its place in the order is known.
            None => id.is_none(),
            Some((layout, kind)) => {
                layout.plan().answers(response, kind)
                    && (self.id.is_none() || id.is_none() || self.id.as_ref() == id)
            }
        }
    }

    fn resolved(
        &self,
        stream: u32,
        response: Option<Peer>,
        outcome: Outcome,
        early: Option<EarlyResponse>,
    ) -> Option<Resolution> {
        let (layout, kind) = self.kind?;
        Some(Resolution {
            request: self.number,
            subject: Subject::Layout(layout, kind),
            frame: self.frame,
            time: self.time,
            stream,
            client: self.client,
            user: self.user,
            password: self.password,
            response,
            outcome,
            early,
        })
    }
}

impl DescribedExchange {
    /// Whether there is no pairing state to keep.
    pub fn is_empty(&self) -> bool {
        let is_bare = |asker: &Asker| {
            asker.waiting.is_empty() && asker.early.is_empty() && asker.asked_to.is_none()
        };
        self.askers.iter().all(is_bare)
    }

    /// Pairs a message. Sets its peer and notes as far as they are known.
    pub fn pair(&mut self, number: u64, message: &mut Message, fates: &mut Fates<'_>) {
        if !is_exchanged(message) {
            return;
        }
        let Some(mut described) = message.described.take() else {
            return;
        };
        let answers = described.is_response() && {
            let asker = &mut self.askers[index(message.sender.other())];
            let answers_only = !described.is_request();
            asker.response(number, message, &mut described, answers_only, fates)
        };
        if !answers && described.is_request() {
            let asker = &mut self.askers[index(message.sender)];
            asker.request(number, message, &described, fates);
        }
        message.described = Some(described);
    }

    /// Records that messages of this sender were never captured: how many, if known, in a gap of `octets` bytes.
    pub fn lost(
        &mut self,
        sender: Role,
        messages: Option<u64>,
        octets: u64,
        stream: u32,
        fates: &mut Fates<'_>,
    ) {
        let asker = &mut self.askers[index(sender)];
        let known = messages.unwrap_or(0).min(MAX_WAITING as u64);
        for _ in 0..known {
            if asker.waiting.len() < MAX_WAITING {
                asker.waiting.push_back(Waiting::lost());
            }
        }
        // The oldest requests that wait for this sender's responses waited for the lost ones.
        let other = &mut self.askers[index(sender.other())];
        let mut left = octets;
        let mut count = messages.unwrap_or(u64::MAX);
        while count > 0 && left > 0 {
            let Some(front) = other.waiting.front() else {
                break;
            };
            if front.id.is_some() {
                break;
            }
            left = left.saturating_sub(front.response_size());
            count -= 1;
            let resolved = front.resolved(stream, None, Outcome::Unanswered, None);
            fates.resolutions.extend(resolved);
            other.waiting.pop_front();
        }
    }

    /// This sender has ended: requests that wait for its responses get none, and early responses get no request from
    /// it.
    pub fn ended(&mut self, sender: Role, stream: u32, fates: &mut Fates<'_>) {
        self.unanswered(sender.other(), stream, fates);
        self.unasked(sender, stream, fates);
    }

    /// Both sides have ended.
    pub fn all_ended(&mut self, stream: u32, fates: &mut Fates<'_>) {
        for role in [Role::Client, Role::Server] {
            self.ended(role, stream, fates);
        }
    }

    fn unanswered(&mut self, asker: Role, stream: u32, fates: &mut Fates<'_>) {
        for waiting in self.askers[index(asker)].waiting.drain(..) {
            let resolved = waiting.resolved(stream, None, Outcome::Unanswered, None);
            fates.resolutions.extend(resolved);
        }
    }

    fn unasked(&mut self, asker: Role, stream: u32, fates: &mut Fates<'_>) {
        for early in self.askers[index(asker)].early.drain(..) {
            fates.unasked(stream, early.number, early.frame);
        }
    }
}

impl Waiting {
    /// The fewest bytes that its response can have, as far as known.
    fn response_size(&self) -> u64 {
        let Some((layout, kind)) = self.kind else {
            return 1;
        };
        let plan = layout.plan();
        let responses = plan.layout.kinds[kind].responses.iter();
        let sizes = responses.map(|response| plan.kinds[*response].size.unwrap_or(plan.least()));
        sizes.min().unwrap_or(1).max(1) as u64
    }
}

impl Asker {
    /// Processes a response to this side's requests. Returns false if it is not taken as a response; with
    /// `answers_only` it always is, and gets a note if there is no request.
    fn response(
        &mut self,
        number: u64,
        message: &mut Message,
        described: &mut Described,
        answers_only: bool,
        fates: &mut Fates<'_>,
    ) -> bool {
        let Some(kind) = described.kind else {
            return false;
        };
        let id = id_of(described);
        let (start, ack) = place(message);
        let fitting = |waiting: &Waiting| waiting.is_answered_by(kind, id.as_ref());
        let Some(at) = self.waiting.iter().position(fitting) else {
            if answers_only {
                self.before_its_request(number, message, kind, id, outcome_of(described), fates);
            }
            return answers_only;
        };
        let waiting = &self.waiting[at];
        if waiting.kind.is_none() {
            message.notes.push(Note::NoRequest);
            self.waiting.remove(at);
            return true;
        }
        // With an id it is certain which request is meant.
        if id.is_none() && fit((waiting.start, waiting.ack), (start, ack)) == Fit::Earlier {
            if answers_only {
                message.notes.push(Note::NoRequest);
            }
            return answers_only;
        }
        let elapsed = message.time.since(waiting.time);
        message.peer = Some(Peer {
            frame: waiting.frame,
            elapsed,
        });
        message.notes.extend(clocks(elapsed, waiting.frame));
        let response = Peer {
            frame: message.frame,
            elapsed,
        };
        let resolved =
            waiting.resolved(message.stream, Some(response), outcome_of(described), None);
        fates.resolutions.extend(resolved);
        described.asked = self.waiting.remove(at).and_then(|request| {
            let (_, kind) = request.kind?;
            let user = request.user.to_vec();
            Some(AskedFor { kind, user })
        });
        true
    }

    fn before_its_request(
        &mut self,
        number: u64,
        message: &mut Message,
        kind: usize,
        id: Option<Id>,
        outcome: Outcome,
        fates: &mut Fates<'_>,
    ) {
        let (start, ack) = place(message);
        let all_seen = |to: SeqNumber| ack.is_none_or(|ack| !ack.after(to));
        if self.early.is_empty() && self.asked_to.is_some_and(all_seen) {
            message.notes.push(Note::NoRequest);
            return;
        }
        if self.early.len() >= MAX_WAITING
            && let Some(oldest) = self.early.pop_front()
        {
            fates.unasked(message.stream, oldest.number, oldest.frame);
        }
        self.early.push_back(Early {
            number,
            frame: message.frame,
            time: message.time,
            start,
            ack,
            kind,
            id,
            outcome,
        });
    }

    fn request(
        &mut self,
        number: u64,
        message: &mut Message,
        described: &Described,
        fates: &mut Fates<'_>,
    ) {
        let waiting = Waiting::new(number, message, described, fates.key);
        let last = self.waiting.back().filter(|last| last.kind.is_some());
        if let Some(last) = last.filter(|_| waiting.id.is_none()) {
            message.notes.push(Note::Pipelined { after: last.frame });
        }
        self.asked_to = message.end();
        if !self.early.is_empty() && self.answer_early(&waiting, message, fates) {
            return;
        }
        if self.waiting.len() < MAX_WAITING {
            self.waiting.push_back(waiting);
        } else {
            *fates.unpaired += 1;
            message.notes.push(Note::NotPaired);
        }
    }

    /// Looks for the response to a request among the early ones. Returns whether there is one. Without ids, the early
    /// responses before it answer requests that were never captured.
    fn answer_early(
        &mut self,
        request: &Waiting,
        message: &mut Message,
        fates: &mut Fates<'_>,
    ) -> bool {
        let mut at = 0;
        while let Some(early) = self.early.get(at) {
            let answers = request.is_answered_by(early.kind, early.id.as_ref());
            let by_id = request.id.is_some();
            let fits =
                by_id || fit((request.start, request.ack), (early.start, early.ack)) == Fit::Fits;
            if answers && fits {
                let response = Peer {
                    frame: early.frame,
                    elapsed: early.time.since(request.time),
                };
                message.peer = Some(response);
                if response.elapsed < 0 {
                    let response = early.frame;
                    message.notes.push(Note::AnsweredBefore { response });
                }
                let answer = EarlyResponse {
                    number: early.number,
                    action: None,
                };
                let resolved =
                    request.resolved(message.stream, Some(response), early.outcome, Some(answer));
                fates.resolutions.extend(resolved);
                self.early.remove(at);
                return true;
            }
            if by_id || fits {
                at += 1;
            } else {
                fates.unasked(message.stream, early.number, early.frame);
                self.early.remove(at);
            }
        }
        false
    }
}
