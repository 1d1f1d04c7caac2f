//! `authscope layout guess`: the layout proposed for traffic has the true message boundaries, kinds, byte order and
//! fields, marks what is uncertain, and shows no payload.

use std::path::Path;

use crate::designs::{Message, PROTOCOLS};
use crate::inspector::{Done, authscope, capture, command};
use crate::leaves::leaves;
use crate::talks::{Wire, talks};
use authscope::layout::{Frame, Layout, Side, parse};
use fastrand::Rng;

const ORDERS: [Side; 2] = [Side::Client, Side::Server];

fn guess(file: &Path) -> Done {
    authscope(&["layout", "guess", file.to_str().expect("UTF-8")])
}

/// What is wrong with a reading, message by message.
fn wrong(truth: &Layout, guessed: &Layout, messages: &[Message]) -> Vec<String> {
    let mut wrong = Vec::new();
    for (index, (from_client, message)) in messages.iter().enumerate() {
        let side = ORDERS[usize::from(!from_client)];
        assert_eq!(truth.frame(message, side), Frame::Whole(message.len()));
        if guessed.frame(message, side) != Frame::Whole(message.len()) {
            wrong.push(format!("message {index} is not cut right"));
            continue;
        }
        let [true_kind, kind] = [truth, guessed].map(|layout| {
            let kind = layout.decode(message, side).kind;
            kind.and_then(|kind| layout.kinds[kind].value)
        });
        if true_kind != kind {
            wrong.push(format!(
                "message {index} is of kind {kind:?}, not {true_kind:?}"
            ));
        }
        let found = leaves(guessed, message, side);
        for leaf in leaves(truth, message, side) {
            if !found.contains(&leaf) {
                let kind = leaf.1.split(' ').next().unwrap_or_default().to_owned();
                wrong.push(format!("message {index} has no {kind} at {:?}", leaf.0));
            }
        }
    }
    wrong
}

