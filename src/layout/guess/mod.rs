//! Proposes a layout from traffic.
//!
//! Input: what both sides of connections sent, in order ([`Conversation`]). Output: the text of a layout file, with doubts as
//! comments ([`Proposal`]). Hypotheses are compared by the number of bits that the traffic takes when it is written down with
//! their help (minimum description length). `framing` finds the length field, `kind` the field that distinguishes kinds,
//! `body` the fields after the header.

#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "costs are estimates; sizes of messages are small"
)]

mod body;
mod cost;
mod doubt;
mod explain;
mod framing;
mod head;
mod kind;
mod records;
#[cfg(test)]
mod tests;
mod text;
mod write;

pub use explain::Explained;

use super::model::Side;

/// Bytes of one direction without a gap.
#[derive(Debug, Clone, Default)]
pub struct Run {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// The offset of each segment's bytes, with a number that grows with the time of capture.
    pub pieces: Vec<(usize, u64)>,
    /// Whether bytes before it are missing, so that it may begin within a message.
    pub after_gap: bool,
}

/// What both sides of one connection sent.
#[derive(Debug, Clone, Default)]
pub struct Conversation {
    /// The client's runs, in order.
    pub client: Vec<Run>,
    /// The server's runs, in order.
    pub server: Vec<Run>,
}

impl Conversation {
    /// The runs of a side.
    #[must_use]
    pub fn runs(&self, side: Side) -> &[Run] {
        match side {
            Side::Client => &self.client,
            Side::Server => &self.server,
        }
    }
}

/// A proposed layout.
#[derive(Debug)]
pub struct Proposal {
    /// The layout file, with comments.
    pub text: String,
    /// How much of the traffic it explains.
    pub explained: Explained,
}

/// A message of the traffic, as the length field delimits it.
#[derive(Debug, Clone, Copy)]
struct Message<'a> {
    conversation: usize,
    side: Side,
    bytes: &'a [u8],
    /// A number that grows with the time of capture.
    order: u64,
}

const SIDES: [Side; 2] = [Side::Client, Side::Server];

/// Proposes a layout for the protocol of `conversations` on `port`. `None` if no length field was found, or it explains too
/// little.
#[must_use]
pub fn guess(conversations: &[Conversation], port: u16) -> Option<Proposal> {
    let framing = framing::find(conversations)?;
    let messages = framing::cut(&framing.best, conversations);
    let head = head::find(&framing, &messages);
    let found = write::Found {
        port,
        bodies: body::find(&head, &messages),
        framing,
        head,
        messages: &messages,
    };
    explain::weigh(&found, conversations)
}
