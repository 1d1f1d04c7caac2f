//! The pcapng format (draft-ietf-opsawg-pcapng): sections of blocks, in either byte order, with any number of
//! interfaces.
//!
//! Blocks are decoded here, in place in the buffer, and not by `pcap-parser` 0.17. That takes 22 ns to parse an
//! enhanced packet block of 112 bytes, while the whole path from the file to a frame in a batch takes 11 ns here
//! (`benches/capture.rs`); and it reads a big-endian `if_tsoffset` as little-endian.

#![expect(
    clippy::cast_possible_truncation,
    reason = "offsets in a buffer in memory, and numbers of interfaces, each of which has a block of 20 bytes"
)]

use std::ops::Range;

use super::batch::{Aside, AsideContent, Batch, FrameHeader, Interface, LinkType};
use super::clock::{InterfaceClock, Scale};
use super::error::SourceError;
use super::options::{self, Order};
use super::pcap::max_captured;
use super::secrets::{self, SECRETS};
use super::time::Timestamp;

/// The largest block that is kept in memory, in bytes. Larger ones are damage if they contain a frame, a section or an
/// interface; otherwise they are skipped.
pub(super) const MAX_BLOCK: u32 = 16 << 20;

/// The largest block that is valid at all, in bytes, as in Wireshark.
const MAX_BELIEVED: u32 = 134_348_832;

/// Most interfaces over all sections. Each takes 40 bytes here, and about as many in a writer.
const MAX_INTERFACES: usize = 1 << 20;

pub(super) const SECTION: u32 = 0x0a0d_0d0a;
pub(super) const INTERFACE: u32 = 1;
const OBSOLETE_PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
pub(super) const ENHANCED_PACKET: u32 = 6;

/// Bytes of an enhanced (or obsolete) packet block before its frame.
const PACKET_HEADER: usize = 28;

/// Block type of custom blocks that must not be copied.
const CUSTOM_NOT_COPIED: u32 = 0x4000_0bad;

/// State of reading a pcapng file.
#[derive(Debug)]
pub(super) struct Pcapng {
    order: Order,
    /// Interfaces of the current section.
    interfaces: Vec<InterfaceClock>,
    /// Index, over all sections, of the current section's first interface.
    first_interface: u32,
    /// Whether everything that is not a frame is returned as well, for a writer.
    keep: bool,
    /// Bytes of a large block still to be skipped.
    skip: u64,
    /// Time of the last frame, used for frames of blocks without a time.
    last: Timestamp,
}

impl Pcapng {
    pub(super) fn new(keep: bool) -> Self {
        Self {
            order: Order::Little,
            interfaces: Vec::new(),
            first_interface: 0,
            keep,
            skip: 0,
            last: Timestamp::default(),
        }
    }

    /// Finds the complete blocks in the batch's buffer from `*at` on, and moves `*at` after them. `base` is the number
    /// of bytes of the capture before the buffer.
    pub(super) fn blocks(
        &mut self,
        batch: &mut Batch,
        at: &mut usize,
        base: u64,
    ) -> Result<(), SourceError> {
        let mut start = *at;
        let outcome = self.find(batch, &mut start, base);
        *at = start;
        outcome
    }

