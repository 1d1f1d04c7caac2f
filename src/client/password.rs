//! Asking a person, or standard input, for a password.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, mpsc};
use std::time::Duration;

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag::register_conditional_default;
use signal_hook::iterator::Signals;
use zeroize::Zeroizing;

use crate::protocol::{Password, TextError};
use crate::text::trouble::Words;

/// The signals that end a prompt.
const ENDING: [i32; 3] = [SIGINT, SIGTERM, SIGHUP];
/// How long the second sign of a Ctrl-C may take to arrive.
const ARRIVAL: Duration = Duration::from_millis(200);

/// Why there is no password.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// No terminal, or it broke.
    #[error("cannot ask for the password on the terminal: {}; give it with --password-stdin", Words(.0))]
    Terminal(io::Error),
    /// Standard input broke.
    #[error("cannot read the password from standard input: {}", Words(.0))]
    Input(io::Error),
    /// The input ended, as by Ctrl-D.
    #[error(
        "no password was given, so nothing was done; type one, or give it with --password-stdin"
    )]
    NoneGiven,
    /// Ctrl-C, or another signal that ends programs.
    #[error("interrupted; nothing was done")]
    Interrupted(i32),
    /// Not the same twice.
    #[error("the two passwords differ, so nothing was done; try again")]
    Differ,
    /// Not one that the protocol carries.
    #[error("cannot use this password: {0}; nothing was done")]
    Unfit(#[from] TextError),
}

impl PasswordError {
    /// The exit code of a program that the same signal ended, as a shell tells it.
    #[must_use]
    pub fn signal_exit_code(&self) -> Option<u8> {
        match self {
            Self::Interrupted(signal) => u8::try_from(128 + signal).ok(),
            _ => None,
        }
    }
}

/// The first line of standard input as a password.
pub fn from_stdin() -> Result<Password, PasswordError> {
    let mut line = Zeroizing::new(Vec::new());
    let read = io::stdin()
        .lock()
        .read_until(b'\n', &mut line)
        .map_err(PasswordError::Input)?;
    if read == 0 {
        return Err(PasswordError::NoneGiven);
    }
    if line.ends_with(b"\n") {
        line.pop();
        if line.ends_with(b"\r") {
            line.pop();
        }
    }
    Ok(Password::new(line.to_vec())?)
}

/// Asks on the terminal, without echo; with `twice`, a second time to be sure.
pub fn from_terminal(twice: bool) -> Result<Password, PasswordError> {
    let first = ask("Password: ")?;
    if twice && ask("Password again: ")? != first {
        return Err(PasswordError::Differ);
    }
    Ok(Password::new(first.to_vec())?)
}

/// What happens first while a password is typed.
enum Event {
    Typed(io::Result<String>),
    Signal(i32),
}

fn ask(prompt: &'static str) -> Result<Zeroizing<Vec<u8>>, PasswordError> {
    let terminal = Terminal::open().map_err(PasswordError::Terminal)?;
    let _quiet = Prompting::begin().map_err(PasswordError::Terminal)?;
    let mut signals = Signals::new(ENDING).map_err(PasswordError::Terminal)?;
    let handle = signals.handle();
    let (sender, events) = mpsc::channel();
    let typed = sender.clone();
    std::thread::spawn(move || {
        for signal in signals.forever() {
            let _ = sender.send(Event::Signal(signal));
        }
    });
    std::thread::spawn(move || {
        let _ = typed.send(Event::Typed(rpassword::prompt_password(prompt)));
    });
    let mut event = events.recv();
    // Ctrl-C reaches the reader as a character: it ends the prompt's line and raises the signal
    // itself, so that both come, in either order.
    let mut line_ended = false;
    if let Ok(Event::Typed(Err(error))) = &event
        && error.kind() == io::ErrorKind::Interrupted
    {
        line_ended = true;
        event = Ok(events
            .recv_timeout(ARRIVAL)
            .unwrap_or(Event::Signal(SIGINT)));
    } else if let Ok(Event::Signal(SIGINT)) = event {
        line_ended = events.recv_timeout(ARRIVAL).is_ok();
    }
    handle.close();
    match event {
        Ok(Event::Typed(Ok(password))) => Ok(Zeroizing::new(password.into_bytes())),
        Ok(Event::Typed(Err(error))) if error.kind() == io::ErrorKind::UnexpectedEof => {
            terminal.end_line();
            Err(PasswordError::NoneGiven)
        }
        Ok(Event::Typed(Err(error))) => Err(PasswordError::Terminal(error)),
        Ok(Event::Signal(signal)) => {
            terminal.restore();
            if !line_ended {
                terminal.end_line();
            }
            Err(PasswordError::Interrupted(signal))
        }
        Err(_) => Err(PasswordError::Terminal(io::ErrorKind::BrokenPipe.into())),
    }
}

/// The terminal, and how it was before the prompt.
struct Terminal {
    file: File,
    before: Termios,
}

impl Terminal {
    fn open() -> io::Result<Self> {
        let file = OpenOptions::new().read(true).write(true).open("/dev/tty")?;
        let before = tcgetattr(&file)?;
        Ok(Self { file, before })
    }

    fn restore(&self) {
        let _ = tcsetattr(&self.file, OptionalActions::Now, &self.before);
    }

    /// Ends the line on which the prompt stands.
    fn end_line(&self) {
        let _ = (&self.file).write_all(b"\n");
    }
}

/// While this lives, the signals that end a prompt do nothing else; afterwards they end the
/// process again.
struct Prompting(Arc<AtomicBool>);

impl Prompting {
    fn begin() -> io::Result<Self> {
        /// Whether the signals are to do what they do by default.
        static DEFAULT: OnceLock<Arc<AtomicBool>> = OnceLock::new();
        let mut installed = Ok(());
        let default = DEFAULT.get_or_init(|| {
            let default = Arc::default();
            installed = ENDING.into_iter().try_for_each(|signal| {
                register_conditional_default(signal, Arc::clone(&default)).map(drop)
            });
            default
        });
        installed?;
        default.store(false, Ordering::SeqCst);
        Ok(Self(Arc::clone(default)))
    }
}

impl Drop for Prompting {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}
