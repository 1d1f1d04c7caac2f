//! A capture saved with comments tells plain Wireshark what each message is, and is otherwise
//! what it was.

mod inspector;
mod tshark;

use std::collections::BTreeMap;
use std::path::Path;

use inspector::authscope;
use serde_json::Value;
use tshark::{Tshark, captures, in_parallel};

/// How many messages each frame completes, by the inspector's own account.
fn messages(capture: &Path) -> BTreeMap<u64, usize> {
    let done = authscope(&["read", "-T", "jsonl", &capture.to_string_lossy()]);
    let mut frames = BTreeMap::new();
    for line in done.stdout.lines() {
        let message: Value = serde_json::from_str(line).expect("a line is an object");
        let frame = message["frame"].as_u64().expect("it has a frame");
        *frames.entry(frame).or_default() += 1;
    }
    frames
}

/// What tshark finds in a capture: number, time and lengths of each frame, and the comments by
/// frame.
fn frames(tshark: &Tshark, capture: &Path) -> (Vec<String>, BTreeMap<u64, String>) {
    let fields = ["number", "time_epoch", "len", "cap_len", "comment"];
    let fields = fields.map(|field| format!("frame.{field}"));
    let mut arguments = vec!["-T", "fields"];
    for field in &fields {
        arguments.extend(["-e", field]);
    }
    let (mut frames, mut comments) = (Vec::new(), BTreeMap::new());
    for line in tshark.plain(capture, &arguments).lines() {
        let (frame, comment) = line.rsplit_once('\t').expect("five fields");
        let mut parts: Vec<&str> = frame.split('\t').collect();
        let number = parts[0].parse().expect("a frame number");
        // Simple packets have no time; a time is made up for them.
        if capture.to_string_lossy().contains("simple-packets") {
            parts.remove(1);
        }
        frames.push(parts.join(" "));
        if !comment.is_empty() {
            comments.insert(number, comment.to_owned());
        }
    }
    (frames, comments)
}

#[test]
fn every_message_of_every_capture_is_explained_and_nothing_else_changes() {
    let Some(tshark) = Tshark::find() else { return };
    let folder = tempfile::tempdir().expect("a temporary directory");
    let wrong = in_parallel(&captures(), |(name, capture)| {
        let out = folder.path().join(format!("{name}.pcapng"));
        let (from, to) = (capture.to_string_lossy(), out.to_string_lossy());
        let done = authscope(&["read", "-q", &from, "-w", &to, "--annotate"]);
        // Damage is an error, and what came before it is saved all the same.
        let damaged = name.starts_with("damaged");
        if (done.code == 0) == damaged {
            return Some(format!("{name}: {} {}", done.code, done.stderr));
        }
        let expected = messages(capture);
        let (saved, found) = frames(&tshark, &out);
        // Comments that the original had are not the inspector's.
        let count = |comment: &String| comment.matches("RegLogin: ").count();
        let counted: BTreeMap<u64, usize> = found
            .iter()
            .map(|(frame, comment)| (*frame, count(comment)))
            .filter(|(_, count)| *count > 0)
            .collect();
        if counted != expected {
            return Some(format!("{name}: {expected:?}, comments {found:?}"));
        }
        let show = |path: &Path| authscope(&["read", "-V", &path.to_string_lossy()]).stdout;
        if show(capture) != show(&out) {
            return Some(format!("{name}: the inspector sees something else"));
        }
        if damaged {
            return None;
        }
        let (original, _) = frames(&tshark, capture);
        (original != saved).then(|| format!("{name}: {original:?}, saved {saved:?}"))
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_comment_has_the_line_and_the_notes_and_no_password() {
    let Some(tshark) = Tshark::find() else { return };
    let folder = tempfile::tempdir().expect("a temporary directory");
    let explain = |name: &str| {
        let out = folder.path().join(format!("{name}.pcapng"));
        let from = inspector::capture(name);
        let done = authscope(&[
            "read",
            "-q",
            &from,
            "-w",
            &out.to_string_lossy(),
            "--annotate",
        ]);
        assert_eq!(done.code, 0, "{}", done.stderr);
        frames(&tshark, &out).1
    };
    let cut = explain("capture-ends-in-message.pcap");
    assert_eq!(cut.len(), 1, "{cut:?}");
    let said = cut.values().next().expect("one comment");
    assert!(
        said.contains("RegLogin: ") && said.contains("[Reassembly: "),
        "{said}"
    );
    let zeros = explain("filled-with-zero-digits.pcap");
    let said = zeros.values().next().expect("a comment");
    assert!(said.contains("[Assumption: "), "{said}");
}

#[test]
fn a_comment_needs_a_file() {
    let done = authscope(&[
        "read",
        &inspector::capture("full-fields.pcap"),
        "--annotate",
    ]);
    assert_eq!(done.code, 2);
    assert!(done.stderr.contains("--write <FILE>"), "{}", done.stderr);
}
