//! How much of the traffic a proposed layout explains.

use std::fmt::Write as _;

use super::framing::{Length, begin};
use super::write::{self, Found};
use super::{Conversation, Proposal, Run, SIDES};
use crate::layout::{Frame, Layout, Side, parse};

/// How much of the traffic a layout explains: the messages without a fault, their bytes, and the connections that consist
/// of such messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Explained {
    /// Messages without a fault.
    pub messages: usize,
    /// All messages.
    pub all_messages: usize,
    /// Bytes of messages without a fault.
    pub bytes: usize,
    /// All bytes.
    pub all_bytes: usize,
    /// Connections that are explained to the last byte.
    pub conversations: usize,
    /// All connections.
    pub all_conversations: usize,
}

/// The proposal with what it explains. `None` if that is fewer than two messages, or less than a quarter of the bytes.
pub(super) fn weigh(found: &Found<'_>, conversations: &[Conversation]) -> Option<Proposal> {
    let file = write::file(found);
    let layout = parse(&file).ok()?;
    let explained = explained(&layout, &found.framing.best, conversations);
    // One message proves nothing: any number in it may be a length.
    if explained.messages < 2 || explained.bytes * 4 < explained.all_bytes {
        return None;
    }
    let Explained {
        messages,
        all_messages,
        bytes,
        all_bytes,
        conversations,
        all_conversations,
    } = explained;
    let mut text = String::new();
    let _ = writeln!(
        text,
        "# A guess from traffic on port {}: it explains {messages} of {all_messages} messages, {bytes} of {all_bytes} bytes,\n\
         # {conversations} of {all_conversations} connections. The names are made up; what is unsure has a comment. All that may be a\n\
         # password is secret: take the word away from the fields that hold none.",
        found.port
    );
    text.push_str(&file);
    Some(Proposal { text, explained })
}

fn explained(layout: &Layout, length: &Length, conversations: &[Conversation]) -> Explained {
    let mut explained = Explained::default();
    for conversation in conversations {
        let mut bytes = 0;
        let mut all = 0;
        for side in SIDES {
            for run in conversation.runs(side) {
                all += run.bytes.len();
                bytes += of_run(layout, begin(length, run), run, side, &mut explained);
            }
        }
        explained.bytes += bytes;
        explained.all_bytes += all;
        explained.conversations += usize::from(bytes == all && all > 0);
        explained.all_conversations += usize::from(all > 0);
    }
    explained
}

/// Counts a run's messages from offset `first`. Returns the bytes of those without a fault.
fn of_run(
    layout: &Layout,
    first: usize,
    run: &Run,
    side: Side,
    explained: &mut Explained,
) -> usize {
    let mut bytes = 0;
    let mut at = first;
    while at < run.bytes.len() {
        let rest = &run.bytes[at..];
        match layout.frame(rest, side) {
            Frame::Whole(len) if len <= rest.len() => {
                let read = layout.decode(&rest[..len], side);
                explained.all_messages += 1;
                if read.faults.is_empty() {
                    explained.messages += 1;
                    bytes += len;
                }
                at += len;
            }
            Frame::None => {
                // Bytes that begin no message are skipped up to the next segment.
                let next = run.pieces.iter().find(|(start, _)| *start > at);
                at = next.map_or(run.bytes.len(), |(start, _)| *start);
            }
            _ => break,
        }
    }
    bytes
}
