//! Asks for a password on the terminal, and restores the terminal however the prompt ends.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, mpsc};
use std::time::Duration;

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag::register_conditional_default;
use signal_hook::iterator::Signals;
use zeroize::Zeroizing;

/// The signals that end a prompt.
const ENDING: [i32; 3] = [SIGINT, SIGTERM, SIGHUP];
/// How long the second effect of a Ctrl-C may take to arrive.
const ARRIVAL: Duration = Duration::from_millis(200);

/// The result of a prompt.
#[derive(Debug)]
pub enum Answer {
    /// What was typed.
    Typed(Zeroizing<Vec<u8>>),
    /// The input ended, as by Ctrl-D.
    Ended,
    /// A signal of this number ended it.
    Interrupted(i32),
}

/// The first event while a password is typed.
enum Event {
    Typed(io::Result<String>),
    Signal(i32),
}

/// Asks without echo.
pub fn ask(prompt: &'static str) -> io::Result<Answer> {
    let terminal = Terminal::open()?;
    let _quiet = Prompting::begin()?;
    let mut signals = Signals::new(ENDING)?;
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
    // Ctrl-C reaches the reader as a character, which ends the line and raises the signal: both arrive, in either
    // order.
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
        Ok(Event::Typed(Ok(password))) => Ok(Answer::Typed(Zeroizing::new(password.into_bytes()))),
        Ok(Event::Typed(Err(error))) if error.kind() == io::ErrorKind::UnexpectedEof => {
            terminal.end_line();
            Ok(Answer::Ended)
        }
        Ok(Event::Typed(Err(error))) => Err(error),
        Ok(Event::Signal(signal)) => {
            terminal.restore();
            if !line_ended {
                terminal.end_line();
            }
            Ok(Answer::Interrupted(signal))
        }
        Err(_) => Err(io::ErrorKind::BrokenPipe.into()),
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

/// While this exists, the signals that end a prompt do nothing else; afterwards they end the process again.
struct Prompting(Arc<AtomicBool>);

impl Prompting {
    fn begin() -> io::Result<Self> {
        /// Whether the signals have their default effect.
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
