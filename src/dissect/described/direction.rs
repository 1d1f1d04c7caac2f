//! One direction of a stream whose layout is known: where a message begins, which bytes are held, and the search for
//! the next message.

#![expect(
    clippy::cast_possible_truncation,
    reason = "offsets in a message of at most 16 MiB"
)]

use smallvec::SmallVec;

use super::held::{Carried, Held};
use crate::dissect::dissector::{Finding, Finds};
use crate::dissect::message::{Described, Message, side_of};
use crate::dissect::note::{CutBy, Note};
use crate::dissect::stream::Stream;
use crate::layout::{FieldRef, Found, Frame, LayoutId, Opening, Plan, Reading, Side as Sender};
use crate::stream::{Chunk, Role, Side};

/// How the next bytes of a direction are processed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Mode {
    /// Nothing is known of the direction yet.
    #[default]
    Start,
    /// The first bytes are no message of any layout.
    Unproven,
    /// A message begins here.
    Boundary,
    /// A message begins after this many bytes. This follows from the length of the message before a gap, or from the
    /// size that all messages have.
    Foretold(usize),
    /// The start of a message is searched for.
    Search,
}

/// State of a direction.
#[derive(Debug, Default)]
pub(super) struct LayoutDirection {
    pub mode: Mode,
    pub held: Held,
    /// Bytes skipped in the search for a message.
    pub skipped: u64,
    /// Notes for the next message.
    pub notes: SmallVec<[Note; 1]>,
}

/// What the next bytes are.
enum Next {
    /// A message of this many bytes.
    Message(usize),
    /// This many bytes that belong to no message.
    Passed(usize),
    /// More bytes are needed.
    Wait,
}

impl LayoutDirection {
    /// Decides what `bytes` begin with. `whole` says that no more bytes follow.
    fn next(&mut self, plan: &Plan, bytes: &[u8], side: Sender, whole: bool) -> Next {
        loop {
            match self.mode {
                Mode::Boundary => match plan.frame(bytes, side) {
                    Frame::Whole(len) if len <= bytes.len() => return Next::Message(len),
                    Frame::Whole(_) | Frame::Need(_) => return Next::Wait,
                    Frame::None => self.mode = Mode::Search,
                },
                Mode::Foretold(0) => match plan.frame(bytes, side) {
                    Frame::Need(_) if !whole && plan.may_begin(bytes, side) => return Next::Wait,
                    Frame::Whole(_) if plan.may_begin(bytes, side) => self.found(),
                    _ => self.mode = Mode::Search,
                },
                Mode::Foretold(left) => {
                    let passed = left.min(bytes.len());
                    self.mode = Mode::Foretold(left - passed);
                    return Next::Passed(passed);
                }
                // Most segments begin with a message.
                Mode::Start | Mode::Unproven => match plan.begins(bytes, side, whole) {
                    Opening::Yes(_) => self.found(),
                    Opening::More => return Next::Wait,
                    Opening::No => self.mode = Mode::Search,
                },
                Mode::Search => match plan.find(bytes, side, whole) {
                    Found::At(0) => self.found(),
                    Found::NoneBefore(0) => return Next::Wait,
                    Found::At(at) | Found::NoneBefore(at) => return Next::Passed(at),
                },
            }
        }
    }

    /// Records that a message begins here.
    pub fn found(&mut self) {
        self.mode = Mode::Boundary;
        let octets = std::mem::take(&mut self.skipped);
        if octets > 0 {
            self.notes.push(Note::Skipped { octets });
        }
    }
}

fn direction<'a>(stream: &'a mut Stream<'_>, from: Side) -> &'a mut LayoutDirection {
    let state = stream.state.described.get_or_insert_default();
    &mut state.directions[from.index()]
}

/// Processes bytes of a stream of this layout's protocol.
pub(in crate::dissect) fn take(
    stream: &mut Stream<'_>,
    from: Side,
    layout: LayoutId,
    chunk: Chunk<'_>,
    finds: &mut impl Finds,
) {
    let is_idle = direction(stream, from).held.octets.is_empty();
    if is_idle {
        let carried = |range| Held::carried_by(chunk, &range);
        let taken = pass(stream, from, layout, chunk.octets, carried, false, finds);
        if taken < chunk.octets.len() {
            direction(stream, from).held.push(chunk.behind(taken));
        }
    } else {
        direction(stream, from).held.push(chunk);
        take_held(stream, from, layout, false, finds);
    }
}

