//! `authscope-client check` finds no fault in our own server, and finds the fault of each faulty server.

use std::collections::BTreeSet;
use std::net::{SocketAddr, TcpListener};
use std::process::{Command, Output};

use authscope::client::check::checks;
use serde_json::Value;

use crate::programs::{Place, Server, stderr, stdout, users};
use crate::server_tls::certificates;
use crate::wrong_server;

/// A server that loses its patience soon, so that all checks are made.
const IMPATIENT: [&str; 4] = ["--request-timeout", "1", "--idle-timeout", "2"];

fn check(address: SocketAddr, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_authscope-client"))
        .args(["check", &address.to_string()])
        .args(arguments)
        .env_remove("SSLKEYLOGFILE")
        .output()
        .expect("the client runs")
}

/// The run as JSON; its exit code is what its verdicts say.
fn run(address: SocketAddr, arguments: &[&str]) -> Value {
    let output = check(address, &[&["-T", "json"], arguments].concat());
    let run: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!("{error}\n{}{}", stdout(&output), stderr(&output));
    });
    let right = run["wrong"] == 0;
    assert_eq!(output.status.code(), Some(i32::from(!right)), "{run:#}");
    assert_eq!(stderr(&output), "");
    run
}

/// The names of the checks that came out like this.
fn names<'a>(run: &'a Value, verdict: &str) -> BTreeSet<&'a str> {
    let checks = run["checks"].as_array().expect("checks").iter();
    checks
        .filter(|check| check["verdict"] == verdict)
        .map(|check| check["name"].as_str().expect("a name"))
        .collect()
}

fn all() -> BTreeSet<&'static str> {
    checks().map(|check| check.name).collect()
}

fn strings(value: &Value) -> BTreeSet<String> {
    let list = value.as_array().expect("a list").iter();
    list.map(|name| name.as_str().expect("a name").to_owned())
        .collect()
}

fn holds_all(server: &Server, place: &Place, arguments: &[&str], not_tried: &[&str]) {
    let run = run(server.address, &[&["--patience", "60"], arguments].concat());
    assert_eq!(names(&run, "wrong"), BTreeSet::new(), "{run:#}");
    assert_eq!(
        names(&run, "not tried"),
        not_tried.iter().copied().collect()
    );
    let right: BTreeSet<&str> = all()
        .into_iter()
        .filter(|name| !not_tried.contains(name))
        .collect();
    assert_eq!(names(&run, "right"), right);
    assert_eq!(run["right"], right.len());
    // Each name that it says is there, and no other is.
    let stored: BTreeSet<String> = users(&place.passwd()).into_iter().collect();
    let told: BTreeSet<String> = strings(&run["registered"]);
    assert!(told.iter().all(|name| name.starts_with("check-")));
    use_nfc(&told, &stored);
    assert_eq!(run["perhaps_registered"], serde_json::json!([]));
}

/// The server has names in NFC.
fn use_nfc(told: &BTreeSet<String>, stored: &BTreeSet<String>) {
    let composed: BTreeSet<String> = told
        .iter()
        .map(|name| name.replace("e\u{301}", "é"))
        .collect();
    assert_eq!(&composed, stored);
}

#[test]
fn our_own_server_keeps_every_promise() {
    let place = Place::new();
    let server = place.start(&IMPATIENT);
    holds_all(&server, &place, &[], &[]);
    // A second run is not held up by what the first one did.
    let run = run(server.address, &["--patience", "60"]);
    assert_eq!(names(&run, "right"), all());
}

#[test]
fn so_it_does_over_tls() {
    let place = Place::new();
    let certificates = certificates(&place, &["127.0.0.1"], |_| {});
    let arguments = [&IMPATIENT[..], &["--tls", "required"]].concat();
    let server = certificates.server(&place, &arguments, None);
    let authority = certificates.authority.to_str().unwrap();
    let tls = ["--tls", "--ca-file", authority];
    holds_all(&server, &place, &tls, &["tls-record"]);
    // Who is not trusted is not checked.
    let output = check(server.address, &["--tls"]);
    assert_eq!(output.status.code(), Some(2), "{}", stdout(&output));
    assert_eq!(stdout(&output), "");
}

#[test]
fn with_usual_limits_only_the_long_silence_is_not_tried() {
    let place = Place::new();
    let server = place.start(&[]);
    let output = check(server.address, &[]);
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(0), "{text}{}", stderr(&output));
    assert!(text.contains("\nnot tried  silence "), "{text}");
    assert!(
        text.contains("open after 12 s; 300 s are allowed: see with --patience 305"),
        "{text}"
    );
    let count = all().len();
    let last = format!(
        "\n{count} checks: {} right, 0 wrong, 1 not tried\nRegistered: check-",
        count - 1
    );
    assert!(text.contains(&last), "{text}");
    assert!(
        text.lines().all(|line| line.chars().count() <= 80),
        "{text}"
    );
}

