//! Capture files of every kind, written by the tests byte by byte, are read as tshark reads them.

use std::path::Path;

use crate::built::{BIG, LITTLE, octets, read, saved};
use crate::kept::answer_of;
use crate::tshark::Tshark;
use authscope::capture::ReadOptions;

/// A capture and how it ends: well, or with an error whose text holds the words.
struct Case {
    name: &'static str,
    file: Vec<u8>,
    ends: Option<&'static str>,
}

// A table, however long.
#[allow(clippy::too_many_lines)]
fn cases() -> Vec<Case> {
    let frame = octets(61);
    let mut cases = Vec::new();
    let mut add = |name, parts: &[Vec<u8>], ends: Option<&'static str>| {
        cases.push(Case {
            name,
            file: parts.concat(),
            ends,
        });
    };
    for (build, names) in [
        (
            LITTLE,
            ["micro-le.pcap", "nano-le.pcap", "modified-le.pcap"],
        ),
        (BIG, ["micro-be.pcap", "nano-be.pcap", "modified-be.pcap"]),
    ] {
        for (name, magic, extra) in [
            (names[0], 0xa1b2_c3d4, 0),
            (names[1], 0xa1b2_3c4d, 0),
            (names[2], 0xa1b2_cd34, 8),
        ] {
            let extra = vec![0; extra];
            add(
                name,
                &[
                    build.pcap(magic, 1),
                    build.record((1_700_000_000, 999_999), 61, 61, &extra, &frame),
                    build.record((u32::MAX, 0), 61, 1500, &extra, &frame),
                    build.record((5, 1), 0, 0, &extra, &[]),
                    build.record((5, 1), 61, 20, &extra, &frame),
                ],
                None,
            );
        }
    }
    let pcap = LITTLE.pcap(0xa1b2_c3d4, 1);
    let record = LITTLE.record((1, 2), 61, 61, &[], &frame);
    add("empty-le.pcap", std::slice::from_ref(&pcap), None);
    add(
        "fcs.pcap",
        &[LITTLE.pcap(0xa1b2_c3d4, 0x2400_0001), record.clone()],
        None,
    );
    add(
        "reserved.pcap",
        &[LITTLE.pcap(0xa1b2_c3d4, 0x0001_0001), record.clone()],
        Some("damaged at byte 20: link type 0x00010001"),
    );
    add(
        "half-header.pcap",
        &[pcap[..20].to_vec()],
        Some("damaged at byte 0: cut off inside the file header: 20 of its 24 bytes"),
    );
    add(
        "cut-frame.pcap",
        &[pcap.clone(), record.clone(), record[..30].to_vec()],
        Some("damaged at byte 101: cut off inside a frame: 14 of its 61 bytes are there"),
    );
    add(
        "cut-record.pcap",
        &[pcap.clone(), record.clone(), record[..10].to_vec()],
        Some("damaged at byte 101: cut off inside a frame's header: 10 of its 16 bytes are there"),
    );
    let large = octets(262_145);
    let exact = LITTLE.record((2, 2), 262_144, 262_144, &[], &large[..262_144]);
    let beyond = LITTLE.record((2, 2), 262_145, 262_145, &[], &large);
    add(
        "largest.pcap",
        &[pcap.clone(), record.clone(), exact, record.clone()],
        None,
    );
    add(
        "too-large.pcap",
        &[pcap.clone(), record.clone(), beyond.clone(), record.clone()],
        Some("damaged at byte 109: a frame of 262145 captured bytes, more than the 262144"),
    );
    add(
        "usb.pcap",
        &[LITTLE.pcap(0xa1b2_c3d4, 249), beyond, record.clone()],
        None,
    );
    add(
        "minus-one.pcap",
        &[
            pcap,
            record.clone(),
            LITTLE.record((2, 2), u32::MAX, 61, &[], &frame),
        ],
        Some("a frame of 4294967295 captured bytes"),
    );
    for (build, name) in [(LITTLE, "kinds-le.pcapng"), (BIG, "kinds-be.pcapng")] {
        let comment = build.option(1, b"a comment");
        let mut simple = build.word(100).to_vec();
        simple.extend(&frame[..50]);
        let mut obsolete = build.half(0).to_vec();
        obsolete.extend(build.half(7));
        obsolete.extend(build.words(&[0, 7_000_000, 61, 62]));
        obsolete.extend(&frame);
        add(
            name,
            &[
                build.section(),
                build.interface(1, 50, &build.option(2, b"eth0")),
                build.block(4, &build.words(&[0])),
                build.enhanced(0, 5_000_000, 61, &frame, &comment),
                build.block(0x0000_7777, b"unknown"),
                build.block(2, &obsolete),
                build.block(3, &simple),
                build.enhanced(0, 6_000_000, 61, &frame, &[]),
                build.block(5, &build.words(&[0, 0, 6_000_000])),
            ],
            None,
        );
    }
    for (resolution, units, name) in [
        (0u8, 1_700_000_000u64, "seconds.pcapng"),
        (3, 1_700_000_000_123, "milli.pcapng"),
        (9, 1_700_000_000_123_456_789, "nano.pcapng"),
        // tshark 4.0 loses the carry of larger picosecond fractions.
        (12, 1_234_567_000_000_012_345, "pico.pcapng"),
        (0x8a, (1_700_000_000 << 10) + 1023, "binary.pcapng"),
        (0xa0, (1_700_000_000 << 32) + 12345, "binary32.pcapng"),
    ] {
        let mut options = LITTLE.option(9, &[resolution]);
        options.extend(LITTLE.option(14, &(-100i64).to_le_bytes()));
        options.extend(LITTLE.option(0, &[]));
        add(
            name,
            &[
                LITTLE.section(),
                LITTLE.interface(1, 0, &options),
                LITTLE.enhanced(0, units, 61, &frame, &[]),
            ],
            None,
        );
    }
    let start = [LITTLE.section(), LITTLE.interface(1, 0, &[])].concat();
    let packet = LITTLE.enhanced(0, 5, 61, &frame, &[]);
    add("no-frames.pcapng", std::slice::from_ref(&start), None);
    add(
        "sections.pcapng",
        &[
            start.clone(),
            packet.clone(),
            BIG.section(),
            BIG.interface(0, 0, &[]),
            BIG.interface(113, 0, &BIG.option(9, &[9])),
            BIG.enhanced(1, 6_000_000_001, 61, &frame, &[]),
            BIG.enhanced(0, 6_000_001, 61, &frame, &[]),
            LITTLE.section(),
            LITTLE.interface(101, 0, &[]),
            packet.clone(),
        ],
        None,
    );
    let mut unpadded = LITTLE.words(&[0x7777, 15]);
    unpadded.extend(b"abc\0");
    unpadded.extend(LITTLE.word(15));
    add(
        "unpadded.pcapng",
        &[start.clone(), packet.clone(), unpadded, packet.clone()],
        None,
    );
    let mut version = LITTLE.section();
    version[14] = 2;
    add(
        "version-1.2.pcapng",
        &[version.clone(), start[28..].to_vec(), packet.clone()],
        None,
    );
    version[14] = 1;
    add(
        "version-1.1.pcapng",
        &[version, packet.clone()],
        Some("pcapng version 1.1"),
    );
    add(
        "cut-block.pcapng",
        &[start.clone(), packet.clone(), packet[..40].to_vec()],
        Some(
            "damaged at byte 144: cut off inside a block of type 0x6: 40 of its 96 bytes are there",
        ),
    );
    add(
        "cut-header.pcapng",
        &[start.clone(), packet.clone(), packet[..5].to_vec()],
        Some("damaged at byte 144: cut off inside a block's header: 5 of its 8 bytes are there"),
    );
    add(
        "no-interface.pcapng",
        &[LITTLE.section(), packet.clone()],
        Some("damaged at byte 36: a frame of interface 0, but the section has told 0 so far"),
    );
    add(
        "other-interface.pcapng",
        &[
            start.clone(),
            packet.clone(),
            LITTLE.enhanced(1, 5, 61, &frame, &[]),
        ],
        Some("damaged at byte 152: a frame of interface 1, but the section has told 1 so far"),
    );
    add(
        "too-short.pcapng",
        &[
            start.clone(),
            packet.clone(),
            LITTLE.enhanced(0, 5, 66, &frame, &[]),
            packet.clone(),
        ],
        Some(
            "damaged at byte 164: a block of 96 bytes is too short for a frame of 66 captured bytes",
        ),
    );
    add(
        "too-large.pcapng",
        &[
            start.clone(),
            packet.clone(),
            LITTLE.enhanced(0, 5, 262_145, &large, &[]),
        ],
        Some("damaged at byte 164: a frame of 262145 captured bytes"),
    );
    let mut mismatch = packet.clone();
    let last = mismatch.len() - 4;
    mismatch[last] = 4;
    add(
        "mismatch.pcapng",
        &[start.clone(), packet.clone(), mismatch, packet.clone()],
        Some(
            "damaged at byte 236: a block of type 0x6 says 96 bytes at its start and 4 at its end",
        ),
    );
    add(
        "zeros.pcapng",
        &[start.clone(), packet.clone(), vec![0; 16]],
        Some("damaged at byte 148: a block of 0 bytes, type 0x0, which has at least 12"),
    );
    add(
        "unbelievable.pcapng",
        &[
            start.clone(),
            packet.clone(),
            LITTLE.words(&[0x7777, 0x7fff_ff00, 0]),
        ],
        Some("a block of 2147483392 bytes, type 0x7777, more than the 134348832"),
    );
    add(
        "simple-first.pcapng",
        &[LITTLE.section(), LITTLE.block(3, &LITTLE.words(&[4, 0]))],
        Some("before any interface of its section"),
    );
    cases
}

