//! RegLogin: where its messages begin and end, and what is to be said about each.

mod direction;
pub mod framing;
mod judge;
mod plain;

pub(super) use direction::{Between, DirectionState, Mode, skip};
pub(super) use judge::judge_into;
pub use judge::{direction_fits, judge};
