//! Notes ("expert information"): what is remarkable or wrong, in words a student understands.
//!
//! The one list of them: JSON, the details tree, display filters, statistics and the Wireshark
//! plugin take severity, group and field from here.

use std::fmt;

use crate::packet::Endpoint;
use crate::protocol::layout::{
    COMMAND, HEADER_LEN, Kind, LENGTH, PASSWORD, REQUEST_LEN, STATUS, USER_NAME,
};
use crate::protocol::{Command, Field, HeaderNumber};
use crate::stream::{Conflict, Ignored, Remark};
use crate::tls::Problem;

/// How much a note matters, as Wireshark grades expert information.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Usual workings.
    Chat,
    /// Worth knowing.
    Note,
    /// Something is not as it should be.
    Warning,
    /// Something is broken.
    Error,
}

impl Severity {
    /// All, from the least to the most serious.
    pub const ALL: [Self; 4] = [Self::Chat, Self::Note, Self::Warning, Self::Error];

    /// The name in outputs and filters.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// What a note is about, in Wireshark's groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Group {
    /// The octets are not built as the layout says.
    Malformed,
    /// The octets are built right and mean something the protocol does not allow.
    Protocol,
    /// Order of messages or of TCP octets.
    Sequence,
    /// Something is missing that should have been put together.
    Reassembly,
    /// A guess that the reader should know of.
    Assumption,
    /// A checksum.
    Checksum,
    /// What is encrypted.
    Decryption,
}

impl Group {
    /// All groups.
    pub const ALL: [Self; 7] = [
        Self::Malformed,
        Self::Protocol,
        Self::Sequence,
        Self::Reassembly,
        Self::Assumption,
        Self::Checksum,
        Self::Decryption,
    ];

    /// The name in outputs and filters.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Protocol => "protocol",
            Self::Sequence => "sequence",
            Self::Reassembly => "reassembly",
            Self::Assumption => "assumption",
            Self::Checksum => "checksum",
            Self::Decryption => "decryption",
        }
    }
}

