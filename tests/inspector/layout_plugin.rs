//! `authscope wireshark plugin -L`: Wireshark with the plugin shows the fields, links and marks that the layout says, whatever
//! TCP did to the segments, hides what is secret, and leaves other protocols alone.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::designs::{Message, PROTOCOLS, Protocol};
use crate::inspector::{authscope, capture};
use crate::talks::{Wire, talks};
use crate::tshark::{TWO_PASSES, Tshark};
use authscope::layout::{Layout, Node, Side, Type, Value, parse};
use authscope::wireshark::plugin::plugin;
use fastrand::Rng;

/// A plugin for layout files, as the program prints it.
fn plugin_of(files: &[&Path]) -> String {
    let mut arguments = vec!["wireshark", "plugin"];
    for file in files {
        arguments.extend(["-L", file.to_str().expect("UTF-8")]);
    }
    let done = authscope(&arguments);
    assert_eq!(done.code, 0, "{}", done.stderr);
    done.stdout
}

fn written(folder: &Path, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, text).expect("it is written");
    path
}

/// What a message holds: by key, all values as tshark prints them.
type Values = BTreeMap<String, Vec<String>>;

fn collect(layout: &Layout, nodes: &[Node<'_>], path: &str, into: &mut Values) {
    for node in nodes {
        let field = &layout.parts[node.field.0].fields[node.field.1];
        let key = format!("{path}{}", field.key);
        let value = match (&node.value, &field.ty) {
            (Value::Integer(value), Type::Flags(integer, _)) => {
                format!(
                    "0x{value:0digits$x}",
                    digits = usize::from(integer.width) * 2
                )
            }
            (Value::Integer(value), _) => value.to_string(),
            #[allow(
                clippy::cast_possible_truncation,
                reason = "tshark prints so many digits of an f32"
            )]
            (Value::Float(value), _) => rounded(*value as f32),
            (Value::Text(bytes), _) => String::from_utf8_lossy(bytes).into_owned(),
            (Value::Bytes(bytes), _) => hex(bytes),
            (Value::Record(inner), _) => {
                collect(layout, inner, &format!("{key}."), into);
                continue;
            }
            (Value::Records(records), _) => {
                for inner in records {
                    collect(layout, inner, &format!("{key}."), into);
                }
                continue;
            }
        };
        into.entry(key).or_default().push(value);
    }
}

