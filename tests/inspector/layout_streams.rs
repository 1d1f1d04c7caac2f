//! Messages of nine protocols, found by their layout files, with segments cut anywhere, reordered, duplicated and lost.
//! Every message before a gap is found, those after it where the layout gives enough evidence, and none is invented.

use std::collections::HashMap;
use std::path::Path;

use serde_json::Value;

use crate::flights::{Stream, Way, capture, hold_against, thousands};
use crate::inspector::authscope;
use crate::layouts::{PROTOCOLS, Protocol};

/// The messages that `read` finds.
fn found(layout: &Path, capture: &Path, more: &[&str]) -> Vec<Value> {
    let paths = [layout, capture].map(|path| path.to_str().expect("UTF-8"));
    let arguments = ["read", "-T", "jsonl", "--show-passwords", "-L"];
    let done = authscope(&[&arguments, &paths[..], more].concat());
    assert_eq!(done.code, 0, "{}", done.stderr);
    let lines = done.stdout.lines();
    lines
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

/// Each response names the frame of the request of its own exchange.
fn pairs(protocol: &Protocol, found: &[Value], truth: &[Stream]) {
    let all = truth.iter().flatten().flat_map(|sent| &sent.messages);
    let mut requests = HashMap::new();
    let mut responses = Vec::new();
    let mut exchanges = HashMap::new();
    for (_, made) in all {
        exchanges.insert((made.fields.to_string(), made.from_client), made.exchange);
    }
    for message in found {
        let from_client = message["from"] == "client";
        let exchange = exchanges[&(message["fields"].to_string(), from_client)];
        if from_client {
            requests.insert(exchange, message);
        } else {
            responses.push((exchange, message));
        }
    }
    assert_eq!(requests.len(), responses.len());
    for (exchange, response) in responses {
        let request = requests[&exchange];
        assert_eq!(
            response["response_to"], request["frame"],
            "{}: {response}",
            protocol.name
        );
        assert_eq!(
            request["response_in"], response["frame"],
            "{}: {request}",
            protocol.name
        );
    }
}

const STREAMS: usize = 5;

/// Exchanges of each stream, each a request and a response: 1,000 messages in all for each thousand.
fn exchanges() -> usize {
    100 * thousands()
}

#[test]
fn every_message_is_found_and_paired_however_it_travels() {
    let folder = tempfile::tempdir().expect("a folder");
    for (seed, protocol) in (1..).zip(&PROTOCOLS) {
        let layout = protocol.layout_file(folder.path());
        for way in [Way::Plain, Way::Rough] {
            let counts = [STREAMS, exchanges()];
            let (capture, truth) =
                capture(protocol, way, protocol.port, seed, counts, folder.path());
            let found = found(&layout, &capture, &[]);
            let count = hold_against(protocol, &found, &truth);
            assert_eq!(count, 2 * STREAMS * exchanges(), "{}", protocol.name);
            pairs(protocol, &found, &truth);
        }
    }
}

#[test]
fn what_is_lost_takes_nothing_else_along() {
    let folder = tempfile::tempdir().expect("a folder");
    for (seed, protocol) in (1..).zip(&PROTOCOLS) {
        let layout = protocol.layout_file(folder.path());
        let counts = [STREAMS * 10, exchanges() / 10];
        let (capture, truth) = capture(
            protocol,
            Way::Lossy,
            protocol.port,
            seed,
            counts,
            folder.path(),
        );
        let found = found(&layout, &capture, &[]);
        let count = hold_against(protocol, &found, &truth);
        assert!(
            count > STREAMS * exchanges() / 4,
            "{}: {count}",
            protocol.name
        );
    }
}

#[test]
fn a_layout_with_enough_evidence_is_recognised_on_any_port() {
    let folder = tempfile::tempdir().expect("a folder");
    for (seed, protocol) in (1..).zip(&PROTOCOLS) {
        let layout = protocol.layout_file(folder.path());
        let (capture, truth) = capture(protocol, Way::Plain, 9999, seed, [1, 20], folder.path());
        let there = found(&layout, &capture, &[]);
        if protocol.resyncs {
            assert_eq!(
                hold_against(protocol, &there, &truth),
                40,
                "{}",
                protocol.name
            );
        } else {
            assert!(there.is_empty(), "{}: {}", protocol.name, there[0]);
        }
        // Where the port is named it is the layout's.
        let named = found(&layout, &capture, &["-p", "9999"]);
        assert_eq!(
            hold_against(protocol, &named, &truth),
            40,
            "{}",
            protocol.name
        );
        let decode = format!("tcp.port==9999,{}", protocol.name.to_lowercase());
        let named = found(&layout, &capture, &["-d", &decode]);
        assert_eq!(
            hold_against(protocol, &named, &truth),
            40,
            "{}",
            protocol.name
        );
    }
}
