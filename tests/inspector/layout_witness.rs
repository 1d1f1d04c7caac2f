//! For nine protocols, the inspector with their layout files finds the same messages as the Python library construct
//! with declarations of its own, and as Wireshark with the plugin, however the segments are cut and ordered.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use authscope::layout::{Layout, Type, parse};
use fastrand::Rng;
use serde_json::Value;

use crate::flights::{Way, capture, hold_against, is_cut, thousands};
use crate::inspector::authscope;
use crate::kept;
use crate::layouts::{PROTOCOLS, Protocol};
use crate::need::python_with;
use crate::openssl;
use crate::tls::{inspect, text};
use crate::tshark::{TWO_PASSES, Tshark, expert_notes, in_parallel};
use crate::wire::{self, conversation_on};

/// Connections of a capture, and exchanges of each: 1,000 messages for each thousand of LAYOUT_THOUSANDS.
fn counts(way: Way) -> [usize; 2] {
    match way {
        Way::Lossy => [50 * thousands(), 10],
        _ => [5, 100 * thousands()],
    }
}

fn rows(text: &str) -> Vec<Value> {
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

/// What `read -L` says of a capture, with these further options.
fn inspected(layout: &Path, capture: &Path, options: &[&str]) -> Vec<Value> {
    let [layout, capture] = [layout, capture].map(|path| path.to_str().expect("UTF-8"));
    let arguments = ["read", "-T", "jsonl", "--show-passwords", "-L", layout];
    let done = inspect(&[&arguments[..], &[capture], options].concat());
    assert_eq!(done.code, 0, "{}", done.stderr);
    rows(&done.stdout)
}

/// What construct says of a capture.
fn constructed(python: &Path, protocol: &Protocol, capture: &Path) -> Vec<Value> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/construct_layouts.py");
    let done = Command::new(python)
        .arg(script)
        .args([protocol.name, &protocol.port.to_string()])
        .arg(capture)
        .output()
        .expect("Python runs");
    let errors = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{}: {errors}", protocol.name);
    rows(&String::from_utf8(done.stdout).expect("UTF-8"))
}

/// What both say of a message.
fn said(message: &Value) -> String {
    let keys = ["stream", "from", "type", "length", "fields"];
    keys.map(|key| message[key].to_string()).join(" ")
}

#[test]
fn construct_finds_the_same_messages() {
    let Some(python) = python_with("construct") else {
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let failed = in_parallel(&PROTOCOLS, |protocol| {
        let layout = protocol.layout_file(folder.path());
        for (seed, way) in (100..).zip([Way::Rough, Way::Lossy]) {
            let (capture, truth) = capture(
                protocol,
                way,
                protocol.port,
                seed,
                counts(way),
                folder.path(),
            );
            let whole = |found: Vec<Value>| -> Vec<Value> {
                found.into_iter().filter(|one| !is_cut(one)).collect()
            };
            let inspected = whole(inspected(&layout, &capture, &[]));
            let constructed = constructed(&python, protocol, &capture);
            // Each is held against what was sent, and then the one against the other.
            let count = hold_against(protocol, &constructed, &truth);
            hold_against(protocol, &inspected, &truth);
            assert!(count > counts(way).iter().product::<usize>(), "{count}");
            let [mut own, mut others] =
                [&inspected, &constructed].map(|found| found.iter().map(said).collect::<Vec<_>>());
            own.sort_unstable();
            others.sort_unstable();
            if protocol.resyncs || way != Way::Lossy {
                assert_eq!(own, others, "{}, {way:?}", protocol.name);
            } else {
                let missed = others.iter().find(|one| own.binary_search(one).is_err());
                assert_eq!(missed, None, "{}, {way:?}", protocol.name);
            }
        }
        None
    });
    assert_eq!(failed, [""; 0]);
}

/// What a value is compared as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum As {
    Number,
    Float,
    Text,
    Bytes,
}

