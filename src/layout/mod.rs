//! Small binary protocols that a file describes: finds, decodes and checks their messages. No I/O.
//!
//! [`parse`] turns a layout file (`docs/layouts.md`) into a [`Layout`], or all errors in it. [`Layout::frame`] finds the end
//! of a message, [`Layout::decode`] decodes one. [`Plan`] is a layout compiled for speed.

#![allow(
    clippy::single_match_else,
    clippy::similar_names,
    reason = "a fault stands in an arm of its own; parts, ports and part are the words of the file"
)]

/// RegLogin's own layout file, as an example.
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
