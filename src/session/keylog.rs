//! TLS key logs in files, read again as they grow.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::tls::{KeyLog, Rest};

/// Bytes read at once.
const PORTION: usize = 64 << 10;

/// A key log that another program may still write to.
#[derive(Debug)]
pub struct KeyLogFile {
    path: PathBuf,
    /// Bytes read so far.
    read: u64,
    rest: Rest,
}

impl KeyLogFile {
    /// A key log of which nothing was read yet.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            read: 0,
            rest: Rest::default(),
        }
    }

    /// Reads what was added since the last time; a file that has become shorter is read anew. The
    /// secrets of a line count before its end is written.
    pub fn read(&mut self, into: &mut KeyLog) -> io::Result<()> {
        let length = self.path.metadata()?.len();
        if length == self.read {
            return Ok(());
        }
        if length < self.read {
            (self.read, self.rest) = (0, Rest::default());
        }
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(self.read))?;
        let mut portion = Zeroizing::new(vec![0; PORTION]);
        loop {
            match file.read(&mut portion) {
                Ok(0) => break,
                Ok(bytes) => {
                    into.read(&portion[..bytes], &mut self.rest);
                    self.read += bytes as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        into.read_last(&self.rest);
        Ok(())
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
        // Begun anew, as by a program that was started again.
        std::fs::write(&path, line('5', '6')).unwrap();
        file.read(&mut log).unwrap();
        assert_eq!((log.added(), log.ignored()), (3, 0));
    }
}