/// The values of a layout by the keys that lead to them.
fn paths(layout: &Layout) -> BTreeMap<String, As> {
    fn of(layout: &Layout, part: usize, path: &str, into: &mut BTreeMap<String, As>) {
        for field in &layout.parts[part].fields {
            let path = format!("{path}{}", field.key);
            let kind = match field.ty {
                Type::Record(inner, _) => {
                    of(layout, inner, &format!("{path}."), into);
                    continue;
                }
                Type::Integer(..) | Type::Flags(..) => As::Number,
                Type::Float(..) => As::Float,
                Type::Text(_) => As::Text,
                Type::Bytes(_) => As::Bytes,
            };
            into.insert(path, kind);
        }
    }
    let mut paths = BTreeMap::new();
    of(layout, layout.header, "", &mut paths);
    for body in layout.kinds.iter().filter_map(|kind| kind.body) {
        of(layout, body, "", &mut paths);
    }
    paths
}

/// The values of a message by path, as they are compared. An empty one has no place in Wireshark's tree.
type Values = BTreeMap<String, Vec<String>>;

fn put(values: &mut Values, path: &str, kind: As, value: &str) {
    let value = match kind {
        As::Number => match value.strip_prefix("0x") {
            Some(hex) => u64::from_str_radix(hex, 16).expect("a number").to_string(),
            None => value.to_owned(),
        },
        // tshark prints six digits.
        As::Float => format!("{:.5e}", value.parse::<f32>().expect("a number")),
        As::Text => value.to_owned(),
        As::Bytes => value.replace(':', ""),
    };
    if !value.is_empty() {
        values.entry(path.to_owned()).or_default().push(value);
    }
}

/// The values of `fields` in the inspector's JSON.
fn of_fields(fields: &Value, path: &str, paths: &BTreeMap<String, As>, values: &mut Values) {
    for (key, value) in fields.as_object().expect("an object") {
        let path = format!("{path}{key}");
        match (paths.get(&path), value) {
            (Some(kind), Value::Object(named)) => {
                put(values, &path, *kind, &named["value"].to_string());
            }
            (Some(kind), Value::String(text)) => put(values, &path, *kind, text),
            (Some(kind), value) => put(values, &path, *kind, &value.to_string()),
            (None, Value::Array(records)) => {
                for record in records {
                    of_fields(record, &format!("{path}."), paths, values);
                }
            }
            (None, value) => panic!("{path}: {value}"),
        }
    }
}

/// The values in a layer of tshark's JSON, wherever they stand in its tree.
fn of_layer(
    layer: &Value,
    prefix: &str,
    paths: &BTreeMap<String, As>,
    own: &mut BTreeMap<String, String>,
    values: &mut Values,
) {
    for (key, value) in layer.as_object().into_iter().flatten() {
        let path = key
            .strip_prefix(prefix)
            .and_then(|key| key.strip_prefix('.'));
        let all = match value {
            Value::Array(all) => all.iter().collect(),
            one => vec![one],
        };
        for value in all {
            match (value, path) {
                (Value::String(text), Some(path)) => match paths.get(path) {
                    Some(kind) => put(values, path, *kind, text),
                    None => {
                        own.insert(path.to_owned(), text.clone());
                    }
                },
                (value, _) => of_layer(value, prefix, paths, own, values),
            }
        }
    }
}

/// A message as both are compared.
type Told = (Vec<String>, Values, Vec<String>);

fn note(note: &Value) -> String {
    let part = |key: &str| note[key].as_str().unwrap_or_default().to_owned();
    [part("severity"), part("group"), part("text")].join(" ")
}

fn sorted(mut told: Vec<Told>) -> Vec<Told> {
    told.sort_unstable();
    told
}

fn digest_of(told: &[Told]) -> String {
    kept::digest(&serde_json::to_vec(told).expect("text is JSON"))
}

