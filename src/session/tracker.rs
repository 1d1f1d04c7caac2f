//! Takes what streams deliver, has it dissected, and pairs the messages.

use super::exchange::{Asked, ExchangeState, Fates, PasswordKey, Resolution};
use crate::dissect::{self, CutBy, DissectState, Finds, HasDissectState, Message, Note};
use crate::protocol::Command;
use crate::stream::{Chunk, End, Flow, Handler, Remark, Role, Side};

/// What is kept with a flow above its octets.
#[derive(Debug, Default)]
pub struct FlowState {
    dissect: DissectState,
    exchange: ExchangeState,
}

impl FlowState {
    /// The dissector's state.
    #[must_use]
    pub const fn dissected(&self) -> &DissectState {
        &self.dissect
    }
}

impl HasDissectState for FlowState {
    fn dissect(&mut self) -> &mut DissectState {
        &mut self.dissect
    }
}

/// Something to be said about a stream, outside of any message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamNote {
    /// The stream.
    pub stream: u32,
    /// What is said.
    pub note: Note,
}

/// What one frame, or the end, brought.
#[derive(Debug, Default)]
pub(super) struct Yield {
    pub messages: Vec<Message>,
    pub notes: Vec<StreamNote>,
    pub resolutions: Vec<Resolution>,
    pub unasked: Vec<u64>,
    pub flows: Vec<FlowEnd>,
    pub followed: Vec<Piece>,
}

/// A part of what one side of the followed stream sent, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Which side sent it.
    pub from: Side,
    /// What there is of it.
    pub content: Content,
}

/// What there is of a part of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// Octets as their receiver got them.
    Octets {
        /// The octets.
        octets: Vec<u8>,
        /// Frame that carried them.
        frame: u64,
        /// Offset of the first octet in that frame's packet.
        offset: u32,
    },
    /// This many octets were never captured.
    Gap(u64),
}

/// What is known of a flow when it is let go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FlowEnd {
    /// The stream.
    pub stream: u32,
    /// Client and server.
    pub ends: [crate::packet::Endpoint; 2],
    /// Frames sent by client and server; what a `u32` cannot count is not counted.
    pub frames: [u32; 2],
    /// Octets on the wire sent by client and server.
    pub octets: [u64; 2],
    /// Times of the first and the last frame.
    pub times: [crate::capture::Timestamp; 2],
    /// What it spoke.
    pub protocol: dissect::Protocol,
}

impl Yield {
    /// How much there is in all.
    #[inline]
    pub fn len(&self) -> usize {
        self.messages.len()
            + self.notes.len()
            + self.resolutions.len()
            + self.unasked.len()
            + self.flows.len()
            + self.followed.len()
    }

    pub fn clear(&mut self) {
        self.messages.clear();
        self.notes.clear();
        self.resolutions.clear();
        self.unasked.clear();
        self.flows.clear();
        self.followed.clear();
    }
}

/// The handler that the flow table tells what came.
#[derive(Debug, Default)]
pub(super) struct Tracker {
    pub found: Yield,
    /// Messages found so far; the next one's number.
    pub messages: u64,
    /// The stream whose octets are given.
    follows: Option<u32>,
    key: PasswordKey,
    /// Requests that were not paired, as too many waited on their connection.
    pub unpaired: u64,
}

/// Who asks on a flow.
fn asked(flow: &Flow<FlowState>) -> Asked {
    Asked {
        stream: flow.stream,
        client: flow.end(flow.side(Role::Client)),
    }
}

impl Finds<FlowState> for Findings<'_> {
    fn messages(&mut self) -> &mut Vec<Message> {
        &mut self.found.messages
    }

    fn message(&mut self, flow: &mut Flow<FlowState>, command: Command) {
        let id = *self.numbered;
        *self.numbered += 1;
        let Yield {
            messages,
            resolutions,
            unasked,
            notes,
            ..
        } = &mut *self.found;
        let mut fates = Fates {
            resolutions,
            unasked,
            notes,
            unpaired: self.unpaired,
        };
        if let Some(message) = messages.last_mut() {
            let exchange = &mut flow.state.exchange;
            exchange.pair(id, message, command, self.key, &mut fates);
        }
    }

    fn lost(&mut self, flow: &mut Flow<FlowState>, from: Side, messages: u64) {
        let kind = flow.role(from).sends();
        let asked = asked(flow);
        let exchange = &mut flow.state.exchange;
        exchange.lost(kind, messages, asked, &mut self.fates());
    }

    fn note(&mut self, flow: &mut Flow<FlowState>, _from: Side, note: Note) {
        let stream = flow.stream;
        self.found.notes.push(StreamNote { stream, note });
    }
}

