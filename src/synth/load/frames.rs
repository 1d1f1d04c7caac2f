//! Writes frames to a pcap file as raw bytes, without an allocation for each frame.

use std::io::{self, Write};

use crate::synth::{Link, PcapForm, start_time, write_pcap};

/// Microseconds between frames.
const STEP: u64 = 10;

const IP_HEADER: usize = 20;
const TCP_HEADER: usize = 20;
const UDP_HEADER: usize = 8;
const TCP: u8 = 6;
const UDP: u8 = 17;

/// Source and destination: IPv4 addresses and ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Path {
    pub source: [u8; 4],
    pub destination: [u8; 4],
    pub source_port: u16,
    pub destination_port: u16,
}

impl Path {
    /// The opposite direction.
    pub const fn reversed(self) -> Self {
        Self {
            source: self.destination,
            destination: self.source,
            source_port: self.destination_port,
            destination_port: self.source_port,
        }
    }
}

pub const FIN: u8 = 0x01;
pub const SYN: u8 = 0x02;
pub const PSH: u8 = 0x08;
pub const ACK: u8 = 0x10;

/// The fields of a TCP header that differ from segment to segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TcpFields {
    pub sequence: u32,
    pub acknowledgment: u32,
    pub flags: u8,
}

/// Writes frames and counts them.
pub struct FrameWriter<W: Write> {
    out: io::BufWriter<W>,
    /// The link layer header.
    link: Vec<u8>,
    frame: Vec<u8>,
    microseconds: u64,
    frames: u64,
    octets: u64,
    identification: u16,
}

impl<W: Write> FrameWriter<W> {
    /// Writes the file's header.
    pub fn new(out: W, link: &Link) -> io::Result<Self> {
        let mut out = io::BufWriter::with_capacity(1 << 20, out);
        let header = write_pcap(&PcapForm::usual(link.link_type()), &[]);
        out.write_all(&header)?;
        let mut prefix = link.wrap(&[0x45]);
        prefix.pop();
        Ok(Self {
            out,
            link: prefix,
            frame: Vec::with_capacity(2048),
            microseconds: start_time().0.unsigned_abs() / 1000,
            frames: 0,
            octets: header.len() as u64,
            identification: 0,
        })
    }

    /// Writes a TCP segment. A SYN has the options of a usual host.
    pub fn tcp(&mut self, path: Path, fields: TcpFields, payload: &[u8]) -> io::Result<()> {
        let options: &[u8] = if fields.flags & SYN == 0 {
            &[]
        } else {
            &[2, 4, 5, 0xb4, 1, 3, 3, 8, 1, 1, 4, 2]
        };
        let header = TCP_HEADER + options.len();
        self.begin(path, TCP, header + payload.len());
        let at = self.frame.len();
        self.put(&path.source_port.to_be_bytes());
        self.put(&path.destination_port.to_be_bytes());
        self.put(&fields.sequence.to_be_bytes());
        self.put(&fields.acknowledgment.to_be_bytes());
        self.put(&[(header as u8 / 4) << 4, fields.flags]);
        self.put(&[0xff, 0xff, 0, 0, 0, 0]); // window, checksum, urgent pointer
        self.put(options);
        self.put(payload);
        self.checksum(path, TCP, at, 16);
        self.end()
    }

    /// Writes a UDP datagram.
    pub fn udp(&mut self, path: Path, payload: &[u8]) -> io::Result<()> {
        let length = UDP_HEADER + payload.len();
        self.begin(path, UDP, length);
        let at = self.frame.len();
        self.put(&path.source_port.to_be_bytes());
        self.put(&path.destination_port.to_be_bytes());
        self.put(&(length as u16).to_be_bytes());
        self.put(&[0, 0]);
        self.put(payload);
        self.checksum(path, UDP, at, 6);
        self.end()
    }

    fn put(&mut self, octets: &[u8]) {
        self.frame.extend_from_slice(octets);
    }

    /// Starts a frame with link layer and IPv4 header, for `length` bytes of payload.
    fn begin(&mut self, path: Path, protocol: u8, length: usize) {
        self.frame.clear();
        self.frame.extend_from_slice(&self.link);
        self.identification = self.identification.wrapping_add(1);
        let mut header = [0; IP_HEADER];
        header[0] = 0x45;
        header[2..4].copy_from_slice(&((IP_HEADER + length) as u16).to_be_bytes());
        header[4..6].copy_from_slice(&self.identification.to_be_bytes());
        header[6] = 0x40; // do not fragment
        header[8] = 64; // time to live
        header[9] = protocol;
        header[12..16].copy_from_slice(&path.source);
        header[16..20].copy_from_slice(&path.destination);
        let sum = fold(sum(&header));
        header[10..12].copy_from_slice(&sum.to_be_bytes());
        self.put(&header);
    }

    /// Sets the checksum field, which is `within` bytes after the start `at` of the IP payload.
    fn checksum(&mut self, path: Path, protocol: u8, at: usize, within: usize) {
        let payload = &self.frame[at..];
        let pseudo =
            sum(&path.source) + sum(&path.destination) + u32::from(protocol) + payload.len() as u32;
        let checksum = fold(pseudo + sum(payload));
        self.frame[at + within..at + within + 2].copy_from_slice(&checksum.to_be_bytes());
    }

    /// Writes the finished frame.
    fn end(&mut self) -> io::Result<()> {
        let length = (self.frame.len() as u32).to_le_bytes();
        let mut record = [0; 16];
        record[0..4].copy_from_slice(&((self.microseconds / 1_000_000) as u32).to_le_bytes());
        record[4..8].copy_from_slice(&((self.microseconds % 1_000_000) as u32).to_le_bytes());
        record[8..12].copy_from_slice(&length);
        record[12..16].copy_from_slice(&length);
        self.out.write_all(&record)?;
        self.out.write_all(&self.frame)?;
        self.frames += 1;
        self.octets += (record.len() + self.frame.len()) as u64;
        self.microseconds += STEP;
        Ok(())
    }

    /// Returns the number of frames and bytes written.
    pub fn finish(mut self) -> io::Result<(u64, u64)> {
        self.out.flush()?;
        Ok((self.frames, self.octets))
    }
}

/// The sum of 16-bit words before folding (RFC 1071). An odd last byte is the high byte of a word.
fn sum(octets: &[u8]) -> u32 {
    let words = octets.chunks_exact(2);
    let last = words.remainder().first().map_or(0, |o| u32::from(*o) << 8);
    words.fold(last, |sum, word| {
        sum + u32::from(u16::from_be_bytes([word[0], word[1]]))
    })
}

/// One's complement of the sum, with carries added.
fn fold(mut sum: u32) -> u16 {
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}
