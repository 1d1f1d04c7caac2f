//! Segments that came before the bytes that precede them, held until the hole is filled.
//!
//! They are in order and do not overlap. The first copy of a byte wins; a later copy only fills holes.

#![expect(
    clippy::cast_possible_truncation,
    reason = "bytes out of order, at most 1 MiB a direction"
)]

use super::Chunk;
use crate::capture::Timestamp;
use crate::packet::SeqNumber;

/// Bytes of memory that a held segment takes besides its payload, approximately.
const OVERHEAD: usize = 64;

/// Bytes after a hole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Held {
    /// Sequence number of the first byte.
    pub seq: SeqNumber,
    /// The bytes that were captured.
    pub octets: Vec<u8>,
    /// Bytes after them that were on the wire but cut off by the snapshot length.
    pub missing: u32,
    /// The segment that carried them.
    pub carrier: Carrier,
    /// Offset of the first byte in that segment's packet.
    pub offset: u32,
}

/// What is kept of the segment that carried bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Carrier {
    /// Its frame.
    pub frame: u64,
    /// The frame's time.
    pub time: Timestamp,
    /// Its acknowledgement number, if it has one.
    pub ack: Option<SeqNumber>,
}

impl Carrier {
    /// A chunk of bytes that it carried.
    pub const fn chunk(self, octets: &[u8], offset: u32, seq: SeqNumber) -> Chunk<'_> {
        let Self { frame, time, ack } = self;
        Chunk {
            octets,
            frame,
            readable: (frame, time),
            offset,
            seq,
            ack,
        }
    }
}

impl Held {
    /// Sequence number after the last byte, captured or not.
    pub fn end(&self) -> SeqNumber {
        self.seq.plus(self.octets.len() as u32 + self.missing)
    }

    pub fn memory(&self) -> usize {
        self.octets.len() + OVERHEAD
    }
}

/// The segments held for one direction, and its FIN if that came early.
#[derive(Debug, Default)]
pub(super) struct OutOfOrder {
    /// In the order of sequence numbers.
    held: std::collections::VecDeque<Held>,
    /// Sequence number of the FIN.
    pub fin: Option<SeqNumber>,
    /// Bytes of memory used, approximately.
    pub memory: usize,
}

/// A range of sequence numbers in which two copies differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Difference {
    pub from: SeqNumber,
    pub to: SeqNumber,
}

/// Where two copies of the bytes at `seq` differ: one range from the first to the last difference. `None` if they are
/// equal.
pub(super) fn difference(seq: SeqNumber, first: &[u8], second: &[u8]) -> Option<Difference> {
    if first == second {
        return None;
    }
    let differs = |(a, b): (&u8, &u8)| a != b;
    let from = first.iter().zip(second).position(differs)?;
    let to = first.iter().zip(second).rposition(differs)? + 1;
    Some(Difference {
        from: seq.plus(from as u32),
        to: seq.plus(to as u32),
    })
}

impl OutOfOrder {
    /// The first segment held.
    pub fn first(&self) -> Option<&Held> {
        self.held.front()
    }

    /// Sequence number after the last byte held, or of the FIN after it.
    pub fn end(&self) -> Option<SeqNumber> {
        self.fin.or_else(|| self.held.back().map(Held::end))
    }

    /// Removes the first segment.
    pub fn pop(&mut self) -> Option<Held> {
        let held = self.held.pop_front()?;
        self.memory -= held.memory();
        Some(held)
    }

    /// Whether nothing is held, not even a FIN.
    pub fn is_empty(&self) -> bool {
        self.held.is_empty() && self.fin.is_none()
    }

    /// Bytes of payload before the next hole; `None` if nothing is held.
    pub fn first_run(&self) -> Option<u64> {
        let mut end = self.held.front()?.seq;
        let mut octets = 0;
        for held in self.held.iter().take_while(|held| {
            let follows = held.seq == end;
            end = held.end();
            follows
        }) {
            octets += held.octets.len() as u64;
        }
        Some(octets)
    }

