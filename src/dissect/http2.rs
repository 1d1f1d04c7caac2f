//! Recognises HTTP/2 by its connection preface (RFC 9113 section 3.4).

use super::named::Mark;

/// The first line of the preface, which is sufficient.
pub const MARKS: &[Mark] = &[Mark::Starts(&[b"PRI * HTTP/2.0\r\n"])];
