//! `authscope live --exchanges`: a row as soon as an exchange is complete, and not before.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use authscope::protocol::Action;
use serde_json::Value;

use crate::live::Live;
use crate::programs::{Place, request};

fn object(row: &str) -> Value {
    serde_json::from_str(row).expect("an object a line")
}

fn told(row: &Value) -> [&str; 4] {
    ["action", "user", "outcome", "description"].map(|key| row[key].as_str().unwrap_or("-"))
}

#[test]
fn a_row_comes_when_its_response_does() {
    let place = Place::new();
    let server = place.start(&[]);
    // Another server, which never answers.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let ports = [server.address.port(), silent.local_addr().unwrap().port()];
    let ports = ports.map(|port| port.to_string());
    let arguments = [
        "-p",
        &ports[0],
        "-p",
        &ports[1],
        "--exchanges",
        "-T",
        "jsonl",
    ];
    let Some(mut live) = Live::start(&arguments) else {
        return;
    };
    server.client(&["register", "alice"], "correct horse");
    let registered = object(&live.row());
    assert_eq!(
        told(&registered),
        ["registration", "alice", "success", "registered"]
    );
    assert!(registered["milliseconds"].as_f64().unwrap() > 0.0);
    assert_eq!(registered["server"], server.address.to_string());
    // A request that waits is no row: what others ask and are answered comes before it.
    let mut waiting = TcpStream::connect(silent.local_addr().unwrap()).unwrap();
    let (mut accepted, _) = silent.accept().unwrap();
    let asked = request(Action::Login, "bob", "secret");
    waiting.write_all(asked.as_ref()).unwrap();
    accepted
        .read_exact(&mut vec![0; asked.as_ref().len()])
        .unwrap();
    server.client(&["login", "alice"], "wrong");
    let refused = object(&live.row());
    assert_eq!(
        told(&refused),
        ["login", "alice", "failure", "wrong password"]
    );
    assert!(refused["request"].as_u64() < refused["response"].as_u64());
    // Its connection ends without a response: now it is complete.
    drop(accepted);
    drop(waiting);
    server.client(&["login", "alice"], "correct horse");
    let mut rows = [object(&live.row()), object(&live.row())];
    rows.sort_by_key(|row| row["user"].to_string());
    assert_eq!(
        told(&rows[0]),
        ["login", "alice", "success", "login successful"]
    );
    assert_eq!(told(&rows[1]), ["login", "bob", "no response", "-"]);
    assert!(rows[1].get("response").is_none());
    let (code, summary, rest) = live.end_with_rows("-INT");
    assert_eq!((code, rest.as_str()), (Some(0), ""), "{summary}");
    assert!(!summary.contains("correct horse"));
}

/// Also of what is asked when the capture ends, in a table and with a filter.
#[test]
fn what_is_not_answered_by_the_end_has_a_row_too() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port().to_string();
    let filter = "reglogin.user == \"bob\"";
    let arguments = ["-p", &port, "--exchanges", "-T", "text", "-Y", filter];
    let Some(live) = Live::start(&arguments) else {
        return;
    };
    let mut open = Vec::new();
    for name in ["alice", "bob"] {
        let mut waiting = TcpStream::connect(silent.local_addr().unwrap()).unwrap();
        let (mut accepted, _) = silent.accept().unwrap();
        let asked = request(Action::Register, name, "secret");
        waiting.write_all(asked.as_ref()).unwrap();
        accepted
            .read_exact(&mut vec![0; asked.as_ref().len()])
            .unwrap();
        open.push((waiting, accepted));
    }
    let (code, summary, rows) = live.end_with_rows("-INT");
    assert_eq!(code, Some(0), "{summary}");
    assert_eq!(rows.lines().count(), 1, "{rows}");
    assert!(
        rows.contains("registration, user bob, no response"),
        "{rows}"
    );
}
