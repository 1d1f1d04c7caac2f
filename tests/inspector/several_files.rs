//! Several files: merged, or each on its own (`--each`), the file of each row, folders, and captures that overlap.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::inspector::{Done, authscope, capture, captures, command, shown_in};

const LAB: &str = "captures/lab-report.pcap";
const PIPELINED: &str = "captures/tcp-pipelined.pcap";

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A folder with copies of saved captures.
fn folder_of(names: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, from) in names {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join(from);
        std::fs::copy(from, path).unwrap();
    }
    folder
}

/// All captures but those that are damaged, which say so.
fn whole() -> Vec<String> {
    let names = captures().into_iter();
    let names = names.filter(|name| !name.starts_with("damaged"));
    names.map(|name| capture(&name)).collect()
}

fn with<'a>(arguments: &[&'a str], files: &'a [String]) -> Vec<&'a str> {
    let files = files.iter().map(String::as_str);
    arguments.iter().copied().chain(files).collect()
}

/// What each file alone gives in this form, in turn.
fn alone(arguments: &[&str], files: &[String]) -> Vec<Done> {
    let one = |file: &String| authscope(&[arguments, &[file.as_str()]].concat());
    files.iter().map(one).collect()
}

/// However many are read at the same time: their objects, in order, with their files.
#[test]
fn each_file_gives_what_it_gives_alone() {
    let files = whole();
    for arguments in [
        &["read"][..],
        &["read", "--frames"],
        &["read", "--exchanges"],
    ] {
        let lines = [arguments, &["-T", "jsonl"]].concat();
        let together = authscope(&with(&[&lines[..], &["--each"]].concat(), &files));
        assert_eq!(together.code, 0, "{}", together.stderr);
        let mut objects = together
            .stdout
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap());
        for (file, done) in files.iter().zip(alone(&lines, &files)) {
            for line in done.stdout.lines() {
                let mut object = objects.next().expect("as many");
                let named = object.as_object_mut().unwrap().remove("file");
                if object.get("frame").is_some() || arguments.contains(&"--exchanges") {
                    assert_eq!(named, Some(Value::from(file.as_str())), "{line}");
                }
                for part in ["messages", "notes"] {
                    let inner = object.get_mut(part).and_then(Value::as_array_mut);
                    for one in inner.into_iter().flatten() {
                        one.as_object_mut().unwrap().remove("file");
                    }
                }
                assert_eq!(
                    object,
                    serde_json::from_str::<Value>(line).unwrap(),
                    "{file}"
                );
            }
        }
        assert!(objects.next().is_none());
        // What is said of one file alone is said with its name.
        let said: Vec<String> = files
            .iter()
            .zip(alone(&lines, &files))
            .flat_map(|(file, done)| {
                let lines: Vec<String> = done.stderr.lines().map(str::to_owned).collect();
                lines.into_iter().map(move |line| {
                    line.replacen("authscope: ", &format!("authscope: {file}: "), 1)
                })
            })
            .collect();
        assert_eq!(together.stderr.lines().collect::<Vec<_>>(), said);
    }
}

#[test]
fn an_array_is_one_array() {
    let files = [
        capture("pcap-empty.pcap"),
        LAB.to_owned(),
        capture("pcap-empty.pcap"),
        PIPELINED.to_owned(),
        capture("pcap-empty.pcap"),
    ];
    for arguments in [&["read"][..], &["read", "--frames"], &["stats"]] {
        let arguments = [arguments, &["--each", "-T", "json"]].concat();
        let done = authscope(&with(&arguments, &files));
        let all: Vec<Value> = serde_json::from_str(&done.stdout).expect(&done.stdout);
        assert!(all.len() > 4, "{}", all.len());
        let empty = authscope(&with(&arguments, &files[..1]));
        let all: Vec<Value> = serde_json::from_str(&empty.stdout).unwrap();
        assert_eq!(all.len(), usize::from(arguments[0] == "stats"));
    }
}

