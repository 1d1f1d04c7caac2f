//! Notes ("expert information"): everything notable or wrong, with its text.
//!
//! This is the only list of notes. JSON, the details tree, display filters, statistics and the Wireshark plugin take
//! severity, group and field from here.

mod words;

use words::shown;

use crate::layout::{FaultKind, FieldRef};
use crate::packet::Endpoint;
use crate::protocol::layout::{COMMAND, PASSWORD};
use crate::protocol::{Command, Fault, Field};
use crate::stream::{Conflict, Ignored, Remark};
use crate::tls::Problem;

/// How serious a note is, in Wireshark's terms (`_ws.expert.severity`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Normal operation.
    Chat,
    /// Notable.
    Note,
    /// Unusual, and possibly a fault.
    Warning,
    /// A fault.
    Error,
}

impl Severity {
    /// All severities, the least serious first.
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

/// What a note concerns, in Wireshark's terms (`_ws.expert.group`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Group {
    /// The bytes do not have the form that the layout defines.
    Malformed,
    /// The bytes have the right form, but the protocol does not allow their meaning.
    Protocol,
    /// Order of messages or of TCP bytes.
    Sequence,
    /// Reassembly: something is missing.
    Reassembly,
    /// A guess that the reader should know about.
    Assumption,
    /// A checksum.
    Checksum,
    /// Encryption.
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

/// One note. `Display` writes its text, which never contains bytes of a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// The message's bytes have a fault, or seem to have one.
    Fault(Fault),
    /// A message that is incomplete with this frame.
    Begun {
        /// Bytes of the message captured so far, with this frame.
        have: usize,
        /// Bytes of the whole message.
        need: usize,
        /// Whether it seems that the sender sent all of it, but did not pad its fields.
        unfilled: bool,
        /// Where it continues.
        goes: Goes,
    },
    /// The message was cut off.
    CutOff {
        /// Bytes of the message that were captured.
        have: usize,
        /// Bytes of the whole message.
        need: usize,
        /// What cut it off.
        by: CutBy,
    },
    /// Bytes of this direction were never captured.
    Gap {
        /// How many bytes.
        octets: u64,
    },
    /// A proxy named its client before the first message.
    Proxy {
        /// Version of the PROXY protocol, 1 or 2.
        version: u8,
        /// Address and port of the client; `None` if the header does not name it.
        client: Option<Endpoint>,
    },
    /// Bytes that belong to no message were skipped.
    Skipped {
        /// How many bytes.
        octets: u64,
    },
    /// A retransmission differs from the first copy. The first copy counts.
    Conflict {
        /// The frame of the retransmission.
        frame: u64,
        /// Offset of the first differing byte, from the start of this direction's data.
        from: u64,
        /// Offset after the last differing byte.
        to: u64,
    },
    /// Out-of-order data was given up waiting because a limit was reached.
    GivenUp {
        /// How many bytes.
        octets: u64,
    },
    /// A reset came with a text that states the reason (RFC 1122 section 4.2.2.12).
    ResetCause(String),
    /// The receiver ignored a reset.
    ResetIgnored {
        /// The reset's frame.
        frame: u64,
        /// Why.
        why: Ignored,
    },
    /// The receiver ignored a SYN: the connection continues.
    SynIgnored {
        /// The SYN's frame.
        frame: u64,
        /// Why.
        why: Ignored,
    },
    /// Data came after a reset.
    AfterReset {
        /// The reset's frame.
        reset: u64,
    },
    /// IP fragments of this datagram overlapped.
    FragmentOverlap {
        /// Whether they had different bytes at the same offset.
        conflict: bool,
    },
    /// No response to this request was captured before its connection ended.
    Unanswered,
    /// No request for this response was captured.
    NoRequest,
    /// No request was captured for an earlier response of this stream. This was known only later.
    NoRequestFor {
        /// The response's frame.
        frame: u64,
    },
    /// The response to this request has an earlier time than the request.
    AnsweredBefore {
        /// The response's frame.
        response: u64,
    },
    /// The response has the same time as the request in that frame.
    NoTime {
        /// The request's frame.
        request: u64,
    },
    /// The response has an earlier time than the request in that frame.
    NegativeTime {
        /// The request's frame.
        request: u64,
    },
    /// The request was not paired with a response: too many requests waited on its connection.
    NotPaired,
    /// The response is not for the command of the request in that frame.
    WrongResponse {
        /// The request's frame.
        request: u64,
        /// The request's command.
        command: Command,
    },
    /// The request was sent before the one in that frame was answered.
    Pipelined {
        /// Frame of the previous request.
        after: u64,
    },
    /// The TCP checksum of the frame is wrong (`tcp.checksum.bad`).
    Checksum,
    /// A problem of the stream's TLS.
    Tls {
        /// The problem.
        problem: Box<Problem>,
        /// Frame of the record that it concerns, if it concerns one.
        frame: Option<u64>,
    },
    /// The message does not have the form that its layout defines.
    Described {
        /// The fault.
        fault: FaultKind,
        /// The field that it concerns, if it concerns one.
        field: Option<FieldRef>,
        /// Offset and number of the bytes that it concerns, in the message.
        at: (u32, u32),
    },
}

/// Where an incomplete message continues.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Goes {
    /// Not known yet.
    Unknown,
    /// In this frame.
    In(u64),
    /// No more of it came.
    Nowhere,
}

/// What ended a message early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CutBy {
    /// The sender closed its direction (FIN).
    Fin,
    /// The connection was reset.
    Reset,
    /// Bytes of it were never captured.
    Gap,
    /// The capture ended, or the connection was idle for too long.
    End,
}

