//! HTTP/2, recognised by the preface that its client sends first (RFC 9113 section 3.4).

use super::named::Mark;

/// The first line of the preface, which is enough.
pub const MARKS: &[Mark] = &[Mark::Starts(&[b"PRI * HTTP/2.0\r\n"])];
