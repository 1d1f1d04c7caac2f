//! A direction's octets turned into messages.

use arrayvec::ArrayVec;
use smallvec::SmallVec;

use super::framing::{Extent, LOOK_AHEAD, extent, find_header};
use super::identify::{Protocol, Verdict, identify};
use super::judge::{direction_fits, judge};
use super::message::{Message, Source};
use super::note::{CutBy, Note};
use crate::capture::Timestamp;
use crate::protocol::layout::MAX_LEN;
use crate::protocol::{Command, Kind};
use crate::stream::{Chunk, Flow, Role, Side};

/// How a direction's next octets are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Mode {
    /// Nothing is known of the direction yet.
    #[default]
    Start,
    /// A message begins here.
    Boundary,
    /// A right header is searched for.
    Search,
}

/// Octets held of a direction at the most: a message, and what is looked at behind it.
const HELD: usize = MAX_LEN + LOOK_AHEAD;

/// What is kept of a direction between its chunks, where anything is.
#[derive(Debug, Default)]
struct Work {
    /// The beginning of a message, or of what may be one.
    octets: ArrayVec<u8, HELD>,
    sources: SmallVec<[Source; 1]>,
    /// Octets passed over in search of a header.
    skipped: u64,
    /// Notes for the next message.
    notes: SmallVec<[Note; 1]>,
    /// Time and number of the frame that brought the last octet.
    frame: u64,
    time: Timestamp,
}

#[derive(Debug, Default)]
struct DirectionState {
    mode: Mode,
    work: Option<Box<Work>>,
}

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
    /// A message is there, whole or as far as it goes.
    fn message(&mut self, flow: &mut Flow<S>, from: Side, message: Message);
    /// Octets were never captured, after the first `begun` octets of a message.
    fn lost(&mut self, flow: &mut Flow<S>, from: Side, begun: usize, octets: u64);
    /// Something is to be said about a stream that is about no message.
    fn note(&mut self, flow: &mut Flow<S>, from: Side, note: Note);
}

/// The frame being pushed: when its octets became available.
#[derive(Debug, Clone, Copy, Default)]
pub struct Arrival {
    /// Number of the frame.
    pub frame: u64,
    /// Its time.
    pub time: Timestamp,
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
    arrival: Arrival,
    finds: &mut impl Finds<S>,
) {
    let state = flow.state.dissect();
    state.saw_data = true;
    match state.protocol {
        Protocol::RegLogin => take(flow, from, chunk, arrival, finds),
        Protocol::Unknown => probe(flow, from, chunk, arrival, finds),
        _ => {}
    }
}

/// Takes octets of a stream whose protocol is not known yet.
fn probe<S: HasDissectState>(
    flow: &mut Flow<S>,
    from: Side,
    chunk: Chunk<'_>,
    arrival: Arrival,
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
            decide(flow, protocol, finds, arrival);
            return;
        }
        take(flow, from, chunk, arrival, finds);
        return;
    }
    let mut rest = chunk;
    let verdict = match &mut direction.work {
        None => identify(chunk.octets, watched, false),
        Some(work) => {
            let taken = work.append(chunk, arrival);
            rest = skip(chunk, taken);
            identify(&work.octets, watched, false)
        }
    };
    match verdict {
        Verdict::Is(Protocol::RegLogin) if watched && !from_start => {
            direction.mode = Mode::Search;
            if direction.work.is_none() {
                take(flow, from, chunk, arrival, finds);
            } else {
                retake(flow, from, arrival, finds);
                take_some(flow, from, rest, arrival, finds);
            }
        }
        Verdict::Is(Protocol::Data) if !from_start => direction.work = None,
        Verdict::Is(protocol) => {
            decide(flow, protocol, finds, arrival);
            if protocol == Protocol::RegLogin {
                take_some(flow, from, rest, arrival, finds);
            }
        }
        Verdict::Unsure if direction.work.is_none() => {
            let work = direction.work.get_or_insert_default();
            work.append(chunk, arrival);
        }
        Verdict::Unsure => {}
    }
}

