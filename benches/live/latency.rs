//! Measures how long after its capture a frame's line arrives on a pipe.

use std::io::{BufRead, Read};
use std::process::{ChildStdout, Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use hdrhistogram::Histogram;
use serde_json::Value;

use super::listener::{Listener, authscope, number_before, tcpdump};
use super::report::Report;
use super::traffic::{Sent, Traffic};
use super::{RUNS, time};

/// Exchanges per second: a busy rate, and one at which each frame comes alone.
const RATES: [f64; 2] = [1_000.0, 20.0];

/// Reads the frame's time from a line, in seconds since 1970.
type TimeOf = fn(&str) -> Option<f64>;

/// The nth word of a line.
fn word<const N: usize>(line: &str) -> Option<f64> {
    line.split_whitespace().nth(N)?.parse().ok()
}

fn json(line: &str) -> Option<f64> {
    let object: Value = serde_json::from_str(line).ok()?;
    object["time"].as_f64()
}

/// The result of a run.
struct Run {
    sent: Sent,
    /// Microseconds from capture to arrival of each line.
    times: Histogram<u64>,
    /// The program's last output on standard error.
    said: String,
}

/// Microseconds since 1970.
fn now() -> f64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.expect("a clock that is set").as_secs_f64() * 1e6
}

/// Reads all lines, and records the time from each frame's capture to the line's arrival.
fn read(mut out: ChildStdout, time_of: TimeOf) -> Histogram<u64> {
    let mut times = Histogram::new(3).expect("three digits are possible");
    let mut waiting = Vec::new();
    let mut piece = vec![0; 1 << 16];
    loop {
        let read = out.read(&mut piece).expect("the lines are read");
        if read == 0 {
            break;
        }
        let arrived = now();
        waiting.extend_from_slice(&piece[..read]);
        let whole = memchr::memrchr(b'\n', &waiting).map_or(0, |at| at + 1);
        for line in waiting[..whole].lines() {
            let line = line.expect("lines are UTF-8");
            if line.is_empty() {
                continue; // tcpdump ends with one.
            }
            let time = time_of(&line).unwrap_or_else(|| panic!("no time in {line}"));
            #[allow(clippy::cast_sign_loss)] // Not below zero.
            let took = (arrived - time * 1e6).max(0.0) as u64;
            times.record(took).expect("any number can be recorded");
        }
        waiting.drain(..whole);
    }
    assert!(waiting.is_empty(), "half a line was left");
    times
}

fn run(mut command: Command, traffic: &Traffic, rate: f64, time_of: TimeOf) -> Run {
    let started = Listener::start(command.stdout(Stdio::piped()));
    let mut listener = started.unwrap_or_else(|said| panic!("{said}"));
    let out = listener.output().expect("its lines are piped");
    let reading = std::thread::spawn(move || read(out, time_of));
    let sent = traffic.send(1, rate, time());
    let said = listener.end();
    let times = reading.join().expect("the lines are read");
    let run = Run { sent, times, said };
    println!("{}: {}", command.get_program().display(), in_words(&run));
    run
}

/// The run with the lowest 99th percentile.
fn best(mut run: impl FnMut() -> Run) -> Run {
    let runs = (0..RUNS).map(|_| run());
    let best = runs.min_by_key(|run| run.times.value_at_quantile(0.99));
    best.expect("there are runs")
}

fn in_words(run: &Run) -> String {
    let at = |quantile| run.times.value_at_quantile(quantile) as f64 / 1e3;
    format!(
        "p50 {:.1} ms, p99 {:.1} ms, the longest {:.1} ms; {} lines",
        at(0.5),
        at(0.99),
        at(1.0),
        run.times.len()
    )
}

/// The time from a frame's capture to its line.
pub fn from_frame_to_line(report: &mut Report) {
    let traffic = Traffic::in_segments_of(usize::MAX);
    for rate in RATES {
        let what = |program: &str| {
            format!(
                "From a frame's capture to its line on a pipe, {program}, {rate} exchanges a second"
            )
        };
        let text = best(|| {
            let command = authscope(traffic.port(), &["-T", "text", "--time", "epoch"]);
            let run = run(command, &traffic, rate, word::<1>);
            let frames = number_before(" frames, ", &run.said);
            assert_eq!(frames, Some(run.times.len()), "frames without a line");
            run
        });
        let json = best(|| {
            let command = authscope(traffic.port(), &["-T", "jsonl"]);
            let run = run(command, &traffic, rate, json);
            assert_eq!(run.times.len(), 2 * run.sent.exchanges, "messages missing");
            run
        });
        let goal = "p99 under 20 ms";
        report.row(&what("`-T text`"), &in_words(&text), "", goal);
        report.row(&what("`-T jsonl`"), &in_words(&json), "", goal);
        if super::is_installed("tcpdump") {
            let command = || tcpdump(traffic.port(), &["-l", "-tt"]);
            let peer = best(|| run(command(), &traffic, rate, word::<0>));
            report.row(&what("`tcpdump -l`"), &in_words(&peer), "", "");
        }
    }
}
