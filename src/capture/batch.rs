//! Frames in batches: many frames' bytes in one buffer that is handed on whole and used again.

use std::ops::Range;

use super::error::SourceError;
use super::secrets::KeyLogText;
use super::time::Timestamp;

/// A link type as the registry of the tcpdump project numbers them (LINKTYPE_ values).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LinkType(pub u16);

impl LinkType {
    /// BSD loopback, address family in the capturing host's byte order.
    pub const NULL: Self = Self(0);
    /// Ethernet.
    pub const ETHERNET: Self = Self(1);
    /// PPP, with the address and control of HDLC or without.
    pub const PPP: Self = Self(9);
    /// Raw IP as numbered on some systems; the same as [`LinkType::RAW`].
    pub const RAW_BSD: Self = Self(12);
    /// Raw IP as numbered on OpenBSD; the same as [`LinkType::RAW`].
    pub const RAW_OPENBSD: Self = Self(14);
    /// PPP in HDLC, or Cisco's HDLC, told apart by the address.
    pub const PPP_HDLC: Self = Self(50);
    /// Raw IPv4 or IPv6, told apart by the version field.
    pub const RAW: Self = Self(101);
    /// Cisco's HDLC, or PPP in HDLC, told apart by the address.
    pub const CISCO_HDLC: Self = Self(104);
    /// IEEE 802.11.
    pub const IEEE802_11: Self = Self(105);
    /// OpenBSD loopback, address family in network byte order.
    pub const LOOP: Self = Self(108);
    /// Packets that came out of IPsec, on OpenBSD.
    pub const OPENBSD_IPSEC: Self = Self(109);
    /// Linux cooked capture v1.
    pub const LINUX_SLL: Self = Self(113);
    /// What OpenBSD's packet filter logs.
    pub const PFLOG: Self = Self(117);
    /// IEEE 802.11 behind a radiotap header.
    pub const IEEE802_11_RADIOTAP: Self = Self(127);
    /// PPP behind a byte that says the direction, in place of the address where there is one.
    pub const PPP_PPPD: Self = Self(166);
    /// PPP behind a byte that says the direction.
    pub const PPP_WITH_DIRECTION: Self = Self(204);
    /// A stack of MPLS labels.
    pub const MPLS: Self = Self(219);
    /// Raw IPv4.
    pub const IPV4: Self = Self(228);
    /// Raw IPv6.
    pub const IPV6: Self = Self(229);
    /// What Linux' netfilter logs.
    pub const NFLOG: Self = Self(239);
    /// Frames of several interfaces of macOS, each with its link type.
    pub const PKTAP: Self = Self(258);
    /// Linux cooked capture v2.
    pub const LINUX_SLL2: Self = Self(276);
}

/// What a capture says about a frame besides its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameHeader {
    /// When it was captured.
    pub time: Timestamp,
    /// Where its bytes start in the batch's buffer.
    pub start: usize,
    /// Bytes captured.
    pub captured: u32,
    /// Bytes on the wire; more than `captured` where the snapshot length cut the frame.
    pub wire: u32,
    /// Index of the capture's interface, from 0 in order of appearance over all sections.
    pub interface: u32,
    /// How the bytes begin.
    pub link: LinkType,
}

/// One frame of a batch.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    /// From 1, in the order in which frames were read, over all files of a run.
    pub number: u64,
    /// What the capture says about it.
    pub header: &'a FrameHeader,
    /// The bytes captured.
    pub octets: &'a [u8],
}

/// A run of frames and the buffer that holds their bytes.
#[derive(Debug, Default)]
pub struct Batch {
    /// The frames' bytes, and whatever stood between them in the file.
    pub buffer: Vec<u8>,
    /// The frames in order.
    pub headers: Vec<FrameHeader>,
    /// What stood between the frames, in order: each interface that appeared, TLS secrets and, where
    /// the source was opened with [`keep`](super::ReadOptions::keep), everything that a writer passes on.
    pub asides: Vec<Aside>,
    /// Number of the first frame.
    pub first_number: u64,
    /// For each frame, where its bytes stand in what they can be read from again. Empty unless the source was asked for it.
    pub places: Vec<u64>,
}

/// Something in a capture that is not a frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aside {
    /// Index in [`Batch::headers`] of the frame that it stands before or belongs to.
    pub before: usize,
    /// What it is.
    pub what: AsideContent,
}

/// What stands between frames. Ranges are of the batch's buffer; numbers in them are little-endian
/// whatever the file's byte order was, except in blocks of unknown or custom content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AsideContent {
    /// The options of a pcapng section header.
    Section(Range<usize>),
    /// An interface, before its first frame. Given always, not only to writers.
    Interface(Box<Interface>),
    /// The options of frame `before`, as an enhanced packet block has them.
    FrameOptions(Range<usize>),
    /// TLS secrets that the capture holds. Given always; where they stand behind the last packet of a
    /// file, before the first one. A capture whose format can hold secrets begins with an empty one.
    KeyLog(KeyLogText),
    /// Any other pcapng block that is neither a section, an interface nor a packet.
    Block {
        /// The block type.
        kind: u32,
        /// What stands between its two length fields.
        body: Range<usize>,
    },
}

/// What a capture says about one of its interfaces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    /// Its index, as in [`FrameHeader::interface`].
    pub index: u32,
    /// Which of the captures of a run it is of, from 0 in the order in which they were named.
    pub file: u32,
    /// How its frames begin.
    pub link: LinkType,
    /// The most bytes captured of a frame; 0 is no limit.
    pub snaplen: u32,
    /// Clock resolution as pcapng's `if_tsresol` states it: 6 microseconds, 9 nanoseconds, with
    /// the top bit a power of two.
    pub resolution: u8,
    /// Seconds to add to its clock, pcapng's `if_tsoffset`.
    pub offset: i64,
    /// Its name where the capture tells it.
    pub name: Option<String>,
    /// All options of a pcapng interface block, little-endian; empty unless kept for a writer.
    pub options: Vec<u8>,
}

impl Batch {
    /// The bytes of one of this batch's frames.
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
        self.asides.clear();
        self.places.clear();
    }
}

/// Something that gives frames until it ends: a file, several, a pipe, an interface.
pub trait FrameSource {
    /// Fills `batch` (whatever it held is gone) with the frames that come next; `false` is the
    /// end. A batch may be without frames: a live source gives what has arrived after a few
    /// milliseconds at most, and a file may end in asides.
    ///
    /// On an error the frames before the damage are in `batch` and are to be used first; `fill`
    /// may then be called again, and a source of several files goes on with the others.
    fn fill(&mut self, batch: &mut Batch) -> Result<bool, SourceError>;

    /// Whether [`fill`](Self::fill) may wait for something to arrive, as an interface or a pipe
    /// does and a file does not.
    fn may_wait(&self) -> bool {
        true
    }
}

impl<S: FrameSource + ?Sized> FrameSource for Box<S> {
    fn fill(&mut self, batch: &mut Batch) -> Result<bool, SourceError> {
        (**self).fill(batch)
    }

    fn may_wait(&self) -> bool {
        (**self).may_wait()
    }
}
