//! Reads frames again: from their file or, if that can be read only once, from a spool file.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::batch::{Batch, FrameSource};
use super::error::{FileName, SourceError};
use super::file::{FileSource, ReadOptions};
use super::merge::MergedSource;
use super::writer::CaptureWriter;
use crate::platform::file;

/// A file that contains a capture from offset `origin` on.
#[derive(Debug)]
pub struct StoredFile {
    file: File,
    origin: u64,
}

impl StoredFile {
    pub(super) const fn new(file: File, origin: u64) -> Self {
        Self { file, origin }
    }
}

/// The files that frames can be read from again.
#[derive(Debug)]
pub struct FrameStore {
    files: Vec<StoredFile>,
    spool: Option<Spool>,
}

/// A temporary file without a name that contains all of a source as pcapng.
#[derive(Debug)]
struct Spool {
    /// Number of bytes written.
    written: Arc<AtomicU64>,
    /// Whether its start was dropped.
    is_cut: AtomicBool,
}

impl FrameStore {
    /// Makes `source` set [`Batch::places`], and returns it with the store that these places refer to. A source that
    /// can be read only once, or is compressed, is copied to a spool file while it is read.
    ///
    /// # Errors
    ///
    /// If the spool file cannot be created.
    pub fn of(
        mut source: MergedSource,
    ) -> Result<(Box<dyn FrameSource + Send>, Arc<Self>), SourceError> {
        match source.stored().map_err(cannot_keep)? {
            Some(files) => {
                let store = Self { files, spool: None };
                Ok((Box::new(source), Arc::new(store)))
            }
            None => Self::spooling(Box::new(source)),
        }
    }

    /// The same for any source; always copies it to a spool file.
    ///
    /// # Errors
    ///
    /// If the spool file cannot be created.
    pub fn spooling(
        source: Box<dyn FrameSource + Send>,
    ) -> Result<(Box<dyn FrameSource + Send>, Arc<Self>), SourceError> {
        let file = tempfile::tempfile().map_err(cannot_keep)?;
        let written = Arc::new(AtomicU64::new(0));
        let spooled = Spooled {
            source,
            writer: CaptureWriter::to(SpoolWriter {
                file: file.try_clone().map_err(cannot_keep)?,
                at: 0,
            }),
            written: Arc::clone(&written),
        };
        let is_cut = AtomicBool::new(false);
        let store = Self {
            files: vec![StoredFile::new(file, 0)],
            spool: Some(Spool { written, is_cut }),
        };
        Ok((Box::new(spooled), Arc::new(store)))
    }

    /// Whether frames are copied to a spool file. It has no name and disappears with the process.
    #[must_use]
    pub const fn is_spooled(&self) -> bool {
        self.spool.is_some()
    }

    /// Everything spooled so far, from the start, including what is between frames. `None` if nothing is spooled, or
    /// the start was dropped.
    pub fn spooled(&self) -> Option<Result<FileSource, SourceError>> {
        let (spool, stored) = (self.spool.as_ref()?, self.files.first()?);
        if spool.is_cut.load(Ordering::Acquire) {
            return None;
        }
        let end = spool.written.load(Ordering::Acquire);
        let source = stored.file.try_clone().map_err(SourceError::Io);
        let source = source.and_then(|file| {
            let reader = SpoolReader { file, at: 0, end };
            FileSource::from_reader(reader, ReadOptions { keep: true })
        });
        Some(source)
    }

    /// Reads the bytes at offset `place` of file `number` into `octets`.
    ///
    /// # Errors
    ///
    /// If reading fails, the file ends before, or there is no such file.
    pub fn read(&self, number: u32, place: u64, octets: &mut [u8]) -> io::Result<()> {
        // A spool file contains the frames of all files.
        let index = if self.is_spooled() {
            0
        } else {
            number as usize
        };
        let stored = self.files.get(index).ok_or(io::ErrorKind::NotFound)?;
        file::read_exact_at(&stored.file, octets, stored.origin + place)
    }

    /// Frees the disk space before `place` in a spool file, if the file system supports that.
    pub fn let_go(&self, place: u64) {
        if let (Some(spool), Some(stored)) = (&self.spool, self.files.first()) {
            spool.is_cut.store(true, Ordering::Release);
            file::let_go(&stored.file, place);
        }
    }
}

/// Writes at the end of a spool file. It keeps that offset itself, because on some systems reading moves the file's
/// position.
struct SpoolWriter {
    file: File,
    at: u64,
}

