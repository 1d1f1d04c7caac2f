//! A bounded queue of frames between the capturing thread and the reader.
//!
//! The kernel's buffer consists of blocks. A block is passed on after a few milliseconds even if it is nearly empty, so
//! a short pause of the reader fills the buffer with hardly any frames. This queue is limited by the bytes of its
//! frames instead.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::capture::batch::{Batch, FrameHeader};
use crate::capture::error::SourceError;

/// The most frames in one batch.
pub const MOST_FRAMES: usize = 8192;
/// Most bytes in one batch, approximately.
pub const MOST_OCTETS: usize = 4 << 20;

/// Most empty batches that are kept for reuse.
const KEPT: usize = 4;

/// A queue of batches with bounded memory.
pub(super) struct Backlog {
    state: Mutex<State>,
    changed: Condvar,
    /// Bytes that can wait before no more frames are taken.
    most: usize,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Batch>,
    emptied: Vec<Batch>,
    octets: usize,
    ended: bool,
    /// The error that ended it, until it was returned.
    error: Option<SourceError>,
    /// Whether the reader has gone.
    left: bool,
}

/// Whether frames can be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Room {
    Some,
    None,
    /// The reader has gone.
    Left,
}

/// Bytes of memory for a batch's frames.
fn size(batch: &Batch) -> usize {
    batch.buffer.len() + batch.headers.len() * size_of::<FrameHeader>()
}

struct Guard<'a>(&'a Backlog);

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let message = "the capture stopped: a fault in this program".to_owned();
            self.0.end(Some(SourceError::Live(message)));
        }
    }
}

impl Backlog {
    /// A queue for about `most` bytes, including the frames' headers.
    pub fn new(most: usize) -> Self {
        Self {
            state: Mutex::default(),
            changed: Condvar::new(),
            most,
        }
    }

