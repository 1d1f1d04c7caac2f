//! `authscope stats --rows`: the counts from exchange rows are those of the captures that the rows come from, and
//! password tags.

use std::path::PathBuf;

use serde_json::Value;
use tempfile::TempDir;

use crate::inspector::{Done, authscope, capture, captures};
use crate::scene::{Exchange, MILLISECOND, Scene};

fn json(arguments: &[&str]) -> Value {
    let done = authscope(arguments);
    assert_eq!(done.code, 0, "{}", done.stderr);
    serde_json::from_str(&done.stdout).unwrap()
}

/// The rows of captures, in a file.
fn rows(folder: &TempDir, name: &str, arguments: &[&str]) -> PathBuf {
    let done = authscope(&[&["read", "--exchanges", "-T", "jsonl"], arguments].concat());
    assert!(done.code < 2 || !done.stdout.is_empty(), "{}", done.stderr);
    let path = folder.path().join(name);
    std::fs::write(&path, done.stdout).unwrap();
    path
}

/// What rows tell of a capture.
const TOLD: [&str; 5] = [
    "unanswered",
    "response_time",
    "users",
    "addresses",
    "outcomes",
];

/// Captures with a request that is cut off or wrong: its row has no response, and counts, where the capture's statistics
/// say only what is wrong with it. And one with a name that is not UTF-8, of which rows have no bytes.
const OTHERWISE: [&str; 5] = [
    "capture-ends-in-message.pcap",
    "mistake-still-waiting.pcap",
    "tcp-reset-in-message.pcap",
    "wrong-sender-server.pcap",
    "wrong-text-not-utf8.pcap",
];

#[test]
fn rows_count_as_their_capture_does() {
    let folder = tempfile::tempdir().unwrap();
    let mut compared = 0;
    let mut differ = Vec::new();
    for name in captures() {
        if OTHERWISE.contains(&&*name) {
            continue;
        }
        let path = capture(&name);
        let whole = authscope(&["stats", "-T", "json", &path]);
        let Ok(whole) = serde_json::from_str::<Value>(&whole.stdout) else {
            continue;
        };
        let file = rows(&folder, "rows.jsonl", &[&path]);
        let told = json(&["stats", "--rows", "-T", "json", file.to_str().unwrap()]);
        for key in TOLD {
            if told[key] != whole[key] {
                differ.push(format!(
                    "{name}: {key} is {} of rows, {} of frames",
                    told[key], whole[key]
                ));
            }
        }
        compared += usize::from(whole["users"] != Value::Array(Vec::new()));
    }
    assert!(compared > 50, "{compared}");
    assert!(differ.is_empty(), "{}", differ.join("\n"));
}

/// Guessing and spraying that several captures show together only.
fn attack(folder: &TempDir) -> Vec<String> {
    let mut files = Vec::new();
    for host in 1..=3 {
        let mut scene = Scene::at(host);
        for round in 0..4 {
            let sprayed = Exchange {
                host: 66,
                user: &format!("user{host}{round}"),
                password: "Winter2026",
                answer: Exchange::WRONG,
                ..Exchange::LOGIN
            };
            let guessed = Exchange {
                host: 77,
                password: &format!("guess{host}{round}"),
                answer: Exchange::WRONG,
                ..Exchange::LOGIN
            };
            scene.put(&sprayed, 1000 * MILLISECOND + i64::from(host));
            scene.put(&guessed, 1000 * MILLISECOND);
        }
        let to = folder.path().join(format!("host{host}.pcap"));
        std::fs::rename(scene.save(folder.path()), &to).unwrap();
        files.push(to.to_str().unwrap().to_owned());
    }
    files
}

/// Findings without their frames, which are each capture's own.
fn findings(stats: &Value) -> Vec<Value> {
    let mut all = stats["findings"].as_array().unwrap().clone();
    for one in &mut all {
        let one = one.as_object_mut().unwrap();
        one.remove("frames");
    }
    all
}

fn files_of(paths: &[PathBuf]) -> Vec<&str> {
    paths.iter().map(|path| path.to_str().unwrap()).collect()
}

