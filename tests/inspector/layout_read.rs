//! A layout's messages are shown in the same places as RegLogin's: rows, details, filters, fields, statistics,
//! comments, redaction. RegLogin's own layout file gives the results of the built-in decoder on every capture.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use authscope::capture::LinkType;
use authscope::synth::{Conversation, IpForm, Link, PcapForm, Side, write_pcap};
use serde_json::{Value, json};

use crate::inspector::{Done, authscope, capture, captures};

/// The larger example of docs/layouts.md, with a secret under a check.
const TELEMETRY: &str = r#"
name  = "Telemetry"
port  = 9100
order = "little"
[layout]
header  = ["magic: u16 == 0xCAFE", "size: u16 = length - 8", "seq: u16 = id", "kind: u16 = kind"]
login   = ["user: text[u16] = user", "token: text[u8] secret", "options: options", "check: u32 = crc32"]
answer  = ["code: u8 {0 ok, 1 refused} = outcome", "reason: text[nul]"]
reading = ["count: u8", "items: item[count]", "note: text[u8]", "check: u32 = crc32"]
item    = ["sensor: u16", "value: f32", "state: state"]
[enum]
state = { type = "u8", 0 = "ok", 1 = "stale", 2 = "broken" }
[flags]
options = { type = "u16", 0 = "urgent", 3 = "signed" }
[kind]
1 = { name = "login",   body = "login", response = 2 }
2 = { name = "answer",  body = "answer" }
3 = { name = "reading", body = "reading", from = "client" }
"#;

const TOKEN: &str = "hunter2-hunter2";

fn message(seq: u16, kind: u16, body: &[u8]) -> Vec<u8> {
    let mut octets = vec![0xfe, 0xca];
    octets.extend((body.len() as u16).to_le_bytes());
    octets.extend(seq.to_le_bytes());
    octets.extend(kind.to_le_bytes());
    octets.extend(body);
    octets
}

/// With zlib's CRC-32 behind it.
fn checked(seq: u16, kind: u16, body: &[u8]) -> Vec<u8> {
    let mut octets = message(seq, kind, &[body, &[0; 4]].concat());
    let at = octets.len() - 4;
    let crc = crc32fast::hash(&octets[..at]);
    octets[at..].copy_from_slice(&crc.to_le_bytes());
    octets
}

fn login(seq: u16, user: &str) -> Vec<u8> {
    let mut body = (user.len() as u16).to_le_bytes().to_vec();
    body.extend(user.as_bytes());
    body.push(TOKEN.len() as u8);
    body.extend(TOKEN.as_bytes());
    body.extend([9, 0]);
    checked(seq, 1, &body)
}

/// Two logins at once, answered in the other order; a reading cut in two; one that is wrong in places.
fn telemetry() -> Vec<authscope::synth::Frame> {
    let client = SocketAddr::from(([192, 0, 2, 10], 40_000));
    let server = SocketAddr::from(([192, 0, 2, 1], 9100));
    let mut talk = Conversation::new(client, server);
    talk.handshake();
    talk.send(Side::Client, &[login(7, "alice"), login(8, "bob")].concat());
    talk.send(Side::Server, &message(8, 2, b"\x01no such user\0"));
    talk.send(Side::Server, &message(7, 2, b"\x00welcome\0"));
    let mut reading = vec![2];
    for (sensor, value, state) in [(1u16, 21.5f32, 0u8), (2, f32::NAN, 1)] {
        reading.extend(sensor.to_le_bytes());
        reading.extend(value.to_le_bytes());
        reading.push(state);
    }
    reading.extend(b"\x04warm");
    let octets = checked(9, 3, &reading);
    talk.send_cut(Side::Client, &octets, &[11]);
    let mut wrong = checked(10, 3, b"\x01\x01\0\0\0\0\0\x07\0");
    let last = wrong.len() - 1;
    wrong[last] ^= 1;
    talk.send(Side::Client, &wrong);
    talk.close(Side::Client);
    talk.frames(&Link::ETHERNET, &IpForm::default())
        .expect("frames")
}

/// A folder with the capture and the layout.
struct Scene {
    folder: tempfile::TempDir,
}

