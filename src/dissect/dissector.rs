//! Turns a direction's bytes into messages.

use std::sync::Arc;

use super::described::{self, DescribedState, Known};
use super::identify::{Verdict, identify};
use super::probe::probe;
use super::protocol::Protocol;
use super::reglogin::evidence::Opening;
use super::reglogin::framing::{Extent, extent};
use super::reglogin::{
    Between, DirectionState, Mode, clean_message, command, direction_fits, judge_cut, judge_into,
    judge_sender,
};

use super::message::Message;
use super::note::{CutBy, Note};
use crate::protocol::{Command, Fault, MessageKind};
use crate::stream::{Chunk, Flow, Role, Side};

/// The dissector's state of a flow. What every segment needs comes first.
#[derive(Debug, Default)]
#[repr(C)]
pub struct DissectState {
    protocol: Protocol,
    saw_data: bool,
    pub(super) directions: [DirectionState; 2],
    /// State for layouts, if any are known.
    pub(super) described: Option<Box<DescribedState>>,
}

impl DissectState {
    /// The stream's protocol once it is decided; unknown while more bytes may tell.
    #[must_use]
    pub const fn decided(&self) -> Protocol {
        self.protocol
    }

    /// Whether bytes of either direction are held.
    #[must_use]
    #[inline]
    pub const fn holds(&self) -> bool {
        let [one, other] = &self.directions;
        one.work.is_some() || other.work.is_some()
    }

    /// The note on a message that this frame carried bytes of and that is not complete.
    #[must_use]
    pub fn begun(
        &self,
        frame: u64,
        watched: bool,
        sends: impl Fn(Side) -> MessageKind,
    ) -> Option<Note> {
        let proven = match self.protocol {
            Protocol::RegLogin => true,
            Protocol::Unknown if watched => false,
            _ => return None,
        };
        let begun = |side| self.directions[index(side)].begun(frame, proven, sends(side));
        Side::BOTH.into_iter().find_map(begun)
    }

    /// The protocol recognised so far.
    #[must_use]
    pub const fn protocol(&self) -> Protocol {
        match self.protocol {
            Protocol::Unknown if self.saw_data => Protocol::Data,
            protocol => protocol,
        }
    }
}

/// Gives the dissector its part of a flow's state.
pub trait HasDissectState {
    /// The state.
    fn dissect(&mut self) -> &mut DissectState;
}

/// A finding in the bytes that one side of a flow sent, in their order.
#[derive(Debug)]
pub enum Finding<'a> {
    /// The last of the messages is there, of this command, whole or as far as it goes.
    Message(Command),
    /// The last of the messages is there, which a layout describes, whole or as far as it goes.
    Described,
    /// A message without notes that is whole in one segment and that its sender's side sends. It is not put among the
    /// messages.
    Clean(Command, Chunk<'a>),
    /// So many messages are lost, as bytes of them were never captured.
    Lost(u64),
    /// The same for messages that a layout describes: how many, if that is known, and how many bytes.
    LostDescribed {
        /// How many messages.
        messages: Option<u64>,
        /// How many bytes.
        octets: u64,
    },
    /// A note on the stream that belongs to no message.
    Note(Note),
}

/// What the dissector looks for.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// The protocols that are known.
    pub known: &'a Arc<Known>,
    /// Whether any layout is among them.
    pub has_layouts: bool,
    /// Whether messages without notes are only counted, and not made.
    pub counts: bool,
}

