//! Merges several captures into one, in the order of their frames' times.

#![expect(
    clippy::cast_possible_truncation,
    reason = "files that are open at the same time"
)]

use std::collections::VecDeque;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use super::batch::{Aside, AsideContent, Batch, FrameSource, Interface};
use super::error::{FileError, SourceError};
use super::file::{self, FileSource, Progress, ReadOptions};
use super::index::StoredFile;
use super::octets::CHUNK;
use super::options::STATISTICS;
use super::overlap::Overlaps;
use super::stop::Stop;

/// Merges captures: returns the earliest of the next frames of all captures; of equal ones, that of the capture named
/// first. Frames and interfaces are numbered over all captures.
///
/// A damaged capture does not stop the others. When all have ended, [`FrameSource::fill`] returns one
/// [`SourceError::File`] for each damaged capture, then the end.
pub struct MergedSource<S = FileSource> {
    inputs: Vec<Input<S>>,
    /// Number of interfaces returned so far, of all captures.
    interfaces: u32,
    frames: u64,
    errors: VecDeque<FileError>,
    overlaps: Arc<Mutex<Overlaps>>,
    /// Bytes of frames at which a merged batch is full.
    batch_size: usize,
}

struct Input<S> {
    path: PathBuf,
    /// Index of the capture.
    file: u32,
    source: S,
    batch: Batch,
    /// Index in `batch` of the next frame.
    next: usize,
    /// Index in `batch` of the next aside.
    next_aside: usize,
    ended: bool,
    /// The numbers of this capture's interfaces among those of all captures.
    interfaces: Vec<u32>,
}

/// Opens capture files (`-` for standard input), to be read as one in the order of time.
///
/// # Errors
///
/// If a file cannot be opened or is no capture. The error names the file.
pub fn open_all<P: AsRef<Path>>(
    paths: &[P],
    options: ReadOptions,
) -> Result<MergedSource, FileError> {
    open_each(paths, options, None)
}

/// Like [`open_all`]. `stop` ends it at once, even while a pipe is opened or waited for. Frames read by then are still
/// returned, and it is no error that a capture is cut off there.
///
/// # Errors
///
/// As for [`open_all`].
pub fn open_all_until<P: AsRef<Path>>(
    paths: &[P],
    options: ReadOptions,
    stop: &Stop,
) -> Result<MergedSource, FileError> {
    open_each(paths, options, Some(stop))
}

fn open_each<P: AsRef<Path>>(
    paths: &[P],
    options: ReadOptions,
    stop: Option<&Stop>,
) -> Result<MergedSource, FileError> {
    let mut merged = MergedSource::default();
    for path in paths {
        let source = file::open_until(path.as_ref(), options, stop)?;
        merged.add(path.as_ref(), source);
    }
    Ok(merged)
}

/// Locks the overlaps. Ignores poisoning: a thread that panicked leaves them consistent, and its panic is reported.
fn lock(overlaps: &Mutex<Overlaps>) -> std::sync::MutexGuard<'_, Overlaps> {
    overlaps.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<S> Default for MergedSource<S> {
    fn default() -> Self {
        Self {
            inputs: Vec::new(),
            interfaces: 0,
            frames: 0,
            errors: VecDeque::new(),
            overlaps: Arc::default(),
            batch_size: CHUNK,
        }
    }
}

impl MergedSource {
    /// Progress of reading, for each file.
    #[must_use]
    pub fn progress(&self) -> Vec<Arc<Progress>> {
        self.inputs
            .iter()
            .map(|input| input.source.progress())
            .collect()
    }

    /// The files that frames can be read from again, indexed by [`Interface::file`]; `None` unless all can. From then
    /// on, the source sets [`Batch::places`].
    pub(super) fn stored(&mut self) -> io::Result<Option<Vec<StoredFile>>> {
        let mut files = Vec::new();
        for input in &self.inputs {
            match input.source.stored()? {
                Some(file) => files.push(file),
                None => return Ok(None),
            }
        }
        for input in &mut self.inputs {
            input.source.record_places();
        }
        Ok(Some(files))
    }

    /// Ends reading once `flag` is set, as in [`FileSource::stop_on`].
    pub fn stop_on(&self, flag: &Arc<AtomicBool>) {
        for input in &self.inputs {
            input.source.stop_on(Arc::clone(flag));
        }
    }
}

