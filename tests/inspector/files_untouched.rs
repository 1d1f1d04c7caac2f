//! No file of the user is damaged: inputs are never written to, an existing file is replaced completely or not at all,
//! and an interrupted command says that it was interrupted.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::inspector::{capture, command};
use crate::programs::PATIENCE;

const CAPTURE: &str = "link-ethernet.pcap";

fn octets() -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(capture(CAPTURE))).unwrap()
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Runs the inspector to its end with this standard input.
fn run(arguments: &[&str], input: Stdio) -> (Option<i32>, String, String) {
    let done = command(arguments).stdin(input).output().unwrap();
    let text = |octets: Vec<u8>| String::from_utf8_lossy(&octets).into_owned();
    (done.status.code(), text(done.stdout), text(done.stderr))
}

#[test]
fn an_input_is_not_written_to_by_any_of_its_names() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let whole = octets();
    std::fs::write(path("in.pcap"), &whole).unwrap();
    std::fs::hard_link(path("in.pcap"), path("hard.pcap")).unwrap();
    std::os::unix::fs::symlink("in.pcap", path("soft.pcap")).unwrap();
    let input = || Stdio::from(std::fs::File::open(path("in.pcap")).unwrap());
    for target in ["in.pcap", "hard.pcap", "soft.pcap"] {
        for source in [path("in.pcap"), "-".to_owned()] {
            for more in [&[][..], &["--redact"], &["--annotate"]] {
                let target = path(target);
                let arguments = [&["read", "-q", &source, "-w", &target], more].concat();
                let (code, out, error) = run(&arguments, input());
                assert_eq!((code, out.as_str()), (Some(2), ""), "{error}");
                assert!(
                    error.contains("it is the file that is being read"),
                    "{error}"
                );
                assert_eq!(std::fs::read(path("in.pcap")).unwrap(), whole);
            }
        }
    }
    // Standard output that would grow what is read.
    for arguments in [
        &["read", "-w", "-"][..],
        &["read"],
        &["stats"],
        &["follow", "--stream", "0"],
    ] {
        let grown = std::fs::File::options()
            .append(true)
            .open(path("hard.pcap"));
        let done = command(arguments)
            .arg(path("in.pcap"))
            .stdout(grown.unwrap())
            .stderr(Stdio::piped())
            .output()
            .unwrap();
        assert_eq!(done.status.code(), Some(2), "{arguments:?}");
        assert_eq!(std::fs::read(path("in.pcap")).unwrap(), whole);
    }
    assert_eq!(names(folder.path()), ["hard.pcap", "in.pcap", "soft.pcap"]);
}

#[test]
fn a_file_that_existed_is_replaced_by_a_whole_one_only() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(path("damaged.pcap"), &octets()[..700]).unwrap();
    std::fs::write(path("old.pcapng"), "old").unwrap();
    let old = || std::fs::read_to_string(path("old.pcapng")).unwrap();
    // What is there is kept beside it, since some of it cannot be had again.
    let arguments = [
        "read",
        "-q",
        &path("damaged.pcap"),
        "-w",
        &path("old.pcapng"),
    ];
    let (code, _, error) = run(&arguments, Stdio::null());
    assert_eq!((code, old().as_str()), (Some(2), "old"));
    assert!(error.contains("old.pcapng.partial\""), "{error}");
    let beside = path("old.pcapng.partial");
    let (code, rows, _) = run(&["read", "-T", "text", &beside], Stdio::null());
    assert_eq!(code, Some(0));
    assert!(rows.lines().count() > 4, "{rows}");
    std::fs::remove_file(beside).unwrap();
    // A place where nothing stood takes what was read before the damage.
    let arguments = [
        "read",
        "-q",
        &path("damaged.pcap"),
        "-w",
        &path("new.pcapng"),
    ];
    assert_eq!(run(&arguments, Stdio::null()).0, Some(2));
    assert_eq!(
        names(folder.path()),
        ["damaged.pcap", "new.pcapng", "old.pcapng"]
    );
    // A filter that cannot be used, a capture that cannot be read, a folder that is not there.
    for arguments in [
        &[
            "read",
            &capture(CAPTURE),
            "-w",
            &path("old.pcapng"),
            "--only",
            "nonsense",
        ][..],
        &["read", &path("old.pcapng"), "-w", &path("other.pcapng")],
        &["read", &capture(CAPTURE), "-w", &path("none/x.pcapng")],
    ] {
        assert_eq!(run(arguments, Stdio::null()).0, Some(2), "{arguments:?}");
        assert_eq!(old(), "old");
    }
    assert_eq!(
        names(folder.path()),
        ["damaged.pcap", "new.pcapng", "old.pcapng"]
    );
    let arguments = ["read", "-q", &capture(CAPTURE), "-w", &path("old.pcapng")];
    assert_eq!(run(&arguments, Stdio::null()).0, Some(0));
    let (_, rows, _) = run(&["read", "-T", "text", &path("old.pcapng")], Stdio::null());
    assert_eq!(rows.lines().count(), 11, "{rows}");
}

