//! A display filter selects the frames that tshark selects, and fields have tshark's values, on every saved capture.

use std::path::Path;

use crate::inspector::authscope;
use crate::otherwise::{Check, left_out};
use crate::witness::tables::{FIELDS, FILTERS};
use crate::witness::{Ours, Witness};

/// Filters run through the program itself: of all pairs of a capture and a filter one in so many,
/// such that each filter and each capture has its turn. All pairs are run through the library.
const ONE_IN: usize = 61;

/// Where tshark is not followed, and why.
enum Exception {
    /// It counts a custom block as a frame, this number; it is none.
    NoFrame(u64),
    /// The capture has no times, and tshark then has no fields of time.
    NoTimes,
}

fn exception(capture: &str) -> Option<Exception> {
    match capture {
        "pcapng-custom-block.pcapng" => Some(Exception::NoFrame(12)),
        "pcapng-simple-packets.pcapng" => Some(Exception::NoTimes),
        _ => None,
    }
}

/// Whether a filter or a field is about time.
fn is_about_time(text: &str) -> bool {
    text.contains("time") || text.contains("rtt")
}

fn without(frames: &str, number: u64) -> String {
    let number = number.to_string();
    let others = frames.split(',').filter(|frame| *frame != number);
    others.collect::<Vec<_>>().join(",")
}

/// What differs for one capture.
fn differences(turn: usize, capture: &str, mut theirs: Witness) -> Vec<String> {
    let mut differences = Vec::new();
    let exception = exception(capture);
    if let Some(Exception::NoFrame(number)) = exception {
        theirs.rows.truncate(usize::try_from(number).unwrap() - 1);
        for frames in &mut theirs.selected {
            *frames = without(frames, number);
        }
    }
    let named = left_out(Check::Fields, capture);
    let skips = |text: &str| {
        matches!(exception, Some(Exception::NoTimes)) && is_about_time(text)
            || named.iter().any(|name| text.contains(name))
    };
    let mut unlisted: Vec<&str> = named.to_vec();
    let path = crate::inspector::capture(capture);
    let ours = Ours::of(Path::new(&path), FILTERS);
    for (index, filter) in FILTERS.iter().enumerate() {
        if skips(filter) {
            continue;
        }
        let (ours, theirs) = (&ours.selected[index], &theirs.selected[index]);
        if ours != theirs {
            differences.push(format!("{capture}: {filter}: {ours:?}, tshark {theirs:?}"));
        }
        if (turn * 7 + index).is_multiple_of(ONE_IN) {
            let done = authscope(&[
                "read",
                &path,
                "--show-passwords",
                "-Y",
                filter,
                "-T",
                "fields",
                "-e",
                "frame.number",
            ]);
            let frames = done.stdout.lines().collect::<Vec<_>>().join(",");
            if frames != *theirs {
                differences.push(format!(
                    "{capture}: read -Y {filter:?}: {frames:?}, tshark {theirs:?}"
                ));
            }
            let damaged = capture.starts_with("damaged");
            let code = if damaged {
                2
            } else {
                i32::from(frames.is_empty())
            };
            assert_eq!(done.code, code, "{capture} {filter}: {}", done.stderr);
        }
    }
    let mut arguments = vec!["read", &path, "--show-passwords", "-T", "fields"];
    arguments.extend(FIELDS.iter().flat_map(|field| ["-e", field]));
    let done = authscope(&arguments);
    let rows: Vec<&str> = done.stdout.lines().collect();
    assert_eq!(rows.len(), theirs.rows.len(), "{capture}: {}", done.stderr);
    for (row, (ours, theirs)) in rows.iter().zip(&theirs.rows).enumerate() {
        let (ours, theirs) = (ours.split('\t'), theirs.split('\t'));
        for (field, (ours, theirs)) in FIELDS.iter().zip(ours.zip(theirs)) {
            if ours != theirs {
                unlisted.retain(|name| !field.starts_with(name));
            }
            if ours != theirs && !skips(field) {
                let frame = row + 1;
                differences.push(format!(
                    "{capture}: {field} of frame {frame}: {ours:?}, tshark {theirs:?}"
                ));
            }
        }
    }
    let listed = unlisted.iter();
    differences.extend(listed.map(|name| format!("{capture}: {name} does not differ")));
    differences
}

#[test]
fn filters_and_fields_are_tsharks_on_every_capture() {
    if !crate::witness::is_there() {
        return;
    }
    let captures = crate::inspector::captures();
    let differences = crate::witness::in_parallel(&captures, |turn, capture| {
        let path = crate::inspector::capture(capture);
        let theirs = crate::witness::ask(Path::new(&path), FILTERS, FIELDS, &[]);
        differences(turn, capture, theirs)
    });
    assert!(
        differences.is_empty(),
        "{} differences:\n{}",
        differences.len(),
        differences.join("\n")
    );
}

#[test]
fn columns_look_as_tsharks() {
    if !crate::witness::is_there() {
        return;
    }
    let capture = "captures/tcp-port-reuse.pcap";
    let fields = [
        "frame.number",
        "tcp.port",
        "ipv6.src",
        "ip.addr",
        "tcp.options.mss_val",
    ];
    for options in [
        vec![],
        vec!["header=y"],
        vec!["header=y", "separator=,"],
        vec!["separator=/s", "aggregator=/s", "quote=d"],
        vec!["separator=;", "aggregator=|", "quote=s", "header=y"],
        vec!["occurrence=f"],
        vec!["occurrence=l", "quote=d"],
        vec!["occurrence=a", "quote=n", "header=n"],
        vec!["bom=y", "header=y"],
        vec!["bom=y", "separator=/t"],
    ] {
        let options: Vec<&str> = options.iter().flat_map(|option| ["-E", option]).collect();
        let theirs = crate::witness::ask(Path::new(capture), &["frame"], &fields, &options);
        let mut arguments = vec!["read", capture, "-T", "fields"];
        arguments.extend(fields.iter().flat_map(|field| ["-e", field]));
        arguments.extend(options.iter());
        let ours = authscope(&arguments);
        assert_eq!(ours.code, 0, "{}", ours.stderr);
        let rows: Vec<&str> = ours.stdout.lines().collect();
        assert_eq!(rows, theirs.rows, "{options:?}");
    }
}
