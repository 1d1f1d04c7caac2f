//! A TCP segment: its offsets in the packet, and the numbers that later modules need.

use std::fmt;

use etherparse::{TcpOptionElement, TcpOptionsIterator};

use super::address::Endpoint;
use super::vlan::VlanTags;

/// A TCP sequence number. Comparison wraps around, as in RFC 9293 section 3.4: `a` is before `b` if less than half of
/// the number space is between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct SeqNumber(pub u32);

impl SeqNumber {
    /// The number that is `octets` later.
    #[must_use]
    pub const fn plus(self, octets: u32) -> Self {
        Self(self.0.wrapping_add(octets))
    }

    /// Distance in bytes from `earlier` to this, negative if this is before `earlier`.
    #[must_use]
    pub const fn since(self, earlier: Self) -> i32 {
        self.0.wrapping_sub(earlier.0).cast_signed()
    }

    /// Distance in bytes from `earlier` to this, 0 if this is not after it.
    #[must_use]
    pub const fn bytes_after(self, earlier: Self) -> u32 {
        let octets = self.since(earlier);
        if octets > 0 { octets.unsigned_abs() } else { 0 }
    }

    /// Whether this comes before `other`.
    #[must_use]
    pub const fn before(self, other: Self) -> bool {
        self.since(other) < 0
    }

    /// Whether this comes after `other`.
    #[must_use]
    pub const fn after(self, other: Self) -> bool {
        self.since(other) > 0
    }

    /// The later of the two.
    #[must_use]
    pub const fn later(self, other: Self) -> Self {
        if self.before(other) { other } else { self }
    }
}

/// The flags of a TCP header: the low 12 bits of bytes 12 and 13, as Wireshark's `tcp.flags`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Flags(pub u16);

impl Flags {
    /// No more data from the sender.
    pub const FIN: Self = Self(0x001);
    /// Synchronise sequence numbers.
    pub const SYN: Self = Self(0x002);
    /// Reset the connection.
    pub const RST: Self = Self(0x004);
    /// Push the data to the receiving application.
    pub const PSH: Self = Self(0x008);
    /// The acknowledgement number is valid.
    pub const ACK: Self = Self(0x010);
    /// The urgent pointer is valid.
    pub const URG: Self = Self(0x020);
    /// Explicit congestion notification echo.
    pub const ECE: Self = Self(0x040);
    /// Congestion window reduced.
    pub const CWR: Self = Self(0x080);
    /// Accurate ECN, the nonce in RFC 3540; `tcp.flags.ns` in Wireshark 4.0.
    pub const AE: Self = Self(0x100);

    /// The flags as Wireshark's Info column names them, in its order.
    pub const NAMES: [(Self, &'static str); 9] = [
        (Self::FIN, "FIN"),
        (Self::SYN, "SYN"),
        (Self::RST, "RST"),
        (Self::PSH, "PSH"),
        (Self::ACK, "ACK"),
        (Self::URG, "URG"),
        (Self::ECE, "ECN"),
        (Self::CWR, "CWR"),
        (Self::AE, "NS"),
    ];

    /// Whether any of `flags` is set.
    #[must_use]
    pub const fn has(self, flags: Self) -> bool {
        self.0 & flags.0 != 0
    }

    /// SYN without ACK: the first segment of a connection, from the client.
    #[must_use]
    pub const fn opens(self) -> bool {
        self.has(Self::SYN) && !self.has(Self::ACK)
    }

    /// SYN with ACK: the server's answer to a SYN.
    #[must_use]
    pub const fn accepts(self) -> bool {
        self.has(Self::SYN) && self.has(Self::ACK)
    }
}

/// As Wireshark's Info column: `SYN, ACK`; `<None>` if no flag is set.
impl fmt::Display for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for (flag, name) in Self::NAMES {
            if self.has(flag) {
                f.write_str(separator)?;
                f.write_str(name)?;
                separator = ", ";
            }
        }
        if separator.is_empty() {
            f.write_str("<None>")?;
        }
        Ok(())
    }
}

/// A TCP segment. Offsets count from the start of the packet's bytes: the frame, or the datagram reassembled from
/// fragments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// Its sender.
    pub source: Endpoint,
    /// Its receiver.
    pub destination: Endpoint,
    /// Sequence number of the first byte, or of the SYN if there is one.
    pub seq: SeqNumber,
    /// Acknowledgement number; valid only with the ACK flag.
    pub ack: SeqNumber,
    /// Flags.
    pub flags: Flags,
    /// Window as in the header, not scaled.
    pub window: u16,
    /// Shift count of the window scale option; `None` without one, and if the segment is no SYN.
    pub window_shift: Option<u8>,
    /// Offset of the IP header.
    pub ip_start: u32,
    /// Offset of the TCP header.
    pub tcp_start: u32,
    /// Offset of the payload.
    pub payload_start: u32,
    /// Length of the payload on the wire in bytes, by the IP header's length.
    pub payload_len: u32,
    /// Length of the captured payload in bytes: less if the snapshot length cut the frame.
    pub payload_captured: u32,
    /// The VLANs of the packet.
    pub tags: VlanTags,
}

