//! Dissects protocols that layout files describe: recognises them, finds their messages, and notes their faults.
//!
//! [`layout`](crate::layout) decides which bytes are a message and how much evidence they are. This module keeps the state of
//! each direction between chunks.

mod direction;
mod held;
mod known;
mod probe;

pub(super) use direction::{ended, gap, probe_gap, take};
pub use known::Known;
pub(super) use probe::{ended_unknown, probe};

use direction::LayoutDirection;

use crate::layout::LayoutId;

/// What is kept of a stream that speaks a layout's protocol, or may.
#[derive(Debug, Default)]
pub struct DescribedState {
    /// The layout, once it is known.
    layout: Option<LayoutId>,
    directions: [LayoutDirection; 2],
}
