//! What may be part of a password: the one rule, which every output, filter, comment, redacted
//! file and the Wireshark plugin follow.
//!
//! An octet is shown only where it is known to be something else. Enters: a message, or a frame
//! with what is known of its stream. Leaves: which octets are clear, and values that are shown or
//! hidden.
//!
//! - What a client sends behind the header is a request's, whatever its command says. Its user
//!   name is clear where length and command are right and both fields are well filled; all else
//!   is not.
//! - What a server sends as a response is clear up to the NUL of its description.
//! - A number of the header is clear unless its octets read as text.
//! - Payload that belongs to no message is clear only in a stream of another protocol that is
//!   known by name.

mod frame;
mod message;
mod words;

pub use frame::{Hidden, Secrets, headers};
pub use message::{Clear, Masked, MaskedView, clear, view};
pub use words::SecretWords;

use crate::dissect::Protocol;

/// What stands where a value would that is not shown.
pub const MASK: &str = "********";

/// What stands in place of an octet that is not shown.
pub const HIDDEN: u8 = b'*';

/// Whether payload of a stream is shown that belongs to no message: only where the stream is
/// known by name to speak another protocol.
#[must_use]
pub const fn is_open(protocol: Protocol) -> bool {
    protocol.is_named()
}

/// The same of a stream that has ended: one of which nobody knows what it spoke is secret only on
/// a port where RegLogin is expected, since there it may have been some of it, or a protocol of
/// the same purpose.
#[must_use]
pub const fn is_open_at_end(protocol: Protocol, watched: bool) -> bool {
    is_open(protocol) || matches!(protocol, Protocol::Unknown | Protocol::Data) && !watched
}
