//! Dissects protocols that layout files describe: recognises them, finds their messages, and notes faults.
//!
//! [`layout`](crate::layout) decides which bytes are a message, and how much evidence they are. This module keeps the
//! state of each direction between chunks.

mod direction;
mod held;
mod known;
mod probe;

pub(super) use direction::{ended, gap, probe_gap, take};
pub use known::Known;
pub(super) use probe::{ended_unknown, probe};

use direction::LayoutDirection;

use crate::layout::LayoutId;

/// State of a stream whose protocol is, or may be, described by a layout.
#[derive(Debug, Default)]
pub struct DescribedState {
    /// The layout, once it is decided.
    layout: Option<LayoutId>,
    directions: [LayoutDirection; 2],
}
