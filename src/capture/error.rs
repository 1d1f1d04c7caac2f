//! Errors of sources, and the files they concern.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::text::trouble::{Trouble, Words};

/// Why a source returns no more frames. The text is a clause without the file's name; [`FileError`] adds that.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// Reading failed.
    #[error("{}", Trouble(.0))]
    Io(#[from] std::io::Error),
    /// The capture is damaged or cut off.
    #[error("damaged at byte {offset}: {reason}")]
    Damaged {
        /// Offset of the damage in the (decompressed) capture, in bytes.
        offset: u64,
        /// What was found there, and what was expected.
        reason: String,
    },
    /// The file is no capture.
    #[error("not a capture file: {0}; pcap and pcapng are read")]
    NotACapture(String),
    /// One of several files failed. The text contains its name.
    #[error(transparent)]
    File(Box<FileError>),
    /// Frames cannot be copied to a spool file in this folder. The text is a whole sentence.
    #[error(
        "cannot keep frames in {folder}: {}; TMPDIR names another folder",
        Words(error)
    )]
    Spool {
        /// The folder for temporary files.
        folder: FileName,
        /// The cause.
        error: std::io::Error,
    },
    /// Live capture failed. The text is a whole sentence, with what to do about it.
    #[error("{0}")]
    Live(String),
}

/// An error with the file that it concerns. The text is a whole sentence without the program's name.
#[derive(Debug, thiserror::Error)]
#[error("cannot read {file}: {error}")]
pub struct FileError {
    /// The file.
    pub file: FileName,
    /// The cause.
    #[source]
    pub error: SourceError,
}

impl FileError {
    /// Adds the file's name to an error.
    #[must_use]
    pub fn new(path: &Path, error: impl Into<SourceError>) -> Self {
        Self {
            file: FileName(path.to_owned()),
            error: error.into(),
        }
    }
}

/// A file as named on the command line, shown in quotes and with control characters escaped. `-` is standard input for
/// reading and standard output for writing.
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
