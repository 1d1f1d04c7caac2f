//! The generated captures are what the generator writes, every stored capture has expected results, and tshark agrees
//! on frames, streams and the numbers of the lab report.

use std::path::{Path, PathBuf};

use crate::tshark::Tshark;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("captures")
}

fn committed(name: &str) -> Vec<u8> {
    let path = folder().join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Rows of fields that tshark finds in a capture.
fn of_tshark(tshark: &Tshark, name: &str, filter: &str, fields: &[&str]) -> Vec<String> {
    let mut arguments = vec!["-n", "-T", "fields", "-E", "separator=|", "-Y", filter];
    arguments.extend(fields.iter().flat_map(|field| ["-e", field]));
    let text = tshark.plain(&folder().join(name), &arguments);
    text.lines().map(str::to_owned).collect()
}

#[test]
fn the_generator_makes_the_committed_files() {
    let cases = crate::catalogue::all().unwrap();
    for case in &cases {
        assert!(
            committed(case.file) == case.octets,
            "captures/{} is not what the generator makes; run: make captures",
            case.file
        );
        assert!(case.octets.len() < 1_000_000, "{} is too big", case.file);
    }
    let json = crate::catalogue::expected_json(&cases);
    assert_eq!(String::from_utf8(committed("expected.json")).unwrap(), json);
    let parsed: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(parsed.as_object().unwrap().len(), cases.len());
    let readme = String::from_utf8(committed("README.md")).unwrap();
    assert_eq!(crate::catalogue::readme(&readme, &cases).unwrap(), readme);
}

/// The answers of all kinds, by file name.
fn answers() -> serde_json::Map<String, serde_json::Value> {
    let mut all = serde_json::Map::new();
    for name in ["expected.json", "recorded.json", "cases.json"] {
        let answers: serde_json::Value = serde_json::from_slice(&committed(name)).unwrap();
        all.extend(answers.as_object().unwrap().clone());
    }
    all
}

#[test]
fn every_capture_has_an_answer_and_a_line_in_the_readme() {
    let readme = String::from_utf8(committed("README.md")).unwrap();
    let mut captures: Vec<String> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.contains(".pcap"))
        .collect();
    captures.sort();
    for name in &captures {
        assert!(readme.contains(&format!("`{name}`")), "{name} has no line");
    }
    let mut answered: Vec<String> = answers().keys().cloned().collect();
    answered.sort();
    assert_eq!(captures, answered);
}

#[test]
fn tshark_counts_the_frames_and_streams_of_the_answers() {
    let Some(tshark) = Tshark::find() else { return };
    for (file, answer) in answers() {
        let rows = of_tshark(&tshark, &file, "frame", &["frame.number", "tcp.stream"]);
        assert_eq!(
            rows.len() as u64,
            answer["tshark_frames"],
            "frames of {file}"
        );
        let streams = rows
            .iter()
            .filter_map(|row| row.split('|').nth(1)?.parse::<u64>().ok())
            .max()
            .map_or(0, |last| last + 1);
        assert_eq!(streams, answer["streams"], "streams of {file}");
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
    let Some(tshark) = Tshark::find() else { return };
    let rows = of_tshark(&tshark, name, "smpp", &fields);
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
    let rows = of_tshark(&tshark, name, "tcp", &fields);
    assert_eq!(rows[..11], sizes);
    assert_eq!(rows[11..], sizes);
}
