//! Long output on a terminal goes through a pager, which Ctrl-C does not end. Live output, output into a pipe, and
//! output with the pager turned off do not.

use std::process::{Child, Command};

use crate::inspector::{authscope, capture};
use crate::need::skip;
use crate::programs::wait;
use crate::terminal::Terminal;

/// A pager that is seen.
const SEEN: &str = "sh -c 'echo PAGED; cat -v'";

/// The inspector as the only program of a terminal of 80 columns and 24 rows.
fn start(pager: Option<&str>, arguments: &[&str]) -> (Terminal, Child) {
    let terminal = Terminal::open();
    // In a session of its own the keys are its own too.
    let mut command = Command::new("setsid");
    command
        .args(["-c", "-w", env!("CARGO_BIN_EXE_authscope")])
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("TERM", "xterm-256color")
        .env("TZ", "UTC")
        .env("LC_ALL", "C.UTF-8")
        .env_remove("LESS")
        .env_remove("PAGER")
        .env_remove("NO_COLOR")
        .stdin(terminal.stdio())
        .stdout(terminal.stdio())
        .stderr(terminal.stdio());
    if let Some(pager) = pager {
        command.env("PAGER", pager);
    }
    let child = command.spawn().expect("the inspector runs");
    (terminal, child)
}

/// What it shows until it ends by itself, and how it ends.
fn shown(pager: Option<&str>, arguments: &[&str]) -> (String, Option<i32>) {
    let (terminal, mut child) = start(pager, arguments);
    let code = wait(&mut child).code();
    (terminal.end(), code)
}

fn has(program: &str) -> bool {
    let found = Command::new(program).arg("--version").output();
    let is_there = found.is_ok_and(|found| found.status.success());
    if !is_there {
        skip(program, "it is not installed");
    }
    is_there
}

fn long() -> String {
    capture("recorded-several-users.pcapng")
}

/// Its last frame, which is not on the first screen.
fn last(path: &str) -> String {
    let all = authscope(&["read", "--frames", "-T", "text", path]).stdout;
    let last = all.lines().last().expect("a row").trim().to_owned();
    last.split(' ').next().expect("a number").to_owned()
}

#[test]
fn its_user_leaves_it_with_q() {
    if !has("setsid") || !has("less") {
        return;
    }
    let path = long();
    let (mut terminal, mut child) = start(None, &["read", "--frames", "-T", "text", &path]);
    terminal.wait_for("Registration request");
    terminal.press("q");
    assert_eq!(wait(&mut child).code(), Some(0));
    assert!(terminal.echoes());
    let screen = terminal.end();
    let last = format!("\n{:>5} ", last(&path));
    assert!(!screen.contains(&last), "{screen}");
    assert!(!screen.contains("authscope:"), "{screen}");
}

#[test]
fn ctrl_c_leaves_it_to_its_user() {
    if !has("setsid") || !has("less") {
        return;
    }
    for times in [1, 3] {
        let (mut terminal, mut child) = start(None, &["read", "--frames", "-V", &long()]);
        terminal.wait_for("Frame 1:");
        for _ in 0..times {
            terminal.press("\u{3}");
            std::thread::sleep(std::time::Duration::from_millis(200));
        }
        assert!(
            child.try_wait().expect("its status").is_none(),
            "{}",
            terminal.screen()
        );
        terminal.press("q");
        let code = wait(&mut child).code();
        assert!([Some(0), Some(130)].contains(&code), "{code:?}");
        assert!(terminal.echoes());
    }
}

#[test]
fn what_fits_the_screen_needs_no_key() {
    if !has("setsid") || !has("less") {
        return;
    }
    let (screen, code) = shown(None, &["fields", "reglogin.stat"]);
    assert_eq!(code, Some(0), "{screen}");
    assert!(screen.contains("reglogin.status"), "{screen}");
    let (screen, code) = shown(None, &[&capture("lab-report.pcap")]);
    assert_eq!(code, Some(0), "{screen}");
    // What is said of it is there too, below the rows.
    let rows = screen.find("registration").expect("rows");
    assert!(screen.find("these are exchanges") > Some(rows), "{screen}");
}

#[test]
fn pager_names_another_and_gets_colours_and_width() {
    if !has("setsid") {
        return;
    }
    let path = long();
    for arguments in [
        &["read", &path][..],
        &["read", "-V", &path],
        &["stats", &path],
        &["follow", &path],
        &["check", &path],
        &["fields"],
        &["schema"],
        &["read", "--help"],
    ] {
        let (screen, code) = shown(Some(SEEN), arguments);
        assert_eq!(code, Some(0), "{arguments:?}: {screen}");
        assert!(screen.starts_with("PAGED\n"), "{arguments:?}: {screen}");
        let (plain, _) = shown(Some(SEEN), &[&["--no-pager"], arguments].concat());
        assert!(!plain.contains("PAGED"), "{arguments:?}: {plain}");
        assert!(plain.len() > 100, "{arguments:?}: {plain}");
    }
    let (screen, _) = shown(Some(SEEN), &["read", &path]);
    assert!(screen.contains("^[[32m"), "{screen}");
    let (screen, _) = shown(Some("sh -c cat"), &["read", "--color", "never", &path]);
    let widest = screen.lines().map(|line| line.chars().count()).max();
    assert!(widest <= Some(80), "{screen}");
}

#[test]
fn it_is_not_used_where_it_is_not_wanted() {
    if !has("setsid") {
        return;
    }
    let path = long();
    for pager in ["", "cat"] {
        let (screen, code) = shown(Some(pager), &["read", "--frames", "-T", "text", &path]);
        assert_eq!(code, Some(0));
        assert!(
            screen.contains(&format!("\n{:>5} ", last(&path))),
            "{screen}"
        );
    }
    // Neither does what comes in now wait in one, ...
    let (screen, _) = shown(Some(SEEN), &["live", "-i", "lo", "-a", "duration:1"]);
    assert!(!screen.contains("PAGED"), "{screen}");
    // ... nor is there one for a pipe.
    let done = crate::inspector::command(&["read", &path])
        .env("PAGER", SEEN)
        .output();
    let text = String::from_utf8(done.expect("it runs").stdout).expect("text");
    assert!(!text.contains("PAGED") && text.contains("Registration"));
}

#[test]
fn one_that_is_not_there_is_told_and_output_shown() {
    if !has("setsid") {
        return;
    }
    let (screen, code) = shown(Some("nosuchpager -x"), &["read", &long()]);
    assert_eq!(code, Some(0));
    assert!(
        screen.contains("cannot start the pager \"nosuchpager -x\""),
        "{screen}"
    );
    assert!(
        screen.contains("--no-pager") && screen.contains("Registration"),
        "{screen}"
    );
}