impl Segment {
    /// Number of sequence numbers that the segment takes: payload, SYN and FIN (SEG.LEN in RFC 9293).
    #[must_use]
    pub const fn seq_len(&self) -> u32 {
        self.payload_len
            .wrapping_add(self.flags.has(Flags::SYN) as u32)
            .wrapping_add(self.flags.has(Flags::FIN) as u32)
    }

    /// Sequence number of the first byte of payload.
    #[must_use]
    pub const fn payload_seq(&self) -> SeqNumber {
        self.seq.plus(self.flags.has(Flags::SYN) as u32)
    }

    /// The sequence number after the segment.
    #[must_use]
    pub const fn next_seq(&self) -> SeqNumber {
        self.seq.plus(self.seq_len())
    }

    /// The acknowledgement number; `None` without the ACK flag.
    #[must_use]
    #[inline]
    pub const fn acknowledges(&self) -> Option<SeqNumber> {
        if self.flags.has(Flags::ACK) {
            Some(self.ack)
        } else {
            None
        }
    }

    /// The captured payload. `packet` are the packet's bytes.
    #[must_use]
    pub fn payload<'a>(&self, packet: &'a [u8]) -> &'a [u8] {
        let start = self.payload_start as usize;
        packet
            .get(start..start + self.payload_captured as usize)
            .unwrap_or_default()
    }

    /// Length of the TCP header in bytes, including options (`tcp.hdr_len`).
    #[must_use]
    pub const fn header_len(&self) -> u32 {
        self.payload_start - self.tcp_start
    }

    /// The options of the header. `packet` are the packet's bytes.
    #[must_use]
    pub fn options(&self, packet: &[u8]) -> TcpOptions {
        TcpOptions::read(self.option_octets(packet))
    }

    /// The bytes of the options. `packet` are the packet's bytes.
    #[must_use]
    pub fn option_octets<'a>(&self, packet: &'a [u8]) -> &'a [u8] {
        const FIXED_LEN: u32 = 20;
        let range = (self.tcp_start + FIXED_LEN) as usize..self.payload_start as usize;
        packet.get(range).unwrap_or_default()
    }
}

/// The TCP options that outputs show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TcpOptions {
    /// Maximum segment size in bytes.
    pub mss: Option<u16>,
    /// Shift count of the window scale.
    pub window_shift: Option<u8>,
    /// Whether selective acknowledgements are permitted.
    pub sack_permitted: bool,
    /// Timestamp value and timestamp echo reply.
    pub timestamps: Option<(u32, u32)>,
    /// Left and right edge of the first block that is selectively acknowledged.
    pub sack_block: Option<(u32, u32)>,
}

impl TcpOptions {
    /// Reads the bytes after the fixed part of a TCP header, up to the first damaged option.
    #[must_use]
    pub fn read(octets: &[u8]) -> Self {
        let mut options = Self::default();
        for element in TcpOptionsIterator::from_slice(octets) {
            // The start of the option after a damaged one is unknown.
            let Ok(element) = element else { break };
            match element {
                TcpOptionElement::Noop => {}
                TcpOptionElement::MaximumSegmentSize(mss) => options.mss = Some(mss),
                TcpOptionElement::WindowScale(shift) => options.window_shift = Some(shift),
                TcpOptionElement::SelectiveAcknowledgementPermitted => {
                    options.sack_permitted = true;
                }
                TcpOptionElement::SelectiveAcknowledgement(first, _) => {
                    options.sack_block = Some(first);
                }
                TcpOptionElement::Timestamp(value, echo) => {
                    options.timestamps = Some((value, echo));
                }
            }
        }
        options
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequence_numbers_wrap() {
        let before = SeqNumber(u32::MAX - 1);
        let after = before.plus(10);
        assert_eq!(after.0, 8);
        assert!(before.before(after));
        assert!(after.after(before));
        assert_eq!(after.since(before), 10);
        assert_eq!(before.since(after), -10);
        assert_eq!(before.later(after), after);
    }

    #[test]
    fn flags_are_named_as_in_a_packet_list() {
        assert_eq!(Flags(0x012).to_string(), "SYN, ACK");
        assert_eq!(Flags(0x011).to_string(), "FIN, ACK");
        assert_eq!(Flags(0).to_string(), "<None>");
    }

    #[test]
    fn options_stop_at_the_first_damaged_one() {
        let octets = [2, 4, 0xff, 0xd7, 3, 3, 8, 4, 2, 8, 3, 0];
        let options = TcpOptions::read(&octets);
        assert_eq!(options.mss, Some(65495));
        assert_eq!(options.window_shift, Some(8));
        assert!(options.sack_permitted);
        assert_eq!(options.timestamps, None);
    }
}
