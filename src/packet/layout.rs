//! Offsets of the fields of IP and TCP headers, from the start of the header.

/// An IPv4 header (RFC 791 section 3.1).
pub mod ipv4 {
    use std::ops::Range;

    /// Length of a header without options, in bytes.
    pub const LEN: usize = 20;
    /// Differentiated services.
    pub const SERVICES: usize = 1;
    /// Length of the whole packet in bytes.
    pub const LENGTH: Range<usize> = 2..4;
    /// Identification, the same in all fragments of a datagram.
    pub const IDENTIFICATION: Range<usize> = 4..6;
    /// Flags and fragment offset.
    pub const FRAGMENT: Range<usize> = 6..8;
    /// Time to live.
    pub const TTL: Range<usize> = 8..9;
    /// Protocol of the payload.
    pub const PROTOCOL: Range<usize> = 9..10;
    /// Checksum of the header.
    pub const CHECKSUM: Range<usize> = 10..12;
    /// Sender.
    pub const SOURCE: Range<usize> = 12..16;
    /// Receiver.
    pub const DESTINATION: Range<usize> = 16..20;
}

/// An IPv6 header (RFC 8200 section 3).
pub mod ipv6 {
    use std::ops::Range;

    /// Length of the header without extensions, in bytes.
    pub const LEN: usize = 40;
    /// Length in bytes of what follows the header.
    pub const LENGTH: Range<usize> = 4..6;
    /// Protocol of what follows the header.
    pub const NEXT_HEADER: Range<usize> = 6..7;
    /// Hop limit.
    pub const HOP_LIMIT: Range<usize> = 7..8;
    /// Sender.
    pub const SOURCE: Range<usize> = 8..24;
    /// Receiver.
    pub const DESTINATION: Range<usize> = 24..40;
}

/// A TCP header (RFC 9293 section 3.1).
pub mod tcp {
    use std::ops::Range;

    /// Length of a header without options, in bytes.
    pub const LEN: usize = 20;
    /// Sender's port.
    pub const SOURCE: Range<usize> = 0..2;
    /// Receiver's port.
    pub const DESTINATION: Range<usize> = 2..4;
    /// Sequence number.
    pub const SEQUENCE: Range<usize> = 4..8;
    /// Acknowledgement number.
    pub const ACKNOWLEDGEMENT: Range<usize> = 8..12;
    /// Length of the header in units of 4 bytes, in the upper four bits.
    pub const HEADER_LENGTH: Range<usize> = 12..13;
    /// Flags, in the lower 12 bits.
    pub const FLAGS: Range<usize> = 12..14;
    /// Window, not scaled.
    pub const WINDOW: Range<usize> = 14..16;
    /// Checksum.
    pub const CHECKSUM: Range<usize> = 16..18;
    /// Urgent pointer.
    pub const URGENT: Range<usize> = 18..20;

    /// Kind of the option that ends the list of options (RFC 9293 section 3.2).
    pub const END_OF_LIST: u8 = 0;
    /// Kind of the padding option: like the end of the list, a single byte.
    pub const NO_OPERATION: u8 = 1;
    /// Kind of the window scale option (RFC 7323 section 2.2).
    pub const WINDOW_SCALE: u8 = 3;
    /// Length of that option in bytes.
    pub const WINDOW_SCALE_LEN: u8 = 3;
}
