//! One capture file, or a pipe, as a source of frames.

use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::batch::{Aside, AsideContent, Batch, FrameSource};
use super::error::{FileError, SourceError};
use super::index::StoredFile;
use super::octets::Octets;
pub use super::octets::Progress;
use super::pcap::{HEADER, Pcap};
use super::pcapng::Pcapng;
use super::secrets::{self, KeyLogText};
use super::sniff;
use super::stop::Stop;

/// How to read a capture.
#[derive(Debug, Clone, Copy, Default)]
pub struct ReadOptions {
    /// Whether to return section headers, interface and frame options and all other blocks as well, for a writer that
    /// passes them on.
    pub keep: bool,
}

/// A capture file or pipe: pcap or pcapng, plain or compressed with gzip or zstd.
pub struct FileSource {
    octets: Octets,
    format: Format,
    /// Bytes that were read but not returned: the start of the next record.
    carry: Vec<u8>,
    /// Number of bytes of the capture before `carry`.
    base: u64,
    /// Number of frames returned so far.
    frames: u64,
    /// Whether a pcap file's only interface was returned.
    begun: bool,
    /// TLS secrets to return before the first frame.
    secrets_first: Vec<KeyLogText>,
    ended: bool,
    /// Whether to set [`Batch::places`].
    records_places: bool,
}

/// Bytes that are read to name the type of a file that is no capture.
const NAMED: usize = 4096;

enum Format {
    Pcap(Pcap),
    Pcapng(Pcapng),
}

/// Opens a capture file, or standard input if `path` is `-`. The content determines the format. For a pipe, waits for
/// the first bytes.
///
/// # Errors
///
/// If the file cannot be read, is no capture, or has a damaged header.
pub fn open(path: &Path, options: ReadOptions) -> Result<FileSource, FileError> {
    open_until(path, options, None)
}

/// Like [`open`]. `stop` ends it as in [`FileSource::stop_on`], even while opening.
pub(super) fn open_until(
    path: &Path,
    options: ReadOptions,
    stop: Option<&Stop>,
) -> Result<FileSource, FileError> {
    let mut first = Vec::new();
    Octets::open(path, &mut first, stop)
        .and_then(|octets| FileSource::begin(octets, first, options))
        .map(|mut source| {
            source.secrets_first.extend(secrets::at_end(path));
            source
        })
        .map_err(|error| FileError::new(path, error))
}

impl FileSource {
    /// A capture from any reader.
    ///
    /// # Errors
    ///
    /// If the reader fails, or its content is no capture or has a damaged header.
    pub fn from_reader(
        reader: impl Read + Send + 'static,
        options: ReadOptions,
    ) -> Result<Self, SourceError> {
        let mut first = Vec::new();
        let octets = Octets::from_reader(reader, &mut first)?;
        Self::begin(octets, first, options)
    }

    fn begin(
        mut octets: Octets,
        mut first: Vec<u8>,
        options: ReadOptions,
    ) -> Result<Self, SourceError> {
        let (mut base, mut secrets_first) = (0, Vec::new());
        let format = match sniff::format(&first) {
            Some(sniff::Format::Pcapng) => {
                secrets_first.push(KeyLogText::default());
                Format::Pcapng(Pcapng::new(options.keep))
            }
            Some(sniff::Format::Pcap) => {
                while first.len() < HEADER && octets.read(&mut first, 0)? > 0 {}
                let Some(header) = first.first_chunk() else {
                    return Err(SourceError::Damaged {
                        offset: 0,
                        reason: format!(
                            "cut off inside the file header: {} of its {} bytes are there",
                            first.len(),
                            HEADER
                        ),
                    });
                };
                let pcap = Pcap::new(header)?;
                first.drain(..HEADER);
                base = HEADER as u64;
                Format::Pcap(pcap)
            }
            None => {
                // The name may need more bytes than a slow pipe returned in its first read.
                while first.len() < NAMED && octets.read(&mut first, 0)? > 0 {}
                first.truncate(NAMED);
                return Err(SourceError::NotACapture(sniff::looks_like(
                    &first,
                    octets.compression(),
                )));
            }
        };
        Ok(Self {
            octets,
            format,
            begun: false,
            secrets_first,
            carry: first,
            base,
            frames: 0,
            ended: false,
            records_places: false,
        })
    }

    /// Progress of reading, which another thread can watch.
    #[must_use]
    pub fn progress(&self) -> Arc<Progress> {
        self.octets.progress()
    }

    /// Ends the capture once `flag` is set, at once even while waiting for a pipe. Frames read by then are still
    /// returned, and it is no error that the capture is cut off there.
    pub fn stop_on(&self, flag: Arc<AtomicBool>) {
        self.octets.stop_on(flag);
    }

    /// The file, if frames can be read from it again: `None` for a pipe or a compressed file.
    pub(super) fn stored(&self) -> io::Result<Option<StoredFile>> {
        self.octets.stored()
    }

