//! Which protocol a stream speaks: by its content first and by its port second.
//!
//! In SMPP each of the command ids 1 to 4 is a request: its `command_status` must be 0 and its
//! `sequence_number` 1 to 0x7FFFFFFF (SMPP 3.4 sections 5.1.3 and 5.1.4). Read as RegLogin that
//! is a text field which starts with NUL and then has another octet: never well filled. So no
//! octets are strictly both.

use std::fmt;

use crate::protocol::{is_header, is_strict};

/// Octets of an SMPP header: length, id, status, sequence number, each a u32 (SMPP 3.4
/// section 3.2).
pub const SMPP_HEADER_LEN: usize = 16;
/// Octets of a TLS record header (RFC 8446 section 5.1).
pub const TLS_HEADER_LEN: usize = 5;
/// Octets at the start of a direction after which the protocol can always be told.
pub const ENOUGH: usize = SMPP_HEADER_LEN;

/// A protocol that a stream can be recognised as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Protocol {
    /// No data seen, or too little to tell.
    #[default]
    Unknown,
    /// The registration and login protocol.
    RegLogin,
    /// Short Message Peer-to-Peer.
    Smpp,
    /// Transport Layer Security.
    Tls,
    /// HTTP/1.
    Http,
    /// Something else.
    Data,
}

impl Protocol {
    /// The name in a packet list's Protocol column; frames without anything recognised are TCP.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unknown | Self::Data => "TCP",
            Self::RegLogin => crate::protocol::layout::PROTOCOL_NAME,
            Self::Smpp => "SMPP",
            Self::Tls => "TLS",
            Self::Http => "HTTP",
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "no data",
            Self::Data => "data",
            known => known.name(),
        })
    }
}

/// What the first octets of a direction say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is this protocol.
    Is(Protocol),
    /// More octets are needed.
    Unsure,
}

/// Judges the first octets that one side of a stream sent. `watched` says that the port is one of
/// those where RegLogin is expected; `whole` that no more octets will come.
#[must_use]
pub fn identify(octets: &[u8], watched: bool, whole: bool) -> Verdict {
    if let Some(protocol) = foreign(octets) {
        return Verdict::Is(protocol);
    }
    let undecided = octets.len() < ENOUGH && could_be_foreign(octets);
    if watched {
        return if undecided && !whole {
            Verdict::Unsure
        } else {
            Verdict::Is(Protocol::RegLogin)
        };
    }
    match reglogin(octets) {
        Some(true) => Verdict::Is(Protocol::RegLogin),
        None if !whole => Verdict::Unsure,
        _ if undecided && !whole => Verdict::Unsure,
        _ => Verdict::Is(Protocol::Data),
    }
}

/// Whether the octets start with a strictly valid RegLogin message; `None` while more are needed.
fn reglogin(octets: &[u8]) -> Option<bool> {
    use crate::protocol::layout::HEADER_LEN;
    if octets.len() < HEADER_LEN {
        // The length is 58 or 73, so its first three octets are 0.
        let possible = octets.iter().take(3).all(|octet| *octet == 0);
        return if possible { None } else { Some(false) };
    }
    if !is_header(octets) {
        return Some(false);
    }
    let length = crate::protocol::MessageView::new(octets)
        .kind()
        .map_or(0, crate::protocol::Kind::len);
    if octets.len() < length {
        return None;
    }
    Some(is_strict(&octets[..length]))
}

/// Recognises SMPP, TLS and HTTP/1 by their first octets.
fn foreign(octets: &[u8]) -> Option<Protocol> {
    if is_smpp(octets) {
        Some(Protocol::Smpp)
    } else if is_tls(octets) {
        Some(Protocol::Tls)
    } else if is_http(octets) {
        Some(Protocol::Http)
    } else {
        None
    }
}

fn could_be_foreign(octets: &[u8]) -> bool {
    // SMPP: a length of at most 65536 has a first octet of 0.
    matches!(octets.first(), None | Some(0))
        || (octets.len() < TLS_HEADER_LEN && tls_type(octets).is_some())
        || HTTP_STARTS.iter().any(|start| start.starts_with(octets))
}

fn word(octets: &[u8], at: usize) -> Option<u32> {
    let bytes = octets.get(at..at + 4)?;
    bytes.try_into().ok().map(u32::from_be_bytes)
}

