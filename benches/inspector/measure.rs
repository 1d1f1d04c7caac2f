//! Measures time with hyperfine, and peak memory with GNU time.

use std::process::{Command, Stdio};

use serde_json::Value;

/// The time of a command in seconds.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    pub wall: f64,
    /// User and system together.
    pub processor: f64,
}

/// Timed runs of each command.
const ROUNDS: usize = 5;

/// Times the commands in turns, so that other load on the machine affects all of them alike. `None` for a program that is not
/// installed.
pub fn time<const N: usize>(commands: &[String; N]) -> [Option<Timing>; N] {
    let mut timings = [const { Vec::new() }; N];
    // The first round warms up.
    for round in 0..=ROUNDS {
        for (command, timings) in commands.iter().zip(&mut timings) {
            let program = command.split(' ').next().unwrap_or_default();
            if !is_installed(program) {
                continue;
            }
            let timing = hyperfine(command);
            if round > 0 {
                timings.push(timing);
            }
        }
    }
    timings.map(|timings| {
        Some(Timing {
            wall: median(timings.iter().map(|timing| timing.wall))?,
            processor: median(timings.iter().map(|timing| timing.processor))?,
        })
    })
}

fn median(figures: impl Iterator<Item = f64>) -> Option<f64> {
    let mut figures: Vec<_> = figures.collect();
    figures.sort_unstable_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied()
}

fn is_installed(program: &str) -> bool {
    let spawned = Command::new(program)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    spawned.is_ok()
}

fn hyperfine(command: &str) -> Timing {
    let folder = tempfile::tempdir().expect("a temporary folder is made");
    let file = folder.path().join("times.json");
    let status = Command::new("hyperfine")
        .args(["--shell=none", "--runs=1", "--style=none", "--export-json"])
        .arg(&file)
        .arg(command)
        .status()
        .expect("hyperfine runs; tools/setup.sh bench installs it");
    assert!(status.success(), "hyperfine failed on: {command}");
    let text = std::fs::read(&file).expect("hyperfine wrote its results");
    let results: Value = serde_json::from_slice(&text).expect("hyperfine's results are JSON");
    let result = &results["results"][0];
    let number = |key: &str| result[key].as_f64().expect("hyperfine gives times");
    Timing {
        wall: number("median"),
        processor: number("user") + number("system"),
    }
}

/// The peak memory of a command in bytes; `None` without GNU time.
pub fn peak_octets(command: &str) -> Option<u64> {
    let output = Command::new("/usr/bin/time")
        .args(["-f", "%M"])
        .args(command.split_whitespace())
        .stdout(Stdio::null())
        .output()
        .ok()?;
    let errors = String::from_utf8_lossy(&output.stderr);
    let kibibytes: u64 = errors.lines().last()?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}
