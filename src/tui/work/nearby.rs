//! What is deep in a long connection takes a while, as all of the connection before it is read again. What stands around it is
//! worked out on the same way and kept, so that the next key finds it; and it is told how far that has come.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::Looks;
use crate::tui::answer::FrameDetail;
use crate::tui::recording::Recording;

/// Frames before the one that is asked for from which on it is far.
const FAR: u64 = 4096;
/// Frames around the one that is asked for whose details are kept, at each side.
const DETAILS: u64 = 64;
/// The same of rows.
const ROWS: u64 = 512;

/// What was worked out along with something else.
#[derive(Debug, Clone, Default)]
pub struct Nearby {
    details: Arc<Mutex<Details>>,
    percent: Arc<AtomicU8>,
}

#[derive(Debug, Default)]
struct Details {
    looks: Looks,
    all: HashMap<u64, FrameDetail>,
}

impl Nearby {
    /// How far a long reading has come; 0 if there is none.
    #[must_use]
    pub fn percent(&self) -> Arc<AtomicU8> {
        Arc::clone(&self.percent)
    }

    /// The same, as it is now.
    #[must_use]
    pub fn percent_now(&self) -> u8 {
        self.percent.load(Ordering::Relaxed)
    }

    /// A frame's details, where they were kept and look so.
    #[must_use]
    pub fn detail(&self, frame: u64, looks: Looks) -> Option<FrameDetail> {
        let details = self.details.lock().unwrap_or_else(PoisonError::into_inner);
        let found = details.all.get(&frame);
        found.filter(|_| details.looks == looks).cloned()
    }

    /// Keeps details in place of those that were kept.
    pub(super) fn keep(&self, looks: Looks, details: Vec<FrameDetail>) {
        let all = details.into_iter().map(|one| (one.frame, one)).collect();
        *self.details.lock().unwrap_or_else(PoisonError::into_inner) = Details { looks, all };
    }
}

/// Whether much has to be read before what there is to say of these frames is known.
fn is_far(recording: &Recording, frames: &[u64]) -> bool {
    let Some(last) = frames.iter().max() else {
        return false;
    };
    let streams = frames
        .iter()
        .filter_map(|frame| Some(recording.stream_and_marks(*frame)?.0));
    let spans = streams.filter_map(|stream| recording.span(stream));
    let first = spans.map(|[first, _]| first).min();
    first.is_some_and(|first| last.saturating_sub(first) > FAR)
}

fn around(frames: &[u64], much: u64) -> RangeInclusive<u64> {
    let least = frames.iter().min().copied().unwrap_or_default();
    let most = frames.iter().max().copied().unwrap_or_default();
    least.saturating_sub(much)..=most.saturating_add(much)
}

/// The frames whose details are worked out along with that of this one.
pub(super) fn details_around(recording: &Recording, frame: u64) -> RangeInclusive<u64> {
    let much = if is_far(recording, &[frame]) {
        DETAILS
    } else {
        0
    };
    around(&[frame], much)
}

/// The frames whose rows are worked out along with those of these.
pub(super) fn rows_around(recording: &Recording, frames: &[u64]) -> RangeInclusive<u64> {
    let much = if is_far(recording, frames) { ROWS } else { 0 };
    around(frames, much)
}