    /// From now on, sets [`Batch::places`].
    pub(super) const fn record_places(&mut self) {
        self.records_places = true;
    }

    /// Finds the complete records in the batch's buffer from `*at` on.
    fn find(&mut self, batch: &mut Batch, at: &mut usize) -> Result<(), SourceError> {
        match &mut self.format {
            Format::Pcap(pcap) => pcap.records(&batch.buffer, at, self.base, &mut batch.headers),
            Format::Pcapng(pcapng) => pcapng.blocks(batch, at, self.base),
        }
    }

    /// The error, if any, if no more bytes come and `rest` is left.
    fn end(&self, rest: &[u8], at: usize) -> Result<(), SourceError> {
        let reason = match &self.format {
            Format::Pcap(pcap) if !rest.is_empty() => pcap.cut(rest),
            Format::Pcapng(pcapng) if !rest.is_empty() || pcapng.inside() => pcapng.cut(rest),
            _ => return Ok(()),
        };
        Err(SourceError::Damaged {
            offset: self.base + at as u64,
            reason,
        })
    }

    /// Reads until there is at least one frame or aside, besides the first `besides` asides, or the bytes end. Returns
    /// whether they ended.
    fn advance(&mut self, batch: &mut Batch, besides: usize) -> Result<bool, SourceError> {
        let mut at = 0;
        loop {
            self.find(batch, &mut at)?;
            if !batch.headers.is_empty() || batch.asides.len() > besides {
                self.carry.extend_from_slice(&batch.buffer[at..]);
                self.base += at as u64;
                return Ok(false);
            }
            // There is nothing to return before `at`.
            batch.buffer.drain(..at);
            self.base += at as u64;
            at = 0;
            if self.octets.read(&mut batch.buffer, self.base)? == 0 {
                self.end(&batch.buffer, at)?;
                return Ok(true);
            }
        }
    }
}

impl FrameSource for FileSource {
    fn may_wait(&self) -> bool {
        self.octets.progress().total().is_none()
    }

    fn set_batch_size(&mut self, octets: usize) {
        self.octets.set_chunk(octets);
    }

    fn fill(&mut self, batch: &mut Batch) -> Result<bool, SourceError> {
        batch.clear();
        batch.first_number = self.frames + 1;
        if self.ended {
            return Ok(false);
        }
        if let Format::Pcap(pcap) = &self.format
            && !std::mem::replace(&mut self.begun, true)
        {
            batch.asides.push(Aside {
                before: 0,
                what: AsideContent::Interface(Box::new(pcap.interface())),
            });
        }
        let secrets = self.secrets_first.len();
        batch
            .asides
            .extend(self.secrets_first.drain(..).map(|text| Aside {
                before: 0,
                what: AsideContent::KeyLog(text),
            }));
        if batch.buffer.capacity() < self.carry.capacity() {
            std::mem::swap(&mut batch.buffer, &mut self.carry);
        } else {
            batch.buffer.append(&mut self.carry);
        }
        let outcome = self.advance(batch, secrets);
        if self.records_places {
            // The bytes carried over were after the frames.
            let given = match outcome {
                Ok(false) => batch.buffer.len() - self.carry.len(),
                _ => 0,
            };
            let start = self.base - given as u64;
            let places = batch
                .headers
                .iter()
                .map(|header| start + header.start as u64);
            batch.places.extend(places);
        }
        self.frames += batch.headers.len() as u64;
        self.ended = !matches!(outcome, Ok(false));
        match outcome {
            Err(_) if self.octets.stopped() => Ok(!batch.headers.is_empty()),
            outcome => outcome.map(|ended| !ended),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_comes_in_the_same_batches_whatever_buffers_are_used_again() {
        let mut capture = Vec::from([0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0]);
        capture.extend([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 101, 0, 0, 0]);
        for number in 0..20_000u32 {
            let len = 40 + number % 77;
            capture.extend([number, 0, len, len].map(u32::to_le_bytes).concat());
            capture.resize(capture.len() + len as usize, 0x45);
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.pcap");
        std::fs::write(&path, capture).unwrap();
        let batches = |used: fn(usize) -> Batch| {
            let mut source = open(&path, ReadOptions::default()).unwrap();
            let (mut batch, mut sizes) = (used(0), Vec::new());
            while source.fill(&mut batch).unwrap() {
                sizes.push(batch.headers.len());
                let next = used(sizes.len());
                if next.buffer.capacity() > 0 {
                    batch = next;
                }
            }
            sizes
        };
        let always_the_same = batches(|_| Batch::default());
        let of_any_size = batches(|number| Batch {
            buffer: Vec::with_capacity([1 << 21, 100, 1 << 17, 300_000][number % 4]),
            ..Batch::default()
        });
        assert_eq!(always_the_same.iter().sum::<usize>(), 20_000);
        assert!(always_the_same.len() > 4);
        assert_eq!(always_the_same, of_any_size);
    }
}
