//! Checks a server: sends what good and bad clients would send, and compares the answers with `docs/protocol.md`.
//!
//! [`checks`] is the table of checks. Each has a script of what is sent and what is expected. [`run()`] plays each script on
//! its own connection, `judge` compares what came with what was expected, and [`text`] and [`json`] write the [`Report`]s.

mod cast;
mod judge;
mod probe;
mod run;
mod script;
mod table;

pub mod json;
pub mod text;

pub use judge::End;
pub use run::{Names, Point, Report, Setup, Verdict, run};
pub use script::{Awaited, Sent};
pub use table::{Check, checks};
