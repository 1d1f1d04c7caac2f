//! HTTP/1, recognised by its first line.

/// How an HTTP/1 request or response starts (RFC 9112 sections 3 and 4).
pub const HTTP_STARTS: [&[u8]; 10] = [
    b"GET ",
    b"HEAD ",
    b"POST ",
    b"PUT ",
    b"DELETE ",
    b"CONNECT ",
    b"OPTIONS ",
    b"TRACE ",
    b"PATCH ",
    b"HTTP/1.",
];

/// Whether the octets start with an HTTP/1 request or status line.
#[must_use]
pub fn is_http(octets: &[u8]) -> bool {
    HTTP_STARTS.iter().any(|start| octets.starts_with(start))
}

/// The first line of an HTTP/1 message, at most 80 octets of it.
#[must_use]
pub fn http_line(octets: &[u8]) -> Option<&[u8]> {
    const SHOWN: usize = 80;
    if !is_http(octets) {
        return None;
    }
    let shown = &octets[..octets.len().min(SHOWN)];
    let end = shown
        .iter()
        .position(|octet| *octet == b'\r' || *octet == b'\n');
    Some(&shown[..end.unwrap_or(shown.len())])
}
