//! Writes explanations as text.

#![expect(clippy::cast_possible_truncation, reason = "sizes of headers")]

use std::ops::Range;

use super::{Explanation, Fate, Refusal, Rule};
use crate::dissect::Message;
use crate::protocol::HeaderNumber;
use crate::text::escape::{EscapedOctets, HexOctet};
use crate::text::put::formatted;
use crate::text::secret::{self, Clear, MASK};

/// Writes an explanation, an indented line for each fact. `passwords`: they are shown.
pub fn write(out: &mut String, message: &Message, explanation: &Explanation, passwords: bool) {
    let clear = secret::view(message, passwords).clear();
    let words = Words { message, clear };
    words.verdict(out, explanation);
    if let Some((port, name)) = explanation.tried_first {
        formatted(
            out,
            format_args!(
                "    But it tries {name}, the protocol of port {port}, first: where that takes the message, it shows {name}.\n"
            ),
        );
    }
    if let Fate::Shown(found) = &explanation.fate {
        words.conditions(out, found.octets.len());
        words.fields(out, explanation);
    }
    words.proof(out, explanation);
}

/// The byte range of SMPP's sequence_number.
const SEQUENCE: Range<usize> = 12..16;

struct Words<'a> {
    message: &'a Message,
    clear: Clear,
}

/// Appends the place of some bytes of the message.
fn place(out: &mut String, range: &Range<usize>) {
    match range.len() {
        1 => formatted(out, format_args!("byte {}: ", range.start)),
        _ => formatted(
            out,
            format_args!("bytes {}-{}: ", range.start, range.end - 1),
        ),
    }
}

