//! `authscope follow -T raw` gives what tshark's `follow,tcp,raw` gives, on every capture.

use std::collections::BTreeMap;
use std::path::Path;

use crate::inspector::{authscope, capture, captures};
use crate::otherwise::{Check, left_out};
use crate::tshark::Tshark;
use authscope::capture::{ReadOptions, open};
use authscope::output::{Follow, FollowFormat, FollowOptions, TimeFormat};
use authscope::session::{Followed, Inspector, Options, run};
use authscope::stream::Role;
use authscope::synth::load::Load;
use serde_json::Value;

/// What both sides of a stream sent, by address and port.
type Sides = BTreeMap<String, Vec<u8>>;

/// What tshark writes for bytes that were never captured. Ours are left out.
fn without_gaps(chunk: &[u8]) -> &[u8] {
    let text = String::from_utf8_lossy(chunk);
    let is_gap = text.starts_with('[') && text.contains(" bytes missing in capture file]");
    if is_gap { &[] } else { chunk }
}

fn octets(hex: &str) -> Vec<u8> {
    let digits = hex.as_bytes().chunks(2);
    let octet = |pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.map(octet).collect()
}

/// What tshark says of each of so many streams.
fn of_tshark(tshark: &Tshark, path: &Path, streams: u64) -> Vec<Sides> {
    let taps: Vec<String> = (0..streams)
        .flat_map(|stream| ["-z".to_owned(), format!("follow,tcp,raw,{stream}")])
        .collect();
    let mut arguments = vec!["-q"];
    arguments.extend(taps.iter().map(String::as_str));
    let text = tshark.plain(path, &arguments);
    let mut all = vec![Sides::new(); streams as usize];
    let mut stream = 0;
    let mut nodes = [String::new(), String::new()];
    for line in text.lines() {
        if let Some(number) = line.strip_prefix("Filter: tcp.stream eq ") {
            stream = number.parse().unwrap();
        } else if let Some(node) = line.strip_prefix("Node 0: ") {
            node.clone_into(&mut nodes[0]);
        } else if let Some(node) = line.strip_prefix("Node 1: ") {
            node.clone_into(&mut nodes[1]);
        } else if !line.is_empty() && line.trim().bytes().all(|c| c.is_ascii_hexdigit()) {
            let node = &nodes[usize::from(line.starts_with('\t'))];
            let chunk = octets(line.trim());
            let side: &mut Vec<u8> = all[stream].entry(node.clone()).or_default();
            side.extend(without_gaps(&chunk));
        }
    }
    all
}

/// What we say of a stream, and its ends.
fn of_us(path: &Path, stream: u32) -> Sides {
    let mut sides = Sides::new();
    let mut options = FollowOptions {
        color: false,
        line: FollowOptions::LINE,
        stream,
        format: FollowFormat::Json,
        sender: None,
        time: TimeFormat::Relative,
        show_passwords: true,
        in_fields: false,
    };
    let head: Value = serde_json::from_slice(&followed(path, options)).unwrap();
    options.format = FollowFormat::Raw;
    for (side, role) in [("client", Role::Client), ("server", Role::Server)] {
        options.sender = Some(role);
        let octets = followed(path, options);
        if !octets.is_empty() {
            sides.insert(head[side].as_str().unwrap().to_owned(), octets);
        }
    }
    sides
}

fn followed(path: &Path, options: FollowOptions) -> Vec<u8> {
    let mut out = Vec::new();
    let source = open(path, ReadOptions::default()).unwrap();
    let inspector = Inspector::new(&Options {
        follow: Followed::Stream(options.stream),
        ..Options::default()
    });
    let mut follow = Follow::new(&mut out, options);
    run(Box::new(source), inspector, &mut follow, 1).unwrap();
    drop(follow);
    out
}

#[test]
fn octets_are_those_of_tshark() {
    let Some(tshark) = Tshark::find() else { return };
    let mut compared = 0;
    let mut wrong = Vec::new();
    for name in captures() {
        let stats = authscope(&["stats", "-T", "json", &capture(&name)]);
        let stats: Value = serde_json::from_str(&stats.stdout).unwrap();
        let streams = stats["streams"].as_u64().unwrap();
        if streams == 0 {
            continue;
        }
        let path = capture(&name);
        let theirs = of_tshark(&tshark, Path::new(&path), streams);
        for (stream, theirs) in (0..).zip(theirs) {
            let ours = of_us(Path::new(&path), stream);
            let theirs: Sides = theirs
                .into_iter()
                .filter(|(_, octets)| !octets.is_empty())
                .collect();
            compared += 1;
            let listed = left_out(Check::Streams, &name).contains(&stream.to_string().as_str());
            if (ours == theirs) == listed {
                wrong.push(format!(
                    "{name} stream {stream}\n  ours   {ours:?}\n  theirs {theirs:?}"
                ));
            }
        }
    }
    assert!(compared > 100, "{compared}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Traffic with reordered, lost, repeated and finely cut segments, of many connections at once.
#[test]
fn octets_of_troubled_traffic_are_those_of_tshark() {
    let Some(tshark) = Tshark::find() else { return };
    let folder = tempfile::tempdir().unwrap();
    for seed in 1..=6 {
        let load = Load {
            frames: 600,
            connections: 15,
            sizes: vec![7, 20, 50, 1460],
            reorder: 0.2,
            loss: 0.15,
            background: 0.1,
            active: 5,
            seed,
            ..Load::default()
        };
        let path = folder.path().join(format!("{seed}.pcap"));
        let truth = load.write(std::fs::File::create(&path).unwrap()).unwrap();
        let theirs = of_tshark(&tshark, &path, truth.streams);
        assert_eq!(theirs.len() as u64, truth.streams);
        let mut octets = 0;
        for (stream, theirs) in (0..).zip(theirs) {
            let theirs: Sides = theirs
                .into_iter()
                .filter(|side| !side.1.is_empty())
                .collect();
            assert_eq!(of_us(&path, stream), theirs, "seed {seed}, stream {stream}");
            octets += theirs.values().map(Vec::len).sum::<usize>();
        }
        assert!(octets > 1000);
    }
}

/// tshark's hexadecimal form, but for passwords and for the lines around it.
#[test]
fn the_hexadecimal_form_is_that_of_tshark() {
    let Some(tshark) = Tshark::find() else { return };
    for name in [
        "lab-report.pcap",
        "tcp-one-octet-segments.pcap",
        "http-on-port-8888.pcap",
    ] {
        let theirs = tshark.plain(Path::new(&capture(name)), &["-q", "-z", "follow,tcp,hex,0"]);
        let ours = authscope(&[
            "follow",
            &capture(name),
            "-s",
            "0",
            "-T",
            "hex",
            "--show-passwords",
        ]);
        let lines = |text: &str| -> Vec<String> {
            let lines = text
                .lines()
                .filter(|line| line.trim_start().starts_with("000") && !line.starts_with("Node"));
            // tshark leaves out a space that would end the line.
            lines.map(|line| line.trim_end().to_owned()).collect()
        };
        assert_eq!(lines(&ours.stdout), lines(&theirs), "{name}");
        assert!(!lines(&theirs).is_empty());
    }
}