impl Scene {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let form = PcapForm::usual(LinkType::ETHERNET);
        let octets = write_pcap(&form, &telemetry());
        std::fs::write(folder.path().join("t.pcap"), octets).expect("the capture is written");
        std::fs::write(folder.path().join("t.toml"), TELEMETRY).expect("the layout is written");
        Self { folder }
    }

    fn path(&self, name: &str) -> String {
        let path = self.folder.path().join(name);
        path.to_str().expect("UTF-8").to_owned()
    }

    /// Runs a command with the layout, on the capture.
    fn run(&self, command: &str, more: &[&str]) -> Done {
        let (layout, capture) = (self.path("t.toml"), self.path("t.pcap"));
        authscope(&[&[command, "-L", &layout], more, &[&capture]].concat())
    }

    fn rows(&self, more: &[&str]) -> Vec<Value> {
        let done = self.run("read", &[&["-T", "jsonl"], more].concat());
        assert!(done.code <= 1, "{}", done.stderr);
        let lines = done.stdout.lines();
        lines
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect()
    }
}

#[test]
fn messages_have_fields_notes_and_pairs() {
    let scene = Scene::new();
    let rows = scene.rows(&["--show-passwords"]);
    let told: Vec<_> = rows
        .iter()
        .map(|row| {
            json!([
                row["frame"],
                row["type"],
                row["from"],
                row["protocol"],
                row["response_in"],
                row["response_to"]
            ])
        })
        .collect();
    assert_eq!(
        told,
        [
            json!([4, "login", "client", "Telemetry", 6, null]),
            json!([4, "login", "client", "Telemetry", 5, null]),
            json!([5, "answer", "server", "Telemetry", null, 4]),
            json!([6, "answer", "server", "Telemetry", null, 4]),
            json!([8, "reading", "client", "Telemetry", null, null]),
            json!([9, "reading", "client", "Telemetry", null, null]),
        ]
    );
    let fields = &rows[0]["fields"];
    assert_eq!(fields["user"], "alice");
    assert_eq!(fields["token"], TOKEN);
    assert_eq!(
        fields["options"],
        json!({"value": 9, "names": ["urgent", "signed"]})
    );
    assert_eq!(
        rows[4]["fields"]["items"][1],
        json!({"sensor": 2, "value": "NaN", "state": {"value": 1, "name": "stale"}})
    );
    let order: Vec<&String> = fields.as_object().expect("an object").keys().collect();
    assert_eq!(order.len(), 8);
    assert_eq!(rows[0]["notes"], json!([]));
    let notes = rows[5]["notes"].as_array().expect("notes");
    let told: Vec<_> = notes
        .iter()
        .map(|note| {
            (
                note["field"].as_str().unwrap_or(""),
                note["severity"].as_str().unwrap_or(""),
            )
        })
        .collect();
    assert_eq!(told, [("state", "warning"), ("check", "error")]);
}

#[test]
fn a_secret_shows_nowhere() {
    let scene = Scene::new();
    let hex = |between: &str| {
        let add = |text: String, octet| text + &format!("{octet:02x}{between}");
        TOKEN.bytes().fold(String::new(), add)
    };
    let (digits, spaced) = (hex(""), hex(" "));
    let crc = {
        let octets = login(7, "alice");
        let at = octets.len() - 4;
        u32::from_le_bytes([octets[at], octets[at + 1], octets[at + 2], octets[at + 3]])
    };
    for (command, more) in [
        ("read", &["-T", "jsonl"][..]),
        ("read", &["-T", "json", "--frames", "--payload"]),
        ("read", &["-T", "text", "--frames"]),
        ("read", &["-V"]),
        ("read", &["-V", "-x"]),
        (
            "read",
            &[
                "-T",
                "fields",
                "-e",
                "telemetry.token",
                "-e",
                "telemetry.check",
                "-e",
                "telemetry",
                "-e",
                "tcp.payload",
            ],
        ),
        ("follow", &["-T", "text"]),
        ("follow", &["-T", "hex"]),
        ("follow", &["--ladder"]),
        ("stats", &[]),
    ] {
        let done = scene.run(command, more);
        assert_eq!(done.code, 0, "{command} {more:?}: {}", done.stderr);
        let text = done.stdout + &done.stderr;
        for secret in [TOKEN, "unter2", &digits, &spaced[..20], &crc.to_string()] {
            assert!(
                !text.contains(secret),
                "{command} {more:?} shows {secret}:\n{text}"
            );
        }
        if command == "read" {
            assert!(
                text.contains("alice") || text.contains("616c696365"),
                "{command} {more:?}: {text}"
            );
        }
    }
    let shown = scene.rows(&["--show-passwords"]);
    assert_eq!(shown[0]["fields"]["check"], crc);
    assert_eq!(scene.rows(&[])[0]["fields"]["check"], "********");
    assert_eq!(
        scene.rows(&[])[4]["fields"]["check"],
        shown[4]["fields"]["check"]
    );
}

