//! Records one can browse: a short entry for each frame and exchange, kept in memory; all else is worked out again from the
//! frames' bytes, which stay in their file.
//!
//! One thread records ([`Recorder`]), others look at it through a [`Shared`] recording and read frames again
//! ([`RecordedSource`]).

mod again;
mod entry;
mod recorder;

use std::collections::VecDeque;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

pub use again::{Choice, RecordedSource};
pub use entry::{ExchangeEntry, FrameEntry, Marks, NO_STREAM, Result, Texts};
pub use recorder::Recorder;

use crate::capture::{FrameStore, Interface, KeyLogText, Timestamp};

/// Entries in a piece of the list of frames: pieces never move, and the oldest is let go as a whole.
const PIECE: usize = 4096;

/// A recording that several threads look at.
#[derive(Debug, Clone)]
pub struct Shared(Arc<RwLock<Recording>>);

impl Shared {
    /// An empty one of frames in this store; `ring` is how many frames are kept at the most, where not all are.
    #[must_use]
    pub fn new(store: Arc<FrameStore>, ring: Option<u64>) -> Self {
        Self(Arc::new(RwLock::new(Recording::new(store, ring))))
    }

    /// To look at.
    pub fn read(&self) -> RwLockReadGuard<'_, Recording> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Recording> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets go of everything that was recorded; numbers go on.
    pub fn clear(&self) {
        self.write().clear();
    }
}

/// Frames and exchanges in order.
#[derive(Debug)]
pub struct Recording {
    store: Arc<FrameStore>,
    interfaces: Vec<Interface>,
    secrets: Vec<KeyLogText>,
    ring: Option<u64>,
    pieces: VecDeque<Vec<FrameEntry>>,
    /// Number of the first frame that is kept.
    first: u64,
    /// Frames recorded, those let go included.
    frames: u64,
    start: Option<Timestamp>,
    exchanges: VecDeque<ExchangeEntry>,
    first_exchange: u64,
    /// First and last frame of each stream, from `first_stream` on.
    spans: VecDeque<[u64; 2]>,
    first_stream: u32,
    /// Exchanges by result, whether let go or not: succeeded, failed, noted.
    counts: [u64; 3],
    ended: bool,
    damage: Vec<String>,
}

impl Recording {
    const fn new(store: Arc<FrameStore>, ring: Option<u64>) -> Self {
        Self {
            store,
            interfaces: Vec::new(),
            secrets: Vec::new(),
            ring,
            pieces: VecDeque::new(),
            first: 1,
            frames: 0,
            start: None,
            exchanges: VecDeque::new(),
            first_exchange: 0,
            spans: VecDeque::new(),
            first_stream: 0,
            counts: [0; 3],
            ended: false,
            damage: Vec::new(),
        }
    }

    /// Numbers of the frames that are kept: the first, and the one behind the last.
    #[must_use]
    pub const fn frames(&self) -> std::ops::Range<u64> {
        self.first..self.frames + 1
    }

    /// Time of the first frame ever recorded.
    #[must_use]
    pub const fn start(&self) -> Option<Timestamp> {
        self.start
    }

    /// The entry of a frame, where it is kept.
    #[must_use]
    pub fn frame(&self, number: u64) -> Option<&FrameEntry> {
        let at = usize::try_from(number.checked_sub(self.first)?).ok()?;
        self.pieces.get(at / PIECE)?.get(at % PIECE)
    }

    /// Numbers of the exchanges that are kept, from 0 in the order in which they were complete.
    #[must_use]
    pub fn exchanges(&self) -> std::ops::Range<u64> {
        self.first_exchange..self.first_exchange + self.exchanges.len() as u64
    }

    /// The entry of an exchange, where it is kept.
    #[must_use]
    pub fn exchange(&self, number: u64) -> Option<&ExchangeEntry> {
        let at = usize::try_from(number.checked_sub(self.first_exchange)?).ok()?;
        self.exchanges.get(at)
    }

    /// The number of the exchange that is the same as this one.
    #[must_use]
    pub fn number_of(&self, exchange: &ExchangeEntry) -> Option<u64> {
        let all = &self.exchanges;
        let from = all.partition_point(|other| other.completed < exchange.completed);
        let mut same = all
            .range(from..)
            .take_while(|other| other.completed == exchange.completed);
        let at = same.position(|other| other.is_same(exchange))?;
        Some(self.first_exchange + (from + at) as u64)
    }

