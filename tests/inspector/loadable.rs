//! Other programs can load the output: lines for `_bulk`, cells for spreadsheets.

use serde_json::Value;

use crate::inspector::{authscope, capture};

/// What a bulk interface of today takes, as Elasticsearch 8 and OpenSearch 2 judge it: pairs of
/// lines, each of the first one action without parameters that are unknown, each of the second an
/// object, a line feed at the end; index names in lower case without characters that they forbid.
fn bulk_load(body: &str) -> Result<usize, String> {
    const PARAMETERS: [&str; 9] = [
        "_index",
        "_id",
        "routing",
        "version",
        "version_type",
        "if_seq_no",
        "if_primary_term",
        "pipeline",
        "require_alias",
    ];
    if !body.ends_with('\n') {
        return Err("no line feed at the end".to_owned());
    }
    let lines: Vec<&str> = body.lines().collect();
    if !lines.len().is_multiple_of(2) {
        return Err("an action without a document".to_owned());
    }
    for pair in lines.chunks(2) {
        let action: Value = serde_json::from_str(pair[0]).map_err(|error| error.to_string())?;
        let action = action.as_object().filter(|action| action.len() == 1);
        let (name, parameters) = action
            .and_then(|action| action.iter().next())
            .ok_or("not one action")?;
        if !["index", "create"].contains(&name.as_str()) {
            return Err(format!("action {name}"));
        }
        let parameters = parameters.as_object().ok_or("no parameters")?;
        if let Some(unknown) = parameters
            .keys()
            .find(|key| !PARAMETERS.contains(&key.as_str()))
        {
            return Err(format!(
                "action line contains an unknown parameter [{unknown}]"
            ));
        }
        let index = parameters["_index"].as_str().ok_or("no index")?;
        let forbidden = |c: char| c.is_uppercase() || " \"*\\<|,>/?#:".contains(c);
        if index.is_empty() || index.starts_with(['-', '_', '+']) || index.contains(forbidden) {
            return Err(format!("invalid index name [{index}]"));
        }
        let document: Value = serde_json::from_str(pair[1]).map_err(|error| error.to_string())?;
        if !document.is_object() {
            return Err("a document that is no object".to_owned());
        }
    }
    Ok(lines.len() / 2)
}

#[test]
fn every_bulk_line_is_taken() {
    for (name, arguments) in [
        ("lab-report.pcap", &["--messages"][..]),
        ("recorded-several-users.pcapng", &["--messages"]),
        ("wrong-text-control-characters.pcap", &[]),
        ("udp.pcap", &[]),
        (
            "tunnel-gre.pcap",
            &["-e", "ip.src", "-e", "frame.protocols"],
        ),
    ] {
        let name = capture(name);
        let done = authscope(&[&["read", "-T", "ek", &name], arguments].concat());
        assert_eq!(done.code, 0, "{}", done.stderr);
        let loaded = bulk_load(&done.stdout).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(loaded > 0);
    }
    // The stand-in is as strict as they are.
    let old = "{\"index\":{\"_index\":\"x\",\"_type\":\"doc\"}}\n{}\n";
    assert!(bulk_load(old).unwrap_err().contains("[_type]"));
}

/// A capture of a login whose user name is a formula.
fn formula(name: &str, folder: &std::path::Path) -> String {
    let whole = std::fs::read(capture("link-ethernet.pcap")).unwrap();
    let at = whole
        .windows(5)
        .position(|octets| octets == b"alice")
        .unwrap();
    let mut changed = whole;
    changed[at..at + 20].fill(0);
    changed[at..at + name.len()].copy_from_slice(name.as_bytes());
    let path = folder.join("formula.pcap");
    std::fs::write(&path, changed).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_cell_that_begins_like_a_formula_is_text() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["=1+1", "+1", "-1", "@SUM(A1)", "=cmd|' /C x'!A0"] {
        let path = formula(name, folder.path());
        let cells = |raw: &[&str]| {
            let arguments = [
                &["read", "--messages", "-T", "csv", "-e", "frame.number"][..],
                &["-e", "reglogin.username", "-e", "frame.time_delta", &path],
                raw,
            ];
            authscope(&arguments.concat())
                .stdout
                .lines()
                .nth(1)
                .unwrap()
                .to_owned()
        };
        let cell = |line: &str| line.split(',').nth(1).unwrap().to_owned();
        assert_eq!(cell(&cells(&[])), format!("'{name}"));
        assert_eq!(cell(&cells(&["--csv-raw"])), name);
        // Numbers stay numbers.
        assert!(cells(&[]).starts_with("4,"));
    }
}
