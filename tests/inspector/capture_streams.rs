//! Captures that are compressed, still being written, or in several files.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};

use crate::built::{LITTLE, octets, read, saved};
use authscope::capture::{Batch, FrameSource, ReadOptions, Timestamp, open, open_all};

/// A capture of 3,000 frames, and what is to be read from it.
fn long() -> (Vec<u8>, String) {
    let (mut file, mut text) = (LITTLE.pcap(0xa1b2_3c4d, 1), String::new());
    for n in 0..3000u32 {
        let length = n % 1400;
        let frame = octets(length as usize);
        file.extend(LITTLE.record((n, n), length, length, &[], &frame));
        writeln!(text, "{}\t{n}.{n:09}\t{length}\t{length}", n + 1).unwrap();
    }
    (file, text)
}

#[test]
fn compressed_files_are_read_as_plain_ones() {
    let folder = tempfile::tempdir().unwrap();
    let (plain, expected) = long();
    let gzip = |octets: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(octets).unwrap();
        encoder.finish().unwrap()
    };
    let zstd = |octets: &[u8]| zstd::encode_all(octets, 1).unwrap();
    let (early, late) = plain.split_at(plain.len() / 3);
    for (name, file) in [
        ("plain", plain.clone()),
        ("gzip", gzip(&plain)),
        ("gzip in two members", [gzip(early), gzip(late)].concat()),
        ("zstd", zstd(&plain)),
        ("zstd in two frames", [zstd(early), zstd(late)].concat()),
    ] {
        let path = saved(folder.path(), name, &file);
        let (frames, error) = read(&path, ReadOptions::default());
        assert_eq!(error, None, "{name}");
        assert!(frames == expected, "{name}");
    }
    for (name, file) in [("gzip", gzip(&plain)), ("zstd", zstd(&plain))] {
        let path = saved(folder.path(), name, &file[..file.len() - 100]);
        let (frames, error) = read(&path, ReadOptions::default());
        assert!(
            expected.starts_with(&frames) && !frames.is_empty(),
            "{name}"
        );
        let error = error.unwrap();
        let words = format!("the {name} data ends in the middle");
        assert!(error.contains(&words), "{error}");
        let mut bad = file.clone();
        let last = bad.len() - 3;
        bad[last] ^= 0xff;
        bad[file.len() / 2] ^= 0xff;
        let (_, error) = read(&saved(folder.path(), name, &bad), ReadOptions::default());
        let error = error.unwrap();
        assert!(error.contains("damaged"), "{error}");
        let (_, error) = read(
            &saved(
                folder.path(),
                name,
                &match name {
                    "gzip" => gzip(b"<html>"),
                    _ => zstd(b"<html>"),
                },
            ),
            ReadOptions::default(),
        );
        let error = error.unwrap();
        let words = format!("it looks like {name} data with an HTML page");
        assert!(error.contains(&words), "{error}");
    }
}

#[test]
fn a_pipe_gives_its_frames_as_they_come() {
    let folder = tempfile::tempdir().unwrap();
    let fifo = folder.path().join("fifo");
    assert!(
        Command::new("mkfifo")
            .arg(&fifo)
            .status()
            .unwrap()
            .success()
    );
    let (file, expected) = long();
    // Pieces end anywhere: in the magic number, in headers, in frames.
    let cuts = [2, 20, 24, 30, 50, 5000, 5001, 80_000, file.len() - 1];
    let (go, wait) = mpsc::channel::<()>();
    let writer = std::thread::spawn({
        let (fifo, file) = (fifo.clone(), file.clone());
        move || {
            let mut pipe = std::fs::OpenOptions::new().write(true).open(fifo).unwrap();
            let mut start = 0;
            for cut in cuts {
                pipe.write_all(&file[start..cut]).unwrap();
                start = cut;
                // The rest is written only when every frame so far has been given.
                if cut > 50 {
                    wait.recv().unwrap();
                }
            }
        }
    });
    let whole = |octets: usize| {
        let (mut at, mut frames) = (24, 0usize);
        while at + 16 + (frames % 1400) <= octets {
            at += 16 + frames % 1400;
            frames += 1;
        }
        frames
    };
    let mut source = open(&fifo, ReadOptions::default()).unwrap();
    let (mut batch, mut lines) = (Batch::default(), Vec::new());
    let mut waiting: Vec<usize> = cuts
        .iter()
        .filter(|&&cut| cut > 50)
        .map(|&c| whole(c))
        .collect();
    let error = loop {
        while waiting.first().is_some_and(|&frames| frames == lines.len()) {
            waiting.remove(0);
            go.send(()).unwrap();
        }
        let outcome = source.fill(&mut batch);
        lines.extend(batch.frames().map(|frame| {
            let header = frame.header;
            format!(
                "{}\t{}\t{}\t{}",
                frame.number, header.time, header.wire, header.captured
            )
        }));
        match outcome {
            Ok(true) => {}
            Ok(false) => panic!("the cut was not noticed"),
            Err(error) => break error.to_string(),
        }
    };
    writer.join().unwrap();
    assert!(
        error.contains("cut off inside a frame: 198 of its 199 bytes are there"),
        "{error}"
    );
    assert_eq!(lines.len(), 2999);
    assert!(
        expected
            .lines()
            .zip(&lines)
            .all(|(theirs, ours)| theirs == ours)
    );
}

