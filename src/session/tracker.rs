//! Handler of the flow table: passes each stream's bytes to TLS and the dissector, and pairs the messages.

#![expect(
    clippy::cast_possible_truncation,
    reason = "lengths of lists for a batch of half a megabyte"
)]

use std::sync::Arc;

use super::clean::Clean;
use super::findings::{Findings, asked};
use super::flow_state::FlowState;
use super::found::{Collected, Content, FlowEnd, Followed, Opened, Piece};
use super::lanes::place_of;
use super::layer::{
    Each, Layer, Spans, Tls, TlsRecord, begins_as_tls, begins_with_header, content,
};
use super::password_tag::PasswordKey;
use super::refusal::Refusals;
use super::resolution::Asked;
use super::waiting::WaitingRequests;
use crate::dissect::proxy::{Proxy, proxy_header};
use crate::dissect::{self, CutBy, Known, Note, Stream, StreamOpening};
use crate::stream::{Chunk, End, Flow, Handler, Interest, Remark, Role, Side, StreamEvent};
use crate::text::secret::is_open;
use crate::tls::Event;

/// Receives what the flow table delivers.
// Independent facts.
#[allow(clippy::struct_excessive_bools)]
#[derive(Debug)]
pub(super) struct Tracker {
    pub found: Collected,
    /// Number of messages found so far, which is the next one's number.
    pub messages: u64,
    /// Whether messages without notes are only counted.
    pub counts: bool,
    /// The group of lanes that it is for, if there are several. Then streams are numbered later.
    group: Option<u8>,
    /// The streams whose bytes are part of the records.
    follows: Followed,
    pub key: PasswordKey,
    pub refusals: Refusals,
    pub waiting: WaitingRequests,
    /// Number of requests that were not paired because too many waited on their connection.
    pub unpaired: u64,
    /// Present if TLS is decrypted or reported.
    pub tls: Option<Box<Tls>>,
    /// The protocols to look for.
    pub known: Arc<Known>,
    pub has_layouts: bool,
}

/// Length of a PROXY protocol header at a stream's start if more bytes follow it; otherwise 0.
fn proxy_header_before(octets: &[u8], from_start: bool) -> usize {
    match proxy_header(octets) {
        Proxy::Header(header) if from_start && header.len < octets.len() => header.len,
        _ => 0,
    }
}

impl Tracker {
    /// A tracker that looks for these protocols, and keeps the bytes of the followed streams.
    pub fn new(known: Arc<Known>, follows: Followed) -> Self {
        Self {
            found: Collected::default(),
            messages: 0,
            counts: false,
            group: None,
            follows,
            key: PasswordKey::default(),
            refusals: Refusals::default(),
            waiting: WaitingRequests::default(),
            unpaired: 0,
            tls: None,
            has_layouts: !known.layouts.is_empty(),
            known,
        }
    }

    /// A tracker with the same settings and no state, for one of several groups of lanes.
    pub fn for_group(&self, group: u8) -> Self {
        Self {
            group: Some(group),
            key: self.key.clone(),
            ..Self::new(Arc::clone(&self.known), self.follows)
        }
    }

    /// Bytes of TLS records that were given up waiting for their secrets.
    pub fn given_up_bytes(&self) -> u64 {
        self.tls.as_ref().map_or(0, |tls| tls.given_up_bytes())
    }

    /// Whether no result depends on several streams together, so that they can be distributed over lanes.
    pub const fn can_have_lanes(&self) -> bool {
        self.tls.is_none() && matches!(self.follows, Followed::Nothing)
    }

