//! When to begin the next file, when to stop, and how files are named, as in dumpcap.

#![expect(
    clippy::cast_precision_loss,
    reason = "seconds for a file's name and length, shown with few digits"
)]

use std::collections::VecDeque;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::time::Timestamp;

/// The conditions of `-b` (begin the next file) or `-a` (stop).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RotationLimits {
    /// Longest duration of a file (for `-a`, of the run).
    pub duration: Option<Duration>,
    /// Most bytes of a file, which the last frame may exceed.
    pub filesize: Option<u64>,
    /// `-b`: most files that are kept, before the oldest is removed; `-a`: number of files to write.
    pub files: Option<u64>,
    /// Most frames of a file (for `-a`, of the run).
    pub packets: Option<u64>,
}

/// An invalid condition. The text is a clause that begins with the given text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LimitError {
    /// Unknown condition.
    #[error(
        "{0:?} is no condition: known are duration:SECONDS, filesize:KB, files:NUMBER and packets:NUMBER"
    )]
    Unknown(String),
    /// The value is not a number in the valid range.
    #[error("{given:?}: {what} is a {kind} above 0, up to {most}")]
    Value {
        /// The condition as given.
        given: String,
        /// Its name.
        what: &'static str,
        /// Whole or decimal number.
        kind: &'static str,
        /// The largest value.
        most: u64,
    },
    /// The condition was given twice.
    #[error("{0:?}: this condition was given before")]
    Twice(String),
    /// A number of files, without a condition that ends a file.
    #[error(
        "files:NUMBER needs a condition that ends a file: duration:SECONDS, filesize:KB or packets:NUMBER"
    )]
    FilesAlone,
}

impl RotationLimits {
    /// Parses one more condition.
    fn add(&mut self, one: &str) -> Result<(), LimitError> {
        let Some((name, value)) = one.split_once(':') else {
            return Err(LimitError::Unknown(one.to_owned()));
        };
        let whole = |what, most| {
            value
                .parse()
                .ok()
                .filter(|number| (1..=most).contains(number))
                .ok_or_else(|| LimitError::Value {
                    given: one.to_owned(),
                    what,
                    kind: "whole number",
                    most,
                })
        };
        let known = match name {
            "duration" => {
                const MOST: u64 = 100_000_000;
                let seconds = value
                    .parse::<f64>()
                    .ok()
                    .filter(|&seconds| seconds > 0.0 && seconds <= MOST as f64)
                    .ok_or_else(|| LimitError::Value {
                        given: one.to_owned(),
                        what: "duration, in seconds,",
                        kind: "number",
                        most: MOST,
                    })?;
                self.duration
                    .replace(Duration::from_secs_f64(seconds))
                    .is_some()
            }
            "filesize" => {
                let kilo = whole("filesize, in KB of 1000 bytes,", 2_000_000_000)?;
                self.filesize.replace(kilo * 1000).is_some()
            }
            "files" => self.files.replace(whole("files", 100_000)?).is_some(),
            "packets" => self.packets.replace(whole("packets", u64::MAX)?).is_some(),
            _ => return Err(LimitError::Unknown(one.to_owned())),
        };
        if known {
            return Err(LimitError::Twice(one.to_owned()));
        }
        Ok(())
    }

    /// Parses the conditions of one or several options, separated by commas, as in `duration:60,filesize:1000,files:5`.
    /// A KB is 1,000 bytes, as in dumpcap.
    ///
    /// # Errors
    ///
    /// If a condition is unknown, given twice, or has an invalid value.
    pub fn join<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Self, LimitError> {
        let mut limits = Self::default();
        for one in texts.into_iter().flat_map(|text| text.split(',')) {
            limits.add(one.trim())?;
        }
        Ok(limits)
    }

    /// Returns these conditions if they determine when a file ends, as `-b` needs.
    ///
    /// # Errors
    ///
    /// If they do not.
    pub fn ends_files(self) -> Result<Self, LimitError> {
        if self.duration.is_none() && self.filesize.is_none() && self.packets.is_none() {
            return Err(LimitError::FilesAlone);
        }
        Ok(self)
    }

    /// Whether a file (or a run) of this duration, length in bytes and number of frames has reached a limit. The number
    /// of files is not considered.
    #[must_use]
    pub fn reached(&self, duration: Duration, octets: u64, frames: u64) -> bool {
        self.duration.is_some_and(|most| duration >= most)
            || self.filesize.is_some_and(|most| octets >= most)
            || self.packets.is_some_and(|most| frames >= most)
    }
}

