//! HTTP/1, recognised by its first line.

/// How an HTTP/1 request or response usually starts (RFC 9112 sections 3 and 4): a method alone says nothing, as
/// `GET alice secret` may be a protocol of somebody's own. Other methods and targets are recognised by the version at the
/// end of their line.
pub const HTTP_STARTS: [&[u8]; 9] = [
    b"GET /",
    b"HEAD /",
    b"POST /",
    b"PUT /",
    b"DELETE /",
    b"OPTIONS /",
    b"TRACE /",
    b"PATCH /",
    b"HTTP/1.",
];

/// What a request line ends with before the version's last digit.
pub const HTTP_VERSION: &[u8] = b" HTTP/1.";

/// Whether the octets start with an HTTP/1 request or status line.
#[must_use]
pub fn is_http(octets: &[u8]) -> bool {
    HTTP_STARTS.iter().any(|start| octets.starts_with(start))
        || is_request_line(octets, HTTP_VERSION)
}

/// Whether the octets start with a request line: a method in capital letters, a space, what is
/// asked for, and a version. The line must be there to its end.
pub(super) fn is_request_line(octets: &[u8], version: &[u8]) -> bool {
    let Some(end) = memchr::memchr(b'\r', octets) else {
        return false;
    };
    let line = &octets[..end];
    let method = line
        .iter()
        .take_while(|octet| octet.is_ascii_uppercase() || **octet == b'_');
    let method = method.count();
    let Some(at) = memchr::memmem::rfind(line, version) else {
        return false;
    };
    method >= 3
        && line.get(method) == Some(&b' ')
        && at > method
        && line[at + version.len()..]
            .iter()
            .all(|octet| octet.is_ascii_digit() || *octet == b'.')
}

/// What stands before the first line break, at most 80 octets of it.
#[must_use]
pub fn first_line(octets: &[u8]) -> &[u8] {
    const SHOWN: usize = 80;
    let shown = &octets[..octets.len().min(SHOWN)];
    let end = shown
        .iter()
        .position(|octet| *octet == b'\r' || *octet == b'\n');
    &shown[..end.unwrap_or(shown.len())]
}
