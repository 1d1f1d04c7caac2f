//! Reads and writes frames: capture files, pipes and live interfaces.
//!
//! Sources return [`Batch`]es of frames. The frames' bytes stay in the buffer that they were read into, so there is no
//! lock and no copy for each frame.

mod batch;
mod clock;
mod encode;
mod error;
mod file;
mod index;
mod input;
pub mod live;
mod merge;
mod octets;
mod options;
mod overlap;
mod pcap;
mod pcapng;
mod place;
mod rotate;
mod secrets;
mod sniff;
mod statistics;
mod stop;
mod texts;
mod time;
mod writer;

pub use batch::{Aside, AsideContent, Batch, Frame, FrameHeader, FrameSource, Interface, LinkType};
pub use error::{FileError, FileName, SourceError};
pub use file::{FileSource, Progress, ReadOptions, open};
pub use index::{FrameStore, Spooled};
pub use input::{captures_of, is_pipe};
pub use merge::{MergedSource, open_all, open_all_until};
pub use overlap::Overlaps;
pub use place::{Inputs, Place};
pub use rotate::{LimitError, RotationLimits};
pub use secrets::KeyLogText;
pub use statistics::InterfaceStatistics;
pub use stop::Stop;
pub use texts::HideText;
pub use time::{Seconds, Timestamp};
pub use writer::{CaptureWriter, WriteError, WriteOptions};
