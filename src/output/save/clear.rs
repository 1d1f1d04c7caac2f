//! Which octets of streams are known to be no part of a password.
//!
//! Everything else is taken for one: what was never put together, belongs to no message, or was
//! forgotten because a bound was reached can hide a password and is not shown.

use std::collections::HashMap;

use smallvec::SmallVec;

use crate::dissect::Message;
use crate::packet::SeqNumber;
use crate::protocol::Kind;
use crate::protocol::is_header;
use crate::protocol::layout::{COMMAND, LENGTH, PASSWORD};
use crate::stream::Role;

/// Runs remembered of all directions; each takes 12 octets, a direction about 60.
const MOST_RUNS: usize = 1 << 22;
/// Sequence numbers come again after twice this many octets (RFC 9293 section 3.4).
const HALF: u32 = 1 << 31;

/// One direction of a stream: the stream's number, and whether the lesser end sends.
pub(super) type DirectionKey = (u32, bool);

/// Messages that follow each other without a gap and are alike: of each `len` octets the first
/// `clear` are shown.
#[derive(Debug, Clone, Copy)]
struct Run {
    start: SeqNumber,
    messages: u32,
    len: u8,
    clear: u8,
}

#[derive(Debug, Default)]
struct Direction {
    /// In order, all within half of the sequence numbers.
    runs: SmallVec<[Run; 1]>,
    /// Sequence numbers have come around: none says which octet is meant.
    spent: bool,
}

/// The octets known to be clear, by direction.
#[derive(Debug, Default)]
pub(super) struct Clear {
    directions: HashMap<DirectionKey, Direction>,
    runs: usize,
}

impl Clear {
    /// Takes note of a message: its header and user name, or all of a response.
    pub fn add(&mut self, message: &Message) {
        let key = (message.stream, message.source <= message.destination);
        let (len, clear) = (message.octets.len() as u8, clear_octets(message));
        let Some(start) = message.sources.first().map(|source| source.seq) else {
            return;
        };
        let direction = self.directions.entry(key).or_default();
        if let Some(first) = direction.runs.first()
            && start.0.wrapping_sub(first.start.0) >= HALF - 2 * u32::from(u8::MAX)
        {
            direction.spent = true;
        }
        if direction.spent {
            self.runs -= direction.runs.len();
            direction.runs.clear();
            return;
        }
        if let Some(last) = direction.runs.last_mut()
            && (last.len, last.clear) == (len, clear)
            && last.start.plus(last.messages * u32::from(len)) == start
        {
            last.messages += 1;
        } else if self.runs < MOST_RUNS {
            self.runs += 1;
            direction.runs.push(Run {
                start,
                messages: 1,
                len,
                clear,
            });
        }
    }

    /// Forgets a stream that has ended.
    pub fn forget(&mut self, stream: u32) {
        for lesser in [false, true] {
            if let Some(direction) = self.directions.remove(&(stream, lesser)) {
                self.runs -= direction.runs.len();
            }
        }
    }

    /// Says of each octet from `seq` on whether it is clear.
    pub fn of(&self, key: DirectionKey, seq: SeqNumber) -> impl Fn(usize) -> bool + use<'_> {
        let runs = self.directions.get(&key).map(|direction| &direction.runs);
        let runs = runs.map(SmallVec::as_slice).unwrap_or_default();
        move |at| {
            let Some(first) = runs.first() else {
                return false;
            };
            let place = |seq: SeqNumber| seq.0.wrapping_sub(first.start.0);
            let wanted = place(seq.plus(at as u32));
            let behind = runs.partition_point(|run| place(run.start) <= wanted);
            let Some(run) = runs[..behind].last() else {
                return false;
            };
            let within = wanted - place(run.start);
            within < run.messages * u32::from(run.len)
                && within % u32::from(run.len) < u32::from(run.clear)
        }
    }
}

/// How many octets at the start of a message are shown.
fn clear_octets(message: &Message) -> u8 {
    let octets = &message.octets[..];
    let all = octets.len();
    let clear = match message.command().kind() {
        _ if is_text(LENGTH.slice(octets)) || is_text(COMMAND.slice(octets)) => 0,
        Some(Kind::Response) if is_header(octets) || message.sender == Role::Server => all,
        _ => all.min(PASSWORD.offset),
    };
    clear as u8
}

/// Whether a number may be text instead: where a message is looked for at a wrong place, part of
/// a password can stand where its header should. Every right number has one octet that is not NUL.
fn is_text(number: &[u8]) -> bool {
    let neighbours = number.windows(2).any(|pair| pair[0] != 0 && pair[1] != 0);
    neighbours && number.iter().any(|octet| *octet != u8::MAX)
}

#[cfg(test)]
mod tests {
    use smallvec::smallvec;

    use super::*;
    use crate::capture::Timestamp;
    use crate::dissect::Source;
    use crate::packet::Endpoint;

    fn message(seq: u32, octets: &[u8]) -> Message {
        let end = |port| Endpoint {
            address: std::net::Ipv4Addr::LOCALHOST.into(),
            port,
        };
        Message {
            frame: 1,
            time: Timestamp(0),
            stream: 3,
            sender: Role::Client,
            source: end(1),
            destination: end(2),
            octets: octets.iter().copied().collect(),
            sources: smallvec![Source {
                frame: 1,
                offset: 0,
                seq: SeqNumber(seq),
                start: 0,
                len: octets.len() as u8,
            }],
            notes: smallvec![],
            peer: None,
        }
    }

    fn request() -> Vec<u8> {
        let mut octets = vec![0, 0, 0, 58, 0, 0, 0, 1];
        octets.resize(58, b'x');
        octets
    }

    #[test]
    fn requests_in_a_row_take_one_run_over_the_wrap() {
        let mut clear = Clear::default();
        let start = u32::MAX - 60;
        for index in 0..3 {
            clear.add(&message(start.wrapping_add(index * 58), &request()));
        }
        assert_eq!(clear.runs, 1);
        let shown = clear.of((3, true), SeqNumber(start));
        for at in 0..200 {
            assert_eq!(shown(at), at < 3 * 58 && at % 58 < 28, "{at}");
        }
        let before = clear.of((3, true), SeqNumber(start.wrapping_sub(1)));
        assert!(!before(0) && before(1));
        assert!(!clear.of((3, false), SeqNumber(start))(0));
        drop((shown, before));
        clear.forget(3);
        assert_eq!(clear.runs, 0);
    }

    #[test]
    fn nothing_is_shown_where_sequence_numbers_come_around() {
        let mut clear = Clear::default();
        for seq in [0, 1 << 30, HALF - 100, 5] {
            clear.add(&message(seq, &request()));
        }
        assert!(!clear.of((3, true), SeqNumber(0))(0));
        assert_eq!(clear.runs, 0);
    }

    #[test]
    fn text_in_the_place_of_a_header_is_not_shown() {
        let mut octets = request();
        octets[..4].copy_from_slice(b"word");
        assert_eq!(clear_octets(&message(0, &octets)), 0);
        octets[..4].fill(0xff);
        assert_eq!(clear_octets(&message(0, &octets)), 28);
        assert_eq!(clear_octets(&message(0, &request()[..5])), 5);
    }
}
