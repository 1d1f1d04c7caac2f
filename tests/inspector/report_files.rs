//! The files that `authscope report` writes: each complete or not at all, and an index for several captures.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::inspector::{authscope, capture, command};
use crate::page::{Page, between};
use crate::programs::PATIENCE;

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let mut names: Vec<String> = entries
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .into_string()
                .expect("UTF-8")
        })
        .collect();
    names.sort();
    names
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

#[test]
fn an_input_is_not_overwritten_by_any_of_its_names() {
    let folder = tempfile::tempdir().expect("a folder");
    let input = folder.path().join("in.pcap");
    let octets =
        std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(capture("in-order.pcap")))
            .expect("a capture");
    std::fs::write(&input, &octets).expect("written");
    symlink("in.pcap", folder.path().join("link.html")).expect("a link");
    for (output, more) in [
        ("in.pcap", None),
        ("link.html", None),
        ("link.html", Some("--each")),
    ] {
        let output = folder.path().join(output);
        let mut arguments = vec!["report", text(&input), "-o", text(&output)];
        arguments.extend(more);
        let done = authscope(&arguments);
        assert_eq!(done.code, 2, "{}", done.stderr);
        assert!(
            done.stderr.contains("it is the file that is being read"),
            "{}",
            done.stderr
        );
        assert_eq!(std::fs::read(&input).expect("the input"), octets);
    }
    // The CSV's name is that of an input too.
    std::fs::rename(&input, folder.path().join("in.csv")).expect("renamed");
    let done = authscope(&[
        "report",
        "--each",
        text(&folder.path().join("in.csv")),
        "-o",
        text(&folder.path().join("in.html")),
    ]);
    assert_eq!(done.code, 2, "{}", done.stderr);
    assert_eq!(names(folder.path()), ["in.csv", "link.html"]);
}

#[test]
fn what_cannot_be_read_leaves_nothing_and_what_is_damaged_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let page = folder.path().join("page.html");
    std::fs::write(&page, "as it was").expect("written");
    for file in ["missing.pcap", "Cargo.toml"] {
        let done = authscope(&["report", file, "-o", text(&page)]);
        assert_eq!(done.code, 2);
        assert!(done.stderr.contains(file), "{}", done.stderr);
        assert_eq!(std::fs::read(&page).expect("a file"), b"as it was");
        assert_eq!(names(folder.path()), ["page.html"]);
    }
    let done = authscope(&[
        "report",
        &capture("damaged-cut-in-record.pcap"),
        "-o",
        text(&page),
    ]);
    assert_eq!(done.code, 2, "{}", done.stderr);
    let damaged = Page::of(std::fs::read_to_string(&page).expect("a page"));
    let verdict = between(&damaged.html, "id=\"verdict\">", "</p>");
    assert!(verdict.starts_with("The capture is damaged"), "{verdict}");
    let mind = between(&damaged.html, "<ul class=\"mind\">", "</ul>");
    assert!(mind.contains("damaged-cut-in-record.pcap"), "{mind}");
    assert_eq!(names(folder.path()), ["page.html"]);
}

#[test]
fn an_interruption_leaves_nothing() {
    for each in [false, true] {
        let folder = tempfile::tempdir().expect("a folder");
        let page = folder.path().join("page.html");
        let mut run = command(&["report", "-", "-o", text(&page)]);
        if each {
            run = command(&["report", &capture("in-order.pcap"), "-", "-o", text(&page)]);
        }
        let mut child = run
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it runs");
        let begun = Instant::now();
        while names(folder.path()).is_empty() {
            assert!(begun.elapsed() < PATIENCE, "it does not begin");
            std::thread::sleep(Duration::from_millis(10));
        }
        // Its signals are waited for once the file is being opened.
        std::thread::sleep(Duration::from_millis(300));
        let id = child.id().to_string();
        let killed = Command::new("kill")
            .args(["-INT", &id])
            .status()
            .expect("kill runs");
        assert!(killed.success());
        let input = child.stdin.take();
        let done = child.wait_with_output().expect("it ends");
        drop(input);
        assert_eq!(done.status.code(), Some(130), "{done:?}");
        assert_eq!(names(folder.path()), Vec::<String>::new());
    }
}

#[test]
fn several_files_have_an_index_with_a_row_each() {
    let folder = tempfile::tempdir().expect("a folder");
    let index = folder.path().join("course.html");
    let files = [
        "lab-report.pcap",
        "password-guessing.pcap",
        "http-on-port-8888.pcap",
    ]
    .map(capture);
    let [one, two, three] = &files;
    let done = authscope(&["report", one, two, three, "-o", text(&index)]);
    assert_eq!(
        (done.code, done.stdout.as_str(), done.stderr.as_str()),
        (0, "", "")
    );
    assert_eq!(
        names(folder.path()),
        ["course.csv", "course.html", "course_files"]
    );
    let html = std::fs::read_to_string(&index).expect("an index");
    assert!(html.len() <= 300_000);
    let body = between(&html, "<tbody>", "</tbody>");
    assert_eq!(body.matches("<tr>").count(), 3);
    assert_eq!(body.matches("<svg class=\"spark\"").count(), 3);
    let verdict = between(&html, "id=\"verdict\">", "</p>");
    assert_eq!(verdict, "Something serious was found in 1 of 3 captures.");
    for file in &files {
        let page = format!("course_files/{}.html", file.trim_start_matches("captures/"));
        assert!(body.contains(&format!("href=\"./{page}\"")), "{body}");
        let of_one = Page::of(std::fs::read_to_string(folder.path().join(&page)).expect("a page"));
        assert!(
            of_one
                .html
                .contains("<a href=\"../course.html\">All captures</a>")
        );
        // But for the link back and the command, it is the page that the file has alone.
        assert_eq!(of_one.statistics, Page::read(&[file]).statistics);
    }
    let table = std::fs::read_to_string(folder.path().join("course.csv")).expect("a table");
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 4);
    assert!(lines[0].starts_with("file,sha256,bytes,verdict,sentence,frames,"));
    assert!(
        lines[1].starts_with("captures/lab-report.pcap,"),
        "{}",
        lines[1]
    );
    assert!(
        lines[1].ends_with(",2,1,1,2,0,0,1,1,2,0.200,course_files/lab-report.pcap.html"),
        "{}",
        lines[1]
    );
    assert!(
        lines[2].contains(",error,\"12 logins as \"\"alice\"\""),
        "{}",
        lines[2]
    );
    // Again over what is there, and with one file that cannot be read.
    let done = authscope(&["report", one, "missing.pcap", "-o", text(&index)]);
    assert_eq!(done.code, 2);
    assert!(done.stderr.contains("missing.pcap"));
    let html = std::fs::read_to_string(&index).expect("an index");
    assert!(html.contains("It could not be read"), "{html}");
    let done = authscope(&["report", "--each", one, "-o", text(&index)]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    let html = std::fs::read_to_string(&index).expect("an index");
    assert_eq!(
        between(&html, "<tbody>", "</tbody>")
            .matches("<tr>")
            .count(),
        1
    );
    assert_eq!(
        names(folder.path()),
        ["course.csv", "course.html", "course_files"]
    );
}
