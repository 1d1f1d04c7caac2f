//! The Wireshark plugin inside TLS, which Wireshark decrypts with the same secrets, finds the same messages in the same
//! frames.

use std::path::Path;

use authscope::protocol::Action;

use crate::inspector::command;
use crate::openssl;
use crate::programs::request;
use crate::tls::{Sessions, inspect, text};
use crate::tshark::{TWO_PASSES, Tshark};
use crate::wireshark_plugin::{messages, of_plugin, sorted};

/// Bytes of a response.
const ANSWER: usize = 73;

/// Sessions of TLS 1.3 and 1.2: plain ones, requests cut into small records, several requests in one
/// record, and requests that are wrong.
fn sessions() -> Sessions {
    let mut sessions = Sessions::new();
    if openssl::is_there() {
        let login = request(Action::Login, "alice", "secret").as_ref().to_vec();
        let register = request(Action::Register, "bob", "hunter2")
            .as_ref()
            .to_vec();
        let both = [&login[..], &register[..]].concat();
        let mut unknown = login.clone();
        unknown[7] = 9;
        let mut wrong_length = login.clone();
        wrong_length[3] = 50;
        let small = ["-split_send_frag", "20", "-max_send_frag", "512"];
        // Whoever sends a number at a time.
        let tiny = ["-split_send_frag", "4", "-max_send_frag", "512"];
        for (arguments, content, answers) in [
            (&["-tls1_2"][..], &login[..], 1),
            (&["-tls1_3"], &both, 2),
            (&[&["-tls1_3"], &small[..]].concat(), &both, 2),
            (&[&["-tls1_2"], &small[..]].concat(), &login, 1),
            (&[&["-tls1_2"], &tiny[..]].concat(), &both, 2),
            (&["-tls1_3"], &unknown, 0),
            (&["-tls1_2"], &wrong_length, 0),
        ] {
            let keys = sessions.path(&format!("keys{}", sessions.flights.len()));
            openssl::ask(
                sessions.address(),
                arguments,
                content,
                answers * ANSWER,
                &keys,
            );
            sessions.gather();
        }
    }
    sessions
}

/// What Authscope and the plugin say, each with its own way to secrets.
#[track_caller]
fn assert_same(tshark: &Tshark, capture: &Path, keys: Option<&Path>, least: usize) {
    let ours: Vec<_> = keys
        .iter()
        .flat_map(|keys| ["--tls-keylog", text(keys)])
        .collect();
    let option = keys.map(|keys| format!("tls.keylog_file:{}", text(keys)));
    let theirs: Vec<_> = option.iter().flat_map(|option| ["-o", option]).collect();
    let ours = sorted(messages(capture, &ours));
    let theirs = sorted(of_plugin(
        tshark,
        capture,
        &[&TWO_PASSES, &theirs[..]].concat(),
    ));
    assert!(ours.len() >= least, "{} messages", ours.len());
    assert_eq!(ours, theirs);
}

#[test]
fn the_same_messages_in_the_same_frames() {
    let Some(tshark) = Tshark::find() else { return };
    let sessions = sessions();
    let (capture, keys) = (sessions.capture(), sessions.all_keys());
    let least = if sessions.flights.len() > 3 { 16 } else { 6 };
    assert_same(&tshark, &capture, Some(&keys), least);
    // Saved with its secrets, the file needs no key log.
    let saved = sessions.path("saved.pcapng");
    let done = inspect(&[
        "read",
        text(&capture),
        "--tls-keylog",
        text(&keys),
        "-q",
        "--embed-keys",
        "-w",
        text(&saved),
    ]);
    assert_eq!((done.code, done.stderr.as_str()), (0, ""));
    assert_same(&tshark, &saved, None, least);
}

/// What a row says of a message, behind the length.
fn info(row: &str) -> &str {
    let (_, behind) = row.split_once("RegLogin ").expect("a message");
    behind.trim_start_matches(|c: char| c.is_ascii_digit() || c == ' ')
}

/// A response's row without its request's user, who stands in a row of the plugin only where the message has the name.
fn without_user(row: &str) -> String {
    match row.split_once(" response, user ") {
        Some((kind, behind)) => {
            let (_, outcome) = behind.split_once(", ").expect("an outcome");
            format!("{kind} response, {outcome}")
        }
        None => row.to_owned(),
    }
}

#[test]
fn rows_name_messages_in_one_pass_too() {
    let Some(tshark) = Tshark::find() else { return };
    let sessions = sessions();
    let (capture, keys) = (sessions.capture(), sessions.all_keys());
    let option = format!("tls.keylog_file:{}", text(&keys));
    let rows = tshark.with_plugin(&capture, &["-o", &option]);
    let theirs: Vec<_> = rows
        .lines()
        .filter(|row| row.contains("RegLogin"))
        // Wireshark has one row for all messages of a frame.
        .flat_map(|row| info(row).split(" | "))
        .collect();
    let output = command(&["read", "--messages", "-T", "text", "--tls-keylog"])
        .arg(&keys)
        .arg(&capture)
        .env_remove("SSLKEYLOGFILE")
        .output()
        .unwrap();
    let rows = String::from_utf8(output.stdout).unwrap();
    let ours: Vec<_> = rows.lines().map(|row| without_user(info(row))).collect();
    assert!(ours.len() >= 6);
    assert_eq!(ours, theirs);
}

#[test]
fn without_secrets_the_plugin_claims_nothing() {
    let Some(tshark) = Tshark::find() else { return };
    let sessions = Sessions::new();
    let capture = sessions.capture();
    assert_eq!(tshark.with_plugin(&capture, &["-Y", "reglogin"]), "");
    assert_eq!(
        tshark.with_plugin(&capture, &["-2"]),
        tshark.plain(&capture, &["-2"])
    );
}
