//! The terminal interface reads what the other commands read: pipes, compressed captures, and files while they are read.

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
        running.wait_for("Details of frame 1");
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
    running.wait_for("filter: reglogin");
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
