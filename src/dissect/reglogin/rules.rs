//! The rules of dissection that are tables: how many bytes a message with a wrong header takes, and what speaks for
//! RegLogin where a stream's protocol is not known yet. [`extent`](super::framing::extent) and
//! [`Opening::weigh`](super::evidence::Opening::weigh) read them, and so does the Wireshark plugin, which has them printed
//! into it.

use super::evidence::Evidence;

/// Forms of a header that is not right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeaderForm {
    /// A command of the protocol, and the length of its message without the header.
    WithoutHeader,
    /// A command of the protocol, and a length between that of a header and that of its message.
    Shorter,
    /// A command of the protocol.
    KnownCommand,
    /// Length and command of a message in little-endian order.
    LittleEndian,
    /// Length and command of a message as text.
    AsText,
    /// A length that a message can have.
    PossibleLength,
    /// Anything.
    Any,
}

/// How many bytes a message takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// As many as a message of the header's kind has.
    Kind,
    /// As many as the header's length says.
    Length,
    /// A bare header.
    Header,
}

/// How many bytes a message takes whose header is not right: what the first row says that fits it.
pub const EXTENTS: [(HeaderForm, Taken); 7] = [
    (HeaderForm::WithoutHeader, Taken::Kind),
    (HeaderForm::Shorter, Taken::Length),
    (HeaderForm::KnownCommand, Taken::Kind),
    (HeaderForm::LittleEndian, Taken::Kind),
    (HeaderForm::AsText, Taken::Kind),
    (HeaderForm::PossibleLength, Taken::Length),
    (HeaderForm::Any, Taken::Header),
];

/// What something is worth as evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Worth {
    /// While more bytes may come.
    pub so_far: Evidence,
    /// When no more will.
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
/// More bytes may prove it.
const NOT_YET: Worth = Worth::until_end(Evidence::Nothing);
/// More bytes may refute it.
const PROOF_AT_END: Worth = Worth::until_end(Evidence::Proof);

/// The first text of a body, behind a header that is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FirstText {
    /// There are fewer bytes than an SMPP header has.
    TooShort,
    /// Its first byte is not NUL.
    Text,
    /// Its first byte is NUL, and not all are.
    BehindNul,
    /// All of it is there, and NUL.
    Empty,
    /// What is there of it is NUL.
    EmptySoFar,
}

/// What a right header is worth: what the first row says that fits the text behind it. Text behind NUL is SMPP with sequence
/// number 0, or another protocol that counts something there.
pub const RIGHT_HEADER: [(FirstText, Worth); 5] = [
    (FirstText::TooShort, PROOF_AT_END),
    (FirstText::Text, PROOF),
    (FirstText::BehindNul, NOTHING),
    (FirstText::Empty, PROOF),
    (FirstText::EmptySoFar, PROOF_AT_END),
];

/// Forms of a header that is not right, as far as they speak for RegLogin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WrongHeader {
    /// Too few bytes for a header, that one can begin with.
    Beginning,
    /// Too few bytes for a header.
    TooShort,
    /// Length and command of a message in little-endian order.
    LittleEndian,
    /// A command of the protocol, and the length of a message of the other kind.
    CommandAndLength,
    /// A command of the protocol.
    Command,
    /// The length of a message: with a command that nobody knows, only the length and the body speak.
    Length,
    /// Length and command of a message as text.
    AsText,
    /// Anything.
    Any,
}

/// What is looked at behind such a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// Nothing: more bytes are needed.
    More,
    /// Whether the body can be one of the header's kind ([`FITTING`]).
    Fits,
    /// Whether something shows that a message of the command's kind stands here ([`SIZES`]).
    SizeOfCommand,
    /// The same of the kind that the length is right for.
    SizeOfLength,
    /// Whether the body is filled up as one of the header's kind ([`BODIES`]).
    Filled,
}

/// What is looked at behind a header that is not right: what the first row says that fits it. The best of it counts, and
/// nothing where there is nothing to look at.
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
    /// A right header stands behind a message of this kind.
    NextHeader,
    /// A message of this kind fills its segment, and the length is not about it: it is not the segment's without the
    /// length itself, nor do several lengths lead to the segment's end.
    WholeSegment,
    /// A length that agrees with the bytes that are there, and is more than a header away from that of this kind: a
    /// foreign protocol's own.
    Foreign,
}

/// What is said of a message's size: what the first row says that fits; where none does, its body tells ([`BODIES`]).
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
    /// It can be, and too much of it is missing.
    TooShort,
    /// Each field is text and, behind it, filling.
    Filled,
    /// It can be, and does not show where its fields end.
    Maybe,
}

/// What a body is worth: what the first row says that fits it. As many bytes may be missing as the header has, where the
/// sender did not count it.
pub const BODIES: [(Body, Worth); 4] = [
    (Body::Not, NOTHING),
    (Body::TooShort, NOT_YET),
    (Body::Filled, PROOF),
    (Body::Maybe, NOTHING),
];

/// A body behind a header in little-endian order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fitting {
    /// It cannot be one of the header's kind.
    Not,
    /// With the header it has fewer bytes than an SMPP header.
    TooShort,
    /// It can be one.
    Fits,
}

/// What it is worth: what the first row says that fits it.
pub const FITTING: [(Fitting, Worth); 3] = [
    (Fitting::Not, NOTHING),
    (Fitting::TooShort, NOT_YET),
    (Fitting::Fits, PROOF),
];

/// What stands on a port where RegLogin is not expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unexpected {
    /// Too few bytes for a header, of which the first ones are those of a length.
    Beginning,
    /// The header is not right.
    WrongHeader,
    /// A right header, and not all of its message.
    TooShort,
    /// A whole message without a fault.
    Strict,
    /// A whole message with a fault.
    Faulty,
}

/// What is worth something on such a port: what the first row says that fits.
pub const UNEXPECTED: [(Unexpected, Worth); 5] = [
    (Unexpected::Beginning, NOT_YET),
    (Unexpected::WrongHeader, NOTHING),
    (Unexpected::TooShort, NOT_YET),
    (Unexpected::Strict, PROOF),
    (Unexpected::Faulty, NOTHING),
];
