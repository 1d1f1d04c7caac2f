//! Recognises SSH by its identification string (RFC 4253 section 4.2).

use super::named::Mark;

/// Start of the identification string. 1.99 means that a server supports both versions.
pub const MARKS: &[Mark] = &[Mark::Starts(&[b"SSH-2.0-", b"SSH-1.99-", b"SSH-1.5-"])];
