//! Several conversations from one pass, written one after the other in the order of their first frames.

use std::collections::BTreeMap;
use std::io::Write;
use std::ops::ControlFlow;

use super::Followed;
use crate::output::clock::{TimeDisplay, TimeFormat};
use crate::output::tee::OutputError;
use crate::session::{FrameRecord, Remainder, Sink};

/// A sink that writes connections.
pub trait FollowSink: Sink<Error = OutputError> {
    /// What was counted, complete after the run.
    fn followed(&self) -> Followed;
}

/// A sink that writes one connection to memory.
pub trait Conversation: FollowSink {
    /// Sets the times of the frames before the next record.
    fn set_clock(&mut self, clock: &TimeDisplay);
    /// The text written so far.
    fn text(&self) -> &[u8];
}

/// Feeds several conversations, and writes them one after the other at the end.
pub struct Several<C, W> {
    conversations: BTreeMap<u32, C>,
    clock: TimeDisplay,
    out: W,
    between: &'static [u8],
}

impl<C: Conversation, W: Write> Several<C, W> {
    /// Takes conversations by the number of their stream. `between` is written between two of them.
    pub fn new(
        conversations: impl IntoIterator<Item = (u32, C)>,
        time: TimeFormat,
        between: &'static [u8],
        out: W,
    ) -> Self {
        Self {
            conversations: conversations.into_iter().collect(),
            clock: TimeDisplay::new(time),
            out,
            between,
        }
    }
}

impl<C: Conversation, W: Write> FollowSink for Several<C, W> {
    fn followed(&self) -> Followed {
        let all = self.conversations.values().map(FollowSink::followed);
        all.fold(Followed::default(), |all, one| Followed {
            found: all.found || one.found,
            streams: one.streams,
            masked: all.masked + one.masked,
            missing: all.missing + one.missing,
        })
    }
}

impl<C: Conversation, W: Write> Sink for Several<C, W> {
    type Error = OutputError;

    fn record(&mut self, record: &FrameRecord<'_>) -> Result<ControlFlow<()>, OutputError> {
        let own = record.placement.map(|placed| placed.stream);
        let told = record.messages.iter().map(|message| message.stream);
        let followed = record.followed.iter().map(|piece| piece.stream);
        let ended = record.ended_flows.iter().map(|flow| flow.stream);
        let mut streams: Vec<u32> = own
            .into_iter()
            .chain(told)
            .chain(followed)
            .chain(ended)
            .collect();
        streams.sort_unstable();
        streams.dedup();
        for stream in streams {
            if let Some(conversation) = self.conversations.get_mut(&stream) {
                conversation.set_clock(&self.clock);
                // A conversation never stops the run.
                let _ = conversation.record(record)?;
            }
        }
        self.clock.see(record.frame.header.time);
        Ok(ControlFlow::Continue(()))
    }

    fn end(&mut self, remainder: &Remainder<'_>) -> Result<(), OutputError> {
        let mut between: &[u8] = &[];
        for conversation in self.conversations.values_mut() {
            conversation.set_clock(&self.clock);
            conversation.end(remainder)?;
            self.out.write_all(between)?;
            self.out.write_all(conversation.text())?;
            between = self.between;
        }
        Ok(self.out.flush()?)
    }
}
