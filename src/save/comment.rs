//! The text of packet comments, in saved captures and in Wireshark: the same notes as in JSON.

#![expect(
    clippy::cast_precision_loss,
    reason = "milliseconds, shown with few digits"
)]

use std::fmt::Write as _;

use crate::dissect::{Message, Protocol};
use crate::output::info;
use crate::protocol::layout::PROTOCOL_NAME;
use crate::session::StreamNote;

/// A message as in the Info column, with every note of whatever severity.
#[must_use]
pub fn message(message: &Message) -> String {
    let mut text = format!("{}: ", message.protocol_name());
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

/// Notes about a stream, which has this protocol as far as is known.
#[must_use]
pub fn stream(noted: &StreamNote, protocol: Protocol) -> String {
    let name = if protocol.has_messages() {
        protocol.name()
    } else {
        PROTOCOL_NAME
    };
    let mut text = format!("{name}, stream {}:", noted.stream);
    info::bracketed(&mut text, &noted.note);
    text
}
