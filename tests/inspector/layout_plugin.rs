//! `authscope wireshark plugin -L`: Wireshark with the plugin marks what violates the layout, hides secrets, and leaves
//! other protocols alone. Field names that Wireshark already has are refused. `layout_witness.rs` tests that it finds
//! the same messages as the inspector.

use std::path::{Path, PathBuf};

use crate::designs::{Message, PROTOCOLS};
use crate::inspector::{authscope, capture};
use crate::talks::{Wire, talks};
use crate::tshark::Tshark;
use authscope::layout::{Layout, Side, Value, parse};
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

/// The secret texts of a message, as far as there is something in them.
fn secrets((from_client, bytes): &Message, layout: &Layout) -> Vec<String> {
    let side = if *from_client {
        Side::Client
    } else {
        Side::Server
    };
    let decoded = layout.decode(bytes, side);
    let nodes = decoded.nodes.iter();
    nodes
        .filter(|node| layout.parts[node.field.0].fields[node.field.1].secret)
        .filter_map(|node| match node.value {
            Value::Text(text) if !text.is_empty() => {
                Some(String::from_utf8_lossy(text).into_owned())
            }
            _ => None,
        })
        .collect()
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
            for secret in secrets(message, &layout) {
                assert!(!out.contains(&secret), "{}: {secret}", protocol.name);
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
        let kind = format!("{}.type", layout.prefix);
        let found = ["-2", "-Y", &kind, "-T", "fields", "-e", &kind];
        let found = tshark.ask(&file, &found, Some(&script)).lines().count();
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
    // The last byte of the last answer is one of its check.
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
