//! Exchanges: `--exchanges` in every form, `authscope FILE`, which request a response answers, and a user's
//! connections.

use crate::inspector::{authscope, capture};
use serde_json::Value;

fn shown(arguments: &[&str]) -> String {
    let done = authscope(arguments);
    assert_eq!(done.code, 0, "{}", done.stderr);
    done.stdout
}

fn lines(arguments: &[&str]) -> Vec<Value> {
    let text = shown(arguments);
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn a_row_is_an_exchange_in_every_form() {
    let lab = capture("lab-report.pcap");
    let of = |form: &str| shown(&["read", "--exchanges", "-T", form, &lab]);
    insta::assert_snapshot!("exchanges_table", of("table"));
    insta::assert_snapshot!("exchanges_text", of("text"));
    insta::assert_snapshot!("exchanges_csv", of("csv"));
    let all: Vec<Value> = serde_json::from_str(&of("json")).unwrap();
    assert_eq!(all, lines(&["read", "--exchanges", "-T", "jsonl", &lab]));
    let first = &all[0];
    assert_eq!(first["action"], "registration");
    assert_eq!(first["outcome"], "success");
    assert_eq!(
        (&first["request"], &first["response"]),
        (&4.into(), &6.into())
    );
    assert_eq!(first["milliseconds"], 0.2);
    let fields = ["reglogin.user", "reglogin.outcome", "tcp.stream"];
    let chosen = fields.iter().flat_map(|field| ["-e", field]);
    let arguments = ["read", "--exchanges", "-T", "fields"]
        .into_iter()
        .chain(chosen);
    let arguments: Vec<&str> = arguments.chain([lab.as_str()]).collect();
    assert_eq!(
        shown(&arguments),
        "user0000000000000000\tregistration success\t0\nuser0000000000000000\tlogin success\t1\n"
    );
}

#[test]
fn what_is_missing_of_an_exchange_is_said() {
    let lost = lines(&[
        "read",
        "--exchanges",
        "-T",
        "jsonl",
        &capture("tcp-lost-message.pcap"),
    ]);
    let outcomes: Vec<_> = lost
        .iter()
        .map(|one| one["outcome"].as_str().unwrap())
        .collect();
    assert_eq!(outcomes, ["no response", "success"]);
    assert!(lost[0].get("response").is_none() && lost[0].get("milliseconds").is_none());
}

/// Every message that asks or answers is in one exchange, and in no other, in every capture.
#[test]
fn every_message_is_in_one_exchange() {
    for name in crate::inspector::captures() {
        let path = capture(&name);
        let read = |arguments: &[&str]| {
            let done = authscope(&[&["read", "-T", "jsonl"], arguments, &[&path]].concat());
            let all = done
                .stdout
                .lines()
                .map(|line| serde_json::from_str(line).unwrap());
            all.filter(|one: &Value| one.get("interrupted").is_none())
                .collect::<Vec<_>>()
        };
        let messages = read(&[]);
        let mut frames: Vec<u64> = messages
            .iter()
            .filter(|message| message["type"] != "unknown")
            .map(|message| message["frame"].as_u64().unwrap())
            .collect();
        let exchanges = read(&["--exchanges"]);
        let mut told: Vec<u64> = exchanges
            .iter()
            .flat_map(|one| [&one["request"], &one["response"]])
            .filter_map(Value::as_u64)
            .collect();
        frames.sort_unstable();
        told.sort_unstable();
        assert_eq!(frames, told, "{name}");
        // A request's response is the one that it names.
        for message in messages
            .iter()
            .filter(|one| one.get("response_in").is_some())
        {
            let (request, response) = (&message["frame"], &message["response_in"]);
            let is_its = |one: &&Value| &one["request"] == request && &one["response"] == response;
            assert!(
                exchanges.iter().any(|one| is_its(&one)),
                "{name}: {message}"
            );
        }
    }
}

#[test]
fn files_alone_are_shown_as_exchanges_and_options_read_them() {
    let lab = capture("lab-report.pcap");
    let done = authscope(&[&lab]);
    assert_eq!(done.code, 0);
    assert_eq!(done.stdout, shown(&["read", "--exchanges", &lab]));
    assert!(
        done.stderr
            .contains("`authscope read FILE` shows the frames"),
        "{}",
        done.stderr
    );
    for options in [&["-T", "jsonl"][..], &["-V"], &["-x"], &["-Y", "reglogin"]] {
        let read = shown(&[&["read"], options, &[&lab]].concat());
        assert_eq!(shown(&[options, &[&lab]].concat()), read);
        assert_eq!(shown(&[&["-r", &lab], options].concat()), read);
    }
    assert_eq!(shown(&["-r", &lab]), shown(&["read", &lab]));
    let missing = authscope(&["missing.pcap"]);
    assert_eq!(missing.code, 2);
    assert!(
        missing.stderr.contains("missing.pcap"),
        "{}",
        missing.stderr
    );
    assert!(authscope(&["raed"]).stderr.contains("read"));
    assert!(authscope(&["-V"]).stdout.starts_with("authscope "));
}

#[test]
fn a_response_says_whose_it_is() {
    let guessing = capture("password-guessing.pcap");
    let filter = r#"reglogin.status == 0 && reglogin.user == "alice" && reglogin.action == login"#;
    let found = lines(&["read", "-T", "jsonl", "-Y", filter, &guessing]);
    assert!(!found.is_empty());
    for message in &found {
        assert_eq!(message["type"], "login response");
        assert_eq!(
            (&message["user"], &message["action"]),
            (&"alice".into(), &"login".into())
        );
    }
    let rows = shown(&["read", "-T", "text", "-Y", filter, &guessing]);
    assert!(
        rows.contains("Login response, user alice, failure: wrong password"),
        "{rows}"
    );
    // An early response gets its user where records are held.
    let early = lines(&["read", "-T", "jsonl", &capture("every-pair-swapped.pcap")]);
    let responses = early.iter().filter(|one| one.get("response_to").is_some());
    assert!(responses.clone().count() > 0);
    for response in responses {
        assert!(response.get("user").is_some(), "{response}");
    }
}

#[test]
fn a_filter_chooses_exchanges_and_the_exit_code_says_whether_any() {
    let guessing = capture("password-guessing.pcap");
    let all = lines(&["read", "--exchanges", "-T", "jsonl", &guessing]);
    let filter = "reglogin.username == \"alice\" && reglogin.status == 0";
    let chosen = lines(&[
        "read",
        "--exchanges",
        "-T",
        "jsonl",
        "-Y",
        filter,
        &guessing,
    ]);
    assert!(!chosen.is_empty() && chosen.len() < all.len());
    let none = authscope(&[
        "read",
        "--exchanges",
        "-Y",
        "reglogin.user == \"nobody\"",
        &guessing,
    ]);
    assert_eq!(none.code, 1);
}

#[test]
fn fields_with_a_closed_set_of_values_refuse_others() {
    let lab = capture("lab-report.pcap");
    for (filter, near) in [
        ("reglogin.type == login", "did you mean \"login request\"?"),
        (
            "reglogin.type in {\"login request\", \"logn response\"}",
            "did you mean \"login response\"?",
        ),
        (
            "reglogin.outcome != \"login sucess\"",
            "did you mean \"login success\"?",
        ),
        ("reglogin.sender == clint", "one of: client, server"),
        (
            "reglogin.action == \"log in\"",
            "one of: registration, login",
        ),
        (
            "reglogin.note.group == \"sequenze\"",
            "did you mean \"sequence\"?",
        ),
    ] {
        let done = authscope(&["read", "-Y", filter, &lab]);
        assert_eq!(done.code, 2, "{filter}");
        assert!(done.stderr.contains(near), "{filter}: {}", done.stderr);
    }
    // What is searched for is a part.
    assert_eq!(
        authscope(&["read", "-Y", "reglogin.type contains login", &lab]).code,
        0
    );
}

#[test]
fn a_user_is_followed_over_all_connections() {
    let users = capture("recorded-several-users.pcapng");
    let exchanges = lines(&["read", "--exchanges", "-T", "jsonl", &users]);
    let name = exchanges[0]["user"].as_str().unwrap();
    let of_user: Vec<_> = exchanges.iter().filter(|one| one["user"] == name).collect();
    let mut streams: Vec<u64> = of_user
        .iter()
        .map(|one| one["stream"].as_u64().unwrap())
        .collect();
    streams.dedup();
    assert!(streams.len() > 1, "{name} has one connection");
    let text = shown(&["follow", "--user", name, &users]);
    let one_by_one: Vec<String> = streams
        .iter()
        .map(|stream| shown(&["follow", "--stream", &stream.to_string(), &users]))
        .collect();
    assert_eq!(text, one_by_one.join("\n"));
    let ladders = shown(&["follow", "--user", name, "--ladder", &users]);
    let one_by_one: Vec<String> = streams
        .iter()
        .map(|stream| {
            shown(&[
                "follow",
                "--ladder",
                "--stream",
                &stream.to_string(),
                &users,
            ])
        })
        .collect();
    assert_eq!(ladders, one_by_one.join("\n"));
}

#[test]
fn a_field_of_either_message_chooses_its_exchange() {
    let guessing = capture("password-guessing.pcap");
    let rows = |arguments: &[&str]| lines(&[arguments, &["-T", "jsonl", &guessing]].concat());
    for field in [
        "reglogin.response_in",
        "reglogin.response_to",
        "reglogin.time",
    ] {
        let filter = format!("{field} && reglogin.command >= 3");
        let exchanges = rows(&["read", "--exchanges", "-Y", &filter]);
        let frames: Vec<_> = rows(&["read", "-Y", &filter])
            .iter()
            .map(|row| row["frame"].clone())
            .collect();
        assert!(!frames.is_empty(), "{field}");
        let of = |exchange: &Value| [exchange["request"].clone(), exchange["response"].clone()];
        assert_eq!(exchanges.len(), frames.len(), "{field}");
        for exchange in &exchanges {
            assert!(
                of(exchange).iter().any(|frame| frames.contains(frame)),
                "{field}"
            );
        }
    }
    let all = rows(&["read", "--exchanges"]);
    let answered = all.iter().filter(|one| !one["response"].is_null()).count();
    let told = rows(&["read", "--exchanges", "-Y", "reglogin.response_in"]);
    assert_eq!(told.len(), answered);
}
