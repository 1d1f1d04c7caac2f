//! `authscope stats` counts correctly on captures whose contents are known.

use crate::inspector::authscope;
use crate::scene::{Exchange, MILLISECOND, Scene};
use authscope::protocol::Action;
use authscope::synth::load::Load;
use serde_json::{Value, json};

fn stats(arguments: &[&str]) -> Value {
    let mut all = vec!["stats", "-T", "json"];
    all.extend(arguments);
    let done = authscope(&all);
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert_eq!(done.stderr, "");
    serde_json::from_str(&done.stdout).unwrap()
}

#[test]
fn a_load_is_counted_as_its_generator_says() {
    let folder = tempfile::tempdir().unwrap();
    for (name, load) in [
        (
            "smooth",
            Load {
                frames: 30_000,
                connections: 900,
                ..Load::default()
            },
        ),
        (
            "rough",
            Load {
                frames: 30_000,
                connections: 900,
                sizes: vec![20, 1460],
                reorder: 0.1,
                loss: 0.1,
                background: 0.5,
                ..Load::default()
            },
        ),
    ] {
        let path = folder.path().join(name);
        let truth = load.write(std::fs::File::create(&path).unwrap()).unwrap();
        let path = path.to_str().unwrap();
        let found = stats(&[path]);
        let messages = &found["messages"];
        assert_eq!(found["frames"], truth.frames);
        assert_eq!(found["streams"], truth.streams);
        assert_eq!(found["conversations_total"], truth.streams);
        assert_eq!(
            messages["registration request"],
            truth.registration_requests
        );
        assert_eq!(
            messages["registration response"],
            truth.registration_responses
        );
        assert_eq!(messages["login request"], truth.login_requests);
        assert_eq!(messages["login response"], truth.login_responses);
        assert_eq!(messages["unknown"], 0);
        let outcome = |what: &str| {
            let of = |action| {
                found["outcomes"][format!("{action} {what}")]
                    .as_u64()
                    .unwrap()
            };
            of("registration") + of("login")
        };
        assert_eq!(outcome("success"), truth.successes);
        assert_eq!(outcome("failure"), truth.failures);
        let sum = |list: &str, key: &str| -> u64 {
            let rows = found[list].as_array().unwrap();
            rows.iter().map(|row| row[key].as_u64().unwrap()).sum()
        };
        let requests = truth.registration_requests + truth.login_requests;
        for list in ["users", "addresses"] {
            assert_eq!(sum(list, "requests"), requests, "{list}");
            assert_eq!(sum(list, "failures"), truth.failures, "{list}");
        }
        let bars = found["rate"]["bars"].as_array().unwrap();
        let framed: u64 = bars.iter().map(|bar| bar["frames"].as_u64().unwrap()).sum();
        assert_eq!(framed, truth.frames);
        assert_eq!(found, stats(&["--threads", "1", path]));
    }
}

