//! Saving a part of a capture: matching frames, whole connections, several files, an early end.

use std::path::Path;

use crate::inspector::{Done, authscope, capture};
use crate::need::skip;

const SEVERAL: &str = "recorded-several-users.pcapng";

fn save(name: &str, out: &Path, arguments: &[&str]) -> Done {
    let (from, to) = (capture(name), out.to_string_lossy());
    let mut all = vec!["read", "-q", &from, "-w", &to];
    all.extend(arguments);
    authscope(&all)
}

/// What a field says in each frame.
fn column(path: &str, filter: Option<&str>, field: &str) -> Vec<String> {
    let mut arguments = vec!["read", path, "-T", "fields", "-e", field];
    arguments.extend(filter.iter().flat_map(|filter| ["-Y", filter]));
    let done = authscope(&arguments);
    assert_eq!(done.stderr, "");
    done.stdout.lines().map(str::to_owned).collect()
}

#[test]
fn only_saves_the_frames_that_match() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let out = folder.path().join("out.pcapng");
    for filter in [
        "reglogin.username == \"alice\"",
        "tcp.flags.syn == 1",
        "reglogin.response_in",
    ] {
        let done = save(SEVERAL, &out, &["--only", filter]);
        assert_eq!((done.code, done.stderr.as_str()), (0, ""), "{filter}");
        let expected = column(&capture(SEVERAL), Some(filter), "frame.time_epoch");
        assert!(!expected.is_empty(), "{filter}");
        assert_eq!(
            column(&out.to_string_lossy(), None, "frame.time_epoch"),
            expected
        );
    }
    let done = save(SEVERAL, &out, &["--only", "tcp.port == 1"]);
    assert_eq!((done.code, done.stderr.as_str()), (1, ""));
}

#[test]
fn stream_complete_keeps_whole_connections_fragments_included() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let out = folder.path().join("out.pcapng");
    let done = save(
        SEVERAL,
        &out,
        &[
            "--only",
            "reglogin.username == \"alice\"",
            "--stream-complete",
        ],
    );
    assert_eq!((done.code, done.stderr.as_str()), (0, ""));
    let mut streams = column(
        &capture(SEVERAL),
        Some("reglogin.username == \"alice\""),
        "tcp.stream",
    );
    streams.sort();
    streams.dedup();
    let filter = format!("tcp.stream in {{{}}}", streams.join(","));
    let expected = column(&capture(SEVERAL), Some(&filter), "frame.time_epoch");
    assert_eq!(
        column(&out.to_string_lossy(), None, "frame.time_epoch"),
        expected
    );
    assert!(expected.len() < column(&capture(SEVERAL), None, "frame.number").len());
    let fragments = "ipv4-fragments.pcap";
    let done = save(
        fragments,
        &out,
        &["--only", "reglogin.status", "--stream-complete"],
    );
    assert_eq!(done.code, 0, "{}", done.stderr);
    let all = |path: &str| column(path, None, "frame.time_epoch");
    assert_eq!(all(&out.to_string_lossy()), all(&capture(fragments)));
}

#[test]
fn files_are_rotated_and_the_newest_kept() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let out = folder.path().join("ring.pcapng");
    let done = save(SEVERAL, &out, &["-b", "packets:20,files:3"]);
    assert_eq!((done.code, done.stderr.as_str()), (0, ""));
    let mut files: Vec<_> = std::fs::read_dir(folder.path())
        .expect("the folder")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    files.sort();
    assert_eq!(files.len(), 3, "{files:?}");
    let all = column(&capture(SEVERAL), None, "frame.time_epoch");
    let kept: Vec<String> = files
        .iter()
        .flat_map(|file| column(&file.to_string_lossy(), None, "frame.time_epoch"))
        .collect();
    assert!(kept.len() > 40 && all.ends_with(&kept), "{}", kept.len());
}

