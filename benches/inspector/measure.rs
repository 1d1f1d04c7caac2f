//! Time by hyperfine, peak memory by GNU time.

use std::process::{Command, Stdio};

use serde_json::Value;

/// Medians over the runs of a command, in seconds.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    pub wall: f64,
    /// User and system together.
    pub processor: f64,
}

/// Each command timed, all in one hyperfine run; `None` for a program that is not installed.
pub fn time<const N: usize>(commands: [String; N]) -> [Option<Timing>; N] {
    commands.map(|command| {
        let program = command.split(' ').next().unwrap_or_default();
        is_installed(program).then(|| hyperfine(&command))
    })
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
        .args(["--shell=none", "--warmup=1", "--runs=5", "--export-json"])
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

/// The most memory that a command had at a time; `None` where there is no GNU time.
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
