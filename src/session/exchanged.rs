//! What pairing needs of a request or response, and whether two of them fit.

use crate::capture::Timestamp;
use crate::dissect::Message;
use crate::packet::{Endpoint, SeqNumber};
use crate::protocol::{Action, MessageKind};

/// What pairing needs of a request or response. Passed by value, so that its parts can stay in registers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Exchanged {
    /// The message's number.
    pub id: u64,
    pub frame: u64,
    pub time: Timestamp,
    pub stream: u32,
    pub client: Endpoint,
    /// Sequence number of its first byte.
    pub start: SeqNumber,
    /// Sequence number after its last byte.
    pub end: Option<SeqNumber>,
    /// The other side's bytes that its sender had acknowledged.
    pub ack: Option<SeqNumber>,
    pub action: Action,
}

impl Exchanged {
    /// From a message that no layout describes.
    pub fn of(id: u64, message: &Message, kind: MessageKind, action: Action) -> Self {
        let (start, all_acked) = place(message);
        let (client, ack) = match kind {
            MessageKind::Request => {
                let first = message.sources.first();
                (message.source, first.and_then(|source| source.ack))
            }
            MessageKind::Response => (message.destination, all_acked),
        };
        Self {
            id,
            frame: message.frame,
            time: message.time,
            stream: message.stream,
            client,
            start,
            end: message.end(),
            ack,
            action,
        }
    }
}

/// Whether a response can be that of a request, by their acknowledgement numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fit {
    /// The response can be that of the request.
    Fits,
    /// The response is that of an earlier request.
    Earlier,
}

/// Compares `start` and `ack` of a request with those of a response.
pub(super) fn fit(
    request: (SeqNumber, Option<SeqNumber>),
    response: (SeqNumber, Option<SeqNumber>),
) -> Fit {
    // The server had nothing of the request when it answered, or the client already had the answer when it sent the
    // request.
    let unknown_yet = response.1.is_some_and(|ack| !ack.after(request.0));
    let known_before = request.1.is_some_and(|ack| response.0.before(ack));
    if unknown_yet || known_before {
        Fit::Earlier
    } else {
        Fit::Fits
    }
}

/// Sequence number of a response's first byte, and the client's bytes that the server had acknowledged with its last
/// part.
pub(super) fn place(response: &Message) -> (SeqNumber, Option<SeqNumber>) {
    let acks = response.sources.iter().filter_map(|source| source.ack);
    (
        response.start().unwrap_or_default(),
        acks.reduce(SeqNumber::later),
    )
}