impl<S> MergedSource<S> {
    /// Adds a capture, before any frame is read. `path` is for errors.
    fn add(&mut self, path: &Path, source: S) {
        lock(&self.overlaps).add(path);
        self.inputs.push(Input {
            path: path.to_owned(),
            file: self.inputs.len() as u32,
            source,
            batch: Batch::default(),
            next: 0,
            next_aside: 0,
            ended: false,
            interfaces: Vec::new(),
        });
    }

    /// How the captures overlap. Complete once all captures are read.
    #[must_use]
    pub fn overlaps(&self) -> Arc<Mutex<Overlaps>> {
        Arc::clone(&self.overlaps)
    }

    /// The input with the earliest frame, and a bound for how long its frames come first: the time of the earliest
    /// frame of the others, and whether a frame at exactly that time still comes first.
    fn earliest(&self) -> Option<(usize, Option<(i64, bool)>)> {
        let mut heads = self.inputs.iter().enumerate().filter_map(|(index, input)| {
            let header = input.batch.headers.get(input.next)?;
            Some((header.time.0, index))
        });
        let mut first = heads.next()?;
        let mut second = None;
        for head in heads {
            let later = if head < first {
                std::mem::replace(&mut first, head)
            } else {
                head
            };
            second = Some(second.map_or(later, |second: (i64, usize)| second.min(later)));
        }
        Some((first.1, second.map(|(time, index)| (time, first.1 < index))))
    }
}

impl<S: FrameSource> Input<S> {
    /// Reads the next batch if all frames of the current one were passed on. Adds the asides before the next frame to
    /// `out`.
    fn refill(&mut self, out: &mut Batch, interfaces: &mut u32) -> Option<FileError> {
        let mut error = None;
        while self.next == self.batch.headers.len() && !self.ended {
            (self.next, self.next_aside) = (0, 0);
            match self.source.fill(&mut self.batch) {
                Ok(more) => self.ended = !more,
                Err(damage) => {
                    self.ended = true;
                    error = Some(FileError::new(&self.path, damage));
                }
            }
            self.pass_asides(out, interfaces);
        }
        error
    }

    /// Passes on the asides before the next frame, except the frame's options.
    fn pass_asides(&mut self, out: &mut Batch, interfaces: &mut u32) {
        while let Some(aside) = self.batch.asides.get(self.next_aside)
            && aside.before <= self.next
        {
            let what = match &aside.what {
                AsideContent::Section(options) => AsideContent::Section(self.copy(options, out)),
                AsideContent::FrameOptions(_) => break,
                AsideContent::Interface(interface) => {
                    self.interfaces.push(*interfaces);
                    let numbered = Interface {
                        index: *interfaces,
                        file: self.file,
                        ..(**interface).clone()
                    };
                    *interfaces += 1;
                    AsideContent::Interface(Box::new(numbered))
                }
                AsideContent::KeyLog(text) => AsideContent::KeyLog(text.clone()),
                AsideContent::Block { kind, body } => {
                    let body = self.copy(body, out);
                    if *kind == STATISTICS
                        && let Some(number) = out.buffer[body.clone()].first_chunk_mut::<4>()
                    {
                        let local = u32::from_le_bytes(*number) as usize;
                        let index = self.interfaces.get(local).copied().unwrap_or_default();
                        *number = index.to_le_bytes();
                    }
                    AsideContent::Block { kind: *kind, body }
                }
            };
            out.asides.push(Aside {
                before: out.headers.len(),
                what,
            });
            self.next_aside += 1;
        }
    }

    /// Copies bytes of the batch to `out`.
    fn copy(&self, octets: &Range<usize>, out: &mut Batch) -> Range<usize> {
        let start = out.buffer.len();
        out.buffer
            .extend_from_slice(&self.batch.buffer[octets.clone()]);
        start..out.buffer.len()
    }

    /// Passes on the next frame with its options, and the asides before and after it.
    fn pass_frame(&mut self, out: &mut Batch, interfaces: &mut u32) {
        self.pass_asides(out, interfaces);
        let mut header = self.batch.headers[self.next];
        if let Some(aside) = self.batch.asides.get(self.next_aside)
            && aside.before == self.next
            && let AsideContent::FrameOptions(options) = &aside.what
        {
            let options = self.copy(options, out);
            self.next_aside += 1;
            out.asides.push(Aside {
                before: out.headers.len(),
                what: AsideContent::FrameOptions(options),
            });
        }
        let frame = header.start..header.start + header.captured as usize;
        header.start = self.copy(&frame, out).start;
        header.interface = self
            .interfaces
            .get(header.interface as usize)
            .copied()
            .unwrap_or_default();
        out.headers.push(header);
        out.places.extend(self.batch.places.get(self.next));
        self.next += 1;
        if self.next == self.batch.headers.len() {
            self.pass_asides(out, interfaces);
        }
    }
}