    fn find(&mut self, batch: &mut Batch, at: &mut usize, base: u64) -> Result<(), SourceError> {
        loop {
            if self.skip > 0 {
                let available = (batch.buffer.len() - *at) as u64;
                let passed = self.skip.min(available);
                self.skip -= passed;
                *at += passed as usize;
            }
            *at = self.run(&batch.buffer, *at, &mut batch.headers);
            let rest = &batch.buffer[*at..];
            let Some(head) = rest.first_chunk::<12>() else {
                return Ok(());
            };
            let damaged = |offset: usize, reason: String| SourceError::Damaged {
                offset: base + (*at + offset) as u64,
                reason,
            };
            let kind = self.order.word(head, 0);
            if kind == SECTION {
                self.order = match head[8..] {
                    [0x4d, 0x3c, 0x2b, 0x1a] => Order::Little,
                    [0x1a, 0x2b, 0x3c, 0x4d] => Order::Big,
                    _ => {
                        return Err(damaged(
                            8,
                            format!(
                                "a section header with the byte-order magic {:02x}{:02x}{:02x}{:02x}, not 1a2b3c4d in either order",
                                head[8], head[9], head[10], head[11]
                            ),
                        ));
                    }
                };
            }
            let stated = self.order.word(head, 4);
            // Some writers do not count the padding in the length, but write it.
            let length = stated.checked_next_multiple_of(4).unwrap_or(u32::MAX);
            let smallest = smallest(kind);
            if length < smallest {
                return Err(damaged(
                    4,
                    format!(
                        "a block of {stated} bytes, type {kind:#x}, which has at least {smallest}"
                    ),
                ));
            }
            if length > MAX_BELIEVED || (length > MAX_BLOCK && held(kind)) {
                let most = if held(kind) { MAX_BLOCK } else { MAX_BELIEVED };
                return Err(damaged(
                    4,
                    format!(
                        "a block of {stated} bytes, type {kind:#x}, more than the {most} that are believed"
                    ),
                ));
            }
            if length > MAX_BLOCK {
                self.skip = u64::from(length);
                continue;
            }
            let Some(block) = rest.get(..length as usize) else {
                return Ok(());
            };
            let second = block
                .last_chunk()
                .map_or(0, |tail| self.order.word::<4>(tail, 0));
            if second != stated && second != length {
                return Err(damaged(
                    length as usize - 4,
                    format!(
                        "a block of type {kind:#x} says {stated} bytes at its start and {second} at its end"
                    ),
                ));
            }
            let start = *at;
            let end = start + length as usize;
            match kind {
                ENHANCED_PACKET | OBSOLETE_PACKET | SIMPLE_PACKET => {
                    self.packet(batch, kind, start..end)
                }
                SECTION => self.section(batch, start..end),
                INTERFACE => self.interface(batch, start..end),
                _ => {
                    self.other(batch, kind, start..end);
                    Ok(())
                }
            }
            .map_err(|Wrong(offset, reason)| damaged(offset, reason))?;
            *at = end;
        }
    }

    /// Fast path: decodes consecutive enhanced packet blocks that are valid and have no options, or no options that are
    /// needed. That is nearly every block of nearly every file. Stops at the first other or incomplete block.
    fn run(&mut self, buffer: &[u8], mut start: usize, headers: &mut Vec<FrameHeader>) -> usize {
        let order = self.order;
        let before = headers.len();
        while let Some(head) = buffer
            .get(start..)
            .and_then(|rest| rest.first_chunk::<PACKET_HEADER>())
        {
            let length = order.word(head, 4) as usize;
            let captured = order.word(head, 20);
            let interface = order.word(head, 8);
            let Some(clock) = self.interfaces.get(interface as usize) else {
                break;
            };
            let Some(room) = length.checked_sub(PACKET_HEADER + 4) else {
                break;
            };
            let padded = captured.min(MAX_BLOCK).next_multiple_of(4) as usize;
            if order.word(head, 0) != ENHANCED_PACKET
                || padded > room
                || (self.keep && padded < room)
                || captured > max_captured(clock.link)
                || !length.is_multiple_of(4)
                || buffer.get(start + length - 4..start + length) != Some(&head[4..8])
            {
                break;
            }
            let units = u64::from(order.word(head, 12)) << 32 | u64::from(order.word(head, 16));
            headers.push(FrameHeader {
                time: clock.time(units),
                start: start + PACKET_HEADER,
                captured,
                wire: order.word(head, 24),
                interface: self.first_interface + interface,
                link: clock.link,
            });
            start += length;
        }
        if let Some(last) = headers[before..].last() {
            self.last = last.time;
        }
        start
    }

