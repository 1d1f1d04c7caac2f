//! Receives what the dissector finds, numbers messages, and pairs them.

#![expect(
    clippy::cast_possible_truncation,
    reason = "messages of at most 16 MiB"
)]

use std::sync::Arc;

use super::exchange::{Exchanged, Fates, outcome};
use super::flow_state::FlowState;
use super::found::{CleanMessage, Collected, StreamNote};
use super::password_tag::PasswordKey;
use super::refusal::Refusals;
use super::resolution::Asked;
use super::waiting::WaitingRequests;
use crate::dissect::{Finding, Finds, Known, Message, Name, Wanted};
use crate::protocol::layout::USER_NAME;
use crate::protocol::{Command, MessageKind, MessageView};
use crate::stream::{Chunk, Flow, Role, Side};

/// The tracker's parts that findings go to, apart from the frame's own.
pub(super) struct Findings<'a> {
    pub found: &'a mut Collected,
    /// Messages numbered so far.
    pub numbered: &'a mut u64,
    pub key: &'a PasswordKey,
    /// Requests that were not kept for pairing.
    pub unpaired: &'a mut u64,
    pub known: &'a Arc<Known>,
    pub has_layouts: bool,
    pub counts: bool,
    pub refusals: &'a mut Refusals,
    pub waiting: &'a mut WaitingRequests,
}

impl Findings<'_> {
    pub fn fates(&mut self) -> Fates<'_> {
        self.last().1
    }

    /// The message found last, and where its fate goes.
    #[inline]
    fn last(&mut self) -> (Option<&mut Message>, Fates<'_>) {
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
        (messages.last_mut(), fates)
    }

    /// The number of the message found last.
    #[inline]
    fn number(&mut self) -> u64 {
        let number = *self.numbered;
        *self.numbered += 1;
        number
    }
}

/// Who asks on a flow.
pub(super) fn asked(flow: &Flow<FlowState>) -> Asked {
    Asked {
        stream: flow.stream,
        client: flow.end(flow.side(Role::Client)),
    }
}

impl Findings<'_> {
    /// Pairs the last message.
    fn message(&mut self, flow: &mut Flow<FlowState>, command: Command) {
        let (id, key) = (self.number(), self.key);
        if let (Some(message), mut fates) = self.last() {
            let exchange = &mut flow.state.exchange;
            exchange.pair(id, message, command, key, &mut fates);
        }
    }

    fn clean(
        &mut self,
        flow: &mut Flow<FlowState>,
        from: Side,
        command: Command,
        message: Chunk<'_>,
    ) {
        let id = *self.numbered;
        *self.numbered += 1;
        let (Some(kind), Some(action)) = (command.kind(), command.action()) else {
            return;
        };
        let (view, stream) = (MessageView::new(message.octets), flow.stream);
        let client = match kind {
            MessageKind::Request => from,
            MessageKind::Response => from.other(),
        };
        let one = Exchanged {
            id,
            frame: message.readable.0,
            time: message.readable.1,
            stream,
            client: flow.end(client),
            start: message.seq,
            end: Some(message.seq.plus(message.octets.len() as u32)),
            ack: message.ack,
            action,
        };
        let exchange = &mut flow.state.exchange;
        let told = match kind {
            MessageKind::Request => {
                let user = USER_NAME.slice(message.octets).first_chunk();
                let user = user.map_or(Name::EMPTY, |field| Name::of_filled(*field));
                let password = self.key.tag(view.password());
                exchange.request(&one, user, password, &mut self.fates())
            }
            MessageKind::Response => {
                let outcome = outcome(message.octets, self.refusals);
                exchange.response(&one, outcome, &mut self.fates())
            }
        };
        self.found.clean.push(CleanMessage {
            frame: self.found.frame,
            command,
            status: view.status(),
        });
        for note in told.notes {
            self.found.notes.push(StreamNote { stream, note });
        }
    }

    fn lost(&mut self, flow: &mut Flow<FlowState>, from: Side, messages: u64) {
        let kind = flow.role(from).sends();
        let asked = asked(flow);
        let exchange = &mut flow.state.exchange;
        exchange.lost(kind, messages, asked, &mut self.fates());
    }

    fn described(&mut self, flow: &mut Flow<FlowState>) {
        let (number, key) = (self.number(), self.key);
        if let (Some(message), mut fates) = self.last() {
            let exchange = flow.state.exchange.described();
            exchange.pair(number, message, key, &mut fates);
        }
    }

    fn lost_described(
        &mut self,
        flow: &mut Flow<FlowState>,
        from: Side,
        messages: Option<u64>,
        octets: u64,
    ) {
        let (sender, stream) = (flow.role(from), flow.stream);
        let exchange = flow.state.exchange.described();
        exchange.lost(sender, messages, octets, stream, &mut self.fates());
    }
}

impl Finds<FlowState> for Findings<'_> {
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
    fn take(&mut self, flow: &mut Flow<FlowState>, from: Side, finding: Finding<'_>) {
        match finding {
            Finding::Message(command) => self.message(flow, command),
            Finding::Clean(command, chunk) => self.clean(flow, from, command, chunk),
            Finding::Described => self.described(flow),
            Finding::Lost(messages) => self.lost(flow, from, messages),
            Finding::LostDescribed { messages, octets } => {
                self.lost_described(flow, from, messages, octets);
            }
            Finding::Note(note) => {
                let stream = flow.stream;
                self.found.notes.push(StreamNote { stream, note });
            }
        }
    }
}
