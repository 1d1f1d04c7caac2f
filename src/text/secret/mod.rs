//! What may be part of a password: the one rule, which every output, filter, comment, redacted
//! file and the Wireshark plugin follow.
//!
//! A byte is shown only where it is known to be something else. Enters: a message, or a frame
//! with what is known of its stream. Leaves: which bytes are clear, and values that are shown or
//! hidden.
//!
//! - What a client sends behind the header is a request's, whatever its command says. Its user
//!   name is clear where length and command are right and both fields are well filled; all else
//!   is not.
//! - What a server sends as a response is clear up to the NUL of its description.
//! - A number of the header is clear unless its bytes read as text.
//! - Payload that belongs to no message is clear only in a stream of another protocol that is
//!   known by name.

#![expect(
    clippy::cast_possible_truncation,
    reason = "sizes of messages, at most 73 bytes"
)]

mod described;
mod frame;
mod masked;
mod message;
mod tag;
mod words;

pub use described::{MessageClear, Redacted, clear_of, redacted};
pub use frame::{Hidden, Secrets, headers};
pub use masked::{Masked, MaskedView, user_name, view};
pub use message::{CHARACTERS, Clear, DIGITS, FILLINGS, OTHER_FILLING, clear};
pub use tag::{KEY_OCTETS, TagKey};
pub use words::SecretWords;

use crate::dissect::Protocol;
use crate::protocol::layout::{HEADER_LEN, REQUEST_LEN, RESPONSE_LEN};

/// What stands where a value would that is not shown.
pub const MASK: &str = "********";

/// What stands in place of a byte that is not shown.
pub const HIDDEN: u8 = b'*';

/// Headers of RegLogin's two lengths and four commands, also where they do not fit each other: a client that confuses
/// them sends a password behind them all the same.
pub const LIKELY_HEADERS: [[u8; HEADER_LEN]; 8] = {
    let lengths = [REQUEST_LEN as u8, RESPONSE_LEN as u8];
    let mut headers = [[0; HEADER_LEN]; 8];
    let mut at = 0;
    while at < headers.len() {
        headers[at][HEADER_LEN / 2 - 1] = lengths[at / 4];
        headers[at][HEADER_LEN - 1] = at as u8 % 4 + 1;
        at += 1;
    }
    headers
};

/// Whether bytes begin with one of [`LIKELY_HEADERS`], so that a password may stand behind it, whatever the port.
#[must_use]
pub fn begins_like_message(octets: &[u8]) -> bool {
    LIKELY_HEADERS
        .iter()
        .any(|header| octets.starts_with(header))
}

/// Whether payload of a stream is shown that belongs to no message: only where the stream is
/// known by name to speak another protocol, or one whose layout has no secrets.
#[must_use]
pub fn is_open(protocol: Protocol) -> bool {
    match protocol {
        Protocol::Layout(layout) => !layout.plan().has_secrets,
        other => other.is_named(),
    }
}

/// The same of a stream that has ended: one of which nobody knows what it spoke is secret only where it is
/// `suspected`: on a port where RegLogin is expected, since there it may have been some of it, or a protocol of the
/// same purpose, and where a segment of it [`begins_like_message`].
#[must_use]
pub fn is_open_at_end(protocol: Protocol, suspected: bool) -> bool {
    is_open(protocol) || matches!(protocol, Protocol::Unknown | Protocol::Data) && !suspected
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_under_a_responses_command_begins_like_a_message() {
        for length in [58, 73] {
            for command in 1..=4 {
                assert!(begins_like_message(&[
                    0, 0, 0, length, 0, 0, 0, command, b'a'
                ]));
            }
        }
        for other in [
            &[0, 0, 0, 58, 0, 0, 0, 5][..],
            &[0, 0, 0, 57, 0, 0, 0, 1],
            &[0, 0, 0, 58],
        ] {
            assert!(!begins_like_message(other));
        }
    }
}
