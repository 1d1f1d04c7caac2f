//! Measures the terminal interface on a capture of 3,000,000 frames: the time to the first screen, the time of a key while it
//! reads, filters, sorts and writes, and memory. For comparison it measures termshark on the same file, and sngrep on a SIP
//! capture of as many frames. All of them run in a pseudo-terminal whose screen is read. `make bench-tui` runs it and writes
//! the table into `docs/performance.md`.
//!
//! `cargo bench --bench tui -- termshark` measures that program alone, and so on; each has a table of its own.
//! `AUTHSCOPE_BENCH_SCALE=0.01` makes every capture a hundredth of its size, for a quick look.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "numbers of its own making"
)]

mod driven;
mod sip;

#[path = "../report/mod.rs"]
mod report;
#[path = "../../tests/support/terminal.rs"]
mod terminal;

/// The longest wait, for the shared code of tests.
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

/// The most keys that are timed in a row.
const KEYS: usize = 400;

const ESCAPE: &str = "\u{1b}";

/// The programs: one of these as an argument, or all without one.
const PARTS: [&str; 3] = ["authscope", "termshark", "sngrep"];

fn main() {
    // Cargo runs benchmarks under `cargo test --benches` as well; there is nothing to test here.
    let arguments: Vec<String> = std::env::args().collect();
    if !arguments.iter().any(|argument| argument == "--bench") {
        return;
    }
    let named = |part: &&str| arguments.iter().any(|argument| argument == part);
    let is_any_named = PARTS.iter().any(named);
    let is_asked = |part: &str| !is_any_named || named(&part);
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("bench-tui");
    std::fs::create_dir_all(&folder).expect("a folder for captures");
    let capture = folder.join("load.pcap");
    let load = Load {
        frames: scaled(FRAMES),
        connections: scaled(CONNECTIONS),
        ..Load::default()
    };
    load.write(File::create(&capture).expect("a capture"))
        .expect("a capture");
    if is_asked("authscope") {
        authscope(&capture, &folder);
    }
    if is_asked("termshark") {
        termshark(&capture);
    }
    if is_asked("sngrep") {
        sngrep(&capture, &folder.join("calls.pcap"));
    }
    std::fs::remove_dir_all(&folder).expect("the captures are removed");
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

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// The median and the largest, in milliseconds.
fn spread(mut times: Vec<Duration>) -> (f64, f64) {
    times.sort_unstable();
    let at = |at: usize| times.get(at).copied().map_or(f64::NAN, milliseconds);
    (at(times.len() / 2), at(times.len().saturating_sub(1)))
}

/// Times keys while the screen satisfies `goes_on`, for at most `patience`. Returns also the number of unanswered keys.
fn times(
    driven: &mut Driven,
    patience: Duration,
    goes_on: impl Fn(&str) -> bool,
) -> (Vec<Duration>, usize) {
    let (mut times, mut unanswered) = (Vec::new(), 0);
    let began = Instant::now();
    while times.len() < KEYS && began.elapsed() < patience && goes_on(&driven.text()) {
        // Up and down, so that there is always another row.
        let key = ["j", "k"][times.len() / 8 % 2];
        match driven.key(key) {
            Some(time) => times.push(time),
            None => unanswered += 1,
        }
    }
    (times, unanswered)
}

/// Times keys, and writes a row.
fn keys(report: &mut Report, driven: &mut Driven, what: &str, goes_on: impl Fn(&str) -> bool) {
    let (times, unanswered) = times(driven, Duration::from_secs(30), goes_on);
    let count = times.len();
    let (median, most) = spread(times);
    let unanswered = match unanswered {
        0 => String::new(),
        count => format!(", {count} without an answer"),
    };
    let figure =
        format!("median {median:.1} ms, {most:.1} ms at the most, {count} keys{unanswered}");
    report.row(what, &figure, "", "< 50 ms");
}

/// Whether the screen has a list of exchanges.
fn has_rows(text: &str) -> bool {
    text.contains("\n>")
}

fn first_screens(report: &mut Report, path: &str) {
    let mut firsts: Vec<Duration> = Vec::new();
    for _ in 0..5 {
        let mut driven = Driven::start(&[AUTHSCOPE, "tui", path]);
        firsts.push(driven.wait_for(has_rows));
    }
    let (first, most) = spread(firsts);
    report.row(
        "first screen with rows",
        &format!("median {first:.0} ms, {most:.0} ms at the most, 5 runs"),
        "",
        "< 300 ms",
    );
}

fn authscope(capture: &Path, folder: &Path) {
    let mut report = Report::start(
        "## Terminal interface",
        "`make bench-tui`, in a pseudo-terminal of 120 columns and 40 rows, with the file in the page cache: a RegLogin\n\
         capture of 3,000,000 frames and 100,000 connections. The time of a key is from the key press to the change on the screen.",
    );
    let report = &mut report;
    let path = capture.to_string_lossy();
    first_screens(report, &path);
    let mut driven = Driven::start(&[AUTHSCOPE, "tui", &path]);
    let driven = &mut driven;
    let began = Instant::now();
    driven.wait_for(has_rows);
    keys(report, driven, "a key while the file is read", |text| {
        text.contains("reading")
    });
    driven.wait_for(|text| !text.contains("reading"));
    let seconds = began.elapsed().as_secs_f64();
    report.row("all read and counted", &format!("{seconds:.1} s"), "", "");
    memory(report, driven, "memory at the most, all read", "");
    keys(report, driven, "a key with nothing going on", |_| true);
    // A filter that matches every frame.
    driven.press("/frame.number > 0 || reglogin\r");
    driven.wait_for(|text| text.contains("%: frame") && has_rows(text));
    let began = Instant::now();
    keys(
        report,
        driven,
        "a key while a filter works that takes every frame",
        |text| text.contains("%: frame"),
    );
    driven.wait_for(|text| text.contains("filter: frame"));
    let seconds = began.elapsed().as_secs_f64();
    report.row(
        "that filter, all frames looked at",
        &format!("{seconds:.1} s"),
        "",
        "",
    );
    memory(
        report,
        driven,
        "memory at the most, with that filter",
        "300 MB",
    );
    driven.press("/\u{15}reglogin.status == 1\r");
    driven.wait_for(|text| text.contains("%: reglogin"));
    driven.press(ESCAPE);
    let idle = driven.wait_until_idle();
    report.row(
        "Esc while a filter works, until the processor rests",
        &format!("{idle:.0} ms"),
        "",
        "",
    );
    driven.press("/\u{15}\r");
    driven.wait_for(|text| has_rows(text) && !text.contains("filter: ") && !text.contains("%: "));
    driven.press("ojj\r");
    keys(
        report,
        driven,
        "a key in the second after rows are to be sorted by user",
        {
            let began = Instant::now();
            move |_| began.elapsed() < Duration::from_secs(1)
        },
    );
    let saved = folder.join("saved.jsonl");
    // Saves as JSON lines into this file.
    driven.press("w\u{1b}[A\u{1b}[A\u{1b}[C\u{1b}[C\u{1b}[B\u{1b}[B\u{15}");
    driven.press(&format!("{}\r", saved.to_string_lossy()));
    driven.wait_for(|text| text.contains("saving"));
    keys(
        report,
        driven,
        "a key while a file of JSON lines is written",
        |_| !saved.exists(),
    );
    driven.wait_for(|text| text.contains("saved"));
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
    memory(report, driven, "memory at the most, all of that", "300 MB");
    report.write();
}

fn memory(report: &mut Report, driven: &Driven, what: &str, goal: &str) {
    let bytes = driven.peak_bytes();
    let figure = format!("{} MB ({} MiB)", bytes / 1_000_000, bytes >> 20);
    report.row(what, &figure, "", goal);
}

/// A program to watch.
struct Watched<'a> {
    command: &'a [&'a str],
    has_rows: &'a dyn Fn(&str) -> bool,
}

