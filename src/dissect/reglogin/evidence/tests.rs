//! Which bytes are taken for RegLogin and which are not, complete and cut off anywhere.

use proptest::prelude::*;

use super::*;
use crate::dissect::Protocol;
use crate::dissect::identify::{Verdict, identify};
use crate::synth::foreign::openings;

/// What a direction that starts with these segments is identified as on a watched port. Like the dissector, it holds
/// bytes until they are identified, and tries the next segment if they are not.
fn taken_for(segments: &[&[u8]]) -> Verdict {
    let mut held = Vec::new();
    let mut begun = false;
    for segment in segments {
        let mut one_segment = held.is_empty();
        held.extend_from_slice(segment);
        loop {
            match judged(&held, one_segment, false, begun) {
                Verdict::Unsure => break,
                Verdict::Other if one_segment => {
                    held.clear();
                    begun = true;
                    break;
                }
                Verdict::Other => {
                    one_segment = true;
                    held = segment.to_vec();
                }
                known @ Verdict::Is(_) => return known,
            }
        }
    }
    judged(&held, false, true, begun)
}

/// After bytes that proved nothing, only evidence for RegLogin counts.
fn judged(octets: &[u8], one_segment: bool, whole: bool, begun: bool) -> Verdict {
    let opening = Opening {
        octets,
        one_segment,
        whole,
    };
    if begun {
        opening.weigh().into()
    } else {
        identify(opening, true)
    }
}

fn header(length: u32, command: u32, body: &[u8]) -> Vec<u8> {
    [&length.to_be_bytes()[..], &command.to_be_bytes(), body].concat()
}

fn body(name: &[u8], password: &[u8]) -> Vec<u8> {
    let mut octets = vec![0; 50];
    octets[..name.len()].copy_from_slice(name);
    octets[20..20 + password.len()].copy_from_slice(password);
    octets
}

fn claimed(octets: &[u8]) -> bool {
    taken_for(&[octets]) == Verdict::Is(Protocol::RegLogin)
}

#[test]
fn no_opening_of_another_protocol_is_claimed() {
    for (name, octets) in openings() {
        assert!(!claimed(&octets), "{name}");
        for cut in 1..octets.len() {
            let (one, other) = octets.split_at(cut);
            let verdict = taken_for(&[one, other]);
            assert_ne!(
                verdict,
                Verdict::Is(Protocol::RegLogin),
                "{name} cut at {cut}"
            );
        }
        let octet_by_octet: Vec<&[u8]> = octets.chunks(1).collect();
        let verdict = taken_for(&octet_by_octet);
        assert_ne!(
            verdict,
            Verdict::Is(Protocol::RegLogin),
            "{name} byte by byte"
        );
    }
}

#[test]
fn what_is_known_for_sure_is_named() {
    let named = [
        ("SSH", Protocol::Ssh),
        ("HTTP/2", Protocol::Http2),
        ("PROPFIND", Protocol::Http),
        ("RTSP", Protocol::Rtsp),
        ("TLS", Protocol::Tls),
        ("SMPP, sequence 0", Protocol::Smpp),
        ("SMPP answer", Protocol::Smpp),
        ("SMPP generic_nack", Protocol::Smpp),
        ("SMPP vendor", Protocol::Smpp),
    ];
    for (name, protocol) in named {
        let all = openings();
        let (_, octets) = all.iter().find(|(one, _)| *one == name).unwrap();
        assert_eq!(taken_for(&[octets]), Verdict::Is(protocol), "{name}");
    }
}

/// Someone's own protocol, which may contain passwords, is not identified as a known one.
#[test]
fn what_only_resembles_a_known_protocol_is_not_named() {
    let reserved = |command| {
        header(
            44,
            command,
            &[&[0; 4][..], &body(b"alice", b"secret1")[..32]].concat(),
        )
    };
    for octets in [
        b"GET alice secret1\r\n".to_vec(),
        b"POST alice secret1\n".to_vec(),
        b"OPTIONS user=alice password=secret1\r\n".to_vec(),
        b"CONNECT alice secret1\r\n".to_vec(),
        reserved(1),
        reserved(3),
        reserved(9),
    ] {
        assert_eq!(taken_for(&[&octets]), Verdict::Other, "{octets:?}");
        for cut in 1..octets.len() {
            let (one, other) = octets.split_at(cut);
            assert_eq!(
                taken_for(&[one, other]),
                Verdict::Other,
                "{octets:?} cut at {cut}"
            );
        }
    }
}