    /// Holds those bytes of `new` that are not held already. Returns where copies differ.
    pub fn insert(&mut self, new: Held) -> Vec<Difference> {
        let mut differences = Vec::new();
        let mut at = self.held.partition_point(|held| !held.end().after(new.seq));
        let mut rest = Some(new);
        while let Some(piece) = rest.take() {
            match self.held.get(at) {
                Some(held) if held.seq.before(piece.end()) => {
                    if piece.seq.before(held.seq) {
                        let (before, behind) = split(piece, held.seq);
                        self.put(at, before);
                        at += 1;
                        rest = behind;
                        continue;
                    }
                    let held_end = held.end();
                    differences.extend(compare(held, &piece));
                    at += 1;
                    if piece.end().after(held_end) {
                        rest = split(piece, held_end).1;
                    }
                }
                _ => self.put(at, piece),
            }
        }
        differences
    }

    fn put(&mut self, at: usize, held: Held) {
        self.memory += held.memory();
        self.held.insert(at, held);
    }
}

/// Splits a run before sequence number `at`, which is inside it or at its end.
fn split(mut run: Held, at: SeqNumber) -> (Held, Option<Held>) {
    let keep = at.bytes_after(run.seq);
    let captured = run.octets.len() as u32;
    let total = captured + run.missing;
    if keep >= total {
        return (run, None);
    }
    let behind = Held {
        seq: at,
        octets: run.octets.split_off(keep.min(captured) as usize),
        missing: run.missing.min(total - keep),
        carrier: run.carrier,
        offset: run.offset + keep.min(captured),
    };
    run.missing = keep.saturating_sub(captured);
    (run, Some(behind))
}

fn compare(held: &Held, new: &Held) -> Option<Difference> {
    let skip = new.seq.bytes_after(held.seq) as usize;
    let first = held.octets.get(skip..)?;
    let len = first.len().min(new.octets.len());
    difference(new.seq, &first[..len], &new.octets[..len])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(seq: u32, octets: &[u8]) -> Held {
        Held {
            seq: SeqNumber(seq),
            octets: octets.to_vec(),
            missing: 0,
            carrier: Carrier {
                frame: 1,
                time: Timestamp(0),
                ack: None,
            },
            offset: 100,
        }
    }

    fn content(out_of_order: &OutOfOrder) -> Vec<(u32, Vec<u8>)> {
        let runs = out_of_order.held.iter();
        runs.map(|held| (held.seq.0, held.octets.clone())).collect()
    }

    #[test]
    fn keeps_order() {
        let mut out_of_order = OutOfOrder::default();
        out_of_order.insert(held(30, b"ccc"));
        out_of_order.insert(held(10, b"aaa"));
        out_of_order.insert(held(20, b"bbb"));
        let seqs: Vec<_> = content(&out_of_order)
            .into_iter()
            .map(|run| run.0)
            .collect();
        assert_eq!(seqs, [10, 20, 30]);
    }

    #[test]
    fn the_first_copy_wins_over_a_longer_one() {
        let mut out_of_order = OutOfOrder::default();
        out_of_order.insert(held(10, b"bb"));
        out_of_order.insert(held(14, b"dd"));
        let differences = out_of_order.insert(held(8, b"aaBBccDDee"));
        assert_eq!(
            content(&out_of_order),
            [
                (8, b"aa".to_vec()),
                (10, b"bb".to_vec()),
                (12, b"cc".to_vec()),
                (14, b"dd".to_vec()),
                (16, b"ee".to_vec())
            ]
        );
        assert_eq!(differences.len(), 2);
        assert_eq!(differences[0].from, SeqNumber(10));
        assert_eq!(differences[0].to, SeqNumber(12));
        assert_eq!(out_of_order.held[4].offset, 108);
    }

    #[test]
    fn the_same_again_changes_nothing() {
        let mut out_of_order = OutOfOrder::default();
        out_of_order.insert(held(10, b"abcd"));
        let memory = out_of_order.memory;
        assert_eq!(out_of_order.insert(held(11, b"bc")), []);
        assert_eq!(content(&out_of_order), [(10, b"abcd".to_vec())]);
        assert_eq!(out_of_order.memory, memory);
        out_of_order.pop();
        assert_eq!(out_of_order.memory, 0);
    }

    #[test]
    fn order_wraps_around() {
        let mut out_of_order = OutOfOrder::default();
        out_of_order.insert(held(2, b"b"));
        out_of_order.insert(held(u32::MAX, b"a"));
        assert_eq!(out_of_order.first().unwrap().octets, b"a");
    }
}
