//! How a request ended: with a response or without.

use super::password_tag::PasswordTag;
use super::refusal::Outcome;
use crate::capture::Timestamp;
use crate::dissect::{Answered, Message, Name, Note, Peer};
use crate::layout::LayoutId;
use crate::packet::Endpoint;
use crate::protocol::Action;

/// A note if the time from a request to its response is not positive. `request` is the request's frame.
#[inline]
pub(super) fn clocks(elapsed: i64, request: u64) -> Option<Note> {
    match elapsed {
        1.. => None,
        0 => Some(Note::NoTime { request }),
        _ => Some(Note::NegativeTime { request }),
    }
}

/// A request's connection and client.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    pub stream: u32,
    pub client: Endpoint,
}

/// What a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// What a RegLogin request asks for.
    RegLogin(Action),
    /// The layout of the request, and the index of its kind.
    Layout(LayoutId, usize),
}

/// How a request ended: with a response or without.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolution {
    /// The request's number among all messages of the run, from 0.
    pub request: u64,
    /// What it asks for.
    pub subject: Subject,
    /// Number of the request's frame.
    pub frame: u64,
    /// Time of the request.
    pub time: Timestamp,
    /// Number of its stream.
    pub stream: u32,
    /// Address and port of its sender.
    pub client: Endpoint,
    /// Its user name, or a mask if it is not shown.
    pub user: Name,
    /// Tag of its password.
    pub password: PasswordTag,
    /// Its response; `None` if its connection ended without one.
    pub response: Option<Peer>,
    /// The outcome that the response states.
    pub outcome: Outcome,
    /// The response, if it was captured before the request.
    pub early: Option<EarlyResponse>,
}

/// A response that was captured before its request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EarlyResponse {
    /// Its number among all messages of the run, from 0.
    pub number: u64,
    /// For RegLogin, the action of the response's command.
    pub action: Option<Action>,
}

impl Resolution {
    /// The action that the request counts as; `None` if it does not count. A layout's request counts if it names a user
    /// and its response has an outcome: as a login, unless its kind is a registration.
    #[must_use]
    pub fn action(&self) -> Option<Action> {
        match self.subject {
            Subject::RegLogin(action) => Some(action),
            Subject::Layout(layout, kind) => {
                let kind = &layout.plan().kinds[kind];
                let action = if kind.is_registration {
                    Action::Register
                } else {
                    Action::Login
                };
                kind.is_attempt.then_some(action)
            }
        }
    }

    /// What its response answers, for RegLogin.
    #[must_use]
    pub const fn answered(&self) -> Option<Answered> {
        match self.subject {
            Subject::RegLogin(action) => Some(Answered {
                action,
                user: self.user,
            }),
            Subject::Layout(..) => None,
        }
    }

    /// Adds to an early response what is known of its request.
    pub fn tell_early(&self, message: &mut Message) {
        let (Some(early), Some(response)) = (self.early, self.response) else {
            return;
        };
        if let Subject::RegLogin(asked) = self.subject
            && early.action != Some(asked)
        {
            message.notes.push(Note::WrongResponse {
                request: self.frame,
                command: asked.request(),
            });
        }
        message.answered = self.answered();
        let elapsed = response.elapsed;
        message.peer = Some(Peer {
            frame: self.frame,
            elapsed,
        });
        message.notes.extend(clocks(elapsed, self.frame));
    }

    /// When it ended: time of the response, or of the request if there is none.
    #[must_use]
    pub fn ended(&self) -> Timestamp {
        let elapsed = self.response.map_or(0, |response| response.elapsed);
        Timestamp(self.time.0.saturating_add(elapsed))
    }
}
