//! Recognises HTTP/1 by its first line.

use super::named::Mark;

/// Start of an HTTP/1 request or response (RFC 9112 sections 3 and 4). A method alone is not enough: `GET alice secret`
/// may be someone's own protocol. Other methods and targets are recognised by the version at the end of the line.
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

/// The first line without its line break, at most 80 bytes.
#[must_use]
pub fn first_line(octets: &[u8]) -> &[u8] {
    const SHOWN: usize = 80;
    let shown = &octets[..octets.len().min(SHOWN)];
    let end = shown
        .iter()
        .position(|octet| *octet == b'\r' || *octet == b'\n');
    &shown[..end.unwrap_or(shown.len())]
}
