//! Identifies a stream's protocol by the bytes where a message may begin: RegLogin by evidence, others if they are
//! certain.

use super::named::{may_be_named_by_start, named_by_start};
use super::protocol::Protocol;
use super::reglogin::evidence::{Evidence, Opening};
use super::smpp::{SMPP_HEADER_LEN, begins_smpp};

/// Number of bytes at the start of a direction that suffice for every protocol that is recognised by name.
pub const ENOUGH: usize = SMPP_HEADER_LEN;

/// Result of identifying an opening.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is this protocol.
    Is(Protocol),
    /// More bytes are needed.
    Unsure,
    /// No protocol is recognised.
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

/// Identifies an opening. `watched` says that RegLogin is expected on the stream's ports.
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

/// The protocol that the bytes certainly are, other than RegLogin.
fn named(octets: &[u8]) -> Option<Protocol> {
    if octets.first() == Some(&0) {
        return begins_smpp(octets).then_some(Protocol::Smpp);
    }
    named_by_start(octets)
}

/// Whether these few bytes may be the start of a protocol that is recognised by name.
fn could_be_named(octets: &[u8]) -> bool {
    // The first byte of an SMPP length is 0, because it is at most 65536.
    octets.len() < ENOUGH
        && (matches!(octets.first(), None | Some(0)) || may_be_named_by_start(octets))
}