/// Receives what the dissector finds.
pub trait Finds<S> {
    /// What is looked for.
    fn wanted(&self) -> Wanted<'_>;
    /// Where messages are put.
    fn messages(&mut self) -> &mut Vec<Message>;
    /// Takes what was found.
    fn take(&mut self, flow: &mut Flow<S>, from: Side, finding: Finding<'_>);
}

pub(super) const fn index(side: Side) -> usize {
    match side {
        Side::A => 0,
        Side::B => 1,
    }
}

/// Takes bytes that are next in order.
pub fn octets<S: HasDissectState>(
    flow: &mut Flow<S>,
    from: Side,
    chunk: Chunk<'_>,
    finds: &mut impl Finds<S>,
) {
    let state = flow.state.dissect();
    state.saw_data = true;
    match state.protocol {
        Protocol::RegLogin => take(flow, from, chunk, finds),
        Protocol::Unknown if finds.wanted().has_layouts => {
            described::probe(flow, from, chunk, finds);
        }
        Protocol::Unknown => probe(flow, from, chunk, finds),
        Protocol::Layout(layout) => described::take(flow, from, layout, chunk, finds),
        _ => {}
    }
}

/// Takes bytes that are next in order, and that are one message of RegLogin without notes, if no other may come of
/// them. `false` if one may: then [`octets`] has to take them.
#[inline]
pub fn clean_message_alone<S: HasDissectState>(
    flow: &mut Flow<S>,
    from: Side,
    chunk: Chunk<'_>,
    finds: &mut impl Finds<S>,
) -> bool {
    let state = flow.state.dissect();
    let direction = &state.directions[index(from)];
    let begins = direction.mode == Mode::Boundary && direction.work.is_none();
    if state.protocol != Protocol::RegLogin || !begins {
        return false;
    }
    let command = command(chunk.octets);
    let Some(command) = command.filter(|command| learn_sender(flow, from, *command)) else {
        return false;
    };
    finds.take(flow, from, Finding::Clean(command, chunk));
    true
}

/// Whether RegLogin is expected on a port of the stream.
pub(super) fn expects_reglogin<S: HasDissectState>(flow: &Flow<S>, finds: &impl Finds<S>) -> bool {
    let ends = || [flow.end(Side::A), flow.end(Side::B)];
    flow.is_watched()
        && (!finds.wanted().has_layouts || finds.wanted().known.expects_reglogin(ends()))
}

/// Whether RegLogin is looked for at all.
pub(super) fn knows_reglogin<S: HasDissectState>(finds: &impl Finds<S>) -> bool {
    !finds.wanted().has_layouts || finds.wanted().known.reglogin
}

/// Settles the stream's protocol, and takes what both directions held until now: last that which
/// settled it.
pub(super) fn decide<S: HasDissectState>(
    flow: &mut Flow<S>,
    from: Side,
    protocol: Protocol,
    finds: &mut impl Finds<S>,
) {
    flow.state.dissect().protocol = protocol;
    for side in [from.other(), from] {
        if protocol == Protocol::RegLogin {
            retake(flow, side, finds);
        } else {
            flow.state.dissect().directions[index(side)].work = None;
        }
    }
}

/// Settles that the stream speaks a protocol that holds its bytes itself.
pub(super) fn settle<S: HasDissectState>(flow: &mut Flow<S>, protocol: Protocol) {
    let state = flow.state.dissect();
    state.protocol = protocol;
    for direction in &mut state.directions {
        direction.work = None;
    }
}

/// Takes the bytes held of a direction as if they came now.
fn retake<S: HasDissectState>(flow: &mut Flow<S>, side: Side, finds: &mut impl Finds<S>) {
    let direction = &mut flow.state.dissect().directions[index(side)];
    let Some(mut work) = direction.work.take() else {
        return;
    };
    if !work.notes.is_empty() || work.skipped > 0 {
        let kept = direction.work.get_or_insert_default();
        kept.notes = std::mem::take(&mut work.notes);
        kept.skipped = work.skipped;
    }
    for chunk in work.chunks() {
        take_some(flow, side, chunk, finds);
    }
}

pub(super) fn take_some<S: HasDissectState>(
    flow: &mut Flow<S>,
    from: Side,
    chunk: Chunk<'_>,
    finds: &mut impl Finds<S>,
) {
    if !chunk.octets.is_empty() {
        take(flow, from, chunk, finds);
    }
}

/// Takes bytes of a RegLogin stream.
fn take<S: HasDissectState>(
    flow: &mut Flow<S>,
    from: Side,
    mut chunk: Chunk<'_>,
    finds: &mut impl Finds<S>,
) {
    loop {
        let from_start = flow.starts_with_syn(from);
        let direction = &mut flow.state.dissect().directions[index(from)];
        if matches!(direction.mode, Mode::Start | Mode::Unproven) {
            direction.mode = if from_start {
                Mode::Boundary
            } else {
                Mode::Search
            };
        }
        if let Mode::Foretold { kind, left } = direction.mode {
            chunk = direction.try_boundary(chunk, kind, usize::from(left));
            if matches!(direction.mode, Mode::Foretold { .. }) {
                return;
            }
            continue;
        }
        if direction.mode == Mode::Search {
            chunk = direction.search(chunk);
            if direction.mode == Mode::Search {
                if chunk.octets.is_empty() {
                    return;
                }
                continue;
            }
            flow.state.dissect().protocol = Protocol::RegLogin;
            continue;
        }
        if direction.work.is_none() && finds.wanted().counts {
            chunk = count_clean(flow, from, chunk, finds);
            if chunk.octets.is_empty() {
                return;
            }
        }
        let between = Between::of(flow, from);
        let direction = &mut flow.state.dissect().directions[index(from)];
        let Some(rest) = direction.message(chunk, between, finds.messages()) else {
            return;
        };
        let holds = direction
            .work
            .as_ref()
            .is_some_and(|work| !work.octets.is_empty());
        chunk = rest;
        emit(flow, from, None, finds);
        if chunk.octets.is_empty() && !holds {
            return;
        }
    }
}

/// Passes on the plain messages at the start of a chunk, where a message begins and nothing is held;
/// gives what is left.
#[inline]
fn count_clean<'a, S: HasDissectState>(
    flow: &mut Flow<S>,
    from: Side,
    mut chunk: Chunk<'a>,
    finds: &mut impl Finds<S>,
) -> Chunk<'a> {
    while let Some((command, message)) = clean_message(chunk.octets) {
        if !learn_sender(flow, from, command) {
            break;
        }
        let (message, rest) = chunk.split_at(message.len());
        finds.take(flow, from, Finding::Clean(command, message));
        chunk = rest;
    }
    chunk
}

