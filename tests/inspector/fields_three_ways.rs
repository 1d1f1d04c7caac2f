//! A line of the details tree, a field of the filter language and a key of JSON come from one registry of fields. The
//! three agree on every capture. `apply_as_filter.rs` tests that a line's filter selects its frame.

use std::collections::{BTreeMap, BTreeSet};

use authscope::filter::{Field, FieldType, field, fields};
use authscope::packet::Flags;
use serde_json::Value;

use crate::inspector::{authscope, capture, captures};

/// Fields with lines that do not begin with a label.
const OWN_LINES: [(&str, &str); 1] = [(
    "tls.handshake.ciphersuite",
    "of a list of suites each has a line, which is its name",
)];

/// Fields of which no capture shows a line, and why.
const NO_LINE: [(&str, &str); 2] = [
    ("frame.file", "stands where several captures are read"),
    (
        "tls.handshake.extensions_server_name",
        "no client names one",
    ),
];

/// Keys of JSON's objects that are no field, and why.
const NO_FIELD: [(&str, &str, &str); 24] = [
    ("frame", "src", "an address with its port, or alone"),
    ("frame", "dst", "an address with its port, or alone"),
    (
        "frame",
        "from",
        "of every segment; reglogin.sender is of messages",
    ),
    (
        "frame",
        "protocol",
        "the innermost; frame.protocols has all",
    ),
    ("frame", "info", "words for people"),
    ("frame", "tcp", "an object"),
    ("frame", "notes", "an array"),
    ("frame", "messages", "an array"),
    ("message", "file", "the frame's"),
    ("message", "frame", "the frame's"),
    ("message", "time", "the frame's"),
    ("message", "stream", "the frame's"),
    ("message", "src", "an address with its port"),
    ("message", "dst", "an address with its port"),
    ("message", "protocol", "what its fields' names begin with"),
    (
        "message",
        "username_hex",
        "the bytes of text that is not UTF-8",
    ),
    (
        "message",
        "password_hex",
        "the bytes of text that is not UTF-8",
    ),
    (
        "message",
        "description_hex",
        "the bytes of text that is not UTF-8",
    ),
    ("message", "fields", "an object: its keys are the layout's"),
    ("message", "notes", "an array"),
    ("note", "file", "the frame's"),
    ("note", "stream", "the frame's"),
    ("note", "field", "the key of another value"),
    (
        "note",
        "bytes",
        "a part of the note's words; of and continues_in likewise",
    ),
];

/// The object that a field's key is in.
fn object_of(field: &Field) -> &'static str {
    match field.name.split_once('.') {
        Some(("tcp", "stream") | ("frame", _)) => "frame",
        Some(("tcp", _)) => "tcp",
        Some(("reglogin", "note" | "note.group" | "severity")) => "note",
        _ => "message",
    }
}

fn keyed() -> impl Iterator<Item = (&'static Field, &'static str)> {
    fields()
        .iter()
        .filter_map(|field| Some((field, field.key.as_deref()?)))
}

#[test]
fn each_field_has_a_label_and_a_key_or_a_reason() {
    for field in fields() {
        let has_both = field.label.is_some() && field.key.is_some();
        assert_eq!(has_both, field.why.is_empty(), "{}", field.name);
    }
}

#[test]
fn each_key_of_json_is_of_a_field_or_has_a_reason() {
    let schema: Value = serde_json::from_str(&authscope(&["schema"]).stdout).expect("JSON");
    let with: BTreeSet<(&str, &str)> = keyed()
        .map(|(field, key)| (object_of(field), key))
        .collect();
    let without: BTreeSet<(&str, &str)> = NO_FIELD.iter().map(|(of, key, _)| (*of, *key)).collect();
    assert!(with.is_disjoint(&without));
    let mut all = BTreeSet::new();
    for of in ["frame", "message", "tcp", "note"] {
        let keys = schema["$defs"][of]["properties"].as_object().expect("keys");
        all.extend(keys.keys().map(|key| (of, key.as_str())));
    }
    // These stand with `bytes`.
    for part in ["of", "continues_in"] {
        assert!(all.remove(&("note", part)), "{part}");
    }
    let named: BTreeSet<(&str, &str)> = with.union(&without).copied().collect();
    assert_eq!(all, named);
}

#[test]
fn a_line_of_the_tree_begins_with_the_label_of_its_field() {
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    for name in captures() {
        let path = capture(&name);
        let done = authscope(&["read", "-V", "--field-names", "--frames", &path]);
        for line in done.stdout.lines() {
            let Some((text, filter)) = line.rsplit_once("  (") else {
                continue;
            };
            let of = filter.split([' ', ')']).next().expect("a field");
            let of = field(of).unwrap_or_else(|| panic!("{name}: {line}"));
            let text = text.trim_start_matches(|c: char| c.is_ascii_digit() || " -".contains(c));
            if let Some(label) = of.label.as_deref() {
                assert!(text.starts_with(label), "{name}: {label}: {line}");
                seen.insert(&of.name);
            } else {
                let is_own = OWN_LINES.iter().any(|(own, _)| of.name == *own);
                assert!(is_own || of.kind == FieldType::Protocol, "{name}: {line}");
            }
        }
    }
    let labelled = fields().iter().filter(|field| field.label.is_some());
    for field in labelled {
        let has_none = NO_LINE.iter().any(|(name, _)| field.name == *name);
        assert_eq!(seen.contains(&*field.name), !has_none, "{}", field.name);
    }
}

