//! What Wireshark says of a message without the plugin, and why: an [`Explanation`] for each message, which [`Explained`]
//! writes.

mod form;
mod model;
pub mod ports;
pub mod smpp;
mod words;

use std::ops::Range;

pub use form::{Explained, FORM};
pub use model::{Fate, Found, Model, Refusal, heuristic};
pub use smpp::{Pdu, read_pdu};

use crate::dissect::Message;
use crate::dissect::smpp::{SMPP_RESPONSE, smpp_command};
use crate::stream::Side;

/// The bytes that show that a message cannot be SMPP, and what they would mean there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// The bytes, from the start of the message.
    pub octets: Range<usize>,
    /// Which rule of SMPP they break.
    pub rule: Rule,
}

/// A rule of SMPP that tells it from RegLogin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// SMPP has no such command.
    Command,
    /// command_length is not 16 to 65536.
    Length,
    /// The command_status of a request is 0 (SMPP 3.4 section 5.1.3).
    Status,
    /// The sequence_number is 1 to 0x7FFFFFFF (SMPP 3.4 section 5.1.4).
    Sequence,
}

/// What Wireshark without the plugin says of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// What becomes of its bytes.
    pub fate: Fate,
    /// The dissector that is tried before any heuristic because of a port, and that port. Whether
    /// it takes the message is not known here.
    pub tried_first: Option<(u16, &'static str)>,
    /// How it reads as SMPP, where Wireshark shows it as that.
    pub pdu: Option<Pdu>,
    /// What shows that it is not SMPP; `None` if its bytes would be right SMPP, or where too
    /// few are there.
    pub proof: Option<Proof>,
}

/// Explains a message; `model` has seen every record up to the message's.
#[must_use]
pub fn explain(model: &Model, message: &Message) -> Explanation {
    let frames: Vec<u64> = message.sources.iter().map(|source| source.frame).collect();
    let from = if message.source <= message.destination {
        Side::A
    } else {
        Side::B
    };
    explain_fate(
        message,
        model.fate(message.stream, from, place(message), &frames),
    )
}

/// Explains a message of which it is not known what came before it: as if its first segment came in order, and it stood at
/// that segment's beginning.
#[must_use]
pub fn alone(message: &Message) -> Explanation {
    let first = message.sources.first();
    let octets = first.and_then(|source| message.octets.get(source.range()));
    let fate = Model::fate_alone(place(message), octets.unwrap_or(&message.octets));
    explain_fate(message, fate)
}

/// An explanation in words, a line a fact, without passwords.
#[must_use]
pub fn explained(message: &Message, explanation: &Explanation) -> String {
    let mut text = String::new();
    words::write(&mut text, message, explanation, false);
    text
}

/// Where a message begins.
fn place(message: &Message) -> (u64, u32) {
    let first = message.sources.first();
    first.map_or((message.frame, 0), |source| (source.frame, source.offset))
}

fn explain_fate(message: &Message, fate: Fate) -> Explanation {
    let pdu = match &fate {
        Fate::Shown(found) => read_pdu(&found.octets),
        _ => None,
    };
    Explanation {
        fate,
        tried_first: ports::tried_first([message.source.port, message.destination.port]),
        pdu,
        proof: proof(&message.octets),
    }
}

fn word(octets: &[u8], at: usize) -> Option<u32> {
    let bytes = octets.get(at..at + 4)?;
    bytes.try_into().ok().map(u32::from_be_bytes)
}

/// The first rule of SMPP that the bytes break.
fn proof(octets: &[u8]) -> Option<Proof> {
    const LENGTHS: std::ops::RangeInclusive<u32> = 16..=65536;
    const SEQUENCES: std::ops::RangeInclusive<u32> = 1..=0x7fff_ffff;
    let broken = |octets: Range<usize>, rule| Some(Proof { octets, rule });
    if !LENGTHS.contains(&word(octets, 0)?) {
        return broken(0..4, Rule::Length);
    }
    let id = word(octets, 4)?;
    if smpp_command(id).is_none() {
        return broken(4..8, Rule::Command);
    }
    let status = octets.get(8..12)?;
    if id & SMPP_RESPONSE == 0
        && let Some(at) = status.iter().position(|octet| *octet != 0)
    {
        return broken(8 + at..9 + at, Rule::Status);
    }
    if !SEQUENCES.contains(&word(octets, 12)?) {
        return broken(12..16, Rule::Sequence);
    }
    None
}
