//! Why a command failed, and its exit code.

use std::process::ExitCode;

use super::signal::BY_SIGNAL;
use crate::capture::{FileError, SourceError};
use crate::output::OutputError;
use crate::rows::RowsError;
use crate::session::Passed;

/// Exit code for wrong usage and bad input.
const FAILED: u8 = 2;

/// A failure: gives the lines on standard error and the exit code.
#[derive(Debug)]
pub(super) enum Failure {
    /// Nothing could be read or captured.
    File(FileError),
    /// Sources that ended in an error, after what came before was shown.
    Sources(Vec<SourceError>),
    /// An output could not be written.
    Output(OutputError),
    /// A signal came before the result was complete.
    Interrupted {
        /// Frames read by then.
        frames: u64,
        /// The signal.
        signal: i32,
    },
    /// Anything else: a complete sentence without the program's name.
    Text(String),
}

impl Failure {
    /// The interruption of a pass, if there was one.
    pub fn of_interruption(passed: &Passed) -> Option<Self> {
        let frames = passed.frames;
        let signal = passed.interrupted?;
        Some(Self::Interrupted { frames, signal })
    }

    /// Whether a signal came before the result was complete.
    pub const fn is_interruption(&self) -> bool {
        matches!(self, Self::Interrupted { .. })
    }

    /// The lines to print, each a complete sentence without the program's name.
    pub fn lines(&self) -> Vec<String> {
        match self {
            Self::File(error) => vec![error.to_string()],
            Self::Sources(errors) => errors.iter().map(ToString::to_string).collect(),
            Self::Output(error) => vec![error.to_string()],
            Self::Interrupted { frames, .. } => vec![format!("interrupted after {frames} frames")],
            Self::Text(text) => vec![text.clone()],
        }
    }

    /// The same for one file, whose name is printed before the lines.
    pub fn reasons(&self) -> Vec<String> {
        let reason = |error: &SourceError| match error {
            SourceError::File(of_file) => of_file.error.to_string(),
            other => other.to_string(),
        };
        match self {
            Self::File(error) => vec![error.error.to_string()],
            Self::Sources(errors) => errors.iter().map(reason).collect(),
            _ => self.lines(),
        }
    }

    /// The exit code.
    pub fn code(&self) -> ExitCode {
        ExitCode::from(self.status())
    }

    /// The exit code's number.
    pub fn status(&self) -> u8 {
        match self {
            Self::Interrupted { signal, .. } => u8::try_from(BY_SIGNAL + signal).unwrap_or(FAILED),
            _ => FAILED,
        }
    }

    /// Whether the only failure is that the reader of the output is gone.
    pub fn is_closed_pipe(&self) -> bool {
        matches!(self, Self::Output(error) if error.is_closed_pipe())
    }
}

impl From<FileError> for Failure {
    fn from(error: FileError) -> Self {
        Self::File(error)
    }
}

impl From<RowsError> for Failure {
    fn from(error: RowsError) -> Self {
        Self::Text(error.to_string())
    }
}

impl From<OutputError> for Failure {
    fn from(error: OutputError) -> Self {
        Self::Output(error)
    }
}

/// Exit status of a run with filters: 1 where one was given and nothing matched it.
pub(super) fn exit_status(missed: [bool; 2]) -> u8 {
    u8::from(missed.contains(&true))
}

/// The same as an exit code.
pub(super) fn exit_code(missed: [bool; 2]) -> ExitCode {
    ExitCode::from(exit_status(missed))
}
