//! Frames in batches: many frames' octets in one buffer that is handed on whole and used again.

use super::time::Timestamp;

/// A link type as the registry of the tcpdump project numbers them (LINKTYPE_ values).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LinkType(pub u16);

impl LinkType {
    /// BSD loopback, address family in the capturing host's byte order.
    pub const NULL: Self = Self(0);
    /// Ethernet.
    pub const ETHERNET: Self = Self(1);
    /// Raw IP as numbered on some systems; the same as [`LinkType::RAW`].
    pub const RAW_BSD: Self = Self(12);
    /// Raw IP as numbered on OpenBSD; the same as [`LinkType::RAW`].
    pub const RAW_OPENBSD: Self = Self(14);
    /// Raw IPv4 or IPv6, told apart by the version field.
    pub const RAW: Self = Self(101);
    /// IEEE 802.11.
    pub const IEEE802_11: Self = Self(105);
    /// OpenBSD loopback, address family in network byte order.
    pub const LOOP: Self = Self(108);
    /// Linux cooked capture v1.
    pub const LINUX_SLL: Self = Self(113);
    /// IEEE 802.11 behind a radiotap header.
    pub const IEEE802_11_RADIOTAP: Self = Self(127);
    /// Raw IPv4.
    pub const IPV4: Self = Self(228);
    /// Raw IPv6.
    pub const IPV6: Self = Self(229);
    /// Linux cooked capture v2.
    pub const LINUX_SLL2: Self = Self(276);
}

/// What a capture says about a frame besides its octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameHeader {
    /// When it was captured.
    pub time: Timestamp,
    /// Where its octets start in the batch's buffer.
    pub start: usize,
    /// Octets captured.
    pub captured: u32,
    /// Octets on the wire; more than `captured` where the snapshot length cut the frame.
    pub wire: u32,
    /// Index of the capture's interface, from 0 in order of appearance over all sections.
    pub interface: u32,
    /// How the octets begin.
    pub link: LinkType,
}

/// One frame of a batch.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    /// From 1, in the order in which frames were read, over all files of a run.
    pub number: u64,
    /// What the capture says about it.
    pub header: &'a FrameHeader,
    /// The octets captured.
    pub octets: &'a [u8],
}

/// A run of frames and the buffer that holds their octets.
#[derive(Debug, Default)]
pub struct Batch {
    /// The frames' octets, and whatever stood between them in the file.
    pub buffer: Vec<u8>,
    /// The frames in order.
    pub headers: Vec<FrameHeader>,
    /// Number of the first frame.
    pub first_number: u64,
}

impl Batch {
    /// The octets of one of this batch's frames.
    #[must_use]
    pub fn octets(&self, header: &FrameHeader) -> &[u8] {
        &self.buffer[header.start..header.start + header.captured as usize]
    }

    /// The frames in order.
    pub fn frames(&self) -> impl Iterator<Item = Frame<'_>> {
        self.headers
            .iter()
            .enumerate()
            .map(|(index, header)| Frame {
                number: self.first_number + index as u64,
                header,
                octets: self.octets(header),
            })
    }

    /// Empties the batch and keeps its memory.
    pub fn clear(&mut self) {
        self.buffer.clear();
        self.headers.clear();
    }
}

/// Something that gives frames until it ends: a file, several, a pipe, an interface.
pub trait FrameSource {
    /// Fills an empty `batch` with the frames that come next, at least one where it answers
    /// `true`; `false` is the end. A live source gives what has arrived after a few milliseconds
    /// at the most, and may then answer `true` with no frame at all.
    ///
    /// On an error the frames before the damage are in `batch` and are to be used first.
    fn fill(&mut self, batch: &mut Batch) -> Result<bool, SourceError>;
}

/// Why no more frames come. The text is a clause without the file's name; the caller adds it.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// Reading failed.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// The capture is damaged or cut off.
    #[error("damaged at byte {offset}: {reason}")]
    Damaged {
        /// Octets of the (decompressed) capture before the damage.
        offset: u64,
        /// What is wrong there: what was found, what was expected.
        reason: String,
    },
    /// Not a capture at all.
    #[error("not a capture file: {0}")]
    NotACapture(String),
}
