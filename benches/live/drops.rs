//! Frames that the kernel drops because a program does not read them in time.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::listener::{Listener, authscope, number_before, tcpdump};
use super::report::Report;
use super::traffic::{Sent, Traffic};
use super::{RUNS, time};

/// Exchanges a second of each sender in the first step, and by how much each step sends more than the one before.
const FIRST: f64 = 20_000.0;
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

/// What is sent, and by how many: as many as leave a core to the program that captures, or as many as
/// there are cores.
struct Load<'a> {
    traffic: &'a Traffic,
    senders: usize,
    rate: f64,
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
        self.run(&mut tcpdump(self.traffic.port(), &["-w", path]), words)
    }

    fn authscope(&self, arguments: &[&str]) -> Run {
        let rows = File::create(file()).expect("a file for the rows");
        let mut command = authscope(self.traffic.port(), arguments);
        let words = [" frames, ", " frames dropped by the kernel"];
        let run = self.run(command.stdout(rows), words);
        if run.dropped == 0 {
            assert_eq!(run.messages, Some(2 * run.sent.exchanges), "messages lost");
        }
        run
    }

    /// Raises the rate to the highest at which tcpdump drops nothing; whether the senders were at
    /// their end before it was.
    fn raise(&mut self) -> bool {
        let mut highest: f64 = 0.0;
        loop {
            let mut run = self.tcpdump();
            if run.dropped > 0 {
                // What else runs on the machine may be to blame once.
                run = self.tcpdump();
            }
            let sent = run.sent.per_second();
            if run.dropped == 0 {
                highest = highest.max(sent);
            }
            let at_end = sent < self.rate * REACHED;
            if run.dropped > 0 || at_end {
                self.rate = highest;
                return run.dropped == 0;
            }
            self.rate *= STEP;
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
    let traffic = Traffic::new();
    for (senders, place) in [
        (cores.saturating_sub(1).max(1), "a core is left to it"),
        (cores, "it shares all cores with senders"),
    ] {
        let mut load = Load {
            traffic: &traffic,
            senders,
            rate: FIRST * senders as f64,
        };
        let end = if load.raise() {
            "more could not be sent"
        } else {
            "it drops some at more"
        };
        report.row(
            &format!("Highest rate at which `tcpdump -w FILE` drops nothing; {place}"),
            &format!("{:.0} exchanges a second; {end}", load.rate),
            "",
            "",
        );
        let mut runs: [Vec<Run>; 3] = Default::default();
        for _ in 0..RUNS {
            runs[0].push(load.tcpdump());
            runs[1].push(load.authscope(&["-T", "text"]));
            runs[2].push(load.authscope(&[]));
        }
        let peer = fastest(&runs[0]);
        for (what, goal, runs) in [
            ("`tcpdump -w FILE`", "", &runs[0]),
            ("`authscope live -T text > FILE`", "none", &runs[1]),
            ("`authscope live > FILE`, the table", "none", &runs[2]),
        ] {
            report.row(
                &format!("Frames dropped by {what}, sent as fast as that, in {RUNS} runs"),
                &in_words(runs),
                &format!("{:.2}", fastest(runs) / peer),
                goal,
            );
        }
    }
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
