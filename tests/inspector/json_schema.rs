//! The programs' JSON is valid by `authscope schema`, with every key and no other, and the schema and the documentation
//! name the same keys.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use jsonschema::Validator;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::inspector::{authscope, capture};
use crate::programs::{Place, wait};

/// A file that serves as a key.
const KEY: &str = "Cargo.toml";

fn schema(of: &[&str]) -> Value {
    let done = authscope(&[&["schema"], of].concat());
    assert_eq!(done.code, 0, "{}", done.stderr);
    serde_json::from_str(&done.stdout).expect("JSON")
}

fn validator(of: &str) -> Validator {
    let schema = schema(&[of]);
    jsonschema::meta::validate(&schema).expect("it is a schema");
    jsonschema::validator_for(&schema).expect("a validator")
}

#[track_caller]
fn assert_valid(validator: &Validator, value: &Value, what: &str) {
    let wrong: Vec<String> = validator
        .iter_errors(value)
        .map(|error| format!("{} at {}", error, error.instance_path()))
        .collect();
    assert!(wrong.is_empty(), "{what}: {}", wrong.join("\n"));
}

/// Each object with a further key in one of the objects inside.
fn with_a_wrong_key(value: &Value) -> Vec<Value> {
    fn places(value: &Value, at: &str, found: &mut Vec<String>) {
        match value {
            Value::Object(map) => {
                found.push(at.to_owned());
                for (key, inner) in map {
                    let key = key.replace('~', "~0").replace('/', "~1");
                    places(inner, &format!("{at}/{key}"), found);
                }
            }
            Value::Array(items) => {
                // The first is like the others.
                if let Some(inner) = items.first() {
                    places(inner, &format!("{at}/0"), found);
                }
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    places(value, "", &mut found);
    let spoilt = found.iter().map(|at| {
        let mut value = value.clone();
        value.pointer_mut(at).expect("it is there")["wrong key"] = json!({});
        value
    });
    spoilt.collect()
}

/// Holds a value to its schema, and to that of all; and that neither takes a further key.
fn check(of: &str, validators: &mut BTreeMap<String, Validator>, value: &Value, spoil: bool) {
    validators
        .entry(of.to_owned())
        .or_insert_with(|| validator(of));
    let all = &validators["all"];
    let one = &validators[of];
    assert_valid(one, value, of);
    if spoil {
        assert_valid(all, value, of);
        let spoilt = with_a_wrong_key(value);
        assert!(!spoilt.is_empty());
        for wrong in spoilt {
            // Of an object of counts every key is a name.
            assert!(
                !one.is_valid(&wrong) && !all.is_valid(&wrong),
                "{of}: {wrong}"
            );
        }
    }
}

fn validators() -> BTreeMap<String, Validator> {
    let all = schema(&[]);
    jsonschema::meta::validate(&all).expect("it is a schema");
    let all = jsonschema::validator_for(&all).expect("a validator");
    BTreeMap::from([("all".to_owned(), all)])
}

fn lines(arguments: &[&str]) -> Vec<Value> {
    let done = authscope(arguments);
    let lines = done.stdout.lines();
    lines
        .map(|line| serde_json::from_str(line).expect("a line"))
        .collect()
}

fn whole(arguments: &[&str]) -> Value {
    let done = authscope(arguments);
    serde_json::from_str(&done.stdout).expect("JSON")
}

#[test]
fn rows_of_every_capture_are_as_it_says() {
    let mut validators = validators();
    let mut seen = 0;
    for (of, options) in [
        ("message", &["--show-passwords"][..]),
        ("exchange", &["--exchanges", "--password-tags", KEY]),
        ("line", &["--frames", "--payload"]),
        ("bulk", &[]),
    ] {
        let form = if of == "bulk" { "ek" } else { "jsonl" };
        let given = [&["read", "--each", "-T", form, "captures"], options].concat();
        for (index, object) in lines(&given).iter().enumerate() {
            check(of, &mut validators, object, index % 97 == 0 && of != "bulk");
            seen += 1;
        }
    }
    assert!(seen > 3000, "{seen}");
    let all = whole(&["read", "--each", "-T", "json", "captures"]);
    check("rows", &mut validators, &all, false);
}

#[test]
fn statistics_conversations_and_fields_are_as_it_says() {
    let mut validators = validators();
    let each = whole(&["stats", "--each", "-T", "json", "captures"]);
    check("stats-each", &mut validators, &each, false);
    for name in [
        "password-guessing.pcap",
        "lab-report.pcap",
        "pcap-empty.pcap",
    ] {
        let one = whole(&["stats", "-T", "json", &capture(name)]);
        check("stats", &mut validators, &one, name != "pcap-empty.pcap");
    }
    for (name, stream) in [
        ("lab-report.pcap", "0"),
        ("other-redis.pcap", "0"),
        ("tcp-lost-segment.pcap", "0"),
    ] {
        let one = whole(&["follow", "-T", "json", "--stream", stream, &capture(name)]);
        check("follow", &mut validators, &one, true);
    }
    check(
        "fields",
        &mut validators,
        &whole(&["fields", "--json"]),
        true,
    );
}

#[test]
fn protocols_of_layout_files_are_as_it_says() {
    let folder = tempfile::tempdir().expect("a folder");
    let page = include_str!("../../docs/layouts.md");
    let (_, behind) = page.split_once("```toml\n").expect("a layout");
    let (layout, _) = behind.split_once("```").expect("its end");
    let file = folder.path().join("mine.toml");
    std::fs::write(&file, layout).expect("it is written");
    let file = file.to_str().expect("a name");
    let mut validators = validators();
    let capture = capture("layout-pascal-strings.pcap");
    let found = lines(&["read", "-T", "jsonl", "-L", file, &capture]);
    assert!(found.iter().any(|one| one.get("fields").is_some()));
    for object in &found {
        check("message", &mut validators, object, false);
    }
    let stats = whole(&["stats", "-T", "json", "-L", file, &capture]);
    assert!(stats.get("layouts").is_some());
    check("stats", &mut validators, &stats, true);
}

#[test]
fn what_server_and_client_write_is_as_it_says() {
    let mut validators = validators();
    let place = Place::new();
    let audit = place.path("audit");
    let mut server = place.start(&["--audit", audit.to_str().expect("a name")]);
    server.register("alice", "secret");
    server.login("alice", "wrong");
    let client = |arguments: &[&str]| {
        let done = Command::new(env!("CARGO_BIN_EXE_authscope-client"))
            .args(arguments)
            .output();
        serde_json::from_slice::<Value>(&done.expect("it runs").stdout).expect("JSON")
    };
    let report = client(&["check", &server.address.to_string(), "-T", "json"]);
    check("client-check", &mut validators, &report, true);
    let status = place.run(&["status", "--json"]);
    let status: Value = serde_json::from_slice(&status.stdout).expect("JSON");
    check("server-status", &mut validators, &status, true);
    let users = place.run(&["users", "list", "--format", "json"]);
    let users = String::from_utf8(users.stdout).expect("text");
    assert!(users.lines().count() > 0);
    for line in users.lines() {
        let user: Value = serde_json::from_str(line).expect("JSON");
        check("server-user", &mut validators, &user, true);
    }
    server.stop();
    let audit = std::fs::read_to_string(audit).expect("it is there");
    assert!(audit.lines().count() >= 2, "{audit}");
    for line in audit.lines() {
        let event: Value = serde_json::from_str(line).expect("JSON");
        check("server-audit", &mut validators, &event, true);
    }
}

#[test]
fn an_interrupted_run_is_as_it_says() {
    let octets = std::fs::read(capture("lab-report.pcap")).expect("it is read");
    let mut child = crate::inspector::command(&["read", "-T", "jsonl", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("it runs");
    let mut input = child.stdin.take().expect("its input");
    input.write_all(&octets).expect("it reads");
    let mut out = BufReader::new(child.stdout.take().expect("its output")).lines();
    let mut last = out.next().expect("a line").expect("text");
    let id = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    kill_process(id.expect("an id"), Signal::INT).expect("a signal");
    for line in out {
        last = line.expect("text");
    }
    wait(&mut child);
    let object: Value = serde_json::from_str(&last).expect("JSON");
    assert_eq!(object["interrupted"], true, "{last}");
    check("interrupted", &mut validators(), &object, true);
}

/// The keys of a table: name, and whether it is always there.
fn table(page: &str, heading: &str) -> BTreeMap<String, bool> {
    let (_, behind) = page
        .split_once(&format!("\n### {heading}\n"))
        .expect(heading);
    let section = behind.split("\n### ").next().unwrap_or_default();
    let rows = section.lines().filter_map(|line| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        match cells[..] {
            ["", key, _, present, _, ""] => {
                let key = key.strip_prefix('`')?.strip_suffix('`')?;
                Some((key.to_owned(), present == "always"))
            }
            _ => None,
        }
    });
    rows.collect()
}

#[test]
fn the_pages_name_the_same_keys() {
    let page = include_str!("../../docs/output.md");
    let schema = schema(&[]);
    for (heading, name) in [
        ("Message", "message"),
        ("Note", "note"),
        ("Exchange", "exchange"),
        ("Frame", "frame"),
        ("TCP", "tcp"),
        ("Rest", "rest"),
    ] {
        let definition = &schema["$defs"][name];
        let required = definition["required"].as_array().expect("a list");
        let keys = definition["properties"].as_object().expect("keys");
        let of_schema: BTreeMap<String, bool> = keys
            .keys()
            .map(|key| (key.clone(), required.iter().any(|one| one == key)))
            .collect();
        assert_eq!(table(page, heading), of_schema, "{name}");
    }
    // Of the statistics, the keys of the first level.
    let page = include_str!("../../docs/statistics.md");
    let keys = schema["$defs"]["stats"]["properties"]
        .as_object()
        .expect("keys");
    for key in keys.keys().filter(|key| *key != "interrupted") {
        let is_there = [".", "[", "`"]
            .iter()
            .any(|next| page.contains(&format!("| `{key}{next}")));
        assert!(is_there, "{key}");
    }
}
