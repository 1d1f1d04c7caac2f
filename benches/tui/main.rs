//! The terminal interface on a capture of 3,000,000 frames: time to its first screen, time of a key while it reads, filters,
//! sorts and writes, and memory; beside it termshark on the same file and sngrep on a SIP capture of as many frames. All of
//! them run in a pseudo-terminal whose screen is read. `make bench-tui` runs it and writes the table into
//! `docs/performance.md`.
//!
//! `AUTHSCOPE_BENCH_SCALE=0.01` makes every capture a hundredth of its size, for a quick look.

#![allow(clippy::cast_possible_truncation, reason = "numbers of its own making")]

mod driven;
mod sip;

#[path = "../report/mod.rs"]
mod report;
#[path = "../../tests/support/terminal.rs"]
mod terminal;

/// What the terminal waits for things at the most.
mod programs {
    pub const PATIENCE: std::time::Duration = std::time::Duration::from_mins(10);
}

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use authscope::synth::load::Load;
use driven::Driven;
use report::Report;

/// The program under test, built with the profile of benchmarks.
const AUTHSCOPE: &str = env!("CARGO_BIN_EXE_authscope");

/// Frames of each capture, and RegLogin connections of the one for Authscope.
const FRAMES: u64 = 3_000_000;
const CONNECTIONS: u64 = 100_000;

/// Keys timed in a row, where what goes on behind them lasts.
const KEYS: usize = 400;

const DOWN: &str = "j";
const ESCAPE: &str = "\u{1b}";

fn main() {
    // Cargo runs benchmarks under `cargo test --benches` as well; there is nothing to test here.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let mut report = Report::start(
        "## Terminal interface",
        "`make bench-tui`, in a pseudo-terminal of 120 columns and 40 rows, from the page cache. A key's time is from its\n\
         press to the change that it makes on the screen.",
    );
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("bench-tui");
    std::fs::create_dir_all(&folder).expect("a folder for captures");
    let capture = folder.join("load.pcap");
    let calls = folder.join("calls.pcap");
    let load = Load {
        frames: scaled(FRAMES),
        connections: scaled(CONNECTIONS),
        ..Load::default()
    };
    load.write(File::create(&capture).expect("a capture"))
        .expect("a capture");
    let frames = sip::write(&calls, scaled(FRAMES)).expect("a capture of SIP");
    let ours = authscope(&mut report, &capture, &folder);
    termshark(&mut report, &capture, &ours);
    sngrep(&mut report, &calls, frames, &ours);
    std::fs::remove_dir_all(&folder).expect("the captures are removed");
    report.write();
}

fn scaled(count: u64) -> u64 {
    let scale = std::env::var("AUTHSCOPE_BENCH_SCALE")
        .ok()
        .and_then(|text| text.parse::<f64>().ok())
        .unwrap_or(1.0);
    #[allow(clippy::cast_sign_loss)] // Not below one.
    let count = (count as f64 * scale).max(1.0) as u64;
    count
}

