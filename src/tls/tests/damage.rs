//! Damaged, truncated and unknown records, and large ones.

use proptest::prelude::*;

use super::*;

#[test]
fn a_damaged_record_is_reported_and_the_next_one_read() {
    let (ends, mut wire) = spoken(&Options::default());
    let mut flights = wire.flights.iter();
    let at = flights.rposition(|(from, _)| *from == CLIENT).unwrap();
    wire.flights[at].1[20] ^= 1;
    wire.say(CLIENT, &[0x77; 58]);
    let (seen, _) = inspect(&ends.keys(), &wire.flights, 100);
    assert_reported!(seen, Problem::BadTag { .. });
    assert_eq!(seen.lost, [(CLIENT, 58)]);
    let expected = [&wire.sent[0][..116], &[0x77; 58]].concat();
    assert!(seen.content[0] == expected);
}

#[test]
fn large_content_in_many_records_and_many_messages_in_one() {
    for max_fragment in [None, Some(64)] {
        let (ends, mut wire) = spoken(&Options {
            max_fragment,
            ..Options::default()
        });
        let large: Vec<u8> = (0..60_000u32)
            .map(|n| ((n * n) >> 7).to_le_bytes()[0])
            .collect();
        wire.say(CLIENT, &large);
        wire.say(SERVER, &large);
        for piece in [1, 1448, 1 << 20] {
            let (seen, _) = inspect(&ends.keys(), &wire.flights, piece);
            assert_decrypted(&wire, &seen);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// Whatever is removed, changed or forged: no panic, each kind of problem once, and no content that was not sent.
    #[test]
    fn damage_is_survived(
        damage in proptest::collection::vec((any::<prop::sample::Index>(), 0..400usize, any::<u8>(), 0..4u8), 0..6),
        piece in 1..3000usize,
        late: bool,
        version in 0..2usize,
    ) {
        thread_local! {
            static WIRES: [(Flights, [Vec<u8>; 2], String); 2] =
                [&version::TLS13, &version::TLS12].map(|version| {
                    let (ends, mut wire) = spoken(&Options::version(version));
                    if version.version == tokio_rustls::rustls::ProtocolVersion::TLSv1_3 {
                        wire.update_keys(CLIENT);
                    }
                    wire.talk();
                    (wire.flights, wire.sent, ends.keys())
                });
        }
        let (mut flights, sent, keys) = WIRES.with(|wires| wires[version].clone());
        let mut gaps = Vec::new();
        for (place, len, value, kind) in damage {
            let flight = place.index(flights.len());
            let bytes = &mut flights[flight].1;
            let at = place.index(bytes.len());
            let end = (at + len).min(bytes.len());
            match kind {
                0 => bytes[at..end].fill(value),
                1 => bytes[at] = value,
                2 => { bytes.truncate(at.max(1)); gaps.push((flight, end - at)); }
                _ => { let copy = bytes[at..end].to_vec(); bytes.extend(copy); }
            }
        }
        let mut reading = Reading::new(if late { "" } else { &keys });
        for (index, (from, bytes)) in flights.iter().enumerate() {
            for piece in bytes.chunks(piece) {
                reading.push(*from, piece);
            }
            for (_, gap) in gaps.iter().filter(|(flight, _)| *flight == index) {
                reading.gap(*from, *gap);
            }
        }
        reading.keys(&keys);
        reading.end();
        let seen = reading.seen;
        for (at, problem) in seen.problems.iter().enumerate() {
            let kind = std::mem::discriminant(problem);
            let others = &seen.problems[..at];
            prop_assert!(others.iter().all(|other| std::mem::discriminant(other) != kind));
        }
        for (content, sent) in seen.content.iter().zip(&sent) {
            // Sequences of whole messages, some of them missing.
            let size = if sent[0] & 0x80 == 0 { 58 } else { 73 };
            for message in content.chunks(size) {
                prop_assert!(sent.chunks(size).any(|other| other == message));
            }
        }
    }

    #[test]
    fn any_bytes_are_survived(
        parts in proptest::collection::vec((any::<bool>(), any::<bool>(), proptest::collection::vec(prop_oneof![3 => any::<u8>(), 1 => Just(3u8), 1 => 20..24u8, 1 => Just(0u8)], 0..100)), 0..30),
        from_start: bool,
    ) {
        let mut reading = Reading::of(decryptor(""), [from_start; 2], CLIENT);
        for (client, gap, bytes) in parts {
            let from = if client { CLIENT } else { SERVER };
            if gap {
                reading.gap(from, bytes.len() + 1);
            } else {
                reading.push(from, &bytes);
            }
        }
        reading.end();
    }
}

/// A record of this type and length, with a body of zeros.
fn record(content: u8, length: u16) -> Vec<u8> {
    let mut bytes = vec![content, 3, 3];
    bytes.extend(length.to_be_bytes());
    bytes.resize(5 + usize::from(length), 0);
    bytes
}

/// Empty and too long records, alerts and unknown types, before, during and after the handshake.
#[test]
fn records_of_every_length_and_type_at_any_place() {
    for version in [&version::TLS13, &version::TLS12] {
        let (ends, wire) = spoken(&Options::version(version));
        for content in [20, 21, 22, 23, 24, 25] {
            for length in [
                0,
                1,
                2,
                16,
                17,
                0x4000,
                0x4000 + 256,
                0x4000 + 2048,
                0x4000 + 2049,
            ] {
                for at in 0..wire.flights.len() {
                    let mut flights = wire.flights.clone();
                    let from = flights[at].0;
                    flights.insert(at, (from, record(content, length)));
                    let (seen, _) = inspect(&ends.keys(), &flights, 4096);
                    let kinds = seen.problems.iter().map(std::mem::discriminant);
                    let mut told: Vec<_> = kinds.collect();
                    told.dedup();
                    assert_eq!(told.len(), seen.problems.len());
                    // It does not affect what the other side sends after the handshake.
                    if at > 6 {
                        let other = 1 - from.index();
                        let same = seen.content[other] == wire.sent[other];
                        assert!(same, "{content} {length} {at}");
                    }
                }
            }
        }
    }
}

/// If the first record under a secret is damaged, the next ones show that the secret is right.
#[test]
fn a_damaged_record_is_distinguished_from_wrong_secrets() {
    for suite in suites() {
        let ends = Ends::new(&Options::suite(suite));
        let mut wire = ends.connect();
        wire.carry();
        let first = wire.flights.len();
        wire.talk();
        for damaged in first..wire.flights.len() {
            let mut flights = wire.flights.clone();
            let (from, bytes) = &mut flights[damaged];
            let (from, last) = (*from, bytes.len() - 1);
            bytes[last] ^= 1;
            let (seen, _) = inspect(&ends.keys(), &flights, 4096);
            let index = from.index();
            let size = [58, 73][index];
            assert!(
                matches!(
                    seen.problems[..],
                    [Problem::BadTag { .. } | Problem::WrongKeys { .. }]
                ),
                "{suite:?} {damaged}: {:?}",
                seen.problems
            );
            assert_eq!(seen.content[index].len(), 2 * size, "{suite:?} {damaged}");
            assert!(seen.content[1 - index] == wire.sent[1 - index]);
            // If no record follows, the secret may be wrong.
            if damaged + 2 < flights.len() {
                assert_reported!(seen, Problem::BadTag { .. });
            }
        }
    }
}
