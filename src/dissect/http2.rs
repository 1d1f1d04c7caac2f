//! HTTP/2, recognised by the preface that its client sends first (RFC 9113 section 3.4).

/// The preface.
pub const HTTP2_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Whether the octets start with the preface, of which its first line is enough.
#[must_use]
pub fn is_http2(octets: &[u8]) -> bool {
    octets.starts_with(&HTTP2_PREFACE[..16])
}
