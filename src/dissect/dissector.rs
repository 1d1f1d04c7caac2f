//! A direction's octets turned into messages.

use super::identify::{Verdict, identify};
use super::protocol::Protocol;
use super::reglogin::framing::{Extent, extent};
use super::reglogin::{Between, DirectionState, Mode, direction_fits, judge_into, skip};

use super::message::Message;
use super::note::{CutBy, Note};
use crate::protocol::{Command, Kind};
use crate::stream::{Chunk, Flow, Role, Side};

/// What the dissector keeps with a flow.
#[derive(Debug, Default)]
pub struct DissectState {
    protocol: Protocol,
    saw_data: bool,
    directions: [DirectionState; 2],
}

impl DissectState {
    /// The protocol that the stream is settled to be; unknown while more octets may tell.
    #[must_use]
    pub const fn decided(&self) -> Protocol {
        self.protocol
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

/// Gives the dissector its state out of what is kept with a flow.
pub trait HasDissectState {
    /// The state.
    fn dissect(&mut self) -> &mut DissectState;
}

/// Takes what the dissector finds.
pub trait Finds<S> {
    /// Where messages are put.
    fn messages(&mut self) -> &mut Vec<Message>;
    /// The last of the messages, which is of this command, is there, whole or as far as it goes.
    fn message(&mut self, flow: &mut Flow<S>, command: Command);
    /// This many messages cannot be told of, as octets of them were never captured.
    fn lost(&mut self, flow: &mut Flow<S>, from: Side, messages: u64);
    /// Something is to be said about a stream that is about no message.
    fn note(&mut self, flow: &mut Flow<S>, from: Side, note: Note);
}

const fn index(side: Side) -> usize {
    match side {
        Side::A => 0,
        Side::B => 1,
    }
}

/// Takes octets that are next in order.
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
        Protocol::Unknown => probe(flow, from, chunk, finds),
        _ => {}
    }
}

/// Takes octets of a stream whose protocol is not known yet.
fn probe<S: HasDissectState>(
    flow: &mut Flow<S>,
    from: Side,
    chunk: Chunk<'_>,
    finds: &mut impl Finds<S>,
) {
    let watched = flow.is_watched();
    let from_start = flow.starts_with_syn(from);
    let state = flow.state.dissect();
    let direction = &mut state.directions[index(from)];
    if direction.mode == Mode::Search {
        // Amid a stream on a watched port: another protocol shows at the start of a segment,
        // this one wherever a right header stands.
        if let Verdict::Is(protocol @ (Protocol::Smpp | Protocol::Tls | Protocol::Http)) =
            identify(chunk.octets, true, false)
        {
            decide(flow, protocol, finds);
            return;
        }
        take(flow, from, chunk, finds);
        return;
    }
    let mut rest = chunk;
    let verdict = match &mut direction.work {
        None => identify(chunk.octets, watched, false),
        Some(work) => {
            let taken = work.append(chunk);
            rest = skip(chunk, taken);
            identify(&work.octets, watched, false)
        }
    };
    match verdict {
        Verdict::Is(Protocol::RegLogin) if watched && !from_start => {
            direction.mode = Mode::Search;
            if direction.work.is_none() {
                take(flow, from, chunk, finds);
            } else {
                retake(flow, from, finds);
                take_some(flow, from, rest, finds);
            }
        }
        Verdict::Is(Protocol::Data) if !from_start => direction.work = None,
        Verdict::Is(protocol) => {
            decide(flow, protocol, finds);
            if protocol == Protocol::RegLogin {
                take_some(flow, from, rest, finds);
            }
        }
        Verdict::Unsure if direction.work.is_none() => {
            let work = direction.work.get_or_insert_default();
            work.append(chunk);
        }
        Verdict::Unsure => {}
    }
}

/// Settles the stream's protocol, and takes what both directions held until now.
fn decide<S: HasDissectState>(flow: &mut Flow<S>, protocol: Protocol, finds: &mut impl Finds<S>) {
    flow.state.dissect().protocol = protocol;
    for side in Side::BOTH {
        if protocol == Protocol::RegLogin {
            retake(flow, side, finds);
        } else {
            flow.state.dissect().directions[index(side)].work = None;
        }
    }
}

