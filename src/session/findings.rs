//! Receives the dissector's findings, numbers messages, and pairs them.

#![expect(
    clippy::cast_possible_truncation,
    reason = "messages of at most 16 MiB"
)]

use super::clean::{Clean, Fields};
use super::exchange::{ExchangeState, Fates};
use super::exchanged::Exchanged;
use super::found::{CleanMessage, Collected, StreamNote};
use super::refusal::Outcome;
use super::resolution::Asked;
use super::tracker::Tracker;
use crate::dissect::{Finding, Finds, Message, Stream, Wanted};
use crate::protocol::Command;
use crate::stream::{Chunk, Role, Side};

/// The tracker while it processes findings of one stream.
pub(super) struct Findings<'a> {
    pub tracker: &'a mut Tracker,
    /// Pairing state of the stream.
    pub exchange: &'a mut ExchangeState,
}

impl Findings<'_> {
    /// The stream's pairing state, and where results of pairing go.
    pub fn exchange(&mut self) -> (&mut ExchangeState, Fates<'_>) {
        let (_, exchange, fates) = self.last();
        (exchange, fates)
    }

    /// The last message found, and the same.
    #[inline]
    fn last(&mut self) -> (Option<&mut Message>, &mut ExchangeState, Fates<'_>) {
        let tracker = &mut *self.tracker;
        let Collected {
            messages,
            resolutions,
            unasked,
            notes,
            ..
        } = &mut tracker.found;
        let fates = Fates {
            resolutions,
            unasked,
            notes,
            unpaired: &mut tracker.unpaired,
            refusals: &mut tracker.refusals,
            waiting: &mut tracker.waiting,
            key: &tracker.key,
        };
        (messages.last_mut(), self.exchange, fates)
    }

    /// Numbers the next message.
    #[inline]
    fn number(&mut self) -> u64 {
        let number = self.tracker.messages;
        self.tracker.messages += 1;
        number
    }
}

/// The stream and client of requests on this stream.
pub(super) const fn asked(stream: &Stream<'_>) -> Asked {
    Asked {
        stream: stream.number,
        client: stream.end(stream.roles.side(Role::Client)),
    }
}

impl Findings<'_> {
    /// Pairs the last message.
    fn message(&mut self, command: Command) {
        let id = self.number();
        if let (Some(message), exchange, mut fates) = self.last() {
            exchange.pair(id, message, command, &mut fates);
        }
    }

    /// Counts and pairs a message without notes, of a stream on which `asked` says who asks.
    #[inline(always)]
    #[allow(
        clippy::inline_always,
        reason = "so that who asks is not stored in parts and read in one piece, for which the processor waits"
    )]
    pub fn clean(&mut self, Asked { stream, client }: Asked, clean: &Clean, message: Chunk<'_>) {
        let id = self.number();
        let one = Exchanged {
            id,
            frame: message.readable.0,
            time: message.readable.1,
            stream,
            client,
            start: message.seq,
            end: Some(message.seq.plus(message.octets.len() as u32)),
            ack: message.ack,
            action: clean.action,
        };
        let (exchange, mut fates) = self.exchange();
        let mut notes = Vec::new();
        let success = match clean.fields {
            Fields::Request { user, password } => {
                exchange.request(one, user, password, &mut fates, &mut notes);
                None
            }
            Fields::Response(outcome) => {
                exchange.response(one, outcome, &mut fates, &mut notes);
                Some(outcome == Outcome::Success)
            }
        };
        let found = &mut self.tracker.found;
        found.clean.push(CleanMessage {
            frame: found.frame,
            command: clean.command(),
            success,
        });
        if !notes.is_empty() {
            let of_stream = notes.into_iter().map(|note| StreamNote { stream, note });
            found.notes.extend(of_stream);
        }
    }

    fn lost(&mut self, of: &Stream<'_>, from: Side, messages: u64) {
        let (exchange, mut fates) = self.exchange();
        let kind = of.roles.role(from).sends();
        exchange.lost(kind, messages, asked(of), &mut fates);
    }

    fn described(&mut self) {
        let number = self.number();
        if let (Some(message), exchange, mut fates) = self.last() {
            exchange.described().pair(number, message, &mut fates);
        }
    }

    fn lost_described(&mut self, of: &Stream<'_>, from: Side, messages: Option<u64>, octets: u64) {
        let (exchange, mut fates) = self.exchange();
        let (sender, exchange) = (of.roles.role(from), exchange.described());
        exchange.lost(sender, messages, octets, of.number, &mut fates);
    }
}

impl Finds for Findings<'_> {
    #[inline]
    fn wanted(&self) -> Wanted<'_> {
        Wanted {
            known: &self.tracker.known,
            has_layouts: self.tracker.has_layouts,
            counts: self.tracker.counts,
        }
    }

    #[inline]
    fn messages(&mut self) -> &mut Vec<Message> {
        &mut self.tracker.found.messages
    }

    #[inline]
    fn take(&mut self, of: &Stream<'_>, from: Side, finding: Finding<'_>) {
        match finding {
            Finding::Message(command) => self.message(command),
            Finding::Clean(command, chunk) => {
                let Tracker { key, refusals, .. } = &mut *self.tracker;
                let clean = Clean::of(command, chunk.octets, key, refusals);
                self.clean(asked(of), &clean, chunk);
            }
            Finding::Described => self.described(),
            Finding::Lost(messages) => self.lost(of, from, messages),
            Finding::LostDescribed { messages, octets } => {
                self.lost_described(of, from, messages, octets);
            }
            Finding::Note(note) => {
                let stream = of.number;
                self.tracker.found.notes.push(StreamNote { stream, note });
            }
        }
    }
}
