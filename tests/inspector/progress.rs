//! A long read shows its progress on the terminal, and removes it at the end.

use std::io::Write;
use std::process::Stdio;
use std::time::Duration;

use crate::inspector::{capture, command};
use crate::programs::wait;
use crate::terminal::Terminal;

/// The capture that is read slowly.
const LONG: &str = "recorded-several-users.pcapng";

#[test]
fn what_takes_long_shows_how_far_it_is_and_clears_it_away() {
    let octets = std::fs::read(capture(LONG)).unwrap();
    let terminal = Terminal::open();
    let mut child = command(&["stats", "-T", "json", "-"])
        .env("TERM", "xterm")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(terminal.stdio())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let (most, rest) = octets.split_at(octets.len() * 3 / 4);
    input.write_all(most).unwrap();
    // Standard input has no size that could be known before its end.
    terminal.wait_for(" frames, ");
    assert!(
        !terminal.screen().contains(" left"),
        "{}",
        terminal.screen()
    );
    input.write_all(rest).unwrap();
    drop(input);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    serde_json::from_slice::<serde_json::Value>(&output.stdout).expect("JSON and nothing else");
    terminal.wait_until("the line is cleared", |screen| {
        let last = screen.rsplit_once("\u{1b}[2K");
        last.is_some_and(|(_, last)| !last.contains("frames"))
    });
}

#[test]
fn it_is_not_mixed_with_rows_on_the_same_terminal() {
    let octets = std::fs::read(capture(LONG)).unwrap();
    let terminal = Terminal::open();
    let mut child = command(&["read", "-"])
        .stdin(Stdio::piped())
        .stdout(terminal.stdio())
        .stderr(terminal.stdio())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(&octets).unwrap();
    // Longer than it takes until a run is a long one.
    std::thread::sleep(Duration::from_millis(1500));
    drop(input);
    assert!(wait(&mut child).success());
    terminal.wait_for("Registration");
    assert!(
        !terminal.screen().contains(" frames, "),
        "{}",
        terminal.screen()
    );
}