/// What the inspector says, to be compared with the plugin.
fn by_inspector(rows: &[Value], paths: &BTreeMap<String, As>) -> Vec<Told> {
    let told = |row: &Value| {
        let keys = [
            "frame",
            "stream",
            "from",
            "type",
            "response_in",
            "response_to",
        ];
        let own = keys.map(|key| match &row[key] {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            value => value.to_string(),
        });
        let mut values = Values::new();
        of_fields(&row["fields"], "", paths, &mut values);
        let mut notes: Vec<String> = row["notes"]
            .as_array()
            .expect("notes")
            .iter()
            .map(note)
            .collect();
        notes.sort_unstable();
        (own.to_vec(), values, notes)
    };
    rows.iter().filter(|row| !is_cut(row)).map(told).collect()
}

/// What Wireshark with the plugin is asked, with these further options.
fn question(prefix: &str, options: &[&str]) -> Vec<String> {
    let shows = format!("{prefix}.hide_passwords:FALSE");
    let layers = format!("frame tcp {prefix}");
    let output = ["-T", "json", "--no-duplicate-keys", "-J", &layers];
    let all = [&TWO_PASSES[..], &["-o", &shows], options, &output].concat();
    all.into_iter().map(ToOwned::to_owned).collect()
}

/// The messages in what Wireshark says with the plugin.
fn by_plugin(text: &str, prefix: &str, paths: &BTreeMap<String, As>) -> Vec<Told> {
    let packets: Vec<Value> = serde_json::from_str(text.trim()).expect("tshark prints JSON");
    let mut told = Vec::new();
    for packet in &packets {
        let layers = &packet["_source"]["layers"];
        let found: Vec<&Value> = match &layers[prefix] {
            Value::Array(all) => all.iter().collect(),
            Value::Null => continue,
            one => vec![one],
        };
        for layer in found {
            let (mut own, mut values) = (BTreeMap::new(), Values::new());
            of_layer(layer, prefix, paths, &mut own, &mut values);
            let notes = expert_notes(layer);
            // What is said of the stream, and what is cut off, is no whole message.
            if values.is_empty() || notes.iter().any(|note| note["group"] == "reassembly") {
                continue;
            }
            let of = |key: &str| own.get(key).cloned().unwrap_or_default();
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let row = vec![
                text(&layers["frame"]["frame.number"]),
                text(&layers["tcp"]["tcp.stream"]),
                of("sender"),
                of("type"),
                of("response_in"),
                of("response_to"),
            ];
            let mut notes: Vec<String> = notes.iter().map(note).collect();
            notes.sort_unstable();
            told.push((row, values, notes));
        }
    }
    told
}

/// A protocol as both witnesses read it: its file, the plugin for it, and the layout.
struct Read {
    file: PathBuf,
    script: PathBuf,
    layout: Layout,
}

impl Read {
    fn by(protocol: &Protocol, folder: &Path) -> Self {
        let file = protocol.layout_file(folder);
        let layout = parse(protocol.layout).expect("it is right");
        let plugin = authscope(&["wireshark", "plugin", "-L", file.to_str().expect("UTF-8")]);
        assert_eq!(plugin.code, 0, "{}", plugin.stderr);
        let script = folder.join(format!("{}.lua", protocol.name));
        std::fs::write(&script, plugin.stdout).expect("it is written");
        Self {
            file,
            script,
            layout,
        }
    }

    /// Where the inspector and the plugin do not say the same of at least so many messages of a capture that is made alike at
    /// each run. What the plugin says is kept as its digest, and asked where ours is another.
    fn difference_of_made(
        &self,
        tshark: &Tshark,
        (name, capture): (&str, &Path),
        least: usize,
    ) -> Option<String> {
        let paths = paths(&self.layout);
        let own = sorted(by_inspector(&inspected(&self.file, capture, &[]), &paths));
        let prefix = &self.layout.prefix;
        let question = question(prefix, &[]);
        let question: Vec<&str> = question.iter().map(String::as_str).collect();
        let digest = |text: &str| digest_of(&sorted(by_plugin(text, prefix, &paths)));
        let theirs = tshark.part_of_made((name, capture), &question, &self.script, digest);
        if theirs == digest_of(&own) && own.len() >= least {
            return None;
        }
        self.difference(tshark, capture, None, least)
            .or_else(|| Some("the digest that is kept is another".to_owned()))
    }

