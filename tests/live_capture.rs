//! `authscope live` shows the real client and server at work while it happens, and saves it.

mod common;
mod inspector;

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

use common::Place;
use inspector::{authscope, command};

/// A running live capture.
struct Live {
    child: Child,
    rows: BufReader<std::process::ChildStdout>,
}

impl Live {
    /// Starts one on loopback and waits until it captures; `None`, loudly, without the right to.
    fn start(arguments: &[&str]) -> Option<Self> {
        let mut child = command(&[&["live"], arguments].concat())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        stderr.read_line(&mut line).unwrap();
        if !line.contains("capturing on") {
            let code = child.wait().unwrap().code();
            assert_eq!(code, Some(2), "{line}");
            assert!(
                line.contains("sudo") || line.contains("without live"),
                "{line}"
            );
            eprintln!("SKIPPED: live capture is not possible here: {line}");
            return None;
        }
        child.stderr = Some(stderr.into_inner());
        let rows = BufReader::new(child.stdout.take().unwrap());
        Some(Self { child, rows })
    }

    /// The next row, as soon as it is written.
    fn row(&mut self) -> String {
        let mut row = String::new();
        self.rows.read_line(&mut row).unwrap();
        assert!(row.ends_with('\n'), "the rows ended");
        row
    }

    /// Sends a signal and gives the exit code and what was said in the end.
    fn end(mut self, signal: &str) -> (Option<i32>, String) {
        let id = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args([signal, &id])
                .status()
                .unwrap()
                .success()
        );
        let mut rest = String::new();
        self.rows.read_to_string(&mut rest).unwrap();
        let mut summary = String::new();
        self.child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut summary)
            .unwrap();
        (self.child.wait().unwrap().code(), summary)
    }
}

#[test]
fn rows_appear_while_it_happens_and_ctrl_c_ends_it_with_a_summary() {
    let place = Place::new();
    let server = place.start(&[]);
    let port = server.address.port().to_string();
    let saved = place.path("saved.pcapng");
    let saved = saved.to_str().unwrap();
    let Some(mut live) = Live::start(&["-p", &port, "--messages", "-w", saved]) else {
        return;
    };
    assert_eq!(
        server
            .client(&["register", "alice"], "correct horse")
            .status
            .code(),
        Some(0)
    );
    assert!(live.row().ends_with("Info\n"));
    for expected in [
        "Registration request, user alice\n",
        "Registration response, success: registered\n",
    ] {
        let row = live.row();
        assert!(row.ends_with(expected), "{row}");
    }
    assert_eq!(
        server.client(&["login", "alice"], "wrong").status.code(),
        Some(1)
    );
    for expected in [
        "Login request, user alice\n",
        "Login response, failure: wrong password\n",
    ] {
        let row = live.row();
        assert!(row.ends_with(expected), "{row}");
    }
    let (code, summary) = live.end("-INT");
    assert_eq!(code, Some(0), "{summary}");
    for expected in [
        "2 streams, 4 messages",
        "Registration response: 1 (success 1)",
        "Login response: 1 (failure 1)",
        "0 frames dropped by the kernel",
    ] {
        assert!(summary.contains(expected), "{summary}");
    }
    let again = authscope(&["read", "-p", &port, "--messages", "-T", "jsonl", saved]);
    assert_eq!(
        (again.code, again.stdout.lines().count()),
        (0, 4),
        "{}",
        again.stderr
    );
    assert!(!again.stdout.contains("correct horse"));
}

#[test]
fn it_stops_after_so_many_frames_and_on_sigterm() {
    let place = Place::new();
    let server = place.start(&[]);
    let port = server.address.port().to_string();
    let (Some(counted), Some(mut asked)) = (
        Live::start(&["-p", &port, "-c", "3", "-T", "text"]),
        Live::start(&["-p", &port, "-T", "jsonl"]),
    ) else {
        return;
    };
    server.client(&["register", "alice"], "secret");
    let mut counted = counted;
    let mut rows = String::new();
    counted.rows.read_to_string(&mut rows).unwrap();
    assert_eq!(rows.lines().count(), 3, "{rows}");
    assert_eq!(counted.child.wait().unwrap().code(), Some(0));
    assert!(asked.row().contains("registration request"));
    let (code, summary) = asked.end("-TERM");
    assert_eq!(code, Some(0), "{summary}");
}

#[test]
fn the_interfaces_are_listed_and_a_wrong_one_is_told() {
    let listed = authscope(&["interfaces"]);
    if listed.code == 2 {
        eprintln!("SKIPPED: {}", listed.stderr);
        return;
    }
    assert_eq!(listed.code, 0);
    assert!(listed.stdout.contains("loopback"), "{}", listed.stdout);
    let wrong = authscope(&["live", "-i", "no-such-interface"]);
    assert_eq!((wrong.code, wrong.stdout.as_str()), (2, ""));
    assert_eq!(wrong.stderr.lines().count(), 1, "{}", wrong.stderr);
    assert!(wrong.stderr.starts_with("authscope: "), "{}", wrong.stderr);
}
