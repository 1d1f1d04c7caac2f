//! Common mistakes of new implementations are named, with the remedy, wherever notes are shown.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::inspector::{authscope, capture, captures};

/// Each capture with its port, and a sentence that its messages must have with how many have it.
const MISTAKES: [(&str, &str, &str, usize); 13] = [
    (
        "layout-little-endian.pcap",
        "8888",
        "total length 3a 00 00 00 is 58 in reverse order: numbers are big-endian, htonl",
        2,
    ),
    (
        "layout-length-without-header.pcap",
        "8888",
        "total length 50 = 58 - 8: the header counts too",
        2,
    ),
    (
        "layout-name32-pw32.pcap",
        "8888",
        "a second text begins at offset 40 of the message, not 28: is the user name's field 32 bytes wide?",
        1,
    ),
    (
        "mistake-no-padding.pcapng",
        "18888",
        "20 of 58 bytes so far: are both fields filled with NUL to 20 and 30?",
        1,
    ),
    (
        "mistake-leftovers.pcapng",
        "18888",
        "leftovers after the text: clear the buffer before it is filled (offset 14 of the message, user name)",
        1,
    ),
    (
        "mistake-trailing-newline.pcapng",
        "18888",
        "the password ends with a line break: was the line's newline left in?",
        1,
    ),
    (
        "mistake-wrong-command.pcap",
        "18888",
        "58 bytes fit a request: 1 or 3?",
        4,
    ),
    (
        "mistake-numbers-as-text.pcap",
        "8888",
        "bytes 0 to 3 are the text '0058': send the number itself, 4 bytes big-endian",
        1,
    ),
    (
        "mistake-numbers-as-text.pcap",
        "8888",
        "bytes 4 to 7 are the text '0001': send the number itself, 4 bytes big-endian",
        1,
    ),
    (
        "mistake-password-first.pcap",
        "8888",
        "a second text begins at offset 38 of the message, not 28: was the password sent before the user name?",
        1,
    ),
    (
        "mistake-password-zeroes.pcap",
        "8888",
        "the password looks filled up with '0', 0x30: fill with NUL, or its value is all 30 bytes",
        1,
    ),
    (
        "mistake-still-waiting.pcap",
        "8888",
        "20 of 58 bytes so far: are both fields filled with NUL to 20 and 30?",
        1,
    ),
    (
        "filled-with-zero-digits.pcap",
        "8888",
        "the user name looks filled up with '0', 0x30: fill with NUL, or its value is all 20 bytes",
        1,
    ),
];

/// What is said of a capture, in each form that notes stand in.
struct Said {
    rows: String,
    details: String,
    explained: String,
    messages: Vec<Value>,
    comments: String,
    stats: String,
    findings: Vec<Value>,
}

impl Said {
    fn of(name: &str, port: &str) -> Self {
        let path = capture(name);
        let out = |arguments: &[&str]| {
            let done = authscope(&[arguments, &["-p", port, &path]].concat());
            assert_eq!(done.code, 0, "{name} {arguments:?}: {}", done.stderr);
            done.stdout
        };
        let folder = tempfile::tempdir().unwrap();
        let saved = folder.path().join("saved.pcapng");
        out(&["read", "-q", "--annotate", "-w", saved.to_str().unwrap()]);
        let stats: Value = serde_json::from_str(&out(&["stats", "-T", "json"])).unwrap();
        Self {
            rows: out(&["read", "--messages", "-T", "text"]),
            details: out(&["read", "-V"]),
            explained: out(&["read", "--explain"]),
            messages: serde_json::from_str(&out(&["read", "-T", "json"])).unwrap(),
            comments: String::from_utf8_lossy(&std::fs::read(saved).unwrap()).into_owned(),
            stats: out(&["stats"]),
            findings: stats["findings"].as_array().unwrap().clone(),
        }
    }
}

#[test]
fn each_mistake_is_named_with_its_remedy_in_every_form() {
    for (name, port, sentence, times) in MISTAKES {
        let said = Said::of(name, port);
        for (form, text) in [
            ("rows", &said.rows),
            ("details", &said.details),
            ("explanations", &said.explained),
        ] {
            assert_eq!(
                text.matches(sentence).count(),
                times,
                "{name}, {form}\n{text}"
            );
        }
        // A frame that waits for more has it in a comment of its own.
        assert!(said.comments.matches(sentence).count() >= times, "{name}");
        let notes = said.messages.iter().flat_map(|message| {
            let notes = message["notes"].as_array().into_iter().flatten();
            notes.map(|note| (message["frame"].as_u64(), note))
        });
        let saying: Vec<_> = notes.filter(|(_, note)| note["text"] == sentence).collect();
        assert_eq!(saying.len(), times, "{name}");
        let finding = said.findings.iter().find(|finding| {
            let text = finding["text"].as_str().unwrap();
            finding["kind"] == "mistake" && text.ends_with(sentence)
        });
        let finding = finding.unwrap_or_else(|| panic!("{name}: {:?}", said.findings));
        let (frame, note) = &saying[0];
        assert_eq!(finding["severity"], note["severity"], "{name}");
        assert_eq!(finding.get("field"), note.get("field"), "{name}");
        assert_eq!(finding["frames"][0].as_u64(), *frame, "{name}");
        // Other messages may have the same mistake with another value.
        let count = finding["count"].as_u64().unwrap();
        assert!(count >= times as u64, "{name}");
        let told = said.stats.lines().any(|line| {
            let kind = line.contains(&format!("mistake: {count} message"));
            kind && line.contains(&format!(": {sentence} (frame"))
        });
        assert!(told, "{name}\n{}", said.stats);
    }
}