/// Settles the stream's protocol, and takes what both directions held until now.
fn decide<S: HasDissectState>(
    flow: &mut Flow<S>,
    protocol: Protocol,
    finds: &mut impl Finds<S>,
    arrival: Arrival,
) {
    flow.state.dissect().protocol = protocol;
    for side in Side::BOTH {
        if protocol == Protocol::RegLogin {
            retake(flow, side, arrival, finds);
        } else {
            flow.state.dissect().directions[index(side)].work = None;
        }
    }
}

/// Takes the octets held of a direction as if they came now.
fn retake<S: HasDissectState>(
    flow: &mut Flow<S>,
    side: Side,
    arrival: Arrival,
    finds: &mut impl Finds<S>,
) {
    let Some(work) = flow.state.dissect().directions[index(side)].work.take() else {
        return;
    };
    for source in &work.sources {
        let range = usize::from(source.start)..usize::from(source.start) + usize::from(source.len);
        let chunk = Chunk {
            octets: &work.octets[range],
            frame: source.frame,
            offset: source.offset,
        };
        take_some(flow, side, chunk, arrival, finds);
    }
}

fn take_some<S: HasDissectState>(
    flow: &mut Flow<S>,
    from: Side,
    chunk: Chunk<'_>,
    arrival: Arrival,
    finds: &mut impl Finds<S>,
) {
    if !chunk.octets.is_empty() {
        take(flow, from, chunk, arrival, finds);
    }
}

fn skip(chunk: Chunk<'_>, octets: usize) -> Chunk<'_> {
    Chunk {
        octets: &chunk.octets[octets..],
        offset: chunk.offset + octets as u32,
        ..chunk
    }
}

/// Takes octets of a RegLogin stream.
fn take<S: HasDissectState>(
    flow: &mut Flow<S>,
    from: Side,
    mut chunk: Chunk<'_>,
    arrival: Arrival,
    finds: &mut impl Finds<S>,
) {
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
        if direction.mode == Mode::Search {
            chunk = direction.search(chunk, arrival);
            if direction.mode == Mode::Search {
                return;
            }
            flow.state.dissect().protocol = Protocol::RegLogin;
            continue;
        }
        let Some((mut found, rest)) = direction.message(chunk, arrival) else {
            return;
        };
        let holds = direction
            .work
            .as_ref()
            .is_some_and(|work| !work.octets.is_empty());
        chunk = rest;
        found.notes.extend(judge(&found.octets));
        emit(flow, from, found, finds);
        if chunk.octets.is_empty() && !holds {
            return;
        }
    }
}

/// A message's own part of [`Message`]; the rest is the flow's.
struct Found {
    octets: ArrayVec<u8, MAX_LEN>,
    sources: SmallVec<[Source; 1]>,
    notes: SmallVec<[Note; 1]>,
    frame: u64,
    time: Timestamp,
}

/// The octets of a message; never more than a message can have.
fn message_octets(octets: &[u8]) -> ArrayVec<u8, MAX_LEN> {
    let mut message = ArrayVec::new();
    let _ = message.try_extend_from_slice(&octets[..octets.len().min(MAX_LEN)]);
    message
}

impl Work {
    /// Adds octets of `chunk` as far as they fit; gives how many.
    fn append(&mut self, chunk: Chunk<'_>, arrival: Arrival) -> usize {
        let room = self.octets.remaining_capacity();
        self.append_at_most(chunk, room, arrival)
    }