    /// Calls the dissector with a flow's stream, and keeps what it learned about the roles.
    #[inline]
    fn dissect(
        &mut self,
        flow: &mut Flow<FlowState>,
        look: impl FnOnce(&mut Stream<'_>, &mut Findings<'_>),
    ) {
        let (mut stream, exchange) = Stream::of(flow, FlowState::split);
        let mut finds = Findings {
            tracker: self,
            exchange,
        };
        look(&mut stream, &mut finds);
        flow.roles = stream.roles;
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
    /// Processes bytes that are not encrypted, or were decrypted.
    fn plaintext(&mut self, flow: &mut Flow<FlowState>, from: Side, chunk: Chunk<'_>) {
        self.follow(flow, from, || Content::Octets {
            octets: chunk.octets.to_vec(),
            frame: chunk.frame,
            offset: chunk.offset,
        });
        self.dissect(flow, |stream, finds| {
            dissect::octets(stream, from, chunk, finds);
        });
    }

    /// Counts bytes that are one RegLogin message without notes, if that is all they are in this stream. Returns
    /// whether they are.
    #[inline]
    fn count_clean(
        &mut self,
        flow: &mut Flow<FlowState>,
        from: Side,
        clean: &Clean,
        chunk: Chunk<'_>,
    ) -> bool {
        let opening = StreamOpening {
            expects_reglogin: flow.is_watched() && !self.has_layouts,
            from_start: flow.starts_with_syn(from),
        };
        let (state, roles) = (&mut flow.state.dissect, &mut flow.roles);
        if !dissect::is_message_alone(state, roles, opening, from, clean.command()) {
            return false;
        }
        let asked = Asked {
            stream: flow.stream,
            client: flow.end(flow.side(Role::Client)),
        };
        let mut finds = Findings {
            tracker: self,
            exchange: &mut flow.state.exchange,
        };
        finds.clean(asked, clean, chunk);
        true
    }

    fn plaintext_gap(&mut self, flow: &mut Flow<FlowState>, from: Side, octets: u64) {
        self.follow(flow, from, || Content::Gap(octets));
        self.dissect(flow, |stream, finds| {
            dissect::gap(stream, from, octets, finds);
        });
    }

    /// Passes bytes of a stream that is or may be TLS to its TLS layer. Returns whether it did.
    #[cold]
    fn goes_through_tls(
        &mut self,
        flow: &mut Flow<FlowState>,
        from: Side,
        mut chunk: Chunk<'_>,
    ) -> bool {
        if flow.state.layer.is_none() {
            let from_start = flow.starts_with_syn(from);
            let header = proxy_header_before(chunk.octets, from_start);
            if !begins_as_tls(&chunk.octets[header..], from_start) {
                return false;
            }
            if header > 0 {
                let (before, behind) = chunk.split_at(header);
                self.plaintext(flow, from, before);
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

    /// Runs `act` on a stream's TLS layer, and processes the resulting events.
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
        if silent && !tls.records && layer.session.dropped_some() {
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

    /// Processes an event of a stream's TLS layer.
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
                    self.plaintext(flow, from, Chunk { readable, ..piece });
                });
                for message in &mut self.found.messages[first..] {
                    message.encrypted = true;
                }
            }
            Event::Lost { from, bytes, .. } if bytes > 0 => self.plaintext_gap(flow, from, bytes),
            Event::Lost { .. } => {}
            Event::Problem { from, problem } => {
                let at = problem.at().and_then(|at| spans.at(at));
                let note = Note::Tls {
                    problem: Box::new(problem),
                    frame: at.map(|chunk| chunk.frame),
                };
                self.note(flow, from, note);
            }
        }
    }

    /// Tries again to decrypt what waits for secrets on a stream.
    pub fn keys_came(&mut self, flow: &mut Flow<FlowState>) {
        let waits = |layer: &Layer| layer.session.waits();
        if flow.state.layer.as_deref().is_some_and(waits) {
            self.through_tls(flow, |layer, tls, each| layer.keys_came(tls, each));
            self.report_ends(flow);
        }
    }

    /// Reports the ends of a stream's sides that had to wait for undecrypted bytes, unless some still wait.
    fn report_ends(&mut self, flow: &mut Flow<FlowState>) {
        let Some(layer) = &mut flow.state.layer else {
            return;
        };
        if layer.session.waits() {
            return;
        }
        let ends = std::mem::take(&mut layer.ends);
        for side in [Role::Client, Role::Server].map(|role| flow.side(role)) {
            if let Some(end) = ends[side.index()] {
                self.plaintext_ended(flow, side, end);
            }
        }
    }

    /// Processes the end of a side.
    fn plaintext_ended(&mut self, flow: &mut Flow<FlowState>, from: Side, end: End) {
        let by = match end {
            End::Fin => CutBy::Fin,
            End::Reset => CutBy::Reset,
            End::Dropped => CutBy::End,
        };
        self.dissect(flow, |stream, finds| {
            dissect::ended(stream, from, by, finds);
            let (asked, sender) = (asked(stream), stream.roles.role(from));
            let (exchange, mut fates) = finds.exchange();
            // The side that answers has ended: what waits for it gets no answer.
            if sender == Role::Server || end != End::Fin {
                exchange.unanswered(asked, &mut fates);
            }
            if sender == Role::Client || end != End::Fin {
                exchange.unasked(asked, &mut fates);
            }
            if let Some(described) = exchange.if_described() {
                if end == End::Fin {
                    described.ended(sender, stream.number, &mut fates);
                } else {
                    described.all_ended(stream.number, &mut fates);
                }
            }
        });
    }

    fn gap(&mut self, flow: &mut Flow<FlowState>, from: Side, octets: u64) {
        if flow.state.layer.is_some() {
            self.through_tls(flow, |layer, tls, each| layer.gap(tls, from, octets, each));
            return;
        }
        self.plaintext_gap(flow, from, octets);
    }

    fn remark(&mut self, flow: &mut Flow<FlowState>, from: Side, remark: Remark<'_>) {
        let note = match remark {
            Remark::ResetCause(words) if !shows_words(flow, from) => {
                Note::ResetCause(format!("{} bytes of words, not shown", words.len()))
            }
            remark => Note::of_remark(remark),
        };
        self.note(flow, from, note);
    }

    fn note(&mut self, flow: &mut Flow<FlowState>, from: Side, note: Note) {
        self.dissect(flow, |stream, finds| {
            dissect::remark(stream, from, note, finds);
        });
    }

