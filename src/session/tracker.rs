//! Takes what streams deliver, has it dissected, and pairs the messages.

use std::sync::Arc;

use super::exchange::{ExchangeState, Fates};
use super::layer::{
    Each, Layer, Spans, Tls, TlsRecord, begins_as_tls, begins_with_header, content, index,
};
use super::password_tag::PasswordKey;
use super::refusal::Refusals;
use super::resolution::{Asked, Resolution};
use crate::dissect::proxy::{Proxy, proxy_header};
use crate::dissect::{self, CutBy, DissectState, Finds, HasDissectState, Known, Message, Note};
use crate::protocol::Command;
use crate::stream::{Chunk, End, Flow, Handler, Remark, Role, Side};
use crate::text::secret::is_open;
use crate::tls::Event;

/// What is kept with a flow above its octets.
#[derive(Debug, Default)]
pub struct FlowState {
    dissect: DissectState,
    exchange: ExchangeState,
    /// TLS below what is dissected, where it can be decrypted.
    layer: Option<Box<Layer>>,
}

impl FlowState {
    /// What the stream speaks, as far as it is known: above TLS, where that was decrypted.
    #[must_use]
    pub fn protocol(&self) -> dissect::Protocol {
        use dissect::Protocol::{Data, Tls, Unknown};
        match self.dissect.protocol() {
            Unknown | Data if self.is_tls() => Tls,
            protocol => protocol,
        }
    }

    /// What the stream speaks right above TCP.
    #[must_use]
    pub fn on_tcp(&self) -> dissect::Protocol {
        if self.is_tls() {
            dissect::Protocol::Tls
        } else {
            self.dissect.protocol()
        }
    }

    /// What the stream speaks as far as it is known, and right above TCP.
    #[inline]
    pub(super) fn protocols(&self) -> [dissect::Protocol; 2] {
        if self.layer.is_some() {
            return [self.protocol(), self.on_tcp()];
        }
        [self.dissect.protocol(); 2]
    }

    /// What is to be said of a message that this frame of the flow carried octets of, and that is
    /// not whole.
    #[inline]
    #[must_use]
    pub fn begun(flow: &Flow<Self>, frame: u64) -> Option<Note> {
        let dissect = &flow.state.dissect;
        if !dissect.holds() {
            return None;
        }
        dissect.begun(frame, flow.is_watched(), |side| flow.role(side).sends())
    }

    fn is_tls(&self) -> bool {
        self.layer
            .as_ref()
            .is_some_and(|layer| layer.is_certain && !layer.is_something_else)
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
    pub tls: Vec<TlsRecord>,
}

/// The streams whose octets are given, in order, with the records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Followed {
    /// None.
    #[default]
    Nothing,
    /// One, by its number.
    Stream(u32),
    /// All.
    All,
}

impl Followed {
    /// Whether a stream is one of them.
    #[inline]
    #[must_use]
    pub fn has(self, stream: u32) -> bool {
        match self {
            Self::Nothing => false,
            Self::Stream(only) => only == stream,
            Self::All => true,
        }
    }
}

/// A part of what one side of a followed stream sent, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// The stream.
    pub stream: u32,
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
    /// What it spoke right above TCP: TLS where that was decrypted.
    pub on_tcp: dissect::Protocol,
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
            + self.tls.len()
    }

    pub fn clear(&mut self) {
        self.messages.clear();
        self.notes.clear();
        self.resolutions.clear();
        self.unasked.clear();
        self.flows.clear();
        self.followed.clear();
        self.tls.clear();
    }
}

/// The handler that the flow table tells what came.
#[derive(Debug)]
pub(super) struct Tracker {
    pub found: Yield,
    /// Messages found so far; the next one's number.
    pub messages: u64,
    /// The streams whose octets are given.
    follows: Followed,
    key: PasswordKey,
    refusals: Refusals,
    /// Requests that were not paired, as too many waited on their connection.
    pub unpaired: u64,
    /// Where TLS can be decrypted.
    pub tls: Option<Box<Tls>>,
    /// The protocols that are looked for.
    known: Arc<Known>,
    has_layouts: bool,
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
            refusals: self.refusals,
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

