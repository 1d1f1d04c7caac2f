//! What became of a request.

use super::password_tag::PasswordTag;
use super::refusal::Outcome;
use crate::capture::Timestamp;
use crate::dissect::{Answered, Message, Name, Note, Peer};
use crate::layout::LayoutId;
use crate::packet::Endpoint;
use crate::protocol::Action;

/// The note on the time between a request in that frame and its response.
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

/// What a request asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// What a RegLogin request asks for.
    RegLogin(Action),
    /// The layout that describes the request, and its kind by index.
    Layout(LayoutId, usize),
}

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolution {
    /// The request's number among all messages of the run, from 0.
    pub request: u64,
    /// What it asked for.
    pub subject: Subject,
    /// Its frame.
    pub frame: u64,
    /// Its time.
    pub time: Timestamp,
    /// Its stream.
    pub stream: u32,
    /// Who sent it.
    pub client: Endpoint,
    /// Its user name, or what stands for it if it is not shown.
    pub user: Name,
    /// A tag of its password.
    pub password: PasswordTag,
    /// Its response; `None` if its connection ended without one.
    pub response: Option<Peer>,
    /// What the response says.
    pub outcome: Outcome,
    /// The response, if it was captured before the request.
    pub early: Option<EarlyResponse>,
}

/// A response that was captured before its request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EarlyResponse {
    /// Its number among all messages of the run, from 0.
    pub number: u64,
    /// What its header says that it responds to, of RegLogin.
    pub action: Option<Action>,
}

impl Resolution {
    /// The action that it counts as. A layout's request counts where it names a user and is judged: as a login, unless it is
    /// called a registration.
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

    /// What its response answers, of RegLogin.
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

    /// Tells the early response of its request.
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

    /// When it was resolved: the response's time, or the request's where there is none.
    #[must_use]
    pub fn ended(&self) -> Timestamp {
        let elapsed = self.response.map_or(0, |response| response.elapsed);
        Timestamp(self.time.0.saturating_add(elapsed))
    }
}
