//! Small binary protocols described in a file: enough of their messages to find, decode and check them.
//!
//! [`parse`] reads a layout file (`docs/layouts.md`) and gives a [`Layout`], or every error in the file. [`Layout::frame`]
//! finds where a message ends, [`Layout::decode`] reads one. No I/O.

#![allow(
    clippy::single_match_else,
    clippy::similar_names,
    reason = "a fault stands in an arm of its own; parts, ports and part are the words of the file"
)]

/// RegLogin's own layout, to start from.
pub const EXAMPLE: &str = include_str!("../protocol/reglogin.toml");

mod check;
mod checksum;
mod decode;
mod describe;
mod error;
mod evidence;
mod fault;
mod field;
mod file;
pub mod guess;
mod hidden;
mod json;
mod known;
mod model;
mod outcome;
pub mod plan;
pub(crate) mod recognise;
#[cfg(test)]
mod tests;

pub use checksum::check_of;
pub use decode::{Decoded, Frame, Node, Value};
pub use describe::describe;
pub use error::{LayoutError, Place, Report};
pub use evidence::ENOUGH;
pub use fault::{Fault, FaultKind};
pub use file::parse;
pub use json::Fields;
pub use known::{FieldRef, LayoutId, MOST_LAYOUTS};
pub use model::{
    ByteOrder, Constant, Count, Field, FieldId, Integer, Layout, LayoutKind, Part, Role, Side, Type,
};
pub use outcome::Said;
pub use plan::{Plan, Reading};
pub use recognise::{Found, Opening, Setting};