/// Whether the octets start with a strictly valid SMPP header: a known command id, a length of
/// 16 to 65536, status 0 on a request, and a sequence number of 1 to 0x7FFFFFFF.
#[must_use]
pub fn is_smpp(octets: &[u8]) -> bool {
    const LENGTHS: std::ops::RangeInclusive<u32> = 16..=65536;
    const SEQUENCES: std::ops::RangeInclusive<u32> = 1..=0x7fff_ffff;
    let (Some(length), Some(id), Some(status), Some(sequence)) = (
        word(octets, 0),
        word(octets, 4),
        word(octets, 8),
        word(octets, 12),
    ) else {
        return false;
    };
    LENGTHS.contains(&length)
        && smpp_command(id).is_some()
        && (status == 0 || id & SMPP_RESPONSE != 0)
        && SEQUENCES.contains(&sequence)
}

/// The bit of an SMPP command id that tells a response from a request.
pub const SMPP_RESPONSE: u32 = 0x8000_0000;

/// The command's name by its id (SMPP 3.4 section 5.1.2.1, SMPP 5.0 section 4.7.5), written as
/// Wireshark writes it.
#[must_use]
pub const fn smpp_command(id: u32) -> Option<&'static str> {
    Some(match id {
        0x0000_0001 => "Bind_receiver",
        0x0000_0002 => "Bind_transmitter",
        0x0000_0003 => "Query_sm",
        0x0000_0004 => "Submit_sm",
        0x0000_0005 => "Deliver_sm",
        0x0000_0006 => "Unbind",
        0x0000_0007 => "Replace_sm",
        0x0000_0008 => "Cancel_sm",
        0x0000_0009 => "Bind_transceiver",
        0x0000_000b => "Outbind",
        0x0000_0015 => "Enquire_link",
        0x0000_0021 => "Submit_multi",
        0x0000_0102 => "Alert_notification",
        0x0000_0103 => "Data_sm",
        0x0000_0111 => "Broadcast_sm",
        0x0000_0112 => "Query_broadcast_sm",
        0x0000_0113 => "Cancel_broadcast_sm",
        0x8000_0000 => "Generic_nack",
        0x8000_0001 => "Bind_receiver - resp",
        0x8000_0002 => "Bind_transmitter - resp",
        0x8000_0003 => "Query_sm - resp",
        0x8000_0004 => "Submit_sm - resp",
        0x8000_0005 => "Deliver_sm - resp",
        0x8000_0006 => "Unbind - resp",
        0x8000_0007 => "Replace_sm - resp",
        0x8000_0008 => "Cancel_sm - resp",
        0x8000_0009 => "Bind_transceiver - resp",
        0x8000_0015 => "Enquire_link - resp",
        0x8000_0021 => "Submit_multi - resp",
        0x8000_0103 => "Data_sm - resp",
        0x8000_0111 => "Broadcast_sm - resp",
        0x8000_0112 => "Query_broadcast_sm - resp",
        0x8000_0113 => "Cancel_broadcast_sm - resp",
        _ => return None,
    })
}

/// The record's kind by its type octet (RFC 8446 section 5.1, RFC 5246 section 6.2.1).
const fn tls_content(kind: u8) -> Option<&'static str> {
    Some(match kind {
        20 => "Change Cipher Spec",
        21 => "Alert",
        22 => "Handshake",
        23 => "Application Data",
        _ => return None,
    })
}

fn tls_type(octets: &[u8]) -> Option<&'static str> {
    tls_content(*octets.first()?)
}

/// Whether the octets start with a TLS record header: a known type, version 3.0 to 3.4, and a
/// length that a record may have.
#[must_use]
pub fn is_tls(octets: &[u8]) -> bool {
    const MAX_RECORD: u16 = (1 << 14) + 2048;
    let Some([kind, 3, 0..=4, high, low]) = octets.get(..TLS_HEADER_LEN) else {
        return false;
    };
    let length = u16::from_be_bytes([*high, *low]);
    tls_content(*kind).is_some() && (1..=MAX_RECORD).contains(&length)
}

/// What a TLS record at the start of `octets` is: its content, or the kind of its handshake
/// message (RFC 8446 section 4).
#[must_use]
pub fn tls_record(octets: &[u8]) -> Option<&'static str> {
    if !is_tls(octets) {
        return None;
    }
    let content = tls_type(octets)?;
    Some(match (content, octets.get(TLS_HEADER_LEN)) {
        ("Handshake", Some(kind)) => match kind {
            0 => "Hello Request",
            1 => "Client Hello",
            2 => "Server Hello",
            4 => "New Session Ticket",
            8 => "Encrypted Extensions",
            11 => "Certificate",
            12 => "Server Key Exchange",
            13 => "Certificate Request",
            14 => "Server Hello Done",
            15 => "Certificate Verify",
            16 => "Client Key Exchange",
            20 => "Finished",
            _ => "Encrypted Handshake Message",
        },
        _ => content,
    })
}

