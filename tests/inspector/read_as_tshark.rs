//! For every frame of every saved capture, tshark and the inspector agree on number, time, length,
//! addresses, ports, TCP stream and payload, and on the Info of those that both call TCP.

use std::path::Path;

use crate::inspector::{authscope, capture, captures};
use crate::otherwise::{Check, left_out, reason};
use crate::tshark::Tshark;
use serde_json::Value;

/// Fields that tshark is asked for, a line a frame.
const FIELDS: [&str; 11] = [
    "frame.number",
    "frame.time_epoch",
    "frame.len",
    // Of a tunnel's frame those of the innermost packet.
    "_ws.col.Source",
    "_ws.col.Destination",
    "tcp.srcport",
    "tcp.dstport",
    "tcp.stream",
    "tcp.payload",
    "_ws.col.Protocol",
    "_ws.col.Info",
];

/// Where tshark says something else, with the reason.
const DIFFERENCES: [(&str, &str); 1] = [(
    "pcapng-custom-block.pcapng",
    "tshark counts a custom block as a frame of its own",
)];

/// What tshark says of a file's frames.
fn of_tshark(tshark: &Tshark, name: &str) -> Vec<String> {
    let mut arguments = vec!["-n", "-T", "fields", "-E", "occurrence=f"];
    arguments.extend(FIELDS.iter().flat_map(|field| ["-e", field]));
    let text = tshark.plain(Path::new(&capture(name)), &arguments);
    text.lines().map(str::to_owned).collect()
}

/// The same of the inspector, in tshark's form.
fn inspector(name: &str) -> Vec<String> {
    let done = authscope(&[
        "read",
        "-T",
        "jsonl",
        "--frames",
        "--payload",
        "--show-passwords",
        &capture(name),
    ]);
    let frames = done.stdout.lines().filter_map(|line| {
        let frame: Value = serde_json::from_str(line).unwrap();
        frame.get("frame")?;
        let time = line.split("\"time\":").nth(1)?.split(',').next()?;
        let text = |key: &str| frame[key].as_str().unwrap_or_default().to_owned();
        let end = |key: &str| match frame.get("tcp") {
            Some(_) => {
                let (address, port) = frame[key].as_str().unwrap().rsplit_once(':').unwrap();
                let address = address.trim_matches(['[', ']']);
                (address.to_owned(), port.to_owned())
            }
            None => (text(key), String::new()),
        };
        let [(source, from), (destination, to)] = [end("src"), end("dst")];
        let stream = frame
            .get("stream")
            .map(Value::to_string)
            .unwrap_or_default();
        let payload = frame["tcp"]["payload_hex"].as_str().unwrap_or_default();
        let fields = [
            frame["frame"].to_string(),
            time.to_owned(),
            frame["length"].to_string(),
            source,
            destination,
            from,
            to,
            stream,
            payload.to_owned(),
            text("protocol"),
            text("info"),
        ];
        Some(fields.join("\t"))
    });
    frames.collect()
}

#[test]
fn tshark_and_the_inspector_agree_on_every_frame() {
    let Some(tshark) = Tshark::find() else { return };
    let names = captures();
    std::thread::scope(|scope| {
        for part in names.chunks(names.len().div_ceil(4)) {
            scope.spawn(|| part.iter().for_each(|name| compare(&tshark, name)));
        }
    });
}

fn compare(tshark: &Tshark, name: &str) {
    let mut theirs = of_tshark(tshark, name);
    let ours = inspector(name);
    if let Some((_, reason)) = DIFFERENCES.iter().find(|(file, _)| *file == name) {
        assert_eq!(theirs.len(), ours.len() + 1, "{name}: {reason}");
        theirs.pop();
    }
    assert_eq!(theirs.len(), ours.len(), "{name}");
    let skipped = left_out(Check::Columns, name);
    let mut differs = false;
    for (theirs, ours) in theirs.iter().zip(&ours) {
        // A simple packet block has no time, which counts as 0 here.
        let theirs = theirs.replacen("\t\t", "\t0.000000000\t", usize::from(is_timeless(theirs)));
        let (all_theirs, all_ours) = (theirs.as_str(), ours.as_str());
        let (theirs, their_info) = split(&theirs);
        let (ours, our_info) = split(ours);
        let columns = FIELDS.iter().zip(theirs.split('\t').zip(ours.split('\t')));
        for (column, (theirs, ours)) in columns {
            if skipped.contains(column) {
                differs |= theirs != ours;
            } else {
                let all = format!("{name}, {column}:\n{all_theirs}\n{all_ours}");
                assert_eq!(theirs, ours, "{all}");
            }
        }
        if let (Some(theirs), Some(ours)) = (their_info, our_info) {
            if skipped.contains(&"_ws.col.Info") {
                differs |= theirs != ours;
            } else {
                assert_eq!(theirs, ours, "{name}");
            }
        }
    }
    let why = reason(Check::Columns, name);
    assert_eq!(differs, !skipped.is_empty(), "{name} is listed: {why}");
}

/// A line without protocol and Info, and the Info of a TCP frame without remarks in brackets
/// before and behind it: each program makes its own.
fn split(line: &str) -> (&str, Option<&str>) {
    let (rest, info) = line.rsplit_once('\t').unwrap();
    let (rest, protocol) = rest.rsplit_once('\t').unwrap();
    let info = info.find(" → ").filter(|_| protocol == "TCP").map(|ports| {
        let start = info[..ports].rfind(' ').map_or(0, |space| space + 1);
        let options = start + info[start..].find("Len=").expect("a length");
        let end = info[options..]
            .find(" [")
            .map_or(info.len(), |at| options + at);
        &info[start..end]
    });
    (rest, info)
}

fn is_timeless(line: &str) -> bool {
    line.split('\t').nth(1) == Some("")
}
