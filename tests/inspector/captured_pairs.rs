//! Requests and responses are paired by their place in the stream and by acknowledgement numbers, in whatever order
//! they were captured. Times that no clock can produce are noted.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// What `authscope read -T json` says of captures that are read together.
fn messages(captures: &[&str]) -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures");
    let out = Command::new(env!("CARGO_BIN_EXE_authscope"))
        .args(["read", "-T", "json"])
        .args(captures.iter().map(|name| folder.join(name)))
        .output()
        .expect("authscope runs");
    serde_json::from_slice(&out.stdout).expect("JSON")
}

/// Each request with its response: user, what the response says, seconds between them, and the
/// texts of the notes on both.
fn pairs(captures: &[&str]) -> Vec<(String, String, f64, Vec<String>)> {
    let all = messages(captures);
    let requests = all.iter().filter(|message| message["from"] == "client");
    let pair = |request: &Value| {
        let answers = |message: &&Value| {
            message["from"] == "server" && message["frame"] == request["response_in"]
        };
        let response = all.iter().find(answers).expect("a response");
        assert_eq!(response["response_to"], request["frame"], "{response}");
        let notes = [request, response].map(|message| message["notes"].as_array().unwrap());
        let texts = notes.into_iter().flatten().map(|note| &note["text"]);
        (
            request["username"].as_str().unwrap().to_owned(),
            response["description"].as_str().unwrap().to_owned(),
            response["response_time"].as_f64().unwrap(),
            texts
                .map(|text| text.as_str().unwrap().to_owned())
                .collect(),
        )
    };
    requests.map(pair).collect()
}

const EXCHANGES: [(&str, &str); 6] = [
    ("alice", "registered"),
    ("alice", "wrong password"),
    ("bob", "the name is taken"),
    ("bob", "login successful"),
    ("carol", "registered"),
    ("carol", "login successful"),
];

fn check(captures: &[&str], time: f64) -> Vec<Vec<String>> {
    let pairs = pairs(captures);
    assert_eq!(pairs.len(), EXCHANGES.len(), "{captures:?}");
    for ((user, words, elapsed, _), expected) in pairs.iter().zip(EXCHANGES) {
        assert_eq!((user.as_str(), words.as_str()), expected, "{captures:?}");
        assert!((elapsed - time).abs() < 1e-9, "{captures:?}: {elapsed}");
    }
    pairs.into_iter().map(|(_, _, _, notes)| notes).collect()
}

#[test]
fn the_order_of_capture_changes_no_pair() {
    for capture in [
        "in-order.pcap",
        "one-pair-swapped.pcap",
        "every-pair-swapped.pcap",
        "one-pair-swapped-mid-stream.pcap",
    ] {
        let notes = check(&[capture], 0.0001);
        assert!(notes.iter().all(Vec::is_empty), "{capture}: {notes:?}");
    }
}

#[test]
fn two_capture_points_give_the_pairs_and_negative_times_are_noted() {
    let client = "tap-client-side.pcap";
    let right = check(&[client, "tap-server-side-clock-right.pcap"], 0.0001);
    assert!(right.iter().all(Vec::is_empty), "{right:?}");
    let early = check(&[client, "tap-server-side-clock-early.pcap"], -0.0002);
    for notes in early {
        let texts = notes.join("; ");
        assert_eq!(texts.matches("two clocks differ").count(), 2, "{texts}");
    }
}

/// A time below 0 is counted and shown as what it is, not as 0.
#[test]
fn statistics_show_negative_times() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures");
    let stats = |arguments: &[&str], second: &str| {
        let out = Command::new(env!("CARGO_BIN_EXE_authscope"))
            .arg("stats")
            .args(arguments)
            .args([folder.join("tap-client-side.pcap"), folder.join(second)])
            .output()
            .expect("authscope runs");
        String::from_utf8(out.stdout).expect("UTF-8")
    };
    let early = "tap-server-side-clock-early.pcap";
    let json: Value = serde_json::from_str(&stats(&["-T", "json"], early)).unwrap();
    for action in ["registration", "login"] {
        let times = &json["response_time"][action];
        assert_eq!(
            (&times["count"], &times["negative"]),
            (&3.into(), &3.into())
        );
        for value in ["min", "p50", "max"] {
            let time = times[value].as_f64().unwrap();
            assert!((time + 0.0002).abs() < 1e-9, "{action} {value}: {time}");
        }
    }
    let note = "6 responses are earlier than their requests";
    assert!(json["limits"].to_string().contains(note), "{json}");
    let text = stats(&[], early);
    assert!(text.contains("-0.200") && text.contains(note), "{text}");
    let right = stats(&["-T", "json"], "tap-server-side-clock-right.pcap");
    assert!(
        !right.contains("negative") && !right.contains("earlier than"),
        "{right}"
    );
}