    fn known(&self) -> Arc<Known> {
        Arc::clone(self.known)
    }

    #[inline]
    fn has_layouts(&self) -> bool {
        self.has_layouts
    }

    fn described(&mut self, flow: &mut Flow<FlowState>) {
        let number = *self.numbered;
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
            refusals: self.refusals,
        };
        if let Some(message) = messages.last_mut() {
            let exchange = flow.state.exchange.described();
            exchange.pair(number, message, self.key, &mut fates);
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

    fn note(&mut self, flow: &mut Flow<FlowState>, _from: Side, note: Note) {
        let stream = flow.stream;
        self.found.notes.push(StreamNote { stream, note });
    }
}

/// Octets of a PROXY header at a stream's start with something behind it; 0 where there is none.
fn proxy_header_before(octets: &[u8], from_start: bool) -> usize {
    match proxy_header(octets) {
        Proxy::Header(header) if from_start && header.len < octets.len() => header.len,
        _ => 0,
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
    known: &'a Arc<Known>,
    has_layouts: bool,
    refusals: &'a mut Refusals,
}

impl Findings<'_> {
    fn fates(&mut self) -> Fates<'_> {
        Fates {
            resolutions: &mut self.found.resolutions,
            unasked: &mut self.found.unasked,
            notes: &mut self.found.notes,
            unpaired: self.unpaired,
            refusals: self.refusals,
        }
    }
}

impl Tracker {
    /// A tracker that looks for these protocols, and gives the octets of these streams.
    pub fn new(known: Known, follows: Followed) -> Self {
        Self {
            found: Yield::default(),
            messages: 0,
            follows,
            key: PasswordKey::default(),
            refusals: Refusals::default(),
            unpaired: 0,
            tls: None,
            has_layouts: !known.layouts.is_empty(),
            known: Arc::new(known),
        }
    }

    fn finds(&mut self) -> Findings<'_> {
        Findings {
            found: &mut self.found,
            numbered: &mut self.messages,
            key: &self.key,
            unpaired: &mut self.unpaired,
            known: &self.known,
            has_layouts: self.has_layouts,
            refusals: &mut self.refusals,
        }
    }

    fn follow(&mut self, flow: &Flow<FlowState>, from: Side, content: impl FnOnce() -> Content) {
        if self.follows.has(flow.stream) {
            self.found.followed.push(Piece {
                stream: flow.stream,
                from,
                content: content(),
            });
        }
    }
}

impl Tracker {
    /// Takes octets that are not encrypted, or were decrypted.
    #[inline]
    fn plain(&mut self, flow: &mut Flow<FlowState>, from: Side, chunk: Chunk<'_>) {
        self.follow(flow, from, || Content::Octets {
            octets: chunk.octets.to_vec(),
            frame: chunk.frame,
            offset: chunk.offset,
        });
        let mut finds = self.finds();
        dissect::octets(flow, from, chunk, &mut finds);
    }

    fn plain_gap(&mut self, flow: &mut Flow<FlowState>, from: Side, octets: u64) {
        self.follow(flow, from, || Content::Gap(octets));
        dissect::gap(flow, from, octets, &mut self.finds());
    }