    fn append_at_most(&mut self, chunk: Chunk<'_>, most: usize, arrival: Arrival) -> usize {
        let most = most.min(self.octets.remaining_capacity());
        let taken = chunk.octets.len().min(most);
        if taken == 0 {
            return 0;
        }
        let start = self.octets.len();
        // There is room: no more was taken.
        let _ = self.octets.try_extend_from_slice(&chunk.octets[..taken]);
        match self.sources.last_mut() {
            // What was held goes on in the same frame.
            Some(last)
                if last.frame == chunk.frame
                    && last.offset + u32::from(last.len) == chunk.offset =>
            {
                last.len += taken as u8;
            }
            _ => self.sources.push(Source {
                frame: chunk.frame,
                offset: chunk.offset,
                start: start as u8,
                len: taken as u8,
            }),
        }
        self.frame = arrival.frame;
        self.time = arrival.time;
        taken
    }

    /// Drops octets from the front.
    fn drop_front(&mut self, octets: usize) {
        self.octets.drain(..octets);
        let mut left = octets;
        self.sources.retain_mut(|source| {
            let cut = left.min(usize::from(source.len));
            left -= cut;
            source.offset += cut as u32;
            source.len -= cut as u8;
            source.start = (usize::from(source.start) + cut).saturating_sub(octets) as u8;
            source.len > 0
        });
    }

    /// Takes the first octets out as a message.
    fn take_front(&mut self, octets: usize) -> Found {
        let mut found = Found {
            octets: message_octets(&self.octets[..octets]),
            sources: SmallVec::new(),
            notes: std::mem::take(&mut self.notes),
            frame: self.frame,
            time: self.time,
        };
        for source in &self.sources {
            let start = usize::from(source.start);
            if start < octets {
                found.sources.push(Source {
                    len: (octets - start).min(usize::from(source.len)) as u8,
                    ..*source
                });
            }
        }
        self.drop_front(octets);
        found
    }

    fn is_idle(&self) -> bool {
        self.octets.is_empty() && self.notes.is_empty() && self.skipped == 0
    }
}

impl DirectionState {
    /// Octets held of a message that is not whole yet.
    fn begun(&self) -> usize {
        match (&self.work, self.mode) {
            (Some(work), Mode::Boundary) => work.octets.len(),
            _ => 0,
        }
    }

    /// Searches for a right header. Gives what is left of `chunk`: in mode
    /// [`Mode::Boundary`] the header is found and stands at the start of what is held and left.
    fn search<'a>(&mut self, chunk: Chunk<'a>, arrival: Arrival) -> Chunk<'a> {
        const KEPT: usize = LOOK_AHEAD - 1;
        if let Some(work) = &mut self.work
            && !work.octets.is_empty()
        {
            // A header can start among the octets held and end in this chunk.
            let held = work.octets.len();
            let taken = work.append_at_most(chunk, KEPT, arrival);
            if let Some(at) = find_header(&work.octets) {
                work.drop_front(at);
                self.found_header(at);
                return skip(chunk, taken);
            }
            if taken < KEPT {
                let passed = work.octets.len().saturating_sub(KEPT);
                work.skipped += passed as u64;
                work.drop_front(passed);
                return skip(chunk, taken);
            }
            work.skipped += held as u64;
            work.octets.clear();
            work.sources.clear();
        }
        if let Some(at) = find_header(chunk.octets) {
            self.found_header(at);
            return skip(chunk, at);
        }
        let passed = chunk.octets.len().saturating_sub(KEPT);
        let work = self.work.get_or_insert_default();
        work.skipped += passed as u64;
        work.append(skip(chunk, passed), arrival);
        skip(chunk, chunk.octets.len())
    }

    fn found_header(&mut self, passed: usize) {
        self.mode = Mode::Boundary;
        let skipped = passed as u64 + self.work.as_ref().map_or(0, |work| work.skipped);
        if skipped > 0 {
            let work = self.work.get_or_insert_default();
            work.skipped = 0;
            work.notes.push(Note::Skipped { octets: skipped });
        }
    }

    /// Takes the message at the boundary and gives it with what is left of `chunk`; `None` where
    /// it is not whole yet, with all of `chunk` held.
    fn message<'a>(&mut self, chunk: Chunk<'a>, arrival: Arrival) -> Option<(Found, Chunk<'a>)> {
        let (found, rest, wrong) = match &mut self.work {
            Some(work) if !work.octets.is_empty() => {
                let mut rest = chunk;
                let taken = loop {
                    match extent(&work.octets) {
                        Extent::Need(need) => {
                            let missing = need - work.octets.len();
                            let taken = work.append_at_most(rest, missing, arrival);
                            rest = skip(rest, taken);
                            if taken < missing {
                                return None;
                            }
                        }
                        Extent::Right(len) => break (len, false),
                        Extent::Wrong(len) => break (len, true),
                    }
                };
                (work.take_front(taken.0), rest, taken.1)
            }
            _ => {
                let (len, wrong) = match extent(chunk.octets) {
                    Extent::Need(_) => {
                        let work = self.work.get_or_insert_default();
                        work.append(chunk, arrival);
                        return None;
                    }
                    Extent::Right(len) => (len, false),
                    Extent::Wrong(len) => (len, true),
                };
                (self.in_place(chunk, len, arrival), skip(chunk, len), wrong)
            }
        };
        if wrong {
            self.mode = Mode::Search;
        }
        if self.work.as_ref().is_some_and(|work| work.is_idle()) {
            self.work = None;
        }
        Some((found, rest))
    }

    /// A message that stands whole in one chunk.
    fn in_place(&mut self, chunk: Chunk<'_>, len: usize, arrival: Arrival) -> Found {
        Found {
            octets: message_octets(&chunk.octets[..len]),
            sources: SmallVec::from_buf([Source {
                frame: chunk.frame,
                offset: chunk.offset,
                start: 0,
                len: len as u8,
            }]),
            notes: self
                .work
                .as_mut()
                .map(|work| std::mem::take(&mut work.notes))
                .unwrap_or_default(),
            frame: arrival.frame,
            time: arrival.time,
        }
    }
}

