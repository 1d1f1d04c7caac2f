//! Notes ("expert information"): everything that can be remarkable or wrong, with its words.
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
    /// The bytes are not built as the layout says.
    Malformed,
    /// The bytes are built right and mean something the protocol does not allow.
    Protocol,
    /// Order of messages or of TCP bytes.
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

/// One note. Its `Display` form is the text; no text holds bytes of a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// Something is wrong with its bytes, or looks wrong.
    Fault(Fault),
    /// A message is begun that is not whole with this frame.
    Begun {
        /// Bytes there are of it with this frame.
        have: usize,
        /// Bytes that it should have.
        need: usize,
        /// Whether it looks as if its sender had sent all of it, without filling its fields.
        unfilled: bool,
        /// Where it goes on, as far as that is known.
        goes: Goes,
    },
    /// The message ends before its last byte.
    CutOff {
        /// Bytes there are.
        have: usize,
        /// Bytes the message should have.
        need: usize,
        /// What ended it.
        by: CutBy,
    },
    /// Bytes of this direction were never captured.
    Gap {
        /// How many bytes.
        octets: u64,
    },
    /// A proxy said for whom it speaks, before the first message.
    Proxy {
        /// Version of the PROXY protocol, 1 or 2.
        version: u8,
        /// Who connected to the proxy; `None` if the header does not say.
        client: Option<Endpoint>,
    },
    /// Bytes that are part of no message were passed over.
    Skipped {
        /// How many bytes.
        octets: u64,
    },
    /// A retransmission carried other bytes for a place already filled; the first copy counts.
    Conflict {
        /// The frame with the other bytes.
        frame: u64,
        /// Offset of the first differing byte from the start of this direction's data.
        from: u64,
        /// Offset after the last differing byte.
        to: u64,
    },
    /// Out-of-order data was given up because a bound was reached.
    GivenUp {
        /// How many bytes.
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
        /// Whether they had different bytes for the same place.
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
    Tls {
        /// What it is.
        problem: Box<Problem>,
        /// Frame of the record that it is about, where it is about one.
        frame: Option<u64>,
    },
    /// The message is not as its layout says.
    Described {
        /// What it is.
        fault: FaultKind,
        /// The field, where it is about one.
        field: Option<FieldRef>,
        /// The first byte of the message that it is about, and how many.
        at: (u32, u32),
    },
}

/// Where a message goes on.
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

/// Bytes of a reset's words that are told at most.
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

    /// Whether rows have it: warnings and errors, and what its sender should know.
    #[must_use]
    pub fn in_rows(&self) -> bool {
        self.severity() >= Severity::Warning
            || matches!(
                self,
                Self::Begun { .. } | Self::Proxy { .. } | Self::Fault(Fault::ZeroFilled(_))
            )
    }

    /// Whether it asks for the filling of a message whose rest may still come.
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

    /// Whether it asks for the filling of a message that goes on in no frame that is known.
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

    /// What it is about.
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

    /// The field it is about; `None` if it is about the message or the connection.
    #[must_use]
    pub const fn field(&self) -> Option<&'static Field> {
        match self {
            Self::Fault(fault) => fault.field(),
            Self::WrongResponse { .. } => Some(&COMMAND),
            _ => None,
        }
    }

    /// The key of the field that it is about, as JSON and filters have it.
    #[must_use]
    pub fn field_key(&self) -> Option<&'static str> {
        match self {
            Self::Described { field, .. } => field.map(|field| field.field().key.as_str()),
            _ => self.field().map(|field| field.key),
        }
    }
}

/// How much a fault matters.
const fn severity_of(fault: &Fault) -> Severity {
    match fault {
        Fault::Length { .. }
        | Fault::HeaderNotCounted { .. }
        | Fault::Reversed { .. }
        | Fault::NumberAsText { .. }
        | Fault::UnknownCommand(_)
        | Fault::Size { .. } => Severity::Error,
        Fault::ZeroFilled(_) => Severity::Note,
        // A password may have any bytes but NUL.
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

/// What a fault is about.
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