impl io::Write for SpoolWriter {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        file::write_all_at(&self.file, octets, self.at)?;
        self.at += octets.len() as u64;
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Reads a spool file up to the end that it had when reading began.
struct SpoolReader {
    file: File,
    at: u64,
    end: u64,
}

impl io::Read for SpoolReader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end - self.at).unwrap_or(usize::MAX);
        let most = left.min(into.len());
        let count = file::read_at(&self.file, &mut into[..most], self.at)?;
        self.at += count as u64;
        Ok(count)
    }
}

/// A source that is copied to a spool file while it is read.
pub struct Spooled {
    source: Box<dyn FrameSource + Send>,
    writer: CaptureWriter,
    written: Arc<AtomicU64>,
}

impl FrameSource for Spooled {
    fn may_wait(&self) -> bool {
        self.source.may_wait()
    }

    fn fill(&mut self, batch: &mut Batch) -> Result<bool, SourceError> {
        let outcome = self.source.fill(batch);
        let mut places = std::mem::take(&mut batch.places);
        places.clear();
        let written = self.writer.write_whole(batch, &mut places);
        let written = written.and_then(|()| self.writer.flush());
        written.map_err(|error| cannot_keep(error.error))?;
        batch.places = places;
        self.written.store(self.writer.octets(), Ordering::Release);
        outcome
    }
}

fn cannot_keep(error: io::Error) -> SourceError {
    SourceError::Spool {
        folder: FileName(std::env::temp_dir()),
        error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::{ReadOptions, open_all};

    #[test]
    fn frames_are_read_again_from_where_they_are_said_to_stand() {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/captures/password-guessing.pcap"
        );
        for spools in [false, true] {
            let source = open_all(&[path], ReadOptions::default()).unwrap();
            let stored = if spools {
                FrameStore::spooling(Box::new(source))
            } else {
                FrameStore::of(source)
            };
            let (mut source, store) = stored.unwrap();
            assert_eq!(store.is_spooled(), spools);
            let mut batch = Batch::default();
            assert!(source.fill(&mut batch).unwrap());
            assert!(!batch.headers.is_empty());
            for (header, place) in batch.headers.iter().zip(&batch.places) {
                let mut octets = vec![0; header.captured as usize];
                store.read(0, *place, &mut octets).unwrap();
                assert_eq!(octets, batch.octets(header));
            }
        }
    }

    #[test]
    fn a_spool_file_holds_everything_until_its_start_is_dropped() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/captures/recorded-tls.pcapng");
        let read_all = |mut source: Box<dyn FrameSource>| {
            let mut out = Vec::new();
            let mut batch = Batch::default();
            while source.fill(&mut batch).unwrap() {
                let octets = |frame: crate::capture::Frame<'_>| frame.octets.to_vec();
                out.extend(batch.frames().map(octets));
                let of_asides = batch.asides.iter().map(|aside| match &aside.what {
                    super::super::AsideContent::Block { body, .. } => {
                        batch.buffer[body.clone()].to_vec()
                    }
                    _ => Vec::new(),
                });
                out.extend(of_asides.filter(|body| !body.is_empty()));
            }
            out
        };
        let open = || open_all(&[path], ReadOptions { keep: true }).unwrap();
        let direct = read_all(Box::new(open()));
        let (source, store) = FrameStore::spooling(Box::new(open())).unwrap();
        assert_eq!(read_all(source), direct);
        let again = read_all(Box::new(store.spooled().unwrap().unwrap()));
        assert!(again == direct, "{} and {}", again.len(), direct.len());
        store.let_go(100);
        assert!(store.spooled().is_none());
    }

    #[test]
    fn a_full_disk_says_where_and_what_to_do() {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/captures/password-guessing.pcap"
        );
        let source = open_all(&[path], ReadOptions::default()).unwrap();
        let mut spooled = Spooled {
            source: Box::new(source),
            writer: CaptureWriter::to(SpoolWriter {
                file: File::options().write(true).open("/dev/full").unwrap(),
                at: 0,
            }),
            written: Arc::default(),
        };
        let error = spooled.fill(&mut Batch::default()).unwrap_err().to_string();
        assert!(error.starts_with("cannot keep frames in "), "{error}");
        assert!(
            error.ends_with("no space left on device; TMPDIR names another folder"),
            "{error}"
        );
    }
}
