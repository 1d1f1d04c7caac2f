//! Errors of the system in words: what went wrong with a file, and what to do about it.

use std::fmt;
use std::io::{self, ErrorKind};

use crate::platform::words;
use tokio_rustls::rustls::pki_types::pem;

/// Displays an error in the system's words, in lower case and without Rust's `(os error N)`.
#[derive(Debug, Clone, Copy)]
pub struct Words<'a>(pub &'a io::Error);

impl fmt::Display for Words<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(words) = self.0.raw_os_error().and_then(|_| words::of(self.0)) {
            return f.write_str(words);
        }
        let text = self.0.to_string();
        match text.find(" (os error ") {
            Some(end) => f.write_str(text[..end].to_lowercase().trim_end_matches('.')),
            None => f.write_str(&text),
        }
    }
}

/// Displays an error as [`Words`] does, with what to do about it if there is general advice.
#[derive(Debug, Clone, Copy)]
pub struct Trouble<'a>(pub &'a io::Error);

impl fmt::Display for Trouble<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Words(self.0).fmt(f)?;
        let advice = match self.0.kind() {
            ErrorKind::NotFound => "is the path right?",
            ErrorKind::AlreadyExists => "name one that is not there yet",
            ErrorKind::PermissionDenied => words::DENIED,
            ErrorKind::IsADirectory => "name a file",
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
                "make room there, or name a place elsewhere"
            }
            ErrorKind::ReadOnlyFilesystem => "name a place elsewhere",
            _ => return Ok(()),
        };
        write!(f, "; {advice}")
    }
}

/// Displays why a PEM file cannot be read.
#[derive(Debug, Clone, Copy)]
pub struct PemTrouble<'a>(pub &'a pem::Error);

impl fmt::Display for PemTrouble<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            pem::Error::Io(error) => Trouble(error).fmt(f),
            pem::Error::NoItemsFound => {
                f.write_str("there is none in it; it takes PEM, from -----BEGIN to -----END")
            }
            other => other.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_went_wrong_and_what_to_do() {
        let missing = std::fs::File::open("/nonexistent/x").unwrap_err();
        assert_eq!(
            Trouble(&missing).to_string(),
            "no such file or directory; is the path right?"
        );
        let there = std::fs::File::create_new("/").unwrap_err();
        assert_eq!(
            Trouble(&there).to_string(),
            "file exists; name one that is not there yet"
        );
        assert_eq!(Words(&missing).to_string(), "no such file or directory");
        let own = io::Error::other("It is Wednesday");
        assert_eq!(Trouble(&own).to_string(), "It is Wednesday");
    }
}
