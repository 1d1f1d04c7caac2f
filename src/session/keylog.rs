//! TLS key log files, read again as they grow.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use zeroize::Zeroizing;

use crate::platform::file::{Identity, identity_at};
use crate::tls::{KeyLog, Rest};

/// Bytes that one read call asks for.
const PORTION: usize = 64 << 10;

/// Where secrets of TLS connections come from.
#[derive(Debug, Clone)]
pub enum KeyLogSource {
    /// A file that another program may still write to.
    File(PathBuf),
    /// The content of a pipe, which cannot be read again.
    Read(Arc<KeyLog>),
}

impl KeyLogSource {
    /// Opens the key log at `path`. A pipe is read to its end.
    ///
    /// # Errors
    ///
    /// If the path cannot be opened, is a directory, or is a pipe that cannot be read.
    pub fn open(path: &Path) -> io::Result<Self> {
        if path.metadata()?.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        let mut file = File::open(path)?;
        if file.metadata()?.is_file() {
            return Ok(Self::File(path.to_owned()));
        }
        let (mut log, mut rest) = (KeyLog::default(), Rest::default());
        portions(&mut file, |portion| log.read(portion, &mut rest))?;
        log.read_last(&rest);
        Ok(Self::Read(Arc::new(log)))
    }
}

/// Several key logs.
#[derive(Debug, Default)]
pub struct KeyLogs(Vec<KeyLogFile>);

impl KeyLogs {
    /// Adds the secrets of all `sources` to `into`.
    #[must_use]
    pub fn new(sources: &[KeyLogSource], into: &mut KeyLog) -> Self {
        let mut files = Vec::new();
        for source in sources {
            match source {
                KeyLogSource::File(path) => files.push(KeyLogFile::new(path)),
                KeyLogSource::Read(log) => into.extend(log),
            }
        }
        let mut logs = Self(files);
        logs.read(into);
        logs
    }

    /// Adds the secrets that were written to the files since the last call. A file that cannot be read is skipped: it
    /// may appear later.
    pub fn read(&mut self, into: &mut KeyLog) {
        for file in &mut self.0 {
            let _ = file.read(into);
        }
    }

    /// Whether there are no files that can grow.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A key log that another program may still write to.
#[derive(Debug)]
struct KeyLogFile {
    path: PathBuf,
    /// Identity of the file that was read last under this path.
    identity: Option<Identity>,
    /// Bytes read so far.
    read: u64,
    rest: Rest,
}

impl KeyLogFile {
    /// A key log that was not read yet.
    fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            identity: None,
            read: 0,
            rest: Rest::default(),
        }
    }

    /// Reads what was added since the last call. A file that became shorter, or that replaced another one, is read from
    /// its start. A line counts even before its line end is written.
    fn read(&mut self, into: &mut KeyLog) -> io::Result<()> {
        let metadata = self.path.metadata()?;
        let (length, identity) = (metadata.len(), Some(identity_at(&self.path)?));
        if length < self.read || identity != self.identity {
            (self.read, self.rest) = (0, Rest::default());
            self.identity = identity;
        }
        // Reading a pipe in its place could block.
        if length == self.read || !metadata.is_file() {
            return Ok(());
        }
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(self.read))?;
        let (read, rest) = (&mut self.read, &mut self.rest);
        portions(&mut file, |portion| {
            into.read(portion, rest);
            *read += portion.len() as u64;
        })?;
        into.read_last(&self.rest);
        Ok(())
    }
}

/// Reads a file to its end in portions. Their memory is wiped.
fn portions(file: &mut File, mut each: impl FnMut(&[u8])) -> io::Result<()> {
    let mut portion = Zeroizing::new(vec![0; PORTION]);
    loop {
        match file.read(&mut portion) {
            Ok(0) => return Ok(()),
            Ok(bytes) => each(&portion[..bytes]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn line(random: char, secret: char) -> String {
        let (random, secret) = (String::from(random), String::from(secret));
        format!(
            "CLIENT_RANDOM {} {}\n",
            random.repeat(64),
            secret.repeat(96)
        )
    }

    #[test]
    fn reads_what_was_added() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("keys");
        let (mut log, mut file) = (KeyLog::default(), KeyLogFile::new(&path));
        assert_eq!(
            file.read(&mut log).unwrap_err().kind(),
            io::ErrorKind::NotFound
        );
        let mut out = File::create(&path).unwrap();
        let (first, second) = (line('1', '2'), line('3', '4'));
        out.write_all(first.as_bytes()).unwrap();
        file.read(&mut log).unwrap();
        assert_eq!(log.added(), 1);
        out.write_all(&second.as_bytes()[..50]).unwrap();
        file.read(&mut log).unwrap();
        assert_eq!(log.added(), 1);
        out.write_all(&second.as_bytes()[50..]).unwrap();
        file.read(&mut log).unwrap();
        assert_eq!(log.added(), 2);
        // The file was truncated and written again, as by a restarted program.
        std::fs::write(&path, line('5', '6')).unwrap();
        file.read(&mut log).unwrap();
        assert_eq!((log.added(), log.ignored()), (3, 0));
    }

    #[test]
    fn another_file_of_the_same_name_is_read_anew() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("keys");
        let (mut log, mut file) = (KeyLog::default(), KeyLogFile::new(&path));
        std::fs::write(&path, line('1', '2')).unwrap();
        file.read(&mut log).unwrap();
        // Longer than the one before, as when a log is rotated.
        let other = directory.path().join("other");
        std::fs::write(&other, line('3', '4') + &line('5', '6')).unwrap();
        std::fs::rename(&other, &path).unwrap();
        file.read(&mut log).unwrap();
        assert_eq!(log.added(), 3);
        // Deleted, and then replaced by a directory.
        std::fs::remove_file(&path).unwrap();
        assert!(file.read(&mut log).is_err());
        std::fs::create_dir(&path).unwrap();
        let _ = file.read(&mut log);
        std::fs::remove_dir(&path).unwrap();
        std::fs::write(&path, line('7', '8')).unwrap();
        file.read(&mut log).unwrap();
        assert_eq!((log.added(), log.ignored()), (4, 0));
    }
}