impl<S: FrameSource> FrameSource for MergedSource<S> {
    fn may_wait(&self) -> bool {
        self.inputs.iter().any(|input| input.source.may_wait())
    }

    fn set_batch_size(&mut self, octets: usize) {
        self.batch_size = octets;
        for input in &mut self.inputs {
            input.source.set_batch_size(octets);
        }
    }

    fn fill(&mut self, batch: &mut Batch) -> Result<bool, SourceError> {
        // A single capture needs no merging: its batches are passed on unchanged.
        if let [only] = self.inputs.as_mut_slice() {
            return only
                .source
                .fill(batch)
                .map_err(|error| SourceError::File(Box::new(FileError::new(&only.path, error))));
        }
        batch.clear();
        batch.first_number = self.frames + 1;
        for input in &mut self.inputs {
            let error = input.refill(batch, &mut self.interfaces);
            self.errors.extend(error);
        }
        let overlaps = Arc::clone(&self.overlaps);
        let mut overlaps = lock(&overlaps);
        // Until an input has no frames left in its batch, or there are enough bytes.
        let mut all_have_more = true;
        while all_have_more
            && batch.buffer.len() < self.batch_size
            && let Some((index, bound)) = self.earliest()
        {
            let input = &mut self.inputs[index];
            while let Some(header) = input.batch.headers.get(input.next)
                && bound.is_none_or(|(time, at_it)| {
                    header.time.0 < time || (at_it && header.time.0 == time)
                })
                && batch.buffer.len() < self.batch_size
            {
                let octets = input.batch.octets(header);
                overlaps.frame(index, header.time, octets);
                input.pass_frame(batch, &mut self.interfaces);
            }
            all_have_more = input.ended || input.next < input.batch.headers.len();
        }
        self.frames += batch.headers.len() as u64;
        if !batch.headers.is_empty() || !batch.asides.is_empty() {
            return Ok(true);
        }
        match self.errors.pop_front() {
            Some(error) => Err(SourceError::File(Box::new(error))),
            None => Ok(false),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::{FrameHeader, LinkType, Timestamp};

    /// Returns one frame per batch, at these times, then the error if there is one.
    struct Times(Vec<i64>, Option<SourceError>);

    impl FrameSource for Times {
        fn fill(&mut self, batch: &mut Batch) -> Result<bool, SourceError> {
            batch.clear();
            if self.0.is_empty() {
                return self.1.take().map_or(Ok(false), Err);
            }
            let time = self.0.remove(0);
            batch.asides.push(Aside {
                before: 0,
                what: AsideContent::Interface(Box::new(Interface {
                    index: 0,
                    file: 0,
                    link: LinkType::RAW,
                    snaplen: 0,
                    resolution: 9,
                    offset: 0,
                    name: None,
                    options: Vec::new(),
                })),
            });
            batch.buffer.extend(time.to_le_bytes());
            batch.headers.push(FrameHeader {
                time: Timestamp(time),
                start: 0,
                captured: 8,
                wire: 8,
                interface: 0,
                link: LinkType::RAW,
            });
            Ok(true)
        }
    }

    #[test]
    fn by_time_then_by_file_and_damage_last() {
        let mut merged = MergedSource::default();
        let damage = SourceError::Damaged {
            offset: 7,
            reason: "cut".into(),
        };
        for (name, times, error) in [
            ("a", vec![1, 5, 5, 9], None),
            ("b", vec![2], Some(damage)),
            ("c", vec![5, 3, 12], None),
            ("d", vec![], None),
        ] {
            merged.add(Path::new(name), Times(times, error));
        }
        let (mut seen, mut batch) = (Vec::new(), Batch::default());
        let error = loop {
            match merged.fill(&mut batch) {
                Ok(true) => {}
                Ok(false) => panic!("no error"),
                Err(error) => break error,
            }
            for frame in batch.frames() {
                assert_eq!(frame.octets, frame.header.time.0.to_le_bytes());
                seen.push((frame.number, frame.header.time.0));
            }
        };
        let expected = [1, 2, 5, 5, 5, 3, 9, 12];
        assert_eq!(seen, (1..).zip(expected).collect::<Vec<_>>());
        assert_eq!(
            error.to_string(),
            r#"cannot read "b": damaged at byte 7: cut"#
        );
        assert!(matches!(merged.fill(&mut batch), Ok(false)));
    }
}
