//! Which protocol a stream speaks: by its content first and by its port second.

use super::http::{HTTP_STARTS, is_http};
use super::protocol::Protocol;
use super::smpp::{SMPP_HEADER_LEN, is_smpp};
use super::tls::{TLS_HEADER_LEN, is_tls, tls_type};
use crate::protocol::{is_header, is_strict};

/// Octets at the start of a direction after which the protocol can always be told.
pub const ENOUGH: usize = SMPP_HEADER_LEN;

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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::dissect::http::http_line;
    use crate::dissect::tls::tls_record;

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
