//! Relations between messages: which kinds answer which, and which texts of the server repeat what a client sent.

use std::collections::{HashMap, HashSet};

use super::Found;
use crate::layout::guess::Message;
use crate::layout::guess::body::{self, GuessedKind, GuessedType, Piece};
use crate::layout::model::Side;

/// A kind is named as a response if it answered at least so many percent of the requests.
const SHARE: usize = 5;
/// Texts of clients with at least so many bytes are searched for in the server's texts.
const LEAST_WORD: usize = 3;
/// The most texts that are searched for.
const MOST_WORDS: usize = 2_000;

/// The body of a message, and the bytes of each of its fields.
fn values<'a>(found: &Found<'a>, message: &Message<'a>) -> Option<(usize, Vec<&'a [u8]>)> {
    let value = found.head.kind.and_then(|kind| kind.read(message.bytes));
    let is_own = |kind: &&GuessedKind| kind.value == value && kind.side == message.side;
    let body = found.bodies.kinds.iter().find(is_own)?.body?;
    let piece = Piece {
        message: message.bytes,
        start: found.head.size,
        end: message.bytes.len(),
        secret: message.side == Side::Client,
    };
    let places = body::places(&found.bodies.bodies[body].1, &piece)?;
    let values = places
        .into_iter()
        .map(|(start, end, _)| &message.bytes[start..end]);
    Some((body, values.collect()))
}

/// The server's texts that repeat what a client sent, which may be a password, as body and field.
pub(super) fn echoes(found: &Found<'_>) -> HashSet<(usize, usize)> {
    let is_text = |body: usize, field: usize| {
        let what = &found.bodies.bodies[body].1[field].what;
        matches!(what, GuessedType::Text(..) | GuessedType::Bytes(_))
    };
    let mut words: HashSet<Vec<u8>> = HashSet::new();
    let (client, server): (Vec<&Message<'_>>, Vec<&Message<'_>>) = found
        .messages
        .iter()
        .partition(|message| message.side == Side::Client);
    for message in client {
        let Some((body, values)) = values(found, message) else {
            continue;
        };
        for (field, value) in values.into_iter().enumerate() {
            let printed = |byte: &u8| byte.is_ascii_graphic();
            let word: Vec<u8> = value.iter().copied().filter(printed).collect();
            if is_text(body, field) && word.len() >= LEAST_WORD && words.len() < MOST_WORDS {
                words.insert(word);
            }
        }
    }
    let mut echoes = HashSet::new();
    let mut seen: HashSet<(usize, usize, &[u8])> = HashSet::new();
    for message in server {
        let Some((body, values)) = values(found, message) else {
            continue;
        };
        for (field, value) in values.into_iter().enumerate() {
            if is_text(body, field)
                && !echoes.contains(&(body, field))
                && seen.insert((body, field, value))
            {
                let repeats = |word: &Vec<u8>| value.windows(word.len()).any(|part| part == word);
                if words.iter().any(repeats) {
                    echoes.insert((body, field));
                }
            }
        }
    }
    echoes
}

/// The kinds that answer each kind, by index.
pub(super) fn answers(found: &Found<'_>) -> HashMap<usize, Vec<usize>> {
    let place = |message: &Message<'_>| {
        let value = found.head.kind.and_then(|kind| kind.read(message.bytes));
        let mut kinds = found.bodies.kinds.iter();
        kinds.position(|kind| kind.value == value && kind.side == message.side)
    };
    let mut waiting: HashMap<usize, Vec<(usize, Option<i128>)>> = HashMap::new();
    let mut seen: HashMap<(usize, usize), usize> = HashMap::new();
    for message in found.messages {
        let Some(kind) = place(message) else { continue };
        let id = found.head.id.and_then(|id| id.read(message.bytes));
        let queue = waiting.entry(message.conversation).or_default();
        match message.side {
            Side::Client => queue.push((kind, id)),
            Side::Server => {
                if let Some(first) = queue.iter().position(|(_, other)| *other == id) {
                    let (request, _) = queue.remove(first);
                    *seen.entry((request, kind)).or_insert(0) += 1;
                }
            }
        }
    }
    let mut answers: HashMap<usize, Vec<usize>> = HashMap::new();
    for ((request, response), count) in &seen {
        let all: usize = seen
            .iter()
            .filter(|((other, _), _)| other == request)
            .map(|(_, count)| count)
            .sum();
        if count * 100 >= all * SHARE {
            answers.entry(*request).or_default().push(*response);
        }
    }
    for answers in answers.values_mut() {
        answers.sort_unstable();
    }
    answers
}
