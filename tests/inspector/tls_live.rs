//! TLS is decrypted live when its secrets arrive, also if they arrive long after the records.
#![cfg(unix)]

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use crate::inspector::command;
use crate::live::Live;
use crate::tls::{Sessions, messages, said, text};

/// How late secrets are.
const LATE: Duration = Duration::from_secs(2);

/// What a client that registers and the server say.
const REGISTERED: [&str; 2] = [
    "registration request/alice/secret/",
    "registration response///registered",
];

fn start(sessions: &Sessions, keys: &Path, arguments: &[&str]) -> Option<Live> {
    let port = sessions.server_address().port().to_string();
    let own = ["-p", &port, "--tls-keylog", text(keys)];
    Live::start(&[&own, arguments].concat())
}

fn said_in(rows: &[String]) -> Vec<String> {
    let parsed: Vec<_> = rows
        .iter()
        .map(|row| serde_json::from_str(row).unwrap())
        .collect();
    said(&parsed)
}

#[test]
fn secrets_that_come_two_seconds_late_and_in_two_parts() {
    let sessions = Sessions::none();
    let keys = sessions.path("late");
    let saved = sessions.path("saved.pcapng");
    let arguments = ["-T", "jsonl", "--show-passwords", "--embed-keys", "-w"];
    let Some(mut live) = start(
        &sessions,
        &keys,
        &[&arguments, &[text(&saved)][..]].concat(),
    ) else {
        return;
    };
    assert!(live.said.contains("is not there yet"), "{}", live.said);
    let at = sessions.server_address();
    sessions.client_at(at, "register", "secret", "elsewhere");
    let lines = std::fs::read(sessions.path("elsewhere")).unwrap();
    std::thread::sleep(LATE);
    // Up to the middle of a line, which is written to its end a moment later. No frame comes any more:
    // the rows appear all the same.
    let (first, rest) = lines.split_at(lines.len() - 40);
    std::fs::write(&keys, first).unwrap();
    std::thread::sleep(Duration::from_millis(300));
    let mut file = std::fs::File::options().append(true).open(&keys).unwrap();
    file.write_all(rest).unwrap();
    let rows = [live.row(), live.row()];
    assert_eq!(said_in(&rows), REGISTERED);
    // What comes next finds its secrets at once.
    sessions.client_at(at, "login", "secret", "late");
    let rows = [live.row(), live.row()];
    assert!(
        said_in(&rows)[0].starts_with("login request/alice"),
        "{rows:?}"
    );
    let (code, summary, rest) = live.end_with_rows("-INT");
    assert_eq!((code, rest.as_str()), (Some(0), ""), "{summary}");
    assert!(summary.contains("4 messages"), "{summary}");
    assert!(
        !summary.contains("no message") && !summary.contains("no RegLogin"),
        "{summary}"
    );
    // The capture has its secrets with it: those of the first connection behind its frames.
    let again = messages(&["-p", &at.port().to_string(), text(&saved)]);
    assert_eq!(again.len(), 4);
    assert_eq!(said(&again)[..2], REGISTERED);
}

#[test]
fn rows_that_come_late_say_so_in_every_form() {
    let sessions = Sessions::none();
    for (form, first) in [("text", ""), ("table", "  No. ")] {
        let keys = sessions.path(form);
        let Some(mut live) = start(&sessions, &keys, &["--messages", "-T", form]) else {
            return;
        };
        let at = sessions.server_address();
        sessions.client_at(at, "register", "secret", "elsewhere");
        std::thread::sleep(Duration::from_millis(500));
        std::fs::copy(sessions.path("elsewhere"), &keys).unwrap();
        if !first.is_empty() {
            assert!(live.row().starts_with(first));
        }
        for what in ["Registration request, user alice", "Registration response"] {
            let row = live.row();
            assert!(row.contains(what), "{row}");
            assert!(
                row.contains("[Late: told when its TLS secrets came]"),
                "{row}"
            );
        }
        assert_eq!(live.end("-INT").0, Some(0));
    }
}

