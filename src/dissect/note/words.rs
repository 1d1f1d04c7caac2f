//! Texts of notes.

#![expect(
    clippy::cast_possible_truncation,
    reason = "lengths in a message of at most 73 bytes"
)]

use std::fmt;

use super::{CutBy, Goes, Note};
use crate::layout::FaultKind;
use crate::protocol::Fault;
use crate::stream::Ignored;

/// Text from the wire, with everything escaped that a terminal would interpret.
pub(super) fn shown(words: &[u8]) -> String {
    let text = String::from_utf8_lossy(words);
    let mut shown = String::new();
    for character in text.chars() {
        match character {
            '\'' | '"' => shown.push(character),
            other => shown.extend(other.escape_debug()),
        }
    }
    shown
}

/// The reason why a segment was ignored, as the end of a sentence.
const fn ignored(why: Ignored) -> &'static str {
    match why {
        Ignored::OutOfWindow => "its sequence number is out of the receiver's window",
        Ignored::Checksum => "its checksum is wrong, while those of its sender's others are right",
        Ignored::AnswersNoSyn => "it answers a SYN that it does not acknowledge",
        Ignored::GoesOn => "the connection goes on after it",
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fault(fault) => fault.fmt(f),
            Self::Begun {
                have,
                need,
                goes: Goes::In(frame),
                ..
            } => write!(f, "{have} of {need} bytes, continues in frame {frame}"),
            Self::Begun {
                have,
                need,
                unfilled: false,
                ..
            } => write!(f, "{have} of {need} bytes so far"),
            Self::Begun { have, .. } => Fault::NotFilled { have: *have as u8 }.fmt(f),
            Self::CutOff { have, need, by } => {
                let by = match by {
                    CutBy::Fin => "the sender closed the connection",
                    CutBy::Reset => "the connection was reset",
                    CutBy::Gap => "the rest was never captured",
                    CutBy::End => "nothing more was captured",
                };
                write!(f, "cut off after {have} of {need} bytes: {by}")
            }
            Self::Unanswered => f.write_str("no response to this request was seen"),
            Self::NoRequest => f.write_str("no request for this response was seen"),
            Self::NoRequestFor { frame } => {
                write!(f, "no request for the response in frame {frame} was seen")
            }
            Self::AnsweredBefore { response } => write!(
                f,
                "its response in frame {response} was captured before it by their times: two clocks differ"
            ),
            Self::NoTime { request } => write!(
                f,
                "captured at the same time as its request in frame {request}: the clock is coarse, or two clocks differ"
            ),
            Self::NegativeTime { request } => write!(
                f,
                "captured before its request in frame {request} by their times: two clocks differ"
            ),
            Self::NotPaired => f.write_str(
                "too many requests wait on this connection: its response is not looked for",
            ),
            Self::WrongResponse { request, command } => {
                write!(f, "the request in frame {request} was a {command}")
            }
            Self::Pipelined { after } => {
                write!(f, "sent before the request in frame {after} was answered")
            }
            of_stream => of_stream.write_of_stream(f),
        }
    }
}

impl Note {
    /// Writes a note that concerns a stream's segments, not a message.
    fn write_of_stream(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gap { octets: 1 } => f.write_str("1 byte of the stream was never captured"),
            Self::Gap { octets } => write!(f, "{octets} bytes of the stream were never captured"),
            Self::Skipped { octets: 1 } => f.write_str("1 byte was skipped: part of no message"),
            Self::Skipped { octets } => {
                write!(f, "{octets} bytes were skipped: part of no message")
            }
            Self::Conflict { frame, from, to } => write!(
                f,
                "frame {frame} carried other bytes for stream offsets {from} to {}; the first copy counts",
                to - 1
            ),
            Self::GivenUp { octets } => write!(
                f,
                "{octets} bytes out of order could not wait longer: the buffer was full"
            ),
            Self::ResetCause(words) => write!(f, "the connection was reset: {words}"),
            Self::ResetIgnored { frame, why } => {
                write!(
                    f,
                    "the reset in frame {frame} counts for nothing: {}",
                    ignored(*why)
                )
            }
            Self::SynIgnored { frame, why } => {
                write!(
                    f,
                    "the SYN in frame {frame} counts for nothing: {}",
                    ignored(*why)
                )
            }
            Self::AfterReset { reset } => write!(
                f,
                "data came after the reset in frame {reset}; it is shown all the same"
            ),
            Self::FragmentOverlap { conflict: false } => f.write_str("IP fragments overlap"),
            Self::FragmentOverlap { conflict: true } => {
                f.write_str("IP fragments overlap with different bytes; the first copy counts")
            }
            Self::Proxy { version, client } => {
                write!(f, "PROXY header of version {version}")?;
                match client {
                    Some(client) => write!(f, ": the client is {client}"),
                    None => f.write_str(", which names no client"),
                }
            }
            Self::Tls { problem, frame } => {
                write!(f, "{problem}")?;
                match frame {
                    Some(frame) => write!(f, " (frame {frame})"),
                    None => Ok(()),
                }
            }
            Self::Described { fault, field, at } => {
                if let Some(field) = field {
                    write!(f, "{}: ", field.field().label)?;
                } else if *fault == FaultKind::Excess {
                    write!(f, "{} ", at.1)?;
                }
                f.write_str(fault.in_words())
            }
            Self::Checksum => f.write_str("the TCP checksum is wrong"),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Command;
    use crate::protocol::layout::PASSWORD;

    #[test]
    fn notes_read_as_sentences() {
        let cases = [
            (
                Note::Fault(Fault::Length {
                    found: 57,
                    command: Command::LoginRequest,
                }),
                "total length is 57, but a login request has 58 bytes",
            ),
            (
                Note::Gap { octets: 1 },
                "1 byte of the stream was never captured",
            ),
            (
                Note::Fault(Fault::ZeroFilled(&PASSWORD)),
                "the password looks filled up with '0', 0x30: fill with NUL, or its value is all 30 bytes",
            ),
            (
                Note::Fault(Fault::WrongSender(Command::LoginRequest)),
                "a login request that the server sent",
            ),
        ];
        for (note, text) in cases {
            assert_eq!(note.to_string(), text);
        }
    }
}
