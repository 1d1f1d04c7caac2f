//! Real-Time Streaming Protocol, recognised by its first line (RFC 2326 sections 6 and 7, RFC 7826
//! sections 7 and 8).

use super::http::is_request_line;

/// How a response starts.
pub const RTSP_START: &[u8] = b"RTSP/";
/// What a request line ends with before the version's digits.
pub const RTSP_VERSION: &[u8] = b" RTSP/";

/// Whether the octets start with a request or status line.
#[must_use]
pub fn is_rtsp(octets: &[u8]) -> bool {
    octets.starts_with(RTSP_START) || is_request_line(octets, RTSP_VERSION)
}
