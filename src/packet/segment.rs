//! A TCP segment: where it stands in its packet, and the numbers that later rooms need.

use std::fmt;

use etherparse::{TcpOptionElement, TcpOptionsIterator};

use super::address::Endpoint;
use super::vlan::VlanTags;

/// A TCP sequence number. Its order wraps around, as in RFC 9293 section 3.4: `a` is before `b`
/// where less than half of the number space lies between.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct SeqNumber(pub u32);

impl SeqNumber {
    /// The number `octets` later.
    #[must_use]
    pub const fn plus(self, octets: u32) -> Self {
        Self(self.0.wrapping_add(octets))
    }

    /// Bytes from `earlier` to this, negative where this is the earlier one.
    #[must_use]
    pub const fn since(self, earlier: Self) -> i32 {
        self.0.wrapping_sub(earlier.0).cast_signed()
    }

    /// Bytes from `earlier` to this, 0 where this does not come after it.
    #[must_use]
    pub const fn octets_after(self, earlier: Self) -> u32 {
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
    /// Push.
    pub const PSH: Self = Self(0x008);
    /// The acknowledgement number counts.
    pub const ACK: Self = Self(0x010);
    /// The urgent pointer counts.
    pub const URG: Self = Self(0x020);
    /// Explicit congestion notification echo.
    pub const ECE: Self = Self(0x040);
    /// Congestion window reduced.
    pub const CWR: Self = Self(0x080);
    /// Accurate ECN, formerly the nonce; `tcp.flags.ns` in Wireshark 4.0.
    pub const AE: Self = Self(0x100);

    /// The flags as Wireshark names them in an info column, in its order.
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

    /// SYN with ACK: the server's answer.
    #[must_use]
    pub const fn accepts(self) -> bool {
        self.has(Self::SYN) && self.has(Self::ACK)
    }
}

/// `SYN, ACK`; `<None>` where no flag is set, as in Wireshark.
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

/// A TCP segment. Offsets count from the start of the packet's bytes: the frame, or the
/// datagram put together from fragments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// Who sent it.
    pub source: Endpoint,
    /// Who is to receive it.
    pub destination: Endpoint,
    /// Sequence number of the first byte (of the SYN where there is one).
    pub seq: SeqNumber,
    /// Acknowledgement number; counts only with the ACK flag.
    pub ack: SeqNumber,
    /// Flags.
    pub flags: Flags,
    /// Window as in the header, not scaled.
    pub window: u16,
    /// Shift count of the window scale option; read of a SYN only.
    pub window_shift: Option<u8>,
    /// Offset of the IP header.
    pub ip_start: u32,
    /// Offset of the TCP header.
    pub tcp_start: u32,
    /// Offset of the payload.
    pub payload_start: u32,
    /// Bytes of payload by the IP header's length: what was on the wire.
    pub payload_len: u32,
    /// Bytes of payload captured: fewer where the snapshot length cut the frame.
    pub payload_captured: u32,
    /// The VLANs that it was sent on.
    pub tags: VlanTags,
}

impl Segment {
    /// Sequence numbers the segment takes up: payload, SYN and FIN (SEG.LEN in RFC 9293).
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

    /// The sequence number that follows the segment.
    #[must_use]
    pub const fn next_seq(&self) -> SeqNumber {
        self.seq.plus(self.seq_len())
    }

    /// The acknowledgement number where it counts.
    #[must_use]
    #[inline]
    pub const fn acknowledges(&self) -> Option<SeqNumber> {
        if self.flags.has(Flags::ACK) {
            Some(self.ack)
        } else {
            None
        }
    }

    /// The payload captured, out of the packet's bytes.
    #[must_use]
    pub fn payload<'a>(&self, packet: &'a [u8]) -> &'a [u8] {
        let start = self.payload_start as usize;
        packet
            .get(start..start + self.payload_captured as usize)
            .unwrap_or_default()
    }

    /// Bytes of the TCP header, options included, `tcp.hdr_len`.
    #[must_use]
    pub const fn header_len(&self) -> u32 {
        self.payload_start - self.tcp_start
    }

    /// The options of the header, out of the packet's bytes.
    #[must_use]
    pub fn options(&self, packet: &[u8]) -> TcpOptions {
        TcpOptions::read(self.option_octets(packet))
    }

    /// The bytes behind the fixed part of the header, out of the packet's bytes.
    #[must_use]
    pub fn option_octets<'a>(&self, packet: &'a [u8]) -> &'a [u8] {
        const FIXED_LEN: u32 = 20;
        let range = (self.tcp_start + FIXED_LEN) as usize..self.payload_start as usize;
        packet.get(range).unwrap_or_default()
    }
}

/// The TCP options that a packet list shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TcpOptions {
    /// Maximum segment size in bytes.
    pub mss: Option<u16>,
    /// Window scale as a shift count.
    pub window_shift: Option<u8>,
    /// Selective acknowledgements are permitted.
    pub sack_permitted: bool,
    /// Timestamp value and echo reply.
    pub timestamps: Option<(u32, u32)>,
    /// Left and right edge of the first selectively acknowledged block.
    pub sack_block: Option<(u32, u32)>,
}

impl TcpOptions {
    /// Reads the bytes behind the fixed part of a TCP header.
    #[must_use]
    pub fn read(octets: &[u8]) -> Self {
        let mut options = Self::default();
        for element in TcpOptionsIterator::from_slice(octets) {
            // What stands behind a damaged option cannot be read.
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
