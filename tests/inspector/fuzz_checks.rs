//! The checks of the fuzz targets, run on the stored captures, on truncated and damaged copies of them, and on inputs
//! that fuzzing found.

use std::path::Path;

use crate::checks::Piece;
use authscope::stream::Role;
use proptest::prelude::*;

fn captures() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures");
    let entries = std::fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let captures = paths.filter(|path| path.to_string_lossy().contains(".pcap"));
    captures.map(|path| std::fs::read(path).unwrap()).collect()
}

/// A generator that needs no state but a number (Knuth's multiplier).
fn next(seed: &mut u64) -> usize {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
    (*seed >> 33) as usize
}

/// Each stored capture in each form, now one way, now another.
#[test]
fn every_form_takes_every_capture() {
    let mut seed = 3;
    for octets in captures() {
        for form in 0..crate::checks::FORMS {
            crate::checks::in_form(form, next(&mut seed) as u8, &octets);
        }
    }
}

#[test]
fn a_thousand_damaged_captures_end_with_an_answer() {
    let captures = captures();
    let mut seed = 1;
    for round in 0..1000 {
        let mut octets = captures[next(&mut seed) % captures.len()].clone();
        if octets.is_empty() {
            continue;
        }
        for _ in 0..=next(&mut seed) % 4 {
            let at = next(&mut seed) % octets.len();
            octets[at] = next(&mut seed) as u8;
        }
        if round % 3 == 0 {
            octets.truncate(next(&mut seed) % octets.len());
        }
        crate::checks::capture(&octets);
        let form = (next(&mut seed) % usize::from(crate::checks::FORMS)) as u8;
        crate::checks::in_form(form, next(&mut seed) as u8, &octets);
    }
}

#[test]
fn any_records_and_handshakes_of_tls_are_survived() {
    let mut seed = 7;
    for _ in 0..3000 {
        let len = next(&mut seed) % 600;
        let mut octets: Vec<u8> = (0..len).map(|_| next(&mut seed) as u8).collect();
        // Headers of records and of hello messages among them.
        for _ in 0..next(&mut seed) % 6 {
            let at = next(&mut seed) % (len + 1);
            let record = [22, 3, 3, 0, 60, 1, 0, 0, 56, 3, 3];
            let head = [next(&mut seed) as u8 & 15, 80];
            let kind = 20 + (next(&mut seed) % 4) as u8;
            octets.splice(at..at, [&head[..], &[kind], &record[1..]].concat());
        }
        crate::checks::tls(&octets);
    }
}

#[test]
fn every_capture_is_the_same_through_a_pipe() {
    for octets in captures() {
        let sizes = [4, 1, 100, 3, 255];
        crate::checks::pipe(&[&sizes[..], &octets].concat());
    }
}

fn sent(seq: u16, flags: u8, payload: &[u8]) -> Piece {
    Piece {
        from: Role::Client,
        seq,
        ack: None,
        flags,
        missing: 0,
        payload: payload.to_vec(),
    }
}

/// What a fuzzer found for a target, in files that begin with the target's name.
#[test]
fn what_was_found_stays_right() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz_found");
    let mut checked = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let octets = std::fs::read(&path).unwrap();
        match name.split_once('-').unwrap().0 {
            "capture" => crate::checks::capture(&octets),
            "forms" => crate::checks::forms(&octets),
            "frame" => crate::checks::frame(&octets),
            "message" => crate::checks::message(&octets),
            "pipe" => crate::checks::pipe(&octets),
            other => panic!("{other} is no target"),
        }
        checked += 1;
    }
    assert!(checked > 0);
}

/// Once held up the end of a stream for ever.
#[test]
fn a_fin_in_the_middle_of_later_data_ends_the_stream() {
    const FIN: u8 = 1;
    const SYN: u8 = 2;
    crate::checks::segments(&[
        sent(0, SYN, b""),
        sent(5, FIN, b""),
        sent(3, 0, b"0123456789"),
        sent(1, 0, b"01"),
    ]);
}

fn piece() -> impl Strategy<Value = Piece> {
    let payload = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..20),
        (0..58usize, 1..80usize).prop_map(|(from, len)| {
            let mut message = vec![0, 0, 0, 58, 0, 0, 0, 3, b'a'];
            message.resize(58, 0);
            message
                .iter()
                .cycle()
                .skip(from)
                .take(len)
                .copied()
                .collect()
        }),
    ];
    (
        any::<bool>(),
        0..300u16,
        proptest::option::of(0..300u16),
        any::<u8>(),
        0..4u8,
        payload,
    )
        .prop_map(|(client, seq, ack, flags, missing, payload)| Piece {
            from: if client { Role::Client } else { Role::Server },
            seq,
            ack,
            flags: flags & 0x0f,
            missing,
            payload,
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn any_segments_are_taken(pieces in proptest::collection::vec(piece(), 0..12)) {
        crate::checks::segments(&pieces);
    }

    #[test]
    fn any_frame_is_taken(octets in proptest::collection::vec(any::<u8>(), 0..120)) {
        crate::checks::frame(&octets);
    }

    #[test]
    fn any_message_is_taken(octets in proptest::collection::vec(prop_oneof![Just(0u8), any::<u8>()], 0..80)) {
        crate::checks::message(&octets);
    }
}

proptest! {
    #[test]
    fn any_text_is_a_filter_or_an_error_with_a_place(text in any::<String>()) {
        crate::checks::filter(&text);
    }
}

#[test]
fn any_bytes_are_read_by_any_layout() {
    let mut seed = 11;
    for round in 0..4000u32 {
        let len = next(&mut seed) % 200;
        let mut octets: Vec<u8> = (0..len).map(|_| next(&mut seed) as u8 & 7).collect();
        // Headers of the layouts among them.
        for _ in 0..next(&mut seed) % 4 {
            let at = next(&mut seed) % (octets.len() + 1);
            let headers: [&[u8]; 4] = [
                &[0, 0, 0, 58, 0, 0, 0, 1],
                &[0xfe, 0xca, 4, 0, 1, 0, 1, 0],
                &[0xfe, 0xca, 30, 0, 1, 0, 3, 0, 2],
                &[9, b'a', b'b'],
            ];
            octets.splice(at..at, headers[next(&mut seed) % 4].iter().copied());
        }
        octets.insert(0, (round % 3) as u8);
        crate::checks::described(&octets);
    }
}

#[test]
fn a_damaged_layout_file_has_faults_at_places_or_is_one() {
    let mut seed = 3;
    for round in 0..3000 {
        let mut octets = crate::checks::LAYOUTS[round % 3].as_bytes().to_vec();
        for _ in 0..=next(&mut seed) % 4 {
            let at = next(&mut seed) % octets.len();
            octets[at] = b"=[]{}\"'0x9lu \n"[next(&mut seed) % 14];
        }
        crate::checks::layout_file(&octets);
    }
}
