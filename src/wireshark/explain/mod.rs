//! Explains what Wireshark shows for a message without the plugin, and why: [`explain`] makes an [`Explanation`], which
//! [`Explained`] writes.

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

/// The bytes that prove that a message is not SMPP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// The byte range in the message.
    pub octets: Range<usize>,
    /// The rule of SMPP that they break.
    pub rule: Rule,
}

/// A rule of SMPP that distinguishes it from RegLogin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// The command_id is known (SMPP 3.4 section 5.1.2.1).
    Command,
    /// The command_length is 16 to 65536, as Wireshark's heuristic requires.
    Length,
    /// The command_status of a request is 0 (SMPP 3.4 section 5.1.3).
    Status,
    /// The sequence_number is 1 to 0x7FFFFFFF (SMPP 3.4 section 5.1.4).
    Sequence,
}

/// What Wireshark shows for a message without the plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// What happens to its bytes.
    pub fate: Fate,
    /// A port with a registered dissector, which is tried before any heuristic, and its name. Whether it accepts the message is
    /// unknown.
    pub tried_first: Option<(u16, &'static str)>,
    /// The message read as SMPP, if Wireshark shows it as that.
    pub pdu: Option<Pdu>,
    /// The proof that it is not SMPP; `None` if its bytes are valid SMPP, or too few.
    pub proof: Option<Proof>,
}

/// Explains a message. `model` must have taken every record up to the message's.
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

/// Explains a message without knowing what came before it: as if its first segment were in order and began with it.
#[must_use]
pub fn alone(message: &Message) -> Explanation {
    let first = message.sources.first();
    let octets = first.and_then(|source| message.octets.get(source.range()));
    let fate = Model::fate_alone(place(message), octets.unwrap_or(&message.octets));
    explain_fate(message, fate)
}

/// An explanation as text, a line for each fact, without passwords.
#[must_use]
pub fn explained(message: &Message, explanation: &Explanation) -> String {
    let mut text = String::new();
    words::write(&mut text, message, explanation, false);
    text
}

/// The place of a message's first byte.
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

/// The first rule of SMPP that the bytes break, if any.
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