/// What one program came to.
struct Figures {
    first: f64,
    key: f64,
    memory: u64,
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// The median and the largest, in milliseconds.
fn spread(mut times: Vec<Duration>) -> (f64, f64) {
    times.sort_unstable();
    let at = |at: usize| times.get(at).copied().map_or(f64::NAN, milliseconds);
    (at(times.len() / 2), at(times.len().saturating_sub(1)))
}

/// Times keys while `goes_on` holds of the screen; writes a row of them.
fn keys(
    report: &mut Report,
    driven: &mut Driven,
    what: &str,
    goes_on: impl Fn(&str) -> bool,
) -> f64 {
    let mut times = Vec::new();
    while times.len() < KEYS && goes_on(&driven.text()) {
        // Back and forth, so that there always is a row to go to.
        let key = if times.len() % 16 < 8 { DOWN } else { "k" };
        times.push(driven.key(key));
    }
    let count = times.len();
    let (median, most) = spread(times);
    let figure = format!("median {median:.1} ms, {most:.1} ms at the most, {count} keys");
    report.row(what, &figure, "", "< 50 ms");
    median
}

fn authscope(report: &mut Report, capture: &Path, folder: &Path) -> Figures {
    let path = capture.to_string_lossy();
    let mut firsts: Vec<Duration> = Vec::new();
    for _ in 0..5 {
        let mut driven = Driven::start(&[AUTHSCOPE, "tui", &path]);
        firsts.push(driven.wait_for(|text| text.contains("\n>")));
        driven.end();
    }
    let (first, most) = spread(firsts);
    report.row(
        "`authscope tui`, first screen with rows",
        &format!("median {first:.0} ms, {most:.0} ms at the most, 5 runs"),
        "",
        "< 300 ms",
    );
    let mut driven = Driven::start(&[AUTHSCOPE, "tui", &path]);
    let began = Instant::now();
    driven.wait_for(|text| text.contains("\n>"));
    let key = keys(
        report,
        &mut driven,
        "a key while the file is read",
        |text| text.contains("reading"),
    );
    driven.wait_for(|text| !text.contains("reading"));
    report.row(
        "all read and counted",
        &format!("{:.1} s", began.elapsed().as_secs_f64()),
        "",
        "",
    );
    keys(report, &mut driven, "a key with nothing going on", |_| true);
    driven.press("/reglogin.status == 0 || tcp.analysis.retransmission\r");
    driven.wait_for(|text| text.contains("filter:"));
    keys(report, &mut driven, "a key while a filter works", |text| {
        text.contains('%')
    });
    driven.wait_for(|text| !text.contains('%'));
    // Ends what a filter does.
    driven.press("/\u{15}reglogin.status == 1\r");
    driven.wait_for(|text| text.contains('%'));
    driven.press(ESCAPE);
    let idle = driven.wait_until_idle();
    report.row(
        "Esc while a filter works, until the processor rests",
        &format!("{idle:.0} ms"),
        "",
        "",
    );
    driven.press("ojjj\r");
    keys(report, &mut driven, "a key while rows are sorted", {
        let began = Instant::now();
        move |_| began.elapsed() < Duration::from_millis(800)
    });
    let saved = folder.join("saved.jsonl");
    // As JSON lines, into this file.
    driven.press("w\u{1b}[A\u{1b}[A\u{1b}[C\u{1b}[C\u{1b}[B\u{1b}[B\u{15}");
    driven.press(&format!("{}\r", saved.to_string_lossy()));
    keys(report, &mut driven, "a key while a file is written", |_| {
        !saved.exists()
    });
    driven.press("v");
    driven.wait_for(|text| text.contains("Details of frame"));
    let middle = scaled(FRAMES) / 2;
    driven.press(&format!(":{middle}\r"));
    let began = Instant::now();
    driven.wait_for(|text| text.contains(&format!("Details of frame {middle}")));
    report.row(
        "going to a frame in the middle, with its details",
        &format!("{:.0} ms", milliseconds(began.elapsed())),
        "",
        "",
    );
    let memory = driven.peak_mebibytes();
    report.row("memory at the most", &format!("{memory} MiB"), "", "300 MB");
    driven.end();
    Figures { first, key, memory }
}

/// Rows of another program beside ours.
fn beside(report: &mut Report, name: &str, theirs: &Figures, ours: &Figures) {
    let row = |report: &mut Report, what: &str, unit: &str, theirs: f64, ours: f64| {
        report.row(
            &format!("{name}: {what}"),
            &format!("{theirs:.0} {unit}"),
            &format!("{:.1} times ours", theirs / ours),
            "",
        );
    };
    row(
        report,
        "first screen with rows",
        "ms",
        theirs.first,
        ours.first,
    );
    row(
        report,
        "a key while it reads, median",
        "ms",
        theirs.key,
        ours.key,
    );
    let (one, other) = (theirs.memory as f64, ours.memory as f64);
    row(report, "memory at the most", "MiB", one, other);
}

/// How long another program is watched while it reads.
const WATCHED: Duration = Duration::from_secs(90);

fn other(program: &[&str], has_rows: impl Fn(&str) -> bool) -> Option<Figures> {
    if !driven::is_installed(program[0]) {
        println!("{} is not installed: left out", program[0]);
        return None;
    }
    let mut driven = Driven::start(program);
    let began = Instant::now();
    let first = milliseconds(driven.wait_for(has_rows));
    let mut times = Vec::new();
    for _ in 0..40 {
        times.push(driven.key("\u{1b}[B"));
    }
    let (key, _) = spread(times);
    // It reads on; what it takes is known once it rests.
    while began.elapsed() < WATCHED && !driven.is_idle() {}
    let memory = driven.peak_mebibytes();
    driven.end();
    Some(Figures { first, key, memory })
}

fn termshark(report: &mut Report, capture: &Path, ours: &Figures) {
    let path = capture.to_string_lossy();
    let has_rows = |text: &str| text.contains("TCP") || text.contains("SMPP");
    if let Some(theirs) = other(&["termshark", "-r", &path], has_rows) {
        beside(report, "termshark 2.4, the same file", &theirs, ours);
    }
}

fn sngrep(report: &mut Report, calls: &Path, frames: u64, ours: &Figures) {
    let path = calls.to_string_lossy();
    let limit = (frames / sip::FRAMES_A_CALL + 1).to_string();
    let has_rows = |text: &str| text.contains("INVITE");
    if let Some(theirs) = other(&["sngrep", "-l", &limit, "-I", &path], has_rows) {
        beside(report, "sngrep 1.6, SIP of as many frames", &theirs, ours);
    }
}
