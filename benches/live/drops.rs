//! Frames that the kernel drops because a program does not read them in time.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::listener::{Listener, authscope, number_before, tcpdump};
use super::report::Report;
use super::traffic::{Sent, Traffic};
use super::{RUNS, time};

/// Segments a second of each sender in the first step, and by how much each step sends more than the one before.
const FIRST: f64 = 40_000.0;
const STEP: f64 = 1.4;

/// Share of the rate asked for below which the senders are at their end.
const REACHED: f64 = 0.95;

/// What a run came to.
struct Run {
    sent: Sent,
    frames: u64,
    dropped: u64,
    /// Messages of both kinds, where the program knows them.
    messages: Option<u64>,
}

/// Where captures and rows go: a file on the disk of the build directory, written anew each time.
fn file() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench-live")
}

/// Bytes of a small segment.
const SMALL: usize = 8;

/// MiB of a small buffer: the smallest that `live` takes.
const SMALL_BUFFER: u32 = 1;

/// Senders for each core at the most, where tcpdump is to drop frames.
const CROWD: usize = 8;

/// What is sent, by how many, and how much memory the kernel has for what waits.
struct Load<'a> {
    traffic: &'a Traffic,
    senders: usize,
    /// Exchanges a second.
    rate: f64,
    /// MiB of the kernel's buffer; none is each program's own choice.
    buffer: Option<u32>,
}

/// Rates between which tcpdump begins to drop frames, in exchanges a second.
struct Limit {
    /// The highest at which it dropped none.
    kept: f64,
    /// The next, at which it dropped some; none where the senders could not send as much.
    dropping: Option<f64>,
}

impl Load<'_> {
    /// Sends while `command` captures; `words` stand behind the frames and the drops that it tells.
    fn run(&self, command: &mut Command, words: [&str; 2]) -> Run {
        let listener = Listener::start(command).unwrap_or_else(|said| panic!("{said}"));
        let sent = self.traffic.send(self.senders, self.rate, time());
        let said = listener.end();
        let number = |words| number_before(words, &said);
        let [frames, dropped] =
            words.map(|words| number(words).unwrap_or_else(|| panic!("no {words:?} in {said}")));
        let run = Run {
            sent,
            frames,
            dropped,
            messages: number(" messages"),
        };
        println!(
            "{}, {} sending: {:.0} exchanges a second sent of {:.0}, {frames} frames, {dropped} dropped",
            command.get_program().display(),
            self.senders,
            run.sent.per_second(),
            self.rate,
        );
        run
    }

    fn tcpdump(&self) -> Run {
        let path = file();
        let path = path.to_str().expect("a path of UTF-8");
        let words = [" packets captured", " packets dropped by kernel"];
        let mut arguments = vec!["-w", path];
        let kibibytes = self.buffer.map(|size| (size * 1024).to_string());
        if let Some(size) = &kibibytes {
            arguments.extend(["-B", size]);
        }
        self.run(&mut tcpdump(self.traffic.port(), &arguments), words)
    }

    fn authscope(&self, arguments: &[&str]) -> Run {
        let rows = File::create(file()).expect("a file for the rows");
        let mut command = authscope(self.traffic.port(), arguments);
        if let Some(size) = self.buffer {
            command.args(["-B", &size.to_string()]);
        }
        let words = [" frames, ", " frames dropped by the kernel"];
        let run = self.run(command.stdout(rows), words);
        if run.dropped == 0 {
            assert_eq!(run.messages, Some(2 * run.sent.exchanges), "messages lost");
        }
        run
    }

    /// Raises the rate until tcpdump drops frames or the senders are at their end.
    fn raise(&mut self) -> Limit {
        let mut kept: f64 = 0.0;
        loop {
            let mut run = self.tcpdump();
            if run.dropped > 0 {
                // What else runs on the machine may be to blame once.
                run = self.tcpdump();
            }
            let sent = run.sent.per_second();
            let dropping = (run.dropped > 0).then_some(self.rate);
            if dropping.is_none() {
                kept = kept.max(sent);
            }
            if dropping.is_some() || sent < self.rate * REACHED {
                return Limit { kept, dropping };
            }
            self.rate *= STEP;
        }
    }

    /// Captures what is sent by tcpdump and by two forms of the inspector, in turns, and writes a row for each.
    fn compare(&self, report: &mut Report, what: &str, goal: &str) {
        let mut runs: [Vec<Run>; 3] = Default::default();
        for _ in 0..RUNS {
            runs[0].push(self.tcpdump());
            runs[1].push(self.authscope(&["-T", "text"]));
            runs[2].push(self.authscope(&[]));
        }
        let peer = fastest(&runs[0]);
        for (program, goal, runs) in [
            ("`tcpdump -w FILE`", "", &runs[0]),
            ("`authscope live -T text > FILE`", goal, &runs[1]),
            ("`authscope live > FILE`, the table", goal, &runs[2]),
        ] {
            report.row(
                &format!("Frames dropped by {program}, {what}, in {RUNS} runs"),
                &in_words(runs),
                &format!("{:.2}", fastest(runs) / peer),
                goal,
            );
        }
    }
}

