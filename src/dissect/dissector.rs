//! Turns a direction's bytes into messages.

use std::sync::Arc;

use super::described::{self, DescribedState, Known};
use super::identify::{Verdict, identify};
use super::probe::probe;
use super::protocol::Protocol;
use super::reglogin::evidence::Opening;
use super::reglogin::framing::{Extent, extent};
use super::reglogin::{
    Between, DirectionState, Mode, clean_message, judge_cut, judge_into, judge_sender,
};
use super::stream::Stream;

use super::message::Message;
use super::note::{CutBy, Note};
use crate::protocol::{Command, Fault, KnownCommand, MessageKind};
use crate::stream::{Chunk, Role, Roles, Side};

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

/// What is left of the state of a flow of which no more bytes come.
#[derive(Debug, Clone, Copy)]
pub struct DissectRemains {
    protocol: Protocol,
    saw_data: bool,
}

impl DissectState {
    /// Offset of what only few streams need.
    pub const RARE: usize = std::mem::offset_of!(Self, described);

    /// What is left of it if no more bytes come. `None` if it holds bytes, or state for layouts.
    #[must_use]
    pub const fn remains(&self) -> Option<DissectRemains> {
        if self.holds() || self.described.is_some() {
            return None;
        }
        Some(DissectRemains {
            protocol: self.protocol,
            saw_data: self.saw_data,
        })
    }

    /// A state that tells the protocol as before.
    #[must_use]
    pub fn of_remains(DissectRemains { protocol, saw_data }: DissectRemains) -> Self {
        Self {
            protocol,
            saw_data,
            ..Self::default()
        }
    }

    /// The stream's protocol once it is decided; `Unknown` while more bytes may decide it.
    #[must_use]
    pub const fn decided(&self) -> Protocol {
        self.protocol
    }

    /// Whether bytes of either direction are held, waiting for more.
    #[must_use]
    #[inline]
    pub const fn holds(&self) -> bool {
        let [one, other] = &self.directions;
        one.work.is_some() || other.work.is_some()
    }

    /// A note if this frame carried bytes of a message that is still incomplete. `watched` says that RegLogin is
    /// expected on the stream's ports, `sends` which kind of message a side sends.
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
        let begun = |side: Side| self.directions[side.index()].begun(frame, proven, sends(side));
        Side::BOTH.into_iter().find_map(begun)
    }

    /// The protocol recognised so far; `Data` if there was data without a recognised protocol.
    #[must_use]
    pub const fn protocol(&self) -> Protocol {
        match self.protocol {
            Protocol::Unknown if self.saw_data => Protocol::Data,
            protocol => protocol,
        }
    }
}

/// A finding in the bytes that one side of a flow sent. Findings are in the order of the bytes.
#[derive(Debug)]
pub enum Finding<'a> {
    /// The last of [`Finds::messages`] is a RegLogin message of this command, complete or cut off.
    Message(Command),
    /// The last of [`Finds::messages`] is a message that a layout describes, complete or cut off.
    Described,
    /// A message without notes, sent by the right side, in one segment. It is not in [`Finds::messages`].
    Clean(KnownCommand, Chunk<'a>),
    /// This many messages are lost: bytes of them were never captured.
    Lost(u64),
    /// Messages that a layout describes are lost: bytes of them were never captured.
    LostDescribed {
        /// How many messages, if known.
        messages: Option<u64>,
        /// How many bytes of the stream were never captured.
        octets: u64,
    },
    /// A note on the stream that does not belong to a message.
    Note(Note),
}

/// What the dissector looks for, and what it returns.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// The protocols to look for.
    pub known: &'a Arc<Known>,
    /// Whether there are layouts among them.
    pub has_layouts: bool,
    /// Whether messages without notes are only counted, as [`Finding::Clean`].
    pub counts: bool,
}

/// Receives the dissector's findings.
pub trait Finds {
    /// What to look for.
    fn wanted(&self) -> Wanted<'_>;
    /// The list that messages are added to.
    fn messages(&mut self) -> &mut Vec<Message>;
    /// Processes a finding. `from` is the side that sent the bytes.
    fn take(&mut self, stream: &Stream<'_>, from: Side, finding: Finding<'_>);
}

/// Processes bytes that are next in order.
pub fn octets(stream: &mut Stream<'_>, from: Side, chunk: Chunk<'_>, finds: &mut impl Finds) {
    let state = &mut *stream.state;
    state.saw_data = true;
    match state.protocol {
        Protocol::RegLogin => take(stream, from, chunk, finds),
        Protocol::Unknown if finds.wanted().has_layouts => {
            described::probe(stream, from, chunk, finds);
        }
        Protocol::Unknown => probe(stream, from, chunk, finds),
        Protocol::Layout(layout) => described::take(stream, from, layout, chunk, finds),
        _ => {}
    }
}

