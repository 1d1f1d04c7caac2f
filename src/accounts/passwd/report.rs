//! What a start found in the passwd file and what it did about it, and the log of that.

use std::path::PathBuf;
use std::time::Duration;

use super::load::Torn;
use super::open::PasswdError;
use crate::platform::file::unknown_readers;

/// What was found and mended when the file was opened.
#[derive(Debug)]
pub struct OpenReport {
    /// The path without symbolic links.
    pub path: PathBuf,
    /// Users in the file.
    pub users: usize,
    /// Whether the file was made just now.
    pub created: bool,
    /// What an interrupted write left and was cut off, and where it is kept.
    pub torn: Option<(Torn, Result<PathBuf, PasswdError>)>,
    /// The number of the last line, where it had no line break and has one now.
    pub unended: Option<u64>,
    /// Whether somebody changed lines that the server had written.
    pub edited: bool,
    /// Whether the file was compacted; an error where it should have been and could not be.
    pub compacted: Result<bool, PasswdError>,
    /// The file's permission bits, where files have them.
    pub mode: Option<u32>,
    /// Bytes of memory that the index takes.
    pub index_octets: usize,
}

impl OpenReport {
    /// Logs it; opening took `took`.
    pub fn log(&self, took: Duration) {
        let path = self.path.display();
        if let Some((torn, kept)) = &self.torn {
            self.log_torn(torn, kept);
        }
        if let Some(line) = self.unended {
            tracing::warn!(
                %path, line,
                "the last line had no line break; it is whole and has one now"
            );
        }
        if self.edited {
            tracing::warn!(
                %path,
                "lines were changed since the server wrote them; each line was judged by itself"
            );
        }
        if let Err(error) = &self.compacted {
            log_not_compacted(error);
        }
        if let Some(mode) = self.mode.filter(|mode| mode & 0o077 != 0) {
            tracing::warn!(
                %path, mode = %format_args!("{mode:04o}"),
                "others than its owner can use the passwd file; chmod 600 it"
            );
        }
        if let Some(words) = unknown_readers(&self.path) {
            tracing::warn!(%path, "{words}");
        }
        tracing::info!(
            %path,
            users = self.users,
            created = self.created,
            compacted = matches!(self.compacted, Ok(true)),
            ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            index_octets = self.index_octets,
            "passwd file ready"
        );
    }

    fn log_torn(&self, torn: &Torn, kept: &Result<PathBuf, PasswdError>) {
        let path = self.path.display();
        let user = torn.name.as_ref().map_or("unknown", |name| name.as_str());
        let (line, octets, lines) = (torn.line, torn.octets, torn.lines);
        let kept = match kept {
            Ok(kept) => kept.display().to_string(),
            Err(error) => format!("nowhere: {error}"),
        };
        if lines == 1 {
            tracing::warn!(
                %path, line, octets, user, kept,
                "the last line was torn; cut it off"
            );
        } else {
            tracing::warn!(
                %path, line, octets, lines, user, kept,
                "the last lines were torn; cut them off"
            );
        }
    }
}

/// Logs that replaced hashes stay in the file for now.
pub fn log_not_compacted(error: &PasswdError) {
    tracing::warn!(
        %error,
        "the passwd file cannot be written anew; hashes that were replaced stay in it"
    );
}
