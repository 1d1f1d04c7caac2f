//! Every stored capture saved with `--redact`: no part of a password is left. Frames, times and lengths are unchanged,
//! and so is whether each checksum is right.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::inspector::{authscope, capture, captures, command};
use crate::tshark::{Tshark, list_joined};
use authscope::capture::{Batch, FrameSource, ReadOptions, open};
use authscope::dissect::Message;
use authscope::protocol::MessageKind;
use authscope::protocol::layout::PASSWORD;
use authscope::session::{Inspector, Options};

/// Bytes in a row that give a password away.
const PART: usize = 3;
/// Notes about a password's own characters, and about where two copies of it differ, go with it;
/// so does the status of a response that the client sent, the text in a RST, a PROXY header, numbers that are text, what nobody can name,
/// and what only secrets in the file decrypted.
const SAID_OTHERWISE: [&str; 15] = [
    "filled-with-zero-digits.pcap",
    "lab-report.pcap",
    "proxy-v1.pcap",
    "proxy-v2.pcap",
    "proxy-v2-local-cut.pcap",
    "tls-on-port-8888.pcap",
    "recorded-tls.pcapng",
    "several-protocols-on-port-8888.pcap",
    "rst-with-text.pcap",
    "mistake-numbers-as-text.pcap",
    "mistake-password-zeroes.pcap",
    "mistake-trailing-newline.pcapng",
    "wrong-sender-client.pcap",
    "wrong-text-control-characters.pcap",
    "tcp-overlap-conflict-while-waiting.pcap",
];

/// All frames and messages of a capture, as far as it can be read.
fn read(path: &Path) -> (Vec<Vec<u8>>, Vec<Message>) {
    let (mut frames, mut messages) = (Vec::new(), Vec::new());
    let Ok(mut source) = open(path, ReadOptions::default()) else {
        return (frames, messages);
    };
    let (mut batch, mut inspector) = (Batch::default(), Inspector::new(&Options::default()));
    loop {
        let more = source.fill(&mut batch);
        for frame in batch.frames() {
            frames.push(frame.octets.to_vec());
            messages.extend_from_slice(inspector.push(frame).messages);
        }
        batch.clear();
        if !matches!(more, Ok(true)) {
            messages.extend_from_slice(inspector.finish().messages);
            return (frames, messages);
        }
    }
}

fn parts(octets: &[u8]) -> impl Iterator<Item = &[u8]> {
    octets
        .windows(PART)
        .filter(|part| part.iter().all(|octet| !matches!(octet, 0 | b'*')))
}

/// Every part of every password in these messages that stands nowhere else in them.
fn secrets(messages: &[Message]) -> HashSet<Vec<u8>> {
    let (mut secret, mut open) = (HashSet::new(), HashSet::new());
    for message in messages {
        let password = match message.command().kind() {
            Some(MessageKind::Response) => &[],
            _ => PASSWORD.slice(&message.octets),
        };
        let rest = &message.octets[..message.octets.len() - password.len()];
        secret.extend(parts(password).map(<[u8]>::to_vec));
        open.extend(parts(rest).map(<[u8]>::to_vec));
    }
    &secret - &open
}

fn leaks(name: &str, secrets: &HashSet<Vec<u8>>, saved: &Path) -> Option<String> {
    let (frames, messages) = read(saved);
    for (index, frame) in frames.iter().enumerate() {
        for part in frame.windows(PART) {
            if secrets.contains(part) {
                return Some(format!("{name}: frame {} has {part:02x?}", index + 1));
            }
        }
    }
    for message in &messages {
        let password = PASSWORD.slice(&message.octets);
        let is_request = message.command().kind() == Some(MessageKind::Request);
        if is_request && password.iter().any(|octet| !matches!(octet, 0 | b'*')) {
            return Some(format!("{name}: the message in frame {}", message.frame));
        }
    }
    None
}

#[test]
fn no_stored_capture_keeps_a_password() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let mut wrong = Vec::new();
    for name in captures() {
        let original = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(capture(&name));
        let (frames, messages) = read(&original);
        let secrets = secrets(&messages);
        // A file that is there is left alone where its input turns out to be damaged.
        let saved = folder.path().join(format!("{name}.saved"));
        let to = saved.to_string_lossy();
        // From a file with knowledge of all of it, and from a pipe.
        authscope(&["read", "-q", &capture(&name), "-w", &to, "--redact"]);
        wrong.extend(leaks(&name, &secrets, &saved));
        let text =
            |path: &str| authscope(&["read", "--frames", "-T", "text", "--checksums", path]).stdout;
        let (before, after) = (text(&capture(&name)), text(&to));
        if before != after && !SAID_OTHERWISE.contains(&name.as_str()) {
            wrong.push(format!("{name}: before\n{before}\nafter\n{after}"));
        }
        let saved = folder.path().join(format!("{name}.by-pipe"));
        let to = saved.to_string_lossy();
        let pipe = std::fs::File::open(&original).expect("the capture");
        let done = command(&["read", "-q", "-", "-w", &to, "--redact"])
            .stdin(Stdio::from(pipe))
            .output()
            .expect("the inspector runs");
        assert!(done.status.code().is_some());
        wrong.extend(leaks(&format!("{name} by pipe"), &secrets, &saved));
        if read(&saved)
            .0
            .iter()
            .map(Vec::len)
            .ne(frames.iter().map(Vec::len))
        {
            wrong.push(format!("{name} by pipe: other frames"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn tshark_finds_the_same_frames_times_lengths_and_checksums() {
    let Some(tshark) = Tshark::find() else { return };
    let folder = tempfile::tempdir().expect("a temporary directory");
    let fields = [
        "frame.time_epoch",
        "frame.len",
        "frame.cap_len",
        "tcp.checksum.status",
    ];
    // Simple packets have no time, one is made up for them; what is damaged cannot be joined; and
    // fragments of one capture would be put together with those of another. Joining loses ticks of
    // a clock that counts powers of two.
    let excluded = |name: &String| {
        name.contains("simple")
            || name.contains("damaged")
            || name.ends_with('z')
            || name.ends_with("zst")
    };
    let names: Vec<String> = captures()
        .into_iter()
        .filter(|name| !excluded(name))
        .collect();
    let (alone, joined): (Vec<String>, Vec<String>) = names
        .into_iter()
        .partition(|name| name.contains("fragment") || name.contains("two-interfaces"));
    let mut groups: Vec<Vec<String>> = alone.into_iter().map(|name| vec![name]).collect();
    groups.push(joined);
    for group in groups {
        let mut files = [Vec::new(), Vec::new()];
        for name in &group {
            let saved = folder.path().join(name);
            let done = authscope(&[
                "read",
                "-q",
                &capture(name),
                "-w",
                &saved.to_string_lossy(),
                "--redact",
            ]);
            assert_eq!(done.code, 0, "{name}: {}", done.stderr);
            files[0].push(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(capture(name)));
            files[1].push(saved);
        }
        let [before, after] = files.map(|files| list_joined(&tshark, &files, &fields));
        let (Some(before), Some(after)) = (before, after) else {
            return;
        };
        assert_eq!(before.lines().count(), after.lines().count());
        for (index, (one, other)) in before.lines().zip(after.lines()).enumerate() {
            assert_eq!(one, other, "frame {} of {group:?}", index + 1);
        }
    }
}
