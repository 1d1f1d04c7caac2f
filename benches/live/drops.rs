//! Counts the frames that the kernel drops because a program does not read them in time.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::listener::{Listener, authscope, number_before, tcpdump};
use super::report::Report;
use super::traffic::{Sent, Traffic};
use super::{RUNS, time};

/// Segments per second of each sender in the first step, and the factor from one step to the next.
const FIRST: f64 = 40_000.0;
const STEP: f64 = 1.4;

/// The senders are at their limit if they reach less than this share of the rate.
const REACHED: f64 = 0.95;

/// The result of a run.
struct Run {
    sent: Sent,
    frames: u64,
    dropped: u64,
    /// Requests and responses found, if the program counts them.
    messages: Option<u64>,
}

/// The file for captures and rows, on the disk of the build directory. It is overwritten each time.
fn file() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench-live")
}

/// Payload of a small segment in bytes.
const SMALL: usize = 8;

/// Size of a small buffer in MiB: the smallest that `live` accepts.
const SMALL_BUFFER: u32 = 1;

/// The most senders per core, to make tcpdump drop frames.
const CROWD: usize = 8;

/// The traffic, the number of senders, their rate, and the kernel's buffer.
struct Load<'a> {
    traffic: &'a Traffic,
    senders: usize,
    /// Exchanges per second.
    rate: f64,
    /// Size of the kernel's buffer in MiB; `None`: each program's default.
    buffer: Option<u32>,
}

/// The rates between which tcpdump begins to drop frames, in exchanges per second.
struct Limit {
    /// The highest rate at which it dropped none.
    kept: f64,
    /// The next rate, at which it dropped some; `None` if the senders could not reach it.
    dropping: Option<f64>,
}

impl Load<'_> {
    /// Sends while `command` captures. `words`: the texts after the numbers of frames and of drops in its output.
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

    /// Raises the rate until tcpdump drops frames or the senders are at their limit.
    fn raise(&mut self) -> Limit {
        let mut kept: f64 = 0.0;
        loop {
            let mut run = self.tcpdump();
            if run.dropped > 0 {
                // Other load on the machine may be the reason once.
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

    /// Captures with tcpdump and with two forms of the inspector, in turns, and writes a row for each.
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

/// tcpdump and the inspector at a rate at which tcpdump drops frames, with many senders, small segments and a small buffer.
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

/// Frames captured per second in the fastest run.
fn fastest(runs: &[Run]) -> f64 {
    let rates = runs
        .iter()
        .map(|run| run.frames as f64 / run.sent.took.as_secs_f64());
    rates.fold(0.0, f64::max)
}

/// The drops of each run, and the highest rate of captured frames.
fn in_words(runs: &[Run]) -> String {
    let drops: Vec<String> = runs.iter().map(|run| run.dropped.to_string()).collect();
    format!(
        "{}; up to {:.0} frames a second captured",
        drops.join(", "),
        fastest(runs)
    )
}
