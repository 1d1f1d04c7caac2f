//! Receives the dissector's findings, numbers messages, and pairs them.

#![expect(
    clippy::cast_possible_truncation,
    reason = "messages of at most 16 MiB"
)]

use std::sync::Arc;

use super::exchange::{ExchangeState, Exchanged, Fates, outcome};
use super::found::{CleanMessage, Collected, StreamNote};
use super::password_tag::PasswordKey;
use super::refusal::Refusals;
use super::resolution::Asked;
use super::waiting::WaitingRequests;
use crate::dissect::{Finding, Finds, Known, Message, Name, Stream, Wanted};
use crate::protocol::layout::USER_NAME;
use crate::protocol::{Command, MessageKind, MessageView};
use crate::stream::{Chunk, Role, Side};

/// The parts of the tracker that process findings.
pub(super) struct Findings<'a> {
    pub found: &'a mut Collected,
    /// Number of messages numbered so far.
    pub numbered: &'a mut u64,
    pub key: &'a PasswordKey,
    /// Number of requests that were not kept for pairing.
    pub unpaired: &'a mut u64,
    pub known: &'a Arc<Known>,
    pub has_layouts: bool,
    pub counts: bool,
    pub refusals: &'a mut Refusals,
    pub waiting: &'a mut WaitingRequests,
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
        let Collected {
            messages,
            resolutions,
            unasked,
            notes,
            ..
        } = &mut *self.found;
        let fates = Fates {
            resolutions,
            unasked,
            notes,
            unpaired: self.unpaired,
            refusals: self.refusals,
            waiting: self.waiting,
        };
        (messages.last_mut(), self.exchange, fates)
    }

    /// Numbers the next message.
    #[inline]
    fn number(&mut self) -> u64 {
        let number = *self.numbered;
        *self.numbered += 1;
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
        let (id, key) = (self.number(), self.key);
        if let (Some(message), exchange, mut fates) = self.last() {
            exchange.pair(id, message, command, key, &mut fates);
        }
    }

    /// Counts and pairs a message without notes, of a stream on which `asked` says who asks.
    #[inline]
    pub fn clean(&mut self, asked: Asked, command: Command, message: Chunk<'_>) {
        let id = self.number();
        let (Some(kind), Some(action)) = (command.kind(), command.action()) else {
            return;
        };
        let (view, Asked { stream, client }) = (MessageView::new(message.octets), asked);
        let one = Exchanged {
            id,
            frame: message.readable.0,
            time: message.readable.1,
            stream,
            client,
            start: message.seq,
            end: Some(message.seq.plus(message.octets.len() as u32)),
            ack: message.ack,
            action,
        };
        let paired = match kind {
            MessageKind::Request => {
                let user = USER_NAME.slice(message.octets).first_chunk();
                let user = user.map_or(Name::EMPTY, |field| Name::of_filled(*field));
                let password = self.key.tag(view.password());
                let (exchange, mut fates) = self.exchange();
                exchange.request(&one, user, password, &mut fates)
            }
            MessageKind::Response => {
                let outcome = outcome(message.octets, self.refusals);
                let (exchange, mut fates) = self.exchange();
                exchange.response(&one, outcome, &mut fates)
            }
        };
        self.found.clean.push(CleanMessage {
            frame: self.found.frame,
            command,
            status: view.status(),
        });
        for note in paired.notes {
            self.found.notes.push(StreamNote { stream, note });
        }
    }

    fn lost(&mut self, of: &Stream<'_>, from: Side, messages: u64) {
        let (exchange, mut fates) = self.exchange();
        let kind = of.roles.role(from).sends();
        exchange.lost(kind, messages, asked(of), &mut fates);
    }

    fn described(&mut self) {
        let (number, key) = (self.number(), self.key);
        if let (Some(message), exchange, mut fates) = self.last() {
            exchange.described().pair(number, message, key, &mut fates);
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
            known: self.known,
            has_layouts: self.has_layouts,
            counts: self.counts,
        }
    }

    #[inline]
    fn messages(&mut self) -> &mut Vec<Message> {
        &mut self.found.messages
    }

    #[inline]
    fn take(&mut self, of: &Stream<'_>, from: Side, finding: Finding<'_>) {
        match finding {
            Finding::Message(command) => self.message(command),
            Finding::Clean(command, chunk) => self.clean(asked(of), command, chunk),
            Finding::Described => self.described(),
            Finding::Lost(messages) => self.lost(of, from, messages),
            Finding::LostDescribed { messages, octets } => {
                self.lost_described(of, from, messages, octets);
            }
            Finding::Note(note) => {
                let stream = of.number;
                self.found.notes.push(StreamNote { stream, note });
            }
        }
    }
}
