//! The generated captures are what the generator makes, and tshark finds in them what their table says.

use std::path::{Path, PathBuf};
use std::process::Command;

#[path = "../examples/make-captures/catalogue/mod.rs"]
mod catalogue;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("captures")
}

fn committed(name: &str) -> Vec<u8> {
    let path = folder().join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Rows of fields that tshark finds in a capture; `None`, said loudly, where there is no tshark.
fn tshark(name: &str, filter: &str, fields: &[&str]) -> Option<Vec<String>> {
    let mut command = Command::new("tshark");
    command
        .args([
            "-n",
            "-T",
            "fields",
            "-E",
            "separator=|",
            "-Y",
            filter,
            "-r",
        ])
        .arg(folder().join(name));
    for field in fields {
        command.args(["-e", field]);
    }
    let output = match command.output() {
        Ok(output) => output,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            eprintln!("SKIPPED: tshark is not installed, so {name} is not checked against it");
            return None;
        }
        Err(error) => panic!("cannot run tshark on {name}: {error}"),
    };
    let text = String::from_utf8(output.stdout).unwrap();
    Some(text.lines().map(str::to_owned).collect())
}

#[test]
fn the_generator_makes_the_committed_files() {
    let cases = catalogue::all().unwrap();
    for case in &cases {
        assert!(
            committed(case.file) == case.octets,
            "captures/{} is not what the generator makes; run: make captures",
            case.file
        );
        assert!(case.octets.len() < 1_000_000, "{} is too big", case.file);
    }
    let json = catalogue::expected_json(&cases);
    assert_eq!(String::from_utf8(committed("expected.json")).unwrap(), json);
    let parsed: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(parsed.as_object().unwrap().len(), cases.len());
    let readme = String::from_utf8(committed("README.md")).unwrap();
    assert_eq!(catalogue::readme(&readme, &cases).unwrap(), readme);
}

#[test]
fn tshark_counts_the_frames_and_streams_of_the_table() {
    for case in catalogue::all().unwrap() {
        let Some(rows) = tshark(case.file, "frame", &["frame.number", "tcp.stream"]) else {
            return;
        };
        let frames = case.tshark_frames.unwrap_or(case.frames);
        assert_eq!(rows.len(), frames, "frames of {}", case.file);
        let streams = rows
            .iter()
            .filter_map(|row| row.split('|').nth(1)?.parse::<usize>().ok())
            .max()
            .map_or(0, |last| last + 1);
        assert_eq!(streams, case.streams, "streams of {}", case.file);
    }
}

#[test]
fn tshark_takes_the_lab_report_for_the_smpp_that_the_report_shows() {
    let name = "lab-report.pcap";
    let fields = [
        "frame.number",
        "frame.len",
        "tcp.len",
        "smpp.sequence_number",
        "_ws.col.Info",
    ];
    let Some(rows) = tshark(name, "smpp", &fields) else {
        return;
    };
    assert_eq!(
        rows,
        [
            "4|102|58|808464432|Bind_receiver[Malformed Packet]",
            "6|117|73|1769174130|Bind_transmitter",
            "15|102|58|808464432|Query_sm[Malformed Packet]",
            "17|117|73|1768824947|Submit_sm[Malformed Packet]",
        ]
    );
    let fields = [
        "frame.len",
        "tcp.window_size",
        "tcp.options.mss_val",
        "tcp.options.wscale.multiplier",
    ];
    let sizes = ["56|65535|65495|256", "56|65535|65495|256"]
        .into_iter()
        .chain([44, 102, 44, 117, 44, 44, 44, 44, 44].map(|len| match len {
            44 => "44|2619648||",
            102 => "102|2619648||",
            _ => "117|2619648||",
        }))
        .collect::<Vec<_>>();
    let rows = tshark(name, "tcp", &fields).unwrap();
    assert_eq!(rows[..11], sizes);
    assert_eq!(rows[11..], sizes);
}
