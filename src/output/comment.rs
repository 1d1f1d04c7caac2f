//! What packet comments say, in saved captures and in Wireshark alike: the same notes as in JSON.

use std::fmt::Write as _;

use super::info;
use crate::dissect::Message;
use crate::protocol::layout::PROTOCOL_NAME;
use crate::session::StreamNote;

/// What a message says, as the Info column has it, with every note of whatever severity.
#[must_use]
pub fn message(message: &Message) -> String {
    let mut text = format!("{PROTOCOL_NAME}: ");
    info::summary(&mut text, message, false);
    for note in &message.notes {
        info::bracketed(&mut text, note);
    }
    if let Some(peer) = message.peer {
        let request = peer.frame;
        let milliseconds = peer.elapsed as f64 / 1e6;
        let _ = write!(
            text,
            " (answers frame {request} after {milliseconds:.3} ms)"
        );
    }
    text
}

/// What is said of a stream.
#[must_use]
pub fn stream(noted: &StreamNote) -> String {
    let mut text = format!("{PROTOCOL_NAME}, stream {}:", noted.stream);
    info::bracketed(&mut text, &noted.note);
    text
}
