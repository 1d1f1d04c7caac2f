//! RegLogin: finds its messages in a direction's bytes, and notes their faults.

mod direction;
pub mod evidence;
mod fast_path;
pub mod framing;
mod judge;
pub mod rules;

pub use direction::HELD;
pub(super) use direction::{Between, DirectionState, Mode};
pub(super) use fast_path::clean_message;
#[cfg(test)]
pub(crate) use fast_path::is_clean;
pub(crate) use fast_path::{may_be_clean, one_clean_message};
pub use judge::judge;
pub(super) use judge::{judge_cut, judge_into, judge_sender};