/// One heading, also where the first or the last file cannot be read, and one end.
#[test]
fn what_stands_before_and_behind_all_rows_stands_there_once() {
    let bad = "captures/README.md".to_owned();
    let (lab, pipelined) = (LAB.to_owned(), PIPELINED.to_owned());
    for files in [
        [bad.clone(), lab.clone(), pipelined.clone()],
        [lab.clone(), bad.clone(), pipelined.clone()],
        [lab, pipelined, bad],
    ] {
        let read = |form: &str| {
            let done = authscope(&with(
                &["read", "--each", "--exchanges", "-T", form],
                &files,
            ));
            assert_eq!(done.code, 2, "{}", done.stderr);
            assert_eq!(
                done.stderr.matches("cannot read").count(),
                1,
                "{}",
                done.stderr
            );
            done.stdout
        };
        let csv = read("csv");
        assert!(csv.starts_with("file,time,client,server,"), "{csv}");
        assert_eq!(csv.matches("file,time").count(), 1);
        assert_eq!(csv.lines().count(), 5);
        let table = read("table");
        assert!(table.starts_with("File "), "{table}");
        assert_eq!(table.lines().count(), 5);
        assert_eq!(read("text").lines().count(), 4);
        let all: Vec<Value> = serde_json::from_str(&read("json")).unwrap();
        assert_eq!(all.len(), 4);
        let pdml = authscope(&with(&["read", "--each", "-T", "pdml"], &files)).stdout;
        let document = roxmltree::Document::parse(&pdml).unwrap();
        let of_file = |node: &roxmltree::Node<'_, '_>| node.attribute("name") == Some("frame.file");
        assert!(document.descendants().filter(of_file).count() > 20);
    }
}

#[test]
fn a_course_in_a_table() {
    let folder = folder_of(&[
        ("anna/first.pcap", LAB),
        ("anna/second.pcap", PIPELINED),
        ("ben/first.pcap", "captures/recorded-wrong-password.pcapng"),
        ("ben/notes.txt", "captures/README.md"),
    ]);
    let csv = authscope(&[
        "read",
        "-T",
        "csv",
        "--exchanges",
        "--each",
        text(folder.path()),
    ]);
    assert_eq!(csv.code, 0, "{}", csv.stderr);
    let shown = csv.stdout.replace(text(folder.path()), "course");
    insta::assert_snapshot!("several_files_csv", shown);
    let table = authscope(&["read", "--exchanges", "--each", text(folder.path())]);
    insta::assert_snapshot!("several_files_table", table.stdout);
    let frames = authscope(&["read", "--messages", "--each", text(folder.path())]);
    insta::assert_snapshot!("several_files_messages", frames.stdout);
    let lines = authscope(&[
        "read",
        "--messages",
        "-T",
        "text",
        "--each",
        text(folder.path()),
    ]);
    insta::assert_snapshot!("several_files_text", lines.stdout);
}

#[test]
fn the_worst_exit_code_is_that_of_all() {
    for (filter, files, code) in [
        ("reglogin", &[LAB, PIPELINED][..], 0),
        ("reglogin.user == \"alice\"", &[LAB, PIPELINED], 1),
        (
            "reglogin",
            &[LAB, "captures/damaged-cut-in-record.pcap", PIPELINED],
            2,
        ),
        (
            "reglogin.user == \"alice\"",
            &[LAB, "captures/README.md", PIPELINED],
            2,
        ),
    ] {
        let files: Vec<String> = files.iter().map(|file| (*file).to_owned()).collect();
        for command in ["read", "stats"] {
            let done = authscope(&with(&[command, "--each", "-Y", filter], &files));
            assert_eq!(
                done.code, code,
                "{command} {filter} {files:?}: {}",
                done.stderr
            );
        }
    }
    let done = authscope(&["stats", "--each", "--fail-on", "note", PIPELINED, LAB]);
    assert_eq!(done.code, 1);
    assert_eq!(
        done.stderr,
        "authscope: captures/lab-report.pcap: 4 notes; findings: 2 notes\n"
    );
}

#[test]
fn statistics_of_each_file_are_those_of_it_alone() {
    let files = whole();
    let done = authscope(&with(&["stats", "--each", "-T", "json"], &files));
    assert_eq!(done.code, 0, "{}", done.stderr);
    let all: Vec<Value> = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!(all.len(), files.len());
    for ((file, mut object), alone) in files
        .iter()
        .zip(all)
        .zip(alone(&["stats", "-T", "json"], &files))
    {
        let named = object.as_object_mut().unwrap().remove("file");
        assert_eq!(named, Some(Value::from(file.as_str())));
        assert_eq!(
            object,
            serde_json::from_str::<Value>(&alone.stdout).unwrap(),
            "{file}"
        );
    }
    let some = &files[..3];
    let done = authscope(&with(&["stats", "--each"], some));
    let mut expected = String::new();
    for (file, alone) in some.iter().zip(alone(&["stats"], some)) {
        expected.extend(["File ", file, "\n\n", &alone.stdout, "\n"]);
    }
    assert_eq!(done.stdout, expected);
}