#[test]
fn filters_and_fields_know_the_names() {
    let scene = Scene::new();
    let count = |filter: &str| scene.rows(&["-Y", filter]).len();
    for (filter, expected) in [
        ("telemetry", 6),
        ("telemetry.user == \"alice\"", 3),
        ("telemetry.code == 1", 1),
        ("telemetry.code == refused", 1),
        ("telemetry.items.value > 21.25", 1),
        ("telemetry.items.state == stale", 1),
        ("telemetry.seq in {7, 8} && telemetry.kind == 1", 2),
        ("telemetry.type == \"reading\"", 2),
        ("telemetry.action == \"login\"", 4),
        ("telemetry.outcome == \"failure\"", 3),
        ("telemetry.response_to == 4", 2),
        ("telemetry.request", 2),
        ("telemetry.severity == error", 1),
        ("telemetry.note == \"warm\"", 1),
        ("telemetry.note.group == \"checksum\"", 1),
        ("telemetry.fragment", 1),
        ("telemetry.options & 8", 2),
        ("telemetry.length > 33", 2),
        ("reglogin", 0),
    ] {
        assert_eq!(count(filter), expected, "{filter}");
    }
    let done = scene.run("read", &["-Y", "telemetry.token == \"x\""]);
    assert_eq!(done.code, 2);
    assert!(done.stderr.contains("masked"), "{}", done.stderr);
    let done = scene.run("read", &["-Y", "telemetry.usr"]);
    assert!(
        done.stderr.contains("did you mean \"telemetry.user\"?"),
        "{}",
        done.stderr
    );
    let fields = [
        "telemetry.items.sensor",
        "telemetry.note",
        "telemetry.items.value",
    ];
    let more: Vec<&str> = fields.iter().flat_map(|field| ["-e", field]).collect();
    let done = scene.run(
        "read",
        &[&["-T", "fields", "-Y", "frame.number == 8"], &more[..]].concat(),
    );
    assert_eq!(done.stdout, "1,2\twarm\t21.5,NaN\n");
}

#[test]
fn rows_details_and_statistics_tell_of_a_layouts_messages() {
    let scene = Scene::new();
    insta::assert_snapshot!("layout_rows", scene.run("read", &["-T", "text"]).stdout);
    insta::assert_snapshot!(
        "layout_details",
        scene
            .run(
                "read",
                &["-V", "-Y", "frame.number == 8 || frame.number == 9"]
            )
            .stdout
    );
    insta::assert_snapshot!("layout_follow", scene.run("follow", &[]).stdout);
    insta::assert_snapshot!("layout_stats", scene.run("stats", &[]).stdout);
    let json: Value =
        serde_json::from_str(&scene.run("stats", &["-T", "json"]).stdout).expect("JSON");
    let layout = &json["layouts"][0];
    assert_eq!(
        layout["messages"],
        json!({"login": 2, "answer": 2, "reading": 2})
    );
    assert_eq!(
        layout["outcomes"],
        json!({"success": 1, "failure": 1, "other": 0})
    );
    assert_eq!(
        (&layout["streams"], &layout["response_time"]["count"]),
        (&json!(1), &json!(2))
    );
    assert_eq!(json["protocols"]["Telemetry"], 1);
    assert_eq!(json["users_total"], 2);
}

