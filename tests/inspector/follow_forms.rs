//! `authscope follow`: its forms and its diagram. None of them shows a password.

use crate::inspector::{authscope, capture, captures, command};
use serde_json::Value;

fn follow(name: &str, arguments: &[&str]) -> String {
    let path = capture(name);
    let mut all = vec!["follow", &path];
    all.extend(arguments);
    let output = command(&all).env("LC_ALL", "C.UTF-8").output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn messages_stand_with_their_fields() {
    insta::assert_snapshot!(follow("tcp-lost-segment.pcap", &[]));
}

#[test]
fn other_protocols_are_text() {
    insta::assert_snapshot!(follow("http-on-port-8888.pcap", &["--stream", "0"]));
}

#[test]
fn passwords_are_stars_in_hexadecimal() {
    insta::assert_snapshot!(follow("tcp-cut-anywhere.pcap", &["-T", "hex"]));
}

#[test]
fn a_ladder_fits_eighty_columns() {
    let drawn = follow(
        "recorded-wrong-password.pcapng",
        &["--stream", "1", "--ladder"],
    );
    assert!(drawn.lines().all(|line| line.chars().count() <= 80));
    assert!(drawn.contains("connection opened"));
    assert!(drawn.contains("Login request, user"));
    assert!(drawn.contains("Login response, failure: wrong password"));
    insta::assert_snapshot!(follow("tcp-pipelined.pcap", &["--ladder"]));
    insta::assert_snapshot!(follow(
        "tcp-reset-in-message.pcap",
        &["--ladder", "--ascii"]
    ));
    insta::assert_snapshot!(follow(
        "tcp-syn-unanswered.pcap",
        &["--ladder", "--stream", "0"]
    ));
}

/// A message that a reset cuts off is known to be cut off only later.
#[test]
fn a_ladder_is_in_order_of_time() {
    // In some the frames themselves are not.
    for name in captures()
        .into_iter()
        .filter(|name| !name.contains("swapped"))
    {
        let drawn = command(&["follow", &capture(&name), "--ladder", "--time", "relative"])
            .output()
            .unwrap();
        let drawn = String::from_utf8(drawn.stdout).unwrap();
        let times: Vec<f64> = drawn
            .lines()
            .filter_map(|line| line.split_whitespace().next()?.parse().ok())
            .collect();
        assert!(times.is_sorted(), "{name}:\n{drawn}");
    }
}

#[test]
fn a_locale_that_is_not_utf8_gets_ascii() {
    let path = capture("full-fields-utf8.pcap");
    let output = command(&["follow", &path, "--ladder"])
        .env("LC_ALL", "C")
        .output()
        .unwrap();
    assert!(output.stdout.is_ascii() && !output.stdout.is_empty());
}

#[test]
fn json_is_one_object() {
    let text = follow("lab-report.pcap", &["-T", "json", "--stream", "1"]);
    let object: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(object["stream"], 1);
    assert_eq!(object["protocol"], "RegLogin");
    let conversation = object["conversation"].as_array().unwrap();
    let types: Vec<&str> = conversation
        .iter()
        .map(|message| message["type"].as_str().unwrap())
        .collect();
    assert_eq!(types, ["login request", "login response"]);
    let text = follow("http-on-port-8888.pcap", &["-T", "json", "-s", "0"]);
    let object: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(object["conversation"][0]["from"], "client");
    let octets = object["conversation"][0]["octets"].as_str().unwrap();
    assert!(octets.starts_with("474554"), "{octets}");
}

/// Bytes in hexadecimal, with something behind each.
struct Hex<'a>(&'a [u8], &'a str);

impl std::fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self(octets, behind) = self;
        octets
            .iter()
            .try_for_each(|octet| write!(f, "{octet:02x}{behind}"))
    }
}

/// Bytes of a password that must not be seen, in clear or in hexadecimal.
fn shows_password(text: &[u8]) -> bool {
    let clear = ["correct", "horse", "wrong horse", "battery"];
    clear.iter().any(|word| {
        let spaced = Hex(word.as_bytes(), " ").to_string();
        let hex = Hex(word.as_bytes(), "").to_string();
        [(*word).to_owned(), hex, spaced]
            .iter()
            .any(|word| text.windows(word.len()).any(|part| part == word.as_bytes()))
    })
}

#[test]
fn no_form_shows_a_password() {
    let mut shown = 0;
    for name in captures() {
        let path = capture(&name);
        for form in ["text", "hex", "raw", "json"] {
            let done = command(&["follow", &path, "-T", form]).output().unwrap();
            assert!(!shows_password(&done.stdout), "{name} as {form}");
            let all = ["follow", &path, "-T", form, "--show-passwords"];
            let done = command(&all).output().unwrap();
            shown += u32::from(shows_password(&done.stdout));
        }
        let done = command(&["follow", &path, "--ladder"]).output().unwrap();
        assert!(!shows_password(&done.stdout), "{name} as ladder");
    }
    assert!(shown > 300, "{shown}: the test can see passwords");
}

#[test]
fn raw_octets_say_what_was_changed() {
    let path = capture("tcp-lost-segment.pcap");
    let output = command(&["follow", &path, "-T", "raw"]).output().unwrap();
    assert_eq!(output.stdout.len(), 58 * 2 - 20 + 73 * 2);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("60 bytes that are, or may be, part of a password"),
        "{said}"
    );
    assert!(said.contains("20 bytes were never captured"), "{said}");
    let all = authscope(&["follow", &path, "-T", "raw", "--show-passwords"]);
    assert!(!all.stderr.contains("password"));
}

#[test]
fn the_stream_is_found_by_user() {
    let name = "recorded-several-users.pcapng";
    let text = follow(name, &["--user", "erin"]);
    assert!(text.contains("User name    erin"), "{text}");
    let path = capture(name);
    let done = authscope(&["follow", &path, "--user", "nobody"]);
    assert_eq!(done.code, 1);
    assert!(
        done.stderr.contains("no request of user \"nobody\""),
        "{}",
        done.stderr
    );
    let done = authscope(&["follow", &path, "--stream", "999"]);
    assert_eq!((done.code, done.stdout.as_str()), (1, ""));
    assert!(
        done.stderr.contains("its streams are 0 to"),
        "{}",
        done.stderr
    );
    let done = authscope(&["follow", "-"]);
    assert_eq!(done.code, 2);
    assert!(done.stderr.contains("--stream"), "{}", done.stderr);
}
