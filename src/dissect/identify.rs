//! Which protocol a stream speaks, by what stands at a place where one may begin: named where it
//! is recognised for sure, RegLogin where there is evidence.

use super::http::{HTTP_STARTS, is_http};
use super::http2::{HTTP2_PREFACE, is_http2};
use super::protocol::Protocol;
use super::reglogin::evidence::{Evidence, Opening};
use super::rtsp::{RTSP_START, is_rtsp};
use super::smpp::{SMPP_HEADER_LEN, begins_smpp};
use super::ssh::{SSH_STARTS, is_ssh};
use super::tls::{TLS_HEADER_LEN, is_tls, tls_type};

/// Octets at the start of a direction after which a protocol that can be named is named.
pub const ENOUGH: usize = SMPP_HEADER_LEN;

/// What an opening says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is this protocol.
    Is(Protocol),
    /// More octets are needed.
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

/// Whether octets start as a protocol does.
type Recognises = fn(&[u8]) -> bool;

/// The protocol that the octets are recognised as for sure.
fn named(octets: &[u8]) -> Option<Protocol> {
    if octets.first() == Some(&0) {
        return begins_smpp(octets).then_some(Protocol::Smpp);
    }
    named_by_text(octets)
}

/// The same of protocols that begin with text or a handshake, and not with a length that others may have too.
pub(super) fn named_by_text(octets: &[u8]) -> Option<Protocol> {
    let known: [(Recognises, Protocol); 5] = [
        (is_tls, Protocol::Tls),
        (is_ssh, Protocol::Ssh),
        (is_http2, Protocol::Http2),
        (is_rtsp, Protocol::Rtsp),
        (is_http, Protocol::Http),
    ];
    let found = known.iter().find(|(is, _)| is(octets));
    found.map(|(_, protocol)| *protocol)
}

/// Whether octets that are few may be the beginning of one that is named.
fn could_be_named(octets: &[u8]) -> bool {
    if octets.len() >= ENOUGH {
        return false;
    }
    // SMPP: a length of at most 65536 has a first octet of 0.
    matches!(octets.first(), None | Some(0))
        || (octets.len() < TLS_HEADER_LEN && tls_type(octets).is_some())
        || HTTP_STARTS
            .iter()
            .chain(&SSH_STARTS)
            .chain(&[RTSP_START, HTTP2_PREFACE])
            .any(|start| start.starts_with(octets))
}
