//! Recognises RTSP by its first line (RFC 2326 sections 6 and 7, RFC 7826 sections 7 and 8).

use super::named::Mark;

/// Start of a response, and end of a request line before the version's digits.
pub const MARKS: &[Mark] = &[Mark::Starts(&[b"RTSP/"]), Mark::RequestLine(b" RTSP/")];
