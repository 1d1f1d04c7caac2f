//! Reads frames of a recording again, as a source of frames like any other.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use super::{FrameEntry, Marks, NO_STREAM, Shared};
use crate::capture::{
    Aside, AsideContent, Batch, FileError, FrameHeader, FrameSource, Interface, LinkType,
    SourceError, Stop,
};
use crate::session::Options;
use crate::stream::StreamNumbers;

/// Most frames of a batch, and about as many bytes.
const FRAMES: usize = 512;
const BYTES: u64 = 512 << 10;
/// The largest gap between two frames, in bytes, up to which both are read in one read.
const GAP: u64 = 4096;
/// Number of frames before a stream's first one that are searched for fragments.
const FRAGMENTS_BEFORE: u64 = 256;
/// How long to wait before looking for more frames.
const WAIT: Duration = Duration::from_millis(20);

/// Which frames are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// All, and those that arrive during the reading.
    Growing,
    /// All that there are now.
    All,
    /// The frames of these streams, and fragments.
    Streams(Vec<u32>),
    /// These frames, and what is needed to inspect them: the other frames of their streams up to the last one, and
    /// fragments.
    Around(Vec<u64>, u64),
}

/// Reads frames of a recording again.
pub struct RecordedSource {
    shared: Shared,
    choice: Choice,
    /// The next frame to look at, and the one after the last.
    next: u64,
    end: u64,
    /// The streams that are read, in order; empty if it is all frames.
    streams: Vec<u32>,
    stop: Stop,
    /// Interfaces given so far.
    interfaces: usize,
    secrets: usize,
    /// Where the progress of a long reading is stored, and the frame from which it counts.
    percent: Option<Arc<AtomicU8>>,
    from: u64,
}

/// Number of frames up to which no progress is shown.
const SHORT: u64 = 100_000;

/// A frame that is to be read.
struct Wanted {
    number: u64,
    entry: FrameEntry,
    file: u32,
    link: LinkType,
}

impl RecordedSource {
    /// Reads these frames until `stop` is asked for.
    #[must_use]
    pub fn new(shared: Shared, choice: Choice, stop: Stop) -> Self {
        let recording = shared.read();
        let all = recording.frames();
        let mut streams = match &choice {
            Choice::Growing | Choice::All => Vec::new(),
            Choice::Streams(streams) => streams.clone(),
            Choice::Around(frames, _) => {
                let entries = frames.iter().filter_map(|frame| recording.frame(*frame));
                let streams = entries.map(|entry| entry.stream);
                streams.filter(|stream| *stream != NO_STREAM).collect()
            }
        };
        streams.sort_unstable();
        streams.dedup();
        let spans = streams.iter().filter_map(|stream| recording.span(*stream));
        let (mut from, mut to) = (u64::MAX, 0);
        for [first, last] in spans {
            (from, to) = (from.min(first), to.max(last));
        }
        let (next, end) = match &choice {
            Choice::Growing => (all.start, u64::MAX),
            Choice::All => (all.start, all.end),
            Choice::Streams(_) => (from, to + 1),
            Choice::Around(frames, upto) => {
                let least = frames.iter().min().copied().unwrap_or_default();
                let most = frames.iter().max().copied().unwrap_or_default();
                (from.min(least), to.min(*upto).max(most) + 1)
            }
        };
        let next = next.saturating_sub(FRAGMENTS_BEFORE).max(all.start);
        drop(recording);
        Self {
            shared,
            choice,
            next,
            end,
            streams,
            stop,
            interfaces: 0,
            secrets: 0,
            percent: None,
            from: next,
        }
    }

    /// The same, and stores its progress if it reads much, such as a whole connection.
    #[must_use]
    pub fn telling(mut self, percent: Arc<AtomicU8>) -> Self {
        let is_part = matches!(self.choice, Choice::Streams(_) | Choice::Around(..));
        self.percent = Some(percent).filter(|_| is_part);
        self
    }

    fn tell(&self) {
        let Some(percent) = &self.percent else { return };
        let all = self.end.saturating_sub(self.from);
        if all > SHORT {
            let done = self.next.saturating_sub(self.from).min(all) * 100 / all;
            percent.store(u8::try_from(done).unwrap_or(100), Ordering::Relaxed);
        }
    }

    /// Options for an inspector that reads frames again: streams keep their numbers.
    #[must_use]
    pub fn options(shared: &Shared, options: &Options) -> Options {
        let shared = shared.clone();
        let number = move |frame| {
            let recording = shared.read();
            recording.frame(frame).map(|entry| entry.stream)
        };
        Options {
            stream_numbers: Some(StreamNumbers(Arc::new(number))),
            live: false,
            ..options.clone()
        }
    }

