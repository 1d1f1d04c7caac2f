//! A capture that is read and written again keeps everything in it, and tshark shows the same for both.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

use crate::built::{BIG, LITTLE, lines, octets, read, rich, saved};
use crate::need::skip;
use authscope::capture::{
    Batch, CaptureWriter, FrameSource, ReadOptions, RotationLimits, WriteOptions, open, open_all,
};

const KEEP: ReadOptions = ReadOptions { keep: true };

/// Reads a file and writes it, a batch at a time, with a comment on every second frame if asked.
fn copy(source: &mut dyn FrameSource, writer: &mut CaptureWriter, comment: bool) {
    let comments = ["added: \u{fc}ber".to_owned(), "and another".to_owned()];
    let mut batch = Batch::default();
    while source.fill(&mut batch).unwrap() {
        writer
            .write(&batch, |frame| {
                Some(if comment && frame.number % 2 == 0 {
                    &comments[..]
                } else {
                    &[]
                })
            })
            .unwrap();
    }
}

fn rewritten(from: &Path, to: &str, comment: bool) -> PathBuf {
    let to = from.with_file_name(to);
    let mut writer = CaptureWriter::create(&to, &[], &WriteOptions::default()).unwrap();
    copy(&mut open(from, KEEP).unwrap(), &mut writer, comment);
    writer.finish().unwrap();
    to
}

/// The kinds of a little-endian file's blocks.
fn kinds(file: &[u8]) -> Vec<u32> {
    let (mut at, mut kinds) = (0, Vec::new());
    while at < file.len() {
        let word = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().unwrap());
        kinds.push(word(at));
        at += word(at + 4) as usize;
    }
    kinds
}

fn tshark(path: &Path, fields: &[&str]) -> Option<String> {
    let mut command = Command::new("tshark");
    command.args(["-n", "-r"]).arg(path).args(["-T", "fields"]);
    for field in fields {
        command.args(["-e", field]);
    }
    match command.output() {
        Ok(output) => {
            assert!(output.status.success(), "{output:?}");
            Some(String::from_utf8(output.stdout).unwrap())
        }
        Err(error) => {
            skip("tshark", error);
            None
        }
    }
}

#[test]
fn everything_is_passed_on_in_either_byte_order() {
    let folder = tempfile::tempdir().unwrap();
    let little = saved(folder.path(), "little.pcapng", &rich(LITTLE));
    let big = saved(folder.path(), "big.pcapng", &rich(BIG));
    let outputs = [
        rewritten(&little, "from-little.pcapng", false),
        rewritten(&big, "from-big.pcapng", false),
    ];
    let written = std::fs::read(&outputs[0]).unwrap();
    assert_eq!(
        kinds(&written),
        [0x0a0d_0d0a, 1, 1, 10, 4, 6, 0x7777, 6, 0xbad, 6, 5]
    );
    // All numbers that have a byte order were turned: the outputs are the same to the byte.
    assert!(written == std::fs::read(&outputs[1]).unwrap());
    for words in [
        "some hardware",
        "some system",
        "about the section",
        "authscope 0",
        "CLIENT_RANDOM 00 11",
        "host.test",
        "about the frame",
        "no end",
    ] {
        assert!(
            memchr::memmem::find(&written, words.as_bytes()).is_some(),
            "{words}"
        );
    }
    assert!(memchr::memmem::find(&written, b"another program").is_none());
    assert_eq!(read(&little, KEEP), read(&outputs[0], KEEP));
    // What is written is read and written again as it is.
    let again = rewritten(&outputs[0], "again.pcapng", false);
    assert!(written == std::fs::read(again).unwrap());
    let fields = [
        "frame.number",
        "frame.time_epoch",
        "frame.len",
        "frame.cap_len",
        "frame.encap_type",
        "frame.comment",
        "frame.interface_name",
        "frame.interface_description",
        "frame.packet_flags",
        "data.data",
    ];
    let Some(original) = tshark(&big, &fields) else {
        return;
    };
    assert!(
        original.contains("about the frame") && original.contains("wlan0"),
        "{original}"
    );
    for output in &outputs {
        assert_eq!(tshark(output, &fields).unwrap(), original);
    }
}

