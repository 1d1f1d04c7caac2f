//! Encodes pcapng: one little-endian section, with interfaces numbered as they were read.

#![expect(
    clippy::cast_possible_truncation,
    reason = "lengths of at most 32 bits, and the low half of a time"
)]

use super::batch::{FrameHeader, Interface};
use super::options::{self, COMMENT, END, NAME, OFFSET, RESOLUTION};
use super::pcapng::{ENHANCED_PACKET, INTERFACE, SECTION};
use super::secrets::SECRETS;
use super::time::Timestamp;

/// `shb_userappl`: name of the program that wrote the file.
const PROGRAM: u16 = 4;
/// Block type of name resolution. Like secrets, names concern all later frames, in every file.
pub(super) const NAMES: u32 = 4;

/// Most bytes that are kept to be repeated at the start of each further file, approximately.
const MAX_PREAMBLE: usize = 16 << 20;

/// Bytes of an enhanced packet block before the frame's bytes.
pub(super) const BEFORE_FRAME: u64 = 28;

/// Encodes frames and what is between them.
#[derive(Debug, Default)]
pub(super) struct Encoder {
    /// Start of every further file: the section header, all interfaces so far, names and secrets.
    preamble: Vec<u8>,
    clocks: Vec<WriterClock>,
}

/// The clock in which an interface's times are written.
#[derive(Debug, Clone, Copy)]
struct WriterClock {
    /// Nanoseconds per unit.
    unit: i64,
    /// Nanoseconds to subtract first.
    offset: i64,
}

impl Encoder {
    /// Whether the section header was not written yet.
    pub(super) fn fresh(&self) -> bool {
        self.preamble.is_empty()
    }

    /// The bytes that a further file begins with.
    pub(super) fn preamble(&self) -> &[u8] {
        &self.preamble
    }

    /// Writes the section header, with the original's options except the program's name.
    pub(super) fn section(&mut self, original: &[u8], out: &mut Vec<u8>) {
        let mut body = 0x1a2b_3c4d_u32.to_le_bytes().to_vec();
        body.extend([1, 0, 0, 0]);
        body.extend(u64::MAX.to_le_bytes());
        for (code, value) in options::list(original).filter(|(code, _)| *code != PROGRAM) {
            options::push(&mut body, code, value);
        }
        let program = concat!("authscope ", env!("CARGO_PKG_VERSION"));
        options::push(&mut body, PROGRAM, program.as_bytes());
        options::push(&mut body, END, &[]);
        self.lasting(SECTION, &body, out);
    }

    /// Writes an interface with its own options. Its clock stays the same if nanoseconds can express it; otherwise its
    /// times become nanoseconds.
    pub(super) fn interface(&mut self, interface: &Interface, out: &mut Vec<u8>) {
        let exact = interface.resolution <= 9;
        let (resolution, offset) = if exact {
            (interface.resolution, interface.offset)
        } else {
            (9, 0)
        };
        let mut body = interface.link.0.to_le_bytes().to_vec();
        body.extend([0, 0]);
        body.extend(interface.snaplen.to_le_bytes());
        let mut named = false;
        // Beyond this limit, options of very many or very large interfaces are dropped.
        let bounded = self.preamble.len() + interface.options.len() < MAX_PREAMBLE;
        let original = if bounded { &interface.options[..] } else { &[] };
        for (code, value) in options::list(original) {
            named |= code == NAME;
            if !matches!(code, RESOLUTION | OFFSET) {
                options::push(&mut body, code, value);
            }
        }
        if let (false, true, Some(name)) = (named, bounded, &interface.name) {
            options::push(&mut body, NAME, name.as_bytes());
        }
        options::push(&mut body, RESOLUTION, &[resolution]);
        if offset != 0 {
            options::push(&mut body, OFFSET, &offset.to_le_bytes());
        }
        options::push(&mut body, END, &[]);
        self.clocks.push(WriterClock {
            unit: 10i64.pow(9 - u32::from(resolution)),
            offset: offset.saturating_mul(Timestamp::SECOND),
        });
        self.lasting(INTERFACE, &body, out);
    }

    /// Writes interfaces that no source described, up to that of `header`.
    pub(super) fn complete(&mut self, header: &FrameHeader, out: &mut Vec<u8>) {
        while self.clocks.len() <= header.interface as usize {
            let unknown = Interface {
                index: self.clocks.len() as u32,
                file: 0,
                link: header.link,
                snaplen: 0,
                resolution: 9,
                offset: 0,
                name: None,
                options: Vec::new(),
            };
            self.interface(&unknown, out);
        }
    }

