//! Generates pcapng files block by block, including blocks that most programs never write.
//!
//! Block types and option codes are those of draft-ietf-opsawg-pcapng.

use super::{ByteOrder, Frame};
use crate::capture::LinkType;

const SECTION: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
const SIMPLE_PACKET: u32 = 3;
const NAME_RESOLUTION: u32 = 4;
const INTERFACE_STATISTICS: u32 = 5;
const ENHANCED_PACKET: u32 = 6;
const DECRYPTION_SECRETS: u32 = 10;
const CUSTOM: u32 = 0x0000_0bad;

const OPTION_END: u16 = 0;
const OPTION_COMMENT: u16 = 1;
const IF_TSRESOL: u16 = 9;
const IF_TSOFFSET: u16 = 14;

/// The section length in a section header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SectionLength {
    /// Not specified (-1), as by programs that cannot know it.
    Unknown,
    /// This number of bytes.
    Octets(u64),
}

/// A pcapng file to which each call adds a block.
#[derive(Debug, Clone)]
pub struct Pcapng {
    order: ByteOrder,
    file: Vec<u8>,
}

impl Pcapng {
    /// A file with its first section header.
    #[must_use]
    pub fn new(order: ByteOrder) -> Self {
        let mut file = Self {
            order,
            file: Vec::new(),
        };
        file.section(order, SectionLength::Unknown, None);
        file
    }

    /// The complete file.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        self.file
    }

    /// Adds any block with this type and body, which is padded to a multiple of 4 bytes.
    pub fn block(&mut self, kind: u32, body: &[u8]) -> &mut Self {
        let padded = body.len().next_multiple_of(4);
        let length = self.order.u32(padded as u32 + 12);
        self.file.extend_from_slice(&self.order.u32(kind));
        self.file.extend_from_slice(&length);
        self.file.extend_from_slice(body);
        self.file.resize(self.file.len() + padded - body.len(), 0);
        self.file.extend_from_slice(&length);
        self
    }

    /// Adds a section header. From here on, numbers are in byte order `order`, and interfaces count from 0.
    pub fn section(
        &mut self,
        order: ByteOrder,
        length: SectionLength,
        comment: Option<&str>,
    ) -> &mut Self {
        self.order = order;
        let mut body = order.u32(0x1a2b_3c4d).to_vec();
        body.extend_from_slice(&order.u16(1)); // version 1.0
        body.extend_from_slice(&order.u16(0));
        body.extend_from_slice(&order.u64(match length {
            SectionLength::Unknown => u64::MAX,
            SectionLength::Octets(octets) => octets,
        }));
        self.comment(&mut body, comment);
        self.block(SECTION, &body)
    }

    /// Adds an interface. `resolution` is `if_tsresol` (6 for microseconds, 9 for nanoseconds; with the top bit set, a
    /// negative power of two), `offset` is `if_tsoffset` in seconds; `None` omits the option.
    pub fn interface(
        &mut self,
        link: LinkType,
        snapshot: u32,
        resolution: Option<u8>,
        offset: Option<i64>,
    ) -> &mut Self {
        let mut body = self.order.u16(link.0).to_vec();
        body.extend_from_slice(&[0, 0]);
        body.extend_from_slice(&self.order.u32(snapshot));
        if let Some(resolution) = resolution {
            self.option(&mut body, IF_TSRESOL, &[resolution]);
        }
        if let Some(offset) = offset {
            let seconds = self.order.u64(offset.cast_unsigned());
            self.option(&mut body, IF_TSOFFSET, &seconds);
        }
        if resolution.is_some() || offset.is_some() {
            self.option(&mut body, OPTION_END, &[]);
        }
        self.block(INTERFACE, &body)
    }

    /// Adds an enhanced packet block, with its time in the interface's units.
    pub fn packet(
        &mut self,
        interface: u32,
        ticks: u64,
        frame: &Frame,
        comment: Option<&str>,
    ) -> &mut Self {
        let (high, low) = ((ticks >> 32) as u32, ticks as u32);
        let lengths = [frame.octets.len() as u32, frame.wire as u32];
        let mut body = self
            .order
            .u32s(&[interface, high, low, lengths[0], lengths[1]]);
        body.extend_from_slice(&frame.octets);
        body.resize(body.len().next_multiple_of(4), 0);
        self.comment(&mut body, comment);
        self.block(ENHANCED_PACKET, &body)
    }

    /// Adds an enhanced packet block with the frame's time, on an interface with nanoseconds.
    pub fn nano_packet(&mut self, interface: u32, frame: &Frame) -> &mut Self {
        self.packet(interface, frame.time.0.max(0).cast_unsigned(), frame, None)
    }

    /// Adds a simple packet block, which belongs to interface 0 and has no time.
    pub fn simple_packet(&mut self, frame: &Frame) -> &mut Self {
        let mut body = self.order.u32(frame.wire as u32).to_vec();
        body.extend_from_slice(&frame.octets);
        self.block(SIMPLE_PACKET, &body)
    }

    /// Adds a name resolution block with one IPv4 address and its name.
    pub fn name(&mut self, address: [u8; 4], name: &str) -> &mut Self {
        let mut record = address.to_vec();
        record.extend_from_slice(name.as_bytes());
        record.push(0);
        let mut body = Vec::new();
        self.option(&mut body, 1, &record); // nrb_record_ipv4; records have an option's form
        self.option(&mut body, 0, &[]); // nrb_record_end
        self.block(NAME_RESOLUTION, &body)
    }

    /// Adds interface statistics with the number of frames received.
    pub fn statistics(&mut self, interface: u32, ticks: u64, received: u64) -> &mut Self {
        let (high, low) = ((ticks >> 32) as u32, ticks as u32);
        let mut body = self.order.u32s(&[interface, high, low]);
        self.option(&mut body, 4, &self.order.u64(received)); // isb_ifrecv
        self.option(&mut body, OPTION_END, &[]);
        self.block(INTERFACE_STATISTICS, &body)
    }

    /// Adds decryption secrets with a TLS key log.
    pub fn tls_secrets(&mut self, key_log: &str) -> &mut Self {
        let mut body = self.order.u32s(&[0x544c_534b, key_log.len() as u32]); // "TLSK"
        body.extend_from_slice(key_log.as_bytes());
        self.block(DECRYPTION_SECRETS, &body)
    }

    /// Adds a custom block with the private enterprise number for examples (32473, RFC 5612).
    pub fn custom(&mut self, data: &[u8]) -> &mut Self {
        let mut body = self.order.u32(32_473).to_vec();
        body.extend_from_slice(data);
        self.block(CUSTOM, &body)
    }

    fn option(&self, body: &mut Vec<u8>, code: u16, value: &[u8]) {
        body.extend_from_slice(&self.order.u16(code));
        body.extend_from_slice(&self.order.u16(value.len() as u16));
        body.extend_from_slice(value);
        body.resize(body.len().next_multiple_of(4), 0);
    }

    fn comment(&self, body: &mut Vec<u8>, comment: Option<&str>) {
        if let Some(comment) = comment {
            self.option(body, OPTION_COMMENT, comment.as_bytes());
            self.option(body, OPTION_END, &[]);
        }
    }
}
