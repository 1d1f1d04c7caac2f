//! Gaps, and captures that begin in mid-connection.

use super::*;

/// All bytes of one side.
fn stream(wire: &Wire, of: Side) -> Vec<u8> {
    let own = wire.flights.iter().filter(|(from, _)| *from == of);
    own.flat_map(|(_, bytes)| bytes.clone()).collect()
}

#[test]
fn goes_on_behind_a_gap_wherever_it_is() {
    for suite in suites() {
        let ends = Ends::new(&Options::suite(suite));
        let mut wire = ends.connect();
        wire.carry();
        for round in 0..40u8 {
            wire.say(CLIENT, &[round; 58]);
        }
        let all_bytes = stream(&wire, CLIENT);
        let server = stream(&wire, SERVER);
        let hello = Header::read(&all_bytes).unwrap().record_len();
        for gap in [1, 20, 70, 100, 500] {
            for start in (hello..all_bytes.len() - 1200).step_by(41) {
                let mut reading = Reading::new(&ends.keys());
                reading.push(CLIENT, &all_bytes[..hello]);
                reading.push(SERVER, &server);
                reading.push(CLIENT, &all_bytes[hello..start]);
                reading.gap(CLIENT, gap);
                for piece in all_bytes[start + gap..].chunks(58 + 22) {
                    reading.push(CLIENT, piece);
                }
                let seen = reading.seen;
                assert_eq!(seen.problems, [], "{suite:?} {start}+{gap}");
                let content = &seen.content[0];
                let missing = wire.sent[0].len() - content.len();
                // Messages in the gap, one more at each end, and one that shows the next header.
                assert!(
                    missing <= gap + 3 * 58,
                    "{suite:?} {start}+{gap}: {missing} missing"
                );
                let lost: u64 = seen.lost.iter().map(|(_, bytes)| bytes).sum();
                // A gap in handshake messages loses bytes that are not content.
                if start > hello + 400 {
                    assert!(
                        lost.abs_diff(missing as u64) <= 3,
                        "{suite:?} {start}+{gap}: {lost} of {missing}"
                    );
                }
            }
        }
    }
}

#[test]
fn starts_in_the_middle_with_tls_1_3() {
    for suite in suites().filter(|suite| suite.version() == &version::TLS13) {
        let ends = Ends::new(&Options::suite(suite));
        for _ in 0..5 {
            ends.connect().talk();
        }
        let mut wire = ends.connect();
        wire.talk();
        wire.update_keys(CLIENT);
        let before = wire.flights.len();
        let sent = wire.sent.each_ref().map(Vec::len);
        wire.talk();
        let mut reading = Reading::of(decryptor(&ends.keys()), [false; 2], SERVER);
        reading.push_all(&wire.flights[before..]);
        let seen = reading.seen;
        assert_eq!(seen.problems, []);
        for (content, (all, before)) in seen.content.iter().zip(wire.sent.iter().zip(sent)) {
            assert!(content == &all[before..], "{suite:?}");
        }
    }
}

/// If more records were lost than sequence numbers are tried, this is reported once, and decryption is given up.
#[test]
fn a_gap_beyond_the_limit_is_reported() {
    let (ends, mut wire) = spoken(&Options::version(&version::TLS13));
    let before = wire.flights.len();
    for _ in 0..1200 {
        wire.say(CLIENT, &[1; 58]);
    }
    let lost = wire.flights[before..].iter().map(|(_, bytes)| bytes.len());
    let lost = lost.sum();
    let behind = wire.flights.len();
    // Large ones, so that the limit on attempts is reached soon.
    for _ in 0..20 {
        wire.say(CLIENT, &[2; 16_000]);
    }
    let mut reading = Reading::new(&ends.keys());
    reading.push_all(&wire.flights[..before]);
    reading.gap(CLIENT, lost);
    reading.push_all(&wire.flights[behind..]);
    reading.end();
    let seen = reading.seen;
    assert_reported!(seen, Problem::OutOfStep { .. });
    assert!(seen.content[0] == [0, 1, 2].map(|round| [round; 58]).concat());
}

#[test]
fn one_direction_alone_says_what_is_missing() {
    for suite in suites() {
        let (ends, wire) = spoken(&Options::suite(suite));
        for side in [CLIENT, SERVER] {
            let from_start = [side == CLIENT, side == SERVER];
            let mut reading = Reading::of(decryptor(&ends.keys()), from_start, CLIENT);
            reading.push_all(wire.flights.iter().filter(|(from, _)| *from == side));
            reading.end();
            let (seen, index) = (reading.seen, side.index());
            // A ServerHello names the suite, and TLS 1.2's secrets can be tried without the other direction.
            if seen.problems.is_empty() {
                assert!(
                    seen.content[index] == wire.sent[index],
                    "{suite:?} {side:?}"
                );
            } else {
                assert_eq!(side, CLIENT);
                assert_eq!(seen.problems, [Problem::NoServerHello], "{suite:?}");
                assert!(seen.content[index].is_empty());
            }
        }
    }
}
