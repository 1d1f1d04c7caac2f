//! The end of the file: what an interrupted write can have left, told from lines that are bad.
//!
//! Only what follows the last right commit line can be the rest of an interrupted write, and of
//! that only what has the shape of one: from a line that is torn (it has NULs, which are
//! blocks that did not reach the disk, or no line break) to the end, with no commit line but at the very
//! end.

use super::super::line::{Line, LineError, name_in};
use super::super::scan::RawLine;
use super::super::writer::MAX_BATCH;
use crate::protocol::UserName;

/// What an interrupted write left at the end of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Torn {
    /// The number of its first line, from 1.
    pub line: u64,
    /// Bytes before it.
    pub offset: u64,
    /// Lines, the last one also where it has no line break.
    pub lines: u64,
    /// Bytes.
    pub octets: u64,
    /// The user name on its first line, where one is whole.
    pub name: Option<UserName>,
}

/// The end of the file from the first torn line on.
pub struct End {
    pub torn: Torn,
    /// Commit lines in it.
    commits: u64,
    /// Whether the last line is a commit line.
    ends_in_commit: bool,
    /// Whether a line in it is neither right nor torn.
    bad: bool,
}

impl End {
    pub fn at(line: RawLine<'_>) -> Self {
        let name = name_in(line.bytes).and_then(|(_, name)| UserName::new(name).ok());
        Self {
            torn: Torn {
                line: line.number,
                offset: line.offset,
                lines: 1,
                octets: line.len + u64::from(line.ended),
                name,
            },
            commits: 0,
            ends_in_commit: false,
            bad: false,
        }
    }

    pub fn take(&mut self, line: RawLine<'_>) {
        let parsed = parse(line);
        self.torn.lines += 1;
        self.torn.octets += line.len + u64::from(line.ended);
        self.ends_in_commit = matches!(parsed, Ok(Line::Commit(_)));
        self.commits += u64::from(self.ends_in_commit);
        self.bad |= parsed.is_err() && !is_torn(line, &parsed);
    }

    /// The first line's number, where an interrupted write cannot have left all of it.
    pub fn fault(&self) -> Option<u64> {
        let interrupted = !self.bad
            && self.torn.lines <= MAX_BATCH as u64 + 1
            && self.commits == u64::from(self.ends_in_commit);
        (!interrupted).then_some(self.torn.line)
    }
}

/// The line, judged by itself.
pub fn parse(line: RawLine<'_>) -> Result<Line<'_>, LineError> {
    match Line::parse(line.bytes) {
        Err(LineError::Nul) => Err(LineError::Nul),
        _ if line.len > line.bytes.len() as u64 => Err(LineError::TooLong),
        parsed => parsed,
    }
}

/// Whether a write that was interrupted can have left the line.
pub fn is_torn(line: RawLine<'_>, parsed: &Result<Line<'_>, LineError>) -> bool {
    match parsed {
        Err(reason) => *reason == LineError::Nul || !line.ended,
        Ok(parsed) => !line.ended && !parsed.is_whole(),
    }
}
