//! Batches of frames: the bytes of many frames in one buffer, which is passed on as a whole and reused.

use std::ops::Range;

use super::error::SourceError;
use super::secrets::KeyLogText;
use super::time::Timestamp;

/// A link type by its number in the tcpdump project's registry (LINKTYPE_ values).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LinkType(pub u16);

impl LinkType {
    /// BSD loopback (LINKTYPE_NULL): address family in the capturing host's byte order.
    pub const NULL: Self = Self(0);
    /// Ethernet.
    pub const ETHERNET: Self = Self(1);
    /// PPP, with or without HDLC address and control fields.
    pub const PPP: Self = Self(9);
    /// Raw IP as numbered on some BSD systems; the same as [`LinkType::RAW`].
    pub const RAW_BSD: Self = Self(12);
    /// Raw IP as numbered on OpenBSD; the same as [`LinkType::RAW`].
    pub const RAW_OPENBSD: Self = Self(14);
    /// PPP in HDLC framing, or Cisco HDLC. The address distinguishes them.
    pub const PPP_HDLC: Self = Self(50);
    /// Raw IPv4 or IPv6. The version field distinguishes them.
    pub const RAW: Self = Self(101);
    /// Cisco HDLC, or PPP in HDLC framing. The address distinguishes them.
    pub const CISCO_HDLC: Self = Self(104);
    /// IEEE 802.11.
    pub const IEEE802_11: Self = Self(105);
    /// OpenBSD loopback (LINKTYPE_LOOP): address family in network byte order.
    pub const LOOP: Self = Self(108);
    /// Packets decapsulated from IPsec, on OpenBSD (LINKTYPE_ENC).
    pub const OPENBSD_IPSEC: Self = Self(109);
    /// Linux cooked capture v1.
    pub const LINUX_SLL: Self = Self(113);
    /// Log of OpenBSD's packet filter.
    pub const PFLOG: Self = Self(117);
    /// IEEE 802.11 after a radiotap header.
    pub const IEEE802_11_RADIOTAP: Self = Self(127);
    /// PPP after a byte with the direction, which replaces the address if there is one.
    pub const PPP_PPPD: Self = Self(166);
    /// PPP after a byte with the direction.
    pub const PPP_WITH_DIRECTION: Self = Self(204);
    /// A stack of MPLS labels.
    pub const MPLS: Self = Self(219);
    /// Raw IPv4.
    pub const IPV4: Self = Self(228);
    /// Raw IPv6.
    pub const IPV6: Self = Self(229);
    /// Log of Linux's netfilter.
    pub const NFLOG: Self = Self(239);
    /// Frames of several macOS interfaces, each with its link type.
    pub const PKTAP: Self = Self(258);
    /// Linux cooked capture v2.
    pub const LINUX_SLL2: Self = Self(276);
}

/// Metadata of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameHeader {
    /// When it was captured.
    pub time: Timestamp,
    /// Offset of its bytes in the batch's buffer.
    pub start: usize,
    /// Number of bytes captured.
    pub captured: u32,
    /// Length on the wire in bytes; more than `captured` if the snapshot length cut the frame.
    pub wire: u32,
    /// Index of the capture's interface, from 0 in order of appearance, over all sections (`frame.interface_id`).
    pub interface: u32,
    /// Link type of its bytes.
    pub link: LinkType,
}

/// One frame of a batch.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    /// Number from 1, in the order in which frames were read, over all files of a run (`frame.number`).
    pub number: u64,
    /// Its metadata.
    pub header: &'a FrameHeader,
    /// The captured bytes.
    pub octets: &'a [u8],
}

/// Consecutive frames, and the buffer with their bytes.
#[derive(Debug, Default)]
pub struct Batch {
    /// The frames' bytes, and what was between them in the file.
    pub buffer: Vec<u8>,
    /// The frames, in order.
    pub headers: Vec<FrameHeader>,
    /// What was between the frames, in order: each interface when it appears, TLS secrets and, if the source was opened
    /// with [`keep`](super::ReadOptions::keep), everything that a writer passes on.
    pub asides: Vec<Aside>,
    /// Number of the first frame.
    pub first_number: u64,
    /// For each frame, the offset of its bytes in the file that they can be read from again. Empty unless the source
    /// was asked for it.
    pub places: Vec<u64>,
}