    fn ended(&mut self, flow: &mut Flow<FlowState>, from: Side, end: End) {
        if flow.state.layer.is_some() {
            self.through_tls(flow, |layer, tls, each| layer.ended(tls, from, each));
            if let Some(layer) = &mut flow.state.layer {
                layer.ends[from.index()] = Some(end);
            }
            self.report_ends(flow);
        } else {
            self.plaintext_ended(flow, from, end);
        }
    }
}

/// Whether the text in a reset is shown: only a server's, and only on a stream of a known protocol. What a client sends
/// may be secret, and so may anything on an unknown stream.
fn shows_words(flow: &Flow<FlowState>, from: Side) -> bool {
    let protocol = flow.state.protocol();
    let is_known = protocol == dissect::Protocol::RegLogin || is_open(protocol);
    is_known && flow.role(from) == Role::Server
}

impl Handler<FlowState> for Tracker {
    #[inline]
    fn interest(&self, flow: &Flow<FlowState>) -> Interest {
        let decided = flow.state.dissect.decided();
        Interest {
            octets: decided.has_messages()
                || decided == dissect::Protocol::Unknown
                || self.follows.has(flow.stream)
                || self.tls.is_some() && flow.state.is_decrypted(),
            comparison: flow.is_watched() || flow.state.dissect.protocol().has_messages(),
        }
    }

    #[inline(always)]
    #[allow(clippy::inline_always, reason = "each caller knows which event it has")]
    fn take(&mut self, flow: &mut Flow<FlowState>, from: Side, event: StreamEvent<'_>) {
        match event {
            StreamEvent::Octets(chunk) => {
                let may_be_tls = self.tls.is_some() && flow.state.may_be_tls();
                if !may_be_tls || !self.goes_through_tls(flow, from, chunk) {
                    self.plaintext(flow, from, chunk);
                }
            }
            StreamEvent::Gap(octets) => self.gap(flow, from, octets),
            StreamEvent::Remark(remark) => self.remark(flow, from, remark),
            StreamEvent::Ended(end) => self.ended(flow, from, end),
        }
    }

    #[inline]
    fn fetch_referred(&self, flow: &Flow<FlowState>) {
        flow.state.exchange.fetch(&self.waiting);
    }

    fn opened(&mut self, place: u32) {
        if let Some(group) = self.group {
            let found = &mut self.found;
            found.opened.push(Opened {
                frame: found.frame,
                place: place_of(group, place),
                ended_before: found.flows.len() as u32,
            });
        }
    }

    fn dropped(&mut self, flow: &mut Flow<FlowState>, place: u32) {
        if flow.state.layer.is_some() {
            self.through_tls(flow, |layer, tls, each| layer.finish(tls, each));
            self.report_ends(flow);
        }
        // Results of what came after the other side had ended.
        self.dissect(flow, |stream, finds| {
            let asked = asked(stream);
            let (exchange, mut fates) = finds.exchange();
            exchange.unanswered(asked, &mut fates);
            exchange.unasked(asked, &mut fates);
            if let Some(described) = exchange.if_described() {
                described.all_ended(stream.number, &mut fates);
            }
        });
        let sides = [flow.side(Role::Client), flow.side(Role::Server)];
        self.found.flows.push(FlowEnd {
            stream: self
                .group
                .map_or(flow.stream, |group| place_of(group, place)),
            ends: sides.map(|side| flow.end(side)),
            frames: sides.map(|side| flow.frames(side)),
            octets: sides.map(|side| flow.wire_octets(side)),
            times: [flow.first, flow.last],
            protocol: flow.state.protocol(),
            on_tcp: flow.state.on_tcp(),
        });
    }
}

/// The tracker while it receives a segment whose payload was judged when it was decoded.
pub(super) struct Judged<'t, F> {
    pub tracker: &'t mut Tracker,
    /// Returns the message if the payload is one RegLogin message without notes.
    pub clean: F,
}

impl<'c, F: Fn() -> Option<&'c Clean>> Handler<FlowState> for Judged<'_, F> {
    #[inline]
    fn interest(&self, flow: &Flow<FlowState>) -> Interest {
        self.tracker.interest(flow)
    }

    #[inline(always)]
    #[allow(clippy::inline_always, reason = "its caller knows which event it has")]
    fn take(&mut self, flow: &mut Flow<FlowState>, from: Side, event: StreamEvent<'_>) {
        let tracker = &mut *self.tracker;
        // What is encrypted may look like a message, and what is decrypted was not judged.
        if let StreamEvent::Octets(chunk) = event
            && (tracker.tls.is_none() || !flow.state.may_be_tls())
            && let Some(clean) = (self.clean)()
            && !tracker.follows.has(flow.stream)
            && tracker.count_clean(flow, from, clean, chunk)
        {
            return;
        }
        tracker.take(flow, from, event);
    }

    fn opened(&mut self, place: u32) {
        self.tracker.opened(place);
    }

    fn dropped(&mut self, flow: &mut Flow<FlowState>, place: u32) {
        self.tracker.dropped(flow, place);
    }
}

#[cfg(test)]
mod tests;