/// What tshark lists of a file, which is always the same.
fn listed(tshark: &Tshark, name: &str, path: &Path) -> String {
    let fields = [
        "frame.number",
        "frame.time_epoch",
        "frame.len",
        "frame.cap_len",
    ];
    let mut arguments = vec!["-n", "-T", "fields"];
    for field in fields {
        arguments.extend(["-e", field]);
    }
    answer_of(name, path, &arguments, || {
        tshark.ask(path, &arguments, None)
    })
}

#[test]
fn every_kind_is_read_as_tshark_reads_it() {
    let Some(tshark) = Tshark::find() else { return };
    let folder = tempfile::tempdir().unwrap();
    for case in cases() {
        let path = saved(folder.path(), case.name, &case.file);
        for keep in [false, true] {
            let (frames, error) = read(&path, ReadOptions { keep });
            match (case.ends, &error) {
                (None, None) => {}
                (Some(words), Some(error)) => {
                    assert!(error.contains(words), "{}: {error}", case.name);
                }
                _ => panic!("{}: ended with {error:?}, not {:?}", case.name, case.ends),
            }
            if keep {
                continue;
            }
            let theirs = listed(&tshark, case.name, &path);
            // tshark leaves the time of a simple packet block open.
            let same = frames.lines().count() == theirs.lines().count()
                && frames.lines().zip(theirs.lines()).all(|(ours, theirs)| {
                    let (mut ours, theirs): (Vec<_>, Vec<_>) =
                        (ours.split('\t').collect(), theirs.split('\t').collect());
                    if theirs[1].is_empty() {
                        ours[1] = "";
                    }
                    ours == theirs
                });
            assert!(same, "{}:\nours\n{frames}\ntshark\n{theirs}", case.name);
        }
    }
}