#[test]
fn a_reader_that_goes_away_does_not_cut_what_is_saved() {
    let folder = tempfile::tempdir().unwrap();
    let saved = folder.path().join("saved.pcapng");
    let saved = saved.to_str().unwrap();
    let capture = capture("password-guessing.pcap");
    let mut child = command(&["read", "-T", "text", "--frames", &capture, "-w", saved])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let (_, rows, _) = run(&["read", "-T", "text", "--frames", saved], Stdio::null());
    assert_eq!(rows.lines().count(), 143);
}

/// A run that has read part of a capture from a pipe that stays open.
struct Half {
    child: Child,
    input: std::process::ChildStdin,
}

impl Half {
    fn start(arguments: &[&str]) -> Self {
        let mut child = command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = child.stdin.take().unwrap();
        input.write_all(&octets()[..600]).unwrap();
        input.flush().unwrap();
        Self { child, input }
    }

    /// Waits until it waits for more, with nothing left in the pipe.
    fn wait_until_read(&self) {
        let started = Instant::now();
        while rustix::io::ioctl_fionread(&self.input).is_ok_and(|left| left > 0) {
            assert!(started.elapsed() < PATIENCE, "it does not read");
            std::thread::sleep(Duration::from_millis(10));
        }
        // What was read is looked at in no time; the signal may come before that all the same.
        std::thread::sleep(Duration::from_millis(300));
    }

    fn end(mut self, signal: &str) -> (Option<i32>, String, String) {
        self.wait_until_read();
        let id = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args([signal, &id])
                .status()
                .unwrap()
                .success()
        );
        let [mut out, mut error] = [String::new(), String::new()];
        let stdout = self.child.stdout.as_mut().unwrap();
        stdout.read_to_string(&mut out).unwrap();
        let stderr = self.child.stderr.as_mut().unwrap();
        stderr.read_to_string(&mut error).unwrap();
        drop(self.input);
        (self.child.wait().unwrap().code(), out, error)
    }
}

/// Frames in the part of the capture that a [`Half`] has.
const FRAMES: &str = "interrupted after 6 frames";

#[test]
fn what_is_interrupted_says_so_in_every_form() {
    for (signal, code) in [("-INT", 130), ("-TERM", 143), ("-HUP", 129)] {
        let (found, out, error) = Half::start(&["stats", "-", "-T", "json"]).end(signal);
        assert_eq!(found, Some(code), "{error}");
        assert!(error.contains(FRAMES), "{error}");
        let stats: Value = serde_json::from_str(&out).unwrap();
        assert_eq!(
            (&stats["interrupted"], &stats["frames"]),
            (&true.into(), &6.into())
        );
    }
    let (code, out, error) = Half::start(&["stats", "-"]).end("-INT");
    assert_eq!(code, Some(130), "{error}");
    assert!(out.contains(FRAMES), "{out}");
    let (code, out, error) = Half::start(&["read", "-", "-T", "json"]).end("-INT");
    assert_eq!(code, Some(130), "{error}");
    let rows: Value = serde_json::from_str(&out).unwrap();
    let last = rows.as_array().unwrap().last().unwrap();
    assert_eq!(
        (&last["interrupted"], &last["frames"]),
        (&true.into(), &6.into())
    );
    // What was not interrupted does not say so.
    let (_, out, _) = run(&["stats", "-T", "json", &capture(CAPTURE)], Stdio::null());
    assert!(!out.contains("interrupted"));
}