    /// Decodes a block with a frame.
    #[inline]
    fn packet(&mut self, batch: &mut Batch, kind: u32, block: Range<usize>) -> Result<(), Wrong> {
        let order = self.order;
        let octets = &batch.buffer[block.clone()];
        let (interface, units, captured, wire, header);
        if kind == SIMPLE_PACKET {
            let (Some(head), Some(clock)) = (octets.first_chunk::<12>(), self.interfaces.first())
            else {
                let reason = "a simple packet block before any interface of its section".into();
                return Err(Wrong(0, reason));
            };
            wire = order.word(head, 8);
            let snaplen = if clock.snaplen == 0 {
                u32::MAX
            } else {
                clock.snaplen
            };
            (interface, units, captured, header) = (0, None, wire.min(snaplen), 12);
        } else {
            let Some(head) = octets.first_chunk::<PACKET_HEADER>() else {
                return Err(Wrong(4, "a packet block too short for its header".into()));
            };
            interface = if kind == ENHANCED_PACKET {
                order.word(head, 8) as usize
            } else {
                usize::from(order.half(head, 8))
            };
            units = Some(u64::from(order.word(head, 12)) << 32 | u64::from(order.word(head, 16)));
            (captured, wire) = (order.word(head, 20), order.word(head, 24));
            header = PACKET_HEADER;
        }
        let Some(clock) = self.interfaces.get(interface) else {
            return Err(Wrong(
                8,
                format!(
                    "a frame of interface {interface}, but the section has told {} so far",
                    self.interfaces.len()
                ),
            ));
        };
        let most = max_captured(clock.link);
        let held = octets.len() - header - 4;
        if captured > most || captured as usize > held {
            return Err(Wrong(
                if kind == SIMPLE_PACKET { 8 } else { 20 },
                if captured > most {
                    format!(
                        "a frame of {captured} captured bytes, more than the {most} that a frame can have"
                    )
                } else {
                    format!(
                        "a block of {} bytes is too short for a frame of {captured} captured bytes",
                        octets.len()
                    )
                },
            ));
        }
        let time = match units {
            Some(units) => clock.time(units),
            None => self.last,
        };
        self.last = time;
        let start = block.start + header;
        batch.headers.push(FrameHeader {
            time,
            start,
            captured,
            wire,
            interface: self.first_interface + interface as u32,
            link: clock.link,
        });
        if self.keep && kind != SIMPLE_PACKET {
            let options = (start + captured.next_multiple_of(4) as usize)..block.end - 4;
            if !options.is_empty() {
                let used = options::to_little(
                    order,
                    &mut batch.buffer[options.clone()],
                    options::of_frame,
                );
                batch.asides.push(Aside {
                    before: batch.headers.len() - 1,
                    what: AsideContent::FrameOptions(options.start..options.start + used),
                });
            }
        }
        Ok(())
    }

    /// Decodes a section header, which ends the previous section and its interfaces.
    fn section(&mut self, batch: &mut Batch, block: Range<usize>) -> Result<(), Wrong> {
        let Some(head) = batch.buffer[block.clone()].first_chunk::<24>() else {
            return Err(Wrong(4, "a section header too short for its fields".into()));
        };
        let version = (self.order.half(head, 12), self.order.half(head, 14));
        // Some writers write 1.2 instead of 1.0; Wireshark accepts it as well.
        if !matches!(version, (1, 0 | 2)) {
            return Err(Wrong(
                12,
                format!(
                    "pcapng version {}.{}, of which only 1.0 is known",
                    version.0, version.1
                ),
            ));
        }
        self.first_interface += self.interfaces.len() as u32;
        self.interfaces.clear();
        if self.keep {
            let options = block.start + 24..block.end - 4;
            let used = options::to_little(
                self.order,
                &mut batch.buffer[options.clone()],
                options::of_section,
            );
            batch.asides.push(Aside {
                before: batch.headers.len(),
                what: AsideContent::Section(options.start..options.start + used),
            });
        }
        Ok(())
    }

