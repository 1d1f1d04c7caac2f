//! Recognises a stream's protocol by its first bytes, after a PROXY protocol header if there is one.

use arrayvec::ArrayVec;

use super::dissector::{Finding, Finds, decide, expects_reglogin, knows_reglogin, take_some};
use super::identify::{Verdict, identify};
use super::note::Note;
use super::protocol::Protocol;
use super::proxy::{PROXY_V1_MAX_LEN, Proxy, proxy_header};
use super::reglogin::Mode;
use super::reglogin::evidence::Opening;
use super::reglogin::framing::find_strict;
use super::stream::Stream;
use crate::stream::{Chunk, Side};

/// Processes bytes of a stream whose protocol is not known yet.
pub(super) fn probe(stream: &mut Stream<'_>, from: Side, chunk: Chunk<'_>, finds: &mut impl Finds) {
    let Some(chunk) = behind_proxy_header(stream, from, chunk, finds) else {
        return;
    };
    let watched = expects_reglogin(stream, finds);
    let knows_reglogin = knows_reglogin(finds);
    let from_start = stream.from_start(from);
    let direction = &mut stream.state.directions[from.index()];
    if direction.mode == Mode::Unproven && !watched {
        return;
    }
    let mut rest = chunk;
    let held = direction
        .work
        .as_mut()
        .filter(|work| !work.octets.is_empty());
    let one_segment = held.is_none();
    let mut held_before = 0;
    let octets = match held {
        None => chunk.octets,
        Some(work) => {
            held_before = work.octets.len();
            let taken = work.append(chunk);
            rest = chunk.behind(taken);
            &work.octets
        }
    };
    let opening = Opening {
        octets,
        one_segment,
        whole: false,
    };
    let verdict = if direction.mode == Mode::Unproven {
        opening.weigh().into()
    } else {
        identify(opening, watched)
    };
    let verdict = match verdict {
        Verdict::Is(Protocol::RegLogin) if !knows_reglogin => Verdict::Other,
        verdict => verdict,
    };
    match verdict {
        Verdict::Is(Protocol::RegLogin) => {
            direction.found_header(0);
            decide(stream, from, Protocol::RegLogin, finds);
            take_some(stream, from, rest, finds);
        }
        Verdict::Is(protocol) => decide(stream, from, protocol, finds),
        Verdict::Unsure if one_segment => {
            let work = direction.work.get_or_insert_default();
            work.append(chunk);
        }
        Verdict::Other if !one_segment => {
            // What was held did not lead to a protocol. This segment may begin a message.
            if let Some(work) = &mut direction.work {
                work.octets.truncate(held_before);
            }
            direction.discard(!from_start);
            probe(stream, from, chunk, finds);
        }
        Verdict::Other if from_start && direction.mode != Mode::Search => {
            direction.mode = Mode::Unproven;
            direction.discard(false);
            let directions = &stream.state.directions;
            if !watched && directions.iter().all(|one| one.mode == Mode::Unproven) {
                decide(stream, from, Protocol::Data, finds);
            }
        }
        Verdict::Other if watched => {
            // The capture begins in mid-stream or has a gap, so a message may begin anywhere.
            let Some(at) = find_strict(chunk.octets) else {
                let work = direction.work.get_or_insert_default();
                work.skipped += chunk.octets.len() as u64;
                return;
            };
            direction.found_header(at);
            decide(stream, from, Protocol::RegLogin, finds);
            take_some(stream, from, chunk.behind(at), finds);
        }
        Verdict::Unsure | Verdict::Other => {}
    }
}

/// The part of `chunk` after a PROXY protocol header, or all of it without a header; `None` if more bytes are needed.
fn behind_proxy_header<'a>(
    stream: &mut Stream<'_>,
    from: Side,
    chunk: Chunk<'a>,
    finds: &mut impl Finds,
) -> Option<Chunk<'a>> {
    let from_start = stream.from_start(from);
    let direction = &mut stream.state.directions[from.index()];
    if let Some(work) = &mut direction.work
        && work.header_left > 0
    {
        let passed = work.header_left.min(chunk.octets.len());
        work.header_left -= passed;
        let rest = chunk.behind(passed);
        return (!rest.octets.is_empty()).then_some(rest);
    }
    if !from_start || direction.mode != Mode::Start {
        return Some(chunk);
    }
    let mut held = ArrayVec::<u8, { 2 * PROXY_V1_MAX_LEN }>::new();
    let octets = match &direction.work {
        Some(work) if !work.octets.is_empty() => {
            let more = chunk.octets.len().min(PROXY_V1_MAX_LEN);
            held.extend(work.octets.iter().chain(&chunk.octets[..more]).copied());
            held.as_slice()
        }
        _ => chunk.octets,
    };
    match proxy_header(octets) {
        Proxy::No => Some(chunk),
        Proxy::Unsure => {
            let work = direction.work.get_or_insert_default();
            work.append(chunk);
            None
        }
        Proxy::Header(header) => {
            let before = direction.work.as_ref().map_or(0, |work| work.octets.len());
            let left = header.len.saturating_sub(before);
            let passed = left.min(chunk.octets.len());
            direction.discard(false);
            if left > passed {
                let work = direction.work.get_or_insert_default();
                work.header_left = left - passed;
            }
            let note = Note::Proxy {
                version: header.version,
                client: header.client,
            };
            finds.take(stream, from, Finding::Note(note));
            let rest = chunk.behind(passed);
            (!rest.octets.is_empty()).then_some(rest)
        }
    }
}