#[test]
fn a_pcap_file_becomes_pcapng_with_its_clock_and_comments() {
    let folder = tempfile::tempdir().unwrap();
    for (magic, name) in [(0xa1b2_c3d4, "micro"), (0xa1b2_3c4d, "nano")] {
        let mut file = BIG.pcap(magic, 1);
        for n in 1..=4 {
            file.extend(BIG.record((n, 999_999), n, n + 10, &[], &octets(n as usize)));
        }
        let original = saved(folder.path(), &format!("{name}.pcap"), &file);
        let output = rewritten(&original, &format!("{name}.pcapng"), true);
        assert_eq!(read(&original, KEEP), read(&output, KEEP));
        let written = std::fs::read(&output).unwrap();
        assert_eq!(kinds(&written), [0x0a0d_0d0a, 1, 6, 6, 6, 6]);
        let resolution = [9, 0, 1, 0, if name == "nano" { 9 } else { 6 }];
        assert!(memchr::memmem::find(&written, &resolution).is_some());
        let fields = [
            "frame.number",
            "frame.time_epoch",
            "frame.len",
            "frame.cap_len",
        ];
        let Some(theirs) = tshark(&original, &fields) else {
            return;
        };
        assert_eq!(tshark(&output, &fields).unwrap(), theirs);
        assert_eq!(
            tshark(&output, &["frame.comment"]).unwrap(),
            "\nadded: \u{fc}ber,and another\n\nadded: \u{fc}ber,and another\n"
        );
    }
}

#[test]
fn merged_captures_keep_their_interfaces_apart() {
    let folder = tempfile::tempdir().unwrap();
    let paths = [
        saved(folder.path(), "a.pcapng", &rich(BIG)),
        saved(folder.path(), "b.pcapng", &rich(LITTLE)),
    ];
    let output = folder.path().join("merged.pcapng");
    let mut writer = CaptureWriter::create(&output, &paths, &WriteOptions::default()).unwrap();
    copy(&mut open_all(&paths, KEEP).unwrap(), &mut writer, false);
    writer.finish().unwrap();
    let Some(text) = tshark(
        &output,
        &[
            "frame.interface_id",
            "frame.interface_name",
            "frame.comment",
        ],
    ) else {
        return;
    };
    // tshark shows custom blocks as rows without an interface.
    let mut rows: Vec<&str> = text.lines().filter(|row| !row.starts_with('\t')).collect();
    rows.sort_unstable();
    assert_eq!(
        rows,
        [
            "0\teth0\tabout the frame",
            "0\teth0\tno end",
            "1\twlan0\t",
            "2\teth0\tabout the frame",
            "2\teth0\tno end",
            "3\twlan0\t",
        ]
    );
    // The statistics of the second capture's second interface are those of interface 3.
    let written = std::fs::read(&output).unwrap();
    assert_eq!(kinds(&written).iter().filter(|&&kind| kind == 5).count(), 2);
    let statistics = [5u32, 40, 3].map(u32::to_le_bytes).concat();
    assert!(memchr::memmem::find(&written, &statistics).is_some());
}