    /// First and last frame of a stream that is kept.
    #[must_use]
    pub fn span(&self, stream: u32) -> Option<[u64; 2]> {
        let at = stream.checked_sub(self.first_stream)? as usize;
        let span = self.spans.get(at).copied()?;
        let [first, last] = span;
        (last >= self.first && last > 0).then(|| [first.max(self.first), last])
    }

    /// Exchanges that succeeded, that failed, and that have notes.
    #[must_use]
    pub const fn counts(&self) -> [u64; 3] {
        self.counts
    }

    /// Whether no more comes.
    #[must_use]
    pub const fn ended(&self) -> bool {
        self.ended
    }

    /// What was wrong with the source, a sentence each.
    #[must_use]
    pub fn damage(&self) -> &[String] {
        &self.damage
    }

    /// Where the frames' bytes are.
    #[must_use]
    pub const fn store(&self) -> &Arc<FrameStore> {
        &self.store
    }

    /// The interfaces so far.
    #[must_use]
    pub fn interfaces(&self) -> &[Interface] {
        &self.interfaces
    }

    fn push(&mut self, entry: FrameEntry) {
        if self.pieces.back().is_none_or(|piece| piece.len() == PIECE) {
            self.pieces.push_back(Vec::with_capacity(PIECE));
        }
        if let Some(piece) = self.pieces.back_mut() {
            piece.push(entry);
        }
        self.frames += 1;
        self.start.get_or_insert(entry.time);
        if entry.stream == NO_STREAM {
            return;
        }
        let Some(at) = entry.stream.checked_sub(self.first_stream) else {
            return;
        };
        let at = at as usize;
        if at >= self.spans.len() {
            self.spans.resize(at + 1, [0; 2]);
        }
        let [first, last] = &mut self.spans[at];
        if *first == 0 {
            *first = self.frames;
        }
        *last = self.frames;
    }

    fn push_exchange(&mut self, entry: ExchangeEntry) {
        let [succeeded, failed, noted] = &mut self.counts;
        *succeeded += u64::from(entry.result == Result::Ok);
        *failed += u64::from(entry.failed());
        *noted += u64::from(entry.note.is_some());
        self.exchanges.push_back(entry);
    }

    /// Lets go of the oldest frames where there are more than are kept.
    fn let_go(&mut self) {
        let Some(ring) = self.ring else { return };
        let mut gone = false;
        // The first piece goes when those behind it are as many as are kept.
        while self.frames + 1 - self.first >= ring + PIECE as u64 && self.pieces.len() > 1 {
            if let Some(piece) = self.pieces.pop_front() {
                self.first += piece.len() as u64;
                gone = true;
            }
        }
        if gone {
            self.forget_before_first();
        }
    }

    fn forget_before_first(&mut self) {
        while self
            .exchanges
            .front()
            .is_some_and(|one| one.first_frame() < self.first)
        {
            self.exchanges.pop_front();
            self.first_exchange += 1;
        }
        while self
            .spans
            .front()
            .is_some_and(|[_, last]| *last < self.first)
        {
            self.spans.pop_front();
            self.first_stream += 1;
        }
        if let Some(entry) = self.frame(self.first) {
            self.store.let_go(entry.place);
        }
    }

    fn clear(&mut self) {
        self.pieces.clear();
        self.first = self.frames + 1;
        self.first_exchange += self.exchanges.len() as u64;
        self.exchanges.clear();
        self.counts = [0; 3];
        self.spans.clear();
        // Streams that go on keep their numbers; what is before them is never asked for.
        self.first_stream = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(stream: u32) -> FrameEntry {
        FrameEntry {
            time: Timestamp(0),
            place: 0,
            captured: 60,
            wire: 60,
            stream,
            interface: 0,
            marks: Marks::default(),
        }
    }

    #[test]
    fn a_ring_keeps_the_newest_and_forgets_the_streams_of_others() {
        let source = crate::capture::open_all::<&str>(&[], crate::capture::ReadOptions::default());
        let (_, store) = FrameStore::of(source.unwrap()).unwrap();
        let ring = 10_000;
        let mut recording = Recording::new(store, Some(ring));
        let piece = PIECE as u64;
        for number in 0..100_000 {
            recording.push(entry(number / 4));
            recording.let_go();
            let kept = recording.frames();
            assert!(kept.end - kept.start < ring + piece);
        }
        let kept = recording.frames();
        assert_eq!(kept.end, 100_001);
        assert!(kept.end - kept.start >= ring);
        assert!(recording.span(0).is_none());
        assert!(recording.spans.len() as u64 <= (ring + piece) / 4 + 1);
        assert!(recording.frame(kept.start - 1).is_none());
        recording.clear();
        assert!(recording.frames().is_empty());
    }
}
