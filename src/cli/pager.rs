//! Long output on a terminal goes through a pager, as in git: `$PAGER`, or `less -FRX`.
//!
//! The pager starts with the first output, so progress can be shown until then. If standard error is a terminal, it
//! goes through the pager too. Ctrl-C then stops reading, and the pager stays until the user leaves it.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use super::{progress, say};
use crate::platform::console::{self, Redirected};
use crate::platform::signals;
use crate::text::escape::Local;
use crate::text::trouble::Words;

/// Whether output may go through a pager.
static ALLOWED: AtomicBool = AtomicBool::new(false);

/// The pager that was started.
static PAGING: OnceLock<Paging> = OnceLock::new();

struct Paging {
    redirected: Redirected,
    child: Mutex<Option<Child>>,
}

/// From now on, output may go through a pager if standard output is a terminal.
pub(super) fn allow() {
    ALLOWED.store(true, Ordering::Relaxed);
}

/// The terminal behind the pager, if there is one.
pub(super) fn terminal() -> Option<&'static File> {
    PAGING.get().map(|paging| paging.redirected.terminal())
}

/// Standard output, unbuffered; the pager starts with the first bytes.
#[derive(Default)]
pub(super) struct Output(Option<Box<dyn Write + Send>>);

impl Output {
    fn stream(&mut self) -> io::Result<&mut Box<dyn Write + Send>> {
        if self.0.is_none() {
            begin();
            self.0 = Some(match PAGING.get() {
                Some(paging) => paging.redirected.output()?,
                None => console::standard_output()?,
            });
        }
        self.0
            .as_mut()
            .ok_or_else(|| io::Error::from(io::ErrorKind::BrokenPipe))
    }
}

impl Write for Output {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.stream()?.write(octets)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.as_mut().map_or(Ok(()), Write::flush)
    }
}

/// Closes the pager's input, and waits until the user has left the pager.
pub(super) fn end() {
    let Some(paging) = PAGING.get() else { return };
    paging.redirected.end();
    let child = paging.child.lock();
    if let Some(mut child) = child.unwrap_or_else(PoisonError::into_inner).take() {
        let _ = child.wait();
    }
}

/// Starts the pager if one is allowed, wanted and installed.
fn begin() {
    if !ALLOWED.swap(false, Ordering::Relaxed) || !io::stdout().is_terminal() {
        return;
    }
    let chosen = std::env::var_os("PAGER");
    let Some(command) = command(chosen.as_deref()) else {
        return;
    };
    progress::clear();
    if let (Err(error), Some(chosen)) = (start(command), chosen) {
        say(&format!(
            "cannot start the pager \"{}\", which PAGER names: {}. Set PAGER to another, or use --no-pager",
            Local(&chosen.to_string_lossy()),
            Words(&error)
        ));
    }
}

/// The pager's command; `None` if output is not to be paged.
fn command(chosen: Option<&OsStr>) -> Option<Command> {
    const FOR_A_SHELL: &[char] = &[
        '|', '&', ';', '<', '>', '(', ')', '$', '`', '\\', '"', '\'', '*', '?', '[', '#', '~', '=',
        '%',
    ];
    let Some(chosen) = chosen else {
        let mut less = Command::new("less");
        less.arg("-FRX");
        return Some(less);
    };
    let text = chosen.to_string_lossy();
    let mut words = text.split_whitespace();
    let first = words.next().filter(|_| text.trim() != "cat")?;
    let mut command;
    if text.contains(FOR_A_SHELL) {
        command = console::shell(chosen);
    } else {
        command = Command::new(first);
        command.args(words);
    }
    // With these settings, colours are shown and output that fits the screen needs no key.
    for (name, usual) in [("LESS", "FRX"), ("LV", "-c")] {
        if std::env::var_os(name).is_none() {
            command.env(name, usual);
        }
    }
    Some(command)
}

fn start(mut command: Command) -> io::Result<()> {
    let mut child = command.stdin(Stdio::piped()).spawn()?;
    let pipe = child.stdin.take().ok_or(io::ErrorKind::BrokenPipe)?;
    signals::outlive_interrupts()?;
    let redirected = Redirected::begin(pipe)?;
    let child = Mutex::new(Some(child));
    let paging = Paging { redirected, child };
    // It is started only once.
    let _ = PAGING.set(paging);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(chosen: Option<&str>) -> Option<Vec<String>> {
        let command = command(chosen.map(OsStr::new))?;
        let words = std::iter::once(command.get_program()).chain(command.get_args());
        Some(words.map(|word| word.to_string_lossy().into()).collect())
    }

    #[test]
    fn pager_says_what_shows_long_output() {
        let is = |chosen, words: &[&str]| {
            let found = of(chosen).unwrap_or_default();
            assert_eq!(found, words, "{chosen:?}");
        };
        is(None, &["less", "-FRX"]);
        is(Some("more -d"), &["more", "-d"]);
        is(Some("less | cat"), &["sh", "-c", "less | cat"]);
        is(Some(""), &[]);
        is(Some("cat"), &[]);
        is(Some("cat -v"), &["cat", "-v"]);
    }
}