/// Lets a message's command say who its sender is; whether it is one that the sender's side sends.
#[inline]
fn learn_sender<S>(flow: &mut Flow<S>, from: Side, command: Command) -> bool {
    match command.kind() {
        Some(MessageKind::Request) => flow.role_by_content(from, Role::Client),
        Some(MessageKind::Response) => flow.role_by_content(from, Role::Server),
        None => {}
    }
    direction_fits(command, flow.role(from))
}

/// Judges the message that was put last, says who sent it, and hands it on. `cut` says that it
/// ends too early.
fn emit<S: HasDissectState>(
    flow: &mut Flow<S>,
    from: Side,
    cut: Option<Note>,
    finds: &mut impl Finds<S>,
) {
    let Some(message) = finds.messages().last_mut() else {
        return;
    };
    let command = message.command();
    message.clean = judge_into(&message.octets, &mut message.notes);
    if let Some(cut) = cut {
        message.notes.push(cut);
        judge_cut(&message.octets, &mut message.notes);
    }
    let fits = learn_sender(flow, from, command);
    message.sender = flow.role(from);
    if !fits {
        message.notes.push(Note::Fault(Fault::WrongSender(command)));
        judge_sender(&message.octets, message.sender, &mut message.notes);
    }
    finds.take(flow, from, Finding::Message(command));
}