#[test]
fn only_what_is_chosen_is_written_and_at_once_if_asked() {
    /// What was written so far, to be looked at while the writer lives.
    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Shared {
        fn write(&mut self, octets: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend(octets);
            Ok(octets.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    let folder = tempfile::tempdir().unwrap();
    let path = saved(folder.path(), "all.pcapng", &rich(LITTLE));
    let shared = Shared::default();
    let mut writer = CaptureWriter::to(shared.clone());
    let mut batch = Batch::default();
    assert!(open(&path, KEEP).unwrap().fill(&mut batch).unwrap());
    writer
        .write(&batch, |frame| (frame.number == 2).then_some(&[][..]))
        .unwrap();
    assert!(shared.0.lock().unwrap().is_empty());
    writer.flush().unwrap();
    let written = shared.0.lock().unwrap().clone();
    assert_eq!(
        kinds(&written),
        [0x0a0d_0d0a, 1, 1, 10, 4, 0x7777, 6, 0xbad, 5]
    );
    assert_eq!(writer.frames(), 1);
    let mut source =
        authscope::capture::FileSource::from_reader(std::io::Cursor::new(written), KEEP).unwrap();
    assert_eq!(lines(&mut source).0, "1\t5.000000000\t61\t61\n");

    let empty = folder.path().join("empty.pcapng");
    CaptureWriter::create(&empty, &[], &WriteOptions::default())
        .unwrap()
        .finish()
        .unwrap();
    assert_eq!(read(&empty, KEEP), (String::new(), None));

    let options = WriteOptions {
        packet_buffered: true,
        ..WriteOptions::default()
    };
    let mut writer = CaptureWriter::create(&empty, &[], &options).unwrap();
    writer.write(&batch, |_| Some(&[])).unwrap();
    // It stands beside its place until it is whole.
    let beside = folder.path().join("empty.pcapng.partial");
    assert_eq!(read(&beside, KEEP).0.lines().count(), 3);

    let error = CaptureWriter::create(&path, std::slice::from_ref(&path), &options)
        .err()
        .unwrap();
    assert!(
        error
            .to_string()
            .contains("it is the file that is being read"),
        "{error}"
    );
    let error = CaptureWriter::create(&folder.path().join("no/where"), &[], &options)
        .err()
        .unwrap();
    assert!(
        error
            .to_string()
            .ends_with("no/where\": no such file or directory; is the path right?"),
        "{error}"
    );
}

#[test]
fn a_ring_of_files_each_whole_in_itself() {
    let folder = tempfile::tempdir().unwrap();
    let mut file = rich(LITTLE);
    for n in 0..100u64 {
        file.extend(LITTLE.enhanced(0, 7_000_000_000 + n * 100_000_000, 61, &octets(61), &[]));
    }
    let path = saved(folder.path(), "all.pcapng", &file);
    let run = |name: &str, limits: &str| -> Vec<(String, usize, u64)> {
        let options = WriteOptions {
            rotate: Some(RotationLimits::join([limits]).unwrap()),
            ..WriteOptions::default()
        };
        let inside = folder.path().join(name);
        std::fs::create_dir(&inside).unwrap();
        let mut writer = CaptureWriter::create(&inside.join("ring.pcapng"), &[], &options).unwrap();
        copy(&mut open(&path, KEEP).unwrap(), &mut writer, false);
        writer.finish().unwrap();
        let mut files: Vec<_> = std::fs::read_dir(inside)
            .unwrap()
            .map(|entry| {
                let path = entry.unwrap().path();
                let (frames, error) = read(&path, KEEP);
                assert_eq!(error, None);
                let octets = std::fs::read(&path).unwrap();
                assert_eq!(&kinds(&octets)[..5], [0x0a0d_0d0a, 1, 1, 10, 4]);
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                (name, frames.lines().count(), octets.len() as u64)
            })
            .collect();
        files.sort();
        files
    };
    let files = run("packets", "packets:40");
    let counts: Vec<_> = files.iter().map(|file| file.1).collect();
    assert_eq!(counts, [40, 40, 23]);
    for (n, (name, ..)) in files.iter().enumerate() {
        let stamp = name.strip_prefix(&format!("ring_{:05}_", n + 1)).unwrap();
        let stamp = stamp.strip_suffix(".pcapng").unwrap();
        assert!(
            stamp.len() == 14 && stamp.bytes().all(|o| o.is_ascii_digit()),
            "{name}"
        );
    }
    let files = run("newest", "packets:10,files:3");
    let counts: Vec<_> = files.iter().map(|file| file.1).collect();
    assert_eq!(counts, [10, 10, 3]);
    assert!(files[0].0.starts_with("ring_00009_"));
    let files = run("octets", "filesize:2");
    assert_eq!(files.iter().map(|file| file.1).sum::<usize>(), 103);
    assert!(files.len() > 4);
    for (_, _, octets) in &files[..files.len() - 1] {
        assert!((2000..2000 + 200).contains(octets), "{octets}");
    }
    // 3 frames at 5 and 6 seconds; then ten a second from 1000007.
    let files = run("seconds", "duration:5");
    let counts: Vec<_> = files.iter().map(|file| file.1).collect();
    assert_eq!(counts.iter().sum::<usize>(), 103);
    assert!(counts.contains(&50), "{counts:?}");
}