#[test]
fn several_files_are_merged_by_time_and_damage_is_told_with_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, link, times: &[u32], cut: usize| {
        let mut file = LITTLE.pcap(0xa1b2_c3d4, link);
        for &time in times {
            file.extend(LITTLE.record((time, 0), 4, 4, &[], &octets(4)));
        }
        saved(folder.path(), name, &file[..file.len() - cut])
    };
    let paths = [
        file("a.pcap", 1, &[10, 20, 30], 0),
        file("b.pcap", 101, &[15, 20, 21, 50], 1),
        file("c.pcap", 0, &[], 0),
    ];
    let mut source = open_all(&paths, ReadOptions::default()).unwrap();
    let (mut batch, mut seen, mut errors) = (Batch::default(), Vec::new(), Vec::new());
    loop {
        let outcome = source.fill(&mut batch);
        for frame in batch.frames() {
            let header = frame.header;
            seen.push((
                frame.number,
                header.time.0 / Timestamp::SECOND,
                header.interface,
                header.link.0,
            ));
        }
        match outcome {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) => errors.push(error.to_string()),
        }
    }
    // Interfaces are numbered in the order in which the files were named.
    assert_eq!(
        seen,
        [
            (1, 10, 0, 1),
            (2, 15, 1, 101),
            (3, 20, 0, 1),
            (4, 20, 1, 101),
            (5, 21, 1, 101),
            (6, 30, 0, 1)
        ]
    );
    assert_eq!(
        errors,
        [format!(
            "cannot read {:?}: damaged at byte 84: cut off inside a frame: 3 of its 4 bytes are there",
            paths[1].to_str().unwrap()
        )]
    );
    let missing = folder.path().join("missing.pcap");
    let error = open_all(&[&paths[0], &missing], ReadOptions::default())
        .err()
        .unwrap();
    assert!(
        error
            .to_string()
            .ends_with("missing.pcap\": no such file or directory; is the path right?"),
        "{error}"
    );
    let error = open_all(&[folder.path()], ReadOptions::default())
        .err()
        .unwrap();
    assert!(error.to_string().contains("is a directory"), "{error}");
}

#[test]
fn a_pipe_that_is_waited_for_can_be_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let (file, _) = long();
    let gzip = {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(&file).unwrap();
        encoder.finish().unwrap()
    };
    for (name, file) in [("plain", &file), ("gzip", &gzip)] {
        let fifo = folder.path().join(name);
        assert!(
            Command::new("mkfifo")
                .arg(&fifo)
                .status()
                .unwrap()
                .success()
        );
        let (go, wait) = mpsc::channel::<()>();
        let writer = std::thread::spawn({
            let (fifo, part) = (fifo.clone(), file[..50_000].to_vec());
            move || {
                let mut pipe = std::fs::OpenOptions::new().write(true).open(fifo).unwrap();
                pipe.write_all(&part).unwrap();
                // The pipe stays open, and silent.
                wait.recv().unwrap();
            }
        });
        let mut source = open_all(&[&fifo], ReadOptions::default()).unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        source.stop_on(&stop);
        let (mut batch, mut frames) = (Batch::default(), 0);
        while frames < 100 {
            assert!(source.fill(&mut batch).unwrap());
            frames += batch.headers.len();
        }
        stop.store(true, Ordering::Relaxed);
        // Neither a wait nor a complaint that the last frame is cut off.
        while source.fill(&mut batch).unwrap() {}
        go.send(()).unwrap();
        writer.join().unwrap();
    }
}
