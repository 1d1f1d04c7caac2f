//! Generates frames, TCP conversations and capture files for tests, stored captures and benchmarks.
//!
//! Input: what two endpoints send, how it is segmented, and in what order. Output: bytes of frames and capture files,
//! the same in each run. It shares no code with the modules that read captures, so it tests them independently.

#![allow(
    clippy::cast_possible_truncation,
    reason = "numbers that the generator chooses"
)]

mod conversation;
mod error;
pub mod foreign;
mod ip;
mod link;
pub mod load;
pub mod messages;
mod pcap;
mod pcapng;
mod segment;
mod shell;

// With `self`, because looking up a crate of that name would link libpcap.
pub use self::pcap::{PcapForm, PcapKind, write_pcap};
pub use conversation::{Conversation, Side, Timed, merge, start_time};
pub use error::SynthError;
pub use ip::{Fragment, IpForm, packets};
pub use link::{ByteOrder, Link};
pub use pcapng::{Pcapng, SectionLength};
pub use segment::{Checksum, Flags, Segment};
pub use shell::Shell;

/// Options of a TCP header, as in etherparse.
pub use etherparse::TcpOptionElement as TcpOption;

use crate::capture::Timestamp;

/// A frame for a capture file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// When it was captured.
    pub time: Timestamp,
    /// The captured bytes.
    pub octets: Vec<u8>,
    /// Length on the wire in bytes; more than that of `octets` if the snapshot length cut the frame.
    pub wire: usize,
}

impl Frame {
    /// A frame that is captured completely.
    #[must_use]
    pub fn whole(time: Timestamp, octets: Vec<u8>) -> Self {
        let wire = octets.len();
        Self { time, octets, wire }
    }

    /// The frame with at most `limit` bytes captured, as with a snapshot length.
    #[must_use]
    pub fn cut(mut self, limit: usize) -> Self {
        self.octets.truncate(limit);
        self
    }
}

/// Frames for segments, all with the same kind of IP packet and link layer. Fragments of a segment follow each other
/// with the same time.
///
/// # Errors
///
/// If a segment does not fit into its packets.
pub fn frames(segments: &[Timed], link: &Link, ip: &IpForm) -> Result<Vec<Frame>, SynthError> {
    let mut frames = Vec::with_capacity(segments.len());
    for (index, timed) in segments.iter().enumerate() {
        let form = IpForm {
            identification: ip.identification.wrapping_add(index as u32),
            ..ip.clone()
        };
        for packet in packets(&timed.segment, &form)? {
            frames.push(Frame::whole(timed.time, link.wrap(&packet)));
        }
    }
    Ok(frames)
}
