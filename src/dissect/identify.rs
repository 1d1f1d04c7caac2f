//! Which protocol a stream speaks, by what stands at a place where one may begin: named where it
//! is recognised for sure, RegLogin where there is evidence.

use super::named::{may_be_named_by_start, named_by_start};
use super::protocol::Protocol;
use super::reglogin::evidence::{Evidence, Opening};
use super::smpp::{SMPP_HEADER_LEN, begins_smpp};

/// Bytes at the start of a direction after which a protocol that can be named is named.
pub const ENOUGH: usize = SMPP_HEADER_LEN;

/// What an opening says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is this protocol.
    Is(Protocol),
    /// More bytes are needed.
    Unsure,
    /// It does not show what it is.
    Other,
}

impl From<Evidence> for Verdict {
    fn from(evidence: Evidence) -> Self {
        match evidence {
            Evidence::Proof => Self::Is(Protocol::RegLogin),
            Evidence::Unsure => Self::Unsure,
            Evidence::Nothing => Self::Other,
        }
    }
}

/// Judges an opening. `watched` says that the port is one of those where RegLogin is expected.
#[must_use]
#[inline]
pub fn identify(opening: Opening<'_>, watched: bool) -> Verdict {
    if let Some(protocol) = named(opening.octets) {
        return Verdict::Is(protocol);
    }
    let evidence = if watched {
        opening.weigh()
    } else {
        opening.weigh_strictly()
    };
    let undecided = evidence == Evidence::Nothing && !opening.whole;
    if undecided && could_be_named(opening.octets) {
        return Verdict::Unsure;
    }
    evidence.into()
}

/// The protocol that the bytes are recognised as for sure.
fn named(octets: &[u8]) -> Option<Protocol> {
    if octets.first() == Some(&0) {
        return begins_smpp(octets).then_some(Protocol::Smpp);
    }
    named_by_start(octets)
}

/// Whether bytes that are few may be the beginning of one that is named.
fn could_be_named(octets: &[u8]) -> bool {
    // SMPP: a length of at most 65536 has a first byte of 0.
    octets.len() < ENOUGH
        && (matches!(octets.first(), None | Some(0)) || may_be_named_by_start(octets))
}
