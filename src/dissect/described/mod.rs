//! Protocols that layout files describe: which of them a stream speaks, where its messages begin and end, and what is to
//! be said of each.
//!
//! Which bytes are a message, and by how much evidence, [`layout`](crate::layout) says; here is what a direction
//! remembers between its chunks.

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
