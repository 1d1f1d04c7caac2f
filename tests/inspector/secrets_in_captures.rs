//! For the stored captures of clients with a layout of their own or with mistakes, no output and no redacted file
//! contains a password's bytes, with the options that users type first.

use std::path::Path;

use crate::inspector::command;

/// Captures, and the passwords in them.
const CAPTURES: [(&str, &[&str]); 10] = [
    ("layout-pascal-strings.pcap", &["secret1"]),
    ("layout-name16-full.pcap", &["hunter2-secret"]),
    ("mistake-leftovers.pcapng", &["secret1"]),
    ("mistake-no-padding.pcapng", &["secret1"]),
    ("mistake-trailing-newline.pcapng", &["secret1"]),
    ("mistake-wrong-command.pcap", &["hunter2"]),
    ("mistake-numbers-as-text.pcap", &["secret1"]),
    ("mistake-password-first.pcap", &["secret1"]),
    ("mistake-password-zeroes.pcap", &["secret1"]),
    ("mistake-still-waiting.pcap", &["secret1"]),
];

const OUTPUTS: [&[&str]; 18] = [
    &["read"],
    &["read", "--frames"],
    &["read", "--frames", "-V"],
    &["read", "--frames", "-x"],
    &["read", "-T", "json"],
    &["read", "-T", "jsonl", "--frames", "--payload"],
    &["read", "-T", "csv", "--frames"],
    &["read", "-T", "ek", "--frames"],
    &["read", "-T", "pdml"],
    &["read", "--explain"],
    &["stats"],
    &["stats", "-T", "json"],
    &["report", "-o", "-"],
    &["follow", "--ladder"],
    &["follow", "-T", "text"],
    &["follow", "-T", "hex"],
    &["follow", "-T", "raw"],
    &["follow", "-T", "json"],
];

fn hex(octets: &[u8]) -> String {
    octets
        .iter()
        .fold(String::new(), |all, octet| format!("{all}{octet:02x}"))
}

/// Whether bytes have six of the password's on end, as they are or in hexadecimal.
fn tells(octets: &[u8], password: &str) -> bool {
    let text: String = String::from_utf8_lossy(octets).to_lowercase();
    let dense: String = text
        .chars()
        .filter(|c| !c.is_whitespace() && *c != ':')
        .collect();
    password.as_bytes().windows(6).any(|piece| {
        let hex = hex(piece);
        octets.windows(6).any(|part| part == piece) || dense.contains(&hex)
    })
}

#[test]
fn no_password_of_a_faulty_client_is_told() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let mut wrong = Vec::new();
    for (name, passwords) in CAPTURES {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("captures")
            .join(name);
        let capture = path.to_str().expect("UTF-8");
        let original = std::fs::read(&path).expect("the capture");
        let mut check = |what: String, octets: &[u8]| {
            for password in passwords {
                if tells(octets, password) {
                    wrong.push(format!("{name}: {what} tells {password}"));
                }
            }
        };
        for password in passwords {
            assert!(tells(&original, password), "{name} has no {password}");
        }
        for output in OUTPUTS {
            let streams: &[&str] = match output {
                ["follow", ..] => &["0", "1", "2", "3"],
                _ => &[""],
            };
            for stream in streams {
                let mut run = command(&[output[0], capture]);
                run.args(&output[1..]);
                if !stream.is_empty() {
                    run.args(["--stream", stream]);
                }
                let done = run.output().expect("the inspector runs");
                let said = [done.stdout, done.stderr].concat();
                check(format!("{output:?} {stream}"), &said);
            }
        }
        let saved = folder.path().join("saved.pcapng");
        for more in [&["--redact"][..], &["--redact", "--annotate"]] {
            let mut run = command(&["read", "-q", capture, "-w"]);
            run.arg(&saved).args(more);
            let done = run.output().expect("the inspector runs");
            assert!(done.status.success(), "{name}: {done:?}");
            check(
                format!("a file saved with {more:?}"),
                &std::fs::read(&saved).expect("it is saved"),
            );
            std::fs::remove_file(&saved).expect("it is removed");
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
