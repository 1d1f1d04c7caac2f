//! Every stored capture is read as on Linux: the same JSON, text and exit code, and the same messages on standard
//! error.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::programs::run;
use crate::wine::{text, windows_path, wine};

/// Programs at the same time: what they wait for is the disk and wine's own server.
const AT_ONCE: usize = 4;

/// The names of all captures, as they stand in the repository.
fn captures() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures");
    let entries = folder.read_dir().expect("the captures");
    let names = entries.map(|entry| entry.expect("an entry").file_name());
    let mut names: Vec<String> = names
        .map(|name| format!("captures/{}", name.to_string_lossy()))
        .filter(|name| name.contains(".pcap"))
        .collect();
    names.sort();
    assert!(names.len() > 200, "{}", names.len());
    names
}

/// Exit code, standard output and standard error.
fn answer(command: &mut Command) -> (Option<i32>, String, String) {
    let output = run(
        command
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .env("LANG", "C.UTF-8")
            .env_remove("LC_ALL")
            .env_remove("LC_CTYPE"),
        "",
    );
    (
        output.status.code(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

#[test]
fn every_capture_is_read_as_on_linux() {
    let Some(wine) = wine() else { return };
    let captures = captures();
    let (next, different) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(name) = captures.get(next.fetch_add(1, Ordering::Relaxed)) {
                    for form in [&["read", "-T", "jsonl"][..], &["read", "-V"]] {
                        let here = answer(
                            Command::new(env!("CARGO_BIN_EXE_authscope"))
                                .args(form)
                                .arg(name),
                        );
                        let there = answer(wine.to_its_end("authscope").args(form).arg(name));
                        if here != there {
                            let mut different = different.lock().expect("the list");
                            different.push(format!("{name} {form:?}: {here:?}\n{there:?}"));
                        }
                    }
                }
            });
        }
    });
    let different = different.into_inner().expect("the list");
    assert!(
        different.is_empty(),
        "{} of {} differ:\n{}",
        different.len(),
        captures.len(),
        different[..different.len().min(3)].join("\n")
    );
}

#[test]
fn a_capture_is_read_from_a_pipe_and_never_overwritten() {
    let Some(wine) = wine() else { return };
    let folder = tempfile::tempdir().expect("a temporary directory");
    let path = folder.path().join("记录 1.pcap");
    let octets = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("captures/gzip.pcap.gz"));
    let octets = octets.expect("a capture");
    std::fs::write(&path, &octets).expect("a copy");
    let piped = |mut command: Command| {
        let mut child = command
            .args(["read", "-T", "jsonl", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let mut pipe = child.stdin.take().expect("its input");
        pipe.write_all(&octets).expect("it reads");
        drop(pipe);
        let output = child.wait_with_output().expect("it ends");
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        text(&output.stdout)
    };
    let here = piped(Command::new(env!("CARGO_BIN_EXE_authscope")));
    assert!(!here.is_empty());
    assert_eq!(piped(wine.to_its_end("authscope")), here);
    // By another name of the same file too, whatever its letters' case.
    let same = windows_path(&path).replace(".pcap", ".PCAP");
    let (code, _, said) = wine.answer(
        "authscope",
        &["read", "-q", &windows_path(&path), "-w", &same],
    );
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("the file that is being read"), "{said}");
    assert_eq!(std::fs::read(&path).expect("it is there"), octets);
    // A file that exists is replaced when the new one is whole.
    let saved = folder.path().join("saved.pcapng");
    std::fs::write(&saved, "old").expect("an old file");
    let (code, _, said) = wine.answer(
        "authscope",
        &[
            "read",
            "-q",
            &windows_path(&path),
            "-w",
            &windows_path(&saved),
        ],
    );
    assert_eq!(code, Some(0), "{said}");
    assert!(std::fs::read(&saved).expect("it is there").len() > 100);
}