    /// Locks the state. Ignores poisoning: a thread that panicked leaves it consistent, and its panic is reported.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>, time: Duration) -> MutexGuard<'a, State> {
        let woken = self.changed.wait_timeout(state, time);
        woken.unwrap_or_else(PoisonError::into_inner).0
    }

    /// Moves the frames of `batch` into the queue.
    pub fn add(&self, batch: &mut Batch) {
        if batch.headers.is_empty() {
            return;
        }
        let mut state = self.lock();
        state.octets += size(batch);
        match state.waiting.back_mut() {
            Some(last)
                if last.headers.len() + batch.headers.len() <= MOST_FRAMES
                    && last.buffer.len() + batch.buffer.len() <= MOST_OCTETS =>
            {
                let before = last.buffer.len();
                last.buffer.append(&mut batch.buffer);
                last.headers
                    .extend(batch.headers.drain(..).map(|header| FrameHeader {
                        start: header.start + before,
                        ..header
                    }));
            }
            _ => {
                let empty = state.emptied.pop().unwrap_or_default();
                state.waiting.push_back(std::mem::replace(batch, empty));
            }
        }
        self.changed.notify_all();
    }

    /// Waits for room, at most for `time`.
    pub fn room(&self, time: Duration) -> Room {
        let mut state = self.lock();
        if state.octets >= self.most && !state.left {
            state = self.wait(state, time);
        }
        match () {
            () if state.left => Room::Left,
            () if state.octets >= self.most => Room::None,
            () => Room::Some,
        }
    }

    /// Ends the queue: nothing more is added.
    pub fn end(&self, error: Option<SourceError>) {
        let mut state = self.lock();
        state.ended = true;
        state.error = error;
        self.changed.notify_all();
    }

    /// A guard for the thread that adds frames: if the thread panics, it ends the queue with an error. Otherwise the
    /// reader would wait forever.
    pub fn guard(&self) -> impl Drop {
        Guard(self)
    }

    /// Called when the reader goes.
    pub fn leave(&self) {
        self.lock().left = true;
        self.changed.notify_all();
    }

    /// Replaces `batch` by the oldest batch of the queue, or clears it if nothing comes for `time`. Returns `false` at
    /// the end.
    ///
    /// # Errors
    ///
    /// The error that ended the capture, once, after the last frames.
    pub fn next(&self, batch: &mut Batch, time: Duration) -> Result<bool, SourceError> {
        batch.clear();
        let mut state = self.lock();
        if state.waiting.is_empty() && !state.ended {
            state = self.wait(state, time);
        }
        if let Some(next) = state.waiting.pop_front() {
            state.octets -= size(&next);
            let emptied = std::mem::replace(batch, next);
            if state.emptied.len() < KEPT {
                state.emptied.push(emptied);
            }
            self.changed.notify_all();
        }
        if !state.waiting.is_empty() || !state.ended {
            return Ok(true);
        }
        state.error.take().map_or(Ok(false), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::batch::LinkType;
    use crate::capture::time::Timestamp;

    const NOT_LONG: Duration = Duration::from_millis(1);

    fn batch(frames: &[&[u8]]) -> Batch {
        let mut batch = Batch::default();
        for octets in frames {
            let len = u32::try_from(octets.len()).unwrap();
            batch.headers.push(FrameHeader {
                time: Timestamp(0),
                start: batch.buffer.len(),
                captured: len,
                wire: len,
                interface: 0,
                link: LinkType::ETHERNET,
            });
            batch.buffer.extend_from_slice(octets);
        }
        batch
    }

    fn frames(batch: &Batch) -> Vec<&[u8]> {
        batch.frames().map(|frame| frame.octets).collect()
    }

    #[test]
    fn a_fault_in_the_thread_that_adds_is_an_error() {
        let backlog = Backlog::new(1 << 20);
        let outcome = std::thread::scope(|scope| {
            let adds = || {
                let _guard = backlog.guard();
                backlog.add(&mut batch(&[b"first"]));
                panic!("a fault, as this test wants it");
            };
            scope.spawn(adds).join()
        });
        assert!(outcome.is_err());
        let mut next = Batch::default();
        assert!(backlog.next(&mut next, NOT_LONG).is_err());
        assert_eq!(frames(&next), [b"first"]);
    }

    #[test]
    fn small_batches_wait_as_one_in_order() {
        let backlog = Backlog::new(1 << 20);
        let mut one = batch(&[b"first", b"second"]);
        backlog.add(&mut one);
        assert!(one.headers.is_empty() && one.buffer.is_empty());
        backlog.add(&mut batch(&[b"third"]));
        let mut next = batch(&[b"old"]);
        assert!(backlog.next(&mut next, NOT_LONG).unwrap());
        assert_eq!(frames(&next), [&b"first"[..], b"second", b"third"]);
        assert!(backlog.next(&mut next, NOT_LONG).unwrap());
        assert!(next.headers.is_empty());
    }

    #[test]
    fn large_batches_stay_apart() {
        let backlog = Backlog::new(usize::MAX);
        let large = vec![1; MOST_OCTETS - 1];
        backlog.add(&mut batch(&[&large]));
        backlog.add(&mut batch(&[b"ab"]));
        backlog.add(&mut batch(&[b"c"]));
        let mut next = Batch::default();
        assert!(backlog.next(&mut next, NOT_LONG).unwrap());
        assert_eq!(frames(&next), [large]);
        assert!(backlog.next(&mut next, NOT_LONG).unwrap());
        assert_eq!(frames(&next), [&b"ab"[..], b"c"]);
    }

    #[test]
    fn a_full_backlog_has_room_again_once_a_batch_was_taken() {
        let backlog = Backlog::new(1000);
        assert_eq!(backlog.room(NOT_LONG), Room::Some);
        backlog.add(&mut batch(&[&[0; 1000]]));
        assert_eq!(backlog.room(NOT_LONG), Room::None);
        assert!(backlog.next(&mut Batch::default(), NOT_LONG).unwrap());
        assert_eq!(backlog.room(NOT_LONG), Room::Some);
        backlog.leave();
        assert_eq!(backlog.room(NOT_LONG), Room::Left);
    }

    #[test]
    fn the_end_comes_behind_the_frames_and_an_error_once() {
        for error in [None, Some(SourceError::Live("gone".into()))] {
            let fails = error.is_some();
            let backlog = Backlog::new(usize::MAX);
            backlog.add(&mut batch(&[&vec![0; MOST_OCTETS]]));
            backlog.add(&mut batch(&[b"last"]));
            backlog.end(error);
            let mut next = Batch::default();
            assert!(backlog.next(&mut next, NOT_LONG).unwrap());
            assert_eq!(backlog.next(&mut next, NOT_LONG).is_err(), fails);
            assert_eq!(frames(&next), [b"last"]);
            assert!(!backlog.next(&mut next, NOT_LONG).unwrap());
            assert!(next.headers.is_empty());
        }
    }
}
