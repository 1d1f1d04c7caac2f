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

/// How to read.
#[derive(Debug, Clone, Copy, Default)]
pub struct ReadOptions {
    /// Give section headers, interface and frame options and all other blocks too, for a writer
    /// that passes them on. Costs nothing where it is not set.
    pub keep: bool,
}

/// A capture file or pipe: pcap or pcapng, plain or compressed with gzip or zstd.
pub struct FileSource {
    octets: Octets,
    format: Format,
    /// What was read and not yet given: the beginning of the next record.
    carry: Vec<u8>,
    /// Bytes of the capture before `carry`.
    base: u64,
    /// Frames given so far.
    frames: u64,
    /// Whether a pcap file's one interface was given.
    begun: bool,
    /// TLS secrets to be given before the first frame.
    secrets_first: Vec<KeyLogText>,
    ended: bool,
    /// Whether it says where frames stand.
    tells_places: bool,
}

/// Bytes that are looked at to name a file that is no capture.
const NAMED: usize = 4096;

enum Format {
    Pcap(Pcap),
    Pcapng(Pcapng),
}

/// Opens a capture file, or standard input where `path` is `-`. What it is, is told from its
/// content. Waits, where it is a pipe, for the first bytes.
pub fn open(path: &Path, options: ReadOptions) -> Result<FileSource, FileError> {
    open_until(path, options, None)
}

/// The same, ended by `stop` as in [`FileSource::stop_on`], the opening included.
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
    /// A capture from anything that can be read.
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
                // A name may need more bytes than the first read of a slow pipe gave.
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
            tells_places: false,
        })
    }

    /// How far the reading has come, to be looked at while another thread reads.
    #[must_use]
    pub fn progress(&self) -> Arc<Progress> {
        self.octets.progress()
    }

    /// Ends the capture once `flag` is set, at once also where a pipe is being waited for. What was
    /// read by then is still given; that it was cut off is no damage.
    pub fn stop_on(&self, flag: Arc<AtomicBool>) {
        self.octets.stop_on(flag);
    }

    /// The file itself, where frames can be read from it again: not of a pipe, and not where it is compressed.
    pub(super) fn stored(&self) -> io::Result<Option<StoredFile>> {
        self.octets.stored()
    }

    /// Says of each frame where it stands in the capture, from now on.
    pub(super) const fn tell_places(&mut self) {
        self.tells_places = true;
    }

    /// Finds what is whole in the batch's buffer from `*at` on.
    fn find(&mut self, batch: &mut Batch, at: &mut usize) -> Result<(), SourceError> {
        match &mut self.format {
            Format::Pcap(pcap) => pcap.records(&batch.buffer, at, self.base, &mut batch.headers),
            Format::Pcapng(pcapng) => pcapng.blocks(batch, at, self.base),
        }
    }

    /// What is said when no more bytes come and `rest` is left over.
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

    /// Reads until at least one frame or aside is there, besides the first so many, or the bytes
    /// end; whether they did.
    fn advance(&mut self, batch: &mut Batch, besides: usize) -> Result<bool, SourceError> {
        let mut at = 0;
        loop {
            self.find(batch, &mut at)?;
            if !batch.headers.is_empty() || batch.asides.len() > besides {
                self.carry.extend_from_slice(&batch.buffer[at..]);
                self.base += at as u64;
                return Ok(false);
            }
            // Nothing to be given lies before `at`.
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
        if self.tells_places {
            // What is carried over stood behind the frames.
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
