//! The protocol of every stream of every stored capture is recognised, whatever its port.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::inspector::{authscope, capture};

fn json(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// Protocols by stream, as `authscope stats` lists them; streams without data are left out.
fn protocols(name: &str) -> BTreeMap<u64, String> {
    let done = authscope(&["stats", "-T", "json", &capture(name)]);
    let counts: Value = serde_json::from_str(&done.stdout).unwrap();
    counts["conversations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|conversation| {
            let protocol = conversation["protocol"].as_str().unwrap();
            (
                conversation["stream"].as_u64().unwrap(),
                protocol.to_owned(),
            )
        })
        .filter(|(_, protocol)| protocol != "no data")
        .collect()
}

#[test]
fn each_stream_is_what_it_is() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures");
    let mut foreign = 0;
    for answers in ["expected.json", "recorded.json", "cases.json"] {
        for (file, answer) in json(&folder.join(answers)).as_object().unwrap() {
            let others = answer["others"].as_object().unwrap();
            let mut expected: BTreeMap<u64, String> = others
                .iter()
                .map(|(stream, name)| (stream.parse().unwrap(), name.as_str().unwrap().into()))
                .collect();
            foreign += expected.len();
            // Streams of ours without a message whose header is right.
            for stream in answer["reglogin"].as_array().into_iter().flatten() {
                expected.insert(stream.as_u64().unwrap(), "RegLogin".into());
            }
            for message in answer["messages"].as_array().unwrap() {
                let stream = message["stream"].as_u64().unwrap();
                let earlier = expected.insert(stream, "RegLogin".into());
                assert!(earlier.is_none_or(|name| name == "RegLogin"), "{file}");
            }
            assert_eq!(protocols(file), expected, "{file}");
        }
    }
    assert!(foreign > 10, "the captures hold other protocols too");
}
