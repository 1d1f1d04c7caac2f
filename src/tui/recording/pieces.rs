//! Packed entries of frames and exchanges: about 15 bytes per frame, about 40 per exchange.

use std::sync::Arc;

use super::entry::{ExchangeEntry, FrameEntry, Marks, Result};
use super::packed::{At, Column, Pack, Table};
use crate::capture::Timestamp;
use crate::dissect::Severity;
use crate::packet::Endpoint;

/// Maps signed numbers to unsigned ones in the same order.
const SIGN: u64 = 1 << 63;

fn of_time(time: Timestamp) -> u64 {
    time.0.cast_unsigned() ^ SIGN
}

fn to_time(number: u64) -> Timestamp {
    Timestamp((number ^ SIGN).cast_signed())
}

/// A piece of frames.
#[derive(Debug)]
pub struct Frames {
    time: Column,
    place: Column,
    captured: Column,
    /// Bytes on the wire that were not captured: none, in most captures.
    beyond: Column,
    /// The stream number plus one; 0 means none.
    stream: Column,
    interface: Column,
    marks: Column,
}

impl Pack for Frames {
    type Entry = FrameEntry;

    fn pack(entries: &[FrameEntry]) -> Self {
        let column = |number: fn(&FrameEntry) -> u64| Column::of(entries.iter().map(number));
        Self {
            time: column(|entry| of_time(entry.time)),
            place: column(|entry| entry.place),
            captured: column(|entry| entry.captured.into()),
            beyond: column(|entry| entry.wire.wrapping_sub(entry.captured).into()),
            stream: column(|entry| entry.stream.wrapping_add(1).into()),
            interface: column(|entry| entry.interface.into()),
            marks: column(|entry| entry.marks.octet().into()),
        }
    }

    fn entry(&self, at: usize) -> FrameEntry {
        let captured = low(self.captured.get(at));
        let (stream, marks) = self.stream_and_marks(at);
        FrameEntry {
            time: to_time(self.time.get(at)),
            place: self.place.get(at),
            captured,
            wire: captured.wrapping_add(low(self.beyond.get(at))),
            stream,
            #[expect(clippy::cast_possible_truncation, reason = "it was one of 16 bits")]
            interface: self.interface.get(at) as u16,
            marks,
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "it was one of 32 bits")]
const fn low(number: u64) -> u32 {
    number as u32
}

impl Frames {
    fn stream_and_marks(&self, at: usize) -> (u32, Marks) {
        let stream = low(self.stream.get(at)).wrapping_sub(1);
        (stream, self.marks(at))
    }

    fn marks(&self, at: usize) -> Marks {
        #[expect(clippy::cast_possible_truncation, reason = "it was a byte")]
        Marks::of_octet(self.marks.get(at) as u8)
    }
}

impl At<'_, Frames> {
    /// Its stream and what there is to say of it, without the rest.
    pub fn stream_and_marks(&self) -> (u32, Marks) {
        match self {
            Self::Packed(piece, at) => piece.stream_and_marks(*at),
            Self::Open(entry) => (entry.stream, entry.marks),
        }
    }

    /// What there is to say of it.
    pub fn marks(&self) -> Marks {
        match self {
            Self::Packed(piece, at) => piece.marks(*at),
            Self::Open(entry) => entry.marks,
        }
    }
}

type Text = Option<Arc<str>>;

/// A piece of exchanges.
#[derive(Debug)]
pub struct Exchanges {
    time: Column,
    elapsed: Column,
    completed: Column,
    /// The request's frame and the response's; none is 0.
    frames: [Column; 2],
    stream: Column,
    ends: [Table<Endpoint>; 2],
    user: Table<Text>,
    action: Table<&'static str>,
    outcome: Table<(Result, Text)>,
    note: Table<Option<(Severity, Arc<str>)>>,
}

/// Nanoseconds as a small number for short times; never 0.
fn of_elapsed(elapsed: Option<i64>) -> u64 {
    let of = |elapsed: i64| (elapsed << 1 ^ elapsed >> 63).cast_unsigned();
    elapsed.map_or(0, |elapsed| of(elapsed).saturating_add(1))
}