    /// The next frames, consecutive and from one file, and whether there may be more.
    fn wanted(&mut self, batch: &mut Batch) -> (Vec<Wanted>, bool) {
        let recording = self.shared.read();
        let frames = recording.frames();
        for interface in &recording.interfaces[self.interfaces..] {
            let what = AsideContent::Interface(Box::new(interface.clone()));
            batch.asides.push(Aside { before: 0, what });
        }
        for secret in &recording.secrets[self.secrets..] {
            let what = AsideContent::KeyLog(secret.clone());
            batch.asides.push(Aside { before: 0, what });
        }
        self.interfaces = recording.interfaces.len();
        self.secrets = recording.secrets.len();
        // Frames dropped in the meantime are skipped.
        self.next = self.next.max(frames.start);
        let end = self.end.min(frames.end);
        let of_streams = |number: u64| {
            let entry = recording.stream_and_marks(number);
            entry.is_some_and(|(stream, marks)| {
                self.streams.binary_search(&stream).is_ok() || marks.has(Marks::FRAGMENT)
            })
        };
        let is_meant = |number: u64| match &self.choice {
            Choice::Growing | Choice::All => true,
            Choice::Streams(_) => of_streams(number),
            Choice::Around(frames, _) => of_streams(number) || frames.contains(&number),
        };
        let mut wanted: Vec<Wanted> = Vec::new();
        let mut bytes = 0;
        while self.next < end && wanted.len() < FRAMES && bytes < BYTES {
            if is_meant(self.next) {
                let Some(entry) = recording.frame(self.next) else {
                    break;
                };
                let interface = recording.interfaces.get(usize::from(entry.interface));
                let (file, link) = interface.map_or((0, LinkType::ETHERNET), of_interface);
                wanted.push(Wanted {
                    number: self.next,
                    entry,
                    file,
                    link,
                });
                bytes += u64::from(entry.captured);
            } else if !wanted.is_empty() {
                break;
            }
            self.next += 1;
        }
        let is_growing = self.choice == Choice::Growing && !recording.ended;
        (wanted, self.next < end || is_growing)
    }

    /// Reads the frames' bytes; those that are close together in one read.
    fn read(&self, wanted: &[Wanted], batch: &mut Batch) -> Result<(), SourceError> {
        let store = Arc::clone(self.shared.read().store());
        let mut at = 0;
        while let Some(first) = wanted.get(at) {
            let start = first.entry.place;
            let end_of = |one: &Wanted| one.entry.place + u64::from(one.entry.captured);
            let mut end = end_of(first);
            let together = wanted[at..].iter().take_while(|one| {
                let place = one.entry.place;
                let is_near = one.file == first.file
                    && place >= start
                    && place <= end + GAP
                    && place - start < 2 * BYTES;
                if is_near {
                    end = end.max(end_of(one));
                }
                is_near
            });
            let together = together.count().max(1);
            let base = batch.buffer.len();
            let len = usize::try_from(end - start).unwrap_or_default();
            batch.buffer.resize(base + len, 0);
            let failed = |error: std::io::Error| {
                let path = std::path::Path::new("the capture");
                SourceError::File(Box::new(FileError::new(path, error)))
            };
            let read = store.read(first.file, start, &mut batch.buffer[base..]);
            read.map_err(failed)?;
            for one in &wanted[at..at + together] {
                let place = usize::try_from(one.entry.place - start).unwrap_or_default();
                batch.headers.push(FrameHeader {
                    time: one.entry.time,
                    start: base + place,
                    captured: one.entry.captured,
                    wire: one.entry.wire,
                    interface: u32::from(one.entry.interface),
                    link: one.link,
                });
            }
            at += together;
        }
        Ok(())
    }
}

impl Drop for RecordedSource {
    fn drop(&mut self) {
        if let Some(percent) = &self.percent {
            percent.store(0, Ordering::Relaxed);
        }
    }
}

fn of_interface(interface: &Interface) -> (u32, LinkType) {
    (interface.file, interface.link)
}

impl FrameSource for RecordedSource {
    fn may_wait(&self) -> bool {
        self.choice == Choice::Growing
    }

    fn fill(&mut self, batch: &mut Batch) -> Result<bool, SourceError> {
        batch.clear();
        if self.stop.is_asked() {
            return Ok(false);
        }
        let (wanted, more) = self.wanted(batch);
        self.tell();
        batch.first_number = wanted.first().map_or(self.next, |first| first.number);
        self.read(&wanted, batch)?;
        if wanted.is_empty() && more && self.choice == Choice::Growing {
            std::thread::sleep(WAIT);
        }
        Ok(more)
    }
}
