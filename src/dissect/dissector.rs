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
use super::stream::Stream;

use super::message::Message;
use super::note::{CutBy, Note};
use crate::protocol::{Command, Fault, MessageKind};
use crate::stream::{Chunk, Role, Side};

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
        let begun = |side: Side| self.directions[side.index()].begun(frame, proven, sends(side));
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
pub trait Finds {
    /// What is looked for.
    fn wanted(&self) -> Wanted<'_>;
    /// Where messages are put.
    fn messages(&mut self) -> &mut Vec<Message>;
    /// Takes what was found.
    fn take(&mut self, stream: &Stream<'_>, from: Side, finding: Finding<'_>);
}

/// Takes bytes that are next in order.
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

/// Takes bytes that are next in order, and that are one message of RegLogin without notes, if no other may come of
/// them. `false` if one may: then [`octets`] has to take them.
#[inline]
pub fn clean_message_alone(
    stream: &mut Stream<'_>,
    from: Side,
    chunk: Chunk<'_>,
    finds: &mut impl Finds,
) -> bool {
    let state = &mut *stream.state;
    let direction = &state.directions[from.index()];
    let begins = direction.mode == Mode::Boundary && direction.work.is_none();
    if state.protocol != Protocol::RegLogin || !begins {
        return false;
    }
    let command = command(chunk.octets);
    let Some(command) = command.filter(|command| learn_sender(stream, from, *command)) else {
        return false;
    };
    finds.take(stream, from, Finding::Clean(command, chunk));
    true
}

/// Whether RegLogin is expected on a port of the stream.
pub(super) fn expects_reglogin(stream: &Stream<'_>, finds: &impl Finds) -> bool {
    let ends = || [stream.end(Side::A), stream.end(Side::B)];
    stream.watched && (!finds.wanted().has_layouts || finds.wanted().known.expects_reglogin(ends()))
}

/// Whether RegLogin is looked for at all.
pub(super) fn knows_reglogin(finds: &impl Finds) -> bool {
    !finds.wanted().has_layouts || finds.wanted().known.reglogin
}

/// Settles the stream's protocol, and takes what both directions held until now: last that which
/// settled it.
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

/// Settles that the stream speaks a protocol that holds its bytes itself.
pub(super) fn settle(stream: &mut Stream<'_>, protocol: Protocol) {
    let state = &mut *stream.state;
    state.protocol = protocol;
    for direction in &mut state.directions {
        direction.work = None;
    }
}

/// Takes the bytes held of a direction as if they came now.
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

/// Takes bytes of a RegLogin stream.
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

/// Passes on the plain messages at the start of a chunk, where a message begins and nothing is held;
/// gives what is left.
#[inline]
fn count_clean<'a>(
    stream: &mut Stream<'_>,
    from: Side,
    mut chunk: Chunk<'a>,
    finds: &mut impl Finds,
) -> Chunk<'a> {
    while let Some((command, message)) = clean_message(chunk.octets) {
        if !learn_sender(stream, from, command) {
            break;
        }
        let (message, rest) = chunk.split_at(message.len());
        finds.take(stream, from, Finding::Clean(command, message));
        chunk = rest;
    }
    chunk
}

/// Lets a message's command say who its sender is; whether it is one that the sender's side sends.
#[inline]
fn learn_sender(stream: &mut Stream<'_>, from: Side, command: Command) -> bool {
    match command.kind() {
        Some(MessageKind::Request) => stream.roles.by_content(from, Role::Client),
        Some(MessageKind::Response) => stream.roles.by_content(from, Role::Server),
        None => {}
    }
    direction_fits(command, stream.roles.role(from))
}

/// Judges the message that was put last, says who sent it, and hands it on. `cut` says that it
/// ends too early.
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
    let fits = learn_sender(stream, from, command);
    message.sender = stream.roles.role(from);
    if !fits {
        message.notes.push(Note::Fault(Fault::WrongSender(command)));
        judge_sender(&message.octets, message.sender, &mut message.notes);
    }
    finds.take(stream, from, Finding::Message(command));
}

/// Bytes of this direction were never captured.
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

/// A second copy of bytes differs, or bytes were given up: noted with the next message.
pub fn remark(stream: &mut Stream<'_>, from: Side, note: Note, finds: &mut impl Finds) {
    if stream.state.protocol.has_messages() || stream.watched {
        finds.take(stream, from, Finding::Note(note));
    }
}

/// Nothing more comes from this side.
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

/// Gives the message that is begun as far as it goes.
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