#[test]
fn each_user_gets_what_is_his() {
    let mut scene = Scene::new();
    // User n asks n % 7 + 1 times, an hour apart; every third time the password is wrong.
    for n in 0..300_u64 {
        for time in 0..=n % 7 {
            let failed = (n + time).is_multiple_of(3);
            let exchange = Exchange {
                host: (n % 11) as u8,
                user: &format!("user{n:03}"),
                password: &format!("own{n}"),
                answer: if failed {
                    Exchange::WRONG
                } else {
                    Exchange::LOGIN.answer
                },
                ..Exchange::LOGIN
            };
            scene.put(&exchange, 3600 * 1000 * MILLISECOND);
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let path = scene.save(folder.path());
    let found = stats(&[path.to_str().unwrap()]);
    let users = found["users"].as_array().unwrap();
    assert_eq!(users.len(), 300);
    assert!(
        users.is_sorted_by(|one, other| { one["requests"].as_u64() >= other["requests"].as_u64() })
    );
    for user in users {
        let n: u64 = user["username"].as_str().unwrap()[4..].parse().unwrap();
        let failures = (0..=n % 7)
            .filter(|time| (n + time).is_multiple_of(3))
            .count();
        assert_eq!(user["requests"], n % 7 + 1, "{user}");
        assert_eq!(user["login_failures"], failures, "{user}");
        assert_eq!(user["failures"], failures, "{user}");
    }
    assert_eq!(found["addresses"].as_array().unwrap().len(), 11);
    assert_eq!(found["findings"], json!([]));
    assert_eq!(
        found["limits"].as_array().unwrap().len(),
        1,
        "{}",
        found["limits"]
    );
}

#[test]
fn response_times_are_exact() {
    let mut scene = Scene::new();
    for n in 1..=200 {
        let exchange = Exchange {
            after: n * MILLISECOND,
            ..Exchange::LOGIN
        };
        scene.put(&exchange, 1000 * MILLISECOND);
    }
    let folder = tempfile::tempdir().unwrap();
    let path = scene.save(folder.path());
    let found = stats(&[path.to_str().unwrap()]);
    let expected = json!({
        "count": 200, "min": 0.001, "p50": 0.1, "p90": 0.18, "p99": 0.198, "max": 0.2, "exact": true
    });
    assert_eq!(found["response_time"], json!({ "login": expected }));
}

/// One address guesses a user's password and gets it, one probes names, one sprays; a request
/// goes without an answer, one answer is slow.
fn attacked(scene: &mut Scene) {
    let second = 1000 * MILLISECOND;
    for n in 0..20 {
        scene.put(&Exchange::LOGIN, second);
        let exchange = Exchange {
            host: 66,
            user: "bob",
            password: &format!("guess{n}"),
            answer: Exchange::WRONG,
            ..Exchange::LOGIN
        };
        scene.put(&exchange, second / 2);
    }
    let right = Exchange {
        host: 66,
        user: "bob",
        ..Exchange::LOGIN
    };
    scene.put(&right, 3600 * second);
    for n in 0..15 {
        let exchange = Exchange {
            host: 77,
            user: &format!("admin{n}"),
            answer: Exchange::UNKNOWN,
            ..Exchange::LOGIN
        };
        scene.put(&exchange, second);
    }
    for n in 0..30 {
        let exchange = Exchange {
            host: 88,
            user: &format!("user{}", n % 15),
            password: ["123456", "password"][n / 15],
            answer: Exchange::WRONG,
            ..Exchange::LOGIN
        };
        scene.put(&exchange, 60 * second);
    }
    let silent = Exchange {
        user: "carol",
        action: Action::Register,
        answer: None,
        ..Exchange::LOGIN
    };
    scene.put(&silent, second);
    let slow = Exchange {
        after: 5 * second,
        ..Exchange::LOGIN
    };
    scene.put(&slow, second);
}

#[test]
fn attacks_are_found_and_told_apart() {
    let mut scene = Scene::new();
    attacked(&mut scene);
    let folder = tempfile::tempdir().unwrap();
    let path = scene.save(folder.path());
    let path = path.to_str().unwrap();
    let found = stats(&[path]);
    let findings: Vec<_> = found["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| {
            let text = |key: &str| finding[key].as_str().unwrap_or("-").to_owned();
            let count = finding["count"].as_u64().unwrap();
            (
                text("kind"),
                text("severity"),
                text("username"),
                text("address"),
                count,
            )
        })
        .collect();
    let expected = [
        ("password guessing", "error", "bob", "10.0.0.66", 20),
        ("password spraying", "warning", "-", "10.0.0.88", 30),
        ("user-name probing", "warning", "-", "10.0.0.77", 15),
        ("unanswered requests", "note", "-", "-", 1),
        ("slow answers", "note", "alice", "10.0.0.1", 1),
    ];
    let expected: Vec<_> = expected
        .map(|(kind, severity, user, address, count)| {
            let [kind, severity, user, address] =
                [kind, severity, user, address].map(str::to_owned);
            (kind, severity, user, address, count)
        })
        .into();
    assert_eq!(findings, expected);
    assert_eq!(found["findings"][1]["names"], 15);
    assert_eq!(found["findings"][1]["passwords"], 2);
    assert_eq!(
        found["unanswered"],
        json!({ "registration": 1, "login": 0 })
    );
    // The frames named are requests of the user or address named.
    let messages = authscope(&["read", "-T", "json", path]);
    let messages: Vec<Value> = serde_json::from_str(&messages.stdout).unwrap();
    for finding in found["findings"].as_array().unwrap() {
        let frame = &finding["frames"][0];
        let message = messages
            .iter()
            .find(|message| message["frame"] == *frame)
            .unwrap();
        assert!(
            message["type"].as_str().unwrap().ends_with("request"),
            "{finding}"
        );
        if let Some(user) = finding.get("username") {
            assert_eq!(message["username"], *user);
        }
        if let Some(address) = finding.get("address") {
            let source = message["src"].as_str().unwrap();
            assert!(source.starts_with(address.as_str().unwrap()), "{finding}");
        }
    }
    // No password, nor anything made of one, is shown.
    for format in ["json", "text"] {
        let done = authscope(&["stats", "-T", format, path]);
        for password in ["guess0", "123456", "secret"] {
            assert!(!done.stdout.contains(password), "{password} in {format}");
        }
    }
}

#[test]
fn thresholds_can_be_set() {
    let mut scene = Scene::new();
    for _ in 0..3 {
        let exchange = Exchange {
            answer: Exchange::WRONG,
            ..Exchange::LOGIN
        };
        scene.put(&exchange, 100 * 1000 * MILLISECOND);
    }
    let folder = tempfile::tempdir().unwrap();
    let path = scene.save(folder.path());
    let path = path.to_str().unwrap();
    assert_eq!(stats(&[path])["findings"], json!([]));
    let found = stats(&["--guesses", "3", "--guess-seconds", "200", path]);
    assert_eq!(found["findings"][0]["count"], 3);
    assert_eq!(found["findings"].as_array().unwrap().len(), 1);
    let found = stats(&["--guesses", "3", "--guess-seconds", "199", path]);
    assert_eq!(found["findings"], json!([]));
    let wrong = authscope(&["stats", "--guesses", "1", path]);
    assert_eq!(wrong.code, 2);
}

#[test]
fn the_text_says_the_same() {
    let mut scene = Scene::new();
    attacked(&mut scene);
    let folder = tempfile::tempdir().unwrap();
    let path = scene.save(folder.path());
    let output = crate::inspector::command(&["stats", "--top", "4", path.to_str().unwrap()])
        .env("LC_ALL", "C.UTF-8")
        .output()
        .unwrap();
    insta::assert_snapshot!(String::from_utf8(output.stdout).unwrap());
    let output = crate::inspector::command(&["stats", path.to_str().unwrap()])
        .env("LC_ALL", "C")
        .output()
        .unwrap();
    assert!(output.stdout.is_ascii());
}

#[test]
fn every_capture_has_statistics() {
    let schema: Vec<String> = documented_keys();
    for name in crate::inspector::captures() {
        let path = crate::inspector::capture(&name);
        let json = authscope(&["stats", "-T", "json", &path]);
        let text = authscope(&["stats", &path]);
        let expected = if name.starts_with("damaged") { 2 } else { 0 };
        assert_eq!((json.code, text.code), (expected, expected), "{name}");
        let object: Value = serde_json::from_str(&json.stdout).unwrap();
        let mut keys = Vec::new();
        paths(&object, "", &mut keys);
        for key in keys {
            assert!(schema.contains(&key), "{key} of {name} is not documented");
        }
        let harmful = |c: char| c.is_control() && c != '\n';
        assert!(!text.stdout.contains(harmful), "{name}");
    }
}

/// The keys in the table of `docs/statistics.md`.
fn documented_keys() -> Vec<String> {
    let docs = include_str!("../../docs/statistics.md");
    let (_, table) = docs.split_once("<!-- keys: begin -->").unwrap();
    let (table, _) = table.split_once("<!-- keys: end -->").unwrap();
    let rows = table.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.map(|row| row.split('`').next().unwrap().to_owned())
        .collect()
}

/// Objects whose keys are reasons or names.
const OPEN: [&str; 7] = [
    "given_up",
    "frames_without_tcp",
    "messages",
    "outcomes",
    "protocols",
    "notes",
    "note_groups",
];

fn paths(value: &Value, prefix: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(map) if !OPEN.contains(&prefix) => {
            for (key, value) in map {
                let path = if prefix.is_empty() {
                    key.clone()
                } else {
                    format!("{prefix}.{key}")
                };
                paths(value, &path, found);
            }
        }
        Value::Array(items) if items.iter().any(Value::is_object) => {
            let prefix = format!("{prefix}[]");
            for item in items {
                paths(item, &prefix, found);
            }
        }
        _ => found.push(prefix.to_owned()),
    }
}