/// The files of a capture in several files, of which the oldest may be removed.
#[derive(Debug)]
pub(super) struct Ring {
    limits: RotationLimits,
    path: PathBuf,
    /// Number of the current file, from 1.
    number: u64,
    kept: VecDeque<PathBuf>,
    /// Time of the current file's first frame.
    began: Option<Timestamp>,
}

impl Ring {
    pub(super) fn new(path: &Path, limits: RotationLimits) -> Self {
        Self {
            limits,
            path: path.to_owned(),
            number: 0,
            kept: VecDeque::new(),
            began: None,
        }
    }

    /// Whether a frame of this time must begin the next file. Records the file's first time.
    pub(super) fn due(&mut self, time: Timestamp, octets: u64, frames: u64) -> bool {
        let due = self.would_be_due(time, octets, frames);
        if due || self.began.is_none() {
            self.began = Some(time);
        }
        due
    }

    /// The same, without recording anything.
    pub(super) fn would_be_due(&self, time: Timestamp, octets: u64, frames: u64) -> bool {
        let nanoseconds = time.since(self.began.unwrap_or(time));
        let duration = Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(0));
        frames > 0 && self.limits.reached(duration, octets, frames)
    }

    /// Path of the next file, and of the file to remove for it.
    pub(super) fn next(&mut self, stamp: &str) -> (PathBuf, Option<PathBuf>) {
        self.number += 1;
        let path = numbered(&self.path, self.number, stamp);
        self.kept.push_back(path.clone());
        let most = self.limits.files.unwrap_or(u64::MAX);
        let old = if self.kept.len() as u64 > most {
            self.kept.pop_front()
        } else {
            None
        };
        (path, old)
    }
}

/// Path of a ring's file as in dumpcap: `NAME_00001_YYYYMMDDHHMMSS.EXT`.
fn numbered(path: &Path, number: u64, stamp: &str) -> PathBuf {
    let mut name: OsString = path.file_stem().unwrap_or_default().to_owned();
    name.push(format!("_{:05}_{stamp}", number % 100_000));
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_read_or_explained() {
        assert_eq!(
            RotationLimits::join(["duration:1.5,filesize:10, files:3"]).unwrap(),
            RotationLimits {
                duration: Some(Duration::from_millis(1500)),
                filesize: Some(10_000),
                files: Some(3),
                packets: None
            }
        );
        assert_eq!(
            RotationLimits::join(["packets:5", "files:2"])
                .unwrap()
                .ends_files()
                .unwrap()
                .packets,
            Some(5)
        );
        let says = |text| RotationLimits::join([text]).unwrap_err().to_string();
        assert_eq!(
            says("size:3"),
            "\"size:3\" is no condition: known are duration:SECONDS, filesize:KB, files:NUMBER and packets:NUMBER"
        );
        assert!(says("").contains("is no condition"));
        assert_eq!(
            says("files:0"),
            "\"files:0\": files is a whole number above 0, up to 100000"
        );
        assert_eq!(
            says("duration:-1"),
            "\"duration:-1\": duration, in seconds, is a number above 0, up to 100000000"
        );
        assert!(says("duration:nan").contains("a number above 0"));
        assert!(says("filesize:1,filesize:2").contains("given before"));
        assert_eq!(
            RotationLimits::join(["files:3"]).unwrap().ends_files(),
            Err(LimitError::FilesAlone)
        );
    }

    #[test]
    fn files_are_named_as_dumpcap_names_them() {
        let name = |path: &str| {
            numbered(Path::new(path), 7, "20240102030405")
                .to_string_lossy()
                .into_owned()
        };
        assert_eq!(
            name("/tmp/a.b.pcapng"),
            "/tmp/a.b_00007_20240102030405.pcapng"
        );
        assert_eq!(name("out"), "out_00007_20240102030405");
    }

    #[test]
    fn a_ring_keeps_the_newest() {
        let mut ring = Ring::new(
            Path::new("x"),
            RotationLimits::join(["packets:1,files:2"]).unwrap(),
        );
        let dropped: Vec<_> = (0..4).map(|_| ring.next("s").1).collect();
        assert_eq!(
            dropped,
            [
                None,
                None,
                Some("x_00001_s".into()),
                Some("x_00002_s".into())
            ]
        );
    }
}
