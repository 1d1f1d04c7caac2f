//! A recording that can be browsed: a short entry for each frame and exchange, packed in memory. Everything else is
//! computed again from the frames' bytes, which stay in their file.
//!
//! One thread records ([`Recorder`]); others look at the [`Shared`] recording and read frames again
//! ([`RecordedSource`]).

mod entry;
mod packed;
mod pieces;
mod recorder;
mod reread;

use std::collections::VecDeque;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

pub use entry::{ExchangeEntry, FrameEntry, Marks, NO_STREAM, Result, Texts};
pub use packed::Numbers;
pub use recorder::Recorder;
pub use reread::{Choice, RecordedSource};

use packed::{PIECE, Pieces};

use crate::capture::{FrameStore, Interface, KeyLogText, Timestamp};

/// A recording shared by several threads.
#[derive(Debug, Clone)]
pub struct Shared(Arc<RwLock<Recording>>);

impl Shared {
    /// An empty recording of frames in this store; `ring` is the most frames that are kept, if there is a limit.
    #[must_use]
    pub fn new(store: Arc<FrameStore>, ring: Option<u64>) -> Self {
        Self(Arc::new(RwLock::new(Recording::new(store, ring))))
    }

    /// Locks it for reading.
    pub fn read(&self) -> RwLockReadGuard<'_, Recording> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Recording> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Drops everything that was recorded; numbers continue.
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
    frames: Pieces<pieces::Frames>,
    start: Option<Timestamp>,
    exchanges: Pieces<pieces::Exchanges>,
    /// First and last frame of each stream, from `first_stream` on.
    spans: VecDeque<[u64; 2]>,
    first_stream: u32,
    /// Counts of exchanges, dropped ones included: all, and those that succeeded, failed, have notes.
    counts: [u64; 4],
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
            frames: Pieces::from(1),
            start: None,
            exchanges: Pieces::from(0),
            spans: VecDeque::new(),
            first_stream: 0,
            counts: [0; 4],
            ended: false,
            damage: Vec::new(),
        }
    }

    /// Numbers of the frames that are kept: the first, and the one after the last.
    #[must_use]
    pub fn frames(&self) -> std::ops::Range<u64> {
        self.frames.range()
    }

    /// Time of the first frame ever recorded.
    #[must_use]
    pub const fn start(&self) -> Option<Timestamp> {
        self.start
    }

    /// The entry of a frame, where it is kept.
    #[must_use]
    pub fn frame(&self, number: u64) -> Option<FrameEntry> {
        self.frames.entry(number)
    }

    /// A frame's stream, or [`NO_STREAM`], and its flags, without unpacking the rest.
    #[must_use]
    pub fn stream_and_marks(&self, number: u64) -> Option<(u32, Marks)> {
        Some(self.frames.at(number)?.stream_and_marks())
    }

    /// What there is to say of a frame.
    #[must_use]
    pub fn marks(&self, number: u64) -> Marks {
        let at = self.frames.at(number);
        at.map_or_else(Marks::default, |at| at.marks())
    }

    /// Numbers of the exchanges that are kept, from 0 in the order of completion.
    #[must_use]
    pub fn exchanges(&self) -> std::ops::Range<u64> {
        self.exchanges.range()
    }

    /// The entry of an exchange, where it is kept.
    #[must_use]
    pub fn exchange(&self, number: u64) -> Option<ExchangeEntry> {
        self.exchanges.entry(number)
    }

    /// Whether an exchange failed, and whether it has a warning or worse.
    #[must_use]
    pub fn failed_and_noted(&self, number: u64) -> [bool; 2] {
        let at = self.exchanges.at(number);
        at.map_or([false; 2], |at| [at.failed(), at.is_noted()])
    }

    /// The connection of an exchange.
    #[must_use]
    pub fn stream_of_exchange(&self, number: u64) -> Option<u32> {
        Some(self.exchanges.at(number)?.stream())
    }

    /// The number of the exchange that is the same as this one.
    #[must_use]
    pub fn number_of(&self, exchange: &ExchangeEntry) -> Option<u64> {
        let all = &self.exchanges;
        let completed = |number: u64| all.at(number).map(|at| at.completed());
        let mut range = all.range();
        while !range.is_empty() {
            let middle = range.start + (range.end - range.start) / 2;
            if completed(middle)? < exchange.completed {
                range.start = middle + 1;
            } else {
                range.end = middle;
            }
        }
        let mut same = (range.start..all.range().end)
            .take_while(|number| completed(*number) == Some(exchange.completed));
        same.find(|number| {
            all.entry(*number)
                .is_some_and(|other| other.is_same(exchange))
        })
    }

    /// First and last frame of a stream that is kept.
    #[must_use]
    pub fn span(&self, stream: u32) -> Option<[u64; 2]> {
        let at = stream.checked_sub(self.first_stream)? as usize;
        let span = self.spans.get(at).copied()?;
        let [first, last] = span;
        let kept = self.frames.range().start;
        (last >= kept && last > 0).then(|| [first.max(kept), last])
    }

    /// Counts of all exchanges, those that succeeded, failed, and have notes, dropped ones included.
    #[must_use]
    pub const fn counts(&self) -> [u64; 4] {
        self.counts
    }

    /// Whether the source has ended.
    #[must_use]
    pub const fn ended(&self) -> bool {
        self.ended
    }

    /// Errors of the source, one sentence each.
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
        let number = self.frames.range().end;
        self.frames.push(entry);
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
            *first = number;
        }
        *last = number;
    }

    fn push_exchange(&mut self, entry: ExchangeEntry) {
        let [all, succeeded, failed, noted] = &mut self.counts;
        *all += 1;
        *succeeded += u64::from(entry.result == Result::Ok);
        *failed += u64::from(entry.failed());
        *noted += u64::from(entry.note.is_some());
        self.exchanges.push(entry);
    }

    /// Drops the oldest frames if there are more than are to be kept.
    fn drop_oldest(&mut self) {
        let Some(ring) = self.ring else { return };
        let kept = self.frames.range();
        let piece = PIECE as u64;
        // A piece is dropped once the pieces after it hold as many frames as are to be kept.
        let gone = (kept.end - kept.start).saturating_sub(ring) / piece * piece;
        if gone > 0 {
            self.frames.drop_before(kept.start + gone);
            self.forget_before_first();
        }
    }

    fn forget_before_first(&mut self) {
        let first = self.frames.range().start;
        let mut exchanges = self.exchanges.range();
        let begun_before = |number: &u64| {
            let entry = self.exchange(*number);
            entry.is_some_and(|entry| entry.first_frame() < first)
        };
        let kept = exchanges.find(|number| !begun_before(number));
        self.exchanges.drop_before(kept.unwrap_or(u64::MAX));
        while self.spans.front().is_some_and(|[_, last]| *last < first) {
            self.spans.pop_front();
            self.first_stream += 1;
        }
        if let Some(entry) = self.frame(first) {
            self.store.let_go(entry.place);
        }
    }

    fn clear(&mut self) {
        self.frames.clear();
        self.exchanges.clear();
        self.counts = [0; 4];
        self.spans.clear();
        // Streams that continue keep their numbers; earlier ones are never asked for.
        self.first_stream = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exchange(frame: u64) -> ExchangeEntry {
        let end = crate::packet::Endpoint {
            address: std::net::Ipv4Addr::LOCALHOST.into(),
            port: 8888,
        };
        ExchangeEntry {
            time: Timestamp(0),
            elapsed: None,
            completed: frame,
            frames: [Some(frame), None],
            stream: 0,
            ends: [end; 2],
            user: None,
            action: "login",
            result: Result::Ok,
            description: None,
            note: None,
        }
    }

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
            if number % 100 == 0 {
                recording.push_exchange(exchange(number.into()));
            }
            recording.drop_oldest();
            let kept = recording.frames();
            assert!(kept.end - kept.start < ring + piece);
        }
        let kept = recording.frames();
        assert_eq!(kept.end, 100_001);
        assert!(kept.end - kept.start >= ring);
        assert!(recording.span(0).is_none());
        let exchanges = recording.exchanges();
        assert!(exchanges.end - exchanges.start < 1000);
        assert_eq!(recording.counts(), [1000, 1000, 0, 0]);
        assert!(recording.spans.len() as u64 <= (ring + piece) / 4 + 1);
        assert!(recording.frame(kept.start - 1).is_none());
        recording.clear();
        assert!(recording.frames().is_empty());
    }
}
