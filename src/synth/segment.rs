//! Generates a TCP segment with any values, valid or not.

use std::net::{IpAddr, SocketAddr};

use etherparse::TcpHeader;

use super::{SynthError, TcpOption};

/// Content of the checksum field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Checksum {
    /// The correct checksum over pseudo header, header and payload.
    #[default]
    Right,
    /// The correct checksum with every bit inverted, as in a damaged segment, or one whose checksum the network card
    /// has yet to fill in.
    Wrong,
}

/// Control bits except ACK, which is set by [`Segment::acknowledgment`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(clippy::struct_excessive_bools)] // The header's own bits.
pub struct Flags {
    /// Opens a direction; takes one sequence number.
    pub syn: bool,
    /// Closes a direction; takes one sequence number.
    pub fin: bool,
    /// Resets the connection.
    pub rst: bool,
    /// Asks the receiver to pass on its data.
    pub psh: bool,
    /// The urgent pointer is valid.
    pub urg: bool,
}

/// One TCP segment between two endpoints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// Address and port of the sender.
    pub source: SocketAddr,
    /// Address and port of the receiver.
    pub destination: SocketAddr,
    /// Sequence number of its first byte, or of its SYN.
    pub sequence: u32,
    /// Acknowledgement number; `None` clears the ACK bit.
    pub acknowledgment: Option<u32>,
    /// The other control bits.
    pub flags: Flags,
    /// The window field in the header, not scaled.
    pub window: u16,
    /// Options, padded with NOP to a multiple of 4 bytes.
    pub options: Vec<TcpOption>,
    /// Payload.
    pub payload: Vec<u8>,
    /// Content of the checksum field.
    pub checksum: Checksum,
}

impl Segment {
    /// Number of sequence numbers that the segment takes: its bytes, and one each for SYN and FIN.
    #[must_use]
    pub fn sequence_len(&self) -> u32 {
        self.payload.len() as u32 + u32::from(self.flags.syn) + u32::from(self.flags.fin)
    }

    /// The TCP header and payload.
    ///
    /// # Errors
    ///
    /// If the addresses are not of one IP version, or options or payload are too long.
    pub fn octets(&self) -> Result<Vec<u8>, SynthError> {
        let mut header = TcpHeader::new(
            self.source.port(),
            self.destination.port(),
            self.sequence,
            self.window,
        );
        header.ack = self.acknowledgment.is_some();
        header.acknowledgment_number = self.acknowledgment.unwrap_or(0);
        header.syn = self.flags.syn;
        header.fin = self.flags.fin;
        header.rst = self.flags.rst;
        header.psh = self.flags.psh;
        header.urg = self.flags.urg;
        header
            .set_options(&self.options)
            .map_err(|_| SynthError::TooLong {
                what: "TCP options",
                given: self.options.len(),
                limit: 40,
            })?;
        let too_long = |_| SynthError::TooLong {
            what: "TCP payload",
            given: self.payload.len(),
            limit: usize::from(u16::MAX) - header.header_len(),
        };
        let sum = match (self.source.ip(), self.destination.ip()) {
            (IpAddr::V4(from), IpAddr::V4(to)) => header
                .calc_checksum_ipv4_raw(from.octets(), to.octets(), &self.payload)
                .map_err(too_long)?,
            (IpAddr::V6(from), IpAddr::V6(to)) => header
                .calc_checksum_ipv6_raw(from.octets(), to.octets(), &self.payload)
                .map_err(too_long)?,
            (source_ip, destination_ip) => {
                return Err(SynthError::MixedVersions {
                    source_ip,
                    destination_ip,
                });
            }
        };
        header.checksum = match self.checksum {
            Checksum::Right => sum,
            Checksum::Wrong => !sum,
        };
        let mut octets = header.to_bytes().to_vec();
        octets.extend_from_slice(&self.payload);
        Ok(octets)
    }
}
