//! Finds the header: length, kind and identifier, and the fields between them.

use super::body::{self, Field, GuessedType, Piece, Within};
use super::doubt;
use super::framing::Framing;
use super::kind::{Candidate, Search};
use super::{Message, SIDES};
use crate::layout::model::{ByteOrder, Integer, Side};

/// A field of the header, by its role.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Part {
    Length,
    Kind,
    Id,
    /// A value that is the same in all messages of both sides.
    Constant(u64, Integer),
    Other(Field),
}

/// The header.
#[derive(Debug)]
pub(super) struct Head {
    pub parts: Vec<Part>,
    pub size: usize,
    pub kind: Option<Candidate>,
    /// Another field that may be the kind.
    pub rival: Option<Candidate>,
    pub id: Option<Candidate>,
    pub order: ByteOrder,
    /// Whether an integer of the header shows the byte order.
    pub order_is_seen: bool,
}

/// The kind is unsure if another candidate's score is less than this below.
const SURE: f64 = 4.0;

pub(super) fn find(framing: &Framing, messages: &[Message<'_>]) -> Head {
    let length = &framing.best;
    let search = Search::new(length, messages);
    let id = search.id();
    let mut kinds = search.kinds(id.as_ref()).into_iter();
    let kind = kinds.next();
    let rival = kind.and_then(|kind| {
        kinds.find(|other| {
            let apart = other.end() <= kind.offset || kind.end() <= other.offset;
            apart && other.score > kind.score - SURE
        })
    });
    let wide = [
        Some(length.integer),
        kind.map(|kind| kind.integer),
        id.map(|id| id.integer),
    ];
    let seen = wide.into_iter().flatten().find(|integer| integer.width > 1);
    let order = seen.map(|integer| integer.order);
    let order = order.unwrap_or_else(|| body::likelier_order(length.end(), messages));
    let mut known = vec![(length.offset, length.end(), Part::Length)];
    known.extend(kind.map(|kind| (kind.offset, kind.end(), Part::Kind)));
    known.extend(id.map(|id| (id.offset, id.end(), Part::Id)));
    known.sort_by_key(|(start, ..)| *start);
    let mut parts = Vec::new();
    let mut at = 0;
    for (start, end, part) in known {
        between(at, start, order, messages, &mut parts);
        parts.push(part);
        at = end;
    }
    Head {
        parts,
        size: at,
        kind,
        rival,
        id,
        order,
        order_is_seen: seen.is_some(),
    }
}

/// Adds the fields from `start` to `end`, which all messages have.
fn between(
    start: usize,
    end: usize,
    order: ByteOrder,
    messages: &[Message<'_>],
    parts: &mut Vec<Part>,
) {
    if start == end {
        return;
    }
    let first = &messages[0].bytes[start..end];
    let still = messages
        .iter()
        .all(|message| &message.bytes[start..end] == first);
    if !still
        || SIDES
            .iter()
            .any(|side| messages.iter().all(|message| message.side != *side))
    {
        let spread = messages.len().div_ceil(body::SAMPLE);
        let pieces: Vec<Piece<'_>> = messages
            .iter()
            .step_by(spread)
            .map(|message| Piece {
                message: message.bytes,
                start,
                end,
                secret: message.side == Side::Client,
            })
            .collect();
        if let Some(mut solved) = body::solve(&pieces, order, Within::Header) {
            doubt::of(&mut solved.fields, &pieces);
            parts.extend(solved.fields.into_iter().map(Part::Other));
        }
        return;
    }
    let mut at = start;
    while at < end {
        let width = [4, 2, 1]
            .into_iter()
            .find(|width| end - at >= *width && at.is_multiple_of(*width))
            .unwrap_or(1);
        let integer = Integer::unsigned(width as u8, order);
        let value = integer.read(&messages[0].bytes[at..]).unwrap_or(0) as u64;
        parts.push(if value == 0 {
            Part::Other(Field::new(GuessedType::Integer(integer)))
        } else {
            Part::Constant(value, integer)
        });
        at += width;
    }
}
