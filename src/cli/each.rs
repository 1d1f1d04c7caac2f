//! `--each`: the output of a command for several files that are read separately.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use super::error::Failure;
use super::say;
use super::side_by_side::{FileOutput, Produced, side_by_side};
use super::terminal::standard_output;
use crate::output::OutputError;
use crate::text::escape::Local;

/// The result for a file, besides its output.
pub(super) struct FileResult {
    /// Lines to print about it.
    pub said: Vec<String>,
    /// The exit code that it alone would have.
    pub status: Result<u8, Failure>,
}

/// Runs `work` on each of the files, several at the same time, and writes their output in the order of the files. The
/// exit code is the worst of all. If the output is an array, a comma separates its elements.
pub(super) fn each(
    files: &[PathBuf],
    is_array: bool,
    work: impl Fn(usize, FileOutput<FileResult>) -> FileResult + Sync,
) -> Result<ExitCode, Failure> {
    let mut out = standard_output();
    let mut has_elements = false;
    let mut worst = 0;
    let mut is_interrupted = false;
    side_by_side(files.len(), work, |index, handed| {
        match handed {
            Produced::Bytes(octets) => {
                let is_first = is_array && !std::mem::replace(&mut has_elements, true);
                let octets = if is_first {
                    out.write_all(b"[").map_err(OutputError::Standard)?;
                    octets.strip_prefix(b",").unwrap_or(&octets)
                } else {
                    &octets
                };
                out.write_all(octets).map_err(OutputError::Standard)?;
            }
            Produced::Done(done) => {
                out.flush().map_err(OutputError::Standard)?;
                for line in &done.said {
                    say(&format!(
                        "{}: {line}",
                        Local(&files[index].to_string_lossy())
                    ));
                }
                let status = match done.status {
                    Ok(status) => status,
                    Err(failure) if failure.is_closed_pipe() => return Err(failure),
                    Err(failure) => {
                        // All files that were begun, or would be next, are interrupted.
                        let is_known = failure.is_interruption()
                            && std::mem::replace(&mut is_interrupted, true);
                        if !is_known {
                            failure.lines().iter().for_each(|line| say(line));
                        }
                        failure.status()
                    }
                };
                worst = status.max(worst);
            }
        }
        Ok::<(), Failure>(())
    })?;
    if is_array {
        let end: &[u8] = if has_elements { b"\n]\n" } else { b"[]\n" };
        out.write_all(end).map_err(OutputError::Standard)?;
    }
    out.flush().map_err(OutputError::Standard)?;
    Ok(ExitCode::from(worst))
}