#[test]
fn saved_captures_are_annotated_and_redacted() {
    let scene = Scene::new();
    let saved = scene.path("saved.pcapng");
    let done = scene.run("read", &["-q", "-w", &saved, "--annotate"]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    let octets = std::fs::read(&saved).expect("it is there");
    let has = |octets: &[u8], text: &str| {
        octets
            .windows(text.len())
            .any(|part| part == text.as_bytes())
    };
    assert!(has(&octets, "Telemetry: Login, user alice"));
    assert!(has(&octets, "Telemetry: Answer, failure: no such user"));
    let redacted = scene.path("redacted.pcapng");
    let done = scene.run("read", &["-q", "-w", &redacted, "--redact"]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    let octets = std::fs::read(&redacted).expect("it is there");
    assert!(!has(&octets, "hunter2") && has(&octets, "alice") && has(&octets, "no such user"));
    // What is left is right: the checks are worked out anew.
    let layout = scene.path("t.toml");
    let done = authscope(&[
        "read",
        "-L",
        &layout,
        "-T",
        "jsonl",
        "--show-passwords",
        &redacted,
    ]);
    let rows: Vec<Value> = done
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(rows.len(), 6);
    assert_eq!(rows[0]["fields"]["token"], "*".repeat(TOKEN.len()));
    assert_eq!(rows[0]["notes"], json!([]));
    assert_eq!(rows[5]["notes"].as_array().map(Vec::len), Some(2));
}

/// The messages that are read of a capture, with RegLogin's values by key wherever they stand.
fn plain(arguments: &[&str], name: &str) -> Vec<Value> {
    let path = capture(name);
    let done = authscope(&[&["read", "-T", "jsonl"], arguments, &[&path]].concat());
    let row = |line: &str| {
        let mut row: Value = serde_json::from_str(line).expect("JSON");
        let object = row.as_object_mut().expect("an object");
        if let Some(Value::Object(fields)) = object.remove("fields") {
            for (key, value) in fields {
                let value = match &value {
                    Value::Object(named) if key == "status" => named["value"].clone(),
                    _ => value,
                };
                // What is hidden of the numbers, and the body of an unknown command, is not told otherwise.
                let is_hidden =
                    value == "********" && ["length", "command", "status"].contains(&key.as_str());
                if !is_hidden && key != "data" {
                    object.entry(key).or_insert(value);
                }
            }
        }
        row
    };
    done.stdout.lines().map(row).collect()
}

fn example(folder: &Path, change: impl Fn(String) -> String) -> PathBuf {
    let path = folder.join("reglogin.toml");
    std::fs::write(&path, change(authscope(&["layout", "example"]).stdout)).expect("it is written");
    path
}

#[test]
fn reglogins_own_layout_says_of_every_capture_what_the_built_in_says() {
    let folder = tempfile::tempdir().expect("a folder");
    let layout = example(folder.path(), |text| text);
    let layout = layout.to_str().expect("UTF-8");
    let mut count = 0;
    for name in captures() {
        let (own, built_in) = (plain(&["-L", layout], &name), plain(&[], &name));
        assert_eq!(own, built_in, "{name}");
        count += own.len();
        let stats = |arguments: &[&str]| {
            authscope(&[&["stats", "-T", "json"], arguments, &[&capture(&name)]].concat()).stdout
        };
        assert_eq!(stats(&["-L", layout]), stats(&[]), "{name}");
    }
    assert!(count > 500, "{count}");
}

/// Captures of which the same layout under another name, which has no dissector made for it, says something else: what
/// is wrong with a header there the contract takes otherwise than RegLogin's dissector, which knows the usual mistakes.
const OTHERWISE: [&str; 3] = [
    // Another layout: its requests are longer.
    "layout-name32-pw32.pcap",
    // A port of its own, and rubbish in both fields: the header speaks for it.
    "mistake-leftovers.pcapng",
    // The contract believes a length that is too large by one.
    "wrong-length-59-of-58.pcap",
];

#[test]
fn the_same_layout_under_another_name_finds_the_same_messages_where_headers_are_right() {
    let folder = tempfile::tempdir().expect("a folder");
    let layout = example(folder.path(), |text| {
        text.replace("\"RegLogin\"", "\"Other\"")
    });
    let layout = layout.to_str().expect("UTF-8");
    let told = |rows: Vec<Value>| -> Vec<Value> {
        let key = |row: Value| {
            json!([
                row["frame"],
                row["stream"],
                row["from"],
                row["type"],
                row["response_in"],
                row["response_to"],
                row["username"],
                row["description"]
            ])
        };
        rows.into_iter().map(key).collect()
    };
    let mut otherwise = BTreeMap::new();
    for name in captures() {
        let own = told(plain(&["-L", layout, "--show-passwords"], &name));
        let built_in = told(plain(&["--show-passwords"], &name));
        if own != built_in {
            otherwise.insert(name, (own.len(), built_in.len()));
        }
    }
    let names: Vec<&str> = otherwise.keys().map(String::as_str).collect();
    assert_eq!(names, OTHERWISE, "{otherwise:#?}");
}

#[test]
fn what_cannot_be_used_is_said() {
    let scene = Scene::new();
    let layout = scene.path("t.toml");
    let capture = scene.path("t.pcap");
    let faulty = scene.path("faulty.toml");
    std::fs::write(&faulty, TELEMETRY.replace("u16 = kind", "u61 = kind")).expect("it is written");
    for (arguments, words) in [
        (&["-L", "/nowhere.toml"][..], "cannot read the layout"),
        (&["-L", &faulty], "did you mean `u16`?"),
        (&["-L", &layout, "-L", &layout], "both called Telemetry"),
        (
            &["-L", &layout, "-d", "tcp.port==1,telemetri"],
            "known here: telemetry, reglogin",
        ),
        (&["-d", "udp.port==1,reglogin"], "tcp.port==PORT,PROTOCOL"),
    ] {
        let done = authscope(&[&["read"], arguments, &[&capture]].concat());
        assert_eq!(done.code, 2, "{arguments:?}: {}", done.stderr);
        assert!(
            done.stderr.contains(words),
            "{arguments:?}: {}",
            done.stderr
        );
    }
}
