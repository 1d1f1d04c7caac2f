//! The bytes of a capture: from a file or a pipe, decompressed if needed.

use std::fs::File;
use std::io::{self, BufReader, Cursor, Read};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use flate2::bufread::MultiGzDecoder;

use super::error::SourceError;
use super::index::StoredFile;
use super::input;
use super::sniff::{self, Compression};
use super::stop::Stop;
use crate::platform::file;
use crate::text::trouble::Words;

/// Bytes per read unless another size is set. With 256 KiB, rows of 30,000 frames take a quarter more time and those of
/// 300,000 a twentieth more, because the system has to give memory for several batches with their results.
pub(super) const CHUNK: usize = 1 << 16;

/// Bytes of the first read, whatever size is set. TLS secrets in it decide how a capture is inspected.
const OPENING: usize = 1 << 18;

/// Longest wait for a pipe before the stop flag is checked again.
const PATIENCE: Duration = Duration::from_millis(50);

/// Progress of reading a file, which another thread can watch.
#[derive(Debug, Default)]
pub struct Progress {
    read: AtomicU64,
    total: AtomicU64,
}

impl Progress {
    /// Bytes read so far, of the file as stored: compressed if it is.
    #[must_use]
    pub fn read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    /// Length of the file in bytes; `None` for a pipe.
    #[must_use]
    pub fn total(&self) -> Option<u64> {
        match self.total.load(Ordering::Relaxed) {
            0 => None,
            total => Some(total),
        }
    }
}

/// A flag that ends reading of a pipe once it is set. It can be provided after opening.
type StopFlag = Arc<OnceLock<Arc<AtomicBool>>>;

/// A file that counts the bytes read, and whose waiting for a pipe can be stopped.
struct Counted {
    file: File,
    /// Offset of the next read, if the file's own position must not move.
    at: Option<u64>,
    progress: Arc<Progress>,
    stop: StopFlag,
}

impl Counted {
    /// Waits until a pipe with a stop flag can be read. Returns whether it was stopped.
    fn stopped(&self) -> io::Result<bool> {
        let Some(stop) = self.stop.get() else {
            return Ok(false);
        };
        if self.progress.total().is_some() {
            return Ok(false);
        }
        loop {
            if stop.load(Ordering::Relaxed) {
                return Ok(true);
            }
            if file::wait_readable(&self.file, PATIENCE)? {
                return Ok(false);
            }
        }
    }

    fn count(&mut self, count: usize) -> usize {
        if let Some(at) = &mut self.at {
            *at += count as u64;
        }
        self.progress
            .read
            .fetch_add(count as u64, Ordering::Relaxed);
        count
    }

    /// Reads once into the spare capacity of `buffer`.
    fn append(&mut self, buffer: &mut Vec<u8>) -> io::Result<usize> {
        if self.stopped()? {
            return Ok(0);
        }
        let count = file::append(&self.file, self.at, buffer)?;
        Ok(self.count(count))
    }
}

impl Read for Counted {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.stopped()? {
            return Ok(0);
        }
        let count = match self.at {
            None => self.file.read(into)?,
            Some(at) => file::read_at(&self.file, into, at)?,
        };
        Ok(self.count(count))
    }
}

/// Reads once, at most [`PIECE`] bytes.
fn append(stream: &mut impl Read, buffer: &mut Vec<u8>) -> io::Result<usize> {
    let before = buffer.len();
    buffer.resize(before + PIECE, 0);
    let outcome = stream.read(&mut buffer[before..]);
    buffer.truncate(before + outcome.as_ref().map_or(0, |&count| count));
    outcome
}

enum Input {
    /// Read into spare capacity directly, which need not be zeroed first.
    File(Counted),
    Stream(Box<dyn Read + Send>),
}

/// Bytes per read of a stream. A decompressor that finds damage drops what it decompressed in the same read, so this is
/// the most that is lost before the damage.
const PIECE: usize = 16 << 10;

/// The bytes of one capture, decompressed.
pub(super) struct Octets {
    input: Input,
    compression: Option<Compression>,
    progress: Arc<Progress>,
    /// An error to return after the bytes that came before it.
    late: Option<io::Error>,
    stop: StopFlag,
    /// Bytes per read.
    chunk: usize,
}

impl Octets {
    /// Opens a file, or standard input if `path` is `-`, and reads its start into `first`: at least four bytes, for a
    /// magic number, unless the file is shorter. Decompresses.
    pub(super) fn open(
        path: &Path,
        first: &mut Vec<u8>,
        until: Option<&Stop>,
    ) -> Result<Self, SourceError> {
        let pipe = match until {
            Some(_) => file::open_named_pipe(path)?,
            None => None,
        };
        let (file, at) = match pipe {
            Some(pipe) => (pipe, None),
            None => input::open(path)?,
        };
        let progress = Arc::new(Progress::default());
        if file::is_regular(&file).unwrap_or(false)
            && let Ok(metadata) = file.metadata()
        {
            let total = metadata.len().saturating_sub(at.unwrap_or_default());
            progress.total.store(total, Ordering::Relaxed);
        }
        let stop = StopFlag::default();
        if let Some(until) = until {
            let _ = stop.set(until.flag());
        }
        let counted = Counted {
            file,
            at,
            progress: Arc::clone(&progress),
            stop: Arc::clone(&stop),
        };
        let mut plain = Self {
            input: Input::File(counted),
            compression: None,
            progress,
            late: None,
            stop,
            chunk: OPENING,
        };
        plain.begin(first)?;
        plain.decompressed(first)
    }