/// Bytes of this direction were never captured.
pub fn gap<S: HasDissectState>(
    flow: &mut Flow<S>,
    from: Side,
    octets: u64,
    finds: &mut impl Finds<S>,
) {
    let watched = expects_reglogin(flow, finds);
    let state = flow.state.dissect();
    match state.protocol {
        Protocol::Layout(layout) => return described::gap(flow, from, layout, octets, finds),
        Protocol::Unknown if finds.wanted().has_layouts => described::probe_gap(flow, from, octets),
        _ => {}
    }
    let state = flow.state.dissect();
    let direction = &state.directions[index(from)];
    match state.protocol {
        Protocol::RegLogin => {}
        Protocol::Unknown if watched || direction.work.is_some() => {}
        _ => return,
    }
    let kind = flow.role(from).sends();
    let direction = &flow.state.dissect().directions[index(from)];
    let boundary = direction.boundary(kind);
    cut(flow, from, CutBy::Gap, finds);
    let reglogin = flow.state.dissect().protocol == Protocol::RegLogin;
    if reglogin {
        let lost = boundary.map_or_else(
            || octets.div_ceil(kind.len() as u64),
            |boundary| boundary.lost_in(octets, kind),
        );
        finds.take(flow, from, Finding::Lost(lost));
    }
    let direction = &mut flow.state.dissect().directions[index(from)];
    direction.mode = match boundary.filter(|_| reglogin) {
        Some(boundary) => boundary.behind(octets, kind),
        None => Mode::Search,
    };
    let work = direction.work.get_or_insert_default();
    work.notes.push(Note::Gap { octets });
}

/// A second copy of bytes differs, or bytes were given up: noted with the next message.
pub fn remark<S: HasDissectState>(
    flow: &mut Flow<S>,
    from: Side,
    note: Note,
    finds: &mut impl Finds<S>,
) {
    if flow.state.dissect().protocol.has_messages() || flow.is_watched() {
        finds.take(flow, from, Finding::Note(note));
    }
}

/// Nothing more comes from this side.
pub fn ended<S: HasDissectState>(
    flow: &mut Flow<S>,
    from: Side,
    by: CutBy,
    finds: &mut impl Finds<S>,
) {
    if finds.wanted().has_layouts {
        if flow.state.dissect().protocol == Protocol::Unknown {
            described::ended_unknown(flow, from, finds);
        }
        if let Protocol::Layout(layout) = flow.state.dissect().protocol {
            return described::ended(flow, from, layout, by, finds);
        }
    }
    let watched = expects_reglogin(flow, finds);
    let knows_reglogin = knows_reglogin(finds);
    let state = flow.state.dissect();
    let direction = &mut state.directions[index(from)];
    if state.protocol == Protocol::Unknown
        && knows_reglogin
        && let Some(work) = &direction.work
        && let Verdict::Is(Protocol::RegLogin) = identify(
            Opening {
                octets: &work.octets,
                one_segment: false,
                whole: true,
            },
            watched,
        )
    {
        direction.found_header(0);
        decide(flow, from, Protocol::RegLogin, finds);
    }
    if flow.state.dissect().protocol != Protocol::RegLogin {
        flow.state.dissect().directions[index(from)].work = None;
        return;
    }
    cut(flow, from, by, finds);
    if let Some(work) = flow.state.dissect().directions[index(from)].work.take() {
        for note in work.notes {
            finds.take(flow, from, Finding::Note(note));
        }
        if work.skipped > 0 {
            let note = Note::Skipped {
                octets: work.skipped,
            };
            finds.take(flow, from, Finding::Note(note));
        }
    }
}

/// Gives the message that is begun as far as it goes.
fn cut<S: HasDissectState>(flow: &mut Flow<S>, from: Side, by: CutBy, finds: &mut impl Finds<S>) {
    let between = Between::of(flow, from);
    let reglogin = flow.state.dissect().protocol == Protocol::RegLogin;
    let direction = &mut flow.state.dissect().directions[index(from)];
    let Some(work) = &mut direction.work else {
        return;
    };
    let have = work.octets.len();
    if have == 0 {
        return;
    }
    if direction.mode != Mode::Boundary || !reglogin {
        work.skipped += have as u64;
        work.drop_front(have);
        return;
    }
    let need = match extent(&work.octets) {
        Extent::Need(need) => need,
        Extent::Right(len) | Extent::Wrong(len) => len,
    };
    work.take_front(have, between, finds.messages());
    emit(flow, from, Some(Note::CutOff { have, need, by }), finds);
}