/// One note. Its `Display` form is the text; no text holds octets of a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// `totalLength` is not what the command calls for.
    Length {
        /// The value found.
        found: u32,
        /// The command of the message.
        command: Command,
    },
    /// `totalLength` is right but for the header's octets, which it does not count.
    HeaderNotCounted {
        /// The value found.
        found: u32,
    },
    /// The number in a header's field is one of ours in little-endian order.
    Reversed {
        /// The field.
        field: &'static Field,
        /// The value that it should be.
        value: u32,
    },
    /// A header's field holds digits in place of a number.
    NumberAsText {
        /// The field.
        field: &'static Field,
        /// The number that the digits say.
        value: u32,
    },
    /// The second text begins elsewhere than the password should.
    SecondText {
        /// Offset in the message of its first octet.
        at: usize,
    },
    /// The text ends with a line break.
    LineBreak(&'static Field),
    /// A message cut off whose fields have no filling.
    NotFilled {
        /// Octets there are.
        have: usize,
    },
    /// A message under a command of the other kind, with as many octets as its sender's kind has.
    FitsOther(Kind),
    /// `commandID` is none of the four.
    UnknownCommand(u32),
    /// `status` is neither 0 nor 1.
    Status(u8),
    /// The text field is empty where the protocol wants at least one octet.
    Empty(&'static Field),
    /// An octet that is not NUL stands after the first NUL.
    AfterNul {
        /// The text field.
        field: &'static Field,
        /// Offset of the octet in the field.
        at: usize,
    },
    /// The text is not UTF-8.
    NotUtf8(&'static Field),
    /// The text holds control characters.
    ControlCharacters(&'static Field),
    /// The user name has a character or a place of a space that the protocol does not allow.
    UserNameRule(&'static str),
    /// The field has no NUL and ends with ASCII '0's, as some old clients fill up.
    ZeroFilled(&'static Field),
    /// A request from the server or a response from the client.
    WrongDirection(Command),
    /// The message ends before its last octet.
    CutOff {
        /// Octets there are.
        have: usize,
        /// Octets the message should have.
        need: usize,
        /// What ended it.
        by: CutBy,
    },
    /// Octets of this direction were never captured.
    Gap {
        /// How many octets.
        octets: u64,
    },
    /// A proxy said for whom it speaks, before the first message.
    Proxy {
        /// Version of the PROXY protocol, 1 or 2.
        version: u8,
        /// Who connected to the proxy; `None` where the header does not say.
        client: Option<Endpoint>,
    },
    /// Octets that are part of no message were passed over.
    Skipped {
        /// How many octets.
        octets: u64,
    },
    /// A retransmission carried other octets for a place already filled; the first copy counts.
    Conflict {
        /// The frame with the other octets.
        frame: u64,
        /// Offset of the first differing octet from the start of this direction's data.
        from: u64,
        /// Offset after the last differing octet.
        to: u64,
    },
    /// Out-of-order data was given up because a bound was reached.
    GivenUp {
        /// How many octets.
        octets: u64,
    },
    /// A reset came with words that say why.
    ResetCause(String),
    /// A reset was ignored by its receiver.
    ResetIgnored {
        /// The reset's frame.
        frame: u64,
        /// Why.
        why: Ignored,
    },
    /// A SYN was ignored by its receiver: the connection goes on.
    SynIgnored {
        /// The SYN's frame.
        frame: u64,
        /// Why.
        why: Ignored,
    },
    /// Data came although the connection had been reset.
    AfterReset {
        /// The reset's frame.
        reset: u64,
    },
    /// IP fragments of this datagram overlapped.
    FragmentOverlap {
        /// Whether they had different octets for the same place.
        conflict: bool,
    },
    /// No response to this request was seen before its connection ended.
    Unanswered,
    /// A response for which no request was seen.
    NoRequest,
    /// A response of the stream for which no request was seen, as turned out later.
    NoRequestFor {
        /// The response's frame.
        frame: u64,
    },
    /// The response to this request has an earlier time.
    AnsweredBefore {
        /// The response's frame.
        response: u64,
    },
    /// The response has the very time of the request in that frame.
    NoTime {
        /// The request's frame.
        request: u64,
    },
    /// The response has an earlier time than the request in that frame.
    NegativeTime {
        /// The request's frame.
        request: u64,
    },
    /// The request is not paired with a response: too many waited on its connection.
    NotPaired,
    /// The response is not of the kind that the request in that frame asked for.
    WrongResponse {
        /// The request's frame.
        request: u64,
        /// The request's command.
        command: Command,
    },
    /// The request was sent before the one in that frame was answered.
    Pipelined {
        /// Frame of the request before it.
        after: u64,
    },
    /// The TCP checksum of the frame is wrong.
    Checksum,
    /// Something is to be said about the stream's TLS.
    Tls(Box<Problem>),
}

/// What ended a message early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CutBy {
    /// The sender closed its direction (FIN).
    Fin,
    /// The connection was reset.
    Reset,
    /// Octets of it were never captured.
    Gap,
    /// The capture ended, or the connection was idle for too long.
    End,
}

/// Octets of a reset's words that are told at the most.
const CAUSE_LEN: usize = 80;

impl Note {
    /// What is to be said about a direction.
    #[must_use]
    pub fn of_remark(remark: Remark<'_>) -> Self {
        match remark {
            Remark::Conflict(Conflict { frame, from, to }) => Self::Conflict { frame, from, to },
            Remark::GivenUp(octets) => Self::GivenUp { octets },
            Remark::ResetCause(words) => {
                let words = &words[..words.len().min(CAUSE_LEN)];
                Self::ResetCause(shown(words))
            }
            Remark::ResetIgnored { frame, why } => Self::ResetIgnored { frame, why },
            Remark::SynIgnored { frame, why } => Self::SynIgnored { frame, why },
            Remark::AfterReset { reset } => Self::AfterReset { reset },
        }
    }

    /// How much it matters.
    #[must_use]
    pub const fn severity(&self) -> Severity {
        match self {
            Self::Length { .. }
            | Self::HeaderNotCounted { .. }
            | Self::Reversed { .. }
            | Self::NumberAsText { .. }
            | Self::UnknownCommand(_)
            | Self::CutOff { .. } => Severity::Error,

            Self::Tls(problem) => match **problem {
                Problem::Renegotiated | Problem::NoEarlySecret => Severity::Note,
                _ => Severity::Warning,
            },
            Self::Checksum
            | Self::Status(_)
            | Self::Empty(_)
            | Self::AfterNul { .. }
            | Self::NotUtf8(_)
            | Self::ControlCharacters(_)
            | Self::UserNameRule(_)
            | Self::WrongDirection(_)
            | Self::SecondText { .. }
            | Self::LineBreak(_)
            | Self::NotFilled { .. }
            | Self::FitsOther(_)
            | Self::Gap { .. }
            | Self::Skipped { .. }
            | Self::Conflict { .. }
            | Self::GivenUp { .. }
            | Self::ResetCause(_)
            | Self::ResetIgnored { .. }
            | Self::SynIgnored { .. }
            | Self::AfterReset { .. }
            | Self::FragmentOverlap { conflict: true }
            | Self::NoRequest
            | Self::NoRequestFor { .. }
            | Self::AnsweredBefore { .. }
            | Self::NegativeTime { .. }
            | Self::NotPaired
            | Self::WrongResponse { .. } => Severity::Warning,
            Self::NoTime { .. }
            | Self::ZeroFilled(_)
            | Self::FragmentOverlap { conflict: false }
            | Self::Unanswered => Severity::Note,
            Self::Pipelined { .. } | Self::Proxy { .. } => Severity::Chat,
        }
    }

    /// Whether rows have it: warnings and errors, and what its sender should know.
    #[must_use]
    pub fn in_rows(&self) -> bool {
        self.severity() >= Severity::Warning
            || matches!(self, Self::Proxy { .. })
            // A password's own octets are not told of in rows.
            || matches!(self, Self::ZeroFilled(field) if field.offset != PASSWORD.offset)
    }

    /// What it is about.
    #[must_use]
    pub const fn group(&self) -> Group {
        match self {
            Self::Length { .. }
            | Self::HeaderNotCounted { .. }
            | Self::Reversed { .. }
            | Self::NumberAsText { .. }
            | Self::UnknownCommand(_)
            | Self::AfterNul { .. }
            | Self::NotUtf8(_)
            | Self::Skipped { .. } => Group::Malformed,
            Self::Status(_)
            | Self::Empty(_)
            | Self::ControlCharacters(_)
            | Self::UserNameRule(_)
            | Self::LineBreak(_)
            | Self::WrongDirection(_)
            | Self::Proxy { .. } => Group::Protocol,
            Self::Gap { .. }
            | Self::Conflict { .. }
            | Self::ResetCause(_)
            | Self::ResetIgnored { .. }
            | Self::SynIgnored { .. }
            | Self::AfterReset { .. }
            | Self::Unanswered
            | Self::NoRequest
            | Self::NoRequestFor { .. }
            | Self::AnsweredBefore { .. }
            | Self::NoTime { .. }
            | Self::NegativeTime { .. }
            | Self::NotPaired
            | Self::WrongResponse { .. }
            | Self::Pipelined { .. } => Group::Sequence,
            Self::CutOff { .. } | Self::GivenUp { .. } | Self::FragmentOverlap { .. } => {
                Group::Reassembly
            }
            Self::ZeroFilled(_)
            | Self::SecondText { .. }
            | Self::NotFilled { .. }
            | Self::FitsOther(_) => Group::Assumption,
            Self::Checksum => Group::Checksum,
            Self::Tls(_) => Group::Decryption,
        }
    }

    /// The field it is about; `None` where it is about the message or the connection.
    #[must_use]
    pub const fn field(&self) -> Option<&'static Field> {
        match self {
            Self::Length { .. } | Self::HeaderNotCounted { .. } => Some(&LENGTH),
            Self::UnknownCommand(_)
            | Self::WrongDirection(_)
            | Self::FitsOther(_)
            | Self::WrongResponse { .. } => Some(&COMMAND),
            Self::Status(_) => Some(&STATUS),
            Self::UserNameRule(_) => Some(&USER_NAME),
            Self::SecondText { .. } => Some(&PASSWORD),
            Self::Reversed { field, .. }
            | Self::NumberAsText { field, .. }
            | Self::LineBreak(field)
            | Self::Empty(field)
            | Self::AfterNul { field, .. }
            | Self::NotUtf8(field)
            | Self::ControlCharacters(field)
            | Self::ZeroFilled(field) => Some(field),
            _ => None,
        }
    }
}

/// Words off the wire with nothing in them that a terminal heeds.
fn shown(words: &[u8]) -> String {
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

/// Why a segment was ignored, as the end of a sentence.
const fn ignored(why: Ignored) -> &'static str {
    match why {
        Ignored::OutOfWindow => "its sequence number is out of the receiver's window",
        Ignored::Checksum => "its checksum is wrong, while those of its sender's others are right",
        Ignored::AnswersNoSyn => "it answers a SYN that it does not acknowledge",
        Ignored::GoesOn => "the connection goes on after it",
    }
}

impl Note {
    /// The notes that name a mistake of whoever wrote the sender, and its remedy.
    fn write_mistake(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HeaderNotCounted { found } => write!(
                f,
                "total length {found} = {} - {HEADER_LEN}: the header counts too",
                found + HEADER_LEN as u32
            ),
            Self::Reversed { field, value } => {
                let [first, second, third, last] = value.to_le_bytes();
                write!(
                    f,
                    "{} {first:02x} {second:02x} {third:02x} {last:02x} is {value} in reverse order: numbers are \
                     big-endian, htonl",
                    name(field)
                )
            }
            Self::NumberAsText { field, value } => write!(
                f,
                "bytes {} to {} are the text '{value:04}': send the number itself, 4 bytes \
                 big-endian",
                field.offset,
                field.end() - 1
            ),
            Self::SecondText { at } if *at == HEADER_LEN + PASSWORD.width => write!(
                f,
                "a second text begins at offset {at} of the message, not {}: was the password \
                 sent before the user name?",
                PASSWORD.offset
            ),
            Self::SecondText { at } => write!(
                f,
                "a second text begins at offset {at} of the message, not {}: is the user name's \
                 field {} bytes wide?",
                PASSWORD.offset,
                at - USER_NAME.offset
            ),
            Self::LineBreak(field) => write!(
                f,
                "the {} ends with a line break: was the line's newline left in?",
                name(field)
            ),
            Self::NotFilled { have } => write!(
                f,
                "{have} of {REQUEST_LEN} bytes so far: are both fields filled with NUL to {} and \
                 {}?",
                USER_NAME.width, PASSWORD.width
            ),
            Self::FitsOther(kind) => {
                let [one, other] = match kind {
                    Kind::Request => [1, 3],
                    Kind::Response => [2, 4],
                };
                write!(
                    f,
                    "{} bytes fit a {}: {one} or {other}?",
                    kind.len(),
                    kind.name()
                )
            }
            Self::AfterNul { field, at } => write!(
                f,
                "rubbish behind the text, at offset {at} of the {}: clear the buffer before it \
                 is filled",
                name(field)
            ),
            _ => Ok(()),
        }
    }
}

/// A field's label in the middle of a sentence.
fn name(field: &Field) -> String {
    field.label.to_lowercase()
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length { found, command } => match command.kind() {
                Some(kind) => write!(
                    f,
                    "total length is {}, but a {command} has {} octets",
                    HeaderNumber::length(*found, *command),
                    kind.len()
                ),
                None => write!(
                    f,
                    "total length {} belongs to no known command",
                    HeaderNumber::length(*found, *command)
                ),
            },
            Self::UnknownCommand(code) => write!(
                f,
                "command {} is unknown; the protocol has 1 to 4",
                HeaderNumber::new(*code)
            ),
            // A character may be the first of a name or a password.
            Self::Status(status) if status.is_ascii_graphic() && !status.is_ascii_digit() => {
                f.write_str("status (text) is unknown; 1 means success and 0 failure")
            }
            Self::Status(status) => write!(
                f,
                "status {status} is unknown; 1 means success and 0 failure"
            ),
            Self::Empty(field) => write!(f, "the {} is empty", name(field)),
            Self::NotUtf8(field) => write!(f, "the {} is not valid UTF-8", name(field)),
            Self::ControlCharacters(field) => {
                write!(f, "the {} holds control characters", name(field))
            }
            Self::UserNameRule(what) => {
                write!(
                    f,
                    "the user name has {what}, which the protocol does not allow"
                )
            }
            Self::ZeroFilled(field) => write!(
                f,
                "the {} looks filled up with '0', 0x30: fill with NUL, or its value is all {} bytes",
                name(field),
                field.width
            ),
            Self::WrongDirection(command) => match command.kind() {
                Some(crate::protocol::Kind::Request) => {
                    write!(f, "a {command} that the server sent")
                }
                _ => write!(f, "a {command} that the client sent"),
            },
            Self::CutOff { have, need, by } => {
                let by = match by {
                    CutBy::Fin => "the sender closed the connection",
                    CutBy::Reset => "the connection was reset",
                    CutBy::Gap => "the rest was never captured",
                    CutBy::End => "nothing more was captured",
                };
                write!(f, "cut off after {have} of {need} octets: {by}")
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
    /// Writes what is about a stream's segments rather than about a message.
    fn write_of_stream(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gap { octets: 1 } => f.write_str("1 octet of the stream was never captured"),
            Self::Gap { octets } => write!(f, "{octets} octets of the stream were never captured"),
            Self::Skipped { octets: 1 } => {
                f.write_str("1 octet was passed over: part of no message")
            }
            Self::Skipped { octets } => {
                write!(f, "{octets} octets were passed over: part of no message")
            }
            Self::Conflict { frame, from, to } => write!(
                f,
                "frame {frame} carried other octets for stream offsets {from} to {}; the first copy counts",
                to - 1
            ),
            Self::GivenUp { octets } => write!(
                f,
                "{octets} octets out of order could not wait longer: the buffer was full"
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
                f.write_str("IP fragments overlap with different octets; the first copy counts")
            }
            Self::Proxy { version, client } => {
                write!(f, "PROXY header of version {version}")?;
                match client {
                    Some(client) => write!(f, ": the client is {client}"),
                    None => f.write_str(", which names no client"),
                }
            }
            Self::Tls(problem) => write!(f, "{problem}"),
            Self::Checksum => f.write_str("the TCP checksum is wrong"),
            mistake => mistake.write_mistake(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_read_as_sentences() {
        let cases = [
            (
                Note::Length {
                    found: 57,
                    command: Command::LoginRequest,
                },
                "total length is 57, but a login request has 58 octets",
            ),
            (
                Note::Gap { octets: 1 },
                "1 octet of the stream was never captured",
            ),
            (
                Note::ZeroFilled(&PASSWORD),
                "the password looks filled up with '0', 0x30: fill with NUL, or its value is all 30 bytes",
            ),
            (
                Note::WrongDirection(Command::LoginRequest),
                "a login request that the server sent",
            ),
        ];
        for (note, text) in cases {
            assert_eq!(note.to_string(), text);
        }
    }
}