impl Words<'_> {
    fn verdict(&self, out: &mut String, explanation: &Explanation) {
        out.push_str("  Without the plugin Wireshark says: ");
        match &explanation.fate {
            Fate::Shown(found) => match &explanation.pdu {
                Some(pdu) => {
                    let malformed = if pdu.runs_off.is_some() {
                        " [Malformed Packet]"
                    } else {
                        ""
                    };
                    let name = pdu.name;
                    let sequence = self.number(SEQUENCE, pdu.sequence);
                    formatted(
                        out,
                        format_args!("SMPP, {name}{malformed}, sequence number {sequence}"),
                    );
                    if found.frame != self.message.frame {
                        formatted(out, format_args!(", in frame {}", found.frame));
                    }
                    out.push('\n');
                }
                None => out.push_str("SMPP, of an unknown command\n"),
            },
            Fate::Waits(need) => {
                out.push_str("TCP: its SMPP dissector waits for more bytes");
                if let Some(need) = need {
                    let need = HeaderNumber::new(*need as u32);
                    formatted(out, format_args!(", {need} in all"));
                }
                out.push('\n');
            }
            Fate::Refused(refusal) => formatted(out, format_args!("TCP: {}\n", refused(*refusal))),
            Fate::Inside => out.push_str(
                "TCP: the segment begins with something else, and its heuristic looks at no other bytes\n",
            ),
            Fate::Part => {
                out.push_str("nothing of its own: it takes the bytes for part of another PDU\n");
            }
            Fate::Irregular => out.push_str(
                "what it says of segments out of order, retransmitted or cut, which this does not foretell\n",
            ),
        }
    }

    fn octets(&self, range: Range<usize>) -> &[u8] {
        self.message.octets.get(range).unwrap_or_default()
    }

    fn hex(&self, out: &mut String, range: Range<usize>) {
        for (at, octet) in range.clone().zip(self.octets(range)) {
            let octet = HexOctet(self.clear.has(at).then_some(*octet));
            formatted(out, format_args!("{octet} "));
        }
    }

    /// The number in these bytes, or the mask if they are hidden.
    fn number(&self, range: Range<usize>, number: u32) -> String {
        if self.clear.covers(&range) {
            number.to_string()
        } else {
            MASK.to_owned()
        }
    }

    /// Writes the four conditions of Wireshark's SMPP heuristic, with the bytes that meet them.
    fn conditions(&self, out: &mut String, len: usize) {
        out.push_str("  Its SMPP heuristic asks four things, and this message meets them:\n");
        formatted(
            out,
            format_args!("    {len} bytes: at least 16 are wanted\n"),
        );
        for (range, name, wanted) in [
            (0..4, "command_length", "16 to 65536 is wanted"),
            (4..8, "command_id", "a known one is wanted"),
            (
                8..12,
                "command_status",
                "a known or reserved one is wanted, and almost every value is reserved",
            ),
        ] {
            let value = super::word(&self.message.octets, range.start).unwrap_or_default();
            let value = self.number(range.clone(), value);
            formatted(
                out,
                format_args!("    bytes {}-{}: ", range.start, range.end - 1),
            );
            self.hex(out, range);
            formatted(out, format_args!("as {name} is {value}: {wanted}\n"));
        }
    }

    fn fields(&self, out: &mut String, explanation: &Explanation) {
        let Some(pdu) = &explanation.pdu else { return };
        formatted(out, format_args!("  It then reads a {}:\n", pdu.name));
        let sequence = self.number(SEQUENCE, pdu.sequence);
        formatted(
            out,
            format_args!("    bytes 12-15: sequence_number {sequence}\n"),
        );
        for field in &pdu.fields {
            out.push_str("    ");
            place(out, &field.range);
            formatted(out, format_args!("{} ", field.name));
            self.value(out, &field.range, field.is_text);
            out.push('\n');
        }
        match &pdu.runs_off {
            Some(off) => formatted(
                out,
                format_args!(
                    "    from byte {}: {} runs off the end of the message: Malformed Packet\n",
                    off.at, off.name
                ),
            ),
            None => out.push_str("    and that is within the message: not malformed\n"),
        }
    }

    /// Whether any of these bytes may be part of a password.
    fn hides(&self, range: &Range<usize>) -> bool {
        let end = range.end.min(self.message.octets.len());
        !self.clear.covers(&(range.start..end))
    }

    fn value(&self, out: &mut String, range: &Range<usize>, is_text: bool) {
        if self.hides(range) {
            out.push_str(MASK);
        } else if is_text {
            let octets = self.octets(range.start..range.end - 1);
            formatted(out, format_args!("\"{}\"", EscapedOctets(octets)));
        } else {
            self.hex(out, range.clone());
            out.pop();
        }
    }

    fn proof(&self, out: &mut String, explanation: &Explanation) {
        let Some(proof) = &explanation.proof else {
            out.push_str(
                "  These bytes alone do not show that it is not SMPP: they are not well-filled RegLogin.\n",
            );
            return;
        };
        out.push_str("  That it is not SMPP shows in ");
        place(out, &proof.octets);
        self.hex(out, proof.octets.clone());
        out.push_str(match proof.rule {
            Rule::Length => "is no length of a PDU, which has 16 to 65536 bytes.\n",
            Rule::Command => "is no command of SMPP.\n",
            Rule::Status => {
                "is not 0, but the command_status of every SMPP request is (SMPP 3.4 section 5.1.3).\n"
            }
            Rule::Sequence => {
                "is no sequence number, which is 1 to 2147483647 (SMPP 3.4 section 5.1.4).\n"
            }
        });
    }
}

fn refused(refusal: Refusal) -> String {
    match refusal {
        Refusal::Short(octets) => {
            format!("its SMPP heuristic wants 16 bytes in the first segment, which has {octets}")
        }
        Refusal::Length(length) => {
            format!(
                "its SMPP heuristic wants a length of 16 to 65536, and this says {}",
                HeaderNumber::new(length)
            )
        }
        Refusal::Command(command) => {
            format!(
                "its SMPP heuristic knows no command {}",
                HeaderNumber::new(command)
            )
        }
    }
}