fn to_elapsed(number: u64) -> Option<i64> {
    let number = number.checked_sub(1)?;
    Some((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
}

impl Pack for Exchanges {
    type Entry = ExchangeEntry;

    fn pack(entries: &[ExchangeEntry]) -> Self {
        let each = || entries.iter();
        let frame = |which: usize| {
            Column::of(each().map(move |entry| entry.frames[which].unwrap_or_default()))
        };
        let end = |which: usize| Table::of(each().map(move |entry| entry.ends[which]));
        Self {
            time: Column::of(each().map(|entry| of_time(entry.time))),
            elapsed: Column::of(each().map(|entry| of_elapsed(entry.elapsed))),
            completed: Column::of(each().map(|entry| entry.completed)),
            frames: [frame(0), frame(1)],
            stream: Column::of(each().map(|entry| entry.stream.into())),
            ends: [end(0), end(1)],
            user: Table::of(each().map(|entry| entry.user.clone())),
            action: Table::of(each().map(|entry| entry.action)),
            outcome: Table::of(each().map(|entry| (entry.result, entry.description.clone()))),
            note: Table::of(each().map(|entry| entry.note.clone())),
        }
    }

    fn entry(&self, at: usize) -> ExchangeEntry {
        let frame = |column: &Column| Some(column.get(at)).filter(|frame| *frame != 0);
        let [request, response] = &self.frames;
        let [client, server] = &self.ends;
        let (result, description) = self.outcome.get(at).clone();
        ExchangeEntry {
            time: to_time(self.time.get(at)),
            elapsed: to_elapsed(self.elapsed.get(at)),
            completed: self.completed.get(at),
            frames: [frame(request), frame(response)],
            stream: low(self.stream.get(at)),
            ends: [*client.get(at), *server.get(at)],
            user: self.user.get(at).clone(),
            action: self.action.get(at),
            result,
            description,
            note: self.note.get(at).clone(),
        }
    }
}

impl At<'_, Exchanges> {
    /// Whether it came to nothing.
    pub fn failed(&self) -> bool {
        match self {
            Self::Packed(piece, at) => piece.outcome.get(*at).0.is_failure(),
            Self::Open(entry) => entry.failed(),
        }
    }

    /// Whether it has a warning or worse.
    pub fn is_noted(&self) -> bool {
        match self {
            Self::Packed(piece, at) => piece.note.get(*at).is_some(),
            Self::Open(entry) => entry.note.is_some(),
        }
    }

    /// The frame with which it was complete.
    pub fn completed(&self) -> u64 {
        match self {
            Self::Packed(piece, at) => piece.completed.get(*at),
            Self::Open(entry) => entry.completed,
        }
    }

    /// Its connection.
    pub fn stream(&self) -> u32 {
        match self {
            Self::Packed(piece, at) => low(piece.stream.get(*at)),
            Self::Open(entry) => entry.stream,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::NO_STREAM;
    use super::*;

    #[test]
    fn frames_come_out_as_they_went_in() {
        let entry = |number: u32| FrameEntry {
            time: Timestamp(i64::from(number) * 1_000 - 5_000),
            place: u64::from(number) * 70 + (1 << 40),
            captured: number % 1500,
            wire: number % 1500 + number % 2 * 60_000,
            stream: if number.is_multiple_of(7) {
                NO_STREAM
            } else {
                number
            },
            interface: u16::from(number.is_multiple_of(3)) * u16::MAX,
            marks: Marks::of_octet(number.to_le_bytes()[0]),
        };
        let entries: Vec<FrameEntry> = (0..1000).map(entry).collect();
        let piece = Frames::pack(&entries);
        for (at, entry) in entries.iter().enumerate() {
            assert_eq!(piece.entry(at), *entry);
        }
    }

    #[test]
    fn exchanges_come_out_as_they_went_in() {
        let text = |text: String| -> Arc<str> { text.into() };
        let end = |port: u16| Endpoint {
            address: std::net::Ipv4Addr::LOCALHOST.into(),
            port,
        };
        let elapsed = [None, Some(-1), Some(0), Some(33_000_000), Some(i64::MAX)];
        let results = [Result::Ok, Result::No, Result::Unclear, Result::Unanswered];
        let entry = |number: u16| ExchangeEntry {
            time: Timestamp(i64::from(number)),
            elapsed: elapsed[usize::from(number) % elapsed.len()],
            completed: u64::from(number) + 9,
            frames: [
                Some(u64::from(number)).filter(|frame| *frame != 0),
                Some(7).filter(|_| number.is_multiple_of(2)),
            ],
            stream: u32::MAX - u32::from(number),
            ends: [end(number), end(8888)],
            user: Some(text(format!("user{}", number % 10))).filter(|_| !number.is_multiple_of(3)),
            action: ["login", "registration"][usize::from(number) % 2],
            result: results[usize::from(number) % 4],
            description: Some(text("wrong password".to_owned()))
                .filter(|_| !number.is_multiple_of(5)),
            note: Some((Severity::Error, text(number.to_string())))
                .filter(|_| !number.is_multiple_of(4)),
        };
        let entries: Vec<ExchangeEntry> = (0..100).map(entry).collect();
        let piece = Exchanges::pack(&entries);
        for (at, entry) in entries.iter().enumerate() {
            assert_eq!(piece.entry(at), *entry);
            let packed = At::Packed(&piece, at);
            assert_eq!(packed.failed(), entry.failed());
            assert_eq!(packed.is_noted(), entry.note.is_some());
            assert_eq!(packed.completed(), entry.completed);
            assert_eq!(packed.stream(), entry.stream);
        }
    }
}
