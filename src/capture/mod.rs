//! Where frames come from and go to: capture files, pipes and live interfaces.
//!
//! Leaves this room: [`Batch`]es of frames, each frame's octets in place in the buffer they were
//! read into. A batch keeps the next room busy without a lock or a copy for each frame.

mod batch;
mod time;

pub use batch::{Batch, Frame, FrameHeader, FrameSource, LinkType, SourceError};
pub use time::{Seconds, Timestamp};