/// Merged captures are what they were, and every row can say which it is of.
#[test]
fn rows_of_merged_captures_have_their_file() {
    let parts = ["captures/split-part-1.pcap", "captures/split-part-2.pcap"];
    let done = authscope(
        &[
            &[
                "read",
                "--frames",
                "-T",
                "fields",
                "-e",
                "frame.number",
                "-e",
                "frame.file",
            ],
            &parts[..],
        ]
        .concat(),
    );
    assert_eq!(done.code, 0, "{}", done.stderr);
    let mut frames = [0, 0];
    for line in done.stdout.lines() {
        let (_, file) = line.split_once('\t').unwrap();
        frames[parts.iter().position(|part| *part == file).unwrap()] += 1;
    }
    for (part, frames) in parts.iter().zip(frames) {
        let alone = authscope(&["stats", "-T", "json", part]);
        let alone: Value = serde_json::from_str(&alone.stdout).unwrap();
        assert_eq!(alone["frames"], frames, "{part}");
    }
    let filtered = authscope(
        &[
            &[
                "read",
                "--frames",
                "-T",
                "text",
                "-Y",
                "frame.file contains \"part-2\"",
            ],
            &parts[..],
        ]
        .concat(),
    );
    assert_eq!(filtered.stdout.lines().count(), frames[1]);
    assert!(
        filtered
            .stdout
            .lines()
            .all(|line| line.starts_with("split-part-2  "))
    );
    let counted = authscope(
        &[
            &[
                "stats",
                "-T",
                "json",
                "-Y",
                "frame.file contains \"part-2\"",
            ],
            &parts[..],
        ]
        .concat(),
    );
    let counted: Value = serde_json::from_str(&counted.stdout).unwrap();
    assert_eq!(counted["frames"], frames[1]);
    let exchanges = authscope(&[&["read", "--exchanges", "-T", "jsonl"], &parts[..]].concat());
    for line in exchanges.stdout.lines() {
        let object: Value = serde_json::from_str(line).unwrap();
        assert!(parts.contains(&object["file"].as_str().unwrap()), "{line}");
    }
    // Of one file there is nothing to tell it from.
    let one = authscope(&["read", "-T", "jsonl", LAB]);
    assert!(!one.stdout.contains("\"file\""));
    let named = authscope(&["read", "-T", "fields", "-e", "frame.file", "-c", "1", LAB]);
    assert_eq!(named.stdout, format!("{LAB}\n"));
    let saved = tempfile::tempdir().unwrap();
    let saved = saved.path().join("part.pcapng");
    let only = ["--only", "frame.file contains \"part-2\""];
    let done = authscope(&[&["read", "-q", "-w", text(&saved)], &only[..], &parts].concat());
    assert_eq!(done.code, 0, "{}", done.stderr);
    let again = authscope(&["stats", "-T", "json", text(&saved)]);
    let again: Value = serde_json::from_str(&again.stdout).unwrap();
    assert_eq!(again["frames"], frames[1]);
}

#[test]
fn merging_says_where_captures_overlap() {
    let folder = folder_of(&[("a.pcap", LAB), ("copy.pcap", LAB), ("b.pcap", PIPELINED)]);
    let at = |name: &str| folder.path().join(name);
    let (a, copy) = (at("a.pcap"), at("copy.pcap"));
    let done = authscope(&["read", "-q", text(&a), text(&copy)]);
    assert_eq!(done.code, 0);
    assert_eq!(
        done.stderr,
        format!(
            "authscope: {a:?} and {copy:?} overlap in time; 22 frames are in both, which counts as retransmitted; --each reads every file by itself\n"
        )
    );
    let done = authscope(&["stats", "-T", "json", text(folder.path())]);
    assert!(
        done.stderr.contains("3 of the 3 captures overlap in time"),
        "{}",
        done.stderr
    );
    let parts = ["captures/split-part-1.pcap", "captures/split-part-2.pcap"];
    assert_eq!(authscope(&["read", parts[0], parts[1]]).stderr, "");
    assert_eq!(
        authscope(&["read", "-q", "--each", text(&a), text(&copy)]).stderr,
        ""
    );
}

