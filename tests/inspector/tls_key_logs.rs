//! Key logs of every kind: from a pipe, with other content, missing, unreadable.
#![cfg(unix)]

use std::io::Write;
use std::process::Command;

use authscope::capture::LinkType;
use authscope::synth::{ByteOrder, Pcapng};

use crate::inspector::command;
use crate::tls::{SAID, Sessions, inspect, messages, said, text};
use crate::wire::frames;

#[test]
fn what_surrounds_secrets_does_no_harm() {
    let sessions = Sessions::new();
    let capture = sessions.capture();
    let lines = std::fs::read(sessions.all_keys()).unwrap();
    let words = String::from_utf8(lines.clone()).unwrap();
    let junk: Vec<u8> = (0..8_000_000_u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    let long = vec![b'A'; 8 << 20];
    let without_end = &lines[..lines.len() - 1];
    let marked = [b"\xef\xbb\xbf", &lines[..]].concat();
    for (what, log) in [
        (
            "lines end in CRLF",
            words.replace('\n', "\r\n").into_bytes(),
        ),
        (
            "every line twice, and comments",
            words
                .lines()
                .flat_map(|line| [line, "# again", line, "\n"])
                .collect::<Vec<_>>()
                .join("\n")
                .into_bytes(),
        ),
        ("no end of the last line", without_end.to_vec()),
        ("a byte-order mark", marked),
        ("binary before", [&junk[..], b"\n", &lines].concat()),
        (
            "a line of 8 MiB before",
            [&long[..], b"\n", &lines].concat(),
        ),
        ("a line of 8 MiB behind", [&lines[..], &long].concat()),
        ("upper case", words.to_uppercase().into_bytes()),
        (
            "a half-written line behind",
            [&lines[..], &lines[..100]].concat(),
        ),
    ] {
        let keys = sessions.write("log", &log);
        let found = messages(&[text(&capture), "--tls-keylog", text(&keys)]);
        assert_eq!(said(&found), SAID, "{what}");
    }
}

#[test]
fn several_key_logs_and_pipes() {
    let sessions = Sessions::new();
    let capture = sessions.capture();
    let [first, second, third] = [0, 1, 2].map(|n| sessions.path(&format!("keys{n}")));
    let several = [
        "--tls-keylog",
        text(&first),
        "--tls-keylog",
        text(&second),
        "--tls-keylog",
        text(&third),
    ];
    assert_eq!(
        said(&messages(&[&[text(&capture)], &several[..]].concat())),
        SAID
    );
    // A named pipe, also where the capture is read more than once.
    let keys = std::fs::read(sessions.all_keys()).unwrap();
    let pipe = sessions.path("pipe");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    let saved = sessions.path("saved.pcapng");
    for more in [&[][..], &["--annotate", "--embed-keys", "-w", text(&saved)]] {
        let (path, keys) = (pipe.clone(), keys.clone());
        let writer = std::thread::spawn(move || {
            let mut pipe = std::fs::File::options().write(true).open(path).unwrap();
            pipe.write_all(&keys).unwrap();
        });
        let with = [&[text(&capture), "--tls-keylog", text(&pipe)], more].concat();
        assert_eq!(said(&messages(&with)), SAID);
        writer.join().unwrap();
    }
    assert_eq!(said(&messages(&[text(&saved)])), SAID);
}

#[test]
fn what_cannot_be_read_is_an_error_and_says_its_name() {
    let sessions = Sessions::new();
    let capture = sessions.capture();
    let directory = sessions.place.path("directory");
    std::fs::create_dir(&directory).unwrap();
    for (path, why) in [
        (text(&directory), "directory"),
        ("/nonexistent/keys", "No such file"),
    ] {
        for verb in ["read", "stats", "follow"] {
            let done = inspect(&[verb, text(&capture), "--tls-keylog", path]);
            assert_eq!(done.code, 2, "{verb} {path}");
            assert!(done.stderr.contains(path), "{}", done.stderr);
            assert!(
                done.stderr.to_lowercase().contains(&why.to_lowercase()),
                "{}",
                done.stderr
            );
        }
    }
    // What the environment names is written by others; that it cannot be read stops nothing.
    for path in [text(&directory), "/nonexistent/keys"] {
        let mut command = command(&["read", "-T", "jsonl", text(&capture)]);
        let output = command.env("SSLKEYLOGFILE", path).output().unwrap();
        assert_eq!(
            String::from_utf8(output.stderr)
                .unwrap()
                .matches("cannot")
                .count(),
            0
        );
    }
}

#[test]
fn ten_thousand_blocks_of_secrets() {
    let sessions = Sessions::new();
    let keys = std::fs::read_to_string(sessions.all_keys()).unwrap();
    let talks = sessions.talks();
    let mut file = Pcapng::new(ByteOrder::Little);
    file.interface(LinkType::ETHERNET, 0, Some(9), None);
    let blocks = |file: &mut Pcapng, from: u32| {
        for n in from..from + 5000 {
            file.tls_secrets(&format!("CLIENT_RANDOM {n:064x} {n:096x}\n"));
        }
    };
    blocks(&mut file, 0);
    for frame in &frames(&talks.iter().collect::<Vec<_>>()) {
        file.nano_packet(0, frame);
    }
    file.tls_secrets(&keys);
    blocks(&mut file, 5000);
    let path = sessions.write("many.pcapng", &file.finish());
    assert_eq!(said(&messages(&[text(&path)])), SAID);
    // Of those, the file that is saved has only the streams' own.
    let saved = sessions.path("saved.pcapng");
    let done = inspect(&[
        "read",
        text(&path),
        "-q",
        "--embed-keys",
        "-w",
        text(&saved),
    ]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    let file = std::fs::read(&saved).unwrap();
    assert!(memchr::memmem::find(&file, b"CLIENT_RANDOM 0000").is_none());
    assert_eq!(said(&messages(&[text(&saved)])), SAID);
}

/// Secrets behind the last packet of a capture that is read from a pipe, after the connections have ended.
#[test]
fn secrets_behind_many_frames_of_a_pipe() {
    let sessions = Sessions::new();
    let keys = std::fs::read_to_string(sessions.all_keys()).unwrap();
    let talks = sessions.talks();
    let mut file = Pcapng::new(ByteOrder::Little);
    file.interface(LinkType::ETHERNET, 0, Some(9), None);
    let frames = frames(&talks.iter().collect::<Vec<_>>());
    for frame in &frames {
        file.nano_packet(0, frame);
    }
    // More than is read at once: what is not of TCP is passed over.
    let mut other = frames[0].clone();
    other.time = frames.last().unwrap().time;
    other.octets[12..14].copy_from_slice(&[0x88, 0xb5]);
    other.octets.resize(1400, 0);
    for _ in 0..3000 {
        file.nano_packet(0, &other);
    }
    file.tls_secrets(&keys);
    let mut child = command(&["read", "-T", "jsonl", "--show-passwords", "-"])
        .env_remove("SSLKEYLOGFILE")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(&file.finish())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    let lines = String::from_utf8(output.stdout).unwrap();
    let found: Vec<_> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(said(&found), SAID);
}
