//! Asking a person, or standard input, for a password.

use std::io::{self, BufRead};

use zeroize::Zeroizing;

use crate::platform::prompt::{self, Answer};
use crate::protocol::{Password, TextError};
use crate::text::trouble::Words;

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

fn ask(prompt: &'static str) -> Result<Zeroizing<Vec<u8>>, PasswordError> {
    match prompt::ask(prompt).map_err(PasswordError::Terminal)? {
        Answer::Typed(password) => Ok(password),
        Answer::Ended => Err(PasswordError::NoneGiven),
        Answer::Interrupted(signal) => Err(PasswordError::Interrupted(signal)),
    }
}
