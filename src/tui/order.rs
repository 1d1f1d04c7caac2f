//! Sorts exchanges by a column.

use std::sync::Arc;

use super::columns::ExchangeColumn;
use super::recording::{ExchangeEntry, Numbers, Result, Shared};
use crate::dissect::Severity;
use crate::packet::Endpoint;

/// Entries read at once, so that the recording is never locked for long.
const AT_ONCE: usize = 4096;

/// The sort key of an exchange.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum By {
    Number(Option<i64>),
    Text(Option<Arc<str>>),
    Word(&'static str),
    Result(Result, Option<Arc<str>>),
    End(Endpoint),
    Frames([Option<u64>; 2]),
    Note(Option<(Severity, Arc<str>)>),
}

fn by(column: ExchangeColumn, number: u64, entry: &ExchangeEntry) -> By {
    match column {
        ExchangeColumn::Number => By::Number(i64::try_from(number).ok()),
        ExchangeColumn::Time => By::Number(Some(entry.time.0)),
        ExchangeColumn::User => By::Text(entry.user.clone()),
        ExchangeColumn::Action => By::Word(entry.action),
        ExchangeColumn::Result => By::Result(entry.result, entry.description.clone()),
        ExchangeColumn::Milliseconds => By::Number(entry.elapsed),
        ExchangeColumn::Stream => By::Number(Some(entry.stream.into())),
        ExchangeColumn::Client => By::End(entry.ends[0]),
        ExchangeColumn::Server => By::End(entry.ends[1]),
        ExchangeColumn::Frames => By::Frames(entry.frames),
        ExchangeColumn::Note => By::Note(entry.note.clone()),
    }
}

/// Sorts these exchanges by a column; equal ones stay in order of arrival.
#[must_use]
pub fn sorted(
    shared: &Shared,
    numbers: &Numbers,
    column: ExchangeColumn,
    largest_first: bool,
) -> Numbers {
    let mut keys = Vec::with_capacity(numbers.len());
    for at in (0..numbers.len()).step_by(AT_ONCE) {
        let recording = shared.read();
        keys.extend(numbers.from(at).take(AT_ONCE).filter_map(|number| {
            let entry = recording.exchange(number)?;
            Some((by(column, number, &entry), number))
        }));
    }
    if largest_first {
        keys.sort_by(|one, other| other.0.cmp(&one.0));
    } else {
        keys.sort_by(|one, other| one.0.cmp(&other.0));
    }
    keys.into_iter().map(|(_, number)| number).collect()
}
