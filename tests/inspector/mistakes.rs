//! The commonest mistakes of those who write an implementation are named, in the row and in JSON
//! alike.

use std::path::Path;

use serde_json::Value;

use crate::inspector::{authscope, capture};

/// Each capture with its port, and a sentence that its messages must have with how many have it.
const MISTAKES: [(&str, &str, &str, usize); 8] = [
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
        "rubbish behind the text: clear the buffer before it is filled (offset 14 of the message, user name)",
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
        "filled-with-zero-digits.pcap",
        "8888",
        "the user name looks filled up with '0', 0x30: fill with NUL, or its value is all 20 bytes",
        1,
    ),
];

#[test]
fn each_mistake_is_named_with_its_remedy() {
    for (name, port, sentence, times) in MISTAKES {
        let path = capture(name);
        let rows = authscope(&["read", "-p", port, "--messages", "-T", "text", &path]).stdout;
        assert_eq!(rows.matches(sentence).count(), times, "{name}\n{rows}");
        let json = authscope(&["read", "-p", port, "-T", "json", &path]).stdout;
        let messages: Vec<Value> = serde_json::from_str(&json).unwrap();
        let noted = messages
            .iter()
            .flat_map(|message| message["notes"].as_array().into_iter().flatten())
            .filter(|note| note["text"] == sentence);
        assert_eq!(noted.count(), times, "{name}\n{json}");
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