/// tcpdump and the inspector at the highest rate at which tcpdump drops nothing.
pub fn at_the_highest_rate(report: &mut Report) {
    if !super::is_installed("tcpdump") {
        let what = "Frames dropped at tcpdump's highest rate";
        return report.row(what, "tcpdump is not installed", "", "");
    }
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let traffic = Traffic::in_segments_of(usize::MAX);
    for (senders, place) in [
        (cores.saturating_sub(1).max(1), "a core is left to it"),
        (cores, "it shares all cores with senders"),
    ] {
        let mut load = Load {
            traffic: &traffic,
            senders,
            rate: FIRST / 2.0 * senders as f64,
            buffer: None,
        };
        let limit = load.raise();
        let end = if limit.dropping.is_some() {
            "it drops some at more"
        } else {
            "more could not be sent"
        };
        report.row(
            &format!("Highest rate at which `tcpdump -w FILE` drops nothing; {place}"),
            &format!("{:.0} exchanges a second; {end}", limit.kept),
            "",
            "",
        );
        load.rate = limit.kept;
        load.compare(report, "sent as fast as that", "none");
    }
}

/// tcpdump and the inspector where tcpdump drops frames: many senders, small segments and a small buffer.
pub fn beyond_the_highest_rate(report: &mut Report) {
    let what = format!("many senders, segments of {SMALL} bytes, `-B` of {SMALL_BUFFER} MiB");
    if !super::is_installed("tcpdump") {
        return report.row(&what, "tcpdump is not installed", "", "");
    }
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let traffic = Traffic::in_segments_of(SMALL);
    let segments = traffic.segments_of_an_exchange();
    for crowd in (0..)
        .map(|doublings| 1 << doublings)
        .take_while(|crowd| *crowd <= CROWD)
    {
        let senders = cores * crowd;
        let mut load = Load {
            traffic: &traffic,
            senders,
            rate: FIRST / segments as f64 * cores as f64,
            buffer: Some(SMALL_BUFFER),
        };
        let limit = load.raise();
        let Some(rate) = limit.dropping else { continue };
        report.row(
            &format!("Rate at which `tcpdump -w FILE` drops frames; {what}"),
            &format!(
                "{rate:.0} exchanges a second asked for of {senders} senders, none at {:.0}",
                limit.kept
            ),
            "",
            "",
        );
        load.rate = rate;
        return load.compare(report, "sent as fast as that", "no more than tcpdump");
    }
    report.row(
        &format!("Rate at which `tcpdump -w FILE` drops frames; {what}"),
        &format!("none was found with up to {} senders", cores * CROWD),
        "",
        "",
    );
}

/// Frames captured a second in the run with the most.
fn fastest(runs: &[Run]) -> f64 {
    let rates = runs
        .iter()
        .map(|run| run.frames as f64 / run.sent.took.as_secs_f64());
    rates.fold(0.0, f64::max)
}

/// The drops of each run, and what they are to be held against.
fn in_words(runs: &[Run]) -> String {
    let drops: Vec<String> = runs.iter().map(|run| run.dropped.to_string()).collect();
    format!(
        "{}; up to {:.0} frames a second captured",
        drops.join(", "),
        fastest(runs)
    )
}
