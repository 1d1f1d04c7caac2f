//! One direction of a stream whose layout is known: where a message begins, what is held of it, and the search for the
//! next one.

#![expect(
    clippy::cast_possible_truncation,
    reason = "places in a message of at most 16 MiB"
)]

use smallvec::SmallVec;

use super::held::{Carried, Held};
use crate::dissect::dissector::{Finding, Finds};
use crate::dissect::message::{Described, Message, side_of};
use crate::dissect::note::{CutBy, Note};
use crate::dissect::stream::Stream;
use crate::layout::{FieldRef, Found, Frame, LayoutId, Opening, Plan, Reading, Side as Sender};
use crate::stream::{Chunk, Role, Side};

/// How a direction's next bytes are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Mode {
    /// Nothing is known of the direction yet.
    #[default]
    Start,
    /// What came first is no message of any layout.
    Unproven,
    /// A message begins here.
    Boundary,
    /// A message begins behind so many bytes, by the length of the one that was begun before a gap, or by the size that
    /// all have.
    Foretold(usize),
    /// A message is searched for.
    Search,
}

/// What is kept of a direction.
#[derive(Debug, Default)]
pub(super) struct LayoutDirection {
    pub mode: Mode,
    pub held: Held,
    /// Bytes passed over in search of a message.
    pub skipped: u64,
    /// Notes for the next message.
    pub notes: SmallVec<[Note; 1]>,
}

/// What comes next of the bytes at hand.
enum Next {
    /// A message of so many bytes.
    Message(usize),
    /// So many bytes that are part of none.
    Passed(usize),
    /// More bytes are needed.
    Wait,
}

impl LayoutDirection {
    /// Says what `bytes` begin with.
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

    /// A message begins here.
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

/// Takes bytes of a stream that speaks this layout's protocol.
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

/// Takes what is held as far as it goes. `whole` says that nothing comes behind it.
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

/// Gives the messages that stand in `bytes`, of which `carried` says where they came from; answers how many bytes were
/// taken.
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

/// Puts a message among those found, says who sent it, and hands it on. `size` is its whole size, of which `bytes` are
/// there.
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

/// The remarks on a message. Of one that is cut off it is said elsewhere that something is missing.
fn notes_of(layout: LayoutId, reading: &Reading, is_cut: bool) -> impl Iterator<Item = Note> {
    let kept = reading.faults.iter();
    kept.filter(move |fault| !(is_cut && fault.kind.is_of_size()))
        .map(move |fault| Note::Described {
            fault: fault.kind,
            field: fault.field.map(|field| FieldRef::new(layout, field)),
            at: (fault.range.start as u32, fault.range.len() as u32),
        })
}

/// Gives the message that is begun as far as it goes.
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

/// Bytes of a direction of such a stream were never captured.
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
    // Where the message ends that is begun, counted from behind the gap; or where one of those begins that it swallowed.
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

/// Bytes were never captured of a stream of which it is not known what it speaks.
pub(in crate::dissect) fn probe_gap(stream: &mut Stream<'_>, from: Side, octets: u64) {
    let direction = direction(stream, from);
    let held = std::mem::take(&mut direction.held);
    direction.skipped += held.octets.len() as u64;
    direction.mode = Mode::Search;
    direction.notes.push(Note::Gap { octets });
}

/// Nothing more comes from this side of such a stream.
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
