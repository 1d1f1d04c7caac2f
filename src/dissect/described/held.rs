//! Bytes of a direction that are held until more follow, and the frames that carried them.

#![expect(
    clippy::cast_possible_truncation,
    reason = "offsets in held bytes of a message of at most 16 MiB"
)]

use std::ops::Range;

use smallvec::SmallVec;

use crate::capture::Timestamp;
use crate::dissect::message::SourceBytes;
use crate::stream::Chunk;

/// Where a run of bytes was, and the frame with which they became readable.
pub(super) type Carrier = (SourceBytes, (u64, Timestamp));

/// Which frames carried a message's bytes, and the one of them captured last.
pub(super) type Carried = (SmallVec<[SourceBytes; 1]>, (u64, Timestamp));

/// Held bytes, in order.
#[derive(Debug, Default)]
pub(super) struct Held {
    pub octets: Vec<u8>,
    carriers: Vec<Carrier>,
}

/// The carrier of a chunk whose first byte is at offset `start`.
fn carrier(chunk: Chunk<'_>, start: usize) -> Carrier {
    let source = SourceBytes {
        frame: chunk.frame,
        offset: chunk.offset,
        seq: chunk.seq,
        ack: chunk.ack,
        start: start as u32,
        len: chunk.octets.len() as u32,
    };
    (source, chunk.readable)
}

/// The part of a carrier inside `range`, with offsets from the range's start; `None` if there is none.
fn part((source, readable): &Carrier, range: &Range<usize>) -> Option<Carrier> {
    let own = source.range();
    let start = own.start.max(range.start);
    let end = own.end.min(range.end);
    (start < end).then(|| {
        let cut = (start - own.start) as u32;
        let source = SourceBytes {
            offset: source.offset + cut,
            seq: source.seq.plus(cut),
            start: (start - range.start) as u32,
            len: (end - start) as u32,
            ..*source
        };
        (source, *readable)
    })
}

fn carried<'a>(carriers: impl Iterator<Item = &'a Carrier>, range: &Range<usize>) -> Carried {
    let mut sources: SmallVec<[SourceBytes; 1]> = SmallVec::new();
    let mut last = (0, Timestamp(0));
    for (source, readable) in carriers.filter_map(|carrier| part(carrier, range)) {
        if readable.0 >= last.0 {
            last = readable;
        }
        sources.push(source);
    }
    (sources, last)
}

impl Held {
    /// Adds a chunk.
    pub fn push(&mut self, chunk: Chunk<'_>) {
        let start = self.octets.len();
        self.octets.extend_from_slice(chunk.octets);
        self.carriers.push(carrier(chunk, start));
    }

    /// Which frames carried the bytes of `range`.
    pub fn carried(&self, range: &Range<usize>) -> Carried {
        let first = self
            .carriers
            .partition_point(|(source, _)| source.range().end <= range.start);
        let near = self.carriers[first..]
            .iter()
            .take_while(|(source, _)| (source.start as usize) < range.end);
        carried(near, range)
    }

    /// The same for a chunk that is not held.
    pub fn carried_by(chunk: Chunk<'_>, range: &Range<usize>) -> Carried {
        carried(std::iter::once(&carrier(chunk, 0)), range)
    }

    /// Drops bytes from the front.
    pub fn drop_front(&mut self, octets: usize) {
        if octets == 0 {
            return;
        }
        let range = octets..self.octets.len();
        self.octets.drain(..octets);
        let left = self.carriers.iter();
        self.carriers = left.filter_map(|carrier| part(carrier, &range)).collect();
    }

    /// The held bytes as chunks like those that were added.
    pub fn chunks(&self) -> impl Iterator<Item = Chunk<'_>> {
        self.carriers.iter().map(|(source, readable)| Chunk {
            octets: &self.octets[source.range()],
            frame: source.frame,
            readable: *readable,
            offset: source.offset,
            seq: source.seq,
            ack: source.ack,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::SeqNumber;

    #[test]
    fn bytes_know_their_frames_after_others_went() {
        let chunk = |octets: &'static [u8], frame, seq| Chunk {
            octets,
            frame,
            readable: (frame, Timestamp(0)),
            offset: 54,
            seq: SeqNumber(seq),
            ack: None,
        };
        let mut held = Held::default();
        held.push(chunk(b"abcdef", 3, 100));
        held.push(chunk(b"ghi", 5, 106));
        held.drop_front(2);
        let (sources, last) = held.carried(&(1..6));
        assert_eq!(last.0, 5);
        let told: Vec<_> = sources
            .iter()
            .map(|one| (one.frame, one.offset, one.seq.0, one.start, one.len))
            .collect();
        assert_eq!(told, [(3, 57, 103, 0, 3), (5, 54, 106, 3, 2)]);
        let kept: Vec<&[u8]> = held.chunks().map(|chunk| chunk.octets).collect();
        assert_eq!(kept, [b"cdef".as_slice(), b"ghi"]);
    }
}
