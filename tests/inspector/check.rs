//! `authscope check`: correct and faulty traffic, golden files, JUnit, and the examples of the documentation.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::assert_capture::assert_capture;
use crate::inspector::{Done, authscope, capture, command};
use crate::need::python_with;

const CLEAN: &str = "captures/tcp-pipelined.pcap";
const WARNING: &str = "captures/wrong-text-control-characters.pcap";
const UNANSWERED: &str = "captures/tcp-lost-message.pcap";
const DAMAGED: &str = "captures/README.md";

fn check(arguments: &[&str]) -> Done {
    authscope(&[&["check"], arguments].concat())
}

/// A folder with copies of saved captures.
fn copies(names: &[&str]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in names {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join(capture(name));
        std::fs::copy(from, folder.path().join(name)).unwrap();
    }
    folder
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn a_line_a_file_and_the_worst_is_the_exit_code() {
    for (files, code) in [
        (&[CLEAN][..], 0),
        (&[CLEAN, WARNING], 1),
        (&[DAMAGED, CLEAN, WARNING], 2),
    ] {
        let done = check(files);
        assert_eq!(done.code, code, "{files:?}: {}{}", done.stdout, done.stderr);
        let lines: Vec<&str> = done
            .stdout
            .lines()
            .filter(|line| !line.starts_with(' '))
            .collect();
        assert_eq!(lines.len(), files.len());
        for (line, file) in lines.iter().zip(files) {
            let word = match *file {
                CLEAN => "ok     ",
                WARNING => "FAIL   ",
                _ => "ERROR  ",
            };
            assert!(line.starts_with(&format!("{word}{file}: ")), "{line}");
        }
    }
    let done = check(&[DAMAGED, CLEAN, WARNING]);
    insta::assert_snapshot!("check_lines", done.stdout);
    assert_eq!(
        done.stderr,
        "authscope: of 3 captures 1 is not right, 1 could not be checked\n"
    );
}

#[test]
fn severities_and_requests_without_a_response() {
    let lab = "captures/lab-report.pcap";
    for (arguments, code) in [
        (&["--fail-on", "note", lab][..], 1),
        (&["--fail-on", "warning", lab], 0),
        (&[lab], 0),
        (&["--fail-on", "warning", WARNING], 1),
        (&["--fail-on", "error", WARNING], 0),
        (&["--fail-on", "error", "captures/wrong-length-57.pcap"], 1),
        (&["--fail-on", "error", UNANSWERED], 0),
        (&["--fail-on", "error", "--no-unanswered", UNANSWERED], 1),
        (&["--no-unanswered", CLEAN], 0),
    ] {
        let done = check(arguments);
        assert_eq!(
            done.code, code,
            "{arguments:?}: {}{}",
            done.stdout, done.stderr
        );
    }
    let done = check(&["--fail-on", "error", "--no-unanswered", UNANSWERED]);
    assert!(
        done.stdout.contains("frame 4: no response to the"),
        "{}",
        done.stdout
    );
}

#[test]
fn stats_fails_on_what_check_fails_on() {
    let lab = "captures/lab-report.pcap";
    for (arguments, code) in [
        (&["--fail-on", "note", lab][..], 1),
        (&["--fail-on", "warning", lab], 0),
        (&["--fail-on", "warning", WARNING], 1),
        (&["--fail-on", "error", WARNING], 0),
        (&["--fail-on", "note", UNANSWERED], 1),
    ] {
        let done = authscope(&[&["stats"], arguments].concat());
        assert_eq!(done.code, code, "{arguments:?}: {}", done.stderr);
        assert_eq!(done.stderr.is_empty(), code == 0, "{}", done.stderr);
        // What is counted is what is counted without the option.
        let plain = authscope(&["stats", arguments[2]]);
        assert_eq!(done.stdout, plain.stdout);
    }
}

#[test]
fn a_golden_file_is_written_reviewed_and_compared() {
    let folder = copies(&["tcp-pipelined.pcap", "lab-report.pcap"]);
    let at = |name: &str| folder.path().join(name);
    let pipelined = at("tcp-pipelined.pcap");
    let golden = at("tcp-pipelined.pcap.golden");
    let done = check(&["--update", text(&pipelined)]);
    assert_eq!(done.code, 0, "{}{}", done.stdout, done.stderr);
    let written = std::fs::read_to_string(&golden).unwrap();
    insta::assert_snapshot!("check_golden", written);
    // From then on it is held against it, and against any other that is named.
    assert_eq!(check(&[text(&pipelined)]).code, 0);
    let done = check(&["--expect", text(&golden), text(&at("lab-report.pcap"))]);
    assert_eq!(done.code, 1);
    let shown = done.stdout.replace(text(folder.path()), "FOLDER");
    insta::assert_snapshot!("check_difference", shown);
    // What a user writes above it stays, and line ends may be those of another system.
    let own = format!("# A client that does not wait.\n{written}");
    std::fs::write(&golden, own.replace('\n', "\r\n")).unwrap();
    assert_eq!(check(&[text(&pipelined)]).code, 0);
    let changed = own.replace("alice", "bob");
    std::fs::write(&golden, &changed).unwrap();
    let done = check(&[text(&pipelined)]);
    assert_eq!(done.code, 1, "{}", done.stdout);
    assert!(
        done.stdout.contains("-      User name    bob\n"),
        "{}",
        done.stdout
    );
    assert!(
        done.stdout.contains("+      User name    alice\n"),
        "{}",
        done.stdout
    );
    assert_eq!(check(&["--update", text(&pipelined)]).code, 0);
    assert_eq!(std::fs::read_to_string(&golden).unwrap(), own);
    // One that is named and is not there cannot be read.
    let done = check(&["--expect", text(&at("none")), text(&pipelined)]);
    assert_eq!(done.code, 2);
    assert!(
        done.stdout.contains("--update writes it"),
        "{}",
        done.stdout
    );
}

/// A difference can be applied as a patch is.
#[test]
fn a_difference_is_a_unified_diff() {
    let folder = copies(&["tcp-pipelined.pcap", "lab-report.pcap"]);
    let golden = folder.path().join("g");
    let lab = folder.path().join("lab-report.pcap");
    let pipelined = folder.path().join("tcp-pipelined.pcap");
    assert_eq!(
        check(&["--update", "--expect", text(&golden), text(&lab)]).code,
        0
    );
    let done = check(&["--expect", text(&golden), text(&pipelined)]);
    let (_, diff) = done.stdout.split_once('\n').unwrap();
    let patch = folder.path().join("d");
    std::fs::write(&patch, diff).unwrap();
    let mut command = Command::new("patch");
    let patched = command.args(["-s", text(&golden), text(&patch)]).output();
    let Ok(patched) = patched else {
        crate::need::skip("patch", "it is not installed");
        return;
    };
    assert!(patched.status.success(), "{patched:?}");
    assert_eq!(
        check(&["--expect", text(&golden), text(&pipelined)]).code,
        0
    );
}

#[test]
fn a_folder_has_golden_files_of_many() {
    let folder = copies(&["tcp-pipelined.pcap", "lab-report.pcap"]);
    let captures = text(folder.path());
    let golden = folder.path().join("golden/");
    let expected = format!("{}/", text(&golden));
    assert_eq!(
        check(&["--update", "--expect", &expected, captures]).code,
        0
    );
    assert!(golden.join("lab-report.pcap.golden").exists());
    let done = check(&["--expect", text(&golden), captures]);
    assert_eq!(done.code, 0, "{}", done.stdout);
    assert_eq!(done.stdout.lines().count(), 2, "{}", done.stdout);
}

#[test]
fn nothing_but_a_golden_file_is_written_over() {
    let folder = copies(&["tcp-pipelined.pcap", "lab-report.pcap"]);
    let lab = folder.path().join("lab-report.pcap");
    let before = std::fs::read(&lab).unwrap();
    let pipelined = folder.path().join("tcp-pipelined.pcap");
    let done = check(&["--update", "--expect", text(&lab), text(&pipelined)]);
    assert_eq!(done.code, 2, "{}", done.stdout);
    let done = check(&["--junit", text(&lab), text(&pipelined)]);
    assert_eq!(done.code, 2, "{}", done.stderr);
    assert_eq!(std::fs::read(&lab).unwrap(), before);
    let input = std::fs::File::open(&pipelined).unwrap();
    let done = command(&["check", "--update", "-"])
        .stdin(input)
        .output()
        .unwrap();
    assert_eq!(done.status.code(), Some(2));
}

/// Two captures that do not say the same cannot both be what one golden file has.
#[test]
fn devices_and_links_stay_what_they_are() {
    let folder = copies(&["tcp-pipelined.pcap"]);
    let pipelined = folder.path().join("tcp-pipelined.pcap");
    let path = |name: &str| folder.path().join(name);
    std::os::unix::fs::symlink("/dev/null", path("nowhere")).unwrap();
    std::os::unix::fs::symlink("real.golden", path("link")).unwrap();
    let update = |golden: &Path| check(&["--update", "--expect", text(golden), text(&pipelined)]);
    assert_eq!(update(&path("nowhere")).code, 0);
    assert!(path("nowhere").is_symlink());
    std::fs::write(path("real.golden"), "").unwrap();
    assert_eq!(update(&path("link")).code, 0);
    assert!(path("link").is_symlink());
    assert!(
        std::fs::read_to_string(path("real.golden"))
            .unwrap()
            .starts_with('#')
    );
    let full = update(Path::new("/dev/full"));
    assert_eq!(full.code, 2, "{}", full.stdout);
    assert!(
        full.stdout.contains("o space left on device"),
        "{}",
        full.stdout
    );
    // It never ends.
    let endless = check(&["--expect", "/dev/zero", text(&pipelined)]);
    assert_eq!(endless.code, 2, "{}", endless.stdout);
    for device in ["/dev/full", "/dev/zero"] {
        let done = check(&["--junit", device, text(&pipelined)]);
        assert_eq!(
            done.code,
            if device == "/dev/full" { 2 } else { 0 },
            "{}",
            done.stderr
        );
    }
}

#[test]
fn of_two_captures_that_differ_one_is_not_right_after_an_update() {
    let folder = tempfile::tempdir().unwrap();
    let golden = folder.path().join("g");
    let done = check(&[
        "--update",
        "--expect",
        text(&golden),
        CLEAN,
        "captures/lab-report.pcap",
    ]);
    assert_eq!(done.code, 1, "{}", done.stdout);
    assert_eq!(check(&["--expect", text(&golden), CLEAN]).code, 0);
}

#[test]
fn junit_has_a_case_for_each_file() {
    let folder = tempfile::tempdir().unwrap();
    let golden = folder.path().join("golden <&>");
    let report = folder.path().join("report.xml");
    assert_eq!(
        check(&["--update", "--expect", text(&golden), CLEAN]).code,
        0
    );
    let files = [CLEAN, "captures/lab-report.pcap", DAMAGED];
    let options = ["--expect", text(&golden), "--junit", text(&report)];
    for _ in 0..2 {
        let done = check(&[&options[..], &files].concat());
        assert_eq!(done.code, 2, "{}", done.stderr);
    }
    let xml = std::fs::read_to_string(&report).unwrap();
    let document = roxmltree::Document::parse(&xml).unwrap();
    let suite = document
        .descendants()
        .find(|node| node.has_tag_name("testsuite"))
        .unwrap();
    for (name, value) in [("tests", "3"), ("failures", "1"), ("errors", "1")] {
        assert_eq!(suite.attribute(name), Some(value), "{xml}");
    }
    let cases: Vec<_> = suite
        .children()
        .filter(|node| node.has_tag_name("testcase"))
        .collect();
    let names: Vec<_> = cases
        .iter()
        .map(|case| case.attribute("name").unwrap())
        .collect();
    assert_eq!(names, files);
    let results: Vec<_> = cases
        .iter()
        .map(|case| {
            case.first_element_child()
                .map(|result| result.tag_name().name())
        })
        .collect();
    assert_eq!(results, [None, Some("failure"), Some("error")]);
    let failure = cases[1].first_element_child().unwrap();
    assert!(
        failure
            .text()
            .unwrap()
            .contains("+      User name    user0000000000000000")
    );
    assert!(failure.attribute("message").unwrap().contains("golden <&>"));
}

/// What is compared with, and what is said of differences, fits a terminal of any width where nothing is wrapped, and has no
/// password anywhere.
#[test]
fn passwords_are_in_nothing_that_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let goldens = folder.path().join("golden");
    let expected = format!("{}/", text(&goldens));
    let report = folder.path().join("report.xml");
    let done = check(&[
        "--update",
        "--expect",
        &expected,
        "--fail-on",
        "note",
        "--junit",
        text(&report),
        "captures",
    ]);
    let mut all = done.stdout + &done.stderr + &std::fs::read_to_string(&report).unwrap();
    let mut files = 0;
    for entry in std::fs::read_dir(&goldens).unwrap() {
        all += &std::fs::read_to_string(entry.unwrap().path()).unwrap();
        files += 1;
    }
    assert!(files > 100, "{files}");
    for password in ["secret", "wonderland", "correct horse", "hunter2"] {
        assert!(!all.contains(password), "{password}");
    }
    assert!(all.contains("********"));
}