#[test]
fn whether_failures_are_told_apart_is_what_was_meant() {
    let place = Place::new();
    let alike = place.start(&[&IMPATIENT[..], &["--uniform-failures"]].concat());
    let reasons = BTreeSet::from(["reasons"]);
    let run_of = |server: &Server, arguments: &[&str]| run(server.address, arguments);
    assert_eq!(names(&run_of(&alike, &[]), "wrong"), reasons);
    let run = run_of(&alike, &["--uniform-failures"]);
    assert_eq!(names(&run, "wrong"), BTreeSet::new());
    let place = Place::new();
    let apart = place.start(&IMPATIENT);
    assert_eq!(
        names(&run_of(&apart, &["--uniform-failures"]), "wrong"),
        reasons
    );
}

/// What else is wrong with a server that has the fault of a check.
const ALSO: [(&str, &str); 1] = [("utf8-name", "nfc-name")];

/// The checks that only a server is seen to fail that was waited for longer than the limit.
const PATIENT: [&str; 1] = ["dripping"];

#[test]
fn a_server_without_a_fault_is_right() {
    let run = run(wrong_server::start(""), &["--patience", "60"]);
    assert_eq!(names(&run, "right"), all(), "{run:#}");
}

#[test]
fn each_check_finds_its_fault_and_no_other_does() {
    let unexpected: Vec<String> = std::thread::scope(|scope| {
        let threads: Vec<_> = all()
            .into_iter()
            .map(|fault| {
                scope.spawn(move || {
                    let patience = if PATIENT.contains(&fault) { "11" } else { "10" };
                    let address = wrong_server::start(fault);
                    let run = run(address, &["--timeout", "6", "--patience", patience]);
                    let mut due = BTreeSet::from([fault]);
                    due.extend(
                        ALSO.iter()
                            .filter(|also| also.0 == fault)
                            .map(|also| also.1),
                    );
                    let wrong = names(&run, "wrong");
                    (wrong != due).then(|| format!("{fault}: {wrong:?}\n{run:#}"))
                })
            })
            .collect();
        let results = threads
            .into_iter()
            .map(|thread| thread.join().expect("no panic"));
        results.flatten().collect()
    });
    assert!(unexpected.is_empty(), "{}", unexpected.join("\n"));
}

#[test]
fn what_is_wrong_is_shown_beside_what_is_expected() {
    let address = wrong_server::start("register");
    let output = check(address, &["--patience", "0.1"]);
    assert_eq!(output.status.code(), Some(1));
    let text = stdout(&output);
    let shown = text.split("\nright ").next().unwrap();
    for part in [
        "wrong      register            a name that nobody has is registered\n    sent 58 bytes\n      0000  00 00 00 3a 00 00 00 01 ",
        "\n    expected  registration response, success; the connection stays open\n    came      login response, success: registered\n",
        "\n    > 0000    00 00 00 49 00 00 00 02  00 00 00 49 00 00 00 04  ...I....\n",
        "\n      0008    01 .. .. .. .. .. .. ..  01 72 65 67 69 73 74 65  .registe\n",
        "\n    wrong: commandID 4, a login response, where 2, a registration response, is due\n    see docs/protocol.md, \"What a server does\"\n",
    ] {
        assert!(shown.contains(part), "{part}\n{shown}");
    }
    // The bytes of what is right only where they are asked for.
    assert!(
        !text.contains("expected  login response, success"),
        "{text}"
    );
    let output = check(address, &["--patience", "0.1", "-x"]);
    assert!(stdout(&output).contains("expected  login response, success"));
}

#[test]
fn a_server_that_ends_is_told_and_one_that_is_not_there_is_code_2() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    // It takes one connection, answers nothing, and is gone.
    let taker = std::thread::spawn(move || drop(listener.accept()));
    let run = run(address, &["--timeout", "5"]);
    taker.join().unwrap();
    assert_eq!(run["checks"][0]["verdict"], "wrong", "{run:#}");
    let gone = run["checks"].as_array().unwrap().iter();
    let mut why = gone.filter_map(|check| check["why"].as_str());
    assert!(
        why.any(|why| why.contains("did the check before this one end it?")),
        "{run:#}"
    );
    let output = check(address, &[]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(stdout(&output), "");
    assert!(stderr(&output).starts_with("authscope-client: cannot connect to "));
    for wrong in [
        &["check"][..],
        &["check", "8888"],
        &["check", "--list", "localhost:8888"],
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_authscope-client"))
            .args(wrong)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2), "{wrong:?}");
    }
}

#[test]
fn every_section_that_a_check_names_is_in_the_protocols_page() {
    let page = include_str!("../../docs/protocol.md");
    let headings: BTreeSet<&str> = page
        .lines()
        .filter(|line| line.starts_with('#'))
        .map(|line| line.trim_start_matches('#').trim())
        .collect();
    for check in checks() {
        assert!(
            headings.contains(check.section),
            "{}: {}",
            check.name,
            check.section
        );
    }
}
