//! Why no more frames come, and from which file.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::text::trouble::{Trouble, Words};

/// Why no more frames come. The text is a clause without the file's name; [`FileError`] adds it.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// Reading failed.
    #[error("{}", Trouble(.0))]
    Io(#[from] std::io::Error),
    /// The capture is damaged or cut off.
    #[error("damaged at byte {offset}: {reason}")]
    Damaged {
        /// Bytes of the (decompressed) capture before the damage.
        offset: u64,
        /// What is wrong there: what was found, what was expected.
        reason: String,
    },
    /// Not a capture at all.
    #[error("not a capture file: {0}; pcap and pcapng are read")]
    NotACapture(String),
    /// One of several files failed; its name is already in the text.
    #[error(transparent)]
    File(Box<FileError>),
    /// Frames cannot be copied to a spool file in this folder; the text is the whole sentence.
    #[error(
        "cannot keep frames in {folder}: {}; TMPDIR names another folder",
        Words(error)
    )]
    Spool {
        /// The folder for temporary files.
        folder: FileName,
        /// What went wrong there.
        error: std::io::Error,
    },
    /// Live capture failed; the text is the whole sentence, with what to do about it.
    #[error("{0}")]
    Live(String),
}

/// An error with the file it belongs to: a whole sentence but for the program's name.
#[derive(Debug, thiserror::Error)]
#[error("cannot read {file}: {error}")]
pub struct FileError {
    /// The file.
    pub file: FileName,
    /// What went wrong with it.
    #[source]
    pub error: SourceError,
}

impl FileError {
    /// Ties an error to the file it came from.
    #[must_use]
    pub fn new(path: &Path, error: impl Into<SourceError>) -> Self {
        Self {
            file: FileName(path.to_owned()),
            error: error.into(),
        }
    }
}

/// A file as it was named on the command line, shown quoted and with control characters escaped;
/// `-` is standard input (for reading) or standard output (for writing).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileName(pub PathBuf);

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.as_os_str() == "-" {
            f.write_str("standard input")
        } else {
            write!(f, "{:?}", self.0.to_string_lossy())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_file_and_escapes_it() {
        let error = FileError::new(
            Path::new("a\u{1b}[31m.pcap"),
            SourceError::Damaged {
                offset: 24,
                reason: "cut off".into(),
            },
        );
        assert_eq!(
            error.to_string(),
            r#"cannot read "a\u{1b}[31m.pcap": damaged at byte 24: cut off"#
        );
        let missing = std::fs::File::open("/nonexistent/x").unwrap_err();
        assert_eq!(
            FileError::new(Path::new("-"), missing).to_string(),
            "cannot read standard input: no such file or directory; is the path right?"
        );
    }
}