/// Something in a capture that is not a frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aside {
    /// Index in [`Batch::headers`] of the frame that it precedes or belongs to.
    pub before: usize,
    /// Its content.
    pub what: AsideContent,
}

/// What is between frames in a capture. Ranges refer to the batch's buffer. Numbers in them are little-endian, whatever
/// the file's byte order, except in custom blocks and blocks of unknown types.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AsideContent {
    /// The options of a pcapng section header.
    Section(Range<usize>),
    /// An interface, before its first frame. Sources always return it, not only for writers.
    Interface(Box<Interface>),
    /// The options of frame `before`, as in an enhanced packet block.
    FrameOptions(Range<usize>),
    /// TLS secrets in the capture. Sources always return them; if they are after the last packet of a file, before the
    /// first frame. A capture whose format can contain secrets begins with an empty one.
    KeyLog(KeyLogText),
    /// Any other pcapng block: not a section, an interface or a packet.
    Block {
        /// The block type.
        kind: u32,
        /// The content between its two length fields.
        body: Range<usize>,
    },
}

/// Description of a capture's interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    /// Its index, as in [`FrameHeader::interface`].
    pub index: u32,
    /// Index of its capture among those of a run, from 0 in the order on the command line.
    pub file: u32,
    /// Link type of its frames.
    pub link: LinkType,
    /// Snapshot length: most bytes captured of a frame; 0 for no limit.
    pub snaplen: u32,
    /// Clock resolution as in pcapng's `if_tsresol`: 6 for microseconds, 9 for nanoseconds; with the top bit set, a
    /// negative power of two.
    pub resolution: u8,
    /// Seconds to add to its times (`if_tsoffset`).
    pub offset: i64,
    /// Its name, if the capture has it (`if_name`).
    pub name: Option<String>,
    /// All options of its pcapng block, little-endian; empty unless kept for a writer.
    pub options: Vec<u8>,
}

impl Batch {
    /// The bytes of one of this batch's frames.
    #[must_use]
    pub fn octets(&self, header: &FrameHeader) -> &[u8] {
        &self.buffer[header.start..header.start + header.captured as usize]
    }

    /// The frames, in order.
    pub fn frames(&self) -> impl Iterator<Item = Frame<'_>> {
        (0..self.headers.len()).map(|index| self.frame(index))
    }

    /// The frame of an index in [`headers`](Self::headers).
    ///
    /// # Panics
    ///
    /// If there are fewer frames.
    #[must_use]
    #[inline]
    pub fn frame(&self, index: usize) -> Frame<'_> {
        let header = &self.headers[index];
        Frame {
            number: self.first_number + index as u64,
            header,
            octets: self.octets(header),
        }
    }

    /// Empties the batch and keeps its memory.
    pub fn clear(&mut self) {
        self.buffer.clear();
        self.headers.clear();
        self.asides.clear();
        self.places.clear();
    }
}

/// A source of frames: a file, several files, a pipe or an interface.
pub trait FrameSource {
    /// Replaces the content of `batch` by the next frames. Returns `false` at the end. A batch can have no frames: a
    /// live source returns what has arrived after a few milliseconds, and a file can end with asides.
    ///
    /// # Errors
    ///
    /// If reading fails or the capture is damaged. `batch` then has the frames before the damage, to be processed
    /// first. `fill` may be called again: a source of several files continues with the others.
    fn fill(&mut self, batch: &mut Batch) -> Result<bool, SourceError>;

    /// Whether [`fill`](Self::fill) can block until something arrives: true for an interface or a pipe, false for a
    /// file.
    fn may_wait(&self) -> bool {
        true
    }

    /// Asks for batches of about this many bytes at the most. A source that returns what has arrived need not do so.
    fn set_batch_size(&mut self, octets: usize) {
        let _ = octets;
    }
}

impl<S: FrameSource + ?Sized> FrameSource for Box<S> {
    fn fill(&mut self, batch: &mut Batch) -> Result<bool, SourceError> {
        (**self).fill(batch)
    }

    fn may_wait(&self) -> bool {
        (**self).may_wait()
    }

    fn set_batch_size(&mut self, octets: usize) {
        (**self).set_batch_size(octets);
    }
}
