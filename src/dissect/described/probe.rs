//! Recognises which layout describes a stream's protocol.

use std::sync::Arc;

use super::direction::Mode;
use super::held::Held;
use super::known::is_on;
use super::{Known, take};
use crate::dissect::dissector::{self, Finds};
use crate::dissect::message::side_of;
use crate::dissect::named::named_by_start;
use crate::dissect::probe;
use crate::dissect::protocol::Protocol;
use crate::dissect::stream::Stream;
use crate::layout::{ENOUGH, Found, LayoutId, Opening, Setting};
use crate::stream::{Chunk, Side};

/// What the layouts decide about bytes.
enum Verdict {
    /// They are of this layout, after this many other bytes.
    Is(LayoutId, usize),
    /// More bytes may decide.
    Unsure,
    /// They are of no layout.
    None,
}

/// Asks the layouts about the first bytes of `from`, or the first ones after a gap.
fn judge(
    stream: &Stream<'_>,
    from: Side,
    known: &Known,
    bytes: &[u8],
    setting: Setting,
) -> Verdict {
    let ends = Side::BOTH.map(|side| stream.end(side));
    let role = stream.roles.role(from);
    let roles = [
        Some(role),
        (!stream.roles.are_certain()).then(|| role.other()),
    ];
    let mut best: Option<((bool, u32), LayoutId)> = None;
    let mut is_unsure = false;
    for (layout, ports) in &known.layouts {
        let own_port = is_on(ports, ends);
        let setting = Setting {
            own_port,
            ..setting
        };
        for role in roles.into_iter().flatten() {
            match layout.plan().opens(bytes, side_of(role), setting) {
                Opening::Yes(bits) => {
                    let weight = (own_port, bits);
                    if best.is_none_or(|(other, _)| weight > other) {
                        best = Some((weight, *layout));
                    }
                }
                Opening::More => is_unsure = true,
                Opening::No => {}
            }
        }
    }
    // Text and a handshake are more evidence than a header of few bits.
    let is_named = named_by_start(bytes).is_some();
    match best {
        Some(((_, bits), layout)) if !is_named || bits >= ENOUGH => Verdict::Is(layout, 0),
        _ if is_named => Verdict::None,
        _ if is_unsure => Verdict::Unsure,
        _ if setting.from_start => Verdict::None,
        _ => amid(stream, from, known, bytes, setting.whole),
    }
}

/// Searches bytes from mid-stream for messages of the layouts that are expected on these ports.
fn amid(stream: &Stream<'_>, from: Side, known: &Known, bytes: &[u8], whole: bool) -> Verdict {
    let ends = Side::BOTH.map(|side| stream.end(side));
    let own = known.layouts.iter().filter(|(_, ports)| is_on(ports, ends));
    let side = side_of(stream.roles.role(from));
    let mut is_unsure = false;
    for (layout, _) in own {
        match layout.plan().find(bytes, side, whole) {
            Found::At(at) => return Verdict::Is(*layout, at),
            Found::NoneBefore(at) => is_unsure |= at < bytes.len(),
        }
    }
    if is_unsure {
        Verdict::Unsure
    } else {
        Verdict::None
    }
}

/// Processes bytes of a stream whose protocol is not known, in a run with layouts.
pub(in crate::dissect) fn probe(
    stream: &mut Stream<'_>,
    from: Side,
    chunk: Chunk<'_>,
    finds: &mut impl Finds,
) {
    let known = Arc::clone(finds.wanted().known);
    let from_start = stream.from_start(from);
    let state = stream.state.described.get_or_insert_default();
    let direction = &mut state.directions[from.index()];
    if direction.mode == Mode::Unproven {
        return probe::probe(stream, from, chunk, finds);
    }
    let from_start = from_start && direction.mode == Mode::Start;
    let one_segment = direction.held.octets.is_empty();
    let mut held = std::mem::take(&mut direction.held);
    if !one_segment {
        held.push(chunk);
    }
    let bytes = if one_segment {
        chunk.octets
    } else {
        &held.octets
    };
    let setting = Setting {
        own_port: false,
        from_start,
        one_segment,
        whole: false,
    };
    match judge(stream, from, &known, bytes, setting) {
        Verdict::Is(layout, passed) => {
            if one_segment {
                held.push(chunk);
            }
            begin(stream, from, layout, held, passed, finds);
        }
        Verdict::Unsure => {
            if one_segment {
                held.push(chunk);
            }
            let state = stream.state.described.get_or_insert_default();
            state.directions[from.index()].held = held;
        }
        Verdict::None => {
            let state = stream.state.described.get_or_insert_default();
            let direction = &mut state.directions[from.index()];
            if from_start {
                direction.mode = Mode::Unproven;
            }
            if one_segment {
                probe::probe(stream, from, chunk, finds);
            } else {
                give_back(stream, from, &held, finds);
            }
        }
    }
}

/// Passes bytes that are of no layout on to the recognition of other protocols.
fn give_back(stream: &mut Stream<'_>, from: Side, held: &Held, finds: &mut impl Finds) {
    for chunk in held.chunks() {
        match stream.state.decided() {
            Protocol::Unknown => probe::probe(stream, from, chunk, finds),
            Protocol::RegLogin => dissector::octets(stream, from, chunk, finds),
            _ => {}
        }
    }
}

/// Decides that the stream has this layout's protocol, and processes what both directions hold. The direction with the
/// deciding bytes comes last.
fn begin(
    stream: &mut Stream<'_>,
    from: Side,
    layout: LayoutId,
    mut held: Held,
    passed: usize,
    finds: &mut impl Finds,
) {
    dissector::settle(stream, Protocol::Layout(layout));
    let starts = Side::BOTH.map(|side| stream.from_start(side));
    let state = stream.state.described.get_or_insert_default();
    state.layout = Some(layout);
    for (direction, starts) in state.directions.iter_mut().zip(starts) {
        direction.mode = match direction.mode {
            Mode::Start if starts => Mode::Boundary,
            Mode::Start => Mode::Start,
            _ => Mode::Search,
        };
    }
    let own = &mut state.directions[from.index()];
    own.skipped += passed as u64;
    own.found();
    held.drop_front(passed);
    let other = from.other();
    let waiting = std::mem::take(&mut state.directions[other.index()].held);
    for chunk in waiting.chunks() {
        take(stream, other, layout, chunk, finds);
    }
    for chunk in held.chunks() {
        take(stream, from, layout, chunk, finds);
    }
}

/// Processes the end of a side of a stream whose protocol is not known.
pub(in crate::dissect) fn ended_unknown(
    stream: &mut Stream<'_>,
    from: Side,
    finds: &mut impl Finds,
) {
    let Some(state) = &mut stream.state.described else {
        return;
    };
    let direction = &mut state.directions[from.index()];
    let held = std::mem::take(&mut direction.held);
    let is_start = direction.mode == Mode::Start;
    if held.octets.is_empty() {
        return;
    }
    let setting = Setting {
        own_port: false,
        from_start: is_start && stream.from_start(from),
        one_segment: false,
        whole: true,
    };
    let known = Arc::clone(finds.wanted().known);
    match judge(stream, from, &known, &held.octets, setting) {
        Verdict::Is(layout, passed) => begin(stream, from, layout, held, passed, finds),
        Verdict::Unsure | Verdict::None => give_back(stream, from, &held, finds),
    }
}