fn emit<S: HasDissectState>(
    flow: &mut Flow<S>,
    from: Side,
    found: Found,
    finds: &mut impl Finds<S>,
) {
    let mut message = Message {
        frame: found.frame,
        time: found.time,
        stream: flow.stream,
        sender: Role::Client,
        source: flow.end(from),
        destination: flow.end(from.other()),
        octets: found.octets,
        sources: found.sources,
        notes: found.notes,
        peer: None,
    };
    let command = message.command();
    match command.kind() {
        Some(Kind::Request) => flow.role_by_content(from, Role::Client),
        Some(Kind::Response) => flow.role_by_content(from, Role::Server),
        None => {}
    }
    message.sender = flow.role(from);
    if !direction_fits(command, message.sender) {
        message.notes.push(Note::WrongDirection(command));
    }
    finds.message(flow, from, message);
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
    let direction = &mut state.directions[index(from)];
    match state.protocol {
        Protocol::RegLogin => {}
        Protocol::Unknown if watched || direction.work.is_some() => {}
        _ => return,
    }
    let begun = direction.begun();
    cut(flow, from, CutBy::Gap, finds);
    if flow.state.dissect().protocol == Protocol::RegLogin {
        finds.lost(flow, from, begun, octets);
    }
    let direction = &mut flow.state.dissect().directions[index(from)];
    direction.mode = Mode::Search;
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
    arrival: Arrival,
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
        decide(flow, Protocol::RegLogin, finds, arrival);
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
    let mut found = work.take_front(have);
    found.notes.extend(judge(&found.octets));
    found.notes.push(Note::CutOff { have, need, by });
    emit(flow, from, found, finds);
}

/// The command of a message that counts in an exchange: known, sent in the right direction, and
/// received whole by its receiver, captured whole or not.
#[must_use]
pub fn exchanged(message: &Message) -> Option<Command> {
    let counts_not = |note: &Note| match note {
        Note::CutOff { by, .. } => *by != CutBy::Gap,
        Note::WrongDirection(_) => true,
        _ => false,
    };
    let command = message.view().command()?;
    (command.kind().is_some() && !message.notes.iter().any(counts_not)).then_some(command)
}
