//! Detects captures that overlap: in time, or because frames are in more than one.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::hash::BuildHasher;
use std::path::{Path, PathBuf};

use foldhash::fast::FixedState;

use super::error::FileName;
use super::time::Timestamp;

/// Most pairs of captures that are counted one by one.
const PAIRS: usize = 1 << 10;

/// Most frames with the same time that are compared with each other.
const SAME_TIME: usize = 64;

/// What is known of the captures while their frames are merged in the order of time.
#[derive(Debug, Default)]
pub struct Overlaps {
    captures: Vec<Seen>,
    /// The frames with the current time: each with the index of its capture and the hash of its bytes.
    now: Vec<(usize, u64)>,
    time: Timestamp,
    /// Number of frames that are in both captures of a pair.
    common: BTreeMap<[usize; 2], u64>,
}

#[derive(Debug)]
struct Seen {
    path: PathBuf,
    /// Earliest and latest time.
    times: Option<[Timestamp; 2]>,
}

impl Overlaps {
    /// Adds a capture, before its frames.
    pub(super) fn add(&mut self, path: &Path) {
        let path = path.to_owned();
        self.captures.push(Seen { path, times: None });
    }

    /// Processes the next frame, which is from the capture with this index.
    pub(super) fn frame(&mut self, capture: usize, time: Timestamp, octets: &[u8]) {
        let [first, last] = self.captures[capture].times.get_or_insert([time, time]);
        *first = time.min(*first);
        *last = time.max(*last);
        if time != self.time {
            self.time = time;
            self.now.clear();
        }
        let hash = FixedState::default().hash_one(octets);
        let is_same = |(other, of_other): &(usize, u64)| *other != capture && *of_other == hash;
        if let Some(at) = self.now.iter().position(is_same) {
            // A frame of one capture matches only one of the other's.
            let (other, _) = self.now.swap_remove(at);
            let pair = [capture.min(other), capture.max(other)];
            if self.common.len() < PAIRS || self.common.contains_key(&pair) {
                *self.common.entry(pair).or_default() += 1;
            }
        } else if self.now.len() < SAME_TIME {
            self.now.push((capture, hash));
        }
    }

    /// The overlap described in a clause that begins a line; `None` if the captures do not overlap.
    #[must_use]
    pub fn sentence(&self) -> Option<String> {
        let pairs = self.pairs();
        let first = pairs.first()?;
        let name = |index: usize| FileName(self.captures[index].path.clone());
        let common: u64 = self.common.values().sum();
        let mut text = if pairs.len() == 1 {
            format!("{} and {} overlap in time", name(first[0]), name(first[1]))
        } else {
            let mut all: Vec<usize> = pairs.iter().flatten().copied().collect();
            all.sort_unstable();
            all.dedup();
            format!(
                "{} of the {} captures overlap in time, among them {} and {}",
                all.len(),
                self.captures.len(),
                name(first[0]),
                name(first[1])
            )
        };
        let two = if pairs.len() == 1 {
            "both"
        } else {
            "two of them"
        };
        // Writing to a string cannot fail.
        let _ = match common {
            0 => Ok(()),
            1 => write!(text, "; 1 frame is in {two}, which counts as retransmitted"),
            more => write!(
                text,
                "; {more} frames are in {two}, which counts as retransmitted"
            ),
        };
        Some(text)
    }

    /// The overlapping pairs, those with the most frames in common first.
    fn pairs(&self) -> Vec<[usize; 2]> {
        let mut pairs = Vec::new();
        let mut by_start: Vec<(Timestamp, Timestamp, usize)> = self
            .captures
            .iter()
            .enumerate()
            .filter_map(|(index, seen)| seen.times.map(|[first, last]| (first, last, index)))
            .collect();
        by_start.sort_unstable();
        for (at, (_, last, index)) in by_start.iter().enumerate() {
            let others = by_start[at + 1..].iter();
            for (_, _, other) in others.take_while(|(first, ..)| first < last) {
                pairs.push([*index.min(other), *index.max(other)]);
            }
            if pairs.len() > PAIRS {
                break;
            }
        }
        pairs.extend(self.common.keys());
        pairs.sort_unstable();
        pairs.dedup();
        pairs.sort_by_key(|pair| std::cmp::Reverse(self.common.get(pair).copied().unwrap_or(0)));
        pairs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(captures: usize, frames: &[(usize, i64, &[u8])]) -> Option<String> {
        let mut overlaps = Overlaps::default();
        for index in 0..captures {
            overlaps.add(Path::new(&format!("{index}.pcap")));
        }
        for (capture, time, octets) in frames {
            overlaps.frame(*capture, Timestamp(*time), octets);
        }
        overlaps.sentence()
    }

    #[test]
    fn captures_one_after_the_other_are_nothing_to_say() {
        assert_eq!(said(2, &[(0, 1, b"a"), (0, 2, b"b"), (1, 2, b"c")]), None);
        assert_eq!(said(3, &[]), None);
    }

    #[test]
    fn an_overlap_and_a_copy_are_said() {
        assert_eq!(
            said(2, &[(0, 1, b"a"), (1, 2, b"b"), (0, 3, b"c")]).as_deref(),
            Some(r#""0.pcap" and "1.pcap" overlap in time"#)
        );
        let twice = [
            (0, 1, &b"a"[..]),
            (0, 1, b"b"),
            (1, 1, b"b"),
            (1, 1, b"a"),
            (0, 2, b"x"),
        ];
        assert_eq!(
            said(2, &twice).as_deref(),
            Some(
                r#""0.pcap" and "1.pcap" overlap in time; 2 frames are in both, which counts as retransmitted"#
            )
        );
        assert_eq!(
            said(
                4,
                &[
                    (0, 1, b"a"),
                    (1, 2, b"b"),
                    (2, 3, b"c"),
                    (0, 4, b"c"),
                    (3, 9, b"d")
                ]
            )
            .as_deref(),
            Some(r#"3 of the 4 captures overlap in time, among them "0.pcap" and "1.pcap""#)
        );
    }
}
