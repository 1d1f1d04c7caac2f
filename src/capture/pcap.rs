//! The pcap format: one header, then frames of one link type.
//!
//! The headers are read here, in place in the buffer: 7 ns a frame from the file to the batch
//! (`benches/capture.rs`).

use super::batch::{FrameHeader, Interface, LinkType};
use super::error::SourceError;
use super::options::Order;
use super::time::Timestamp;

/// Bytes of the file header.
pub(super) const HEADER: usize = 24;

/// The most bytes captured of one frame that is believed, as Wireshark and libpcap have it
/// (`MAX_SNAPLEN`); anything beyond is taken for damage.
pub(super) const MAX_CAPTURED: u32 = 262_144;

/// The same for the link types with larger frames, D-Bus and USB on some systems: the block limit
/// of this room bounds them.
pub(super) fn max_captured(link: LinkType) -> u32 {
    const DBUS: LinkType = LinkType(231);
    const USB_PCAP: LinkType = LinkType(249);
    const EBHSCR: LinkType = LinkType(279);
    match link {
        DBUS | USB_PCAP | EBHSCR => super::pcapng::MAX_BLOCK - 64,
        _ => MAX_CAPTURED,
    }
}

/// What a pcap file's header says, and where its clock stands.
#[derive(Debug)]
pub(super) struct Pcap {
    order: Order,
    /// Nanoseconds in a unit of the records' second time field.
    fraction: i64,
    /// Bytes of a record's header: 16, or 24 in the modified format.
    record_header: usize,
    link: LinkType,
    max_captured: u32,
    snaplen: u32,
}

impl Pcap {
    /// Reads the file header.
    pub(super) fn new(header: &[u8; HEADER]) -> Result<Self, SourceError> {
        let order = if header[0] == 0xa1 {
            Order::Big
        } else {
            Order::Little
        };
        let network = order.word(header, 20);
        // The bits above these say how long a frame check sequence is, which the frames carry.
        if network & 0x03ff_0000 != 0 {
            return Err(SourceError::Damaged {
                offset: 20,
                reason: format!(
                    "link type {network:#010x}: the reserved bits of the field are not zero"
                ),
            });
        }
        let link = LinkType((network & 0xffff) as u16);
        let magic = order.word(header, 0);
        Ok(Self {
            order,
            fraction: if magic == 0xa1b2_3c4d { 1 } else { 1000 },
            record_header: if magic == 0xa1b2_cd34 { 24 } else { 16 },
            link,
            max_captured: max_captured(link),
            snaplen: order.word(header, 16),
        })
    }

    /// The one interface of a pcap file.
    pub(super) fn interface(&self) -> Interface {
        Interface {
            index: 0,
            file: 0,
            link: self.link,
            snaplen: self.snaplen,
            resolution: if self.fraction == 1 { 9 } else { 6 },
            offset: 0,
            name: None,
            options: Vec::new(),
        }
    }

    /// Finds the records that are whole in `buffer` from `*at` on, and moves `*at` behind them.
    /// `base` is how many bytes of the capture came before the buffer.
    pub(super) fn records(
        &self,
        buffer: &[u8],
        at: &mut usize,
        base: u64,
        headers: &mut Vec<FrameHeader>,
    ) -> Result<(), SourceError> {
        let order = self.order;
        let mut start = *at;
        let outcome = loop {
            let Some(head) = buffer
                .get(start..)
                .and_then(|rest| rest.first_chunk::<16>())
            else {
                break Ok(());
            };
            let captured = order.word(head, 8);
            if captured > self.max_captured {
                break Err(SourceError::Damaged {
                    offset: base + start as u64 + 8,
                    reason: format!(
                        "a frame of {captured} captured bytes, more than the {} that a frame can have",
                        self.max_captured
                    ),
                });
            }
            let first = start + self.record_header;
            let end = first + captured as usize;
            if end > buffer.len() {
                break Ok(());
            }
            headers.push(FrameHeader {
                time: Timestamp(
                    i64::from(order.word(head, 0)) * Timestamp::SECOND
                        + i64::from(order.word(head, 4)) * self.fraction,
                ),
                start: first,
                captured,
                wire: order.word(head, 12),
                interface: 0,
                link: self.link,
            });
            start = end;
        };
        *at = start;
        outcome
    }

    /// What a file that ends within the record that begins `rest` is short of.
    pub(super) fn cut(&self, rest: &[u8]) -> String {
        if let Some(head) = rest.first_chunk::<16>()
            && rest.len() >= self.record_header
        {
            let captured = self.order.word(head, 8);
            format!(
                "cut off inside a frame: {} of its {captured} bytes are there",
                rest.len() - self.record_header
            )
        } else {
            format!(
                "cut off inside a frame's header: {} of its {} bytes are there",
                rest.len(),
                self.record_header
            )
        }
    }
}
