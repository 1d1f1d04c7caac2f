//! What the system's errors are called, and what its users do about them.

use std::io;

/// The words of an error where the system's own are not fit to be shown: they always are.
#[must_use]
pub const fn of(_: &io::Error) -> Option<&'static str> {
    None
}

/// What to do about an access that was denied.
pub const DENIED: &str = "its owner gives the right to it, or use sudo";
