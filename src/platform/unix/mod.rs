//! Unix: Linux first, what POSIX has elsewhere.

pub mod console;
pub mod control;
pub mod file;
pub mod net;
pub mod places;
pub mod process;
pub mod prompt;
pub mod signals;
pub mod words;
