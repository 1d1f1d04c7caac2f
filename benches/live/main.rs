//! Measures what a live capture keeps up with, on loopback, in turns with tcpdump, in one run, and writes a table into
//! `docs/performance.md`. `make bench-live` runs it; it takes about five minutes and needs the right to capture.
//!
//! `AUTHSCOPE_BENCH_SECONDS=1` makes every measurement that long, for a quick look.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "numbers of its own making"
)]

mod drops;
mod latency;
mod listener;
mod traffic;

#[path = "../report/mod.rs"]
mod report;

use std::process::{Command, Stdio};
use std::time::Duration;

use report::Report;

/// The program under test, built with the profile of benchmarks.
const AUTHSCOPE: &str = env!("CARGO_BIN_EXE_authscope");

/// Runs of each measurement.
const RUNS: usize = 3;

/// The duration of a run.
fn time() -> Duration {
    let seconds = std::env::var("AUTHSCOPE_BENCH_SECONDS").ok();
    let seconds = seconds.and_then(|text| text.parse().ok()).unwrap_or(4);
    Duration::from_secs(seconds)
}

fn is_installed(program: &str) -> bool {
    let mut command = Command::new(program);
    command.arg("--version").stdout(Stdio::null());
    command.stderr(Stdio::null()).status().is_ok()
}

fn main() {
    // Cargo runs benchmarks under `cargo test --benches` as well; there is nothing to test here.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    if let Err(reason) = listener::can_capture() {
        eprintln!("SKIPPED: live capture is not possible here: {reason}");
        std::process::exit(2);
    }
    let mut report = Report::start(
        "## Live capture",
        "`make bench-live`, all in one run, on loopback: requests and responses are sent over\n\
         connections at a steady rate, captured and shown on the same cores. If nothing is dropped, the\n\
         messages found must equal the messages sent. Drops are listed for all three runs, times are from the\n\
         best one. Senders wait for their packets, so a program that uses more of the shared cores gets fewer\n\
         packets to capture: the ratio says how many. Then the number of senders grows, with a small buffer, until\n\
         tcpdump drops frames.",
    );
    drops::at_the_highest_rate(&mut report);
    drops::beyond_the_highest_rate(&mut report);
    latency::from_frame_to_line(&mut report);
    report.write();
}
