//! HTTP/1, recognised by its first line.

use super::named::Mark;

/// How an HTTP/1 request or response usually starts (RFC 9112 sections 3 and 4): a method alone says nothing, as
/// `GET alice secret` may be a protocol of somebody's own. Other methods and targets are recognised by the version at the
/// end of their line.
pub const MARKS: &[Mark] = &[
    Mark::Starts(&[
        b"GET /",
        b"HEAD /",
        b"POST /",
        b"PUT /",
        b"DELETE /",
        b"OPTIONS /",
        b"TRACE /",
        b"PATCH /",
        b"HTTP/1.",
    ]),
    Mark::RequestLine(b" HTTP/1."),
];

/// What stands before the first line break, at most 80 bytes of it.
#[must_use]
pub fn first_line(octets: &[u8]) -> &[u8] {
    const SHOWN: usize = 80;
    let shown = &octets[..octets.len().min(SHOWN)];
    let end = shown
        .iter()
        .position(|octet| *octet == b'\r' || *octet == b'\n');
    &shown[..end.unwrap_or(shown.len())]
}
