//! The terminal interface reads what the other commands read: pipes, compressed captures, and files that are still
//! being written.

use std::fs::File;
use std::io::Write;
use std::process::Command;

use crate::browsing::{Running, Started};
use crate::inspector::{authscope, capture};

const USERS: &str = "recorded-several-users.pcapng";

#[test]
fn standard_input_is_browsed_with_keys_from_the_terminal() {
    for name in [USERS, "zstd.pcap.zst", "gzip.pcap.gz"] {
        let path = capture(name);
        let started = Started {
            piped: Some(&path),
            ..Started::default()
        };
        let mut running = Running::start_as(&["-"], &started);
        running.wait_for("spooled");
        running.press("v");
        // Which one depends on whether the first exchange has been found by then.
        running.wait_for("Details of frame ");
        running.press("q");
        running.wait_for("q quit");
        running.press("q");
        assert_eq!(running.ended(), Some(0), "{name}");
        running.is_given_back();
    }
}

#[test]
fn a_filter_that_looks_ahead_waits_for_what_is_still_read() {
    let octets = std::fs::read(capture(USERS)).expect("a capture");
    let folder = tempfile::tempdir().expect("a folder");
    let pipe = folder.path().join("pipe").to_string_lossy().into_owned();
    let made = Command::new("mkfifo").arg(&pipe).status();
    assert!(made.expect("mkfifo runs").success());
    let mut running = Running::start(&[&pipe]);
    let mut writer = File::options().write(true).open(&pipe).expect("a reader");
    let (first, rest) = octets.split_at(octets.len() / 2);
    writer.write_all(first).expect("a reader");
    running.wait_for("ok");
    let filter = "reglogin.response_in > 60";
    running.press(&format!("/{filter}\r"));
    running.wait_for("reglogin.resp");
    // Keys go on meanwhile.
    running.press("v");
    running.wait_for("Frames");
    writer.write_all(rest).expect("a reader");
    drop(writer);
    let rows = authscope(&["read", "-T", "jsonl", "-Y", filter, &capture(USERS)]);
    let count = rows.stdout.lines().count();
    assert!(count > 0);
    running.wait_for(&format!("{count} shown"));
    running.wait_until("done", |screen| !screen.contains('%'));
}

#[test]
fn what_is_saved_of_standard_input_has_everything_that_came() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let commented = path("commented.pcapng");
    let made = authscope(&[
        "read",
        "-q",
        &capture(USERS),
        "--annotate",
        "-w",
        &commented,
    ]);
    assert_eq!(made.code, 0, "{}", made.stderr);
    let mut lengths = Vec::new();
    for original in [commented, capture("recorded-tls.pcapng")] {
        for redacted in [true, false] {
            let started = Started {
                piped: Some(&original),
                ..Started::default()
            };
            let mut running = Running::start_as(&["-"], &started);
            running.wait_for("spooled");
            running.wait_until("read", |screen| !screen.contains("reading"));
            let (ours, theirs) = (path("ours"), path("theirs"));
            let redacts = if redacted {
                ""
            } else {
                "\u{1b}[A\u{1b}[C\u{1b}[B"
            };
            running.press(&format!("w{redacts}\u{15}{ours}\r"));
            running.wait_for("saved");
            running.press("q");
            assert_eq!(running.ended(), Some(0));
            let mut arguments = vec!["read", "-q", &original, "-w", &theirs];
            if redacted {
                arguments.push("--redact");
            }
            assert_eq!(authscope(&arguments).code, 0);
            let [ours, theirs] = [ours, theirs].map(|path| {
                let octets = std::fs::read(&path).expect("a capture");
                std::fs::remove_file(&path).expect("it was there");
                octets
            });
            assert!(ours == theirs, "{original}, redacted: {redacted}");
            lengths.push(ours.len());
        }
    }
    // Secrets are in the capture that is not redacted.
    assert!(lengths[3] > lengths[2], "{lengths:?}");
}
