//! Counts only what a filter selects.

use hashbrown::HashSet;

use super::Summary;
use crate::dissect::{Message, exchanged};
use crate::protocol::{Command, MessageKind};
use crate::session::{FrameRecord, Remainder, Resolution};

/// Most requests that are remembered until they are resolved.
const MOST_REQUESTS: usize = 1 << 20;

/// Streams and requests of selected frames.
#[derive(Debug, Default)]
pub(super) struct Selection {
    /// Open streams with a selected frame.
    streams: HashSet<u32>,
    /// Selected requests that are not resolved yet.
    requests: HashSet<u64>,
    /// Selected requests that were not remembered because there were too many.
    pub(super) forgotten: u64,
}

impl Selection {
    fn messages(&mut self, first: u64, messages: &[Message], taken: impl Fn(&Message) -> bool) {
        for (id, message) in (first..).zip(messages) {
            let is_request =
                exchanged(message).and_then(Command::kind) == Some(MessageKind::Request);
            if is_request && taken(message) {
                self.remember(id);
            }
        }
    }

    fn remember(&mut self, request: u64) {
        if self.requests.len() < MOST_REQUESTS {
            self.requests.insert(request);
        } else {
            self.forgotten += 1;
        }
    }

    /// Whether an exchange counts: its request was selected, or its response is in the selected frame `frame`.
    fn takes(&mut self, resolution: &Resolution, frame: Option<u64>) -> bool {
        let of_request = self.requests.remove(&resolution.request);
        let response = resolution.response.map(|response| response.frame);
        of_request || (frame.is_some() && response == frame)
    }
}

impl Summary {
    /// Counts a frame if the filter selects it (`taken`). `late` says whether a message is selected whose own frame came
    /// earlier. An exchange counts if the frame of its request or its response is selected. A connection counts as
    /// a whole if any of its frames is selected.
    pub fn record_selected(
        &mut self,
        record: &FrameRecord<'_>,
        taken: bool,
        late: impl Fn(&Message) -> bool,
    ) {
        let mut selection = self.selection.take().unwrap_or_default();
        let number = record.frame.number;
        if taken {
            self.frames.count(record);
            let header = record.frame.header;
            self.rate.frame(header.time, header.wire);
            if let Some(placed) = record.placement
                && selection.streams.insert(placed.stream)
            {
                self.streams += 1;
            }
            record.notes.iter().for_each(|noted| self.note(&noted.note));
        }
        let counts = |message: &Message| {
            if message.frame == number {
                taken
            } else {
                late(message)
            }
        };
        selection.messages(record.first_message, record.messages, counts);
        for message in record.messages.iter().filter(|message| counts(message)) {
            self.count_messages(std::slice::from_ref(message));
        }
        for resolution in record.resolutions {
            if selection.takes(resolution, taken.then_some(number)) {
                self.resolution(resolution);
            }
        }
        for flow in record.ended_flows {
            if selection.streams.remove(&flow.stream) {
                self.flow(flow);
            }
        }
        self.selection = Some(selection);
    }

    /// Counts what the end of a capture of selected frames brings.
    pub fn end_selected(&mut self, remainder: &Remainder<'_>, late: impl Fn(&Message) -> bool) {
        let mut selection = self.selection.take().unwrap_or_default();
        selection.messages(remainder.first_message, remainder.messages, &late);
        for message in remainder.messages.iter().filter(|message| late(message)) {
            self.count_messages(std::slice::from_ref(message));
        }
        for noted in remainder.notes {
            if selection.streams.contains(&noted.stream) {
                self.note(&noted.note);
            }
        }
        for resolution in remainder.resolutions {
            if selection.takes(resolution, None) {
                self.resolution(resolution);
            }
        }
        for flow in remainder.ended_flows {
            if selection.streams.remove(&flow.stream) {
                self.flow(flow);
            }
        }
        self.given_up = remainder.given_up;
        self.selection = Some(selection);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_beyond_the_bound_are_counted_and_not_kept() {
        let mut selection = Selection::default();
        let most = 1_048_576;
        (0..most + 2).for_each(|request| selection.remember(request));
        assert_eq!(selection.requests.len() as u64, most);
        assert_eq!(selection.forgotten, 2);
    }
}
