//! Checks of a server: what a good and a bad client would send it, and whether it answers as `docs/protocol.md` says.
//!
//! [`checks`] is the table of them. Each has a script of what is sent and what is awaited;
//! [`run()`] plays the scripts on connections of their own, `judge` holds what came against what was awaited, and
//! [`text`] and [`json`] write the [`Report`]s.

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