fn hex(bytes: &[u8]) -> String {
    let mut hex = String::new();
    for byte in bytes {
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

/// A float as it is compared: tshark prints six digits.
fn rounded(value: f32) -> String {
    format!("{value:.5e}")
}

fn of_message(layout: &Layout, (from_client, bytes): &Message) -> (String, Values) {
    let side = if *from_client {
        Side::Client
    } else {
        Side::Server
    };
    let read = layout.decode(bytes, side);
    assert_eq!(read.faults, []);
    let mut values = Values::new();
    collect(layout, &read.nodes, "", &mut values);
    values.retain(|_, values| values.iter().any(|value| !value.is_empty()));
    (
        layout.kinds[read.kind.expect("a kind")].name.clone(),
        values,
    )
}

/// All keys of a layout that hold values, and whether it is of floats.
fn keys(layout: &Layout) -> BTreeMap<String, bool> {
    fn of(layout: &Layout, part: usize, path: &str, into: &mut BTreeMap<String, bool>) {
        for field in &layout.parts[part].fields {
            if let Type::Record(inner, _) = field.ty {
                of(layout, inner, &format!("{path}{}.", field.key), into);
            } else {
                into.insert(
                    format!("{path}{}", field.key),
                    matches!(field.ty, Type::Float(..)),
                );
            }
        }
    }
    let mut keys = BTreeMap::new();
    of(layout, layout.header, "", &mut keys);
    for kind in &layout.kinds {
        if let Some(body) = kind.body {
            of(layout, body, "", &mut keys);
        }
    }
    keys
}

/// A message as the plugin shows it.
#[derive(Debug)]
struct Shown {
    stream: usize,
    frame: String,
    kind: String,
    links: [String; 2],
    values: Values,
}

fn shown(
    tshark: &Tshark,
    script: &Path,
    file: &Path,
    layout: &Layout,
    more: &[&str],
) -> Vec<Shown> {
    let keys = keys(layout);
    let name = |key: &str| format!("{}.{key}", layout.prefix);
    let mut arguments: Vec<String> = TWO_PASSES.iter().map(|word| (*word).to_owned()).collect();
    arguments.extend(more.iter().map(|word| (*word).to_owned()));
    arguments.extend(["-Y".to_owned(), name("type"), "-T".into(), "fields".into()]);
    arguments.extend([
        "-E".into(),
        "separator=/t".into(),
        "-E".into(),
        "aggregator=|".into(),
    ]);
    let first = ["frame.number", "tcp.stream"].map(str::to_owned);
    let links = ["type", "response_in", "response_to"].map(name);
    let own = keys.keys().map(|key| name(key));
    for field in first.into_iter().chain(links).chain(own) {
        arguments.extend(["-e".to_owned(), field]);
    }
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let out = tshark.ask(file, &arguments, Some(script));
    out.lines()
        .map(|line| {
            let columns: Vec<&str> = line.split('\t').collect();
            let mut values = Values::new();
            for ((key, is_float), column) in keys.iter().zip(&columns[5..]) {
                if !column.is_empty() {
                    let shown = |value: &str| match value.parse() {
                        Ok(value) if *is_float => rounded(value),
                        _ => value.to_owned(),
                    };
                    values.insert(key.clone(), column.split('|').map(shown).collect());
                }
            }
            Shown {
                stream: columns[1].parse().expect("a number"),
                frame: columns[0].to_owned(),
                kind: columns[2].to_owned(),
                links: [columns[3].to_owned(), columns[4].to_owned()],
                values,
            }
        })
        .collect()
}

/// A protocol's layout with all secrets shown, and what the plugin says of a capture in it.
fn look(
    tshark: &Tshark,
    protocol: &Protocol,
    wire: Wire,
    seed: u64,
) -> (Layout, Vec<Shown>, Vec<Vec<Message>>) {
    let folder = tempfile::tempdir().expect("a folder");
    let layout = parse(protocol.file).expect("the protocol's file is right");
    let mut random = Rng::with_seed(seed);
    let (file, messages) = talks(protocol, &mut random, (4, 12), layout.ports[0], wire);
    let file = written(folder.path(), "talk.pcap", file);
    let toml = written(folder.path(), "layout.toml", protocol.file);
    let script = written(folder.path(), "plugin.lua", plugin_of(&[&toml]));
    let option = format!("{}.hide_passwords:FALSE", layout.prefix);
    let shown = shown(tshark, &script, &file, &layout, &["-o", &option]);
    (layout, shown, messages)
}

#[test]
fn every_field_of_every_message_is_shown_whatever_tcp_did() {
    let Some(tshark) = Tshark::find() else { return };
    for (seed, protocol) in PROTOCOLS.iter().enumerate() {
        for wire in [Wire::Plain, Wire::Cut, Wire::Reordered] {
            let (layout, shown, messages) = look(&tshark, protocol, wire, seed as u64);
            let whose = format!("{}, {wire:?}", protocol.name);
            let expected: usize = messages.iter().map(Vec::len).sum();
            assert_eq!(shown.len(), expected, "{whose}");
            let mut frames = BTreeMap::new();
            for (stream, messages) in messages.iter().enumerate() {
                let own = shown.iter().filter(|shown| shown.stream == stream);
                for (index, (shown, message)) in own.zip(messages).enumerate() {
                    let (kind, values) = of_message(&layout, message);
                    assert_eq!(
                        (&shown.kind, &shown.values),
                        (&kind, &values),
                        "{whose}, message {index}"
                    );
                    frames.insert(shown.frame.clone(), shown);
                }
            }
            // Each request has its response, which names the request.
            for shown in frames.values() {
                let kind = layout
                    .kinds
                    .iter()
                    .find(|kind| kind.name == shown.kind)
                    .expect("a kind");
                let [response, request] = &shown.links;
                if kind.responses.is_empty() {
                    assert_eq!(frames[request].links[0], shown.frame, "{whose}");
                } else {
                    assert_eq!(frames[response].links[1], shown.frame, "{whose}");
                    let answer = &frames[response].kind;
                    assert!(
                        kind.responses
                            .iter()
                            .any(|index| layout.kinds[*index].name == *answer),
                        "{whose}"
                    );
                    if let (Some(asked), Some(answered)) =
                        (shown.values.get("id"), frames[response].values.get("id"))
                    {
                        assert_eq!(asked, answered, "{whose}");
                    }
                }
            }
        }
    }
}

#[test]
fn with_loss_no_message_is_made_up() {
    let Some(tshark) = Tshark::find() else { return };
    for (seed, protocol) in PROTOCOLS.iter().enumerate() {
        let (layout, shown, messages) = look(&tshark, protocol, Wire::Lost, 40 + seed as u64);
        let all: usize = messages.iter().map(Vec::len).sum();
        let mut whole = 0;
        for (stream, messages) in messages.iter().enumerate() {
            let true_ones: Vec<_> = messages
                .iter()
                .map(|message| of_message(&layout, message))
                .collect();
            for shown in shown.iter().filter(|shown| shown.stream == stream) {
                let is_true = |(kind, values): &(String, Values)| {
                    *kind == shown.kind && *values == shown.values
                };
                // What is cut off has the beginning of its values.
                let begins = |(kind, values): &(String, Values)| {
                    *kind == shown.kind && shown.values.len() < values.len()
                        || values.values().flatten().any(|value| {
                            shown
                                .values
                                .values()
                                .flatten()
                                .any(|own| value.starts_with(own.as_str()))
                        })
                };
                whole += usize::from(true_ones.iter().any(is_true));
                assert!(
                    true_ones.iter().any(|one| is_true(one) || begins(one)),
                    "{}: {shown:?}",
                    protocol.name
                );
            }
        }
        assert!(whole * 3 > all, "{}: {whole} of {all}", protocol.name);
    }
}

#[test]
fn secrets_are_hidden_unless_they_are_asked_for() {
    let Some(tshark) = Tshark::find() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    for protocol in &PROTOCOLS {
        let layout = parse(protocol.file).expect("it is right");
        if !layout.has_secrets() {
            continue;
        }
        let (file, messages) = talks(
            protocol,
            &mut Rng::with_seed(3),
            (2, 6),
            layout.ports[0],
            Wire::Cut,
        );
        let file = written(folder.path(), "talk.pcap", file);
        let toml = written(folder.path(), "layout.toml", protocol.file);
        let script = written(folder.path(), "plugin.lua", plugin_of(&[&toml]));
        let out = tshark.ask(&file, &["-2", "-V"], Some(&script));
        assert!(out.contains("********"), "{}", protocol.name);
        for message in messages.iter().flatten() {
            let (_, values) = of_message(&layout, message);
            for value in values.get("password").into_iter().flatten() {
                assert!(!out.contains(value.as_str()), "{}: {value}", protocol.name);
            }
        }
    }
}

#[test]
fn a_plugin_has_several_layouts_and_leaves_others_alone() {
    let Some(tshark) = Tshark::find() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let files: Vec<PathBuf> = [(0, 9_101), (7, 9_108)]
        .into_iter()
        .map(|(index, port)| {
            let (own, both) = (format!("port = {port}"), format!("port = [8888, {port}]"));
            let text = PROTOCOLS[index].file.replacen(&own, &both, 1);
            written(folder.path(), &format!("{index}.toml"), text)
        })
        .collect();
    let paths: Vec<&Path> = files.iter().map(PathBuf::as_path).collect();
    let script = written(folder.path(), "plugin.lua", plugin_of(&paths));
    for name in [
        "other-ssh.pcap",
        "other-redis.pcap",
        "other-http2-grpc.pcap",
        "http-on-port-8888.pcap",
        "tls-on-port-8888.pcap",
        "layout-pascal-strings.pcap",
    ] {
        let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(capture(name));
        let with = tshark.ask(&file, &["-2"], Some(&script));
        assert_eq!(with, tshark.ask(&file, &["-2"], None), "{name}");
    }
    for protocol in [&PROTOCOLS[0], &PROTOCOLS[7]] {
        let layout = parse(protocol.file).expect("it is right");
        let (file, messages) = talks(
            protocol,
            &mut Rng::with_seed(5),
            (2, 5),
            layout.ports[0],
            Wire::Plain,
        );
        let file = written(folder.path(), "talk.pcap", file);
        let found = shown(&tshark, &script, &file, &layout, &[]).len();
        assert_eq!(found, messages.concat().len(), "{}", protocol.name);
    }
}

#[test]
fn what_is_not_as_the_layout_says_is_marked() {
    let Some(tshark) = Tshark::find() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let protocol = &PROTOCOLS[7];
    let toml = written(folder.path(), "layout.toml", protocol.file);
    let script = written(folder.path(), "plugin.lua", plugin_of(&[&toml]));
    let (file, _) = talks(protocol, &mut Rng::with_seed(1), (1, 2), 9_108, Wire::Plain);
    let mut file = file;
    // The last octet of the last answer is one of its check.
    let answer = file
        .windows(2)
        .rposition(|pair| pair == [0xfe, 0xca])
        .expect("a message");
    file[answer + 12] ^= 0x40;
    let file = written(folder.path(), "wrong.pcap", file);
    let out = tshark.ask(
        &file,
        &[
            "-2",
            "-Y",
            "readings.note.check",
            "-T",
            "fields",
            "-e",
            "_ws.expert.message",
        ],
        Some(&script),
    );
    assert_eq!(out.trim(), "not what the bytes before it add up to");
}

#[test]
fn names_that_wireshark_has_are_refused_with_another() {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, prefix, suggestion) in [("HTTP", "http", "my_http"), ("SMPP", "smpp", "my_smpp")] {
        let text = PROTOCOLS[0].file.replacen("Little", name, 1);
        let path = written(folder.path(), "clash.toml", text);
        let done = authscope(&["wireshark", "plugin", "-L", path.to_str().expect("UTF-8")]);
        assert_eq!((done.code, done.stdout.as_str()), (2, ""));
        for part in [
            format!("the filter prefix `{prefix}`"),
            format!("prefix = \"{suggestion}\""),
        ] {
            assert!(done.stderr.contains(&part), "{part}: {}", done.stderr);
        }
    }
    let path = written(folder.path(), "one.toml", PROTOCOLS[0].file);
    let path = path.to_str().expect("UTF-8");
    let done = authscope(&["wireshark", "plugin", "-L", path, "-L", path]);
    assert_eq!(done.code, 2);
    assert!(
        done.stderr
            .contains("two of the layouts have the filter prefix `little`"),
        "{}",
        done.stderr
    );
}

#[test]
fn wireshark_starts_with_the_plugin_and_not_with_a_name_of_its_own() {
    let Some(tshark) = Tshark::find() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let toml = written(folder.path(), "layout.toml", PROTOCOLS[0].file);
    let good = plugin_of(&[&toml]);
    let starts = |script: &str| {
        let path = written(folder.path(), "plugin.lua", script);
        let script = format!("lua_script:{}", path.display());
        let out = tshark
            .command()
            .args(["-G", "protocols", "-X", &script])
            .output()
            .expect("tshark runs");
        let protocols = String::from_utf8_lossy(&out.stdout).into_owned();
        out.status.success() && protocols.lines().any(|line| line.ends_with("\tlittle"))
    };
    assert!(starts(&good));
    // What the check of names is for.
    assert!(!starts(
        &good.replace("prefix = \"little\"", "prefix = \"http\"")
    ));
}

#[test]
fn the_plugin_for_reglogins_own_layout_is_the_built_in() {
    let folder = tempfile::tempdir().expect("a folder");
    let example = authscope(&["layout", "example"]).stdout;
    let path = written(folder.path(), "reglogin.toml", example);
    assert_eq!(plugin_of(&[&path]), plugin());
}
