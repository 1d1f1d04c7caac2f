//! Why a command did not do what it was to do.

use crate::capture::{FileError, SourceError};
use crate::output::OutputError;

/// What is said on standard error; exit code 2.
#[derive(Debug)]
pub(super) enum Failure {
    /// Nothing could be read or captured.
    File(FileError),
    /// Sources that ended in an error, after what came before was shown.
    Sources(Vec<SourceError>),
    /// An output could not be written.
    Output(OutputError),
    /// Anything else: a whole sentence but for the program's name.
    Text(String),
}

impl Failure {
    /// The lines to say, each a whole sentence but for the program's name.
    pub fn lines(&self) -> Vec<String> {
        match self {
            Self::File(error) => vec![error.to_string()],
            Self::Sources(errors) => errors.iter().map(ToString::to_string).collect(),
            Self::Output(error) => vec![error.to_string()],
            Self::Text(text) => vec![text.clone()],
        }
    }

    /// Whether it is only that nobody reads the output any more.
    pub fn is_closed_pipe(&self) -> bool {
        matches!(self, Self::Output(error) if error.is_closed_pipe())
    }
}

impl From<FileError> for Failure {
    fn from(error: FileError) -> Self {
        Self::File(error)
    }
}

impl From<OutputError> for Failure {
    fn from(error: OutputError) -> Self {
        Self::Output(error)
    }
}
