//! The captures that are read. They are checked before anything is timed.

use std::path::PathBuf;
use std::process::Command;

use authscope::synth::load::{Load, Truth};
use serde_json::Value;

use super::AUTHSCOPE;

/// A capture in Cargo's folder for temporary files of benchmarks, and what is in it. It is removed with this value.
pub struct Capture {
    path: PathBuf,
    pub connections: u64,
    pub truth: Truth,
    background: f64,
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

impl Capture {
    /// 3,000,000 frames in 100,000 connections.
    pub fn base() -> Self {
        Self::make("base", 3_000_000, 100_000, |_| ())
    }

    /// As many frames in a tenth of the connections.
    pub fn few() -> Self {
        Self::make("few-connections", 3_000_000, 10_000, |_| ())
    }

    /// A tenth of the frames and connections.
    pub fn small() -> Self {
        Self::make("small", 300_000, 10_000, |_| ())
    }

    /// 10,000,000 frames, of which one in 1,000 is RegLogin.
    pub fn other_traffic() -> Self {
        Self::make("other-traffic", 10_000_000, 400, |load| {
            load.background = 0.999;
        })
    }

    /// 1,000,000 connections, none of them closed.
    pub fn open() -> Self {
        Self::make("open", 7_000_000, 1_000_000, |load| load.open = true)
    }

    /// About so many frames, of connections that are all in progress at the same time.
    pub fn at_once(frames: u64, connections: u64) -> Self {
        Self::make(
            &format!("{connections}-at-once"),
            frames,
            connections,
            |load| {
                load.open = true;
                load.active = load.connections as usize;
            },
        )
    }

    fn make(name: &str, frames: u64, connections: u64, change: impl Fn(&mut Load)) -> Self {
        let mut load = Load {
            frames: scaled(frames),
            connections: scaled(connections),
            ..Load::default()
        };
        change(&mut load);
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("bench");
        std::fs::create_dir_all(&folder).expect("the folder for captures is made");
        let path = folder.join(name).with_extension("pcap");
        let file = std::fs::File::create(&path).expect("the capture is made");
        let truth = load.write(file).expect("the capture is written");
        let capture = Self {
            path,
            connections: load.connections,
            truth,
            background: load.background,
        };
        capture.check();
        capture
    }

    pub fn path(&self) -> std::path::Display<'_> {
        self.path.display()
    }

    /// The capture in a few words.
    pub fn about(&self) -> String {
        let Truth { frames, octets, .. } = self.truth;
        let connections = self.connections;
        let others = if self.background > 0.0 {
            format!(", {}% other people's", self.background * 100.0)
        } else {
            String::new()
        };
        format!(
            "{frames} frames in {connections} connections{others}, {} MB",
            octets / 1_000_000
        )
    }

    /// Checks the counts of `authscope stats` against the truth.
    fn check(&self) {
        let output = Command::new(AUTHSCOPE)
            .args(["stats", "-T", "json", "--top", "1"])
            .arg(&self.path)
            .output()
            .expect("authscope runs");
        let counts: Value = serde_json::from_slice(&output.stdout).expect("stats are JSON");
        let message = |name: &str| counts["messages"][name].as_u64();
        let outcomes = |what: &str| {
            let of = |action: &str| counts["outcomes"][format!("{action} {what}")].as_u64();
            of("registration").zip(of("login")).map(|(a, b)| a + b)
        };
        let Truth {
            frames,
            streams,
            registration_requests,
            registration_responses,
            login_requests,
            login_responses,
            successes,
            failures,
            ..
        } = self.truth;
        for (what, found, truth) in [
            ("frames", counts["frames"].as_u64(), frames),
            ("streams", counts["streams"].as_u64(), streams),
            (
                "registration requests",
                message("registration request"),
                registration_requests,
            ),
            (
                "registration responses",
                message("registration response"),
                registration_responses,
            ),
            ("login requests", message("login request"), login_requests),
            (
                "login responses",
                message("login response"),
                login_responses,
            ),
            ("successes", outcomes("success"), successes),
            ("failures", outcomes("failure"), failures),
        ] {
            assert_eq!(found, Some(truth), "{what} of {}", self.path());
        }
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        // Captures are large, and quickly made again.
        let _ = std::fs::remove_file(&self.path);
    }
}
