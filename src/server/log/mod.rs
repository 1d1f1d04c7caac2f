//! The log: lines go through a bounded queue to a thread of their own, so that nobody who has
//! something to log ever waits for the disk, the pipe or the terminal that takes it.
//!
//! Lines that find the queue full, that cannot be written, or that are more than the log's rate
//! allows are lost and counted: in `authscope_log_lines_lost_total`, and in a line once the log
//! works again.

pub mod audit;
mod clients;
mod output;
mod queue;
mod rate;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::{Layer, Registry};

use output::Output;
use queue::Queue;
use rate::RateCap;

use crate::locks::lock;
use crate::platform;
use crate::text::trouble::Words;

pub use clients::ClientLines;
pub use queue::{Loss, THREAD};

/// Settings of the log: format, level, rate.
#[derive(Debug, Clone, Copy)]
pub struct LogSettings {
    /// One JSON object a line, instead of text for people.
    pub json: bool,
    /// The least severe lines that are written.
    pub level: LevelFilter,
    /// Most lines a second, warnings and errors counted apart from the rest; 0 for no bound.
    pub rate: u32,
    /// Whether severities have colours.
    pub colours: bool,
}

/// The running log. Cheap to clone; all clones are the same log.
#[derive(Clone)]
pub struct Log {
    queue: Queue,
    /// The path of `--log-file`, once it is open.
    file: Arc<Mutex<Option<PathBuf>>>,
    client_lines: Arc<ClientLines>,
}

/// What a file of lines is, and the option that names it.
#[derive(Debug, Clone, Copy)]
struct Kind {
    name: &'static str,
    option: &'static str,
}

const LOG_FILE: Kind = Kind {
    name: "log file",
    option: "--log-file",
};
const AUDIT_FILE: Kind = Kind {
    name: "audit file",
    option: "--audit",
};

/// Why a log file cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot open the {} \"{}\": {}; name another with {}", kind.name, path.display(), Words(source), kind.option)]
pub struct LogFileError {
    kind: Kind,
    path: PathBuf,
    source: io::Error,
}

impl Log {
    /// Starts the log on standard error and makes it the one that all events go to.
    pub fn start(settings: LogSettings) -> io::Result<Self> {
        let queue = Queue::start(Output::standard_error())?;
        let lines = if settings.json {
            queue.for_json()
        } else {
            queue.clone()
        };
        let format = tracing_subscriber::fmt::layer()
            .with_writer(lines)
            .with_target(false)
            .with_ansi(settings.colours)
            .log_internal_errors(false);
        let format: Box<dyn Layer<Registry> + Send + Sync> = if settings.json {
            Box::new(format.json().flatten_event(true))
        } else {
            Box::new(format)
        };
        let client_lines = Arc::new(ClientLines::new(settings.rate, queue.losses()));
        let rate = RateCap::new(settings.rate, queue.losses());
        let subscriber = Registry::default()
            .with(format)
            .with(settings.level)
            .with(rate);
        // There is one log per process; a second one would be a bug.
        tracing::subscriber::set_global_default(subscriber).map_err(io::Error::other)?;
        Ok(Self {
            queue,
            file: Arc::default(),
            client_lines,
        })
    }

    /// Which lines about clients are logged.
    #[must_use]
    pub fn client_lines(&self) -> Arc<ClientLines> {
        Arc::clone(&self.client_lines)
    }

    /// From now on, appends lines to the file at `path`, which is created if it does not exist.
    pub fn open_file(&self, path: &Path) -> Result<(), LogFileError> {
        let file = open(LOG_FILE, path)?;
        self.queue.switch(Output::file(file));
        *lock(&self.file) = Some(path.into());
        Ok(())
    }

    /// Reopens the log file, for example after its rotation. Returns whether there is one. If that fails, lines
    /// continue to go where they went before.
    pub fn reopen(&self) -> Result<bool, LogFileError> {
        let Some(path) = lock(&self.file).clone() else {
            return Ok(false);
        };
        self.queue.switch(Output::file(open(LOG_FILE, &path)?));
        Ok(true)
    }

    /// Waits until what was logged so far is written or lost, but no longer than `limit`.
    pub fn flush(&self, limit: Duration) {
        self.queue.flush(limit);
    }
}

fn open(kind: Kind, path: &Path) -> Result<File, LogFileError> {
    let mut options = std::fs::OpenOptions::new();
    let options = platform::file::with_mode(options.append(true), 0o640);
    let opened = match options.clone().create_new(true).open(path) {
        // Only a file that it created itself: in another user's folder, the path may be a link.
        Ok(made) => {
            platform::file::own_as_folder(&made, path);
            Ok(made)
        }
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            options.create(true).open(path)
        }
        Err(error) => Err(error),
    };
    opened.map_err(|source| LogFileError {
        kind,
        path: path.into(),
        source,
    })
}
