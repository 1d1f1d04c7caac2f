//! Rules of dissection as tables: how long a message with a wrong header is, and what is evidence for RegLogin. They
//! are used by [`extent`](super::framing::extent) and [`Opening::weigh`](super::evidence::Opening::weigh), and printed
//! into the Wireshark plugin.

use super::evidence::Evidence;

/// Forms of wrong headers, for the length of the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeaderForm {
    /// A known command, and the length of its message without the header.
    WithoutHeader,
    /// A known command, and a length between that of a header and that of its message.
    Shorter,
    /// A known command.
    KnownCommand,
    /// Length and command of a message in little-endian byte order.
    LittleEndian,
    /// Length and command of a message as text.
    AsText,
    /// A length that a message can have.
    PossibleLength,
    /// Anything.
    Any,
}

/// How many bytes belong to a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// The length of a message of the header's kind.
    Kind,
    /// The length in the header.
    Length,
    /// Only the header.
    Header,
}

/// How many bytes belong to a message with a wrong header. The first row that matches counts.
pub const EXTENTS: [(HeaderForm, Taken); 7] = [
    (HeaderForm::WithoutHeader, Taken::Kind),
    (HeaderForm::Shorter, Taken::Length),
    (HeaderForm::KnownCommand, Taken::Kind),
    (HeaderForm::LittleEndian, Taken::Kind),
    (HeaderForm::AsText, Taken::Kind),
    (HeaderForm::PossibleLength, Taken::Length),
    (HeaderForm::Any, Taken::Header),
];

/// The value of an observation as evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Worth {
    /// While more bytes can come.
    pub so_far: Evidence,
    /// When no more bytes can come.
    pub at_end: Evidence,
}

impl Worth {
    const fn always(evidence: Evidence) -> Self {
        Self {
            so_far: evidence,
            at_end: evidence,
        }
    }

    const fn until_end(at_end: Evidence) -> Self {
        Self {
            so_far: Evidence::Unsure,
            at_end,
        }
    }
}

const PROOF: Worth = Worth::always(Evidence::Proof);
const NOTHING: Worth = Worth::always(Evidence::Nothing);
/// More bytes can prove it.
const NOT_YET: Worth = Worth::until_end(Evidence::Nothing);
/// More bytes can refute it.
const PROOF_AT_END: Worth = Worth::until_end(Evidence::Proof);

/// The first text after a correct header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FirstText {
    /// There are fewer bytes than an SMPP header has.
    TooShort,
    /// Its first byte is not NUL.
    Text,
    /// Its first byte is NUL, but not all are.
    BehindNul,
    /// All of it was captured, and is NUL.
    Empty,
    /// The captured part is NUL.
    EmptySoFar,
}

/// The value of a correct header, by the text after it. The first row that matches counts. Text after a NUL is SMPP
/// with sequence number 0, or another protocol with a number there.
pub const RIGHT_HEADER: [(FirstText, Worth); 5] = [
    (FirstText::TooShort, PROOF_AT_END),
    (FirstText::Text, PROOF),
    (FirstText::BehindNul, NOTHING),
    (FirstText::Empty, PROOF),
    (FirstText::EmptySoFar, PROOF_AT_END),
];

/// Forms of wrong headers, as evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WrongHeader {
    /// Too few bytes for a header, but possibly the start of one.
    Beginning,
    /// Too few bytes for a header.
    TooShort,
    /// Length and command of a message in little-endian byte order.
    LittleEndian,
    /// A known command, and the length of a message of the other kind.
    CommandAndLength,
    /// A known command.
    Command,
    /// The length of a message, with an unknown command. Only the length and the body count.
    Length,
    /// Length and command of a message as text.
    AsText,
    /// Anything.
    Any,
}

/// What is checked after such a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// Nothing: more bytes are needed.
    More,
    /// Whether the body can be one of the header's kind ([`FITTING`]).
    Fits,
    /// Whether the bytes show that this is a message of the command's kind ([`SIZES`]).
    SizeOfCommand,
    /// The same for the kind that has this length.
    SizeOfLength,
    /// Whether the body is padded like one of the header's kind ([`BODIES`]).
    Filled,
}

/// What is checked after a wrong header. The first row that matches counts; of its checks, the best result. An empty
/// row proves nothing.
pub const WRONG_HEADER: [(WrongHeader, &[Look]); 8] = [
    (WrongHeader::Beginning, &[Look::More]),
    (WrongHeader::TooShort, &[]),
    (WrongHeader::LittleEndian, &[Look::Fits]),
    (
        WrongHeader::CommandAndLength,
        &[Look::SizeOfCommand, Look::SizeOfLength],
    ),
    (WrongHeader::Command, &[Look::SizeOfCommand]),
    (WrongHeader::Length, &[Look::Filled]),
    (WrongHeader::AsText, &[Look::Filled]),
    (WrongHeader::Any, &[]),
];

/// What shows the size of a message, or that it is another protocol's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// A correct header follows a message of this kind.
    NextHeader,
    /// A message of this kind is exactly the segment, and the length is not that of something else: it is not the
    /// segment's length without the length field, and several lengths do not lead to the segment's end.
    WholeSegment,
    /// The length agrees with the number of bytes, and differs by more than a header from that of this kind: it is
    /// another protocol's length.
    Foreign,
}

/// The value of a message's size. The first row that matches counts; if none does, the body decides ([`BODIES`]).
pub const SIZES: [(Size, Worth); 3] = [
    (Size::NextHeader, PROOF),
    (Size::WholeSegment, PROOF),
    (Size::Foreign, NOTHING),
];

/// How a body reads at the offsets of the fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body {
    /// It cannot be one of this kind.
    Not,
    /// It can be, but too much of it is missing.
    TooShort,
    /// Each field is text followed by padding.
    Filled,
    /// It can be, but does not show where its fields end.
    Maybe,
}

/// The value of a body. The first row that matches counts. As many bytes may be missing as the header has, because the
/// sender may not have counted it.
pub const BODIES: [(Body, Worth); 4] = [
    (Body::Not, NOTHING),
    (Body::TooShort, NOT_YET),
    (Body::Filled, PROOF),
    (Body::Maybe, NOTHING),
];

/// A body after a header in little-endian byte order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fitting {
    /// It cannot be one of the header's kind.
    Not,
    /// Together with the header, it has fewer bytes than an SMPP header.
    TooShort,
    /// It can be one.
    Fits,
}

/// The value of such a body. The first row that matches counts.
pub const FITTING: [(Fitting, Worth); 3] = [
    (Fitting::Not, NOTHING),
    (Fitting::TooShort, NOT_YET),
    (Fitting::Fits, PROOF),
];

/// Bytes on a port where RegLogin is not expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unexpected {
    /// Too few bytes for a header; they start like a length.
    Beginning,
    /// The header is wrong.
    WrongHeader,
    /// A correct header, but not all of its message.
    TooShort,
    /// A complete message without a fault.
    Strict,
    /// A complete message with a fault.
    Faulty,
}

/// The value of such bytes. The first row that matches counts.
pub const UNEXPECTED: [(Unexpected, Worth); 5] = [
    (Unexpected::Beginning, NOT_YET),
    (Unexpected::WrongHeader, NOTHING),
    (Unexpected::TooShort, NOT_YET),
    (Unexpected::Strict, PROOF),
    (Unexpected::Faulty, NOTHING),
];