    /// The same for any reader.
    pub(super) fn from_reader(
        reader: impl Read + Send + 'static,
        first: &mut Vec<u8>,
    ) -> Result<Self, SourceError> {
        let mut plain = Self {
            input: Input::Stream(Box::new(reader)),
            compression: None,
            progress: Arc::default(),
            late: None,
            stop: StopFlag::default(),
            chunk: OPENING,
        };
        plain.begin(first)?;
        plain.decompressed(first)
    }

    fn decompressed(self, first: &mut Vec<u8>) -> Result<Self, SourceError> {
        let Some(compression) = sniff::compression(first) else {
            return Ok(self);
        };
        let rest: Box<dyn Read + Send> = match self.input {
            Input::File(file) => Box::new(file),
            Input::Stream(stream) => stream,
        };
        let whole = BufReader::with_capacity(CHUNK, Cursor::new(std::mem::take(first)).chain(rest));
        let stream: Box<dyn Read + Send> = match compression {
            Compression::Gzip => Box::new(MultiGzDecoder::new(whole)),
            Compression::Zstd => Box::new(zstd::stream::read::Decoder::with_buffer(whole)?),
        };
        let mut octets = Self {
            input: Input::Stream(stream),
            compression: Some(compression),
            progress: self.progress,
            late: None,
            stop: self.stop,
            chunk: OPENING,
        };
        octets.begin(first)?;
        Ok(octets)
    }

    /// Reads until there are four bytes or the end.
    fn begin(&mut self, first: &mut Vec<u8>) -> Result<(), SourceError> {
        while first.len() < 4 {
            if self.read(first, 0)? == 0 {
                break;
            }
        }
        self.chunk = CHUNK;
        Ok(())
    }

    /// The compression of the file.
    pub(super) fn compression(&self) -> Option<Compression> {
        self.compression
    }

    /// The file, if its bytes are the capture's and can be read again.
    pub(super) fn stored(&self) -> io::Result<Option<StoredFile>> {
        let Input::File(counted) = &self.input else {
            return Ok(None);
        };
        if self.progress.total().is_none() {
            return Ok(None);
        }
        let file = counted.file.try_clone()?;
        let origin = counted.at.map_or(0, |at| at - self.progress.read());
        Ok(Some(StoredFile::new(file, origin)))
    }

    /// How far the reading has come.
    pub(super) fn progress(&self) -> Arc<Progress> {
        Arc::clone(&self.progress)
    }

    /// Ends reading once `flag` is set, even while waiting for a pipe.
    pub(super) fn stop_on(&self, flag: Arc<AtomicBool>) {
        // An earlier flag stays.
        let _ = self.stop.set(flag);
    }

    /// Whether reading was told to end.
    pub(super) fn stopped(&self) -> bool {
        self.stop
            .get()
            .is_some_and(|flag| flag.load(Ordering::Relaxed))
    }

    /// Sets the bytes per read.
    pub(super) const fn set_chunk(&mut self, octets: usize) {
        self.chunk = octets;
    }

    /// Appends the next bytes to `buffer`, at most about as many as are read at a time. Returns their number, 0 at the
    /// end. Does not wait for more from a pipe that returned something. `base` is the number of bytes of the capture
    /// before the buffer, for errors.
    pub(super) fn read(&mut self, buffer: &mut Vec<u8>, base: u64) -> Result<usize, SourceError> {
        let before = buffer.len();
        if let Some(error) = self.late.take() {
            return Err(self.explain(error, base + before as u64));
        }
        // Not by what a buffer held before: the same file comes in the same batches whenever it is read.
        let room = self.chunk.max(before + self.chunk / 2);
        if buffer.capacity() < room {
            buffer.reserve_exact(room - before);
        } else {
            buffer.shrink_to(room);
        }
        // Reading a compressed file never blocks, so small reads can be combined.
        let patient = self.compression.is_some() && self.progress.total().is_some();
        loop {
            let outcome = match &mut self.input {
                Input::File(counted) => counted.append(buffer),
                Input::Stream(stream) => append(stream, buffer),
            };
            let gathered = buffer.len() - before;
            match outcome {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if gathered > 0 => {
                    self.late = Some(error);
                    return Ok(gathered);
                }
                Err(error) => return Err(self.explain(error, base + before as u64)),
                Ok(count) if count == 0 || !patient || gathered >= self.chunk / 2 => {
                    return Ok(gathered);
                }
                Ok(_) => {}
            }
        }
    }

    /// Distinguishes damaged compressed data from a failing disk.
    fn explain(&self, error: io::Error, offset: u64) -> SourceError {
        let (Some(compression), None) = (self.compression, error.raw_os_error()) else {
            return SourceError::Io(error);
        };
        let name = match compression {
            Compression::Gzip => "gzip",
            Compression::Zstd => "zstd",
        };
        let reason = if error.kind() == io::ErrorKind::UnexpectedEof {
            format!("the {name} data ends in the middle, {offset} bytes decompressed")
        } else {
            format!(
                "the {name} data is damaged ({}), {offset} bytes decompressed",
                Words(&error)
            )
        };
        SourceError::Damaged { offset, reason }
    }
}