#[test]
fn rows_of_several_files_are_found_in_what_all_of_them_show() {
    let folder = tempfile::tempdir().unwrap();
    let files = attack(&folder);
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    let merged = json(&[&["stats", "-T", "json"], &files[..]].concat());
    let kinds: Vec<&str> = findings(&merged)
        .iter()
        .map(|one| {
            if one["kind"] == "password guessing" {
                "guessing"
            } else {
                "other"
            }
        })
        .collect();
    assert_eq!(kinds.len(), 2, "{merged:#}");
    let key = folder.path().join("key");
    std::fs::write(&key, [9; 16]).unwrap();
    let key = key.to_str().unwrap();
    for tags in [&["--password-tags", key][..], &[]] {
        let mut told = vec!["stats", "--rows", "-T", "json"];
        let of_files: Vec<PathBuf> = (0..)
            .zip(&files)
            .map(|(n, file)| rows(&folder, &format!("{n}.jsonl"), &[tags, &[file]].concat()))
            .collect();
        told.extend(files_of(&of_files));
        let told = json(&told);
        assert_eq!(told["rows"], 24);
        let fails = [
            &["stats", "--rows", "--fail-on", "warning"],
            &files_of(&of_files)[..],
        ]
        .concat();
        assert_eq!(authscope(&fails).code, 1);
        let due: Vec<Value> = findings(&merged)
            .into_iter()
            // Without tags nobody knows whether passwords are the same.
            .filter(|one| !tags.is_empty() || one["kind"] != "password spraying")
            .collect();
        assert_eq!(findings(&told), due);
        let said = told["limits"].to_string().contains("--password-tags");
        assert_eq!(said, tags.is_empty());
    }
}

#[test]
fn a_tag_tells_whether_passwords_are_the_same_and_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let files = attack(&folder);
    let tags = |key: [u8; 20]| -> Vec<String> {
        let path = folder.path().join("key");
        std::fs::write(&path, key).unwrap();
        let rows = rows(
            &folder,
            "tags",
            &["--password-tags", path.to_str().unwrap(), &files[0]],
        );
        let text = std::fs::read_to_string(rows).unwrap();
        assert!(
            !text.contains("Winter2026") && !text.contains("guess"),
            "{text}"
        );
        let lines = text
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines
            .map(|line| line["password_tag"].as_str().unwrap().to_owned())
            .collect()
    };
    let of_one = tags([1; 20]);
    let sprayed: Vec<&String> = of_one.iter().step_by(2).collect();
    assert!(
        sprayed
            .iter()
            .all(|tag| *tag == sprayed[0] && tag.len() == 8),
        "{of_one:?}"
    );
    let guessed: std::collections::BTreeSet<&String> = of_one.iter().skip(1).step_by(2).collect();
    assert_eq!(guessed.len(), 4);
    assert_eq!(of_one, tags([1; 20]));
    assert!(
        of_one
            .iter()
            .zip(tags([2; 20]))
            .all(|(one, other)| *one != other)
    );
}

fn refused(arguments: &[&str]) -> String {
    let Done {
        code,
        stdout,
        stderr,
    } = authscope(arguments);
    assert_eq!((code, &*stdout), (2, ""), "{arguments:?}");
    stderr
}

#[test]
fn what_cannot_be_counted_is_refused_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let lab = capture("lab-report.pcap");
    let messages = authscope(&["read", "-T", "jsonl", &lab]).stdout;
    let messages = write("messages", messages.as_bytes());
    let said = refused(&["stats", "--rows", &messages]);
    assert!(
        said.contains("line 1 is no exchange (it has no \"client\")"),
        "{said}"
    );
    assert!(said.contains("read --exchanges"), "{said}");
    let missing = refused(&["stats", "--rows", "/nowhere"]);
    assert!(
        missing.contains("cannot read rows from \"/nowhere\""),
        "{missing}"
    );
    let short = write("short", &[0; 15]);
    let said = refused(&[
        "read",
        "--exchanges",
        "-T",
        "jsonl",
        "--password-tags",
        &short,
        &lab,
    ]);
    assert!(said.contains("at least 16 bytes"), "{said}");
    refused(&["read", "-T", "jsonl", "--password-tags", &short, &lab]);
    refused(&["stats", "--rows", "-Y", "reglogin", &messages]);
    refused(&["stats", "--rows", "--each", &messages]);
    if cfg!(not(feature = "parquet")) {
        let parquet = write("rows.parquet", b"PAR1 and so on");
        let said = refused(&["stats", "--rows", &parquet]);
        assert!(said.contains("--features parquet"), "{said}");
        let said = refused(&["read", "-T", "parquet", &lab]);
        assert!(said.contains("possible values"), "{said}");
    }
}

#[test]
fn rows_that_are_out_of_order_or_cut_off_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = rows(&folder, "rows", &[&capture("password-guessing.pcap")]);
    let text = std::fs::read_to_string(&file).unwrap();
    let mut lines: Vec<&str> = text.lines().collect();
    lines.reverse();
    lines.push(r#"{"interrupted":true,"frames":9}"#);
    std::fs::write(&file, lines.join("\n")).unwrap();
    let done = authscope(&["stats", "--rows", file.to_str().unwrap()]);
    assert_eq!(done.code, 0);
    assert!(
        done.stderr.contains("are not in order of time"),
        "{}",
        done.stderr
    );
    assert!(
        done.stderr
            .contains("end where writing them was interrupted"),
        "{}",
        done.stderr
    );
    assert!(done.stdout.starts_with("Exchanges  "), "{}", done.stdout);
}