/// What decides whether a direction's first bytes begin a message.
#[derive(Debug, Clone, Copy)]
pub struct StreamOpening {
    /// Whether RegLogin is expected on the stream's ports, and no layout is among the protocols to look for.
    pub expects_reglogin: bool,
    /// Whether the start of what the side sent was captured.
    pub from_start: bool,
}

/// Whether bytes that are one RegLogin message without notes, with this command, are a message of their own at this
/// place in the stream. If not, [`octets`] must process them.
#[inline]
pub fn is_message_alone(
    state: &mut DissectState,
    roles: &mut Roles,
    opening: StreamOpening,
    from: Side,
    command: KnownCommand,
) -> bool {
    let [own, other] = [from, from.other()].map(|side| &state.directions[side.index()]);
    if own.work.is_some() {
        return false;
    }
    let begins = match (state.protocol, own.mode) {
        (Protocol::RegLogin, Mode::Boundary) => true,
        (Protocol::RegLogin, Mode::Start | Mode::Unproven) => opening.from_start,
        // Its name makes a clean request proof of RegLogin, and nothing else. A response may have no text.
        (Protocol::Unknown, Mode::Start) => {
            opening.from_start
                && opening.expects_reglogin
                && other.work.is_none()
                && command.kind == MessageKind::Request
        }
        _ => false,
    };
    if !begins || !learn_sender(roles, from, command.kind) {
        return false;
    }
    state.saw_data = true;
    state.protocol = Protocol::RegLogin;
    state.directions[from.index()].mode = Mode::Boundary;
    true
}

/// Whether RegLogin is expected on a port of the stream.
pub(super) fn expects_reglogin(stream: &Stream<'_>, finds: &impl Finds) -> bool {
    let ends = || Side::BOTH.map(|side| stream.end(side));
    stream.watched && (!finds.wanted().has_layouts || finds.wanted().known.expects_reglogin(ends()))
}

/// Whether RegLogin is one of the protocols to look for.
pub(super) fn knows_reglogin(finds: &impl Finds) -> bool {
    !finds.wanted().has_layouts || finds.wanted().known.reglogin
}

/// Decides the stream's protocol, and processes what both directions hold. The direction with the deciding bytes comes
/// last.
pub(super) fn decide(
    stream: &mut Stream<'_>,
    from: Side,
    protocol: Protocol,
    finds: &mut impl Finds,
) {
    stream.state.protocol = protocol;
    for side in [from.other(), from] {
        if protocol == Protocol::RegLogin {
            retake(stream, side, finds);
        } else {
            stream.state.directions[side.index()].work = None;
        }
    }
}

/// Decides that the stream's protocol is one that holds its bytes elsewhere.
pub(super) fn settle(stream: &mut Stream<'_>, protocol: Protocol) {
    let state = &mut *stream.state;
    state.protocol = protocol;
    for direction in &mut state.directions {
        direction.work = None;
    }
}

/// Processes the bytes held of a direction as if they had just come.
fn retake(stream: &mut Stream<'_>, side: Side, finds: &mut impl Finds) {
    let direction = &mut stream.state.directions[side.index()];
    let Some(mut work) = direction.work.take() else {
        return;
    };
    if !work.notes.is_empty() || work.skipped > 0 {
        let kept = direction.work.get_or_insert_default();
        kept.notes = std::mem::take(&mut work.notes);
        kept.skipped = work.skipped;
    }
    for chunk in work.chunks() {
        take_some(stream, side, chunk, finds);
    }
}

pub(super) fn take_some(
    stream: &mut Stream<'_>,
    from: Side,
    chunk: Chunk<'_>,
    finds: &mut impl Finds,
) {
    if !chunk.octets.is_empty() {
        take(stream, from, chunk, finds);
    }
}

/// Processes bytes of a RegLogin stream.
fn take(stream: &mut Stream<'_>, from: Side, mut chunk: Chunk<'_>, finds: &mut impl Finds) {
    loop {
        let from_start = stream.from_start(from);
        let direction = &mut stream.state.directions[from.index()];
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
            stream.state.protocol = Protocol::RegLogin;
            continue;
        }
        if direction.work.is_none() && finds.wanted().counts {
            chunk = count_clean(stream, from, chunk, finds);
            if chunk.octets.is_empty() {
                return;
            }
        }
        let between = Between::of(stream, from);
        let direction = &mut stream.state.directions[from.index()];
        let Some(rest) = direction.message(chunk, between, finds.messages()) else {
            return;
        };
        let holds = direction
            .work
            .as_ref()
            .is_some_and(|work| !work.octets.is_empty());
        chunk = rest;
        emit(stream, from, None, finds);
        if chunk.octets.is_empty() && !holds {
            return;
        }
    }
}

/// Passes on the messages without notes at the start of a chunk. Needs a message boundary there and no held bytes.
/// Returns the rest.
#[inline]
fn count_clean<'a>(
    stream: &mut Stream<'_>,
    from: Side,
    mut chunk: Chunk<'a>,
    finds: &mut impl Finds,
) -> Chunk<'a> {
    while let Some((command, message)) = clean_message(chunk.octets) {
        if !learn_sender(&mut stream.roles, from, command.kind) {
            break;
        }
        let (message, rest) = chunk.split_at(message.len());
        finds.take(stream, from, Finding::Clean(command, message));
        chunk = rest;
    }
    chunk
}

