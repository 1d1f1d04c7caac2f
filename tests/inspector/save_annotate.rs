//! A capture saved with comments shows in plain Wireshark what each message is. Otherwise it is unchanged.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::inspector::authscope;
use crate::tshark::{Tshark, captures, list_joined};
use serde_json::Value;

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

/// What tshark finds in captures joined one behind the other: time and lengths of each frame, and
/// the comments by frame.
fn frames(tshark: &Tshark, captures: &[PathBuf]) -> Option<(Vec<String>, BTreeMap<u64, String>)> {
    let fields = ["time_epoch", "len", "cap_len", "comment"];
    let fields = fields.map(|field| format!("frame.{field}"));
    let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
    let (mut frames, mut comments) = (Vec::new(), BTreeMap::new());
    for (line, number) in list_joined(tshark, captures, &fields)?.lines().zip(1..) {
        let (frame, comment) = line.rsplit_once('\t').expect("four fields");
        // Simple packets have no time; one is made up for them.
        let simple = captures[0].to_string_lossy().contains("simple-packets");
        let frame = if simple {
            frame.split_once('\t').expect("four fields").1
        } else {
            frame
        };
        frames.push(frame.to_owned());
        if !comment.is_empty() {
            comments.insert(number, comment.to_owned());
        }
    }
    Some((frames, comments))
}

/// Frames of a capture by the inspector's count.
fn count(capture: &Path) -> u64 {
    let path = capture.to_string_lossy();
    let listed = authscope(&["read", "-T", "fields", "-e", "frame.number", &path]);
    listed.stdout.lines().count() as u64
}

#[test]
fn every_message_of_every_capture_is_explained_and_nothing_else_changes() {
    let Some(tshark) = Tshark::find() else { return };
    let folder = tempfile::tempdir().expect("a temporary directory");
    let save = |name: &str, capture: &Path| {
        let out = folder.path().join(format!("{name}.pcapng"));
        let (from, to) = (capture.to_string_lossy(), out.to_string_lossy());
        let done = authscope(&["read", "-q", &from, "-w", &to, "--annotate"]);
        // Damage is an error, and what came before it is saved all the same.
        assert_eq!(
            done.code == 0,
            !name.starts_with("damaged"),
            "{name}: {}",
            done.stderr
        );
        let show = |path: &Path| authscope(&["read", "-V", &path.to_string_lossy()]).stdout;
        assert!(
            show(capture) == show(&out),
            "{name}: the inspector sees something else"
        );
        out
    };
    // Joining loses ticks of a clock that counts powers of two, and counts custom blocks.
    let alone = ["two-interfaces", "custom-block", "simple-packets"];
    let (mut groups, mut joined) = (Vec::new(), Vec::new());
    for (name, capture) in captures() {
        let saved = save(&name, &capture);
        if alone.iter().any(|part| name.contains(part)) {
            groups.push(vec![(capture, saved)]);
        } else if [".pcap", ".pcapng"].iter().any(|end| name.ends_with(end))
            && !name.starts_with("damaged")
        {
            joined.push((capture, saved));
        }
    }
    groups.push(joined);
    for group in groups {
        let (originals, saved): (Vec<PathBuf>, Vec<PathBuf>) = group.into_iter().unzip();
        let (mut expected, mut before) = (BTreeMap::new(), 0);
        for capture in &originals {
            let found = messages(capture);
            expected.extend(
                found
                    .into_iter()
                    .map(|(frame, count)| (before + frame, count)),
            );
            before += count(capture);
        }
        let [one, other] = [&originals, &saved].map(|files| frames(&tshark, files));
        let (Some((original, _)), Some((saved, comments))) = (one, other) else {
            return;
        };
        assert_eq!(original, saved, "{originals:?}");
        // Comments that the original had are not the inspector's.
        let count = |comment: &String| comment.matches("RegLogin: ").count();
        let counted: BTreeMap<u64, usize> = comments
            .iter()
            .map(|(frame, comment)| (*frame, count(comment)))
            .filter(|(_, count)| *count > 0)
            .collect();
        assert_eq!(counted, expected, "{originals:?}");
    }
}

#[test]
fn a_comment_has_the_line_and_the_notes_and_no_password() {
    let Some(tshark) = Tshark::find() else { return };
    let folder = tempfile::tempdir().expect("a temporary directory");
    let explain = |name: &str| {
        let out = folder.path().join(format!("{name}.pcapng"));
        let from = crate::inspector::capture(name);
        let done = authscope(&[
            "read",
            "-q",
            &from,
            "-w",
            &out.to_string_lossy(),
            "--annotate",
        ]);
        assert_eq!(done.code, 0, "{}", done.stderr);
        frames(&tshark, &[out])
            .expect("one capture is not joined")
            .1
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
        &crate::inspector::capture("full-fields.pcap"),
        "--annotate",
    ]);
    assert_eq!(done.code, 2);
    assert!(done.stderr.contains("--write <FILE>"), "{}", done.stderr);
}
