//! Recognises a protocol on a watched port that is nearly RegLogin, such as a little-endian variant, and names the
//! difference.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::ops::ControlFlow;

use super::tee::OutputError;
use crate::dissect::{Message, Severity};
use crate::protocol::Command;
use crate::protocol::layout::HEADER_LEN;
use crate::session::{FrameRecord, Remainder, Sink};
use crate::stream::{Role, Side};

/// The first payloads of so many directions are examined.
const MOST: usize = 64;
/// Another reading is suggested only if at most one of so many messages is correct RegLogin.
const ONE_IN: u64 = 8;

/// How a header differs from RegLogin's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Reading {
    LittleEndian,
    WithoutHeader,
    OtherFields,
    ShortHeader,
    ShortLittleEndian,
}

impl Reading {
    /// The words after "looks".
    const fn in_words(self) -> &'static str {
        match self {
            Self::LittleEndian => "little-endian",
            Self::WithoutHeader => "like a length without the header",
            Self::OtherFields => "like RegLogin's header before other fields",
            Self::ShortHeader => "like a header of two 16-bit numbers",
            Self::ShortLittleEndian => "like a header of two 16-bit numbers, little-endian",
        }
    }
}

/// A header as one of the readings sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Nearest {
    reading: Reading,
    command: u32,
    length: u32,
}

impl fmt::Display for Nearest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            reading,
            command,
            length,
        } = self;
        write!(
            f,
            "looks {}: command {command}, length {length}",
            reading.in_words()
        )
    }
}

/// Reads the header in the first segment of a direction. `None` if no reading fits its size and has a known command.
fn read(segment: &[u8]) -> Option<Nearest> {
    let size = u32::try_from(segment.len()).ok()?;
    let header = u32::try_from(HEADER_LEN).ok()?;
    let word = |at: usize| {
        let bytes: [u8; 4] = segment.get(at..at + 4)?.try_into().ok()?;
        Some((u32::from_be_bytes(bytes), u32::from_le_bytes(bytes)))
    };
    let half = |at: usize| {
        let bytes: [u8; 2] = segment.get(at..at + 2)?.try_into().ok()?;
        Some((
            u16::from_be_bytes(bytes).into(),
            u16::from_le_bytes(bytes).into(),
        ))
    };
    let is_command = |code: u32| Command::KNOWN.iter().any(|known| known.code() == code);
    let found = |reading, (length, command): (u32, u32)| {
        is_command(command).then_some(Nearest {
            reading,
            command,
            length,
        })
    };
    let ((length, length_le), (command, command_le)) = (word(0)?, word(4)?);
    let (short, short_le): (u32, u32) = half(0)?;
    let (kind, kind_le): (u32, u32) = half(2)?;
    let readings = [
        (
            length_le == size,
            Reading::LittleEndian,
            (length_le, command_le),
        ),
        (
            length.checked_add(header) == Some(size),
            Reading::WithoutHeader,
            (length, command),
        ),
        (length == size, Reading::OtherFields, (length, command)),
        (short == size, Reading::ShortHeader, (short, kind)),
        (
            short_le == size,
            Reading::ShortLittleEndian,
            (short_le, kind_le),
        ),
    ];
    let mut fitting = readings.into_iter().filter(|(fits, ..)| *fits);
    fitting.find_map(|(_, reading, numbers)| found(reading, numbers))
}

/// Collects the readings of streams' first segments.
#[derive(Debug, Default)]
pub struct NearestReading {
    /// Directions whose first payload was examined.
    seen: HashSet<(u32, Side)>,
    readings: Vec<Nearest>,
    messages: u64,
    right: u64,
}

impl NearestReading {
    /// The most frequent reading, if at least half of the directions have it and hardly any message is correct RegLogin.
    /// A client's header is preferred as the example.
    #[must_use]
    pub fn nearest(&self) -> Option<Nearest> {
        if self.right * ONE_IN > self.messages.max(self.seen.len() as u64) {
            return None;
        }
        let mut counts: HashMap<Reading, usize> = HashMap::new();
        for nearest in &self.readings {
            *counts.entry(nearest.reading).or_default() += 1;
        }
        let (reading, count) = counts.into_iter().max_by_key(|(_, count)| *count)?;
        let first = self
            .readings
            .iter()
            .find(|nearest| nearest.reading == reading);
        first.copied().filter(|_| count * 2 >= self.seen.len())
    }

    fn count(&mut self, messages: &[Message]) {
        for message in messages {
            let is_wrong = message
                .notes
                .iter()
                .any(|note| note.severity() == Severity::Error);
            self.messages += 1;
            self.right += u64::from(!is_wrong);
        }
    }

    /// Reads the header if this is the first segment of a direction.
    fn see(&mut self, record: &FrameRecord<'_>) {
        if let Some(placed) = record.placement
            && placed.watched
            && !record.protocol.is_named()
            && !record.payload().is_empty()
            && self.seen.insert((placed.stream, placed.side))
        {
            let reading = read(record.payload());
            // A client's header is preferred as the example.
            match reading {
                Some(reading) if placed.sender == Role::Client => {
                    self.readings.insert(0, reading);
                }
                Some(reading) => self.readings.push(reading),
                None => {}
            }
        }
    }
}

impl Sink for NearestReading {
    type Error = OutputError;

    fn record(&mut self, record: &FrameRecord<'_>) -> Result<ControlFlow<()>, OutputError> {
        self.count(record.messages);
        self.bare(record)
    }

    #[inline]
    fn bare(&mut self, record: &FrameRecord<'_>) -> Result<ControlFlow<()>, OutputError> {
        if self.seen.len() < MOST {
            self.see(record);
        }
        Ok(ControlFlow::Continue(()))
    }

    fn counts_empty_segments(&self) -> bool {
        true
    }

    fn wants_ends(&self) -> bool {
        false
    }

    fn end(&mut self, remainder: &Remainder<'_>) -> Result<(), OutputError> {
        self.count(remainder.messages);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_as_what_they_are_nearest_to() {
        let message = |header: &[u8], size: usize| {
            let mut message = header.to_vec();
            message.resize(size, b'x');
            read(&message).map(|nearest| nearest.to_string())
        };
        for (header, size, words) in [
            (
                &[58u8, 0, 0, 0, 1, 0, 0, 0][..],
                58,
                "looks little-endian: command 1, length 58",
            ),
            (
                &[0, 0, 0, 50, 0, 0, 0, 3],
                58,
                "looks like a length without the header: command 3, length 50",
            ),
            (
                &[0, 0, 0, 72, 0, 0, 0, 1],
                72,
                "looks like RegLogin's header before other fields: command 1, length 72",
            ),
            (
                &[0, 44, 0, 1, 9, 9, 9, 9],
                44,
                "looks like a header of two 16-bit numbers: command 1, length 44",
            ),
        ] {
            assert_eq!(message(header, size).as_deref(), Some(words));
            assert_eq!(message(header, size + 1), None);
        }
        assert_eq!(message(b"GET / HTTP/1.1\r\n", 16), None);
        assert_eq!(message(&[0, 0], 2), None);
    }
}
