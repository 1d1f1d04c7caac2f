//! Errors of generating frames and captures.

use crate::protocol::TextError;

/// The requested frame or file is impossible.
#[derive(Debug, thiserror::Error)]
pub enum SynthError {
    /// One endpoint is IPv4 and the other IPv6.
    #[error("{source_ip} and {destination_ip} are not of one IP version")]
    MixedVersions {
        /// Address of the source.
        source_ip: std::net::IpAddr,
        /// Address of the destination.
        destination_ip: std::net::IpAddr,
    },
    /// More bytes than the header's length field can express.
    #[error("{what} of {given} bytes; at most {limit} fit")]
    TooLong {
        /// The part that is too long.
        what: &'static str,
        /// Its length in bytes.
        given: usize,
        /// The greatest length in bytes.
        limit: usize,
    },
    /// A fragment does not start at a multiple of 8, or is outside its packet.
    #[error("a fragment at {start} to {end} of {len} bytes")]
    Fragment {
        /// Offset of its first byte.
        start: usize,
        /// Offset after its last byte.
        end: usize,
        /// Length in bytes of the payload to fragment.
        len: usize,
    },
    /// Compression failed.
    #[error("cannot compress: {0}")]
    Compression(std::io::Error),
    /// A text value is invalid.
    #[error(transparent)]
    Text(#[from] TextError),
}