#[test]
fn a_run_ends_when_it_is_told_to() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let out = folder.path().join("out.pcapng");
    let times = |path: &str| column(path, None, "frame.time_epoch");
    let all = times(&capture(SEVERAL));
    let saved = |arguments: &[&str]| {
        let done = save(SEVERAL, &out, arguments);
        assert_eq!((done.code, done.stderr.as_str()), (0, ""), "{arguments:?}");
        times(&out.to_string_lossy())
    };
    assert_eq!(saved(&["-a", "packets:7"]), all[..7]);
    assert_eq!(saved(&["-a", "packets:7", "-c", "5"]), all[..5]);
    let seconds = |text: &String| text.parse::<f64>().expect("a time");
    let within = |limit: f64| {
        all.iter()
            .take_while(|time| seconds(time) - seconds(&all[0]) < limit)
            .count()
    };
    let some = saved(&["-a", "duration:0.01"]).len();
    assert_eq!(some, within(0.01));
    assert!(some > 0 && some < all.len(), "{some}");
    let length = |kilo: u64| {
        let kept = saved(&["-a", &format!("filesize:{kilo}")]).len();
        assert!(kept < all.len());
        std::fs::metadata(&out).expect("the file").len()
    };
    assert!((2000..4000).contains(&length(2)));
    let done = save(SEVERAL, &out, &["-b", "packets:10", "-a", "files:2"]);
    assert_eq!((done.code, done.stderr.as_str()), (0, ""));
    let rings = std::fs::read_dir(folder.path())
        .expect("the folder")
        .count()
        - 1;
    assert_eq!(rings, 2);
}

#[test]
fn what_cannot_be_is_explained() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let out = folder.path().join("out.pcapng");
    for (arguments, words) in [
        (
            &["-b", "files:3"][..],
            "files:NUMBER needs a condition that ends a file",
        ),
        (
            &["-b", "size:3"],
            "cannot use -b: \"size:3\" is no condition",
        ),
        (
            &["-a", "packets:none"],
            "cannot use -a: \"packets:none\": packets is a whole number",
        ),
        (&["-a", "files:2"], "-a files:NUMBER needs -b"),
        (
            &["--only", "tcp.prt == 1"],
            "cannot use the filter of --only: ",
        ),
        (&["--stream-complete"], "--only <FILTER>"),
    ] {
        let done = save(SEVERAL, &out, arguments);
        assert_eq!(done.code, 2, "{arguments:?}");
        assert!(
            done.stderr.contains(words),
            "{arguments:?}: {}",
            done.stderr
        );
    }
    let to = out.to_string_lossy();
    let whole = ["read", "-", "-w", &to, "--only", "tcp", "--stream-complete"];
    let octets = std::fs::read(env!("CARGO_MANIFEST_DIR").to_owned() + "/" + &capture(SEVERAL));
    let done = crate::inspector::command(&whole)
        .stdin(crate::inspector::piped(octets.expect("the capture")))
        .output()
        .expect("the inspector runs");
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert_eq!(done.status.code(), Some(2));
    assert!(
        said.contains("--stream-complete reads the capture twice"),
        "{said}"
    );
    let done = authscope(&["read", &capture(SEVERAL), "-a", "filesize:3"]);
    assert!(
        done.code == 2 && done.stderr.contains("name one with -w"),
        "{}",
        done.stderr
    );
}

#[test]
fn a_live_capture_ends_by_the_clock_though_nothing_comes() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let out = folder.path().join("live.pcapng");
    let to = out.to_string_lossy();
    let filter = ["-f", "tcp port 1 and tcp port 2"];
    let limit = ["-q", "-w", &to, "-a", "duration:0.2"];
    let done = authscope(&[&["live"][..], &filter, &limit].concat());
    if done.stderr.contains("permission") {
        skip("capture", done.stderr);
        return;
    }
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert!(authscope(&["read", &to]).code == 0);
    // The capture came to its own end: the last block has the kernel's counts (pcapng 4.6).
    let saved = std::fs::read(&out).expect("the capture is saved");
    let number = |at: usize| {
        saved[at..at + 4]
            .try_into()
            .map(u32::from_le_bytes)
            .unwrap()
    };
    let length = number(saved.len() - 4) as usize;
    assert_eq!(number(saved.len() - length), 5);
}