    /// Takes octets of a stream that is TLS, or may be; whether it is.
    #[cold]
    fn goes_through_tls(
        &mut self,
        flow: &mut Flow<FlowState>,
        from: Side,
        mut chunk: Chunk<'_>,
    ) -> bool {
        if flow.state.layer.is_none() {
            let unknown = flow.state.dissect.decided() == dissect::Protocol::Unknown;
            let from_start = flow.starts_with_syn(from);
            let header = proxy_header_before(chunk.octets, from_start);
            if !unknown || !begins_as_tls(&chunk.octets[header..], from_start) {
                return false;
            }
            if header > 0 {
                let (before, behind) = chunk.split_at(header);
                self.plain(flow, from, before);
                chunk = behind;
            }
            let nothing_before = flow.state.dissect.protocol() == dissect::Protocol::Unknown;
            let from_start = Side::BOTH.map(|side| nothing_before && flow.starts_with_syn(side));
            let mut layer = Layer::new(from_start, flow.side(Role::Client));
            layer.is_certain = begins_with_header(chunk.octets);
            flow.state.layer = Some(Box::new(layer));
        }
        self.through_tls(flow, |layer, tls, each| layer.push(tls, from, chunk, each));
        true
    }

    /// Has a stream's TLS layer do something, and takes what comes of it.
    fn through_tls(
        &mut self,
        flow: &mut Flow<FlowState>,
        act: impl FnOnce(&mut Layer, &mut Tls, Each<'_>),
    ) {
        let (Some(mut tls), Some(mut layer)) = (self.tls.take(), flow.state.layer.take()) else {
            return;
        };
        let first = self.found.tls.len();
        let silent = tls.has_none();
        act(&mut layer, &mut tls, &mut |spans, event| {
            if !silent || !matches!(event, Event::Problem { .. }) {
                self.of_tls(flow, spans, event);
            }
        });
        if silent && !tls.records && layer.session.let_some_go() {
            layer.give_up(&mut tls);
        }
        for record in &mut self.found.tls[first..] {
            layer.is_certain = true;
            let session = &layer.session;
            record.agreed = (session.version(), session.suite());
            record.server_name = session.server_name().map(ToOwned::to_owned);
            record.resumed = session.resumed();
        }
        flow.state.layer = Some(layer);
        self.tls = Some(tls);
    }

    /// Takes what a stream's TLS layer found.
    fn of_tls(&mut self, flow: &mut Flow<FlowState>, spans: &Spans, event: Event<'_>) {
        match event {
            Event::Record(record) => {
                let last = spans.at(record.at + record.record_len() as u64 - 1);
                if !record.repeated {
                    let record = TlsRecord::new(flow.stream, &record, spans);
                    self.found.tls.push(record);
                }
                let Some(text) = content(&record) else { return };
                let from = record.from;
                let first = self.found.messages.len();
                spans.pieces(record.text_at, text, |piece| {
                    let readable = last.map_or(piece.readable, |last| last.readable);
                    self.plain(flow, from, Chunk { readable, ..piece });
                });
                for message in &mut self.found.messages[first..] {
                    message.encrypted = true;
                }
            }
            Event::Lost { from, bytes, .. } if bytes > 0 => self.plain_gap(flow, from, bytes),
            Event::Lost { .. } => {}
            Event::Problem { from, problem } => {
                let at = problem.at().and_then(|at| spans.at(at));
                let note = Note::Tls {
                    problem: Box::new(problem),
                    frame: at.map(|chunk| chunk.frame),
                };
                dissect::remark(flow, from, note, &mut self.finds());
            }
        }
    }

    /// Tries again what waits for secrets on a stream.
    pub fn keys_came(&mut self, flow: &mut Flow<FlowState>) {
        let waits = |layer: &Layer| layer.session.waits();
        if flow.state.layer.as_deref().is_some_and(waits) {
            self.through_tls(flow, |layer, tls, each| layer.keys_came(tls, each));
            self.tell_ends(flow);
        }
    }

    /// Tells the ends of the sides of a stream that were to be told behind octets that waited, unless
    /// some wait still.
    fn tell_ends(&mut self, flow: &mut Flow<FlowState>) {
        let Some(layer) = &mut flow.state.layer else {
            return;
        };
        if layer.session.waits() {
            return;
        }
        let ends = std::mem::take(&mut layer.ends);
        for side in [Role::Client, Role::Server].map(|role| flow.side(role)) {
            if let Some(end) = ends[index(side)] {
                self.plain_ended(flow, side, end);
            }
        }
    }

    /// A side of a stream sends nothing more.
    fn plain_ended(&mut self, flow: &mut Flow<FlowState>, from: Side, end: End) {
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
        let stream = flow.stream;
        if let Some(described) = flow.state.exchange.if_described() {
            if end == End::Fin {
                described.ended(sender, stream, &mut finds.fates());
            } else {
                described.let_go(stream, &mut finds.fates());
            }
        }
    }
}

/// Whether words that came with a reset are shown: a server's, on a stream that is known. What a
/// client sends may be secret, and so may anything on a stream of which nobody knows what it is.
fn shows_words(flow: &Flow<FlowState>, from: Side) -> bool {
    let protocol = flow.state.protocol();
    let is_known = protocol == dissect::Protocol::RegLogin || is_open(protocol);
    is_known && flow.role(from) == Role::Server
}

impl Handler<FlowState> for Tracker {
    #[inline]
    fn remembers(&self, flow: &Flow<FlowState>) -> bool {
        flow.is_watched() || flow.state.dissect.protocol().has_messages()
    }