/// Takes the octets held of a direction as if they came now.
fn retake<S: HasDissectState>(flow: &mut Flow<S>, side: Side, finds: &mut impl Finds<S>) {
    let Some(work) = flow.state.dissect().directions[index(side)].work.take() else {
        return;
    };
    for chunk in work.chunks() {
        take_some(flow, side, chunk, finds);
    }
}

fn take_some<S: HasDissectState>(
    flow: &mut Flow<S>,
    from: Side,
    chunk: Chunk<'_>,
    finds: &mut impl Finds<S>,
) {
    if !chunk.octets.is_empty() {
        take(flow, from, chunk, finds);
    }
}

/// Takes octets of a RegLogin stream.
fn take<S: HasDissectState>(
    flow: &mut Flow<S>,
    from: Side,
    mut chunk: Chunk<'_>,
    finds: &mut impl Finds<S>,
) {
    let between = Between::of(flow, from);
    loop {
        let from_start = flow.starts_with_syn(from);
        let direction = &mut flow.state.dissect().directions[index(from)];
        if direction.mode == Mode::Start {
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
    judge_into(&message.octets, &mut message.notes);
    if let Some(cut) = cut {
        message.notes.push(cut);
    }
    match command.kind() {
        Some(Kind::Request) => flow.role_by_content(from, Role::Client),
        Some(Kind::Response) => flow.role_by_content(from, Role::Server),
        None => {}
    }
    message.sender = flow.role(from);
    if !direction_fits(command, message.sender) {
        message.notes.push(Note::WrongDirection(command));
    }
    finds.message(flow, command);
}

/// Octets of this direction were never captured.
pub fn gap<S: HasDissectState>(
    flow: &mut Flow<S>,
    from: Side,
    octets: u64,
    finds: &mut impl Finds<S>,
) {
    let watched = flow.is_watched();
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
        finds.lost(flow, from, lost);
    }
    let direction = &mut flow.state.dissect().directions[index(from)];
    direction.mode = match boundary.filter(|_| reglogin) {
        Some(boundary) => boundary.behind(octets, kind),
        None => Mode::Search,
    };
    let work = direction.work.get_or_insert_default();
    work.notes.push(Note::Gap { octets });
}

/// A second copy of octets differs, or octets were given up: noted with the next message.
pub fn remark<S: HasDissectState>(
    flow: &mut Flow<S>,
    from: Side,
    note: Note,
    finds: &mut impl Finds<S>,
) {
    if flow.state.dissect().protocol == Protocol::RegLogin || flow.is_watched() {
        finds.note(flow, from, note);
    }
}

/// Nothing more comes from this side.
pub fn ended<S: HasDissectState>(
    flow: &mut Flow<S>,
    from: Side,
    by: CutBy,
    finds: &mut impl Finds<S>,
) {
    let watched = flow.is_watched();
    let state = flow.state.dissect();
    let direction = &state.directions[index(from)];
    if state.protocol == Protocol::Unknown
        && direction.mode == Mode::Start
        && let Some(work) = &direction.work
        && let Verdict::Is(Protocol::RegLogin) = identify(&work.octets, watched, true)
    {
        decide(flow, Protocol::RegLogin, finds);
    }
    if flow.state.dissect().protocol != Protocol::RegLogin {
        flow.state.dissect().directions[index(from)].work = None;
        return;
    }
    cut(flow, from, by, finds);
    if let Some(work) = flow.state.dissect().directions[index(from)].work.take() {
        for note in work.notes {
            finds.note(flow, from, note);
        }
        if work.skipped > 0 {
            let note = Note::Skipped {
                octets: work.skipped,
            };
            finds.note(flow, from, note);
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

/// The command of a message that counts in an exchange: known, sent in the right direction, and
/// received whole by its receiver, captured whole or not.
#[must_use]
#[inline]
pub fn exchanged(message: &Message) -> Option<Command> {
    let counts_not = |note: &Note| match note {
        Note::CutOff { by, .. } => *by != CutBy::Gap,
        Note::WrongDirection(_) => true,
        _ => false,
    };
    let command = message.view().command()?;
    (command.kind().is_some() && !message.notes.iter().any(counts_not)).then_some(command)
}