#[test]
fn the_key_log_of_the_environment_is_used_and_said() {
    let sessions = Sessions::none();
    let keys = sessions.path("keys");
    std::fs::write(&keys, "").unwrap();
    let port = sessions.server_address().port().to_string();
    let mut command = command(&["live", "-p", &port, "-T", "jsonl", "--show-passwords"]);
    command.env("SSLKEYLOGFILE", &keys);
    let Some(mut live) = Live::of(command) else {
        return;
    };
    assert!(
        live.said.contains("which SSLKEYLOGFILE names"),
        "{}",
        live.said
    );
    sessions.client_at(sessions.server_address(), "register", "secret", "keys");
    assert_eq!(said_in(&[live.row(), live.row()]), REGISTERED);
    assert_eq!(live.end("-INT").0, Some(0));
}

#[test]
fn a_key_log_that_is_rotated_and_vanishes_while_it_is_read() {
    let sessions = Sessions::none();
    let keys = sessions.path("keys");
    let Some(mut live) = start(&sessions, &keys, &["-T", "jsonl", "--show-passwords"]) else {
        return;
    };
    let at = sessions.server_address();
    sessions.client_at(at, "register", "secret", "keys");
    assert_eq!(said_in(&[live.row(), live.row()]), REGISTERED);
    // Moved away, and begun anew with something longer in front.
    std::fs::rename(&keys, sessions.path("keys.1")).unwrap();
    std::fs::write(&keys, "# rotated\n".repeat(1000)).unwrap();
    sessions.client_at(at, "login", "secret", "keys");
    let rows = said_in(&[live.row(), live.row()]);
    assert_eq!(rows[1], "login response///login successful");
    // Removed: what is known stays known, and what is not stays encrypted.
    std::fs::remove_file(&keys).unwrap();
    std::fs::create_dir(&keys).unwrap();
    sessions.client_at(at, "login", "secret", "unknown");
    let (code, summary, rest) = live.end_with_rows("-INT");
    assert_eq!((code, rest.as_str()), (Some(0), ""), "{summary}");
    assert!(summary.contains("4 messages"), "{summary}");
}

#[test]
fn a_capture_that_ends_before_its_secrets_come_says_so() {
    let sessions = Sessions::none();
    let keys = sessions.write("none", b"# nothing\n");
    let Some(live) = start(&sessions, &keys, &["-T", "text"]) else {
        return;
    };
    sessions.client_at(sessions.server_address(), "register", "secret", "elsewhere");
    std::thread::sleep(Duration::from_millis(300));
    let (code, summary, rows) = live.end_with_rows("-INT");
    assert_eq!(code, Some(0), "{summary}");
    let note = "not decrypted: no key log has secrets for client random";
    assert_eq!(rows.matches(note).count(), 1, "{rows}");
}

/// Wireshark's capture source has the key log as an option, which may be empty or a file that comes later.
#[test]
fn a_capture_source_of_wireshark_decrypts_too() {
    let config = command(&[
        "extcap",
        "--extcap-interface",
        "authscope",
        "--extcap-config",
    ])
    .output()
    .unwrap();
    let config = String::from_utf8(config.stdout).unwrap();
    let option = "{call=--tls-keylog}{display=TLS key log}";
    assert!(config.contains(option), "{config}");
    let sessions = Sessions::none();
    let at = sessions.server_address();
    let (pipe, keys) = (sessions.path("pipe"), sessions.path("keys"));
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    let port = at.port().to_string();
    let mut child = command(&["extcap", "--extcap-interface", "authscope", "--capture"])
        .args(["--fifo", text(&pipe), "--port", &port])
        .args(["--tls-keylog", text(&keys), "--tls-keylog", ""])
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let captured = crate::openssl::collect(std::fs::File::open(&pipe).unwrap());
    let begun = std::time::Instant::now();
    let saved = loop {
        if child.try_wait().unwrap().is_some() {
            let output = child.wait_with_output().unwrap();
            let said = String::from_utf8(output.stderr).unwrap();
            assert!(said.contains("permission denied"), "{said}");
            crate::need::skip("capture", said);
            return;
        }
        // The capture may not have begun yet.
        sessions.client_at(at, "login", "secret", "keys");
        std::thread::sleep(Duration::from_millis(200));
        let saved = captured.lock().unwrap().clone();
        let says = |words: &[u8]| memchr::memmem::find(&saved, words).is_some();
        if says(b"RegLogin: Login request, user alice")
            && says(b"RegLogin: Login response, failure")
        {
            break saved;
        }
        assert!(
            begun.elapsed() < crate::programs::PATIENCE,
            "no comment came"
        );
    };
    assert!(memchr::memmem::find(&saved, b"secret").is_none());
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
