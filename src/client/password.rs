//! Asking a person, or standard input, for a password.

use std::io::{self, BufRead};

use zeroize::Zeroizing;

use crate::protocol::{Password, TextError};

/// Why there is no password.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// No terminal, or it broke.
    #[error("cannot ask for the password on the terminal: {0}; give it with --password-stdin")]
    Terminal(io::Error),
    /// Standard input broke.
    #[error("cannot read the password from standard input: {0}")]
    Input(io::Error),
    /// Not the same twice.
    #[error("the two passwords differ; nothing was done")]
    Differ,
    /// Not one that the protocol carries.
    #[error("cannot use this password: {0}; nothing was done")]
    Unfit(#[from] TextError),
}

/// The first line of standard input as a password.
pub fn from_stdin() -> Result<Password, PasswordError> {
    let mut line = Zeroizing::new(Vec::new());
    io::stdin()
        .lock()
        .read_until(b'\n', &mut line)
        .map_err(PasswordError::Input)?;
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

fn ask(prompt: &str) -> Result<Zeroizing<Vec<u8>>, PasswordError> {
    rpassword::prompt_password(prompt)
        .map(|password| Zeroizing::new(password.into_bytes()))
        .map_err(PasswordError::Terminal)
}