    /// Decodes an interface description block.
    fn interface(&mut self, batch: &mut Batch, block: Range<usize>) -> Result<(), Wrong> {
        if self.first_interface as usize + self.interfaces.len() >= MAX_INTERFACES {
            return Err(Wrong(0, format!("more than {MAX_INTERFACES} interfaces")));
        }
        let octets = &mut batch.buffer[block];
        let (Some(head), end) = (octets.first_chunk::<16>(), octets.len() - 4) else {
            return Err(Wrong(
                4,
                "an interface block too short for its fields".into(),
            ));
        };
        let link = LinkType(self.order.half(head, 8));
        let snaplen = self.order.word(head, 12);
        let list = &mut octets[16..end];
        let used = options::to_little(self.order, list, options::of_interface);
        let list = &list[..used];
        let (mut resolution, mut offset, mut name) = (6, 0, None);
        for (code, value) in options::list(list) {
            match (code, value) {
                (options::RESOLUTION, [value]) => resolution = *value,
                (options::OFFSET, value) => {
                    offset = value.first_chunk().map_or(0, |o| i64::from_le_bytes(*o));
                }
                (options::NAME, value) => name = name.or_else(|| text(value)),
                _ => {}
            }
        }
        let clock = InterfaceClock {
            link,
            snaplen,
            scale: Scale::new(resolution),
            offset: offset.saturating_mul(Timestamp::SECOND),
        };
        let interface = Interface {
            index: self.first_interface + self.interfaces.len() as u32,
            file: 0,
            link,
            snaplen,
            resolution,
            offset,
            name,
            options: if self.keep { list.to_vec() } else { Vec::new() },
        };
        self.interfaces.push(clock);
        batch.asides.push(Aside {
            before: batch.headers.len(),
            what: AsideContent::Interface(Box::new(interface)),
        });
        Ok(())
    }

    /// Processes any other block: skips it, or returns it for a writer.
    fn other(&mut self, batch: &mut Batch, kind: u32, block: Range<usize>) {
        if kind == SECRETS {
            let body = &mut batch.buffer[block.start + 8..block.end - 4];
            if let Some(text) = secrets::key_log(self.order, body) {
                batch.asides.push(Aside {
                    before: batch.headers.len(),
                    what: AsideContent::KeyLog(text),
                });
            }
            if !self.keep {
                secrets::wipe(body);
            }
        }
        if !self.keep || kind == CUSTOM_NOT_COPIED {
            return;
        }
        let body = block.start + 8..block.end - 4;
        let octets = &mut batch.buffer[body.clone()];
        if options::block_to_little(self.order, kind, octets, |interface| {
            ((interface as usize) < self.interfaces.len()).then(|| self.first_interface + interface)
        }) {
            batch.asides.push(Aside {
                before: batch.headers.len(),
                what: AsideContent::Block { kind, body },
            });
        }
    }

    /// What is missing in a file that ends inside the block that `rest` begins with.
    pub(super) fn cut(&self, rest: &[u8]) -> String {
        if self.skip > 0 {
            return format!(
                "cut off inside a block: {} of its bytes are missing",
                self.skip
            );
        }
        match rest.first_chunk::<8>() {
            Some(head) => format!(
                "cut off inside a block of type {:#x}: {} of its {} bytes are there",
                self.order.word(head, 0),
                rest.len(),
                self.order.word(head, 4)
            ),
            None => format!(
                "cut off inside a block's header: {} of its 8 bytes are there",
                rest.len()
            ),
        }
    }

    /// Whether the file must not end here, although all blocks so far were complete: a block is being skipped.
    pub(super) fn inside(&self) -> bool {
        self.skip > 0
    }
}

/// An error in a block, and its offset from the block's start.
struct Wrong(usize, String);

/// The smallest length in bytes of a block of this type.
fn smallest(kind: u32) -> u32 {
    match kind {
        SECTION => 28,
        INTERFACE => 20,
        SIMPLE_PACKET => 16,
        ENHANCED_PACKET | OBSOLETE_PACKET => 32,
        _ => 12,
    }
}

/// Whether a block of this type must be in memory as a whole.
fn held(kind: u32) -> bool {
    matches!(
        kind,
        SECTION | INTERFACE | SIMPLE_PACKET | ENHANCED_PACKET | OBSOLETE_PACKET
    )
}

fn text(value: &[u8]) -> Option<String> {
    let end = value.iter().position(|&o| o == 0).unwrap_or(value.len());
    (end > 0).then(|| String::from_utf8_lossy(&value[..end]).into_owned())
}
