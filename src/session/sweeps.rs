//! When flows are dropped: before each frame whose number [`SWEEP_EVERY`] divides, whichever lane that belongs to.

#![expect(
    clippy::cast_possible_truncation,
    reason = "indexes in a batch of half a megabyte"
)]

use crate::capture::Batch;
use crate::stream::SWEEP_EVERY;

/// The frames of a batch before which flows are dropped.
pub(super) struct Sweeps {
    /// Index of the next one.
    next: u32,
    frames: u32,
}

impl Sweeps {
    pub fn of(batch: &Batch) -> Self {
        let every = SWEEP_EVERY as u64;
        let next = batch.first_number.next_multiple_of(every) - batch.first_number;
        Self {
            next: next as u32,
            frames: batch.headers.len() as u32,
        }
    }

    /// The index of the next one, if it is not after the frame of this index.
    #[inline]
    pub const fn due_at(&mut self, index: u32) -> Option<u32> {
        let due = self.next;
        if due > index {
            return None;
        }
        self.next += SWEEP_EVERY as u32;
        Some(due)
    }

    /// The index of the next one up to the end of the batch.
    pub const fn due_at_end(&mut self) -> Option<u32> {
        match self.frames.checked_sub(1) {
            Some(last) => self.due_at(last),
            None => None,
        }
    }
}
