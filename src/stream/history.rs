//! The most recently delivered bytes, kept to compare retransmitted bytes with.
//!
//! One ring buffer of fixed size serves all flows, so its memory does not grow with their number. A run is the bytes of
//! one delivery. A direction knows the position of its last run, and each run that of the run before it.

#![expect(
    clippy::cast_possible_truncation,
    reason = "offsets in a ring in memory, and payloads of segments"
)]

use crate::packet::SeqNumber;

/// A run's position, counted in bytes ever written to the ring; `NONE` for no run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Position(u64);

impl Position {
    pub const NONE: Self = Self(u64::MAX);
}

impl Default for Position {
    fn default() -> Self {
        Self::NONE
    }
}

/// Bytes of the header before a run: position of the previous run, sequence number, length.
const HEADER_LEN: usize = 8 + 4 + 4;

/// Most runs that are searched for one comparison.
pub(crate) const MAX_STEPS: usize = 64;

#[derive(Debug)]
pub(super) struct History {
    ring: Box<[u8]>,
    /// All bytes ever written, including those skipped at the end of the ring.
    written: u64,
    /// Offset in the ring of the next run.
    next: usize,
}

impl History {
    /// A ring of this many bytes. They are zero, so the system gives memory to a large ring only as it fills.
    pub fn new(capacity: usize) -> Self {
        Self {
            ring: vec![0; capacity].into(),
            written: 0,
            next: 0,
        }
    }

    /// Stores a delivered run, and returns its position.
    pub fn remember(&mut self, previous: Position, seq: SeqNumber, octets: &[u8]) -> Position {
        let len = HEADER_LEN + octets.len();
        let capacity = self.ring.len();
        if len > capacity {
            return Position::NONE;
        }
        if self.next + len > capacity {
            self.written += (capacity - self.next) as u64;
            self.next = 0;
        }
        let position = Position(self.written);
        let (start, end) = (self.next, self.next + len);
        let (header, run) = self.ring[start..end].split_at_mut(HEADER_LEN);
        let number = u64::from(seq.0) | (octets.len() as u64) << 32;
        header[..8].copy_from_slice(&previous.0.to_le_bytes());
        header[8..].copy_from_slice(&number.to_le_bytes());
        run.copy_from_slice(octets);
        self.written += len as u64;
        self.next = end;
        position
    }

    fn run(&self, position: Position) -> Option<(Position, SeqNumber, &[u8])> {
        let age = self.written.checked_sub(position.0)?;
        if position == Position::NONE || age > self.ring.len() as u64 {
            return None;
        }
        let at = (position.0 % self.ring.len() as u64) as usize;
        let header = self.ring.get(at..at + HEADER_LEN)?;
        let previous = u64::from_le_bytes(header[..8].try_into().ok()?);
        let seq = u32::from_le_bytes(header[8..12].try_into().ok()?);
        let len = u32::from_le_bytes(header[12..16].try_into().ok()?) as usize;
        let octets = self.ring.get(at + HEADER_LEN..at + HEADER_LEN + len)?;
        Some((Position(previous), SeqNumber(seq), octets))
    }

    /// Calls `found` with each remembered run of a direction that overlaps `seq..seq + len`, the latest first. `last`
    /// is the direction's last run. Returns whether all runs in this range are still remembered.
    pub fn overlaps(
        &self,
        last: Position,
        seq: SeqNumber,
        len: u32,
        mut found: impl FnMut(SeqNumber, &[u8]),
    ) -> bool {
        let mut position = last;
        for _ in 0..MAX_STEPS {
            let Some((previous, run, octets)) = self.run(position) else {
                return position == Position::NONE;
            };
            let run_end = run.plus(octets.len() as u32);
            if !run_end.after(seq) {
                return true;
            }
            if run.before(seq.plus(len)) {
                found(run, octets);
            }
            position = previous;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn overlaps(history: &History, last: Position, seq: u32, len: u32) -> Vec<(u32, Vec<u8>)> {
        let mut found = Vec::new();
        history.overlaps(last, SeqNumber(seq), len, |seq, octets| {
            found.push((seq.0, octets.to_vec()));
        });
        found
    }

    #[test]
    fn finds_the_runs_that_overlap() {
        let mut history = History::new(4096);
        let mut last = Position::NONE;
        for (seq, octets) in [(10, b"aaaa"), (14, b"bbbb"), (18, b"cccc")] {
            last = history.remember(last, SeqNumber(seq), octets);
        }
        assert_eq!(overlaps(&history, last, 15, 2), [(14, b"bbbb".to_vec())]);
        assert_eq!(overlaps(&history, last, 12, 8).len(), 3);
        assert_eq!(overlaps(&history, last, 22, 5), []);
    }

    #[test]
    fn what_was_overwritten_is_forgotten() {
        let mut history = History::new(100);
        let first = history.remember(Position::NONE, SeqNumber(0), b"first");
        for seq in 0..50 {
            history.remember(Position::NONE, SeqNumber(seq), b"other");
        }
        assert_eq!(overlaps(&history, first, 0, 5), []);
    }
}
