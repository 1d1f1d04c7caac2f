//! Where each frame stands, so that one can go back to it: in its file, or where that cannot be read again in a spool file.

use std::fs::File;
use std::io;
use std::sync::Arc;

use super::batch::{Batch, FrameSource};
use super::error::{FileName, SourceError};
use super::merge::MergedSource;
use crate::platform::file;

/// A file whose octets from `origin` on are a capture's.
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

/// What frames can be read from again.
#[derive(Debug)]
pub struct FrameStore {
    files: Vec<StoredFile>,
    spooled: bool,
}

impl FrameStore {
    /// Makes `source` say in [`Batch::places`] where frames stand, and gives what they are read from there. What can be read
    /// only once, or is compressed, is copied to a spool file on its way.
    pub fn of(
        mut source: MergedSource,
    ) -> Result<(Box<dyn FrameSource + Send>, Arc<Self>), SourceError> {
        match source.stored().map_err(cannot_keep)? {
            Some(files) => {
                let store = Self {
                    files,
                    spooled: false,
                };
                Ok((Box::new(source), Arc::new(store)))
            }
            None => Self::spooling(Box::new(source)),
        }
    }

    /// The same of any source; all frames are copied to a spool file.
    pub fn spooling(
        source: Box<dyn FrameSource + Send>,
    ) -> Result<(Box<dyn FrameSource + Send>, Arc<Self>), SourceError> {
        let file = tempfile::tempfile().map_err(cannot_keep)?;
        let spooled = Spooled {
            source,
            spool: file.try_clone().map_err(cannot_keep)?,
            written: 0,
        };
        let store = Self {
            files: vec![StoredFile::new(file, 0)],
            spooled: true,
        };
        Ok((Box::new(spooled), Arc::new(store)))
    }

    /// Whether frames are kept in a spool file, which has no name and is gone with the process.
    #[must_use]
    pub const fn is_spooled(&self) -> bool {
        self.spooled
    }

    /// Reads octets that stand at `place` of a file.
    pub fn read(&self, number: u32, place: u64, octets: &mut [u8]) -> io::Result<()> {
        // A spool has what came from all files.
        let index = if self.spooled { 0 } else { number as usize };
        let stored = self.files.get(index).ok_or(io::ErrorKind::NotFound)?;
        file::read_exact_at(&stored.file, octets, stored.origin + place)
    }

    /// Gives back the space of what stands before `place` in a spool file, as far as the file system can.
    pub fn let_go(&self, place: u64) {
        if let (true, Some(spool)) = (self.spooled, self.files.first()) {
            file::let_go(&spool.file, place);
        }
    }
}

/// A source whose frames are copied to a spool file.
pub struct Spooled {
    source: Box<dyn FrameSource + Send>,
    spool: File,
    written: u64,
}

impl FrameSource for Spooled {
    fn may_wait(&self) -> bool {
        self.source.may_wait()
    }

    fn fill(&mut self, batch: &mut Batch) -> Result<bool, SourceError> {
        let outcome = self.source.fill(batch);
        batch.places.clear();
        if !batch.headers.is_empty() {
            file::write_all_at(&self.spool, &batch.buffer, self.written).map_err(cannot_keep)?;
        }
        let places = batch
            .headers
            .iter()
            .map(|header| self.written + header.start as u64);
        batch.places.extend(places);
        self.written += batch.buffer.len() as u64;
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
    fn a_full_disk_says_where_and_what_to_do() {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/captures/password-guessing.pcap"
        );
        let source = open_all(&[path], ReadOptions::default()).unwrap();
        let mut spooled = Spooled {
            source: Box::new(source),
            spool: File::options().write(true).open("/dev/full").unwrap(),
            written: 0,
        };
        let error = spooled.fill(&mut Batch::default()).unwrap_err().to_string();
        assert!(error.starts_with("cannot keep frames in "), "{error}");
        assert!(
            error.ends_with("no space left on device; TMPDIR names another folder"),
            "{error}"
        );
    }
}