    /// Writes a frame with its own options, and those `comments` that are not among them.
    pub(super) fn frame(
        &self,
        header: &FrameHeader,
        octets: &[u8],
        original: &[u8],
        comments: &[String],
        out: &mut Vec<u8>,
    ) {
        let clock = self.clocks.get(header.interface as usize);
        let clock = clock.copied().unwrap_or(WriterClock { unit: 1, offset: 0 });
        let units = header.time.0.saturating_sub(clock.offset) / clock.unit;
        // pcapng has no times before the start of the clock.
        let units = u64::try_from(units).unwrap_or(0);
        let start = begin(ENHANCED_PACKET, out);
        for word in [
            header.interface,
            (units >> 32) as u32,
            units as u32,
            octets.len() as u32,
            header.wire,
        ] {
            out.extend(word.to_le_bytes());
        }
        out.extend_from_slice(octets);
        pad(start, out);
        let before = out.len();
        out.extend_from_slice(original);
        for comment in comments {
            let most = comment.len().min(usize::from(u16::MAX));
            let cut = (0..=most).rev().find(|&at| comment.is_char_boundary(at));
            let comment = &comment.as_bytes()[..cut.unwrap_or(0)];
            // A comment from an earlier run is not repeated.
            if !options::holds(original, COMMENT, comment) {
                options::push(out, COMMENT, comment);
            }
        }
        if out.len() > before {
            options::push(out, END, &[]);
        }
        end(start, out);
    }

    /// Writes a block that is passed on.
    pub(super) fn block(&mut self, kind: u32, body: &[u8], out: &mut Vec<u8>) {
        if matches!(kind, NAMES | SECRETS) && self.preamble.len() + body.len() < MAX_PREAMBLE {
            self.lasting(kind, body, out);
        } else {
            block(kind, body, out);
        }
    }

    /// Writes a block that further files begin with as well.
    fn lasting(&mut self, kind: u32, body: &[u8], out: &mut Vec<u8>) {
        let before = out.len();
        block(kind, body, out);
        self.preamble.extend_from_slice(&out[before..]);
    }
}

fn block(kind: u32, body: &[u8], out: &mut Vec<u8>) {
    let start = begin(kind, out);
    out.extend_from_slice(body);
    end(start, out);
}

/// Begins a block, whose length is set at its end. Returns its offset.
fn begin(kind: u32, out: &mut Vec<u8>) -> usize {
    let start = out.len();
    out.extend(kind.to_le_bytes());
    out.extend([0; 4]);
    start
}

fn pad(start: usize, out: &mut Vec<u8>) {
    let length = (out.len() - start).next_multiple_of(4);
    out.resize(start + length, 0);
}

fn end(start: usize, out: &mut Vec<u8>) {
    pad(start, out);
    let length = ((out.len() - start + 4) as u32).to_le_bytes();
    out[start + 4..start + 8].copy_from_slice(&length);
    out.extend(length);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::LinkType;

    #[test]
    fn times_keep_their_clock() {
        let frame = |resolution, offset, time| {
            let mut encoder = Encoder::default();
            let mut out = Vec::new();
            encoder.interface(
                &Interface {
                    index: 0,
                    file: 0,
                    link: LinkType::RAW,
                    snaplen: 0,
                    resolution,
                    offset,
                    name: None,
                    options: Vec::new(),
                },
                &mut out,
            );
            out.clear();
            let header = FrameHeader {
                time: Timestamp(time),
                start: 0,
                captured: 0,
                wire: 0,
                interface: 0,
                link: LinkType::RAW,
            };
            encoder.frame(&header, &[], &[], &[], &mut out);
            assert_eq!(out.len(), 32);
            let word = |at: usize| {
                u64::from(u32::from_le_bytes([
                    out[at],
                    out[at + 1],
                    out[at + 2],
                    out[at + 3],
                ]))
            };
            word(12) << 32 | word(16)
        };
        assert_eq!(frame(6, 0, 1_500_000_001_000), 1_500_000_001);
        assert_eq!(frame(6, 100, 150_000_000_000), 50_000_000);
        assert_eq!(frame(0, -100, 1_000_000_000), 101);
        assert_eq!(frame(0x8a, 100, 150_000_000_001), 150_000_000_001);
        assert_eq!(frame(9, 0, -1), 0);
    }
}
