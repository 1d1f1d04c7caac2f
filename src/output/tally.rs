//! Counts of frames, streams and messages, for the last lines of a live capture.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::ControlFlow;

use super::tee::OutputError;
use crate::dissect::Message;
use crate::layout::{LayoutId, Said};
use crate::protocol::layout::{STATUS_FAILURE, STATUS_SUCCESS};
use crate::protocol::{Command, MessageKind};
use crate::session::{FrameRecord, Remainder, Sink};
use crate::text::number::number_of;

/// The names of the counted outcomes.
const OUTCOMES: [&str; 3] = ["success", "failure", "other"];

/// Counts frames, streams, and messages by type and outcome. `Display` writes a line of totals, and one for each type.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Frames seen.
    pub frames: u64,
    /// TCP connections seen.
    pub streams: u64,
    /// Messages by command, in the order of [`Command::KNOWN`]; those with an unknown command last.
    messages: [u64; 5],
    /// Responses by command and by outcome: success, failure, another or no status.
    outcomes: [[u64; 3]; 5],
    /// Messages of layouts by layout and kind, with their outcomes.
    described: BTreeMap<(LayoutId, Option<usize>), (u64, [u64; 3])>,
}

impl Tally {
    fn count_all(&mut self, messages: &[Message]) {
        for message in messages {
            self.count(message);
        }
    }

    fn count(&mut self, message: &Message) {
        if let Some(described) = &message.described {
            let key = (described.layout, described.kind);
            let (count, outcomes) = self.described.entry(key).or_default();
            *count += 1;
            match described.said {
                Some(Said::Success) => outcomes[0] += 1,
                Some(Said::Failure) => outcomes[1] += 1,
                Some(Said::Unclear) => outcomes[2] += 1,
                None => {}
            }
            return;
        }
        let command = message.command();
        let known = Command::KNOWN.iter().position(|known| *known == command);
        let index = known.unwrap_or(Command::KNOWN.len());
        self.messages[index] += 1;
        if command.kind() == Some(MessageKind::Response) {
            let outcome = match message.view().status() {
                Some(STATUS_SUCCESS) => 0,
                Some(STATUS_FAILURE) => 1,
                _ => 2,
            };
            self.outcomes[index][outcome] += 1;
        }
    }

    /// Messages of all types.
    #[must_use]
    pub fn messages(&self) -> u64 {
        let described = self.described.values().map(|(count, _)| count);
        self.messages.iter().chain(described).sum()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}, {}, {}",
            number_of(self.frames, "frame"),
            number_of(self.streams, "stream"),
            number_of(self.messages(), "message")
        )?;
        let names = Command::KNOWN.iter().map(|command| command.title());
        for (index, name) in names.chain(["Unknown command"]).enumerate() {
            line(f, name, self.messages[index], self.outcomes[index])?;
        }
        for ((layout, kind), (count, outcomes)) in &self.described {
            let layout = &layout.plan().layout;
            let kind = kind.map_or("unknown kind", |kind| &layout.kinds[kind].name);
            line(f, &format!("{}, {kind}", layout.name), *count, *outcomes)?;
        }
        Ok(())
    }
}

/// Writes the line of a type, unless its count is 0.
fn line(f: &mut fmt::Formatter<'_>, name: &str, count: u64, outcomes: [u64; 3]) -> fmt::Result {
    if count == 0 {
        return Ok(());
    }
    write!(f, "\n  {name}: {count}")?;
    let mut separator = " (";
    for (outcome, count) in OUTCOMES.iter().zip(outcomes) {
        if count > 0 {
            write!(f, "{separator}{outcome} {count}")?;
            separator = ", ";
        }
    }
    if separator == ", " {
        f.write_str(")")?;
    }
    Ok(())
}

impl Sink for Tally {
    type Error = OutputError;

    fn record(&mut self, record: &FrameRecord<'_>) -> Result<ControlFlow<()>, OutputError> {
        self.frames += 1;
        self.count_all(record.messages);
        Ok(ControlFlow::Continue(()))
    }

    fn between(&mut self, found: &Remainder<'_>) -> Result<(), OutputError> {
        self.count_all(found.messages);
        Ok(())
    }

    fn end(&mut self, remainder: &Remainder<'_>) -> Result<(), OutputError> {
        self.streams = remainder.totals.streams;
        self.between(remainder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_a_kind_is_named_in_the_singular() {
        let tally = |frames, streams| Tally {
            frames,
            streams,
            ..Tally::default()
        };
        assert_eq!(tally(1, 1).to_string(), "1 frame, 1 stream, 0 messages");
        assert_eq!(
            tally(12345, 2).to_string(),
            "12345 frames, 2 streams, 0 messages"
        );
    }
}
