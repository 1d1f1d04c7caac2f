//! The pcap format (draft-ietf-opsawg-pcap): one header, then frames of one link type.
//!
//! Headers are decoded in place in the buffer: 7 ns a frame from the file to the batch (`benches/capture.rs`).

use super::batch::{FrameHeader, Interface, LinkType};
use super::error::SourceError;
use super::options::Order;
use super::time::Timestamp;

/// Length of the file header in bytes.
pub(super) const HEADER: usize = 24;

/// Most captured bytes of one frame, as in Wireshark and libpcap (`MAX_SNAPLEN`). A larger number is taken for damage.
pub(super) const MAX_CAPTURED: u32 = 262_144;

/// The same limit by link type. D-Bus, USBPcap and EBHSCR have larger frames, limited only by the size of a block.
pub(super) fn max_captured(link: LinkType) -> u32 {
    const DBUS: LinkType = LinkType(231);
    const USB_PCAP: LinkType = LinkType(249);
    const EBHSCR: LinkType = LinkType(279);
    match link {
        DBUS | USB_PCAP | EBHSCR => super::pcapng::MAX_BLOCK - 64,
        _ => MAX_CAPTURED,
    }
}

/// A pcap file's header.
#[derive(Debug)]
pub(super) struct Pcap {
    order: Order,
    /// Nanoseconds per unit of the second time field of a record.
    fraction: i64,
    /// Length of a record's header in bytes: 16, or 24 in the modified format.
    record_header: usize,
    link: LinkType,
    max_captured: u32,
    snaplen: u32,
}

impl Pcap {
    /// Decodes the file header.
    pub(super) fn new(header: &[u8; HEADER]) -> Result<Self, SourceError> {
        let order = if header[0] == 0xa1 {
            Order::Big
        } else {
            Order::Little
        };
        let network = order.word(header, 20);
        // The upper bits state the length of a frame check sequence, which the frames include.
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

    /// The only interface of a pcap file.
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

    /// Finds the complete records in `buffer` from `*at` on, and moves `*at` after them. `base` is the number of bytes
    /// of the capture before the buffer.
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

    /// What is missing in a file that ends inside the record that `rest` begins with.
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
