//! Packet comments: what each message says, for programs that do not know the protocol.

use std::collections::HashMap;

use crate::dissect::Message;
use crate::output::comment;
use crate::output::select::{late_messages, messages_of};
use crate::session::{FrameRecord, Remainder};

/// Comments kept for frames that come before it is known what is to be said of them; beyond that
/// they go without.
const MOST_LATE: usize = 1 << 18;

/// Comments for messages that no frame completed, by the frame that brought their last octet.
///
/// They are known only behind that frame, so they are gathered before anything is saved.
#[derive(Debug, Default)]
pub(super) struct LateComments {
    by_frame: HashMap<u64, Vec<String>>,
    count: usize,
}

impl LateComments {
    /// Gathers what this frame made known of messages of earlier frames.
    pub fn gather(&mut self, record: &FrameRecord<'_>) {
        for message in late_messages(record) {
            self.add(message);
        }
    }

    /// Gathers what the end made known.
    pub fn gather_end(&mut self, remainder: &Remainder<'_>) {
        for message in remainder.messages {
            self.add(message);
        }
    }

    fn add(&mut self, message: &Message) {
        if self.count < MOST_LATE {
            self.count += 1;
            let comments = self.by_frame.entry(message.frame).or_default();
            comments.push(comment::message(message));
        }
    }

    /// Puts the comments for a frame into `comments`, in place of what it held: one for each of
    /// its messages, in order, and one for what is said of its stream.
    pub fn of(&self, record: &FrameRecord<'_>, comments: &mut Vec<String>) {
        comments.clear();
        comments.extend(messages_of(record).map(comment::message));
        let of_stream = record.notes.iter();
        comments.extend(of_stream.map(|noted| comment::stream(noted, record.protocol)));
        if let Some(late) = self.by_frame.get(&record.frame.number) {
            comments.extend(late.iter().cloned());
        }
    }
}
