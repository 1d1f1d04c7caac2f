//! What may be part of a password: one rule for all outputs, filters, comments, redacted files and the Wireshark plugin.
//!
//! A byte is clear, and may be shown, only if it is certainly something else. Input: a message, or a frame with what is known
//! of its stream. Output: which bytes are clear, and values that are shown or hidden.
//!
//! - Everything that a client sends after the header counts as a request, whatever its command. Its user name is clear if
//!   length and command are right and both fields are well filled; everything else is not.
//! - A server's response is clear up to the NUL of its description.
//! - A number of the header is clear unless its bytes read as text.
//! - Payload that belongs to no message is clear only if the stream is known to have another protocol.

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

/// The text in place of a hidden value.
pub const MASK: &str = "********";

/// The byte in place of a hidden byte.
pub const HIDDEN: u8 = b'*';

/// Headers with each of RegLogin's two lengths and four commands, even if they do not fit each other: a client that confuses
/// them still sends a password after them.
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

/// Whether bytes begin with one of [`LIKELY_HEADERS`], so that a password may follow, on any port.
#[must_use]
pub fn begins_like_message(octets: &[u8]) -> bool {
    LIKELY_HEADERS
        .iter()
        .any(|header| octets.starts_with(header))
}

/// Whether payload that belongs to no message is shown: only if the stream is known to have another protocol, or one whose
/// layout has no secrets.
#[must_use]
pub fn is_open(protocol: Protocol) -> bool {
    match protocol {
        Protocol::Layout(layout) => !layout.plan().has_secrets,
        other => other.is_named(),
    }
}

/// Whether payload that belongs to no message is shown after the end of its stream. A stream of unknown protocol is hidden
/// only if it is `suspected`: because RegLogin is expected on its port, or because a segment of it [`begins_like_message`].
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
