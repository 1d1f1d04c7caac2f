//! Secure Shell, recognised by its identification string (RFC 4253 section 4.2).

use super::named::Mark;

/// How the identification string starts; 1.99 is a server that speaks both versions.
pub const MARKS: &[Mark] = &[Mark::Starts(&[b"SSH-2.0-", b"SSH-1.99-", b"SSH-1.5-"])];
