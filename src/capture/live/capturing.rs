//! What captures, as the rest sees it. It is libpcap, which only `authscope-capture` links: that program says so at its start,
//! and nothing of libpcap is in those that do not.

use std::io;
use std::sync::OnceLock;
use std::time::Duration;

use super::{InterfaceInfo, LiveOptions};
use crate::capture::batch::{Batch, LinkType};
use crate::capture::error::SourceError;

/// What can capture.
pub trait Capturing: Sync {
    /// Opens an interface: the one that is named, else the loopback interface. Errors are whole sentences and say what to do.
    fn open(&self, options: &LiveOptions) -> Result<Box<dyn OpenInterface>, SourceError>;

    /// The interfaces, as the system orders them.
    fn interfaces(&self) -> Result<Vec<InterfaceInfo>, SourceError>;

    /// Gives up the right to open interfaces, for this thread and those that it begins from here on. What is open stays so.
    fn renounce(&self) -> io::Result<()>;
}

/// An interface that is captured on. Each of these is called once for many frames.
pub trait OpenInterface: Send {
    /// Its name.
    fn name(&self) -> &str;

    /// How its frames begin.
    fn link(&self) -> LinkType;

    /// Nanoseconds in a unit of the frames' times: 1 or 1000.
    fn unit(&self) -> u64;

    /// Adds what has arrived to the batch, until that has [`MOST_FRAMES`](super::MOST_FRAMES) frames or
    /// [`MOST_OCTETS`](super::MOST_OCTETS) bytes. Does not wait for frames.
    fn take(&mut self, batch: &mut Batch) -> Result<(), SourceError>;

    /// Waits until frames have arrived; not for longer than `time`, which is less than a second.
    fn wait(&self, time: Duration) -> Result<(), SourceError>;

    /// What the system counts; `None` if it does not tell.
    fn counts(&mut self) -> Option<Counts>;
}

/// Frames that the system counted since an interface was opened. The counters have 32 bits and wrap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Those that passed the filter.
    pub received: u32,
    /// Those lost because the kernel's buffer was full.
    pub dropped: u32,
    /// Those lost in the interface or its driver.
    pub interface_dropped: u32,
}

/// What captures in this process, or why nothing does.
static CAPTURING: OnceLock<Result<&'static dyn Capturing, String>> = OnceLock::new();

/// From here on this process captures with `capturing`; what was said first holds.
pub fn provide(capturing: &'static dyn Capturing) {
    let _ = CAPTURING.set(Ok(capturing));
}

/// Nothing captures in this process: `why` is what all who want to are told.
pub(crate) fn refuse(why: String) {
    let _ = CAPTURING.set(Err(why));
}

/// Whether this process captures itself.
pub(crate) fn is_here() -> bool {
    matches!(CAPTURING.get(), Some(Ok(_)))
}

/// Gives up the right to capture, where this process is one that has it.
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