/// What JSON has of a field in a frame's object.
fn in_json<'j>(frame: &'j Value, field: &Field, key: &str) -> Vec<&'j Value> {
    let list = |of: &'j Value, key: &str| of[key].as_array().expect("an array").iter();
    let messages = || list(frame, "messages").filter(|one| one["protocol"] == "RegLogin");
    let found: Vec<Option<&Value>> = match object_of(field) {
        "frame" => vec![frame.get(key)],
        "tcp" => vec![frame.get("tcp").and_then(|tcp| tcp.get(key))],
        "note" => messages()
            .flat_map(|message| list(message, "notes"))
            .chain(list(frame, "notes").filter(|note| note["stream"] == frame["stream"]))
            .map(|note| note.get(key))
            .collect(),
        _ => messages().map(|message| message.get(key)).collect(),
    };
    found.into_iter().flatten().collect()
}

/// Whether a value of JSON is what a field's value is shown as; `None` of text that the two escape in their own ways.
fn agree(field: &Field, json: &Value, shown: &str) -> Option<bool> {
    Some(match json {
        Value::Number(number) => {
            let shown: f64 = shown.parse().expect("a number");
            (number.as_f64().expect("a number") - shown).abs() < 1e-6
        }
        Value::String(text) if field.name == "tcp.flags" => {
            let bits = u16::from_str_radix(shown.trim_start_matches("0x"), 16).expect("flags");
            *text == Flags(bits).to_string()
        }
        Value::String(text) if text.chars().any(|c| !(' '..='~').contains(&c) || c == '\\') => {
            return None;
        }
        Value::String(text) => text == shown,
        other => panic!("{}: {other}", field.name),
    })
}

/// Fields of which JSON leaves values out: the one capture, and an acknowledgement that does not count.
const LEFT_OUT: [&str; 2] = ["frame.file", "tcp.ack"];

/// Fields that JSON has of responses alone, since requests say the same in other keys.
const OF_RESPONSES: [&str; 2] = ["reglogin.user", "reglogin.action"];

/// Whether each of these stands among those, in the same order.
fn is_part<A, B>(of: &[A], all: &[B], is_same: impl Fn(&A, &B) -> bool) -> bool {
    let mut all = all.iter();
    of.iter().all(|one| all.any(|other| is_same(one, other)))
}

fn rows(path: &str, more: &[&str]) -> Vec<Value> {
    let given = ["read", "--frames", "--show-passwords", path];
    let done = authscope(&[&given[..], more].concat());
    let lines = done.stdout.lines();
    lines
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

/// The frames of a capture, each with the messages that became available with it, though they belong to an earlier one; but for the last
/// frame, behind which the end of the capture adds its own.
fn frames(path: &str) -> Vec<Value> {
    let mut frames: Vec<Value> = Vec::new();
    for row in rows(path, &["-T", "jsonl", "--payload"]) {
        if row.get("frame").is_some() {
            frames.push(row);
        } else if let (Some(frame), Some(late)) = (frames.last_mut(), row["messages"].as_array()) {
            let messages = frame["messages"].as_array_mut().expect("an array");
            messages.extend(late.iter().cloned());
        }
    }
    frames.pop();
    frames
}

#[test]
fn json_and_fields_agree_on_every_capture() {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let names: Vec<&str> = keyed()
        .flat_map(|(field, _)| ["-e", field.name.as_ref()])
        .collect();
    for name in captures() {
        let path = capture(&name);
        // A message that is found at the end has a row of its own, behind that of its frame.
        let mut by_frame = BTreeMap::new();
        for row in rows(&path, &[&["-T", "ek"], &names[..]].concat()) {
            if let Some(layers) = row.get("layers") {
                let number = layers["frame_number"][0].as_str().expect("a number");
                by_frame.entry(number.to_owned()).or_insert(layers.clone());
            }
        }
        for frame in frames(&path) {
            let number = &frame["frame"];
            let layers = &by_frame[&number.to_string()];
            let flags = frame["tcp"]["flags"].as_str().unwrap_or_default();
            // What is said of a message that is not whole depends on its rest, for which JSON waits.
            let is_begun = frame.to_string().contains("\"continues_in\":");
            for (field, key) in keyed() {
                if is_begun && object_of(field) == "note" {
                    continue;
                }
                let mut json = in_json(&frame, field, key);
                if field.name == "tcp.payload" {
                    // What a reset carries is tcp.reset_cause.
                    json.retain(|value| !flags.contains("RST") && **value != "");
                }
                let shown = layers[field.name.replace('.', "_")].as_array();
                let shown: Vec<&str> = shown
                    .into_iter()
                    .flatten()
                    .map(|value| value.as_str().expect("text"))
                    .collect();
                let is = |names: &[&str]| names.contains(&&*field.name);
                let messages = frame["messages"].as_array().map_or(0, Vec::len);
                let json_in_shown = is_part(&json, &shown, |one, text| {
                    agree(field, one, text).unwrap_or(true)
                });
                let shown_in_json = is_part(&shown, &json, |text, one| {
                    agree(field, one, text).unwrap_or(true)
                });
                let agrees = if is(&OF_RESPONSES) {
                    // Of a response before its request only JSON knows what it answers.
                    json_in_shown || shown.len() < messages
                } else {
                    json_in_shown && (shown_in_json || is(&LEFT_OUT))
                };
                assert!(
                    agrees,
                    "{name}: frame {number}: {key} {json:?}, {} {shown:?}",
                    field.name
                );
                *seen.entry(&field.name).or_default() += json.len();
            }
        }
    }
    for (field, _) in keyed().filter(|(field, _)| field.name != "frame.file") {
        assert!(seen[&*field.name] > 0, "{} is nowhere", field.name);
    }
}