/// A folder means the captures in it, for every command that reads captures.
#[test]
fn a_folder_is_the_captures_in_it() {
    let folder = folder_of(&[("one.pcap", PIPELINED), ("notes.md", "captures/README.md")]);
    let inside = folder.path().join("one.pcap");
    for arguments in [
        &["read"][..],
        &["read", "--each", "-T", "jsonl"],
        &["stats"],
        &["follow"],
        &["check"],
        &[],
    ] {
        let of_folder = authscope(&[arguments, &[text(folder.path())]].concat());
        let of_file = authscope(&[arguments, &[text(&inside)]].concat());
        assert_eq!(of_folder.code, 0, "{arguments:?}: {}", of_folder.stderr);
        assert_eq!(of_folder.stdout, of_file.stdout, "{arguments:?}");
    }
    let empty = tempfile::tempdir().unwrap();
    let done = authscope(&["read", text(empty.path())]);
    assert_eq!(done.code, 2);
    assert!(
        done.stderr.contains("no capture in this folder"),
        "{}",
        done.stderr
    );
}

#[test]
fn what_does_not_go_with_each_is_refused() {
    for arguments in [&["-w", "x.pcapng"][..], &["--stats"]] {
        let done = authscope(&[&["read", "--each"], arguments, &[LAB]].concat());
        assert_eq!(done.code, 2, "{arguments:?}");
        assert!(done.stderr.contains("--each"), "{}", done.stderr);
    }
}

/// A reader that has enough is no error, and ends it.
#[test]
fn a_closed_pipe_ends_it() {
    let files: Vec<String> = (0..40).map(|_| LAB.to_owned()).collect();
    let arguments = with(&["read", "--each", "--frames", "-V", "-x"], &files);
    let mut child = command(&arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = child.stdout.take().unwrap();
    std::io::Read::read_exact(&mut out, &mut [0; 100]).unwrap();
    drop(out);
    let done = child.wait_with_output().unwrap();
    assert_eq!(done.status.code(), Some(0));
    assert_eq!(String::from_utf8(done.stderr).unwrap(), "");
}

/// One that may still grow holds up those behind it, and an interruption ends all.
#[test]
fn an_interruption_is_said_once() {
    let mut child = command(&[
        "read",
        "--each",
        "--messages",
        "-T",
        "text",
        LAB,
        "-",
        PIPELINED,
    ])
    .stdin(Stdio::piped())
    .stdout(Stdio::piped())
    .stderr(Stdio::piped())
    .spawn()
    .unwrap();
    let input = child.stdin.take().unwrap();
    // The first file's rows are there while the second is waited for.
    let mut rows = BufReader::new(child.stdout.take().unwrap());
    for _ in 0..4 {
        let mut row = String::new();
        rows.read_line(&mut row).unwrap();
        assert!(row.starts_with("captures/lab-report"), "{row}");
    }
    let id = child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-INT", &id])
            .status()
            .unwrap()
            .success()
    );
    let done = child.wait_with_output().unwrap();
    drop(input);
    let said = String::from_utf8(done.stderr).unwrap();
    assert_eq!(done.status.code(), Some(130), "{said}");
    assert_eq!(said.matches("interrupted").count(), 1, "{said}");
}

#[test]
fn rows_of_several_files_fit_a_terminal() {
    let folder = folder_of(&[("a.pcap", LAB), ("b.pcap", PIPELINED)]);
    let lines = shown_in(80, &["read", "--each", "--exchanges", text(folder.path())]);
    assert!(
        lines.iter().any(|line| line.starts_with("a  ")),
        "{lines:#?}"
    );
    let messages = shown_in(80, &["read", "--each", "--messages", text(folder.path())]);
    assert!(
        messages.iter().any(|line| line.starts_with("b  ")),
        "{messages:#?}"
    );
    for line in lines.iter().chain(&messages) {
        assert!(line.chars().count() <= 80, "{line}");
    }
}