#[test]
fn several_files_and_standard_input_are_read() {
    let parts = ["captures/split-part-1.pcap", "captures/split-part-2.pcap"];
    let found = stats(&parts);
    assert_eq!(found["frames"], 11);
    assert_eq!(found["streams"], 1);
    assert_eq!(found["users"][0]["registrations"], 1);
    let input = std::fs::File::open("captures/lab-report.pcap").unwrap();
    let output = crate::inspector::command(&["stats", "-T", "json", "-"])
        .stdin(input)
        .output()
        .unwrap();
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(found["frames"], 22);
}

#[test]
fn a_filter_selects_what_is_counted() {
    let path = "captures/several-protocols-on-port-8888.pcap";
    let found = stats(&["-Y", "ip.src == 192.0.2.10", path]);
    let all = stats(&[path]);
    assert!(found["frames"].as_u64() < all["frames"].as_u64());
    assert_eq!(found["messages"]["registration response"], 0);
    // The request's frame is selected, so its exchange counts.
    assert_eq!(found["users"], all["users"]);
    assert_eq!(found["streams"], all["streams"]);
    let found = stats(&["-Y", "reglogin.status == 1", path]);
    assert_eq!(found["frames"], 1);
    assert_eq!(found["streams"], 1);
    assert_eq!(found["users"], all["users"]);
    assert_eq!(found["protocols"]["SMPP"], 0);
    let nothing = authscope(&["stats", "-Y", "tcp.port == 1", path]);
    assert_eq!(nothing.code, 1);
    let wrong = authscope(&["stats", "-Y", "tcp.prot == 1", path]);
    assert_eq!(wrong.code, 2);
    assert!(wrong.stderr.contains("display filter"), "{}", wrong.stderr);
}

#[test]
fn rows_and_statistics_come_from_one_pass() {
    let path = "captures/lab-report.pcap";
    let rows = authscope(&["read", path]);
    let summary = authscope(&["stats", path]);
    let both = authscope(&["read", "--stats", path]);
    assert_eq!(both.stdout, rows.stdout.clone() + &summary.stdout);
    let json = authscope(&["read", "--stats", "-T", "jsonl", path]);
    assert_eq!(json.stdout.lines().count(), 4);
    assert_eq!(json.stderr, summary.stdout);
    let quiet = authscope(&["read", "-q", "--stats", path]);
    assert_eq!(quiet.stdout, summary.stdout);
}