#[test]
fn an_interrupted_save_replaces_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(path("old.pcapng"), "old").unwrap();
    let arguments = ["read", "-", "-q", "-w", &path("old.pcapng")];
    let (code, _, error) = Half::start(&arguments).end("-INT");
    assert_eq!(code, Some(130), "{error}");
    assert!(error.contains(FRAMES), "{error}");
    assert_eq!(std::fs::read_to_string(path("old.pcapng")).unwrap(), "old");
    // A pipe cannot be read again, so that its frames are not thrown away.
    let beside = path("old.pcapng.partial");
    assert!(error.contains("old.pcapng.partial\""), "{error}");
    let (_, rows, _) = run(&["read", "-T", "text", &beside], Stdio::null());
    assert_eq!(rows.lines().count(), 6, "{rows}");
}

/// A capture that takes a while to read: the same frames again and again.
fn long(path: &str) {
    let one = octets();
    let (header, records) = one.split_at(24);
    let file = std::fs::File::create(path).unwrap();
    let mut file = zstd::Encoder::new(file, 1).unwrap();
    file.write_all(header).unwrap();
    let many = records.repeat(1000);
    for _ in 0..150 {
        file.write_all(&many).unwrap();
    }
    file.finish().unwrap();
}

/// Waits until a process takes a signal itself.
fn wait_for_handler(process: u32) {
    let started = Instant::now();
    let takes = || {
        let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
        let mask = caught.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
        // 15 is SIGTERM, which is registered behind SIGINT.
        mask.is_some_and(|mask| mask >> 14 & 1 == 1)
    };
    while !takes() {
        assert!(started.elapsed() < PATIENCE, "no handler");
        std::thread::sleep(Duration::from_millis(5));
    }
    std::thread::sleep(Duration::from_millis(200));
}

/// What is learnt before the pass that counts is no answer: nothing is shown or saved of it.
#[cfg(target_os = "linux")]
#[test]
fn an_interrupted_first_pass_says_so_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (long_path, old) = (path("long.pcap.zst"), path("old.pcapng"));
    long(&long_path);
    std::fs::write(&old, "old").unwrap();
    for (signal, code) in [("-INT", 130), ("-TERM", 143)] {
        for arguments in [
            &["read", "-q", &long_path, "-w", &old, "--redact"][..],
            &[
                "read",
                "-T",
                "json",
                &long_path,
                "-Y",
                "reglogin.response_in",
            ],
            &["follow", &long_path, "--user", "nobody"],
        ] {
            let child = command(arguments)
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            wait_for_handler(child.id());
            let id = child.id().to_string();
            assert!(
                Command::new("kill")
                    .args([signal, &id])
                    .status()
                    .unwrap()
                    .success()
            );
            let done = child.wait_with_output().unwrap();
            let error = String::from_utf8(done.stderr).unwrap();
            assert_eq!(done.status.code(), Some(code), "{arguments:?}: {error}");
            assert!(
                error.contains("interrupted after "),
                "{arguments:?}: {error}"
            );
            assert!(done.stdout.is_empty(), "{arguments:?}");
            assert_eq!(std::fs::read_to_string(&old).unwrap(), "old");
            assert_eq!(names(folder.path()), ["long.pcap.zst", "old.pcapng"]);
        }
    }
}