/// Processes the held bytes as far as possible. `whole` says that no more bytes follow.
fn take_held(
    stream: &mut Stream<'_>,
    from: Side,
    layout: LayoutId,
    whole: bool,
    finds: &mut impl Finds,
) {
    let mut held = std::mem::take(&mut direction(stream, from).held);
    let carried = |range| held.carried(&range);
    let taken = pass(stream, from, layout, &held.octets, carried, whole, finds);
    held.drop_front(taken);
    direction(stream, from).held = held;
}

/// Passes on the messages in `bytes`, and returns the number of bytes processed. `carried` returns which frames carried
/// a range of them.
fn pass(
    stream: &mut Stream<'_>,
    from: Side,
    layout: LayoutId,
    bytes: &[u8],
    carried: impl Fn(std::ops::Range<usize>) -> Carried,
    whole: bool,
    finds: &mut impl Finds,
) -> usize {
    let plan = layout.plan();
    let mut at = 0;
    while at < bytes.len() {
        let rest = &bytes[at..];
        let side = side_of(stream.roles.role(from));
        let direction = direction(stream, from);
        match direction.next(plan, rest, side, whole) {
            Next::Message(len) => {
                let notes = std::mem::take(&mut direction.notes);
                let carried = carried(at..at + len);
                emit(
                    stream,
                    from,
                    layout,
                    &rest[..len],
                    len,
                    carried,
                    notes,
                    finds,
                );
                at += len;
            }
            Next::Passed(passed) => {
                direction.skipped += passed as u64;
                at += passed;
            }
            Next::Wait => break,
        }
    }
    at
}

/// Adds a message to the list, sets its sender, and passes it on. `size` is the size of the whole message in bytes,
/// `bytes` is what was captured of it.
#[allow(clippy::too_many_arguments)]
fn emit(
    stream: &mut Stream<'_>,
    from: Side,
    layout: LayoutId,
    bytes: &[u8],
    size: usize,
    (sources, (frame, time)): Carried,
    mut notes: SmallVec<[Note; 1]>,
    finds: &mut impl Finds,
) {
    let plan = layout.plan();
    let mut reading = plan.read(bytes, side_of(stream.roles.role(from)));
    let sender = reading.kind.and_then(|kind| plan.kinds[kind].sender);
    if let Some(sender) = sender {
        let role = match sender {
            Sender::Client => Role::Client,
            Sender::Server => Role::Server,
        };
        let before = stream.roles.role(from);
        stream.roles.by_content(from, role);
        if stream.roles.role(from) != before {
            reading = plan.read(bytes, side_of(stream.roles.role(from)));
        }
    }
    notes.extend(notes_of(layout, &reading, bytes.len() < size));
    finds.messages().push(Message {
        frame,
        time,
        stream: stream.number,
        sender: stream.roles.role(from),
        source: stream.end(from),
        destination: stream.end(from.other()),
        octets: arrayvec::ArrayVec::new_const(),
        described: Some(Box::new(Described {
            layout,
            bytes: bytes.to_vec(),
            size: size as u32,
            kind: reading.kind,
            user: reading.user.map(|(_, range)| range),
            id: reading.id.map(|(_, range)| range),
            secret: reading.secret.map(|(_, range)| range),
            said: reading.said,
            asked: None,
        })),
        sources,
        notes,
        encrypted: false,
        clean: false,
        peer: None,
        answered: None,
    });
    finds.take(stream, from, Finding::Described);
}

/// Notes on a message. If it is cut off, faults about its size are left out: another note says so.
fn notes_of(layout: LayoutId, reading: &Reading, is_cut: bool) -> impl Iterator<Item = Note> {
    let kept = reading.faults.iter();
    kept.filter(move |fault| !(is_cut && fault.kind.is_of_size()))
        .map(move |fault| Note::Described {
            fault: fault.kind,
            field: fault.field.map(|field| FieldRef::new(layout, field)),
            at: (fault.range.start as u32, fault.range.len() as u32),
        })
}