#[test]
fn layouts_of_every_kind_are_guessed_from_their_traffic() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut random = Rng::with_seed(7);
    let mut failed = Vec::new();
    for protocol in &PROTOCOLS {
        let (file, messages) = talks(protocol, &mut random, (8, 8), 9_000, Wire::Cut);
        let messages = messages.concat();
        let path = folder.path().join("talk.pcap");
        std::fs::write(&path, file).expect("it is written");
        let done = guess(&path);
        assert_eq!(done.code, 0, "{}: {}", protocol.name, done.stderr);
        let truth = parse(protocol.file).expect("the protocol's own file is right");
        let guessed =
            parse(&done.stdout).unwrap_or_else(|errors| panic!("{errors:?}\n{}", done.stdout));
        let wrong = wrong(&truth, &guessed, &messages);
        if !wrong.is_empty() {
            failed.push(format!(
                "{}: {}\n{}",
                protocol.name,
                wrong[..wrong.len().min(5)].join("; "),
                done.stdout
            ));
        }
        let all = messages.len();
        let bytes: usize = messages.iter().map(|(_, message)| message.len()).sum();
        let explained = format!("it explains {all} of {all} messages, {bytes} of {bytes} bytes");
        assert!(
            done.stdout.contains(&explained),
            "{explained}\n{}",
            done.stdout
        );
        // No name and no password is in it.
        for (_, message) in messages.iter().filter(|(from_client, _)| *from_client) {
            for word in message
                .split(|byte| !byte.is_ascii_alphanumeric())
                .filter(|word| word.len() > 4)
            {
                let word = String::from_utf8_lossy(word);
                assert!(
                    !done.stdout.contains(&*word),
                    "{word} is in\n{}",
                    done.stdout
                );
            }
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n----\n"));
}

/// What made the saved captures.
const SAVED: [(&str, &str, &str, [&str; 2]); 5] = [
    (
        "layout-little-endian.pcap",
        "little",
        "length",
        [
            "\"a: text[20]\", \"b: text[30]\"",
            "\"s: u8\", \"t: text[64]\"",
        ],
    ),
    (
        "layout-length-without-header.pcap",
        "big",
        "length - 8",
        [
            "\"a: text[20]\", \"b: text[30]\"",
            "\"s: u8\", \"t: text[64]\"",
        ],
    ),
    (
        "layout-name32-pw32.pcap",
        "big",
        "length",
        [
            "\"a: text[32]\", \"b: text[32]\"",
            "\"s: u8\", \"t: text[64]\"",
        ],
    ),
    (
        "layout-name16-full.pcap",
        "big",
        "length",
        [
            "\"a: text[16]\", \"b: text[16]\"",
            "\"s: u8\", \"t: text[64]\"",
        ],
    ),
    (
        "layout-pascal-strings.pcap",
        "big",
        "length",
        [
            "\"a: text[u8]\", \"b: text[u8]\"",
            "\"s: u8\", \"t: text[u8]\"",
        ],
    ),
];

#[test]
fn the_saved_captures_of_other_layouts_are_guessed() {
    for (name, order, length, [request, response]) in SAVED {
        let truth = parse(&format!(
            "name = \"Saved\"\norder = \"{order}\"\n[layout]\nheader = [\"length: u32 = {length}\", \"kind: u32 = kind\"]\n\
             request = [{request}]\nresponse = [{response}]\n[kind]\n1 = {{ name = \"a\", body = \"request\" }}\n\
             2 = {{ name = \"b\", body = \"response\" }}\n3 = {{ name = \"c\", body = \"request\" }}\n\
             4 = {{ name = \"d\", body = \"response\" }}\n"
        ))
        .expect("it is right");
        let done = authscope(&["layout", "guess", &capture(name)]);
        assert_eq!(done.code, 0, "{name}: {}", done.stderr);
        let guessed = parse(&done.stdout).expect("the proposal is a layout");
        let mut messages = Vec::new();
        for (from, side) in [("client", Side::Client), ("server", Side::Server)] {
            let arguments = [
                "follow",
                &capture(name),
                "--stream",
                "0",
                "-T",
                "raw",
                "--show-passwords",
                "--from",
                from,
            ];
            let mut left = command(&arguments).output().expect("it runs").stdout;
            while !left.is_empty() {
                let Frame::Whole(len) = truth.frame(&left, side) else {
                    panic!("{name}: no message")
                };
                messages.push((side == Side::Client, left.drain(..len).collect()));
            }
        }
        assert!(messages.len() >= 2, "{name}");
        let wrong = wrong(&truth, &guessed, &messages);
        assert!(
            wrong.is_empty(),
            "{name}: {}\n{}",
            wrong.join("; "),
            done.stdout
        );
        assert!(
            done.stdout.contains("# unsure: "),
            "so few messages leave nothing sure:\n{}",
            done.stdout
        );
        for secret in [
            "alice",
            "wonderland",
            "secret1",
            "hunter2",
            "registered",
            "wrong",
        ] {
            assert!(
                !done.stdout.contains(secret),
                "{name}: {secret}\n{}",
                done.stdout
            );
        }
    }
}

#[test]
fn what_is_known_or_has_no_lengths_is_not_guessed_at() {
    for (name, words) in [
        ("other-ssh.pcap", "all that speaks here is known: SSH"),
        (
            "other-redis.pcap",
            "no length of messages explains the traffic on port 8888",
        ),
        ("udp.pcap", "no TCP connection with data"),
    ] {
        let done = authscope(&["layout", "guess", &capture(name)]);
        assert_eq!((done.code, done.stdout.as_str()), (1, ""), "{name}");
        assert!(done.stderr.contains(words), "{name}: {}", done.stderr);
    }
}

#[test]
fn reglogin_is_guessed_from_its_own_traffic() {
    let done = authscope(&["layout", "guess", &capture("recorded-several-users.pcapng")]);
    for part in [
        "\"length: u32 = length\"",
        "\"kind: u32 = kind\"",
        "text[20] secret",
        "text[30] secret",
        "text[64]",
        "1 = { name = \"request 1\", body = \"request\", from = \"client\", response = 2 }",
        "it explains 32 of 32 messages, 2096 of 2096 bytes,\n# 16 of 16 connections",
    ] {
        assert!(done.stdout.contains(part), "{part}\n{}", done.stdout);
    }
}

#[test]
fn read_says_what_a_capture_is_nearest_to_where_hardly_anything_is_reglogin() {
    for (name, reading) in [
        (
            "layout-little-endian.pcap",
            Some("looks little-endian: command 1, length 58"),
        ),
        (
            "layout-length-without-header.pcap",
            Some("looks like a length without the header: command 1, length 50"),
        ),
        ("recorded-success.pcapng", None),
        ("other-ssh.pcap", None),
    ] {
        let file = capture(name);
        let done = authscope(&["read", &file, "-q"]);
        let told = done.stderr.lines().filter(|line| line.contains("looks "));
        let told: Vec<&str> = told.collect();
        let expected = reading
            .map(|reading| format!("authscope: {reading}; try `authscope layout guess {file}`"));
        assert_eq!(told, expected.iter().collect::<Vec<_>>(), "{name}");
    }
}
