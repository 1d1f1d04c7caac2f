//! Secure Shell, recognised by its identification string (RFC 4253 section 4.2).

/// How the identification string starts; 1.99 is a server that speaks both versions.
pub const SSH_STARTS: [&[u8]; 3] = [b"SSH-2.0-", b"SSH-1.99-", b"SSH-1.5-"];

/// Whether the octets start with an identification string.
#[must_use]
pub fn is_ssh(octets: &[u8]) -> bool {
    SSH_STARTS.iter().any(|start| octets.starts_with(start))
}
