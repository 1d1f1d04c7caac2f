//! RegLogin: where its messages begin and end, and what is to be said about each.

mod direction;
pub mod evidence;
pub mod framing;
mod judge;
mod plain;

pub use direction::HELD;
pub(super) use direction::{Between, DirectionState, Mode};
pub use judge::{direction_fits, judge};
pub(super) use judge::{judge_cut, judge_into, judge_sender};
#[cfg(test)]
pub(crate) use plain::is_plain;
pub(super) use plain::plain_message;