    /// Where the inspector and the plugin do not say the same of at least so many messages of a capture. Both are given the
    /// secrets of a key log.
    fn difference(
        &self,
        tshark: &Tshark,
        capture: &Path,
        keys: Option<&Path>,
        least: usize,
    ) -> Option<String> {
        let paths = paths(&self.layout);
        let own: Vec<_> = keys
            .iter()
            .flat_map(|keys| ["--tls-keylog", text(keys)])
            .collect();
        let own = sorted(by_inspector(&inspected(&self.file, capture, &own), &paths));
        let keys = keys.map(|keys| format!("tls.keylog_file:{}", text(keys)));
        let options: Vec<_> = keys.iter().flat_map(|keys| ["-o", keys]).collect();
        let prefix = &self.layout.prefix;
        let question = question(prefix, &options);
        let question: Vec<&str> = question.iter().map(String::as_str).collect();
        let text = tshark.ask(capture, &question, Some(&self.script));
        let others = sorted(by_plugin(&text, prefix, &paths));
        let differs = own.iter().zip(&others).find(|(own, other)| own != other);
        if let Some((own, other)) = differs {
            return Some(format!("\ninspector {own:?}\nplugin    {other:?}"));
        }
        (own.len() != others.len() || own.len() < least)
            .then(|| format!("{} and {}", own.len(), others.len()))
    }
}

#[test]
fn wireshark_with_the_plugin_says_what_the_inspector_says() {
    let Some(tshark) = Tshark::find() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let failed = in_parallel(&PROTOCOLS, |protocol| {
        let read = Read::by(protocol, folder.path());
        for (seed, way) in (200..).zip([Way::Rough, Way::Lossy]) {
            let (capture, _) = capture(
                protocol,
                way,
                protocol.port,
                seed,
                counts(way),
                folder.path(),
            );
            let least = counts(way).iter().product();
            let name = format!("{}, {way:?}", protocol.name);
            let made = (&name[..], capture.as_path());
            if let Some(difference) = read.difference_of_made(&tshark, made, least) {
                return Some(format!("{}, {way:?}: {difference}", protocol.name));
            }
        }
        None
    });
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// Exchanges that a protocol's client and server have inside TLS.
const ENCRYPTED: usize = 12;

#[test]
fn they_say_the_same_of_what_tls_carries() {
    let Some(tshark) = Tshark::find() else { return };
    if !openssl::is_there() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let failed = in_parallel(&PROTOCOLS, |protocol| {
        let read = Read::by(protocol, folder.path());
        let place = openssl::Place::new();
        // Records smaller than a message, and one version of TLS each.
        let small = ["-split_send_frag", "20", "-max_send_frag", "512"];
        let versions = [&["-tls1_3"][..], &[&["-tls1_2"], &small[..]].concat()];
        let mut rng = Rng::with_seed(7);
        let mut exchanges = 0;
        let talks = (0..).zip(versions).map(|(number, version)| {
            let mut server = place.serve(&[], 1);
            let arguments = [&["-quiet", "-no_ign_eof"], version].concat();
            let mut client = place.connect(&server, &arguments);
            let mut heard = 0;
            for _ in 0..ENCRYPTED {
                for message in protocol.exchange(&mut rng, exchanges) {
                    if message.from_client {
                        client.say(&message.octets);
                        heard += message.octets.len();
                        server.hears(heard);
                    } else {
                        server.say(&message.octets);
                        client.hears(&message.octets);
                    }
                }
                exchanges += 1;
            }
            conversation_on(protocol.port, number, &client.end())
        });
        let talks: Vec<_> = talks.collect();
        let path = folder.path().join(format!("{}-tls.pcap", protocol.name));
        let bytes = wire::capture(&talks.iter().collect::<Vec<_>>());
        std::fs::write(&path, bytes).expect("it is written");
        let keys = place.path("keys");
        let difference = read.difference(&tshark, &path, Some(&keys), 2 * ENCRYPTED);
        difference.map(|difference| format!("{}: {difference}", protocol.name))
    });
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