#[test]
fn a_finding_of_several_values_tells_the_first() {
    let done = authscope(&[
        "stats",
        "-T",
        "json",
        &capture("wrong-length-0.pcap"),
        &capture("wrong-length-7.pcap"),
    ]);
    let stats: Value = serde_json::from_str(&done.stdout).unwrap();
    let findings = stats["findings"].as_array().unwrap();
    let of_kind = |finding: &&Value| finding["kind"] == "mistake";
    let findings: Vec<_> = findings.iter().filter(of_kind).collect();
    let texts: Vec<_> = findings.iter().map(|finding| &finding["text"]).collect();
    assert_eq!(
        texts,
        ["2 messages, the first: total length is 0, but a registration request has 58 bytes"]
    );
    assert_eq!(findings[0]["severity"], "error");
    assert_eq!(findings[0]["frames"].as_array().unwrap().len(), 2);
}

/// Frames with their notes, as in JSON: the frame's own and those of its messages.
fn notes_in_json(path: &str) -> BTreeMap<u64, Vec<String>> {
    let json = authscope(&["read", "--frames", "-T", "jsonl", path]).stdout;
    let mut notes: BTreeMap<u64, Vec<String>> = BTreeMap::new();
    for object in json.lines() {
        let object: Value = serde_json::from_str(object).unwrap();
        let of = |value: &Value| -> Vec<String> {
            let notes = value["notes"].as_array().into_iter().flatten();
            notes
                .map(|note| note["text"].as_str().unwrap().to_owned())
                .collect()
        };
        let frame = object["frame"].as_u64();
        if let Some(frame) = frame {
            notes.entry(frame).or_default().extend(of(&object));
        }
        for message in object["messages"].as_array().into_iter().flatten() {
            let frame = message["frame"].as_u64().unwrap();
            notes.entry(frame).or_default().extend(of(message));
        }
    }
    notes.retain(|_, notes| !notes.is_empty());
    notes
}

/// The comments of each frame of a capture that was saved: pcapng, little-endian.
fn comments_by_frame(octets: &[u8]) -> BTreeMap<u64, Vec<String>> {
    const PACKET: u32 = 6;
    const COMMENT: u16 = 1;
    let half = |octets: &[u8], at: usize| u16::from_le_bytes([octets[at], octets[at + 1]]);
    let word = |octets: &[u8], at: usize| {
        u32::from_le_bytes(octets[at..at + 4].try_into().unwrap()) as usize
    };
    let (mut rest, mut frame, mut comments) = (octets, 0, BTreeMap::new());
    while !rest.is_empty() {
        let (block, behind) = rest.split_at(word(rest, 4));
        rest = behind;
        if word(block, 0) != PACKET as usize {
            continue;
        }
        frame += 1;
        let mut options = &block[28 + word(block, 20).next_multiple_of(4)..block.len() - 4];
        while options.len() >= 4 && half(options, 0) != 0 {
            let len = usize::from(half(options, 2));
            if half(options, 0) == COMMENT {
                let text = String::from_utf8(options[4..4 + len].to_vec()).unwrap();
                comments.entry(frame).or_insert_with(Vec::new).push(text);
            }
            options = &options[4 + len.next_multiple_of(4)..];
        }
    }
    comments
}

/// Notes in the comments that a saved capture gives each frame.
fn notes_in_comments(path: &str) -> BTreeMap<u64, Vec<String>> {
    let mut notes = BTreeMap::new();
    for (frame, comments) in comments_by_frame(&std::fs::read(path).unwrap()) {
        // Notes stand in brackets behind what is said first, each behind its group.
        let bracketed = comments.iter().filter_map(|comment| {
            let (_, notes) = comment.split_once(" [")?;
            Some(notes.rsplit_once(']')?.0.split("] ["))
        });
        let said: Vec<String> = bracketed
            .flatten()
            .filter_map(|note| Some(note.split_once(": ")?.1.to_owned()))
            .collect();
        if !said.is_empty() {
            notes.insert(frame, said);
        }
    }
    notes
}

#[test]
fn comments_and_json_hold_the_same_notes() {
    let folder = tempfile::tempdir().unwrap();
    let saved = folder.path().join("saved.pcapng");
    let saved = saved.to_str().unwrap();
    for name in captures() {
        // What cannot be read to its end is not saved whole.
        if name.starts_with("damaged") {
            continue;
        }
        let path = capture(&name);
        let done = authscope(&["read", "-q", &path, "-w", saved, "--annotate"]);
        if done.code != 0 {
            continue;
        }
        let sorted = |mut notes: BTreeMap<u64, Vec<String>>| {
            for notes in notes.values_mut() {
                notes.sort();
            }
            notes
        };
        let comments = notes_in_comments(saved);
        assert_eq!(sorted(comments), sorted(notes_in_json(&path)), "{name}");
    }
}

/// The comments of a saved capture, as the file's bytes hold them.
fn comments(path: &Path) -> usize {
    let octets = std::fs::read(path).unwrap();
    octets
        .windows(10)
        .filter(|part| *part == b"RegLogin: ")
        .count()
}

#[test]
fn annotating_an_annotated_file_doubles_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let [once, twice] = ["once.pcapng", "twice.pcapng"].map(|name| folder.path().join(name));
    let from = capture("lab-report.pcap");
    for (from, to) in [(from.as_str(), &once), (&once.to_string_lossy(), &twice)] {
        let to = to.to_string_lossy();
        let done = authscope(&["read", "-q", from, "-w", &to, "--annotate"]);
        assert_eq!(done.code, 0, "{}", done.stderr);
    }
    assert_eq!(comments(&once), 4);
    assert_eq!(comments(&twice), 4);
}
