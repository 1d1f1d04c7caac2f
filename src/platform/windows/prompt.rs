//! Asking for a password on the console, which echoes again whatever ends the prompt.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use zeroize::Zeroizing;

use super::signals;

/// What came of a prompt.
#[derive(Debug)]
pub enum Answer {
    /// What was typed.
    Typed(Zeroizing<Vec<u8>>),
    /// The input ended, as by Ctrl-Z.
    Ended,
    /// Ctrl-C, or the console that closes, ended it.
    Interrupted(i32),
}

/// Asks without echo.
pub fn ask(prompt: &'static str) -> io::Result<Answer> {
    // Ctrl-C ends the reading of the line, and then the console is given back.
    let number: Arc<AtomicUsize> = Arc::default();
    signals::ask_to_stop(&Arc::default(), &number)?;
    let typed = rpassword::prompt_password(prompt);
    let interrupted = || i32::try_from(number.load(Ordering::SeqCst)).unwrap_or_default();
    match (interrupted(), typed) {
        (0, Ok(password)) => Ok(Answer::Typed(Zeroizing::new(password.into_bytes()))),
        (0, Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
            // The sign of Ctrl-C comes on a thread of its own, perhaps a little later.
            std::thread::sleep(std::time::Duration::from_millis(200));
            match interrupted() {
                0 => Ok(Answer::Ended),
                signal => Ok(Answer::Interrupted(signal)),
            }
        }
        (0, Err(error)) => Err(error),
        (signal, _) => Ok(Answer::Interrupted(signal)),
    }
}