/// Passes on a message that is cut off, with the bytes there are.
fn cut(stream: &mut Stream<'_>, from: Side, layout: LayoutId, by: CutBy, finds: &mut impl Finds) {
    let plan = layout.plan();
    let side = side_of(stream.roles.role(from));
    let direction = direction(stream, from);
    let held = std::mem::take(&mut direction.held);
    let have = held.octets.len();
    if have == 0 || direction.mode != Mode::Boundary {
        direction.skipped += have as u64;
        return;
    }
    let need = match plan.frame(&held.octets, side) {
        Frame::Whole(len) => len,
        Frame::Need(need) => need.max(plan.least()),
        Frame::None => have,
    };
    let mut notes = std::mem::take(&mut direction.notes);
    notes.push(Note::CutOff { have, need, by });
    let carried = held.carried(&(0..have));
    emit(
        stream,
        from,
        layout,
        &held.octets,
        need,
        carried,
        notes,
        finds,
    );
}

/// Processes a gap in a stream of this layout's protocol.
pub(in crate::dissect) fn gap(
    stream: &mut Stream<'_>,
    from: Side,
    layout: LayoutId,
    octets: u64,
    finds: &mut impl Finds,
) {
    let plan = layout.plan();
    let side = side_of(stream.roles.role(from));
    let width = plan.size_from(side);
    let state = direction(stream, from);
    let have = state.held.octets.len();
    let left = match state.mode {
        Mode::Boundary | Mode::Foretold(0) if have > 0 => {
            let width = match plan.frame(&state.held.octets, side) {
                Frame::Whole(len) => Some(len),
                Frame::Need(_) => width,
                Frame::None => None,
            };
            width.and_then(|width| width.checked_sub(have))
        }
        Mode::Boundary => Some(0),
        Mode::Foretold(left) => Some(left),
        Mode::Start | Mode::Unproven | Mode::Search => None,
    };
    let headless = have > 0 && have < plan.least();
    cut(stream, from, layout, CutBy::Gap, finds);
    // Bytes from the end of the gap to the next message: the end of the message begun before the gap, or of the one
    // that the gap's end is inside.
    let behind = left.and_then(|left| match (octets.checked_sub(left as u64), width) {
        (None, _) => Some(left - octets as usize),
        (Some(0), _) => Some(0),
        (Some(into), Some(width)) => Some((width - (into % width as u64) as usize) % width),
        (Some(_), None) => None,
    });
    let lost = match (left, width) {
        (Some(left), Some(width)) => {
            let into = octets.saturating_sub(left as u64);
            Some(into.div_ceil(width as u64) + u64::from(headless))
        }
        (Some(left), None) if left as u64 >= octets => Some(u64::from(headless)),
        _ => None,
    };
    let direction = direction(stream, from);
    direction.mode = behind.map_or(Mode::Search, Mode::Foretold);
    direction.notes.push(Note::Gap { octets });
    if lost != Some(0) {
        let finding = Finding::LostDescribed {
            messages: lost,
            octets,
        };
        finds.take(stream, from, finding);
    }
}

/// Processes a gap in a stream whose protocol is not known.
pub(in crate::dissect) fn probe_gap(stream: &mut Stream<'_>, from: Side, octets: u64) {
    let direction = direction(stream, from);
    let held = std::mem::take(&mut direction.held);
    direction.skipped += held.octets.len() as u64;
    direction.mode = Mode::Search;
    direction.notes.push(Note::Gap { octets });
}

/// Processes the end of a side of such a stream.
pub(in crate::dissect) fn ended(
    stream: &mut Stream<'_>,
    from: Side,
    layout: LayoutId,
    by: CutBy,
    finds: &mut impl Finds,
) {
    take_held(stream, from, layout, true, finds);
    cut(stream, from, layout, by, finds);
    let direction = direction(stream, from);
    let notes = std::mem::take(&mut direction.notes);
    let octets = std::mem::take(&mut direction.skipped);
    for note in notes {
        finds.take(stream, from, Finding::Note(note));
    }
    if octets > 0 {
        finds.take(stream, from, Finding::Note(Note::Skipped { octets }));
    }
}