#[test]
fn layouts_and_key_logs_work_as_in_read() {
    let folder = tempfile::tempdir().unwrap();
    let golden = folder.path().join("tls.golden");
    let sessions = crate::tls::Sessions::new();
    let (capture, keys) = (sessions.capture(), sessions.all_keys());
    let own = [
        "--update",
        "--expect",
        text(&golden),
        "--tls-keylog",
        text(&keys),
    ];
    let done = check(&[&own[..], &[text(&capture)]].concat());
    assert_eq!(done.code, 0, "{}{}", done.stdout, done.stderr);
    insta::assert_snapshot!("check_tls", std::fs::read_to_string(&golden).unwrap());
    // Other keys, other records, the same scenario.
    let again = crate::tls::Sessions::new();
    let (capture, keys) = (again.capture(), again.all_keys());
    let own = ["--expect", text(&golden), "--tls-keylog", text(&keys)];
    let done = check(&[&own[..], &[text(&capture)]].concat());
    assert_eq!(done.code, 0, "{}{}", done.stdout, done.stderr);
    // RegLogin's own layout under another name: the same, but for names.
    let layout = folder.path().join("other.toml");
    let example = authscope(&["layout", "example"]).stdout;
    std::fs::write(&layout, example.replace("RegLogin", "Other")).unwrap();
    let golden = folder.path().join("layout.golden");
    let done = check(&[
        "-L",
        text(&layout),
        "--update",
        "--expect",
        text(&golden),
        CLEAN,
    ]);
    assert_eq!(done.code, 0, "{}{}", done.stdout, done.stderr);
    insta::assert_snapshot!("check_layout", std::fs::read_to_string(&golden).unwrap());
}