/// The tracker's parts that findings go to, apart from the frame's own.
struct Findings<'a> {
    found: &'a mut Yield,
    /// Messages numbered so far.
    numbered: &'a mut u64,
    key: &'a PasswordKey,
    /// Requests that were not kept for pairing.
    unpaired: &'a mut u64,
}

impl Findings<'_> {
    fn fates(&mut self) -> Fates<'_> {
        Fates {
            resolutions: &mut self.found.resolutions,
            unasked: &mut self.found.unasked,
            notes: &mut self.found.notes,
            unpaired: self.unpaired,
        }
    }
}

impl Tracker {
    /// A tracker that gives the octets of this stream.
    pub fn following(stream: Option<u32>) -> Self {
        Self {
            follows: stream,
            ..Self::default()
        }
    }

    fn finds(&mut self) -> Findings<'_> {
        Findings {
            found: &mut self.found,
            numbered: &mut self.messages,
            key: &self.key,
            unpaired: &mut self.unpaired,
        }
    }

    fn follow(&mut self, flow: &Flow<FlowState>, from: Side, content: impl FnOnce() -> Content) {
        if self.follows == Some(flow.stream) {
            self.found.followed.push(Piece {
                from,
                content: content(),
            });
        }
    }
}

impl Handler<FlowState> for Tracker {
    #[inline]
    fn remembers(&self, flow: &Flow<FlowState>) -> bool {
        flow.is_watched() || flow.state.dissect.protocol() == dissect::Protocol::RegLogin
    }

    #[inline]
    fn wants(&self, flow: &Flow<FlowState>) -> bool {
        use dissect::Protocol::{RegLogin, Unknown};
        matches!(flow.state.dissect.decided(), RegLogin | Unknown)
            || self.follows == Some(flow.stream)
    }

    #[inline]
    fn octets(&mut self, flow: &mut Flow<FlowState>, from: Side, chunk: Chunk<'_>) {
        self.follow(flow, from, || Content::Octets {
            octets: chunk.octets.to_vec(),
            frame: chunk.frame,
            offset: chunk.offset,
        });
        let mut finds = self.finds();
        dissect::octets(flow, from, chunk, &mut finds);
    }

    fn gap(&mut self, flow: &mut Flow<FlowState>, from: Side, octets: u64) {
        self.follow(flow, from, || Content::Gap(octets));
        dissect::gap(flow, from, octets, &mut self.finds());
    }

    fn remark(&mut self, flow: &mut Flow<FlowState>, from: Side, remark: Remark<'_>) {
        let note = match remark {
            // What a client sends may be secret.
            Remark::ResetCause(words) if flow.role(from) == Role::Client => {
                Note::ResetCause(format!("{} octets of words, not shown", words.len()))
            }
            remark => Note::of_remark(remark),
        };
        dissect::remark(flow, from, note, &mut self.finds());
    }

    fn ended(&mut self, flow: &mut Flow<FlowState>, from: Side, end: End) {
        let by = match end {
            End::Fin => CutBy::Fin,
            End::Reset => CutBy::Reset,
            End::LetGo => CutBy::End,
        };
        let mut finds = self.finds();
        dissect::ended(flow, from, by, &mut finds);
        let asked = asked(flow);
        let sender = flow.role(from);
        let exchange = &mut flow.state.exchange;
        // The side that answers is gone: what waits for it gets no answer.
        if sender == Role::Server || end != End::Fin {
            exchange.unanswered(asked, &mut finds.fates());
        }
        if sender == Role::Client || end != End::Fin {
            exchange.unasked(asked, &mut finds.fates());
        }
    }

    fn let_go(&mut self, flow: &mut Flow<FlowState>) {
        // What came after the other side had ended.
        let asked = asked(flow);
        let mut finds = self.finds();
        flow.state.exchange.unanswered(asked, &mut finds.fates());
        flow.state.exchange.unasked(asked, &mut finds.fates());
        let sides = [flow.side(Role::Client), flow.side(Role::Server)];
        self.found.flows.push(FlowEnd {
            stream: flow.stream,
            ends: sides.map(|side| flow.end(side)),
            frames: sides.map(|side| flow.frames(side)),
            octets: sides.map(|side| flow.wire_octets(side)),
            times: [flow.first, flow.last],
            protocol: flow.state.dissect.protocol(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::FlowTable;

    /// A million connections can be open at once.
    #[test]
    fn an_open_flow_is_small() {
        let octets = FlowTable::<FlowState>::OCTETS_PER_FLOW;
        assert!(octets <= 330, "{octets} octets");
    }
}