/// How long a program may take until its first rows, and how long it is watched in total.
const FIRST: Duration = Duration::from_mins(1);
const WATCHED: Duration = Duration::from_secs(100);

/// Measures a program: the time until its first rows, its keys, whether it finishes in time, and its memory.
fn watch(report: &mut Report, name: &str, watched: &Watched<'_>) {
    let mut driven = Driven::start(watched.command);
    let began = Instant::now();
    let first = driven.wait_at_most(FIRST, watched.has_rows);
    let shown = first.map_or_else(
        || format!("none in {} s", FIRST.as_secs()),
        |first| format!("{:.0} ms", milliseconds(first)),
    );
    report.row(&format!("{name}: first screen with rows"), &shown, "", "");
    if first.is_some() {
        let (times, unanswered) = times(&mut driven, Duration::from_secs(20), |_| true);
        let count = times.len();
        let (median, most) = spread(times);
        let figure = format!(
            "median {median:.1} ms, {most:.1} ms at the most, {count} keys, {unanswered} without an answer"
        );
        report.row(&format!("{name}: a key from then on"), &figure, "", "");
    }
    let mut rests = driven.is_idle();
    while !rests && began.elapsed() < WATCHED {
        rests = driven.is_idle();
    }
    let seconds = began.elapsed().as_secs_f64();
    let figure = if rests {
        format!("at rest after {seconds:.1} s at the most")
    } else {
        format!("still at work after {seconds:.0} s")
    };
    report.row(&format!("{name}: all read"), &figure, "", "");
    memory(
        report,
        &driven,
        &format!("{name}: memory by then, its children's included"),
        "",
    );
    if std::env::var_os("AUTHSCOPE_BENCH_SCREENS").is_some() {
        println!("{}", driven.text());
    }
}

