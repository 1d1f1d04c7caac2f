//! JSON is as docs/output.md says: no other keys, no other types, and all keys that are always present.

use std::collections::{BTreeMap, BTreeSet};

use crate::inspector::{authscope, capture, captures, command};
use serde_json::{Map, Value};

/// A key as the page states it.
struct Key {
    kind: String,
    always: bool,
}

/// The tables of the page, by the heading above each.
fn documented() -> BTreeMap<String, BTreeMap<String, Key>> {
    let page = include_str!("../../docs/output.md");
    let mut tables: BTreeMap<String, BTreeMap<String, Key>> = BTreeMap::new();
    let mut heading = "";
    for line in page.lines() {
        if let Some(text) = line.strip_prefix("### ") {
            heading = text;
        }
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        if let ["", key, kind, present, _, ""] = cells[..]
            && let Some(key) = key.strip_prefix('`').and_then(|key| key.strip_suffix('`'))
        {
            let key = (
                key.to_owned(),
                Key {
                    kind: kind.to_owned(),
                    always: present == "always",
                },
            );
            tables.entry(heading.to_owned()).or_default().extend([key]);
        }
    }
    tables
}

/// Holds objects to the tables and remembers which keys were seen.
struct Checker {
    tables: BTreeMap<String, BTreeMap<String, Key>>,
    seen: BTreeSet<(String, String)>,
}

impl Checker {
    fn check(&mut self, table: &str, value: &Value) {
        let object: &Map<String, Value> = value.as_object().expect("an object");
        let keys = &self.tables[table];
        for (key, value) in object {
            let stated = keys
                .get(key)
                .unwrap_or_else(|| panic!("{table} has {key}: {value}"));
            let kind = match value {
                Value::Number(_) => "number",
                Value::String(_) => "string",
                Value::Array(_) => "array",
                Value::Object(_) => "object",
                Value::Null | Value::Bool(_) => "neither",
            };
            assert_eq!(stated.kind, kind, "{table} {key}: {value}");
            self.seen.insert((table.to_owned(), key.to_owned()));
        }
        for (key, stated) in keys {
            assert!(
                !stated.always || object.contains_key(key),
                "{table} lacks {key}: {value}"
            );
        }
        for (key, table) in [("messages", "Message"), ("notes", "Note")] {
            for inner in object
                .get(key)
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
            {
                self.check(table, inner);
            }
        }
        if let Some(tcp) = object.get("tcp") {
            self.check("TCP", tcp);
        }
    }
}

fn objects(arguments: &[&str], name: &str) -> Vec<Value> {
    let done = authscope(&[&["read", "-T", "jsonl"], arguments, &[&capture(name)]].concat());
    done.stdout
        .lines()
        .map(|line| serde_json::from_str(line).expect("an object a line"))
        .collect()
}

/// A file that serves as a key.
const KEY: &str = "Cargo.toml";

#[test]
fn every_capture_gives_what_the_page_says() {
    let mut checker = Checker {
        tables: documented(),
        seen: BTreeSet::new(),
    };
    let names: Vec<&str> = checker.tables.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        ["Exchange", "Frame", "Message", "Note", "Rest", "TCP"]
    );
    for name in captures() {
        for object in objects(&["--show-passwords"], &name) {
            checker.check("Message", &object);
        }
        for object in objects(&["--exchanges", "--password-tags", KEY], &name) {
            checker.check("Exchange", &object);
        }
        for object in objects(&["--frames", "--payload"], &name) {
            let table = if object.get("frame").is_some() {
                "Frame"
            } else {
                "Rest"
            };
            checker.check(table, &object);
        }
    }
    for name in captures() {
        let lines = |arguments: &[&str]| {
            let all = ["read", "-T", "jsonl", "--each"];
            let done = authscope(&[&all, arguments, &[&capture(&name)]].concat());
            let lines = done.stdout.lines();
            lines
                .map(|line| serde_json::from_str(line).unwrap())
                .collect::<Vec<Value>>()
        };
        for object in lines(&[]) {
            checker.check("Message", &object);
        }
        for object in lines(&["--exchanges"]) {
            checker.check("Exchange", &object);
        }
        for object in lines(&["--frames"]) {
            let is_rest = object.get("frame").is_none();
            checker.check(if is_rest { "Rest" } else { "Frame" }, &object);
        }
    }
    for (table, keys) in &checker.tables {
        for key in keys.keys() {
            let seen = checker.seen.contains(&(table.clone(), key.clone()));
            assert!(
                seen || UNSEEN.contains(&key.as_str()),
                "{table} never has {key}"
            );
        }
    }
}

/// Keys that no saved capture has a use for: `fields` are of protocols that a layout describes.
const UNSEEN: [&str; 3] = ["password_hex", "description_hex", "fields"];

#[test]
fn an_array_holds_the_same_objects_as_lines_do() {
    for name in [
        "lab-report.pcap",
        "pcap-empty.pcap",
        "damaged-cut-in-record.pcap",
    ] {
        for frames in [&[][..], &["--frames"]] {
            let done = authscope(&[&["read", "-T", "json"], frames, &[&capture(name)]].concat());
            let array: Vec<Value> = serde_json::from_str(&done.stdout).expect("an array");
            assert_eq!(array, objects(frames, name));
        }
    }
}

#[test]
fn times_are_exact_in_the_text() {
    let done = authscope(&["read", "-T", "jsonl", &capture("lab-report.pcap")]);
    let first = done.stdout.lines().next().unwrap();
    assert!(
        first.starts_with("{\"frame\":4,\"time\":1705312800.000300000,\"stream\":0,"),
        "{first}"
    );
    assert!(
        done.stdout
            .contains("\"response_to\":4,\"response_time\":0.000200000,")
    );
}

#[test]
fn what_is_not_utf8_is_given_in_octets_too() {
    let message = &objects(&[], "wrong-text-not-utf8.pcap")[0];
    assert_eq!(message["username"], "J\u{fffd}rgen");
    assert_eq!(message["username_hex"], "4afc7267656e");
    assert_eq!(message["password"], "********");
    assert_eq!(message.get("password_hex"), None);
    assert_eq!(message.get("status"), None);
}

/// Bytes of a little-endian pcap up to the end of so many frames.
fn first_frames(octets: &[u8], frames: usize) -> usize {
    let mut at = 24;
    for _ in 0..frames {
        let length: [u8; 4] = octets[at + 8..at + 12].try_into().unwrap();
        at += 16 + u32::from_le_bytes(length) as usize;
    }
    at
}

#[test]
fn a_request_through_a_pipe_does_not_wait_for_its_response() {
    use std::io::{BufRead, BufReader, Write};
    use std::process::Stdio;

    let octets = std::fs::read(capture("lab-report.pcap")).unwrap();
    let mut child = command(&["read", "-T", "jsonl", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let (before, behind) = octets.split_at(first_frames(&octets, 4));
    stdin.write_all(before).unwrap();
    stdin.flush().unwrap();
    let request: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
    assert_eq!(request["type"], "registration request");
    assert_eq!(request.get("response_in"), None);
    stdin.write_all(behind).unwrap();
    drop(stdin);
    assert_eq!(lines.count(), 3);
    assert!(child.wait().unwrap().success());
}