    #[inline]
    fn wants(&self, flow: &Flow<FlowState>) -> bool {
        let decided = flow.state.dissect.decided();
        decided.has_messages()
            || decided == dissect::Protocol::Unknown
            || flow
                .state
                .layer
                .as_ref()
                .is_some_and(|layer| !layer.given_up)
            || self.follows.has(flow.stream)
    }

    #[inline]
    fn octets(&mut self, flow: &mut Flow<FlowState>, from: Side, chunk: Chunk<'_>) {
        if self.tls.is_some() && self.goes_through_tls(flow, from, chunk) {
            return;
        }
        self.plain(flow, from, chunk);
    }

    fn gap(&mut self, flow: &mut Flow<FlowState>, from: Side, octets: u64) {
        if flow.state.layer.is_some() {
            self.through_tls(flow, |layer, tls, each| layer.gap(tls, from, octets, each));
            return;
        }
        self.plain_gap(flow, from, octets);
    }

    fn remark(&mut self, flow: &mut Flow<FlowState>, from: Side, remark: Remark<'_>) {
        let note = match remark {
            Remark::ResetCause(words) if !shows_words(flow, from) => {
                Note::ResetCause(format!("{} octets of words, not shown", words.len()))
            }
            remark => Note::of_remark(remark),
        };
        dissect::remark(flow, from, note, &mut self.finds());
    }

    fn ended(&mut self, flow: &mut Flow<FlowState>, from: Side, end: End) {
        if flow.state.layer.is_some() {
            self.through_tls(flow, |layer, tls, each| layer.ended(tls, from, each));
            if let Some(layer) = &mut flow.state.layer {
                layer.ends[index(from)] = Some(end);
            }
            self.tell_ends(flow);
        } else {
            self.plain_ended(flow, from, end);
        }
    }

    fn let_go(&mut self, flow: &mut Flow<FlowState>) {
        if flow.state.layer.is_some() {
            self.through_tls(flow, |layer, tls, each| layer.finish(tls, each));
            self.tell_ends(flow);
        }
        // What came after the other side had ended.
        let asked = asked(flow);
        let mut finds = self.finds();
        flow.state.exchange.unanswered(asked, &mut finds.fates());
        flow.state.exchange.unasked(asked, &mut finds.fates());
        let stream = flow.stream;
        if let Some(described) = flow.state.exchange.if_described() {
            described.let_go(stream, &mut finds.fates());
        }
        let sides = [flow.side(Role::Client), flow.side(Role::Server)];
        self.found.flows.push(FlowEnd {
            stream: flow.stream,
            ends: sides.map(|side| flow.end(side)),
            frames: sides.map(|side| flow.frames(side)),
            octets: sides.map(|side| flow.wire_octets(side)),
            times: [flow.first, flow.last],
            protocol: flow.state.protocol(),
            on_tcp: flow.state.on_tcp(),
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
        assert!(octets <= 340, "{octets} octets");
    }
}
