//! Builds captures byte by byte for tests, and reads them back as lines.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use authscope::capture::{Batch, FrameSource, ReadOptions, SourceError, open};

/// Builds captures byte by byte, in one byte order.
#[derive(Clone, Copy)]
pub struct Build {
    pub big: bool,
}

pub const LITTLE: Build = Build { big: false };
pub const BIG: Build = Build { big: true };

impl Build {
    pub fn half(self, n: u16) -> [u8; 2] {
        if self.big {
            n.to_be_bytes()
        } else {
            n.to_le_bytes()
        }
    }

    pub fn word(self, n: u32) -> [u8; 4] {
        if self.big {
            n.to_be_bytes()
        } else {
            n.to_le_bytes()
        }
    }

    pub fn words(self, numbers: &[u32]) -> Vec<u8> {
        numbers.iter().flat_map(|&n| self.word(n)).collect()
    }

    pub fn pcap(self, magic: u32, link: u32) -> Vec<u8> {
        let mut file = self.word(magic).to_vec();
        file.extend(self.half(2));
        file.extend(self.half(4));
        file.extend(self.words(&[0, 0, 65535, link]));
        file
    }

    pub fn record(
        self,
        time: (u32, u32),
        captured: u32,
        wire: u32,
        extra: &[u8],
        octets: &[u8],
    ) -> Vec<u8> {
        let mut record = self.words(&[time.0, time.1, captured, wire]);
        record.extend(extra);
        record.extend(octets);
        record
    }

    pub fn block(self, kind: u32, body: &[u8]) -> Vec<u8> {
        let length = 12 + body.len().next_multiple_of(4);
        let mut block = self.words(&[kind, length as u32]);
        block.extend(body);
        block.resize(length - 4, 0);
        block.extend(self.word(length as u32));
        block
    }

    pub fn section(self) -> Vec<u8> {
        let mut body = self.word(0x1a2b_3c4d).to_vec();
        body.extend(self.half(1));
        body.extend(self.half(0));
        body.extend([0xff; 8]);
        self.block(0x0a0d_0d0a, &body)
    }

    pub fn option(self, code: u16, value: &[u8]) -> Vec<u8> {
        let mut option = self.half(code).to_vec();
        option.extend(self.half(value.len() as u16));
        option.extend(value);
        option.resize(option.len().next_multiple_of(4), 0);
        option
    }

    pub fn interface(self, link: u16, snaplen: u32, options: &[u8]) -> Vec<u8> {
        let mut body = self.half(link).to_vec();
        body.extend([0, 0]);
        body.extend(self.word(snaplen));
        body.extend(options);
        self.block(1, &body)
    }

    pub fn enhanced(
        self,
        interface: u32,
        units: u64,
        captured: u32,
        octets: &[u8],
        options: &[u8],
    ) -> Vec<u8> {
        let (high, low) = ((units >> 32) as u32, units as u32);
        let mut body = self.words(&[interface, high, low, captured, octets.len() as u32]);
        body.extend(octets);
        body.resize(body.len().next_multiple_of(4), 0);
        body.extend(options);
        self.block(6, &body)
    }
}

/// A byte string that is a frame of no known protocol on most link types.
pub fn octets(length: usize) -> Vec<u8> {
    (0..length).map(|n| (n % 251) as u8).collect()
}

/// A capture with a block of every kind and options with numbers in them.
pub fn rich(build: Build) -> Vec<u8> {
    let frame = octets(61);
    let long = |n: u64| {
        if build.big {
            n.to_be_bytes()
        } else {
            n.to_le_bytes()
        }
    };
    let end = build.option(0, &[]);
    let mut section = build.word(0x1a2b_3c4d).to_vec();
    section.extend(build.half(1));
    section.extend(build.half(0));
    section.extend([0xff; 8]);
    section.extend(build.option(2, b"some hardware"));
    section.extend(build.option(3, b"some system"));
    section.extend(build.option(4, b"another program"));
    section.extend(build.option(1, b"about the section"));
    section.extend(&end);
    let mut first = build.option(2, b"eth0");
    first.extend(build.option(3, b"the first"));
    first.extend(build.option(8, &long(1_000_000_000)));
    first.extend(build.option(9, &[9]));
    first.extend(build.option(14, &long(1_000_000)));
    first.extend(&end);
    let mut second = build.option(2, b"wlan0");
    second.extend(build.option(9, &[0x94]));
    second.extend(&end);
    let mut names = build.half(1).to_vec();
    names.extend(build.half(14));
    names.extend([192, 0, 2, 1]);
    names.extend(b"host.test\0\0\0");
    names.extend([0; 4]);
    let secret = b"CLIENT_RANDOM 00 11\n";
    let mut secrets = build.words(&[0x544c_534b, secret.len() as u32]);
    secrets.extend(secret);
    let mut frame_options = build.option(2, &build.word(1));
    frame_options.extend(build.option(4, &long(3)));
    frame_options.extend(build.option(1, b"about the frame"));
    frame_options.extend(&end);
    let mut statistics = build.words(&[1, 0, 6_000_000]);
    statistics.extend(build.option(4, &long(77)));
    statistics.extend(&end);
    [
        build.block(0x0a0d_0d0a, &section),
        build.interface(1, 262_144, &first),
        build.interface(101, 0, &second),
        build.block(10, &secrets),
        build.block(4, &names),
        build.enhanced(0, 5_000_000_123, 61, &frame, &frame_options),
        build.block(0x0000_7777, b"unknown!"),
        build.enhanced(1, 5 << 20, 61, &frame, &[]),
        build.block(0x0000_0bad, &[&build.word(32473)[..], b"ours"].concat()),
        build.enhanced(0, 6_000_000_456, 61, &frame, &build.option(1, b"no end")),
        build.block(5, &statistics),
    ]
    .concat()
}

/// What is read from a source: a line a frame as tshark's fields have it, and the error.
pub fn lines(source: &mut dyn FrameSource) -> (String, Option<SourceError>) {
    let (mut text, mut batch) = (String::new(), Batch::default());
    loop {
        let outcome = source.fill(&mut batch);
        for frame in batch.frames() {
            assert_eq!(frame.octets.len(), frame.header.captured as usize);
            writeln!(
                text,
                "{}\t{}\t{}\t{}",
                frame.number, frame.header.time, frame.header.wire, frame.header.captured
            )
            .unwrap();
        }
        match outcome {
            Ok(true) => {}
            Ok(false) => return (text, None),
            Err(error) => {
                assert!(!source.fill(&mut batch).unwrap(), "more after an error");
                return (text, Some(error));
            }
        }
    }
}

/// The same of a file, and what was said of it if it could not be opened.
pub fn read(path: &Path, options: ReadOptions) -> (String, Option<String>) {
    match open(path, options) {
        Ok(mut source) => {
            let (text, error) = lines(&mut source);
            (text, error.map(|e| e.to_string()))
        }
        Err(error) => (String::new(), Some(error.error.to_string())),
    }
}

pub fn saved(folder: &Path, name: &str, octets: &[u8]) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, octets).unwrap();
    path
}