#[test]
fn the_rust_example_passes_and_panics() {
    assert_capture("captures/tcp-pipelined.pcap", &["--no-unanswered"]);
    let failed = std::panic::catch_unwind(|| assert_capture(UNANSWERED, &["--no-unanswered"]));
    let said = failed.unwrap_err().downcast::<String>().unwrap();
    assert!(said.contains("no response to the"), "{said}");
}

#[test]
fn the_pytest_example_writes_passes_and_fails() {
    let Some(python) = python_with("pytest") else {
        return;
    };
    let folder = copies(&["tcp-pipelined.pcap", "lab-report.pcap"]);
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/as-tests");
    for name in ["conftest.py", "test_captures.py"] {
        std::fs::copy(examples.join(name), folder.path().join(name)).unwrap();
    }
    let program = Path::new(env!("CARGO_BIN_EXE_authscope"));
    let path = std::env::var("PATH").unwrap_or_default();
    let path = format!("{}:{path}", text(program.parent().unwrap()));
    let pytest = |arguments: &[&str]| {
        let mut command = Command::new(&python);
        command
            .args(["-m", "pytest", "-q", "-p", "no:cacheprovider"])
            .args(arguments);
        command.current_dir(folder.path()).env("PATH", &path);
        let done = command.output().unwrap();
        (
            done.status.code(),
            String::from_utf8_lossy(&done.stdout).into_owned(),
        )
    };
    let (code, said) = pytest(&["--update-golden"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("2 passed"), "{said}");
    let golden: PathBuf = folder.path().join("lab-report.pcap.golden");
    let written = std::fs::read_to_string(&golden).unwrap();
    assert_eq!(pytest(&[]).0, Some(0));
    std::fs::write(&golden, written.replace("Login successful", "Welcome")).unwrap();
    let (code, said) = pytest(&[]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("1 failed, 1 passed"), "{said}");
    assert!(
        said.contains("+      Description  Login successful"),
        "{said}"
    );
}
