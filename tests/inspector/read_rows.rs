//! `authscope read` shows what is in a capture, row by row.

use crate::inspector::{authscope, capture};

#[test]
fn the_lab_report_shows_four_messages_amid_their_connections() {
    let done = authscope(&["read", &capture("lab-report.pcap")]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert_eq!(done.stderr, "");
    let rows: Vec<&str> = done.stdout.lines().collect();
    assert_eq!(rows.len(), 23, "a header and 22 frames");
    for (row, text) in [
        (0, "No."),
        (
            1,
            "5893 → 8888 [SYN] Seq=0 Win=65535 Len=0 MSS=65495 WS=256 SACK_PERM",
        ),
        (
            2,
            "8888 → 5893 [SYN, ACK] Seq=0 Ack=1 Win=65535 Len=0 MSS=65495 WS=256 SACK_PERM",
        ),
        (3, "5893 → 8888 [ACK] Seq=1 Ack=1 Win=2619648 Len=0"),
        (
            4,
            "RegLogin     102  Registration request, user user0000000000000000",
        ),
        (
            6,
            "RegLogin     117  Registration response, user user0000000000000000, success: Registration successful",
        ),
        (
            15,
            "RegLogin     102  Login request, user user0000000000000000",
        ),
        (
            17,
            "RegLogin     117  Login response, user user0000000000000000, success: Login successful",
        ),
    ] {
        assert!(rows[row].contains(text), "{}", rows[row]);
    }
    let info = rows[0].find("Info").unwrap();
    for row in &rows {
        assert_eq!(row.as_bytes()[info - 1], b' ', "{row}");
        assert_ne!(row.as_bytes()[info], b' ', "{row}");
    }
}

#[test]
fn messages_only_and_the_first_frames_only() {
    let done = authscope(&["read", "--messages", "-c", "6", &capture("lab-report.pcap")]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    let numbers: Vec<&str> = done
        .stdout
        .lines()
        .map(|row| row.split_whitespace().next().unwrap())
        .collect();
    assert_eq!(numbers, ["No.", "4", "6"]);
}

#[test]
fn frames_before_the_damage_are_shown_then_the_damage_is_told() {
    let path = capture("damaged-cut-in-record.pcap");
    let done = authscope(&["read", "-T", "text", &path]);
    assert_eq!(done.code, 2);
    assert_eq!(done.stdout.lines().count(), 5);
    assert_eq!(
        done.stderr,
        format!(
            "authscope: cannot read {path:?}: damaged at byte 456: cut off inside a frame: 14 of its 127 bytes are there\n"
        )
    );
}

#[test]
fn a_missing_file_is_one_line_and_exit_2() {
    let done = authscope(&["read", "no-such-file.pcap"]);
    assert_eq!((done.code, done.stdout.as_str()), (2, ""));
    assert_eq!(
        done.stderr,
        "authscope: cannot read \"no-such-file.pcap\": no such file or directory; is the path right?\n"
    );
}

#[test]
fn nothing_from_the_wire_reaches_a_terminal_raw() {
    for name in [
        "wrong-text-control-characters.pcap",
        "wrong-text-bidirectional.pcap",
    ] {
        for format in ["table", "text", "json", "jsonl"] {
            let done = authscope(&["read", "--show-passwords", "-T", format, &capture(name)]);
            let harmful = |character: char| {
                character != '\n' && (character.is_control() || character == '\u{202e}')
            };
            assert!(
                !done.stdout.contains(harmful),
                "{name} {format}: {:?}",
                done.stdout
            );
            assert!(!done.stdout.is_empty());
        }
    }
}

#[test]
fn a_closed_pipe_is_success() {
    use std::process::{Command, Stdio};
    let mut child = Command::new(env!("CARGO_BIN_EXE_authscope"))
        .args(["read", "-T", "text", &capture("lab-report.pcap")])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let done = child.wait_with_output().unwrap();
    assert_eq!(done.status.code(), Some(0));
    assert!(done.stderr.is_empty());
}
