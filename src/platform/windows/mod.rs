//! Windows 10 and later.

pub mod console;
pub mod control;
pub mod file;
pub mod net;
pub mod places;
pub mod process;
pub mod prompt;
pub mod signals;
pub mod words;
