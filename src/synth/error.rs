//! Why something cannot be built.

use crate::protocol::TextError;

/// What was asked for has no form on the wire.
#[derive(Debug, thiserror::Error)]
pub enum SynthError {
    /// One endpoint is IPv4 and the other IPv6.
    #[error("{source_ip} and {destination_ip} are not of one IP version")]
    MixedVersions {
        /// Where the segment comes from.
        source_ip: std::net::IpAddr,
        /// Where it goes.
        destination_ip: std::net::IpAddr,
    },
    /// More bytes than the header's length field can say.
    #[error("{what} of {given} bytes; at most {limit} fit")]
    TooLong {
        /// The part that is too long.
        what: &'static str,
        /// Its bytes.
        given: usize,
        /// Bytes that fit.
        limit: usize,
    },
    /// A fragment that does not start on a multiple of 8, or that lies outside its packet.
    #[error("a fragment at {start} to {end} of {len} bytes")]
    Fragment {
        /// Its first byte.
        start: usize,
        /// The byte after its last.
        end: usize,
        /// Bytes of the payload to be fragmented.
        len: usize,
    },
    /// A compressor failed.
    #[error("cannot compress: {0}")]
    Compression(std::io::Error),
    /// A text value that a message cannot hold.
    #[error(transparent)]
    Text(#[from] TextError),
}