fn ours(report: &mut Report, capture: &Path) {
    let path = capture.to_string_lossy();
    let watched = Watched {
        command: &[AUTHSCOPE, "tui", &path],
        has_rows: &has_rows,
    };
    watch(report, "authscope", &watched);
}

fn is_there(program: &str) -> bool {
    let found = driven::is_installed(program);
    if !found {
        println!("{program} is not installed: left out");
    }
    found
}

fn termshark(capture: &Path) {
    if !is_there("termshark") {
        return;
    }
    let mut report = Report::start(
        "## Terminal interface beside termshark",
        "`cargo bench --bench tui -- termshark`: termshark 2.4 and Authscope run one after the other on the same capture of\n\
         3,000,000 frames, for at most 100 s each.",
    );
    ours(&mut report, capture);
    let path = capture.to_string_lossy();
    let watched = Watched {
        command: &["termshark", "-r", &path],
        has_rows: &|text: &str| text.contains("TCP") || text.contains("SMPP"),
    };
    watch(&mut report, "termshark", &watched);
    report.write();
}

fn sngrep(capture: &Path, calls: &Path) {
    if !is_there("sngrep") {
        return;
    }
    let mut report = Report::start(
        "## Terminal interface beside sngrep",
        "`cargo bench --bench tui -- sngrep`: sngrep 1.6 on a SIP capture of 3,000,000 frames, and Authscope on a\n\
         RegLogin capture with as many frames, for at most 100 s each. sngrep keeps all calls (`-l`).",
    );
    ours(&mut report, capture);
    let frames = sip::write(calls, scaled(FRAMES)).expect("a capture of SIP");
    let path = calls.to_string_lossy();
    let limit = (frames / sip::FRAMES_A_CALL + 1).to_string();
    let watched = Watched {
        command: &["sngrep", "-l", &limit, "-I", &path],
        has_rows: &|text: &str| text.contains("INVITE"),
    };
    watch(&mut report, "sngrep", &watched);
    report.write();
}