/// Most bytes of a reset's text that are shown.
const CAUSE_LEN: usize = 80;

impl Note {
    /// The note for a remark of the flow table.
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

    /// How serious it is.
    #[must_use]
    pub const fn severity(&self) -> Severity {
        match self {
            Self::Fault(fault) => severity_of(fault),
            Self::CutOff { .. } => Severity::Error,
            Self::Described { fault, .. } => match fault {
                FaultKind::Constant
                | FaultKind::Check
                | FaultKind::Missing
                | FaultKind::Excess
                | FaultKind::Kind => Severity::Error,
                FaultKind::Fill | FaultKind::Utf8 | FaultKind::Unnamed | FaultKind::Side => {
                    Severity::Warning
                }
            },
            Self::Tls { problem, .. } => match **problem {
                Problem::Renegotiated | Problem::NoEarlySecret => Severity::Note,
                _ => Severity::Warning,
            },
            Self::Checksum
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
            Self::NoTime { .. } | Self::FragmentOverlap { conflict: false } | Self::Unanswered => {
                Severity::Note
            }
            Self::Begun { .. } if self.asks_for_filling() => Severity::Note,
            Self::Begun { .. } | Self::Pipelined { .. } | Self::Proxy { .. } => Severity::Chat,
        }
    }

    /// Whether rows contain it: warnings, errors, and some notes that the sender should know about.
    #[must_use]
    pub fn in_rows(&self) -> bool {
        self.severity() >= Severity::Warning
            || matches!(
                self,
                Self::Begun { .. } | Self::Proxy { .. } | Self::Fault(Fault::ZeroFilled(_))
            )
    }

    /// Whether it suggests that the sender did not pad its fields, while the rest of the message may still come.
    #[must_use]
    pub const fn asks_while_it_waits(&self) -> bool {
        matches!(
            self,
            Self::Begun {
                unfilled: true,
                goes: Goes::Unknown,
                ..
            }
        )
    }

    /// Whether it suggests that the sender did not pad its fields: no frame is known in which the message continues.
    #[must_use]
    pub const fn asks_for_filling(&self) -> bool {
        matches!(
            self,
            Self::Begun {
                unfilled: true,
                goes: Goes::Unknown | Goes::Nowhere,
                ..
            }
        )
    }

    /// What it concerns.
    #[must_use]
    pub const fn group(&self) -> Group {
        match self {
            Self::Fault(fault) => group_of(fault),
            Self::Skipped { .. } => Group::Malformed,
            Self::Proxy { .. } => Group::Protocol,
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
            Self::Described { fault, .. } => match fault {
                FaultKind::Check => Group::Checksum,
                FaultKind::Unnamed | FaultKind::Side => Group::Protocol,
                _ => Group::Malformed,
            },
            Self::Begun { .. } if self.asks_for_filling() => Group::Assumption,
            Self::Begun { .. } => Group::Reassembly,
            Self::Checksum => Group::Checksum,
            Self::Tls { .. } => Group::Decryption,
        }
    }

    /// The field that it concerns; `None` if it concerns the message or the connection.
    #[must_use]
    pub const fn field(&self) -> Option<&'static Field> {
        match self {
            Self::Fault(fault) => fault.field(),
            Self::WrongResponse { .. } => Some(&COMMAND),
            _ => None,
        }
    }

    /// Key of the field that it concerns, as used in JSON and display filters.
    #[must_use]
    pub fn field_key(&self) -> Option<&'static str> {
        match self {
            Self::Described { field, .. } => field.map(|field| field.field().key.as_str()),
            _ => self.field().map(|field| field.key),
        }
    }
}

/// How serious a fault is.
const fn severity_of(fault: &Fault) -> Severity {
    match fault {
        Fault::Length { .. }
        | Fault::HeaderNotCounted { .. }
        | Fault::Reversed { .. }
        | Fault::NumberAsText { .. }
        | Fault::UnknownCommand(_)
        | Fault::Size { .. } => Severity::Error,
        Fault::ZeroFilled(_) => Severity::Note,
        // A password may contain any bytes except NUL.
        Fault::NotUtf8 { field, .. } | Fault::Character { field, .. }
            if field.offset == PASSWORD.offset =>
        {
            Severity::Note
        }
        Fault::WrongSender(_)
        | Fault::FitsOther(_)
        | Fault::Status(_)
        | Fault::Empty(_)
        | Fault::NotUtf8 { .. }
        | Fault::Character { .. }
        | Fault::LineBreak(_)
        | Fault::AfterNul { .. }
        | Fault::NotFilled { .. }
        | Fault::SecondText { .. } => Severity::Warning,
    }
}

/// What a fault concerns.
const fn group_of(fault: &Fault) -> Group {
    match fault {
        Fault::Length { .. }
        | Fault::HeaderNotCounted { .. }
        | Fault::Reversed { .. }
        | Fault::NumberAsText { .. }
        | Fault::UnknownCommand(_)
        | Fault::Size { .. }
        | Fault::AfterNul { .. }
        | Fault::NotUtf8 { .. } => Group::Malformed,
        Fault::Status(_)
        | Fault::Empty(_)
        | Fault::Character { .. }
        | Fault::LineBreak(_)
        | Fault::WrongSender(_) => Group::Protocol,
        Fault::ZeroFilled(_)
        | Fault::NotFilled { .. }
        | Fault::SecondText { .. }
        | Fault::FitsOther(_) => Group::Assumption,
    }
}
