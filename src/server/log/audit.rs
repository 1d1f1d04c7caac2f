//! The audit stream: one line of JSON for each thing that happened to an account. No password and no hash is ever in it.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;
use tracing_subscriber::fmt::MakeWriter;

use super::output::Output;
use super::queue::Queue;
use super::{AUDIT_FILE, LogFileError, open};

/// Where `--audit` sends the stream instead of a file: standard error, which a service manager takes into its journal.
pub const STANDARD_ERROR: &str = "-";

/// One thing that happened. Keys that do not apply are left out.
#[derive(Debug, Default, Serialize)]
pub struct Event<'a> {
    /// What: `registration`, `login`, or the command on the control socket.
    #[serde(rename = "event")]
    pub what: &'a str,
    /// The user concerned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<&'a str>,
    /// Whether it was done.
    pub success: bool,
    /// The answer in words, and so the reason of a refusal.
    pub outcome: &'a str,
    /// The client's address, without its port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// The connection's number, as the log has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conn: Option<u64>,
    /// Who asked on the control socket: the system's user id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by_uid: Option<u32>,
    /// And the process id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by_pid: Option<i32>,
}

#[derive(Serialize)]
struct Line<'a> {
    time: String,
    #[serde(flatten)]
    event: &'a Event<'a>,
}

/// The stream. Lines go through a separate queue, so that nobody waits for the disk.
#[derive(Clone)]
pub struct Audit {
    queue: Queue,
    /// `None` for standard error.
    path: Option<PathBuf>,
}

impl Audit {
    /// Appends lines to the file at `path`, which is created if it does not exist.
    pub fn open(path: &Path) -> Result<Self, LogFileError> {
        let failed = |source| LogFileError {
            kind: AUDIT_FILE,
            path: path.into(),
            source,
        };
        if path == Path::new(STANDARD_ERROR) {
            let queue = Queue::start(Output::standard_error()).map_err(failed)?;
            return Ok(Self { queue, path: None });
        }
        let queue = Queue::start(Output::file(open(AUDIT_FILE, path)?)).map_err(failed)?;
        let path = Some(path.into());
        Ok(Self { queue, path })
    }

    /// Reopens the file, for example after its rotation.
    pub fn reopen(&self) -> Result<(), LogFileError> {
        if let Some(path) = &self.path {
            self.queue.switch(Output::file(open(AUDIT_FILE, path)?));
        }
        Ok(())
    }

    /// Adds an event.
    pub fn add(&self, event: &Event<'_>) {
        let time = jiff::Timestamp::now().to_string();
        let line = serde_json::to_vec(&Line { time, event });
        // An event can always be written as JSON.
        let Ok(mut line) = line else { return };
        line.push(b'\n');
        // Dropping the writer puts the whole line into the queue.
        let _ = self.queue.for_json().make_writer().write_all(&line);
    }

    /// Whether lines were lost.
    #[must_use]
    pub fn has_lost(&self) -> bool {
        self.queue.losses().counts().iter().any(|count| *count > 0)
    }

    /// Waits until what was added so far is written or lost, but no longer than `limit`.
    pub fn flush(&self, limit: Duration) {
        self.queue.flush(limit);
    }
}
