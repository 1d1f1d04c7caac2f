//! `authscope read - < FILE` gives what `authscope read FILE` gives, because a regular file can be read twice. A pipe
//! cannot, and what needs a second reading is refused for it.

use std::fs::File;
use std::io::{Seek, SeekFrom};
use std::process::Stdio;

use crate::inspector::{Done, capture, captures, command, piped};

fn with_input(arguments: &[&str], input: Stdio) -> Done {
    let output = command(arguments).stdin(input).output().unwrap();
    Done {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

fn root(name: &str) -> String {
    format!("{}/{}", env!("CARGO_MANIFEST_DIR"), capture(name))
}

/// Commands that read a capture once, twice, and as often as they like; what is told of files' names is left out.
const COMMANDS: [&[&str]; 8] = [
    &["read"],
    &["read", "-T", "jsonl"],
    &["read", "-V"],
    &[
        "read",
        "-T",
        "fields",
        "-e",
        "frame.number",
        "-e",
        "reglogin.response_in",
    ],
    &["read", "--exchanges"],
    &["follow"],
    &["follow", "--user", "alice"],
    &["stats", "-T", "json"],
];

#[test]
fn a_regular_file_as_standard_input_is_that_file() {
    let all = captures();
    for (index, name) in all.iter().enumerate() {
        let arguments = COMMANDS[index % COMMANDS.len()];
        let named = with_input(&[arguments, &[&root(name)]].concat(), Stdio::null());
        let file = File::open(root(name)).unwrap();
        let input = with_input(&[arguments, &["-"]].concat(), file.into());
        assert_eq!(
            input.code, named.code,
            "{name} {arguments:?}: {}",
            input.stderr
        );
        assert_eq!(input.stdout, named.stdout, "{name} {arguments:?}");
        let named = named
            .stderr
            .replace(&format!("{:?}", root(name)), "standard input");
        let named = named.replace(&root(name), "-");
        assert_eq!(input.stderr, named, "{name} {arguments:?}");
    }
}

/// What was read of it before is not read again, and its position is where it was.
#[test]
fn it_is_read_from_where_it_stands() {
    let octets = std::fs::read(root("lab-report.pcap")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("behind");
    std::fs::write(
        &path,
        [b"a line before the capture\n", &octets[..]].concat(),
    )
    .unwrap();
    let mut file = File::open(&path).unwrap();
    file.seek(SeekFrom::Start(26)).unwrap();
    let shared = file.try_clone().unwrap();
    let done = with_input(
        &["follow", "--user", "user0000000000000000", "-"],
        shared.into(),
    );
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert_eq!(done.stdout.matches("Stream ").count(), 2);
    assert_eq!(file.stream_position().unwrap(), 26);
}

#[test]
fn secrets_behind_the_packets_are_found_there_too() {
    let sessions = crate::tls::Sessions::new();
    let keys = std::fs::read(sessions.all_keys()).unwrap();
    let behind = sessions.pcapng(b"", b"", &keys);
    let arguments = ["read", "-T", "jsonl", "-"];
    let done = with_input(&arguments, File::open(&behind).unwrap().into());
    let named = with_input(
        &["read", "-T", "jsonl", crate::tls::text(&behind)],
        Stdio::null(),
    );
    assert!(
        done.stdout.contains("registration request"),
        "{}",
        done.stderr
    );
    assert_eq!(done.stdout, named.stdout);
}

#[test]
fn a_pipe_is_read_once() {
    let octets = std::fs::read(root("lab-report.pcap")).unwrap();
    let done = with_input(&["follow", "-"], piped(octets.clone()));
    assert_eq!(done.code, 2);
    assert!(
        done.stderr
            .contains("standard input, which can be read only once"),
        "{}",
        done.stderr
    );
    let done = with_input(&["follow", "--stream", "0", "-"], piped(octets));
    assert_eq!(done.code, 0, "{}", done.stderr);
}
