//! Makes frames, TCP conversations and capture files for tests, the stored captures and benchmarks.
//!
//! Input: what two endpoints say, how it is cut and in what order it is sent. Output: bytes of frames and of capture files,
//! the same at each run. It shares no code with the modules that read captures, so that it is an independent witness of what
//! they should find.

#![allow(clippy::cast_possible_truncation, reason = "numbers of its own making")]

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

// Behind `self`, as a look for a crate of that name would link libpcap.
pub use self::pcap::{PcapForm, PcapKind, write_pcap};
pub use conversation::{Conversation, Side, Timed, merge, start_time};
pub use error::SynthError;
pub use ip::{Fragment, IpForm, packets};
pub use link::{ByteOrder, Link};
pub use pcapng::{Pcapng, SectionLength};
pub use segment::{Checksum, Flags, Segment};
pub use shell::Shell;

/// Options of a TCP header, as etherparse writes them.
pub use etherparse::TcpOptionElement as TcpOption;

use crate::capture::Timestamp;

/// A frame as a capture file is to hold it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// When it was captured.
    pub time: Timestamp,
    /// The bytes captured.
    pub octets: Vec<u8>,
    /// Bytes on the wire; more than `octets` holds where the snapshot length cut the frame.
    pub wire: usize,
}

impl Frame {
    /// A frame captured whole.
    #[must_use]
    pub fn whole(time: Timestamp, octets: Vec<u8>) -> Self {
        let wire = octets.len();
        Self { time, octets, wire }
    }

    /// The same frame with at most `limit` bytes captured, as a snapshot length does.
    #[must_use]
    pub fn cut(mut self, limit: usize) -> Self {
        self.octets.truncate(limit);
        self
    }
}

/// The frames of some segments, every packet alike and each in one link layer frame. Fragments of
/// one segment follow each other at the same time.
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
