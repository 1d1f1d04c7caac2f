//! The console: UTF-8 and colours, what standard output is, and how a pager is given it.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::os::windows::ffi::{OsStrExt, OsStringExt};
use std::os::windows::io::AsHandle;
use std::process::{ChildStdin, Command};
use std::sync::{Mutex, PoisonError};

use winapi_util::console::Console;

/// Makes a console understand escape sequences for colours, which older ones take for text.
pub fn prepare() {
    // What is no console needs nothing.
    for mut console in [Console::stdout(), Console::stderr()].into_iter().flatten() {
        let _ = console.set_virtual_terminal_processing(true);
    }
}

/// Whether text is shown as UTF-8 whatever the environment says: the standard library hands a console UTF-16, and files
/// and pipes get UTF-8.
pub const IS_UNICODE: bool = true;

/// Standard output: a console through the standard library, which converts text for it, anything else unbuffered.
pub fn standard_output() -> io::Result<Box<dyn Write + Send>> {
    if io::stdout().is_terminal() {
        return Ok(Box::new(io::stdout()));
    }
    let handle = io::stdout().as_handle().try_clone_to_owned()?;
    Ok(Box::new(File::from(handle)))
}

/// Runs what a user wrote for a shell.
#[must_use]
pub fn shell(line: &OsStr) -> Command {
    let mut command = Command::new("cmd");
    command.arg("/C").arg(line);
    command
}

/// An argument without its first characters, which are so many of ASCII.
#[must_use]
pub fn behind(argument: &OsStr, characters: usize) -> OsString {
    let units: Vec<u16> = argument.encode_wide().skip(characters).collect();
    OsString::from_wide(&units)
}

/// A pager that is given what would go to standard output. What goes to standard error is shown beside it.
#[derive(Debug)]
pub struct Redirected {
    terminal: File,
    pipe: Mutex<Option<File>>,
}

impl Redirected {
    /// What goes to the terminal through [`output`](Self::output) goes to `pipe` from now on.
    pub fn begin(pipe: ChildStdin) -> io::Result<Self> {
        let terminal = File::from(io::stdout().as_handle().try_clone_to_owned()?);
        let pipe = Mutex::new(Some(File::from(std::os::windows::io::OwnedHandle::from(
            pipe,
        ))));
        Ok(Self { terminal, pipe })
    }

    /// The console that the pager shows output on.
    #[must_use]
    pub const fn terminal(&self) -> &File {
        &self.terminal
    }

    /// What the pager reads.
    pub fn output(&self) -> io::Result<Box<dyn Write + Send>> {
        let pipe = self.pipe.lock().unwrap_or_else(PoisonError::into_inner);
        let pipe = pipe.as_ref().ok_or(io::ErrorKind::BrokenPipe)?;
        Ok(Box::new(pipe.try_clone()?))
    }

    /// Closes what the pager reads.
    pub fn end(&self) {
        self.pipe
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
    }
}
