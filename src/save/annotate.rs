//! Packet comments: the content of each message, for programs that do not know the protocol.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use super::comment;
use crate::dissect::{Message, Note};
use crate::session::begun::{Beginnings, Begun, put};
use crate::session::{FrameRecord, Remainder, Resolution};

/// The most items of each kind that are kept for comments on earlier frames; beyond that, frames get no such comment.
const MOST_LATE: usize = 1 << 18;

/// What is known about messages and frames only after them, and is therefore collected before anything is saved.
#[derive(Debug, Default)]
pub(super) struct LateComments {
    /// Messages that no frame completed, with their numbers, by the frame that brought their last
    /// byte.
    by_frame: HashMap<u64, Vec<(u64, Message)>>,
    late: usize,
    /// Requests that got no response, by number.
    unanswered: HashSet<u64>,
    /// Responses for which no request came, by number.
    unasked: HashSet<u64>,
    /// Responses that came before their requests, by number.
    early: HashMap<u64, Resolution>,
    beginnings: Beginnings,
    /// Where messages that frames began are completed.
    begun: HashMap<u64, Begun>,
}

impl LateComments {
    /// Collects what this frame reveals about earlier ones.
    pub fn gather(&mut self, record: &FrameRecord<'_>) {
        let begun = &mut self.begun;
        self.beginnings.see(record, &mut |frame, told| {
            keep(begun, frame, told);
        });
        let late = |message: &Message| message.frame != record.frame.number;
        self.messages(record.first_message, record.messages, late);
        self.pairs(record.resolutions, record.unasked);
    }

    /// Collects what the end reveals.
    pub fn gather_end(&mut self, remainder: &Remainder<'_>) {
        let begun = &mut self.begun;
        let (messages, ended) = (remainder.messages, remainder.ended_flows);
        self.beginnings
            .end_all(messages, ended, &mut |frame, told| {
                keep(begun, frame, told);
            });
        self.messages(remainder.first_message, messages, |_| true);
        self.pairs(remainder.resolutions, remainder.unasked);
    }

    fn messages(&mut self, first: u64, messages: &[Message], late: impl Fn(&Message) -> bool) {
        for (number, message) in (first..).zip(messages) {
            if late(message) && self.late < MOST_LATE {
                self.late += 1;
                let of_frame = self.by_frame.entry(message.frame).or_default();
                of_frame.push((number, message.clone()));
            }
        }
    }

    fn pairs(&mut self, resolutions: &[Resolution], unasked: &[u64]) {
        for resolution in resolutions {
            if resolution.response.is_none() && self.unanswered.len() < MOST_LATE {
                self.unanswered.insert(resolution.request);
            }
            if let Some(early) = resolution.early {
                keep(&mut self.early, early.number, resolution.clone());
            }
        }
        for response in unasked {
            if self.unasked.len() < MOST_LATE {
                self.unasked.insert(*response);
            }
        }
    }

    /// The message, with the notes that became known later.
    fn told<'a>(&self, number: u64, message: &'a Message) -> Cow<'a, Message> {
        let mut told = Cow::Borrowed(message);
        if self.unanswered.contains(&number) {
            told.to_mut().notes.push(Note::Unanswered);
        }
        if self.unasked.contains(&number) {
            told.to_mut().notes.push(Note::NoRequest);
        }
        if let Some(resolution) = self.early.get(&number) {
            resolution.tell_early(told.to_mut());
        }
        told
    }

    /// Replaces the content of `comments` by the comments for a frame: one for each of its messages, in order, and
    /// one about its stream.
    pub fn of(&self, record: &FrameRecord<'_>, comments: &mut Vec<String>) {
        comments.clear();
        let number = record.frame.number;
        let numbered = (record.first_message..).zip(record.messages);
        let own = numbered.filter(|(_, message)| message.frame == number);
        let said = |(number, message)| comment::message(&self.told(number, message));
        comments.extend(own.map(said));
        let stream = |noted: &_| comment::stream(noted, record.protocol);
        match self.begun.get(&number) {
            None => comments.extend(record.notes.iter().map(stream)),
            Some(begun) => {
                let mut notes = record.notes.to_vec();
                put(*begun, &mut notes);
                comments.extend(notes.iter().map(stream));
            }
        }
        let late = self.by_frame.get(&number).into_iter().flatten();
        comments.extend(late.map(|(number, message)| said((*number, message))));
    }
}

/// Keeps an item if there is room.
fn keep<T>(all: &mut HashMap<u64, T>, key: u64, value: T) {
    if all.len() < MOST_LATE {
        all.insert(key, value);
    }
}
