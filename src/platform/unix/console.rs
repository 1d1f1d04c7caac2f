//! The terminal: what standard output is, and how a pager takes its place.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::process::{ChildStdin, Command};

/// Prepares a terminal for output: nothing to do on Unix.
pub const fn prepare() {}

/// Whether text is shown as UTF-8 regardless of the environment.
pub const IS_UNICODE: bool = false;

/// Standard output, unbuffered.
pub fn standard_output() -> io::Result<Box<dyn Write + Send>> {
    let descriptor = io::stdout().as_fd().try_clone_to_owned()?;
    Ok(Box::new(File::from(descriptor)))
}

/// A command that runs a user's shell command line.
#[must_use]
pub fn shell(line: &OsStr) -> Command {
    let mut command = Command::new("sh");
    command.arg("-c").arg(line);
    command
}

/// An argument without its first bytes, which are ASCII characters.
#[must_use]
pub fn behind(argument: &OsStr, characters: usize) -> OsString {
    OsStr::from_bytes(&argument.as_bytes()[characters..]).to_owned()
}

/// A pager in the place of standard output, and of standard error where that is a terminal.
#[derive(Debug)]
pub struct Redirected {
    /// The original standard output.
    terminal: File,
    /// The original standard error, if it goes through the pager too.
    errors: Option<File>,
}

impl Redirected {
    /// Redirects terminal output to `pipe` from now on.
    #[allow(
        clippy::needless_pass_by_value,
        reason = "closed here: a copy of it took its place"
    )]
    pub fn begin(pipe: ChildStdin) -> io::Result<Self> {
        let copy = |descriptor: io::Result<_>| descriptor.map(File::from);
        let terminal = copy(io::stdout().as_fd().try_clone_to_owned())?;
        let errors = io::stderr()
            .is_terminal()
            .then(|| copy(io::stderr().as_fd().try_clone_to_owned()))
            .transpose()?;
        rustix::stdio::dup2_stdout(&pipe)?;
        if errors.is_some() {
            rustix::stdio::dup2_stderr(&pipe)?;
        }
        Ok(Self { terminal, errors })
    }

    /// The terminal that the pager shows output on.
    #[must_use]
    pub const fn terminal(&self) -> &File {
        &self.terminal
    }

    /// The pager's input.
    #[allow(clippy::unused_self, reason = "as on other systems")]
    pub fn output(&self) -> io::Result<Box<dyn Write + Send>> {
        standard_output()
    }

    /// Closes the pager's input.
    pub fn end(&self) {
        // If this fails, the pager still ends when its user leaves it.
        let _ = io::stdout().flush();
        let _ = rustix::stdio::dup2_stdout(&self.terminal);
        if let Some(errors) = &self.errors {
            let _ = rustix::stdio::dup2_stderr(errors);
        }
    }
}
