//! Interface to the capturing library. That is libpcap, which only `authscope-capture` links. This program registers it
//! at its start; other programs contain nothing of libpcap.

use std::io;
use std::sync::OnceLock;
use std::time::Duration;

use super::{InterfaceInfo, LiveOptions};
use crate::capture::batch::{Batch, LinkType};
use crate::capture::error::SourceError;

/// A library that can capture.
pub trait Capturing: Sync {
    /// Opens the interface that the options name, otherwise the loopback interface.
    ///
    /// # Errors
    ///
    /// If it cannot be opened. The text is a whole sentence, with what to do about it.
    fn open(&self, options: &LiveOptions) -> Result<Box<dyn OpenInterface>, SourceError>;

    /// The interfaces, in the system's order.
    ///
    /// # Errors
    ///
    /// If the system does not list them.
    fn interfaces(&self) -> Result<Vec<InterfaceInfo>, SourceError>;

    /// Gives up the right to open interfaces, for this thread and threads that it starts later. Open interfaces stay
    /// open.
    ///
    /// # Errors
    ///
    /// If the system refuses.
    fn renounce(&self) -> io::Result<()>;
}

/// An interface that is captured on. Each function is called once for many frames.
pub trait OpenInterface: Send {
    /// Its name.
    fn name(&self) -> &str;

    /// Link type of its frames.
    fn link(&self) -> LinkType;

    /// Nanoseconds per unit of the frames' times: 1 or 1000.
    fn unit(&self) -> u64;

    /// Adds frames that have arrived to the batch, up to [`MOST_FRAMES`](super::MOST_FRAMES) frames or
    /// [`MOST_OCTETS`](super::MOST_OCTETS) bytes. Does not wait for frames.
    ///
    /// # Errors
    ///
    /// If the capture failed.
    fn take(&mut self, batch: &mut Batch) -> Result<(), SourceError>;

    /// Waits until frames have arrived, at most for `time`, which must be less than a second.
    ///
    /// # Errors
    ///
    /// If the capture failed.
    fn wait(&self, time: Duration) -> Result<(), SourceError>;

    /// The system's counts since the filter was set; `None` if there are none.
    fn counts(&mut self) -> Option<Counts>;

    /// Whether each frame that is counted as received, but not as dropped, is or will be taken.
    fn counts_what_it_gives(&self) -> bool;
}

/// The system's counts of frames. They are 32-bit counters that wrap around.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Frames that passed the filter, including dropped ones.
    pub received: u32,
    /// Frames lost because the kernel's buffer was full.
    pub dropped: u32,
    /// Frames lost in the interface or its driver.
    pub interface_dropped: u32,
}

impl Counts {
    /// What was counted since `before`.
    #[must_use]
    pub const fn since(self, before: Self) -> Self {
        Self {
            received: self.received.wrapping_sub(before.received),
            dropped: self.dropped.wrapping_sub(before.dropped),
            interface_dropped: self
                .interface_dropped
                .wrapping_sub(before.interface_dropped),
        }
    }

    /// Frames that were neither dropped nor taken yet, if `taken` were.
    #[must_use]
    pub const fn missing(self, taken: u32) -> u32 {
        let missing = self.received.wrapping_sub(self.dropped).wrapping_sub(taken);
        // Frames that came before the filter was set can be taken, but are not counted.
        if missing.cast_signed() < 0 {
            0
        } else {
            missing
        }
    }
}

/// The capturing library of this process, or why there is none.
static CAPTURING: OnceLock<Result<&'static dyn Capturing, String>> = OnceLock::new();

/// Registers the capturing library of this process. Only the first registration counts.
pub fn provide(capturing: &'static dyn Capturing) {
    let _ = CAPTURING.set(Ok(capturing));
}

/// Registers that this process cannot capture, and the reason for errors.
pub(crate) fn refuse(why: String) {
    let _ = CAPTURING.set(Err(why));
}

/// Whether this process can capture.
pub(crate) fn is_here() -> bool {
    matches!(CAPTURING.get(), Some(Ok(_)))
}

/// Gives up the right to capture, if this process has it.
pub(crate) fn renounce() -> Result<(), SourceError> {
    let Some(Ok(capturing)) = CAPTURING.get() else {
        return Ok(());
    };
    capturing
        .renounce()
        .map_err(|error| SourceError::Live(format!("cannot give up the right to capture: {error}")))
}

pub(super) fn capturing() -> Result<&'static dyn Capturing, SourceError> {
    match CAPTURING.get() {
        Some(Ok(capturing)) => Ok(*capturing),
        Some(Err(why)) => Err(SourceError::Live(why.clone())),
        None => Err(SourceError::Live("this program does not capture".into())),
    }
}
