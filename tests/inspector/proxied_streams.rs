//! A PROXY header before the first message is skipped, and the address in it is in the row, the details and JSON.
//! Wireshark with the plugin shows it too.

use std::path::Path;

use serde_json::Value;

use crate::inspector::{authscope, capture};
use crate::tshark::{TWO_PASSES, Tshark};

/// Captures, and what is said of each.
const CAPTURES: [(&str, &str); 3] = [
    (
        "proxy-v1.pcap",
        "PROXY header of version 1: the client is 198.51.100.7:56324",
    ),
    (
        "proxy-v2.pcap",
        "PROXY header of version 2: the client is [2001:db8::7]:56324",
    ),
    (
        "proxy-v2-local-cut.pcap",
        "PROXY header of version 2, which names no client",
    ),
];

#[test]
fn a_proxy_header_is_passed_over_and_told() {
    for (name, words) in CAPTURES {
        let read = |arguments: &[&str]| {
            let path = capture(name);
            let done = authscope(&[&["read"], arguments, &[&path]].concat());
            assert_eq!(done.code, 0, "{name}: {}", done.stderr);
            done.stdout
        };
        for arguments in [&["-T", "text"][..], &["-V", "--frames"]] {
            let told = read(arguments);
            assert_eq!(
                told.matches(words).count(),
                1,
                "{name} {arguments:?}: {told}"
            );
        }
        let frames = read(&["-T", "jsonl", "--frames"]);
        let noted: Vec<Value> = frames
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .filter(|frame: &Value| frame.to_string().contains(words))
            .collect();
        assert_eq!(noted.len(), 1, "{name}: {frames}");
        let messages: Value = serde_json::from_str(&read(&["-T", "json"])).unwrap();
        let messages = messages.as_array().unwrap();
        assert_eq!(messages.len(), 2, "{name}");
        assert_eq!(messages[0]["username"], "alice", "{name}");
        assert_eq!(messages[0]["notes"].as_array().unwrap().len(), 0, "{name}");
        assert_eq!(messages[0]["response_in"], messages[1]["frame"], "{name}");
    }
}

#[test]
fn the_plugin_tells_the_same() {
    let Some(tshark) = Tshark::find() else { return };
    for (name, words) in CAPTURES {
        let path = capture(name);
        let details = tshark.with_plugin(Path::new(&path), &[&TWO_PASSES[..], &["-V"]].concat());
        assert_eq!(
            details
                .matches(&format!("Expert Info (Chat/Protocol): {words}"))
                .count(),
            1,
            "{name}"
        );
    }
}