/// Learns from a message's kind which role its sender has. Returns whether that role sends such messages.
#[inline]
fn learn_sender(roles: &mut Roles, from: Side, kind: MessageKind) -> bool {
    let sender = Role::that_sends(kind);
    roles.by_content(from, sender);
    roles.role(from) == sender
}

/// Completes the last message with its notes and sender, and passes it on. `cut` is the note on a message that is cut
/// off.
fn emit(stream: &mut Stream<'_>, from: Side, cut: Option<Note>, finds: &mut impl Finds) {
    let Some(message) = finds.messages().last_mut() else {
        return;
    };
    let command = message.command();
    message.clean = judge_into(&message.octets, &mut message.notes);
    if let Some(cut) = cut {
        message.notes.push(cut);
        judge_cut(&message.octets, &mut message.notes);
    }
    let kind = command.kind();
    let fits = kind.is_none_or(|kind| learn_sender(&mut stream.roles, from, kind));
    message.sender = stream.roles.role(from);
    if !fits {
        message.notes.push(Note::Fault(Fault::WrongSender(command)));
        judge_sender(&message.octets, message.sender, &mut message.notes);
    }
    finds.take(stream, from, Finding::Message(command));
}

/// Processes a gap: bytes of this direction were never captured.
pub fn gap(stream: &mut Stream<'_>, from: Side, octets: u64, finds: &mut impl Finds) {
    let watched = expects_reglogin(stream, finds);
    let state = &mut *stream.state;
    match state.protocol {
        Protocol::Layout(layout) => return described::gap(stream, from, layout, octets, finds),
        Protocol::Unknown if finds.wanted().has_layouts => {
            described::probe_gap(stream, from, octets);
        }
        _ => {}
    }
    let state = &mut *stream.state;
    let direction = &state.directions[from.index()];
    match state.protocol {
        Protocol::RegLogin => {}
        Protocol::Unknown if watched || direction.work.is_some() => {}
        _ => return,
    }
    let kind = stream.roles.role(from).sends();
    let direction = &stream.state.directions[from.index()];
    let boundary = direction.boundary(kind);
    cut(stream, from, CutBy::Gap, finds);
    let reglogin = stream.state.protocol == Protocol::RegLogin;
    if reglogin {
        let lost = boundary.map_or_else(
            || octets.div_ceil(kind.len() as u64),
            |boundary| boundary.lost_in(octets, kind),
        );
        finds.take(stream, from, Finding::Lost(lost));
    }
    let direction = &mut stream.state.directions[from.index()];
    direction.mode = match boundary.filter(|_| reglogin) {
        Some(boundary) => boundary.behind(octets, kind),
        None => Mode::Search,
    };
    let work = direction.work.get_or_insert_default();
    work.notes.push(Note::Gap { octets });
}

/// Adds a note on the stream, if the stream has messages or RegLogin is expected on its ports.
pub fn remark(stream: &mut Stream<'_>, from: Side, note: Note, finds: &mut impl Finds) {
    if stream.state.protocol.has_messages() || stream.watched {
        finds.take(stream, from, Finding::Note(note));
    }
}

/// Processes the end of a side.
pub fn ended(stream: &mut Stream<'_>, from: Side, by: CutBy, finds: &mut impl Finds) {
    if finds.wanted().has_layouts {
        if stream.state.protocol == Protocol::Unknown {
            described::ended_unknown(stream, from, finds);
        }
        if let Protocol::Layout(layout) = stream.state.protocol {
            return described::ended(stream, from, layout, by, finds);
        }
    }
    let watched = expects_reglogin(stream, finds);
    let knows_reglogin = knows_reglogin(finds);
    let state = &mut *stream.state;
    let direction = &mut state.directions[from.index()];
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
        decide(stream, from, Protocol::RegLogin, finds);
    }
    if stream.state.protocol != Protocol::RegLogin {
        stream.state.directions[from.index()].work = None;
        return;
    }
    cut(stream, from, by, finds);
    if let Some(work) = stream.state.directions[from.index()].work.take() {
        for note in work.notes {
            finds.take(stream, from, Finding::Note(note));
        }
        if work.skipped > 0 {
            let note = Note::Skipped {
                octets: work.skipped,
            };
            finds.take(stream, from, Finding::Note(note));
        }
    }
}

/// Passes on a message that is cut off, with the bytes there are.
fn cut(stream: &mut Stream<'_>, from: Side, by: CutBy, finds: &mut impl Finds) {
    let between = Between::of(stream, from);
    let reglogin = stream.state.protocol == Protocol::RegLogin;
    let direction = &mut stream.state.directions[from.index()];
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
    emit(stream, from, Some(Note::CutOff { have, need, by }), finds);
}