/// How an HTTP/1 request or response starts (RFC 9112 sections 3 and 4).
pub const HTTP_STARTS: [&[u8]; 10] = [
    b"GET ",
    b"HEAD ",
    b"POST ",
    b"PUT ",
    b"DELETE ",
    b"CONNECT ",
    b"OPTIONS ",
    b"TRACE ",
    b"PATCH ",
    b"HTTP/1.",
];

/// Whether the octets start with an HTTP/1 request or status line.
#[must_use]
pub fn is_http(octets: &[u8]) -> bool {
    HTTP_STARTS.iter().any(|start| octets.starts_with(start))
}

/// The first line of an HTTP/1 message, at most 80 octets of it.
#[must_use]
pub fn http_line(octets: &[u8]) -> Option<&[u8]> {
    const SHOWN: usize = 80;
    if !is_http(octets) {
        return None;
    }
    let shown = &octets[..octets.len().min(SHOWN)];
    let end = shown
        .iter()
        .position(|octet| *octet == b'\r' || *octet == b'\n');
    Some(&shown[..end.unwrap_or(shown.len())])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn smpp(length: u32, id: u32, status: u32, sequence: u32) -> Vec<u8> {
        [length, id, status, sequence]
            .iter()
            .flat_map(|word| word.to_be_bytes())
            .collect()
    }

    fn request() -> Vec<u8> {
        let mut octets = vec![0, 0, 0, 58, 0, 0, 0, 1];
        octets.extend_from_slice(b"alice");
        octets.resize(58, 0);
        octets[28] = b'p';
        octets
    }

    #[test]
    fn smpp_is_never_claimed_even_on_a_watched_port() {
        for id in 1..=9 {
            let octets = smpp(58, id, 0, 1);
            assert_eq!(identify(&octets, true, false), Verdict::Is(Protocol::Smpp));
        }
        let response = smpp(16, 0x8000_0001, 0x0d, 1);
        assert_eq!(
            identify(&response, true, false),
            Verdict::Is(Protocol::Smpp)
        );
    }

    #[test]
    fn reglogin_is_found_on_any_port() {
        let octets = request();
        assert_eq!(
            identify(&octets, false, false),
            Verdict::Is(Protocol::RegLogin)
        );
        for end in 0..octets.len() {
            assert_eq!(
                identify(&octets[..end], false, false),
                Verdict::Unsure,
                "{end}"
            );
        }
    }

    #[test]
    fn on_a_watched_port_sixteen_octets_are_enough() {
        let octets = request();
        assert_eq!(identify(&octets[..15], true, false), Verdict::Unsure);
        assert_eq!(
            identify(&octets[..16], true, false),
            Verdict::Is(Protocol::RegLogin)
        );
        assert_eq!(
            identify(&octets[..5], true, true),
            Verdict::Is(Protocol::RegLogin)
        );
    }

    #[test]
    fn tls_and_http_are_named() {
        let hello = [22, 3, 1, 0, 100, 1, 0];
        assert_eq!(identify(&hello, true, false), Verdict::Is(Protocol::Tls));
        assert_eq!(tls_record(&hello), Some("Client Hello"));
        let get = b"GET / HTTP/1.1\r\nHost: a\r\n";
        assert_eq!(identify(get, true, false), Verdict::Is(Protocol::Http));
        assert_eq!(http_line(get), Some(&b"GET / HTTP/1.1"[..]));
        assert_eq!(identify(b"GE", true, false), Verdict::Unsure);
    }

    #[test]
    fn other_content_on_another_port_is_data() {
        assert_eq!(
            identify(b"\xff\xfe", false, false),
            Verdict::Is(Protocol::Data)
        );
        assert_eq!(
            identify(b"\xff\xfe", true, false),
            Verdict::Is(Protocol::RegLogin)
        );
    }

    fn near_miss() -> impl Strategy<Value = Vec<u8>> {
        let length = prop_oneof![Just(58u32), Just(73), 0..100u32];
        let id = prop_oneof![0..6u32, any::<u32>()];
        let body = proptest::collection::vec(prop_oneof![3 => Just(0u8), 1 => any::<u8>()], 0..70);
        (length, id, body).prop_map(|(length, id, body)| {
            let mut octets = length.to_be_bytes().to_vec();
            octets.extend(id.to_be_bytes());
            octets.extend(body);
            octets.resize(length as usize, 0);
            octets
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]
        #[test]
        fn no_octets_are_strictly_both(octets in near_miss()) {
            prop_assert!(!(is_strict(&octets) && is_smpp(&octets)));
        }

        #[test]
        fn any_octets_get_a_verdict(octets in proptest::collection::vec(any::<u8>(), 0..100), watched: bool) {
            prop_assert_ne!(identify(&octets, watched, true), Verdict::Unsure);
        }
    }
}
