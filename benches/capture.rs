//! Measures how fast frames are read from files in the page cache. Items are frames.

#![allow(clippy::cast_possible_truncation, reason = "numbers of its own making")]

use std::io::Write;

use authscope::capture::{Batch, FrameSource, ReadOptions, open};
use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};

/// Frames in each file.
const FRAMES: u32 = 500_000;

/// Bytes of each frame: about a TCP acknowledgement with its headers.
const CAPTURED: u32 = 80;

fn main() {
    divan::main();
}

fn pcap() -> Vec<u8> {
    let mut file = Vec::new();
    for word in [0xa1b2_c3d4u32, 0x0004_0002, 0, 0, 65535, 0] {
        file.extend(word.to_le_bytes());
    }
    for n in 0..FRAMES {
        for word in [n / 1000, n % 1000, CAPTURED, CAPTURED] {
            file.extend(word.to_le_bytes());
        }
        file.extend([n as u8; CAPTURED as usize]);
    }
    file
}

fn pcapng() -> Vec<u8> {
    let mut file = Vec::new();
    for word in [
        0x0a0d_0d0a,
        28,
        0x1a2b_3c4d,
        1,
        u32::MAX,
        u32::MAX,
        28,
        1,
        20,
        0,
        0,
        20,
    ] {
        file.extend(word.to_le_bytes());
    }
    for n in 0..FRAMES {
        for word in [6, CAPTURED + 32, 0, 0, n, CAPTURED, CAPTURED] {
            file.extend(word.to_le_bytes());
        }
        file.extend([n as u8; CAPTURED as usize]);
        file.extend((CAPTURED + 32).to_le_bytes());
    }
    file
}

fn read(bencher: Bencher<'_, '_>, octets: &[u8], keep: bool) {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(octets).expect("written");
    let mut batch = Batch::default();
    bencher
        .counter(ItemsCount::new(FRAMES))
        .counter(BytesCount::of_slice(octets))
        .bench_local(|| {
            let mut source = open(file.path(), ReadOptions { keep }).expect("opened");
            let mut frames = 0;
            while source.fill(&mut batch).expect("read") {
                frames += batch.headers.len();
                black_box(&batch);
            }
            assert_eq!(frames, FRAMES as usize);
        });
}

#[divan::bench]
fn pcap_plain(bencher: Bencher<'_, '_>) {
    read(bencher, &pcap(), false);
}

#[divan::bench]
fn pcapng_plain(bencher: Bencher<'_, '_>) {
    read(bencher, &pcapng(), false);
}

#[divan::bench]
fn pcapng_kept(bencher: Bencher<'_, '_>) {
    read(bencher, &pcapng(), true);
}

#[divan::bench]
fn pcap_gzip(bencher: Bencher<'_, '_>) {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(&pcap()).expect("compressed");
    read(bencher, &encoder.finish().expect("compressed"), false);
}

#[divan::bench]
fn pcap_zstd(bencher: Bencher<'_, '_>) {
    let octets = zstd::encode_all(pcap().as_slice(), 3).expect("compressed");
    read(bencher, &octets, false);
}

/// `pcap-parser` on bytes in memory, without reading, for comparison.
#[divan::bench]
fn pcap_parser_records(bencher: Bencher<'_, '_>) {
    let octets = pcap();
    bencher.counter(ItemsCount::new(FRAMES)).bench_local(|| {
        let mut rest = &octets[24..];
        while let Ok((after, block)) = pcap_parser::parse_pcap_frame(rest) {
            black_box(block);
            rest = after;
        }
    });
}

/// `pcap-parser` on enhanced packet blocks in memory, for comparison.
#[divan::bench]
fn pcap_parser_blocks(bencher: Bencher<'_, '_>) {
    let octets = pcapng();
    bencher.counter(ItemsCount::new(FRAMES)).bench_local(|| {
        let mut rest = &octets[48..];
        while let Ok((after, block)) = pcap_parser::parse_enhancedpacketblock_le(rest) {
            black_box(block);
            rest = after;
        }
    });
}

/// This library on pcapng in memory.
#[divan::bench]
fn pcapng_memory(bencher: Bencher<'_, '_>) {
    memory(bencher, pcapng());
}

/// This library on pcap in memory.
#[divan::bench]
fn pcap_memory(bencher: Bencher<'_, '_>) {
    memory(bencher, pcap());
}

fn memory(bencher: Bencher<'_, '_>, octets: Vec<u8>) {
    let octets: &'static [u8] = octets.leak();
    let mut batch = Batch::default();
    bencher.counter(ItemsCount::new(FRAMES)).bench_local(|| {
        let mut source =
            authscope::capture::FileSource::from_reader(octets, ReadOptions::default())
                .expect("opened");
        while source.fill(&mut batch).expect("read") {
            black_box(&batch);
        }
    });
}