#[test]
fn damaged_messages_are_claimed() {
    let filled = body(b"alice", b"secret1");
    let digits: Vec<u8> = [
        &[&b"user"[..], &[b'0'; 16]].concat()[..],
        &[&b"password"[..], &[b'0'; 22]].concat(),
    ]
    .concat();
    for body in [&filled, &digits] {
        for length in [0, 7, 8, 50, 57, 59, 60, 62, 66, 73, 100, u32::MAX] {
            for command in [1, 3] {
                let octets = header(length, command, body);
                assert!(claimed(&octets), "{length}/{command}");
            }
        }
        for command in [0, 5, 9, 1 << 24] {
            assert!(claimed(&header(58, command, body)), "58/{command}");
        }
        assert!(claimed(&header(57, 1, &body[..49])), "57 bytes");
        assert!(
            claimed(&header(59, 1, &[body, &b"!"[..]].concat())),
            "59 bytes"
        );
        assert!(claimed(&header(
            58_u32.swap_bytes(),
            1_u32.swap_bytes(),
            body
        )));
        assert!(claimed(&[&b"00580001"[..], body].concat()), "as text");
        assert!(
            claimed(&[&b"0058\0\0\0\x01"[..], body].concat()),
            "length as text"
        );
    }
    for command in [2, 4] {
        assert!(
            claimed(&header(58, command, &filled)),
            "a response's command"
        );
        assert!(
            claimed(&header(73, command, &filled)),
            "a response's header"
        );
    }
    let rubbish = body(b"alice\0xyz", b"secret1\0uvw");
    assert!(
        claimed(&header(57, 1, &rubbish)),
        "the segment shows the size"
    );
    let next = header(58, 1, &filled);
    assert!(
        claimed(&[header(0, 1, &rubbish), next].concat()),
        "a header behind"
    );
    assert!(claimed(&header(58, 3, b"alicesecret1")), "no padding");
    assert!(
        claimed(&header(58, 1, &body(b"", b"secret1"))),
        "an empty name"
    );
}

fn foreign_length() -> impl Strategy<Value = (u32, u32, Vec<u8>)> {
    // Lengths close to RegLogin's are left out: the body would decide, and may be padded like RegLogin's.
    let body = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..40),
        "[ -~]{0,40}".prop_map(String::into_bytes),
        "[a-z]{1,20}\0[a-z]{1,19}\0".prop_map(String::into_bytes),
    ];
    (0..3_u32, 1..5_u32, body)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn random_bytes_are_not_claimed(octets in proptest::collection::vec(any::<u8>(), 0..120), cut: u8) {
        prop_assert!(!claimed(&octets));
        let (one, other) = octets.split_at(usize::from(cut).min(octets.len()));
        prop_assert_ne!(taken_for(&[one, other]), Verdict::Is(Protocol::RegLogin));
    }

    /// The length counts everything, everything except itself, or everything except itself and the command.
    #[test]
    fn a_length_that_agrees_is_another_protocol((counted, command, body) in foreign_length()) {
        let length = 8 + u32::try_from(body.len()).unwrap() - 4 * counted;
        prop_assert!(!claimed(&header(length, command, &body)), "{length}/{command}");
    }

    #[test]
    fn lines_of_text_are_not_claimed(lines in proptest::collection::vec("[ -~]{0,60}\r?\n", 1..4)) {
        let octets = lines.concat().into_bytes();
        prop_assert!(!claimed(&octets));
    }

    /// Any message with correct padding and one wrong number in its header.
    #[test]
    fn one_wrong_number_does_not_hide_a_message(
        name in "[a-z]{1,19}",
        password in "[!-~]{1,29}",
        right in prop_oneof![Just(1_u32), Just(3)],
        length: u32,
        command: u32,
    ) {
        let body = body(name.as_bytes(), password.as_bytes());
        prop_assert!(claimed(&header(length, right, &body)));
        prop_assert!(claimed(&header(58, command, &body)));
    }
}
